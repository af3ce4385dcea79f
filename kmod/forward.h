/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * forward: what comes to the router's own address ends here and starts again,
 * if it is simple; else it goes on to the daemon's socket, from which this is
 * called (encap_rcv), after the firewall's INPUT rules. RFC 3261 16, by
 * sip/relay.h, without transaction state but for who owns it (owner.h), and
 * without dialogs but for those that lose their way (parties.h).
 *
 * One context for each processor, bottom halves off meanwhile. RCU's read lock
 * is held throughout. A datagram is sent or handed up as a whole; nothing is
 * ever put back into the network's input.
 */
#ifndef _CG_FORWARD_H
#define _CG_FORWARD_H

#include <linux/skbuff.h>

#include "attach.h"
#include "gate.h"
#include "location.h"
#include "owner.h"
#include "sip/aor.h"
#include "sip/msg.h"
#include "sip/relay.h"

#define CG_FORWARD_MAX 65507	/* bytes of a UDP payload */

enum cg_fate {
	CG_SENT,	/* on its way again */
	CG_UP,		/* the daemon's socket gets it; f->why says why */
	CG_GONE,	/* dropped, or absorbed */
	CG_ASK,		/* the daemon must say where the user of f->aor is */
};

struct cg_fwd {
	bool busy;
	struct cg_gate *gate;
	const struct cg_rules *rules;
	struct sock *sk;
	u8 sock_id;
	struct cg_flow in;	/* as it came */
	bool inside;
	const u8 *data;
	u32 len;
	enum cg_reason why;
	u64 txn;
	struct cg_way way;
	u8 naor;
	u8 aor[SIP_AOR_MAX];
	struct sip_relay relay;
	struct sip_msg msg;
	struct sip_msg after;
	struct sip_edits edits;
	u8 out[CG_FORWARD_MAX];
};

static inline enum cg_fate cg_up(struct cg_fwd *f, enum cg_reason why)
{
	f->why = why;
	return CG_UP;
}

/* The contexts; once, by the first gate. Process context. */
int cg_forward_init(void);
void cg_forward_fini(void);

/* encap_rcv: 0: taken; 1: the socket's. */
int cg_forward_receive(struct sock *sk, struct sk_buff *skb);

/* What was found out about a datagram that waits; its bytes stay as they are. */
struct cg_parsed {
	u64 txn;
	u32 rules;	/* number of those it was found out by */
	u32 len;	/* of the message */
	u64 data[];	/* struct sip_relay but its text; struct sip_msg but unused headers */
};

/* To be freed by kfree(); NULL: no memory. Its bytes are in *@size. */
struct cg_parsed *cg_forward_keep(const struct cg_fwd *f, u32 *size);

/*
 * A datagram that waited goes to @loc, or is the daemon's from now on (NULL). Without @parsed it is
 * found out again. Process context; the caller frees both.
 */
void cg_forward_answered(struct cg_sock *ks, const struct sk_buff *skb,
			 const struct cg_parsed *parsed, const struct cg_location *loc);

#endif
