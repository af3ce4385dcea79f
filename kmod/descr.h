/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * descr: one session description on its way through media.c (the sender's own
 * addresses) and peer.c (the other side's). Under cn->lock.
 */
#ifndef _CG_DESCR_H
#define _CG_DESCR_H

#include "ep.h"
#include "reasons.h"
#include "sip/edit.h"

struct cg_pkt;

/* p->sdp is the description, p->m the section at hand. */
struct cg_descr {
	struct cg_pkt *p;
	u16 stream;	/* number of the section, over all parts of the message */
	bool own;	/* the sender's addresses are to be opened */
	bool edit;	/* and become public ones */
	bool site;	/* the other side is a phone here: its own addresses are put back */
	bool conn_done;	/* the session's c= is edited */
	struct cg_text shown;	/* the sender's public address; len 0: not printed yet */
};

/* An address of a description as an endpoint; false: a name, or no transport that is known. */
bool cg_descr_ep(u8 kind, const u8 *bytes, u8 l4, u16 port, struct cg_ep *ep);
/* Edits the address or the port at @at to that of @to. CG_NEXT, or CG_PASS: no room. */
int cg_descr_addr(struct cg_descr *d, struct sip_str at, const struct cg_ep *to,
		  struct sip_why why);
int cg_descr_port(struct cg_descr *d, struct sip_str at, const struct cg_ep *to,
		  struct sip_why why);

/* Who will send, and where it is expected from: the section as a peer sees it. */
int cg_peer_media(struct cg_descr *d);
/* New peers are known: pinholes of the other side are narrowed, and stale flows go. */
void cg_peer_tell(struct cg_pkt *p);

#endif
