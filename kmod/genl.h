/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * genl: the generic netlink family of uapi/callgate.h. Only genl.c knows netlink.
 */
#ifndef _CG_GENL_H
#define _CG_GENL_H

#include <linux/skbuff.h>
#include "reasons.h"

struct net;
struct cg_net;
struct cg_pkt;
struct cg_call;
struct cg_pin;
struct cg_binding;
struct cg_ep;

enum cg_genl_group { CG_GROUP_EVENTS, CG_GROUP_TRACE };

/* After the namespaces are ready, and before they go. */
int cg_genl_init(void);
void cg_genl_fini(void);

const char *cg_reason_name(enum cg_reason reason);

/* For events.c: what a message tells, beside its object. */
struct cg_note {
	u64 seq;
	u8 kind;
	enum cg_reason why;
};

/* Does anybody listen? Any context. */
bool cg_genl_listening(const struct cg_net *cn, enum cg_genl_group group);
/* Process context; takes the buffer. */
void cg_genl_send(struct cg_net *cn, struct sk_buff *skb, enum cg_genl_group group);

/* A message ready to be sent, or NULL: no memory. Any context; under cn->lock. */
struct sk_buff *cg_genl_call(const struct cg_call *call, const struct cg_note *note);
struct sk_buff *cg_genl_binding(const struct cg_binding *b, const struct cg_note *note);
struct sk_buff *cg_genl_limit(const struct cg_ep *host, const struct cg_note *note);
struct sk_buff *cg_genl_pin(const struct cg_pin *pin, const struct cg_note *note);
struct sk_buff *cg_genl_refused(const struct cg_call *call, const struct cg_ep *in,
				const struct cg_note *note);
/* The trace of a message in two steps: while its text is unchanged, and at the end. */
struct sk_buff *cg_genl_trace(struct cg_pkt *p, u64 seq);
void cg_genl_trace_end(struct sk_buff *skb, const struct cg_pkt *p, u8 verdict);

/* For hold.c: the question @id about what @f has, or NULL; to the daemon. Any context. */
struct cg_fwd;
struct cg_gate;
struct sk_buff *cg_genl_question(const struct cg_fwd *f, u64 id);
/* False: its socket is full, or gone. Takes @skb. */
bool cg_genl_tell(const struct cg_gate *gate, struct sk_buff *skb);

#endif
