/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kept: what a message names that looks private and leaves as it came, and why.
 * For explain and trace alone: nothing here runs while nobody listens.
 */
#ifndef _CG_KEPT_H
#define _CG_KEPT_H

#include "reasons.h"
#include "sip/edit.h"

struct cg_pkt;

#define CG_KEPT_MAX 24	/* of one message; what is more is left out */

struct cg_kept {
	struct sip_str at;	/* host[:port] or address, in p->data */
	enum cg_reason why;
	u8 field;		/* enum sip_field */
};

struct cg_kept_list {
	struct cg_kept item[CG_KEPT_MAX];
	u32 n;
};

/*
 * Reads the parsed message of @p once more and fills @list in the order of the
 * message's parts. p->edits must be complete. Overwrites p->sdp, p->m and p->parts.
 */
void cg_kept_find(struct cg_pkt *p, struct cg_kept_list *list);

#endif
