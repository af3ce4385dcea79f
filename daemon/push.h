/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * push: runs the program of the admin that asks a push service to wake a phone: push-command, with
 *
 *	provider, pn-prid, pn-param ("" without one), address of record, reason ("call", "refresh")
 *
 * as its arguments and in the environment as CALLGATE_PN_PROVIDER, CALLGATE_PN_PRID,
 * CALLGATE_PN_PARAM, CALLGATE_AOR, CALLGATE_REASON, beside PATH. No shell is between. It has
 * nothing of callgated's but standard error, which is the log.
 *
 * PUSH_RUNS at once; what runs for PUSH_MS is killed with all that it has started. An end is a
 * pidfd that becomes readable: the loop never waits for a program.
 */
#ifndef PUSH_H
#define PUSH_H

#include <stdbool.h>
#include <stddef.h>

#define PUSH_RUNS 16
#define PUSH_MS 15000

struct loop;
struct push_phone;

int push_open(struct loop *l);

struct push {
	const char *command;
	const struct push_phone *phone;
	const char *aor;
	const char *reason;
};
/* @good: the program ended with status 0. Anything else was said in the log. */
typedef void push_done_fn(bool good, void *arg);
/*
 * 0: @done comes in a later turn of the loop. -EBUSY: PUSH_RUNS are running. Other -errno: it could
 * not be started, and that was said.
 */
int push_start(const struct push *p, push_done_fn *done, void *arg);
size_t push_running(void);

/* What runs is killed; no @done. */
void push_close(void);

#endif
