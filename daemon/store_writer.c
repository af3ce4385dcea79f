/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer: one thread that puts whatever is queued into one transaction. A transaction that
 * fails is done again change by change, so that one of them cannot fail the others; when it is the
 * disk that fails, all of them fail.
 *
 * After an I/O error the connection is made anew and the log is written back to the database before
 * anything else: what a failed sync may have lost is not built upon.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "store_sql.h"

#define BATCH 4096
#define QUEUE_MAX 65536
#define QUEUE_BYTES (64u << 20)
#define MS 1000000ull
#define SYNC_NS (1000 * MS)	/* STORE_1S */
#define RETRY_NS (1000 * MS)	/* between two attempts to make the connection anew */
/*
 * When commits follow each other so closely, the next one waits for as many changes as the last one
 * had and left behind, though not longer than this: phones that were answered together come back
 * together, and each commit wakes two threads and syncs once.
 */
#define BUSY_NS (5 * MS)
#define LINGER_NS (1 * MS)
#define ENOUGH_MAX 256
#define LOG_AHEAD (1 << 20)	/* bytes */
#define LOG_PIECE (1 << 16)
#define LOG_ROOM (64 << 20)
#define ID_BLOCK 1000		/* ids that one write of the mark is good for */
#define FAILURES_MAX 8
/* Commits in the loop's thread: so many changes; of its time, a hundredth for a slow disk. */
#define TURN_CHANGES 256
#define TURN_SLOW_NS (10 * MS)
#define TURN_REST 100

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

/* ---- lists ---- */

static void list_init(struct store_changes *l)
{
	*l = (struct store_changes){ .end = &l->first };
}

static void list_add(struct store_changes *l, struct store_change *c)
{
	c->next = NULL;
	*l->end = c;
	l->end = &c->next;
	l->n++;
}

/* Behind what is there already. */
static void list_join(struct store_changes *l, struct store_changes *more)
{
	if (!more->first)
		return;
	*l->end = more->first;
	l->end = more->end;
	l->n += more->n;
	list_init(more);
}

/* ---- transactions ---- */

static uint64_t top_id(const struct store_change *c, uint64_t top)
{
	for (uint32_t i = 0; i < c->n_put; i++)
		if (c->put[i].id > top)
			top = c->put[i].id;
	return top;
}

/* Another program may have changed users: the cache of them is told with the answer. */
static void look_for_others(struct store *s)
{
	sqlite3_stmt *q = s->writer->version;
	int version;

	if (sqlite3_step(q) == SQLITE_ROW) {
		version = sqlite3_column_int(q, 0);
		s->others |= version != s->version;
		s->version = version;
		s->looked_ns = now_ns();
	}
	sqlite3_reset(q);
}

void store_writer_mark(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	if (!s->pending && !s->dirty && !s->busy) {
		look_for_others(s);
		s->others = false;
	}
	pthread_mutex_unlock(&s->lock);
}

/* The changes from @first to before @end, all of them or none. Gives SQLite's result. */
static int commit(struct store *s, struct store_change *first, const struct store_change *end)
{
	struct store_link *l = s->writer;
	uint64_t top = 0;
	int rc = store_run(l->begin);

	if (rc != SQLITE_OK)
		return rc;
	look_for_others(s);
	for (struct store_change *c = first; c != end && rc == SQLITE_OK; c = c->next) {
		rc = store_contacts_apply(l, c);
		top = top_id(c, top);
	}
	if (rc == SQLITE_OK && top >= s->reserved)
		rc = store_contacts_reserve(l, top + ID_BLOCK);
	if (rc == SQLITE_OK)
		rc = store_run(l->commit);
	if (rc == SQLITE_OK) {
		s->dirty = s->durability == STORE_1S;
		if (top >= s->reserved)
			s->reserved = top + ID_BLOCK;
	} else if (!sqlite3_get_autocommit(l->db)) {
		/* otherwise SQLite has rolled back by itself */
		store_run(l->rollback);
	}
	return rc;
}

/* Does the error say something about the disk or the file, whatever the change? */
static bool of_the_file(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_FULL:
	case SQLITE_NOMEM:
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return false;
	default:
		return true;
	}
}

static bool is_broken(int rc)
{
	return of_the_file(rc) && store_errno(rc) != -EBUSY;
}

/* The admin hears of it once, and when it is over. */
static void tell(struct store *s, int rc)
{
	int err = store_errno(rc);

	if (err == s->told || (err && !of_the_file(rc) && err != -ENOSPC))
		return;
	s->told = err;
	if (err && s->warn)
		s->warn("%s: %s: registrations are refused until the disk takes them again",
			s->path, sqlite3_errstr(rc));
	else if (s->warn)
		s->warn("%s: the disk takes registrations again", s->path);
}

static void set_broken(struct store *s, int rc)
{
	s->broken = rc;
	s->broken_ns = now_ns();
	tell(s, rc);
}

/* A new connection; and what the log holds is written to the database and synced. */
static int mend(struct store *s)
{
	int rc;

	if (now_ns() - s->broken_ns < RETRY_NS)
		return s->broken;
	s->broken_ns = now_ns();
	store_link_close(&s->own);
	rc = store_link_open(s, &s->own);
	if (rc == SQLITE_OK)
		rc = sqlite3_wal_checkpoint_v2(s->own.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					       NULL);
	if (rc == SQLITE_OK)
		s->broken = 0;
	return rc;
}

static sqlite3_file *log_file(const struct store *s)
{
	sqlite3_file *f = NULL;

	sqlite3_file_control(s->own.db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &f);
	return f && f->pMethods ? f : NULL;
}

static bool has_room(const struct store *s)
{
	struct statvfs v;

	return !fstatvfs(s->file, &v) && (uint64_t)v.f_bavail * v.f_frsize >= LOG_ROOM;
}

/*
 * A log that has grown gets zeros behind its end, which SQLite takes for the end as well: a sync
 * that has no new size to write down takes half the time, until the log is used from its beginning
 * again. Without them nothing is lost: what is left of a small disk is not for zeros.
 */
static void grow_log(struct store *s)
{
	static uint8_t zeros[LOG_PIECE];
	sqlite3_file *f = log_file(s);
	sqlite3_int64 end = 0, to;

	if (!f || f->pMethods->xFileSize(f, &end) != SQLITE_OK)
		return;
	to = end > s->log_end && has_room(s) ? end + LOG_AHEAD : end;
	while (end < to && end + LOG_PIECE <= STORE_LOG_MAX &&
	       f->pMethods->xWrite(f, zeros, LOG_PIECE, end) == SQLITE_OK)
		end += LOG_PIECE;
	s->log_end = end;
}

/* What SQLite would do by itself, at the end of any commit. The first one after it syncs. */
static void clear_log(struct store *s)
{
	s->log_new = false;
	if (s->own.log_pages < STORE_LOG_PAGES)
		return;
	/* what is still being read stays: the next commit tries again */
	sqlite3_wal_checkpoint_v2(s->own.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	s->log_new = true;
}

static int fail(struct store_change *c, int rc)
{
	for (; c; c = c->next)
		c->result = store_errno(rc);
	return rc;
}

/* After a failure: one by one. When the same happens often there is no use in going on. */
static int run_singly(struct store *s, struct store_changes *l)
{
	unsigned int failures = 0;
	int rc = SQLITE_OK;

	for (struct store_change *c = l->first; c; c = c->next) {
		rc = commit(s, c, c->next);
		c->result = store_errno(rc);
		failures = rc == SQLITE_OK ? 0 : failures + 1;
		if (rc != SQLITE_OK && (of_the_file(rc) || failures == FAILURES_MAX))
			return fail(c, rc);
	}
	return rc;
}

static void run(struct store *s, struct store_changes *l)
{
	int rc = s->broken ? mend(s) : SQLITE_OK;

	if (s->broken) {
		fail(l->first, rc);
		return;
	}
	rc = commit(s, l->first, NULL);
	if (rc != SQLITE_OK && !of_the_file(rc) && l->n > 1)
		rc = run_singly(s, l);
	else
		fail(l->first, rc);
	if (s->threaded && is_broken(rc))
		set_broken(s, rc);
	else if (s->threaded)
		tell(s, rc);
	if (s->threaded && rc == SQLITE_OK) {
		clear_log(s);
		grow_log(s);
	}
	s->ended_ns = now_ns();
}

/* STORE_1S: what was written reaches the disk. */
static void sync_log(struct store *s)
{
	sqlite3_file *f = log_file(s);
	int rc = f ? f->pMethods->xSync(f, SQLITE_SYNC_NORMAL) : SQLITE_OK;

	s->synced_ns = now_ns();
	s->dirty = false;
	if (rc != SQLITE_OK)
		set_broken(s, rc);
}

/* ---- the thread ---- */

/* Locked. Until the loop's thread has let go of the connection. */
static void wait_for_loop(struct store *s)
{
	while (s->busy) {
		s->held_up = true;
		pthread_cond_wait(&s->wake, &s->lock);
	}
	s->held_up = false;
}

/* Locked. Until there are @n changes, or it is @ns (0: no end), or to stop; or called. */
static void wait_for(struct store *s, size_t n, uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / (1000 * MS)),
			      .tv_nsec = (long)(ns % (1000 * MS)) };
	int err = 0;

	s->wanted = n;
	while (s->queue.n < n && !s->stop && !s->called && !err)
		err = ns ? pthread_cond_timedwait(&s->wake, &s->lock, &t) :
			   pthread_cond_wait(&s->wake, &s->lock);
	s->wanted = 0;
	s->called = false;
	wait_for_loop(s);
}

static bool is_busy(const struct store *s)
{
	return now_ns() - s->ended_ns < BUSY_NS;
}

/* Locked. Waits for changes and takes some; none: it is time to sync, or to stop. */
static void wait_for_changes(struct store *s, struct store_changes *l)
{
	wait_for_loop(s);
	if (is_busy(s))
		wait_for(s, s->enough, s->ended_ns + LINGER_NS);
	if (!s->queue.n) {
		wait_for(s, 1, s->dirty ? s->synced_ns + SYNC_NS : 0);
		if (s->queue.n && is_busy(s))
			wait_for(s, s->enough, now_ns() + LINGER_NS);
	}
	*l = s->queue;
	list_init(&s->queue);
	if (l->n > BATCH) {
		struct store_change *last = l->first;

		for (unsigned int i = 1; i < BATCH; i++)
			last = last->next;
		s->queue = (struct store_changes){ last->next, l->end, l->n - BATCH };
		last->next = NULL;
		l->end = &last->next;
		l->n = BATCH;
	}
	if (!l->n)
		list_init(l);
}

/* Locked. */
static void hand_back(struct store *s, struct store_changes *l)
{
	s->counters.commits++;
	for (struct store_change *c = l->first; c; c = c->next) {
		s->counters.changes += !c->result;
		s->counters.failed += c->result != 0;
		s->bytes -= c->size;
	}
	s->pending -= l->n;
	s->enough = l->n + s->queue.n < ENOUGH_MAX ? l->n + s->queue.n : ENOUGH_MAX;
	s->users_ns = s->looked_ns;
	s->users_changed |= s->others;
	s->others = false;
	list_join(&s->ended, l);
}

/* Locked. The loop's thread calls store_done(). */
static void call_loop(struct store *s)
{
	const uint64_t one = 1;

	/* can fail only when it says "readable" already */
	if (write(s->event, &one, sizeof(one)) < 0)
		return;
}

static void *writer(void *arg)
{
	struct store *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stop || s->queue.n) {
		struct store_changes l;

		list_init(&l);
		wait_for_changes(s, &l);
		s->busy = true;
		pthread_mutex_unlock(&s->lock);
		if (l.n)
			run(s, &l);
		if (s->dirty && now_ns() - s->synced_ns >= SYNC_NS)
			sync_log(s);
		pthread_mutex_lock(&s->lock);
		s->busy = false;
		if (l.n) {
			hand_back(s, &l);
			call_loop(s);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int start_thread(struct store *s)
{
	sigset_t all, was;
	int err;

	/* signals are the loop's */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &was);
	err = pthread_create(&s->thread, NULL, writer, s);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return -err;
}

int store_writer_start(struct store *s)
{
	pthread_condattr_t monotonic;
	int rc, err;

	list_init(&s->queue);
	list_init(&s->ended);
	s->writer = s->threaded ? &s->own : &s->main;
	if (!s->threaded)
		return 0;
	rc = store_link_open(s, &s->own);
	if (rc != SQLITE_OK)
		return store_errno(rc);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	err = start_thread(s);
	s->running = !err;
	return err;
}

void store_writer_stop(struct store *s)
{
	if (!s->running)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	s->running = false;
	if (s->dirty)
		sync_log(s);
	store_done(s);
}

/* ---- the callers' side ---- */

static int change_now(struct store *s, struct store_change *c)
{
	struct store_changes l;

	list_init(&l);
	list_add(&l, c);
	run(s, &l);
	s->counters.commits++;
	s->counters.changes += !c->result;
	s->counters.failed += c->result != 0;
	c->done(c->result, c->arg);
	free(c);
	return 0;
}

int store_change(struct store *s, const struct location_change *change, store_done_fn *done,
		 void *arg)
{
	struct store_change *c = store_change_copy(change);
	bool full, wake = false;

	if (!c)
		return -ENOMEM;
	c->done = done;
	c->arg = arg;
	if (!s->threaded)
		return change_now(s, c);
	pthread_mutex_lock(&s->lock);
	full = s->stop || s->pending >= QUEUE_MAX || s->bytes + c->size > QUEUE_BYTES;
	if (!full) {
		list_add(&s->queue, c);
		s->pending++;
		s->bytes += c->size;
		wake = s->queue.n == s->wanted && !s->turns;
	}
	pthread_mutex_unlock(&s->lock);
	if (wake)
		pthread_cond_signal(&s->wake);
	if (full)
		free(c);
	return full ? -EBUSY : 0;
}

int store_fd(const struct store *s)
{
	return s->event;
}

/* What has ended, in its order. */
static void tell_ended(struct store *s)
{
	struct store_changes l;
	uint64_t users_ns;
	bool changed;

	list_init(&l);
	pthread_mutex_lock(&s->lock);
	list_join(&l, &s->ended);
	users_ns = s->users_ns;
	changed = s->users_changed;
	s->users_changed = false;
	pthread_mutex_unlock(&s->lock);
	if (changed)
		store_users_changed(s);
	store_users_checked(s, users_ns);
	while (l.first) {
		struct store_change *c = l.first;

		l.first = c->next;
		c->done(c->result, c->arg);
		free(c);
	}
}

void store_done(struct store *s)
{
	uint64_t count;

	/* nothing to read: called without need */
	if (read(s->event, &count, sizeof(count)) < 0)
		count = 0;
	tell_ended(s);
}

/* ---- in the loop's thread ---- */

/*
 * Locked. Is there nothing that the loop would have to wait for? The thread is at it; the disk was
 * slow, or it failed; or this commit would empty the log, or is the first one after that.
 */
static bool may_commit(const struct store *s)
{
	return s->queue.n <= TURN_CHANGES && !s->busy && !s->broken && !s->log_new &&
	       s->own.log_pages < STORE_LOG_PAGES && now_ns() >= s->slow_ns;
}

/* Locked. Changes that are the thread's. While it is up, it sees them by itself. */
static void leave_to_thread(struct store *s)
{
	if (s->wanted && s->queue.n >= s->wanted)
		pthread_cond_signal(&s->wake);
}

/* SQLite's result. Nobody is waited for: who has the lock is the thread's to deal with. */
static int commit_now(struct store *s, struct store_changes *l)
{
	uint64_t began = now_ns(), took;
	int rc;

	sqlite3_busy_timeout(s->own.db, 0);
	rc = commit(s, l->first, NULL);
	sqlite3_busy_timeout(s->own.db, STORE_BUSY_MS);
	s->ended_ns = now_ns();
	took = s->ended_ns - began;
	if (rc != SQLITE_OK || took > TURN_SLOW_NS)
		s->slow_ns = s->ended_ns + TURN_REST * (took > TURN_SLOW_NS ? took : TURN_SLOW_NS);
	if (is_broken(rc))
		set_broken(s, rc);
	else if (rc == SQLITE_OK)
		tell(s, rc);
	fail(l->first, rc);
	return rc;
}

/* Locked. What one change of many may have spoilt, or a lock, is the thread's to do again. */
static void commit_turn(struct store *s)
{
	struct store_changes l = s->queue;
	bool dirty = s->dirty;
	int rc;

	list_init(&s->queue);
	s->busy = true;
	pthread_mutex_unlock(&s->lock);
	rc = commit_now(s, &l);
	pthread_mutex_lock(&s->lock);
	s->busy = false;
	if (rc == SQLITE_OK || is_broken(rc))
		hand_back(s, &l);
	else
		s->queue = l;
	/* it has a time to sync at now; or it waits for us */
	s->called |= s->dirty != dirty;
	if (s->called || s->held_up)
		pthread_cond_signal(&s->wake);
}

void store_turn(struct store *s)
{
	if (s->durability == STORE_STRICT || !s->running)
		return;
	pthread_mutex_lock(&s->lock);
	s->turns = true;
	if (s->queue.n && may_commit(s))
		commit_turn(s);
	if (s->ended.n) {
		pthread_mutex_unlock(&s->lock);
		tell_ended(s);
		pthread_mutex_lock(&s->lock);
	}
	/* also what the answers have led to */
	leave_to_thread(s);
	pthread_mutex_unlock(&s->lock);
}

void store_counters(const struct store *s, struct store_counters *out)
{
	struct store *locked = (struct store *)(uintptr_t)s;

	pthread_mutex_lock(&locked->lock);
	*out = s->counters;
	out->queued = s->pending;
	pthread_mutex_unlock(&locked->lock);
}
