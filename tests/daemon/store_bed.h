/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of a dying store share: users whose two contacts always carry the same number, so
 * that half a change shows; and what must be in a database after the end.
 */
#ifndef STORE_BED_H
#define STORE_BED_H

#include <errno.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store.h"
#include "t.h"

#define USERS 40

static uint32_t bed_seed = 1;
static uint8_t bed_durability = STORE_STRICT;

static inline uint32_t bed_rnd(uint32_t n)
{
	bed_seed = bed_seed * 1664525u + 1013904223u;
	return (bed_seed >> 8) % n;
}

static struct store *bed_open(const char *path)
{
	const struct store_options o = { .path = path, .durability = bed_durability };
	struct store *s = NULL;
	char why[256];

	if (store_open(&o, &s, why))
		printf("%s\n", why);
	return s;
}

/* Both contacts of the user get the number, or, when @drop, go. */
static int bed_change(struct store *s, unsigned int user, uint32_t number, bool drop,
		      store_done_fn *done)
{
	char aor[32], uri[64];
	uint64_t ids[2] = { 2 * user + 1, 2 * user + 2 };
	struct contact c[2];
	struct location_change change = { .aor = aor, .put = c, .n_put = 2 };

	snprintf(aor, sizeof(aor), "u%u@office.example", user);
	snprintf(uri, sizeof(uri), "sip:u%u@192.0.2.1", user);
	for (int i = 0; i < 2; i++)
		c[i] = (struct contact){ .uri = uri, .call_id = aor, .cseq = number, .id = ids[i],
					 .until = UINT32_MAX * 1000ull };
	if (drop)
		change = (struct location_change){ .aor = aor, .drop = ids, .n_drop = 2 };
	return store_change(s, &change, done, (void *)(uintptr_t)(user << 24 | number));
}

static inline unsigned int bed_user(void *arg)
{
	return (unsigned int)((uintptr_t)arg >> 24);
}

static inline uint32_t bed_number(void *arg)
{
	return (uint32_t)(uintptr_t)arg & 0xffffff;
}

/* The end of a turn of the loop. False: what was queued is left to the thread. */
static inline bool bed_turn(struct store *s)
{
	struct store_counters before, after;

	store_counters(s, &before);
	store_turn(s);
	store_counters(s, &after);
	return after.queued != before.queued;
}

/* Until something has ended, by the turn's end or by the thread. */
static inline void bed_wait(struct store *s)
{
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };

	if (bed_turn(s))
		return;
	if (poll(&p, 1, 10000) != 1)
		T_OK(0, "no answer of the writer");
	store_done(s);
}

/* What is there: 0 for a user that is not. */
struct bed_state {
	uint32_t number[USERS];
	unsigned int contacts[USERS], wrong;
};

static int bed_see(const char *aor, const struct contact *c, void *arg)
{
	struct bed_state *b = arg;
	unsigned int user = (unsigned int)atoi(aor + 1);

	if (user >= USERS || (b->contacts[user] && b->number[user] != c->cseq)) {
		b->wrong++;
		return 0;
	}
	b->contacts[user]++;
	b->number[user] = c->cseq;
	return 0;
}

static bool bed_integrity(const char *path)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_open(path, &db) == SQLITE_OK &&
		  sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL) == SQLITE_OK &&
		  sqlite3_step(q) == SQLITE_ROW &&
		  !strcmp((const char *)sqlite3_column_text(q, 0), "ok");

	sqlite3_finalize(q);
	sqlite3_close(db);
	return ok;
}

/* False, and said: damaged, half a change, or it does not open. */
static bool bed_read(const char *path, struct bed_state *b)
{
	struct store *s;
	int err;

	memset(b, 0, sizeof(*b));
	T_OK(bed_integrity(path), "integrity_check");
	s = bed_open(path);
	T_OK(s != NULL, "opens");
	if (!s)
		return false;
	err = store_contacts(s, bed_see, b);
	T_OK(!err, "reads: %d", err);
	store_close(s);
	for (unsigned int i = 0; i < USERS; i++)
		b->wrong += b->contacts[i] != 0 && b->contacts[i] != 2;
	T_OK(!b->wrong, "%u users with half a change", b->wrong);
	return !err && !b->wrong;
}

static inline void bed_clean(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[160];

	for (unsigned int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

#endif
