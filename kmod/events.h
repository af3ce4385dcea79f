/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events: what happened, told to whoever listens (groups "events" and "trace").
 *
 * The messages are made where things happen, in any context and under any lock
 * of ours, and sent by a work item of the namespace: netlink is never called
 * under cn->lock. The queue is bounded; what does not fit is lost, and the
 * listener sees the gap in the numbers. Nothing here can fail the packet path.
 * While nobody listens the cost is one test.
 */
#ifndef _CG_EVENTS_H
#define _CG_EVENTS_H

#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include "../uapi/callgate.h"
#include "reasons.h"

struct cg_net;
struct cg_pkt;
struct cg_call;
struct cg_pin;
struct cg_binding;
struct cg_ep;

/* A member of struct cg_net. */
struct cg_events {
	struct sk_buff_head queue;
	struct work_struct work;
	atomic64_t trace_seq;
	u64 limit_told[CG_R_COUNT - CG_R_LIMIT_HOST_CALLS];	/* jiffies64 of the last one */
	bool dying;
};

void cg_events_init(struct cg_net *cn);
/* Sends what is queued; nothing may happen in the namespace afterwards. */
void cg_events_fini(struct cg_net *cn);

/* @kind: CALLGATE_EVENT_CALL_*; under cn->lock; @why may be CG_R_NONE. */
void cg_event_call(const struct cg_call *call, u8 kind, enum cg_reason why);
/* @kind: CALLGATE_EVENT_BINDING_*; under cn->lock. */
void cg_event_binding(const struct cg_binding *b, u8 kind, enum cg_reason why);
/* @why: CG_R_LIMIT_*; at most one a second and limit; under cn->lock. @host may be NULL. */
void cg_event_limit(struct cg_net *cn, const struct cg_ep *host, enum cg_reason why);

/*
 * The trace of a message. cg_trace_edits() right before cg_emit() keeps the text
 * that the edits replace; it does nothing when nobody listens. cg_trace_done() at
 * the very end, for every packet: @verdict is CALLGATE_VERDICT_*, p->reason says why.
 * Both run between cg_pkt_get() and cg_pkt_put(), and may be called under cn->lock.
 */
void cg_trace_edits(struct cg_pkt *p);
void cg_trace_done(struct cg_pkt *p, u8 verdict);

/* @kind: CALLGATE_TRACE_PIN_OPEN or _CLOSE; under cn->lock. */
void cg_trace_pin(const struct cg_pin *pin, u8 kind, enum cg_reason why);
/* A pinhole that was not opened; @in may be NULL: not an address that can be. Under cn->lock. */
void cg_trace_refused(const struct cg_call *call, const struct cg_ep *in, enum cg_reason why);

#endif
