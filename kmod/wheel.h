/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wheel: deadlines of calls, pinholes, bindings and transactions.
 *
 * One tick a second while anything waits. Moving a deadline later costs one
 * store: the entry is put into its new slot when the old one comes round.
 * Everything here runs under the lock of the namespace.
 */
#ifndef _CG_WHEEL_H
#define _CG_WHEEL_H

#include <linux/list.h>
#include <linux/timer.h>
#include <linux/jiffies.h>

#define CG_WHEEL_SLOTS 512	/* seconds; a power of two */

enum cg_timer_kind { CG_TIMER_CALL, CG_TIMER_PIN, CG_TIMER_BINDING, CG_TIMER_TXN };

struct cg_timer {
	struct hlist_node node;
	u32 due;		/* second of cg_now() */
	u8 kind;		/* enum cg_timer_kind: what contains this */
};

struct cg_wheel {
	struct hlist_head slot[CG_WHEEL_SLOTS];
	struct timer_list tick;
	u32 last;		/* the second that was handled last */
	u32 armed;		/* entries in all slots */
};

/* Seconds since boot, monotonic; wraps after 136 years. */
static inline u32 cg_now(void)
{
	return (u32)div_u64(get_jiffies_64() - INITIAL_JIFFIES, HZ);
}

void cg_wheel_init(struct cg_wheel *w);
/* Waits for a running tick; nothing may set timers afterwards. Process context. */
void cg_wheel_fini(struct cg_wheel *w);

/* Due @seconds from now; replaces an earlier deadline. */
void cg_timer_set(struct cg_wheel *w, struct cg_timer *t, u32 seconds);
void cg_timer_stop(struct cg_wheel *w, struct cg_timer *t);
/* Seconds left, 0 when due. */
u32 cg_timer_left(const struct cg_timer *t);

#endif
