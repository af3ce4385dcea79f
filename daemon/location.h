/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * location: who is where. In memory: address of record to contacts, each with its end; the store
 * keeps the same on disk, the kernel a cache of the part it can serve. location.c tells both.
 *
 * An address of record is "user@domain" in its canonical form (RFC 3261 10.3, step 5): escapes that
 * need none resolved, the domain in lower case, no scheme, port, or parameters.
 */
#ifndef LOCATION_H
#define LOCATION_H

#include "timer.h"
#include "transport.h"

#define AOR_MAX 255
#define LOCATION_TICK 64	/* milliseconds */

/* passive: seen by the module on its way; relayed: by us, to a registrar elsewhere (upstream.h) */
enum origin { ORIGIN_MAIN, ORIGIN_PASSIVE, ORIGIN_ADMIN, ORIGIN_RELAYED };
enum gone { GONE_EXPIRED, GONE_UNREGISTERED, GONE_REPLACED, GONE_ADMIN, GONE_FLOW };

struct contact {
	/* of the same AOR: highest q first, then the newest by .since, then by .id */
	struct contact *next;
	struct aor *aor;
	struct timer timer;	/* its end */
	struct sip_flow flow;	/* where its REGISTER came from: requests go there */
	char *uri;		/* as the phone wrote it, without < > and header parameters */
	char *call_id;
	char *path;		/* Path values, comma list as received, or NULL */
	char *instance;		/* +sip.instance without quotes and < >, or NULL (RFC 5626) */
	char *user_agent;	/* or NULL */
	char *params;		/* other parameters of the Contact (";methods=..."), or NULL */
	uint64_t id;		/* row in the store, and name in commands */
	uint64_t since, until;	/* milliseconds of CLOCK_REALTIME: they outlive a restart */
	uint64_t gruu;		/* gruu.h: of its temporary GRUUs; 0: it has none */
	uint32_t cseq;
	uint32_t reg_id;	/* 0: none */
	uint16_t q;		/* 0 - 1000 */
	uint8_t origin;		/* enum origin */
	uint8_t shared;		/* location.c: texts that others have too */
	/* location.c: its last REGISTER, loop_now() / LOCATION_TICK; 0: before this start */
	uint32_t heard;
};

struct location_job;

struct aor {
	struct aor *chain;
	struct contact *contacts;
	struct location_job *jobs;	/* changes on their way, in their order */
	uint32_t n;
	uint32_t hash;
	uint16_t len;
	bool held;		/* location.c is at it */
	char name[];		/* canonical, with its NUL */
};

/*
 * NULL unless it has contacts. A contact that is renewed is another structure with the same id:
 * what is kept over a turn of the loop is the id.
 */
struct aor *location_find(const char *aor, size_t len);
/* The same; @busy as location_busy() says, also where it has no contacts. */
struct aor *location_look(const char *aor, size_t len, bool *busy);
/* NULL: it has no such contact, or is NULL itself. */
const struct contact *location_contact(const struct aor *a, uint64_t id);
const struct contact *location_contact_of(const char *aor, uint64_t id);
/* Milliseconds until its end, whatever happened to the time of day meanwhile. */
uint64_t location_left(const struct contact *c);
/* When its last REGISTER came, by loop_now(); 0: not known. */
static inline uint64_t location_heard(const struct contact *c)
{
	return (uint64_t)c->heard * LOCATION_TICK;
}
/* -EINVAL: no user, not sip or sips, too long. @out has room for AOR_MAX + 1. */
int location_canonical(const uint8_t *buf, const struct sip_uri *uri, char *out, size_t *len);

/*
 * One registration, applied as a whole or not at all (C11). The change first goes to the store;
 * when it is durable by the setting, it enters the table and @done is called with 0 or -errno (in
 * the loop's thread, perhaps before location_commit() returns).
 *
 * Of the contacts to put, .next, .aor and .timer are not looked at; everything is copied. Below 0
 * is returned when nothing was begun: @done is not called then. -EBUSY: too much is on its way.
 */
struct location_change {
	const char *aor;
	/* new or renewed contacts; .id of the one that is renewed, or 0 */
	const struct contact *put;
	const uint64_t *drop;		/* ids that go */
	uint32_t n_put, n_drop;
	uint8_t why;			/* enum gone, of the dropped */
};
typedef void location_done_fn(int result, void *arg);
int location_commit(const struct location_change *c, location_done_fn *done, void *arg);
/* Is a change of this AOR on its way to the disk? Then a second one waits its turn inside. */
bool location_busy(const struct aor *a);
/*
 * For those who look before they change: 0: no change of @aor is on its way (it need not be there),
 * go on. 1: @fn is called when the last one has ended; then again nothing is on its way, and what
 * @fn commits comes before whoever else waits. Below 0: too many wait, no memory.
 */
typedef void location_idle_fn(void *arg);
int location_wait(const char *aor, location_idle_fn *fn, void *arg);

/* All, in no order; nonzero ends it. @fn changes nothing. */
typedef int location_each_fn(const struct aor *a, const struct contact *c, void *arg);
int location_each(location_each_fn *fn, void *arg);
size_t location_count(void);
/*
 * The same in pieces, with turns of the loop between them. What is there from the begin to the end
 * is seen once. The table grows no further until the end.
 */
struct location_walk {
	uint32_t at;
};
void location_walk_begin(struct location_walk *w);
/* A few of them. False: that were all. */
bool location_walk(struct location_walk *w, location_each_fn *fn, void *arg);
void location_walk_end(struct location_walk *w);

/*
 * Called for each change in the table, after it: the kernel's link, events. @was: NULL when it is
 * new; @now: NULL when it is gone. Both are valid until the hook returns. -ENOSPC: too many hooks.
 */
typedef void location_hook_fn(const struct aor *a, const struct contact *was,
			      const struct contact *now, enum gone why);
int location_hook(location_hook_fn *fn);
/* Not from within a hook. */
void location_unhook(location_hook_fn *fn);

struct store;
/*
 * Fills the table from the store; what has ended meanwhile is left out. 0 or -errno. NULL: nothing
 * is kept on disk (tests).
 */
int location_load(struct store *s);
/* After store_close(), which ends all changes. */
void location_free(void);

#endif
