/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "location.h"
#include "loop.h"
#include "push_phone.h"
#include "push_queue.h"

#define KEEP_MS 60000		/* longer than any request waits for a phone that was woken */
#define STALE_MS 30000		/* who asked for it has given up */

struct order {
	TAILQ_ENTRY(order) link;
	uint64_t id;		/* of the contact */
	uint64_t at;		/* of its last change; loop_now() */
	uint8_t state;		/* enum push_state */
	uint8_t why;		/* enum push_reason */
	char aor[];
};

/* Each contact once, in the order they were asked for. */
static TAILQ_HEAD(orders, order) orders = TAILQ_HEAD_INITIALIZER(orders);
static size_t n_orders, n_waiting;
static push_failed_fn *failed_hook;
static struct push_counters counters;

const struct push_counters *push_counters(void)
{
	return &counters;
}

void push_failed_hook(push_failed_fn *fn)
{
	failed_hook = fn;
}

size_t push_waiting(void)
{
	return n_waiting;
}

/* ---- the list ---- */

static struct order *find(uint64_t id)
{
	struct order *o;

	TAILQ_FOREACH(o, &orders, link)
		if (o->id == id)
			return o;
	return NULL;
}

enum push_state push_state(uint64_t id)
{
	const struct order *o = find(id);

	return o ? o->state : PUSH_NONE;
}

static void set_state(struct order *o, enum push_state state)
{
	n_waiting += (state == PUSH_WAITS) - (o->state == PUSH_WAITS);
	o->state = (uint8_t)state;
	o->at = loop_now();
	counters.sent += state == PUSH_SENT;
	counters.failed += state == PUSH_FAILED;
}

static void forget(struct order *o)
{
	n_waiting -= o->state == PUSH_WAITS;
	n_orders--;
	TAILQ_REMOVE(&orders, o, link);
	free(o);
}

static bool is_over(const struct order *o)
{
	return o->state == PUSH_SENT || o->state == PUSH_FAILED;
}

static bool is_recent(const struct order *o)
{
	return loop_now() < o->at + PUSH_AGAIN_MS;
}

/* What is of no more use; and when all places are taken the oldest that is over. */
static void make_room(void)
{
	struct order *o = TAILQ_FIRST(&orders), *next, *oldest = NULL;

	for (; o; o = next) {
		next = TAILQ_NEXT(o, link);
		if (!is_over(o))
			continue;
		if (loop_now() >= o->at + KEEP_MS)
			forget(o);
		else if (!oldest)
			oldest = o;
	}
	if (n_orders >= PUSH_QUEUE_MAX && oldest)
		forget(oldest);
}

static struct order *add(const struct contact *c, enum push_reason why)
{
	struct order *o;

	make_room();
	o = n_orders < PUSH_QUEUE_MAX ? malloc(sizeof(*o) + c->aor->len + 1) : NULL;
	if (!o)
		return NULL;
	*o = (struct order){ .id = c->id, .why = (uint8_t)why };
	memcpy(o->aor, c->aor->name, c->aor->len + 1u);
	TAILQ_INSERT_TAIL(&orders, o, link);
	n_orders++;
	set_state(o, PUSH_WAITS);
	return o;
}

/* ---- programs ---- */

static void start_more(void);

static void ended(bool good, void *arg)
{
	struct order *o = arg;

	set_state(o, good ? PUSH_SENT : PUSH_FAILED);
	if (!good && failed_hook)
		failed_hook(o->aor);
	start_more();
}

static void start(struct order *o)
{
	static struct push_phone phone;
	const struct contact *c = location_contact_of(o->aor, o->id);
	const struct domain *d = c ? push_domain(c) : NULL;
	struct push p = { .phone = &phone, .aor = o->aor,
			  .reason = o->why == PUSH_CALL ? "call" : "refresh" };
	int err = -ENOENT;

	if (d && push_phone(d, c->uri, &phone)) {
		p.command = d->push_command;
		err = push_start(&p, ended, o);
	}
	if (err != -EBUSY)
		set_state(o, err ? PUSH_FAILED : PUSH_STARTED);
}

static bool may_start(enum push_reason why)
{
	return push_running() < (why == PUSH_CALL ? PUSH_RUNS : PUSH_RUNS / 2);
}

static struct order *next_of(enum push_reason why)
{
	struct order *o = TAILQ_FIRST(&orders), *next;

	for (; o; o = next) {
		next = TAILQ_NEXT(o, link);
		if (o->state != PUSH_WAITS || o->why != why)
			continue;
		if (loop_now() < o->at + STALE_MS)
			return o;
		forget(o);
	}
	return NULL;
}

/* What was asked for in an earlier turn, and cannot be started now, has failed behind its back. */
static void start_more(void)
{
	for (int why = PUSH_CALL; why <= PUSH_REFRESH; why++)
		while (n_waiting && may_start((enum push_reason)why)) {
			struct order *o = next_of((enum push_reason)why);

			if (!o)
				break;
			start(o);
			if (o->state == PUSH_WAITS)
				return;
			if (o->state == PUSH_FAILED && failed_hook)
				failed_hook(o->aor);
		}
}

enum push_state push_wake(const struct contact *c, enum push_reason why)
{
	struct order *o = find(c->id);

	if (o && is_over(o)) {
		if (is_recent(o))
			return o->state;
		forget(o);
		o = NULL;
	}
	if (o && o->state == PUSH_WAITS) {
		o->at = loop_now();
		if (why == PUSH_CALL)
			o->why = PUSH_CALL;
	}
	if (!o)
		o = add(c, why);
	if (!o)
		return PUSH_FAILED;
	start_more();
	return o->state;
}

void push_queue_free(void)
{
	while (TAILQ_FIRST(&orders))
		forget(TAILQ_FIRST(&orders));
}
