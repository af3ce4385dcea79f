// SPDX-License-Identifier: GPL-2.0-only
#include "compat.h"
#include "net.h"
#include "call.h"
#include "binding.h"
#include "txn.h"

static struct hlist_head *slot_of(struct cg_wheel *w, u32 due)
{
	/* what is overdue goes to the next slot that is looked at */
	if ((s32)(due - w->last) <= 0)
		due = w->last + 1;
	return &w->slot[due & (CG_WHEEL_SLOTS - 1)];
}

static void enqueue(struct cg_wheel *w, struct cg_timer *t)
{
	hlist_add_head(&t->node, slot_of(w, t->due));
	w->armed++;
}

static void expire(struct cg_timer *t)
{
	switch ((enum cg_timer_kind)t->kind) {
	case CG_TIMER_CALL:
		cg_call_expire(container_of(t, struct cg_call, timer));
		break;
	case CG_TIMER_PIN:
		cg_pin_expire(container_of(t, struct cg_pin, timer));
		break;
	case CG_TIMER_BINDING:
		cg_binding_expire(container_of(t, struct cg_binding, timer));
		break;
	case CG_TIMER_TXN:
		cg_txn_expire(container_of(t, struct cg_txn, timer));
		break;
	}
}

/* Expiring one entry may take others off any list: always go on with the first. */
static void run_slot(struct cg_wheel *w, u32 slot, u32 now)
{
	HLIST_HEAD(due);

	hlist_move_list(&w->slot[slot & (CG_WHEEL_SLOTS - 1)], &due);
	while (!hlist_empty(&due)) {
		struct cg_timer *t = hlist_entry(due.first, struct cg_timer, node);

		hlist_del_init(&t->node);
		w->armed--;
		if ((s32)(t->due - now) > 0)
			enqueue(w, t);
		else
			expire(t);
	}
}

static void tick(struct timer_list *timer)
{
	struct cg_wheel *w = container_of(timer, struct cg_wheel, tick);
	struct cg_net *cn = container_of(w, struct cg_net, wheel);
	u32 now = cg_now(), from, n;

	rcu_read_lock();
	spin_lock(&cn->lock);
	from = w->last + 1;
	n = now - w->last;
	if (n > CG_WHEEL_SLOTS) {
		from = now - CG_WHEEL_SLOTS + 1;
		n = CG_WHEEL_SLOTS;
	}
	w->last = now;
	for (; n; n--)
		run_slot(w, from++, now);
	if (w->armed && !cn->dying)
		mod_timer(&w->tick, jiffies + HZ);
	spin_unlock(&cn->lock);
	rcu_read_unlock();
}

void cg_wheel_init(struct cg_wheel *w)
{
	int i;

	for (i = 0; i < CG_WHEEL_SLOTS; i++)
		INIT_HLIST_HEAD(&w->slot[i]);
	timer_setup(&w->tick, tick, 0);
	w->last = cg_now();
	w->armed = 0;
}

void cg_wheel_fini(struct cg_wheel *w)
{
	cg_timer_shutdown(&w->tick);
}

void cg_timer_set(struct cg_wheel *w, struct cg_timer *t, u32 seconds)
{
	struct cg_net *cn = container_of(w, struct cg_net, wheel);
	/* the present second is under way already: never too early */
	u32 due = cg_now() + seconds + 1;
	bool later = !hlist_unhashed(&t->node) && (s32)(due - t->due) >= 0;

	t->due = due;
	if (later)
		return;
	cg_timer_stop(w, t);
	if (cn->dying)
		return;
	if (!w->armed)
		w->last = cg_now();
	enqueue(w, t);
	if (!timer_pending(&w->tick))
		mod_timer(&w->tick, jiffies + HZ);
}

void cg_timer_stop(struct cg_wheel *w, struct cg_timer *t)
{
	if (hlist_unhashed(&t->node))
		return;
	hlist_del_init(&t->node);
	w->armed--;
}

u32 cg_timer_left(const struct cg_timer *t)
{
	s32 left = (s32)(t->due - cg_now());

	return hlist_unhashed(&t->node) || left < 0 ? 0 : (u32)left;
}
