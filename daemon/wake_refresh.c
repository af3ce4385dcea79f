/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "config.h"
#include "location.h"
#include "loop.h"
#include "push_phone.h"
#include "push_queue.h"
#include "wake_refresh.h"

#define EARLY_MS (PUSH_EARLY * UINT64_C(1000))
#define WORTH_MS 20000		/* with less left it is too late */
#define WAITING_MAX 8		/* pushes that have not begun: no more are added */
#define BUCKETS 65536

/* A contact whose phone is to be woken. */
struct alarm {
	struct timer timer;
	struct alarm *next;		/* of the bucket */
	TAILQ_ENTRY(alarm) link;	/* of those that are due */
	uint64_t id;
	bool due;
	char aor[];
};

static struct alarm *buckets[BUCKETS];
static TAILQ_HEAD(due, alarm) due = TAILQ_HEAD_INITIALIZER(due);
static struct timer pump;
static size_t n_alarms;
static uint64_t mark;		/* of the settings that the alarms are for */
static bool hooked;

size_t wake_refresh_count(void)
{
	return n_alarms;
}

/* ---- the table ---- */

static struct alarm **find(uint64_t id)
{
	struct alarm **at = &buckets[id % BUCKETS];

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void forget(struct alarm *a)
{
	*find(a->id) = a->next;
	timer_stop(&a->timer);
	if (a->due)
		TAILQ_REMOVE(&due, a, link);
	n_alarms--;
	free(a);
}

static struct alarm *add(const struct contact *c)
{
	struct alarm *a = malloc(sizeof(*a) + c->aor->len + 1u);

	if (!a)
		return NULL;
	*a = (struct alarm){ .id = c->id, .next = buckets[c->id % BUCKETS] };
	memcpy(a->aor, c->aor->name, c->aor->len + 1u);
	buckets[c->id % BUCKETS] = a;
	n_alarms++;
	return a;
}

/* ---- those that are due ---- */

static void fall_due(struct timer *t);

static void wake_first(struct timer *t)
{
	struct alarm *a = TAILQ_FIRST(&due);
	const struct contact *c;
	uint64_t left;

	(void)t;
	if (a && push_waiting() < WAITING_MAX) {
		c = location_contact_of(a->aor, a->id);
		left = c ? location_left(c) : 0;
		TAILQ_REMOVE(&due, a, link);
		a->due = false;
		if (c && push_domain(c))
			push_wake(c, PUSH_REFRESH);
		if (left / 2 >= WORTH_MS)
			timer_set(&a->timer, loop_now() + left / 2, fall_due);
		else
			forget(a);
	}
	if (TAILQ_FIRST(&due))
		timer_set(&pump, loop_now() + WAKE_REFRESH_MS, wake_first);
}

static void fall_due(struct timer *t)
{
	struct alarm *a = (struct alarm *)((char *)t - offsetof(struct alarm, timer));

	a->due = true;
	TAILQ_INSERT_TAIL(&due, a, link);
	if (!timer_runs(&pump))
		timer_set(&pump, loop_now() + WAKE_REFRESH_MS, wake_first);
}

/* ---- contacts ---- */

static void set(const struct contact *c)
{
	struct alarm *a = *find(c->id);
	uint64_t left;

	if (!push_domain(c) || push_not_needed(c)) {
		if (a)
			forget(a);
		return;
	}
	if (!a)
		a = add(c);
	if (!a)
		return;
	if (a->due)
		TAILQ_REMOVE(&due, a, link);
	a->due = false;
	left = location_left(c);
	timer_set(&a->timer, loop_now() + (left < 2 * EARLY_MS ? left / 2 : left - EARLY_MS),
		  fall_due);
}

static void changed(const struct aor *a, const struct contact *was, const struct contact *now,
		    enum gone why)
{
	struct alarm *old = was && mark ? *find(was->id) : NULL;

	(void)a, (void)why;
	if (old && (!now || now->id != was->id))
		forget(old);
	if (now && mark)
		set(now);
}

static int set_one(const struct aor *a, const struct contact *c, void *arg)
{
	(void)a, (void)arg;
	set(c);
	return 0;
}

static void forget_all(void)
{
	for (size_t i = 0; n_alarms && i < BUCKETS; i++)
		while (buckets[i])
			forget(buckets[i]);
	timer_stop(&pump);
}

void wake_refresh_configured(const struct config *c)
{
	uint64_t now = push_mark(c);

	if (now == mark)
		return;
	mark = now;
	forget_all();
	if (mark)
		location_each(set_one, NULL);
}

int wake_refresh_open(void)
{
	int err = hooked ? 0 : location_hook(changed);

	hooked = !err;
	if (!err)
		wake_refresh_configured(config_now());
	return err;
}

void wake_refresh_close(void)
{
	forget_all();
	mark = 0;
	if (hooked)
		location_unhook(changed);
	hooked = false;
}
