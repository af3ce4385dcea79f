/* SPDX-License-Identifier: BSD-2-Clause */
/* store_sql: what the files of the store share. Nobody else includes it. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <pthread.h>
#include <sqlite3.h>

#include "store.h"

#define STORE_BUSY_MS 2000	/* how long another program's lock is waited for */
#define STORE_LOG_PAGES 16000	/* of the log, before what it holds is written to the database */
#define STORE_LOG_MAX 16777216	/* bytes that the log is cut to when it begins anew */

/* One connection, used by one thread, and its statements for changes of bindings. */
struct store_link {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *rollback, *put, *drop, *reserve, *version;
	int log_pages;		/* after the last commit */
};

struct store_change {
	struct store_change *next;
	store_done_fn *done;
	void *arg;
	size_t size;
	int result;
	uint32_t n_put, n_drop;
	const char *aor;
	const uint64_t *drop;
	struct contact *put;
};

struct store_changes {
	struct store_change *first, **end;
	size_t n;
};

struct store_cache;

struct store {
	char *path;
	int file;		/* locked: one callgated for one database; -1 */
	int event;
	void (*warn)(const char *format, ...) __attribute__((format(printf, 1, 2)));
	uint8_t durability;
	bool threaded;
	struct store_link main;	/* users, loading; without a thread all */
	sqlite3_stmt *user;
	struct store_cache *cache;
	char said[160];
	uint64_t next_id;
	struct store_counters counters;	/* under .lock */

	/* of who is .busy, without a thread the caller's */
	struct store_link *writer;
	struct store_link own;
	uint64_t reserved;	/* ids below are marked as used in the database */
	uint64_t ended_ns;	/* when the last commit ended */
	uint64_t synced_ns, broken_ns;
	int broken;		/* the last error, when the connection must be made anew */
	int told;		/* the last error that was logged */
	bool dirty;		/* written, not synced */
	bool log_new;		/* it begins anew with the next commit, which syncs that */
	uint64_t slow_ns;	/* until then no commit in the loop's thread */
	int64_t log_end;	/* of the file, zeros included */
	int version;		/* differs when another connection has changed the database */
	bool others;		/* it did */
	uint64_t looked_ns;	/* when that was looked at */

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct store_changes queue, ended;	/* under .lock */
	size_t pending, bytes;			/* under .lock: until .done was called */
	size_t wanted;				/* under .lock: so many wake it; 0: it is up */
	bool busy;				/* under .lock: somebody uses .own and its kin */
	bool held_up;				/* under .lock: the thread waits for the loop's */
	bool called;				/* under .lock: the thread has to look again */
	bool turns;				/* the loop's thread calls store_turn() */
	size_t enough;				/* under .lock: for the next commit */
	uint64_t users_ns;			/* under .lock: .looked_ns and .others */
	bool users_changed;
	bool stop, running;
};

/* store.c */
int store_link_open(const struct store *s, struct store_link *l);
void store_link_close(struct store_link *l);
/* -errno of an SQLite result; 0 for SQLITE_OK, SQLITE_ROW, SQLITE_DONE. */
int store_errno(int rc);
/* The same for the main connection, and keeps what SQLite said. */
int store_fail(struct store *s, int rc);
/* Runs a statement that gives no rows; leaves it ready for the next time. */
int store_run(sqlite3_stmt *q);

/* store_contacts.c */
int store_contacts_prepare(struct store_link *l);
int store_contacts_apply(struct store_link *l, const struct store_change *c);
/* Notes that ids @below this may be in use. */
int store_contacts_reserve(struct store_link *l, uint64_t below);
struct store_change *store_change_copy(const struct location_change *c);

/* store_writer.c */
int store_writer_start(struct store *s);
/* Before the first change: what others change from now on is seen, and what they did is not. */
void store_writer_mark(struct store *s);
void store_writer_stop(struct store *s);

/* store_users.c */
int store_users_open(struct store *s);
void store_users_close(struct store *s);
/* Until @ns nobody else had changed anything, or store_users_changed() was called. */
void store_users_checked(struct store *s, uint64_t ns);

#endif
