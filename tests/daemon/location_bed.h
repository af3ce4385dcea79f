/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * location.c, with a store that answers when and what the test wants, and with memory that runs out
 * where the test wants.
 */
#ifndef LOCATION_BED_H
#define LOCATION_BED_H

#include <errno.h>
#include <stdlib.h>

static long alloc_left = -1;	/* allocations until one fails; -1: none does */

static int alloc_fails(void)
{
	return alloc_left >= 0 && alloc_left-- == 0;
}

static void *test_malloc(size_t n)
{
	return alloc_fails() ? NULL : malloc(n);
}

static void *test_calloc(size_t n, size_t size)
{
	return alloc_fails() ? NULL : calloc(n, size);
}

#define malloc(n) test_malloc(n)
#define calloc(n, size) test_calloc(n, size)
#include "../../daemon/shared.c"
#include "../../daemon/location.c"
#undef malloc
#undef calloc

#include "t.h"

/* ---- the store ---- */

struct pending {
	store_done_fn *done;
	void *arg;
};
static struct pending pending[100000];
static size_t first, last;
static int refuse;		/* what store_change() returns */
static uint64_t next_id = 1;
static unsigned int told;

int store_change(struct store *s, const struct location_change *c, store_done_fn *done, void *arg)
{
	(void)s;
	(void)c;
	if (refuse)
		return refuse;
	told++;
	pending[last++] = (struct pending){ done, arg };
	return 0;
}

uint64_t store_next_id(struct store *s)
{
	(void)s;
	return next_id++;
}

static inline bool answer(int result)
{
	struct pending p = pending[first];

	if (first == last)
		return false;
	if (++first == last)
		first = last = 0;
	p.done(result, p.arg);
	return true;
}

static const struct contact *stored;
static size_t n_stored;
static const char *stored_aor = "stored@office.example";

int store_contacts(struct store *s, store_contact_fn *fn, void *arg)
{
	int err = 0;

	(void)s;
	for (size_t i = 0; i < n_stored && !err; i++)
		err = fn(stored_aor, &stored[i], arg);
	return err;
}

static unsigned int expires;

int store_expire(struct store *s, uint64_t now)
{
	(void)s;
	expires += now > 1000000000000;
	return -ENOSPC;
}

static uint64_t boot = 1000000;

static void begin(struct store *s)
{
	loop_set_now(boot);
	timer_run(boot);
	first = last = told = 0;
	refuse = 0;
	T_OK(!location_load(s), "load");
}

static inline void pass(uint64_t ms)
{
	boot += ms;
	loop_set_now(boot);
	timer_run(boot);
}

#define STORE ((struct store *)&next_id)

static inline struct contact some(const char *uri, uint32_t seconds)
{
	uint64_t now = loop_real();

	return (struct contact){
		.uri = (char *)uri, .call_id = (char *)"a84b4c76e66710@phone.example",
		.user_agent = (char *)"Phone/1.0", .since = now, .until = now + seconds * 1000ull,
		.q = 1000,
	};
}

static int results[16];
static unsigned int n_results;

static inline void note(int result, void *arg)
{
	(void)arg;
	results[n_results++ % 16] = result;
}

static inline int put_one(const char *aor, const struct contact *c)
{
	const struct location_change change = { .aor = aor, .put = c, .n_put = 1 };

	return location_commit(&change, note, NULL);
}

static inline int drop_one(const char *aor, uint64_t id)
{
	const struct location_change change = {
		.aor = aor, .drop = &id, .n_drop = 1, .why = GONE_UNREGISTERED,
	};

	return location_commit(&change, note, NULL);
}

#define FIND(name) location_find(name, strlen(name))

#endif
