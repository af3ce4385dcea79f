// SPDX-License-Identifier: GPL-2.0-only
#include "pkt.h"
#include "policy.h"

int cg_policy(struct cg_pkt *p)
{
	const struct sip_msg *m = &p->msg;

	p->keep_body = false;
	p->auth_int = false;
	if (!m->body.len)
		return CG_NEXT;
	if (sip_has_auth_int(m)) {
		cg_count(p->cn, CG_R_AUTH_INT);
		p->keep_body = true;
		p->auth_int = true;
	} else if (m->ctype.class == SIP_MEDIA_SIGNED) {
		cg_count(p->cn, CG_R_SIGNED_BODY);
		p->keep_body = true;
	} else if (sip_msg_header(m, SIP_H_CONTENT_ENCODING)) {
		cg_count(p->cn, CG_R_ENCODED_BODY);
		p->keep_body = true;
	}
	return CG_NEXT;
}
