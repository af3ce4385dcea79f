/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include "loop.h"
#include "timer.h"

#define TURN_END_MAX 8

struct loop {
	struct event_base *base;
	struct event *wake;	/* for timer.c */
	uint64_t wake_at;	/* 0: not armed */
	loop_turn_fn *turn_end[TURN_END_MAX];
	size_t n_turn_end;
	bool stop;
};

struct loop_watch {
	struct event *event;
	loop_fn *fn;
	void *arg;
};

/* ---- the clock ---- */

static enum { CLOCK_READ, CLOCK_TURN, CLOCK_KEPT, CLOCK_SET } clock_state;
static uint64_t clock_now;

uint64_t loop_now(void)
{
	struct timespec ts;

	if (clock_state == CLOCK_KEPT || clock_state == CLOCK_SET)
		return clock_now;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	clock_now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	if (clock_state == CLOCK_TURN)
		clock_state = CLOCK_KEPT;
	return clock_now;
}

void loop_set_now(uint64_t ms)
{
	clock_now = ms;
	clock_state = CLOCK_SET;
}

/* ---- turns ---- */

/* It only has to end the wait. */
static void woken(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd, (void)what;
	l->wake_at = 0;
}

int loop_open(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->base = event_base_new();
	if (l->base)
		l->wake = evtimer_new(l->base, woken, l);
	if (!l->wake) {
		loop_close(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

void loop_close(struct loop *l)
{
	if (!l)
		return;
	if (l->wake)
		event_free(l->wake);
	if (l->base)
		event_base_free(l->base);
	free(l);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

int loop_at_turn_end(struct loop *l, loop_turn_fn *fn)
{
	if (l->n_turn_end == TURN_END_MAX)
		return -ENOSPC;
	l->turn_end[l->n_turn_end++] = fn;
	return 0;
}

/* What is armed and early enough stays: most turns of a busy loop change nothing. */
static int arm(struct loop *l)
{
	uint64_t now = loop_now();
	uint32_t wait = timer_wait(now);
	struct timeval tv = { .tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000 };

	if (l->wake_at && l->wake_at <= now + wait)
		return 0;
	l->wake_at = now + wait;
	return event_add(l->wake, &tv) ? -ENOMEM : 0;
}

static int turn(struct loop *l)
{
	int err = arm(l);

	if (err)
		return err;
	if (clock_state != CLOCK_SET)
		clock_state = CLOCK_TURN;
	if (event_base_loop(l->base, EVLOOP_ONCE) < 0)
		return -EIO;
	timer_run(loop_now());
	for (size_t i = 0; i < l->n_turn_end; i++)
		l->turn_end[i]();
	return 0;
}

int loop_run(struct loop *l)
{
	int err = 0;

	while (!l->stop && !err)
		err = turn(l);
	l->stop = false;
	if (clock_state != CLOCK_SET)
		clock_state = CLOCK_READ;
	return err;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
	event_base_loopbreak(l->base);
}

/* ---- watches ---- */

static void ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;

	(void)what;
	w->fn((int)fd, w->arg);
}

static struct loop_watch *watch(struct loop *l, int fd, short what, const struct timeval *tv)
{
	struct loop_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->event = event_new(l->base, fd, what | EV_PERSIST, ready, w);
	if (!w->event || event_add(w->event, tv)) {
		loop_unwatch(w);
		return NULL;
	}
	return w;
}

static struct loop_watch *with_fn(struct loop_watch *w, loop_fn *fn, void *arg)
{
	if (w) {
		w->fn = fn;
		w->arg = arg;
	}
	return w;
}

struct loop_watch *loop_watch(struct loop *l, int fd, loop_fn *fn, void *arg)
{
	return with_fn(watch(l, fd, EV_READ, NULL), fn, arg);
}

struct loop_watch *loop_signal(struct loop *l, int signo, loop_fn *fn, void *arg)
{
	return with_fn(watch(l, signo, EV_SIGNAL, NULL), fn, arg);
}

struct loop_watch *loop_every(struct loop *l, uint32_t ms, loop_fn *fn, void *arg)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	return with_fn(watch(l, -1, 0, &tv), fn, arg);
}

void loop_unwatch(struct loop_watch *w)
{
	if (!w)
		return;
	if (w->event)
		event_free(w->event);
	free(w);
}
