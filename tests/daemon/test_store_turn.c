/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commits at the end of a turn of the loop: all that was queued, in order, at once; nothing while
 * somebody would have to be waited for, and the log stays within its bounds.
 */
#include <sys/stat.h>

#include "store_bed.h"

#define TURNS 20000

static char folder[64] = "/tmp/callgate-turn-XXXXXX";
static char path[128];
static unsigned int ended, failures, disordered;
static uint32_t last;

static void done(int result, void *arg)
{
	ended++;
	failures += result != 0;
	disordered += bed_number(arg) != last + 1;
	last = bed_number(arg);
}

static struct store *open_store(uint8_t durability)
{
	struct store *s;

	bed_durability = durability;
	s = bed_open(path);
	T_OK(s != NULL, "opens");
	if (!s)
		exit(1);
	ended = failures = disordered = last = 0;
	/* from here on the turns' ends are counted on */
	store_turn(s);
	return s;
}

static void close_store(struct store *s, unsigned int want)
{
	store_close(s);
	T_OK(ended == want && !failures && !disordered, "%u of %u ended, %u failed, %u disordered",
	     ended, want, failures, disordered);
}

static void check(unsigned int users, uint32_t number)
{
	struct bed_state b;
	unsigned int wrong = 0;

	if (!bed_read(path, &b))
		return;
	for (unsigned int i = 0; i < users; i++)
		wrong += b.number[i] != number + i;
	T_OK(!wrong, "%u of %u users are not as they were left", wrong, users);
	bed_clean(path);
}

/* 200 changes in one turn. True: they ended with it, in one commit, and no thread was asked. */
static bool one_turn(struct store *s)
{
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };
	struct store_counters before, after;
	unsigned int base = ended;
	bool at_once;

	store_counters(s, &before);
	for (unsigned int i = 0; i < 200; i++)
		bed_change(s, i % USERS, base + i + 1, false, done);
	T_OK(ended == base, "answered before it is written");
	store_turn(s);
	store_counters(s, &after);
	at_once = ended == base + 200 && after.commits == before.commits + 1 && !poll(&p, 1, 0);
	while (ended < base + 200)
		bed_wait(s);
	return at_once;
}

/* The thread may be up, as it is at the start, or when a slow commit has left some to it. */
static void test_turn(uint8_t durability)
{
	struct store *s = open_store(durability);
	unsigned int turns = 1;

	while (!one_turn(s) && turns < TURNS)
		turns++;
	T_OK(turns < TURNS, "it is always the thread that commits");
	close_store(s, 200 * turns);
	check(USERS, 200 * turns - USERS + 1);
}

/* With "strict" the turn's end is nothing: it is the thread that waits for the disk. */
static void test_strict(void)
{
	struct store *s = open_store(STORE_STRICT);

	bed_change(s, 0, 1, false, done);
	store_turn(s);
	T_OK(!ended, "the loop has committed");
	bed_wait(s);
	close_store(s, 1);
	check(1, 1);
}

/* A lock of another program is nothing that the loop waits for: the thread does. */
static void test_locked(void)
{
	struct store *s = open_store(STORE_NONE);
	sqlite3 *db = NULL;

	T_OK(sqlite3_open(path, &db) == SQLITE_OK &&
	     sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, "lock");
	for (unsigned int i = 0; i < 3; i++) {
		bed_change(s, 0, i + 1, false, done);
		T_OK(!bed_turn(s), "ended under another's lock");
	}
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	while (ended < 3)
		bed_wait(s);
	close_store(s, 3);
	check(1, 3);
}

static off_t log_size(void)
{
	char name[160];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", path);
	return stat(name, &st) ? -1 : st.st_size;
}

/* Many turns, some of them with more than a turn commits: the thread empties the log. */
static void test_log(void)
{
	struct store *s = open_store(STORE_NONE);
	unsigned int n = 0;

	for (unsigned int i = 0; i < 5000; i++) {
		for (unsigned int k = 0; k < (i % 1000 ? USERS : 400); k++, n++)
			bed_change(s, n % USERS, n + 1, false, done);
		while (ended < n)
			bed_wait(s);
	}
	T_OK(log_size() <= 20 << 20, "the log has %ld bytes", (long)log_size());
	close_store(s, n);
	bed_clean(path);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/callgate.db", folder);
	test_turn(STORE_1S);
	test_turn(STORE_NONE);
	test_strict();
	test_locked();
	test_log();
	rmdir(folder);
	return t_end("store_turn");
}
