// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jhash.h>
#include <linux/slab.h>

#include "compat.h"
#include "genl.h"
#include "hold.h"

#define TOGETHER 32	/* datagrams that wait for one answer */

struct cg_question {
	struct list_head list;		/* gate->questions */
	struct sk_buff_head held;	/* the first one is what the daemon got */
	unsigned long due;		/* jiffies */
	u64 id;
	u32 hash;
	u8 sock_id;
	u8 naor;
	u8 aor[];
};

/* In the control block of what waits. */
struct held {
	u64 txn;
	struct cg_parsed *parsed;	/* or NULL */
	u32 bytes;
};

static struct held *held_of(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct held) > sizeof(skb->cb));
	return (struct held *)skb->cb;
}

static void arm(struct cg_gate *gate)
{
	struct cg_question *q;

	q = list_first_entry_or_null(&gate->questions, struct cg_question, list);
	if (q)
		mod_timer(&gate->question_timer, q->due);
}

/* Under the lock: the caller has it alone afterwards. */
static void take_out(struct cg_gate *gate, struct cg_question *q)
{
	struct sk_buff *skb;

	skb_queue_walk(&q->held, skb) {
		gate->nheld--;
		gate->held_bytes -= held_of(skb)->bytes;
	}
	list_del(&q->list);
}

static void discard(struct sk_buff *skb)
{
	kfree(held_of(skb)->parsed);
	kfree_skb(skb);
}

static void destroy(struct cg_question *q)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&q->held)))
		discard(skb);
	kfree(q);
}

/* Those due by @when, or all of them. */
static void end(struct cg_gate *gate, unsigned long when, bool all, enum cg_reason why)
{
	struct cg_question *q, *next;
	LIST_HEAD(over);

	spin_lock_bh(&gate->lock);
	list_for_each_entry_safe(q, next, &gate->questions, list) {
		if (!all && time_after(q->due, when))
			break;
		take_out(gate, q);
		list_add(&q->list, &over);
	}
	arm(gate);
	spin_unlock_bh(&gate->lock);
	list_for_each_entry_safe(q, next, &over, list) {
		cg_count(gate->cn, why);
		destroy(q);
	}
}

static void expire(struct timer_list *timer)
{
	struct cg_gate *gate = container_of(timer, struct cg_gate, question_timer);

	end(gate, jiffies, false, CG_R_FWD_UNANSWERED);
}

void cg_hold_init(struct cg_gate *gate)
{
	INIT_LIST_HEAD(&gate->questions);
	timer_setup(&gate->question_timer, expire, 0);
}

void cg_hold_drop(struct cg_gate *gate)
{
	end(gate, 0, true, CG_R_FWD_UNANSWERED);
}

void cg_hold_fini(struct cg_gate *gate)
{
	cg_hold_drop(gate);
	cg_timer_shutdown(&gate->question_timer);
}

/* ---- questions ---- */

static struct cg_question *find(struct cg_gate *gate, const struct cg_fwd *f)
{
	u32 hash = jhash(f->aor, f->naor, 0);
	struct cg_question *q;

	list_for_each_entry(q, &gate->questions, list)
		if (q->hash == hash && q->naor == f->naor && !memcmp(q->aor, f->aor, f->naor))
			return q;
	return NULL;
}

static bool waits(struct cg_question *q, u64 txn)
{
	struct sk_buff *skb;

	skb_queue_walk(&q->held, skb)
		if (held_of(skb)->txn == txn)
			return true;
	return false;
}

static bool has_room(const struct cg_gate *gate, const struct cg_rules *rules,
		     struct sk_buff *skb)
{
	return gate->nheld < rules->held &&
	       gate->held_bytes + held_of(skb)->bytes <= rules->held_bytes;
}

static void add(struct cg_gate *gate, struct cg_question *q, struct sk_buff *skb)
{
	__skb_queue_tail(&q->held, skb);
	gate->nheld++;
	gate->held_bytes += held_of(skb)->bytes;
}

/*
 * A copy that may wait: what outlives the hook must not hold on to devices, routes or sockets. It
 * shares the bytes, which nobody may change then.
 */
static struct sk_buff *copy(const struct cg_fwd *f, struct sk_buff *skb)
{
	struct sk_buff *held = skb_clone(skb, GFP_ATOMIC | __GFP_NOWARN);
	u32 size;

	if (!held)
		return NULL;
	skb_orphan(held);
	skb_dst_drop(held);
	held->dev = NULL;
	*held_of(held) = (struct held){ .txn = f->txn, .parsed = cg_forward_keep(f, &size) };
	held_of(held)->bytes = held->truesize + size;
	return held;
}

static struct cg_question *create(const struct cg_fwd *f)
{
	struct cg_question *q = kmalloc(struct_size(q, aor, f->naor), GFP_ATOMIC | __GFP_NOWARN);

	if (!q)
		return NULL;
	__skb_queue_head_init(&q->held);
	q->due = jiffies + msecs_to_jiffies(CALLGATE_LOCATE_MS);
	q->hash = jhash(f->aor, f->naor, 0);
	q->sock_id = f->sock_id;
	q->naor = f->naor;
	memcpy(q->aor, f->aor, f->naor);
	return q;
}

/* The same request again waits already; another for the same user waits too. */
static bool join(struct cg_gate *gate, struct cg_question *q, const struct cg_fwd *f,
		 struct sk_buff *skb)
{
	if (waits(q, f->txn)) {
		discard(skb);
		return true;
	}
	if (skb_queue_len(&q->held) >= TOGETHER || !has_room(gate, f->rules, skb))
		return false;
	add(gate, q, skb);
	return true;
}

static bool begin(struct cg_gate *gate, const struct cg_fwd *f, struct sk_buff *skb, u64 id)
{
	struct cg_question *q = has_room(gate, f->rules, skb) ? create(f) : NULL;

	if (!q)
		return false;
	q->id = id;
	list_add_tail(&q->list, &gate->questions);
	add(gate, q, skb);
	arm(gate);
	return true;
}

/* By its number: the caller has it alone. NULL: it is over. */
static struct cg_question *take(struct cg_gate *gate, u64 id)
{
	struct cg_question *q;

	spin_lock_bh(&gate->lock);
	list_for_each_entry(q, &gate->questions, list) {
		if (q->id != id)
			continue;
		take_out(gate, q);
		spin_unlock_bh(&gate->lock);
		return q;
	}
	spin_unlock_bh(&gate->lock);
	return NULL;
}

/* The copy @held waits from here on. 1: with another; 2: a new question; 0: it may not. */
static int enter(struct cg_fwd *f, struct sk_buff *held, u64 id)
{
	struct cg_gate *gate = f->gate;
	struct cg_question *q;
	int how;

	spin_lock_bh(&gate->lock);
	q = find(gate, f);
	if (q)
		how = join(gate, q, f, held) ? 1 : 0;
	else
		how = begin(gate, f, held, id) ? 2 : 0;
	spin_unlock_bh(&gate->lock);
	return how;
}

/* It waits before it is told: the answer finds it. */
static bool tell(struct cg_gate *gate, struct sk_buff *message, u64 id)
{
	struct cg_question *q;

	if (cg_genl_tell(gate, message))
		return true;
	q = take(gate, id);
	if (q)
		destroy(q);
	return false;
}

/* A copy waits, so that the datagram is still whole when nobody can be asked. */
bool cg_hold_ask(struct cg_fwd *f, struct sk_buff *skb)
{
	struct cg_gate *gate = f->gate;
	struct sk_buff *held, *message;
	u64 id;
	int how;

	if (f->len > CALLGATE_DATAGRAM_MAX || !READ_ONCE(gate->daemon))
		return false;
	id = atomic64_inc_return(&gate->last_question);
	held = copy(f, skb);
	message = held ? cg_genl_question(f, id) : NULL;
	how = message ? enter(f, held, id) : 0;
	if (!how && held)
		discard(held);
	if (how != 2)
		kfree_skb(message);
	if (!how || (how == 2 && !tell(gate, message, id)))
		return false;
	cg_count(gate->cn, CG_R_FWD_ASKED);
	consume_skb(skb);
	return true;
}

/* ---- answers ---- */

int cg_hold_answer(struct cg_gate *gate, u64 id, u8 verdict, const struct cg_location *loc)
{
	struct cg_question *q = take(gate, id);
	struct cg_sock *ks;
	struct sk_buff *skb;

	if (!q)
		return -ENOENT;
	ks = cg_attach_at(gate, q->sock_id);
	while (ks && verdict != CALLGATE_LOCATE_DROP) {
		skb = __skb_dequeue(&q->held);
		if (!skb)
			break;
		cg_forward_answered(ks, skb, held_of(skb)->parsed, loc);
		discard(skb);
		/* the daemon has a copy of the first one only */
		if (verdict == CALLGATE_LOCATE_MINE)
			break;
	}
	cg_count(gate->cn, verdict == CALLGATE_LOCATE_DROP ? CG_R_FWD_DENIED : CG_R_FWD_ANSWERED);
	destroy(q);
	return 0;
}
