// SPDX-License-Identifier: GPL-2.0-only
/*
 * events: numbers, queue and rate of what is told to listeners; genl.c knows the wire.
 */
#include <linux/jiffies.h>

#include "binding.h"
#include "call.h"
#include "events.h"
#include "genl.h"
#include "net.h"
#include "pinhole.h"
#include "pkt.h"

/* About 4 MiB at worst: what a listener may be behind before it has to dump again. */
#define QUEUE_MAX 1024

static inline u8 *group_of(struct sk_buff *skb)
{
	return (u8 *)skb->cb;
}

static void events_work(struct work_struct *work)
{
	struct cg_net *cn = container_of(work, struct cg_net, events.work);
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&cn->events.queue)))
		cg_genl_send(cn, skb, *group_of(skb));
}

void cg_events_init(struct cg_net *cn)
{
	skb_queue_head_init(&cn->events.queue);
	INIT_WORK(&cn->events.work, events_work);
	atomic64_set(&cn->events.trace_seq, 0);
}

void cg_events_fini(struct cg_net *cn)
{
	WRITE_ONCE(cn->events.dying, true);
	cancel_work_sync(&cn->events.work);
	events_work(&cn->events.work);
}

/* Takes the buffer; NULL is a message for which there was no memory. */
static void enqueue(struct cg_net *cn, struct sk_buff *skb, u8 group)
{
	if (!skb)
		return;
	if (skb_queue_len_lockless(&cn->events.queue) >= QUEUE_MAX) {
		kfree_skb(skb);
		return;
	}
	*group_of(skb) = group;
	skb_queue_tail(&cn->events.queue, skb);
	if (!READ_ONCE(cn->events.dying))
		schedule_work(&cn->events.work);
}

/* Numbers go on without listeners: a dump and the events after it must fit together. */
static bool event_note(struct cg_net *cn, struct cg_note *note, u8 kind, enum cg_reason why)
{
	lockdep_assert_held(&cn->lock);
	note->seq = ++cn->event_seq;
	note->kind = kind;
	note->why = why;
	return cg_genl_listening(cn, CG_GROUP_EVENTS);
}

void cg_event_call(const struct cg_call *call, u8 kind, enum cg_reason why)
{
	struct cg_note note;

	if (unlikely(event_note(call->cn, &note, kind, why)))
		enqueue(call->cn, cg_genl_call(call, &note), CG_GROUP_EVENTS);
}

void cg_event_binding(const struct cg_binding *b, u8 kind, enum cg_reason why)
{
	struct cg_note note;

	if (unlikely(event_note(b->cn, &note, kind, why)))
		enqueue(b->cn, cg_genl_binding(b, &note), CG_GROUP_EVENTS);
}

void cg_event_limit(struct cg_net *cn, const struct cg_ep *host, enum cg_reason why)
{
	u64 *told, now = get_jiffies_64();
	struct cg_note note;

	if (WARN_ON_ONCE(why < CG_R_LIMIT_HOST_CALLS || why >= CG_R_COUNT))
		return;
	told = &cn->events.limit_told[why - CG_R_LIMIT_HOST_CALLS];
	if (*told && time_before64(now, *told + HZ))
		return;
	*told = now;
	if (unlikely(event_note(cn, &note, CALLGATE_EVENT_LIMIT, why)))
		enqueue(cn, cg_genl_limit(host, &note), CG_GROUP_EVENTS);
}

/* Every packet wants to know: netlink is asked once a tick. */
static bool is_traced(struct cg_net *cn)
{
	u32 now = (u32)jiffies;

	if (likely(this_cpu_read(cn->counters->untraced) == now))
		return false;
	if (cg_genl_listening(cn, CG_GROUP_TRACE))
		return true;
	this_cpu_write(cn->counters->untraced, now);
	return false;
}

void cg_trace_pin(const struct cg_pin *pin, u8 kind, enum cg_reason why)
{
	struct cg_note note = { .kind = kind, .why = why };

	if (likely(!is_traced(pin->cn)))
		return;
	note.seq = atomic64_inc_return(&pin->cn->events.trace_seq);
	enqueue(pin->cn, cg_genl_pin(pin, &note), CG_GROUP_TRACE);
}

void cg_trace_refused(const struct cg_call *call, const struct cg_ep *in, enum cg_reason why)
{
	struct cg_note note = { .kind = CALLGATE_TRACE_PIN_REFUSED, .why = why };

	if (likely(!is_traced(call->cn)))
		return;
	note.seq = atomic64_inc_return(&call->cn->events.trace_seq);
	enqueue(call->cn, cg_genl_refused(call, in, &note), CG_GROUP_TRACE);
}

static void trace_begin(struct cg_pkt *p)
{
	p->trace = cg_genl_trace(p, atomic64_inc_return(&p->cn->events.trace_seq));
}

void cg_trace_edits(struct cg_pkt *p)
{
	if (unlikely(is_traced(p->cn)))
		trace_begin(p);
}

void cg_trace_done(struct cg_pkt *p, u8 verdict)
{
	if (likely(!p->trace && !is_traced(p->cn)))
		return;
	/* An edited message has lost its old text: too late to begin. */
	if (!p->trace && verdict != CALLGATE_VERDICT_EDIT)
		trace_begin(p);
	if (!p->trace)
		return;
	cg_genl_trace_end(p->trace, p, verdict);
	enqueue(p->cn, p->trace, CG_GROUP_TRACE);
	p->trace = NULL;
}
