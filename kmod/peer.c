// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the other side's session description says: where it receives, which is
 * also where its media is expected from.
 */
#include "bind.h"
#include "descr.h"
#include "expect.h"
#include "offer.h"
#include "pkt.h"
#include "site.h"

/*
 * The endpoint that the receiver is to see: of a phone of this site its own.
 * *@ep is what was written, and becomes what is meant.
 */
static bool put_back(const struct cg_descr *d, struct cg_ep *ep)
{
	const struct cg_pin *pin = d->site ? cg_site_public(d->p->cn, ep) : NULL;

	if (!pin)
		return false;
	*ep = pin->in;
	return true;
}

static int put_both(struct cg_descr *d, struct sip_str addr, struct sip_str port,
		    const struct cg_ep *ep, u8 field)
{
	struct sip_why why = { .why = CG_R_EDIT_SITE, .field = field };
	int v = cg_descr_addr(d, addr, ep, why);

	return v == CG_NEXT ? cg_descr_port(d, port, ep, why) : v;
}

static int candidate(struct cg_descr *d, const struct sip_sdp_attr *a)
{
	struct cg_pkt *p = d->p;
	struct sip_sdp_cand c;
	struct cg_ep ep;
	int v = CG_NEXT;

	if (sip_sdp_cand_parse(p->data, a->value, &c) ||
	    !cg_descr_ep(c.kind, c.bytes, c.l4, c.port_num, &ep))
		return CG_NEXT;
	if (put_back(d, &ep))
		v = put_both(d, c.addr, c.port, &ep, SIP_FIELD_SDP_CANDIDATE);
	cg_far_set(p, d->stream, (u8)min_t(u16, c.component, CG_COMP_RTCP), &ep, true);
	return v;
}

static int candidates(struct cg_descr *d)
{
	struct sip_iter it = sip_iter(d->p->m.section);
	struct sip_sdp_attr a;
	int v = CG_NEXT;

	if (!d->p->m.n_candidates)
		return CG_NEXT;
	while (v == CG_NEXT && sip_sdp_attr_next(d->p->data, &it, &a))
		if (a.id == SIP_A_CANDIDATE)
			v = candidate(d, &a);
	return v;
}

static int rtcp(struct cg_descr *d, const struct cg_ep *written)
{
	const struct sip_sdp_media *m = &d->p->m;
	const struct sip_sdp_rtcp *r = &m->rtcp;
	struct sip_why why = SIP_WHY(SDP_RTCP, CG_R_EDIT_SITE);
	struct cg_ep ep = cg_ep_at(written, m->has_rtcp ? r->port_num : m->port_num + 1);
	int v = CG_NEXT;

	if (m->proto_id != SIP_PROTO_RTP || (m->has_rtcp && !r->port_num))
		return CG_NEXT;
	if (m->has_rtcp && r->has_addr &&
	    !cg_descr_ep(r->addr.kind, r->addr.bytes, m->l4, r->port_num, &ep))
		return CG_NEXT;
	if (put_back(d, &ep) && m->has_rtcp) {
		v = cg_descr_port(d, r->port, &ep, why);
		if (v == CG_NEXT && r->has_addr)
			v = cg_descr_addr(d, r->addr.addr, &ep, why);
	}
	cg_far_set(d->p, d->stream, CG_COMP_RTCP, &ep, false);
	return v;
}

/* c= and m=; the session's c= serves several sections, and is edited once. */
static int put_default(struct cg_descr *d, const struct cg_ep *ep)
{
	const struct sip_sdp_media *m = &d->p->m;
	int v = CG_NEXT;

	if (m->n_conn || !d->conn_done)
		v = cg_descr_addr(d, m->conn.addr, ep, SIP_WHY(SDP_C, CG_R_EDIT_SITE));
	d->conn_done |= !m->n_conn;
	return v == CG_NEXT ? cg_descr_port(d, m->port, ep, SIP_WHY(SDP_M, CG_R_EDIT_SITE)) : v;
}

int cg_peer_media(struct cg_descr *d)
{
	struct cg_pkt *p = d->p;
	const struct sip_sdp_media *m = &p->m;
	struct cg_ep ep, written;
	int v;

	if (!m->port_num) {
		cg_offer_reject(p, d->stream);
		return CG_NEXT;
	}
	if (m->conn.any) {
		cg_offer_keep(p, d->stream);
		return CG_NEXT;
	}
	v = candidates(d);
	if (v != CG_NEXT || !cg_descr_ep(m->conn.kind, m->conn.bytes, m->l4, m->port_num, &ep))
		return v;
	written = ep;
	if (put_back(d, &ep))
		v = put_default(d, &ep);
	cg_far_set(p, d->stream, m->proto_id == SIP_PROTO_RTP ? CG_COMP_RTP : 0, &ep, false);
	return v == CG_NEXT ? rtcp(d, &written) : v;
}

void cg_peer_tell(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	struct cg_pin *pin;

	list_for_each_entry(pin, &call->pins, owner) {
		const struct cg_far *told;

		if (pin->side == p->side)
			continue;
		told = cg_call_told(call, pin, NULL);
		if (told)
			cg_bind_displace(pin, &told->ep);
		if (pin->published)
			cg_expect_publish(pin, p->ct);
	}
}
