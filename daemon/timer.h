/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer: a wheel for the timers of transactions and bindings. Starting and stopping cost the same
 * whatever their number (measured reasons: a heap costs 0.4 us at 200,000). Grain 10 ms; a timer
 * fires up to one grain late, never early. Embedded in its owner; zeroed is "not running".
 */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
	struct timer *next, **link;
	uint64_t at;			/* loop_now() milliseconds */
	void (*fn)(struct timer *t);	/* the owner is found by container_of; may free it */
};

/* Starts or moves. Any distance: far timers cascade. */
void timer_set(struct timer *t, uint64_t at, void (*fn)(struct timer *t));
void timer_stop(struct timer *t);
static inline bool timer_runs(const struct timer *t)
{
	return t->link != (void *)0;
}

/* Fires what is due at @now; called by the loop. */
void timer_run(uint64_t now);
/* Milliseconds until timer_run() is of use; at most 1000. */
uint32_t timer_wait(uint64_t now);

#endif
