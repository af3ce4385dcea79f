/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks that fail: each operation once, and from each on; a full disk; power cuts at any operation.
 * What was acknowledged is there afterwards, nothing is there by half, and the store goes on when
 * the disk does. usage: test_store_faults [CUTS]
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store_bed.h"
#include "faulty_vfs.h"

static char folder[64] = "/tmp/callgate-faults-XXXXXX";
static char path[128], left_folder[128], left_path[160];
static _Atomic uint32_t acked[USERS];
static uint32_t acked_at_cut[USERS];
static unsigned int under_way, failed, refused;
static int results[64];

static void done(int result, void *arg)
{
	under_way--;
	failed += result != 0;
	results[-result & 63]++;
	if (!result)
		atomic_store(&acked[bed_user(arg)], bed_number(arg));
}

static void commit_some(struct store *s, unsigned int count, uint32_t number)
{
	for (unsigned int i = 0; i < count; i++) {
		if (bed_change(s, bed_rnd(USERS), number + i, false, done)) {
			refused++;
			continue;
		}
		under_way++;
		while (under_way > 5)
			bed_wait(s);
	}
	while (under_way)
		bed_wait(s);
}

static void check(const char *file, const uint32_t *want)
{
	struct bed_state b;
	unsigned int lost = 0;

	if (!bed_read(file, &b))
		return;
	for (unsigned int i = 0; i < USERS; i++)
		lost += b.number[i] < want[i];
	T_OK(!lost, "%u acknowledged changes lost", lost);
}

static void check_acked(void)
{
	uint32_t want[USERS];

	for (unsigned int i = 0; i < USERS; i++)
		want[i] = atomic_load(&acked[i]);
	check(path, want);
}

static struct store *fresh(void)
{
	bed_clean(path);
	faulty_reset();
	memset(acked, 0, sizeof(acked));
	memset(results, 0, sizeof(results));
	failed = refused = 0;
	return bed_open(path);
}

/* Operation @n after the start fails, or all of that kind from @n on. */
static unsigned int fault_at(unsigned int n, unsigned int kinds, int code, bool for_good)
{
	struct store *s = fresh();
	unsigned int ops;

	T_OK(s != NULL, "opens");
	if (!s)
		return 0;
	pthread_mutex_lock(&faulty.lock);
	faulty.from = faulty.ops + n;
	faulty.to = for_good ? UINT32_MAX : faulty.from;
	faulty.kinds = kinds;
	faulty.code = code;
	ops = faulty.ops;
	pthread_mutex_unlock(&faulty.lock);
	commit_some(s, 30, 1);
	ops = faulty.ops - ops;
	faulty.from = 0;
	store_close(s);
	faulty_reset();
	check_acked();
	return ops;
}

static void test_each(unsigned int kinds, int code, int want)
{
	unsigned int seen = 0, ops = fault_at(UINT32_MAX / 2, kinds, code, false);

	T_OK(ops > 20 && !failed, "%u operations, %u failures", ops, failed);
	for (unsigned int n = 1; n <= ops; n++) {
		fault_at(n, kinds, code, n % 2);
		seen += results[want] != 0;
		T_OK(!failed || results[want], "another error than %d", want);
	}
	T_OK(seen > 3, "only %u faults were seen", seen);
}

/* The disk comes back: within some seconds changes are kept again, by the same store. */
static void test_comes_back(void)
{
	struct store *s = fresh();
	unsigned int tries = 0;

	T_OK(s != NULL, "opens");
	if (!s)
		return;
	commit_some(s, 5, 1);
	T_OK(!failed, "a good disk");
	faulty.code = SQLITE_IOERR_FSYNC;
	faulty.kinds = FAULTY_SYNC;
	faulty.to = UINT32_MAX;
	faulty.from = 1;
	commit_some(s, 5, 10);
	T_OK(failed == 5 && results[EIO] == 5, "%u of 5 failed", failed);
	faulty.from = 0;
	while (failed && tries++ < 500) {
		failed = 0;
		commit_some(s, 5, 20);
		poll(NULL, 0, failed ? 10 : 0);
	}
	T_OK(!failed, "it does not go on");
	store_close(s);
	check_acked();
}

/* A disk with no room: the limit of the process stands for it. */
static void test_full(void)
{
	struct rlimit was, low = { .rlim_cur = 200000 };
	struct store *s = fresh();

	getrlimit(RLIMIT_FSIZE, &was);
	low.rlim_max = was.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	T_OK(s && !setrlimit(RLIMIT_FSIZE, &low), "limit");
	commit_some(s, 400, 1);
	T_OK(failed > 10 && failed < 400, "%u of 400 failed", failed);
	setrlimit(RLIMIT_FSIZE, &was);
	store_close(s);
	check_acked();
}

/* ---- power cuts ---- */

static void at_cut(void)
{
	for (unsigned int i = 0; i < USERS; i++)
		acked_at_cut[i] = atomic_load(&acked[i]);
	faulty_leave(left_folder, bed_rnd);
}

static unsigned int run_with_cut(unsigned int at)
{
	struct store *s = fresh();
	unsigned int ops;

	bed_clean(left_path);
	memset(acked_at_cut, 0, sizeof(acked_at_cut));
	/* nothing yet may have been synced of what the folder has */
	faulty.at_cut = at_cut;
	faulty.cut = at ? faulty.ops + at : 0;
	commit_some(s, 60, 1);
	store_close(s);
	ops = faulty.ops;
	faulty_reset();
	if (at)
		check(left_path, acked_at_cut);
	return ops;
}

static void test_cuts(unsigned int count)
{
	unsigned int ops = run_with_cut(0);

	T_OK(ops > 50, "only %u operations", ops);
	for (unsigned int i = 0; i < count; i++)
		run_with_cut(1 + bed_rnd(ops - 10));
}

static int warned[2];

static void __attribute__((format(printf, 1, 2))) warn(const char *format, ...)
{
	if (write(warned[1], format, 1) != 1)
		T_OK(0, "warn");
}

/* With "1s" somebody syncs what a turn of the loop has committed: on this disk that fails. */
static void test_second(void)
{
	const struct store_options o = { .path = path, .durability = STORE_1S, .warn = warn };
	struct pollfd p = { .events = POLLIN };
	struct store *s = NULL;
	char why[256], byte;

	bed_clean(path);
	faulty_reset();
	failed = 0;
	T_OK(!pipe(warned) && !store_open(&o, &s, why), "opens");
	bed_turn(s);
	bed_change(s, 1, 1, false, done);
	for (under_way++; under_way;)
		bed_wait(s);
	/* it was synced; now the thread sleeps, and what comes next is the turn's */
	poll(NULL, 0, 20);
	faulty.code = SQLITE_IOERR_FSYNC;
	faulty.kinds = FAULTY_SYNC;
	faulty.to = UINT32_MAX;
	faulty.from = 1;
	bed_change(s, 2, 2, false, done);
	for (under_way++; under_way;)
		bed_wait(s);
	T_OK(!failed, "%u failed that were to be synced later", failed);
	p.fd = warned[0];
	T_OK(poll(&p, 1, 5000) == 1 && read(p.fd, &byte, 1) == 1, "nobody syncs");
	faulty.from = 0;
	store_close(s);
	close(warned[0]);
	close(warned[1]);
}

int main(int argc, char **argv)
{
	unsigned int cuts = argc > 1 ? (unsigned int)atoi(argv[1]) : 100;
	uint32_t seed = bed_seed = (uint32_t)getpid();

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/callgate.db", folder);
	snprintf(left_folder, sizeof(left_folder), "%s/left", folder);
	snprintf(left_path, sizeof(left_path), "%s/callgate.db", left_folder);
	mkdir(left_folder, 0700);
	test_full();
	faulty_register();
	test_each(FAULTY_WRITE | FAULTY_TRUNCATE, SQLITE_IOERR_WRITE, EIO);
	test_each(FAULTY_SYNC, SQLITE_IOERR_FSYNC, EIO);
	test_each(FAULTY_WRITE, SQLITE_FULL, ENOSPC);
	test_comes_back();
	bed_durability = STORE_NONE;
	test_each(FAULTY_WRITE, SQLITE_IOERR_WRITE, EIO);
	test_each(FAULTY_WRITE, SQLITE_FULL, ENOSPC);
	bed_durability = STORE_STRICT;
	test_second();
	test_cuts(cuts);
	if (t_failed)
		printf("seed %u\n", seed);
	bed_clean(path);
	bed_clean(left_path);
	rmdir(left_folder);
	rmdir(folder);
	return t_end("store_faults");
}
