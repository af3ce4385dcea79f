/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pkt: one SIP datagram on its way through the helper.
 *
 * The pipeline of helper.c hands the same struct cg_pkt to each step. There
 * is one for each processor; bottom halves are off from cg_pkt_get() to
 * cg_pkt_put(). Message text is reached by offsets from p->data only; p->data
 * is set again after anything that may move the packet.
 *
 * A message that the router itself relays has neither packet nor conntrack
 * here: relayed.c makes its struct cg_pkt from the two ends of its way.
 */
#ifndef _CG_PKT_H
#define _CG_PKT_H

#include <linux/skbuff.h>
#include <net/netfilter/nf_conntrack.h>

#include "call.h"
#include "txn.h"
#include "binding.h"
#include "sip/msg.h"
#include "sip/hdr.h"
#include "sip/body.h"
#include "sip/edit.h"
#include "sip/sdp.h"

/* What a step says. Nothing is ever dropped here. */
enum cg_verdict {
	CG_NEXT,	/* go on */
	CG_PASS,	/* the message goes out as it came in; p->reason says why */
};

#define CG_DATAGRAM_MAX 65535

struct cg_pkt {
	struct sk_buff *skb;	/* NULL: relayed */
	struct nf_conn *ct;	/* NULL: relayed */
	struct dst_entry *way;	/* by which it leaves; may be NULL */
	struct cg_net *cn;
	enum ip_conntrack_info ctinfo;
	unsigned int protoff;	/* of the UDP header */
	u32 off, len;		/* of the payload */
	const u8 *data;
	u8 *out;		/* CG_DATAGRAM_MAX bytes */
	u8 family;
	bool rule_open;		/* helper callgate-open */
	bool open_only;		/* look, never edit: by the helper or by a mode */
	bool busy;		/* in use on this processor */

	/* Before and after NAT, in the direction of this packet. */
	struct cg_ep src_old, src_new, dst_old, dst_new;
	bool snat, dnat;	/* sender hidden, receiver hidden */
	u8 dir;			/* relayed only: enum cg_dir, of a call that it begins */
	u64 branch;		/* relayed only: see cg_branch() */

	enum cg_reason reason;
	bool keep_body;		/* signed, encoded or covered by auth-int */
	bool auth_int;		/* the last of these */
	struct cg_call *call;	/* valid under cn->lock */
	struct cg_txn *txn;
	struct cg_pin *contact_pin;	/* of the hidden side's Contact; valid under cn->lock */
	u8 side, leg;		/* of the call, who sent it and on which dialog */
	bool began;		/* this message began the call */
	bool replied;		/* the other side's first message */
	u16 forced_port;	/* deliver a response here (RFC 3261 18.2.2); 0: no */

	u32 keep;		/* seconds the signalling flow is needed; 0: as it is */
	u8 ncontacts;		/* of a REGISTER */
	bool star;
	struct cg_contact contact[CG_REG_CONTACTS];

	/* of translate.c: the last address that was printed, Via and Contact mostly say the same */
	struct cg_ep printed;
	struct cg_text text;
	bool text_port;

	u64 call_id;		/* of p->call, for the trace, after the lock; 0: none */
	struct sk_buff *trace;	/* begun by cg_trace_edits(), or NULL */
	/* of media.c: too large for the stack */
	struct sip_body parts;
	struct sip_sdp sdp;
	struct sip_sdp_media m;

	struct sip_msg msg;
	struct sip_msg after;	/* the edited message, parsed again */
	struct sip_edits edits;
};

int cg_pkt_init(void);
void cg_pkt_fini(void);

/* This processor's packet, or NULL when it is in use (a hook within a hook). */
struct cg_pkt *cg_pkt_get(void);
void cg_pkt_put(struct cg_pkt *p);

/* UDP, whole, not GSO, a SIP start line; p->data, tuples and NAT flags. */
int cg_frame(struct cg_pkt *p);
/* Builds, parses again, compares, replaces the payload once. */
int cg_emit(struct cg_pkt *p);

/* Can a payload of @len bytes with this first one be a message? A method, or CRLFs before it. */
static inline bool cg_may_begin(u8 c, u32 len)
{
	return sip_is(c, SIP_C_TOKEN) || (c == '\r' && len > 4);
}

static inline int cg_pass(struct cg_pkt *p, enum cg_reason why)
{
	p->reason = why;
	return CG_PASS;
}

/*
 * Hash of a slice of the message with the secret of the namespace. Who can make
 * two texts collide gains nothing over using the same text twice: limits are
 * per host, and tables of one host's texts are bounded.
 */
u64 cg_hash_str(const struct cg_pkt *p, struct sip_str s);
/* For chains: @seed is mixed in. */
u64 cg_hash_more(const struct cg_pkt *p, struct sip_str s, u64 seed);
/* The same for an address. */
u64 cg_hash_addr(const struct cg_net *cn, const struct cg_ep *ep, u64 seed);

/* The same for a request and its responses, another for each fork. */
static inline u64 cg_branch(const struct cg_pkt *p)
{
	return p->ct ? cg_hash_str(p, p->msg.via.branch) : p->branch;
}

static inline void cg_pkt_begin(struct cg_pkt *p)
{
	p->reason = CG_R_NONE;
	p->call = NULL;
	p->call_id = 0;
	p->txn = NULL;
	p->contact_pin = NULL;
	p->data = NULL;
	p->len = 0;
	p->began = false;
	p->replied = false;
	p->forced_port = 0;
	p->keep = 0;
	p->text.len = 0;
	p->ncontacts = 0;
	p->star = false;
	sip_edit_init(&p->edits);
}

#endif
