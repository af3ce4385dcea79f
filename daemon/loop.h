/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop: the one event loop of callgated (libevent) and its clock. Only loop.c and the transports
 * know libevent. All of callgated but the store's writer runs in this thread.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>
#include <time.h>

struct loop;
struct loop_watch;
struct event_base;

int loop_open(struct loop **out);
/* Until loop_stop(); 0 or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);
void loop_close(struct loop *l);
struct event_base *loop_base(struct loop *l);

/* @fn after each turn: events first, then timers, then these. -ENOSPC: there are 8. */
typedef void loop_turn_fn(void);
int loop_at_turn_end(struct loop *l, loop_turn_fn *fn);

/*
 * @fn for each readiness of @fd to read, until loop_unwatch(), which is allowed in @fn too. NULL:
 * no memory.
 */
typedef void loop_fn(int fd, void *arg);
struct loop_watch *loop_watch(struct loop *l, int fd, loop_fn *fn, void *arg);
/* A signal instead of a descriptor. */
struct loop_watch *loop_signal(struct loop *l, int signo, loop_fn *fn, void *arg);
/* Every @ms milliseconds. */
struct loop_watch *loop_every(struct loop *l, uint32_t ms, loop_fn *fn, void *arg);
void loop_unwatch(struct loop_watch *w);

/*
 * CLOCK_BOOTTIME in milliseconds, read once per turn of the loop, and at each call outside of it.
 * Tests without a loop set it with loop_set_now().
 */
uint64_t loop_now(void);
void loop_set_now(uint64_t ms);

/* CLOCK_REALTIME in milliseconds, read at each call: what outlives a restart is counted by it. */
static inline uint64_t loop_real(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#endif
