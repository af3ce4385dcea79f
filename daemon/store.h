/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store: users and bindings on disk. Only store*.c knows SQL. SQLite in WAL mode; one writer thread
 * with group commit: whatever was queued while the last commit ran goes into the next one. Where
 * no disk is waited for, the loop's thread commits by itself, once a turn (store_turn()).
 * Durability: STORE_STRICT: a change is done when the disk has it; STORE_1S: done when written,
 * synced within a second; STORE_NONE: the system decides.
 *
 * A change that cannot be kept (disk full, I/O error, locked) gets -ENOSPC, -EIO, -EBUSY: the
 * registrar says 503 with Retry-After. The store goes on trying by itself.
 *
 * Errors at open are one line for the admin: what, where, what to do.
 */
#ifndef STORE_H
#define STORE_H

#include "location.h"

struct store;

enum durability { STORE_STRICT, STORE_1S, STORE_NONE };

struct store_options {
	const char *path;
	uint8_t durability;
	bool no_writer;		/* the command: no thread, each change is committed at once */
	/*
	 * For the admin: nothing can be kept any more, or it is over (log_warn). In the writer's
	 * thread. NULL: not told.
	 */
	void (*warn)(const char *format, ...) __attribute__((format(printf, 1, 2)));
};

/* -EPROTO: a schema newer than this program. Older ones are migrated, with a copy kept beside. */
int store_open(const struct store_options *o, struct store **out, char why[static 256]);
/* What SQLite said about the last error of the functions below, or "". */
const char *store_said(const struct store *s);
/* Waits until everything queued is on disk, and calls what store_done() would. */
void store_close(struct store *s);

/* ---- users ---- */

#define USER_NAME 127
#define USER_DOMAIN 127
#define USER_GROUP 63
enum user_flag {
	USER_DISABLED = 1 << 0,
	USER_MD5 = 1 << 1,	/* MD5 alone after two empty retries, anywhere */
	USER_REMOTE = 1 << 2,	/* may call to trunks from outside */
	USER_NAMED = 1 << 3,	/* only callers with a name (screen.h) */
};

struct user {
	uint64_t id;
	char name[USER_NAME + 1], domain[USER_DOMAIN + 1];
	char realm[USER_DOMAIN + 1];	/* that the HA1 were made for */
	uint32_t flags;
	uint32_t max_contacts;		/* 0: the domain's */
	uint8_t has_ha1;		/* bit N: enum digest_algorithm N is there */
	uint8_t ha1[3][32];		/* binary: MD5 16 bytes, SHA-256 32, SHA-512-256 32 */
	/* where it may register from (sources.h); "": its group or its domain says */
	char sources[256];
	char group[USER_GROUP + 1];	/* "": none */
};

/* By name, or by an alias of the domain. -ENOENT, -EIO. From a cache, or some microseconds. */
int store_user(struct store *s, const char *name, const char *domain, struct user *out);
/* The same by its number, from the database. */
int store_user_by_id(struct store *s, uint64_t id, struct user *out);
/*
 * After a store_user() for a wrong password: takes the time that the cache has saved, so that who
 * has not been asked for lately cannot be told from who has.
 */
void store_user_even(struct store *s, const char *name, const char *domain);
/* The password's hashes only. -EEXIST: add; -ENOENT: the others. All commit before they return. */
int store_user_add(struct store *s, const struct user *u);
int store_user_change(struct store *s, const struct user *u);
int store_user_del(struct store *s, const char *name, const char *domain);
int store_alias_add(struct store *s, const char *alias, const char *name, const char *domain);
int store_alias_del(struct store *s, const char *alias, const char *domain);
typedef int store_user_fn(const struct user *u, void *arg);
int store_users(struct store *s, const char *domain, store_user_fn *fn, void *arg);
typedef int store_alias_fn(const char *alias, void *arg);
int store_aliases(struct store *s, const struct user *u, store_alias_fn *fn, void *arg);
/* Callers that a user does not want (screen.h): a pattern and the code. -EEXIST, -ENOENT. */
int store_block_add(struct store *s, const struct user *u, const char *caller, uint16_t code);
int store_block_del(struct store *s, const struct user *u, const char *caller);
typedef int store_block_fn(const char *caller, uint16_t code, void *arg);
int store_blocks(struct store *s, const struct user *u, store_block_fn *fn, void *arg);
/* Of all users, under each of their names; @caller NULL: USER_NAMED. */
typedef int store_screen_fn(const char *name, const char *domain, const char *caller, uint16_t code,
			    void *arg);
int store_screens(struct store *s, store_screen_fn *fn, void *arg);
/* Fills the cache, as far as it goes, when all else is loaded and nothing was changed yet. */
void store_users_read(struct store *s);
/* Another program changed users: the cache is empty after this. */
void store_users_changed(struct store *s);

/* ---- bindings ---- */

/* -EUCLEAN: the file is damaged. Other results below 0 may be those of @fn, which ends it. */
typedef int store_contact_fn(const char *aor, const struct contact *c, void *arg);
int store_contacts(struct store *s, store_contact_fn *fn, void *arg);
/* Removes what is past its end at @now (CLOCK_REALTIME, milliseconds). */
int store_expire(struct store *s, uint64_t now);
/* For the command, without callgated: the contacts of one AOR go. Their number, or -errno. */
int store_contacts_drop(struct store *s, const char *aor);

/*
 * Queued, with copies. @done is called in the thread that calls store_done(). New contacts got
 * their .id before (store_next_id()). Of one AOR the order of calls is kept.
 */
typedef void store_done_fn(int result, void *arg);
int store_change(struct store *s, const struct location_change *c, store_done_fn *done, void *arg);
uint64_t store_next_id(struct store *s);
/* Readable when changes are done; then store_done(). */
int store_fd(const struct store *s);
void store_done(struct store *s);
/*
 * At the end of each turn of the loop. With STORE_1S and STORE_NONE what the turn has queued is
 * written at once, and done, as long as there is nothing to wait for: two changes of the thread
 * cost as much as the commit. Else the thread does it. What waits for a disk is always the thread.
 */
void store_turn(struct store *s);

struct store_counters {
	uint64_t changes, commits, failed, queued;
};
void store_counters(const struct store *s, struct store_counters *out);

#endif
