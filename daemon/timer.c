/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include "timer.h"

/*
 * Four levels of 256 slots: 2.56 s, 11 minutes, 46 hours, 497 days. A timer is in the level of its
 * distance when it was placed, and moves down when its slot comes up; what is farther than the last
 * level is placed in it again and again.
 */
#define GRAIN 10
#define BITS 8
#define SLOTS (1u << BITS)
#define LEVELS 4
/* More ticks behind than this (suspended, or the first run): placing all again costs less. */
#define JUMP (1u << (2 * BITS))
#define WAIT_MAX 1000

static struct timer *wheel[LEVELS][SLOTS];
static uint64_t current;	/* the last tick that was run */
static size_t running;

static void link_at(struct timer *t, struct timer **head)
{
	t->next = *head;
	t->link = head;
	if (t->next)
		t->next->link = &t->next;
	*head = t;
}

static void unlink_it(struct timer *t)
{
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	t->next = NULL;
	t->link = NULL;
}

/* The first tick that begins at @at or after it. */
static uint64_t tick_of(uint64_t at)
{
	return at / GRAIN + (at % GRAIN != 0);
}

static void place(struct timer *t, uint64_t soonest)
{
	uint64_t tick = tick_of(t->at), distance;
	unsigned int level = 0;

	if (tick < soonest)
		tick = soonest;
	distance = tick - current;
	while (level < LEVELS - 1 && distance >> (BITS * (level + 1)))
		level++;
	link_at(t, &wheel[level][(tick >> (BITS * level)) % SLOTS]);
}

void timer_set(struct timer *t, uint64_t at, void (*fn)(struct timer *t))
{
	if (timer_runs(t))
		unlink_it(t);
	else
		running++;
	t->at = at;
	t->fn = fn;
	place(t, current + 1);
}

void timer_stop(struct timer *t)
{
	if (!timer_runs(t))
		return;
	unlink_it(t);
	running--;
}

/* Moves a whole slot to a list, whose timers can still be stopped. */
static void take(struct timer **from, struct timer **list)
{
	*list = *from;
	if (*list)
		(*list)->link = list;
	*from = NULL;
}

static void place_all(struct timer **from, uint64_t soonest)
{
	struct timer *list, *t;

	take(from, &list);
	while ((t = list)) {
		unlink_it(t);
		place(t, soonest);
	}
}

/* The slots of the upper levels that begin with the current tick. */
static void cascade(void)
{
	for (unsigned int level = 1; level < LEVELS; level++) {
		uint64_t index = current >> (BITS * level);

		if ((current >> (BITS * (level - 1))) % SLOTS)
			return;
		place_all(&wheel[level][index % SLOTS], current);
	}
}

static void run_tick(void)
{
	struct timer *due, *t;

	cascade();
	take(&wheel[0][current % SLOTS], &due);
	while ((t = due)) {
		unlink_it(t);
		running--;
		t->fn(t);
	}
}

static void jump_to(uint64_t tick)
{
	struct timer *all = NULL, *t;

	for (unsigned int i = 0; running && i < LEVELS * SLOTS; i++) {
		struct timer **slot = &wheel[i / SLOTS][i % SLOTS];

		while ((t = *slot)) {
			unlink_it(t);
			link_at(t, &all);
		}
	}
	current = tick;
	place_all(&all, current + 1);
}

void timer_run(uint64_t now)
{
	uint64_t tick = now / GRAIN;

	if (tick <= current)
		return;
	if (!running || tick - current > JUMP)
		jump_to(tick - 1);
	while (current < tick) {
		current++;
		run_tick();
	}
}

uint32_t timer_wait(uint64_t now)
{
	uint64_t tick = current;

	if (!running)
		return WAIT_MAX;
	while (tick * GRAIN < now + WAIT_MAX) {
		tick++;
		/* where a slot of the next level begins, timers may come down */
		if (wheel[0][tick % SLOTS] || tick % SLOTS == 0)
			break;
	}
	if (tick * GRAIN <= now)
		return 0;
	return tick * GRAIN - now < WAIT_MAX ? (uint32_t)(tick * GRAIN - now) : WAIT_MAX;
}
