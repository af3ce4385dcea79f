/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the store and the table of locations cost: CPU for each change, bytes for each binding, time
 * to load. make -f tests/daemon.mk bench-store, then
 * build/bench-store FOLDER [BINDINGS [OUTSTANDING [DURABILITY]]]; DURABILITY: 0 strict, 1, 2.
 */
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "location.h"
#include "loop.h"
#include "store.h"

static unsigned int n, outstanding, under_way, failed;
static struct store *store;

static double cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void done(int result, void *arg)
{
	(void)arg;
	failed += result != 0;
	under_way--;
}

static void reap(unsigned int until)
{
	struct pollfd p = { .fd = store_fd(store), .events = POLLIN };

	while (under_way > until) {
		poll(&p, 1, 1000);
		store_done(store);
	}
}

/* A phone as they are: 20 bytes of user, 45 of Contact, 36 of Call-ID, 30 of User-Agent. */
static void change(unsigned int i, uint64_t id, unsigned int round)
{
	char aor[64], uri[96], call_id[64];
	struct timespec t;
	struct contact c = {
		.uri = uri, .call_id = call_id, .user_agent = (char *)"Yealink SIP-T46S 66.86.0.15",
		.id = id, .cseq = round, .q = 1000,
		.flow = {
			.local = { .len = 4, .addr = { 192, 0, 2, 1 }, .port = 5060 },
			.remote = { .len = 4, .addr = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
							(uint8_t)i }, .port = 5060 },
		},
	};
	const struct location_change ch = { .aor = aor, .put = &c, .n_put = 1 };

	snprintf(aor, sizeof(aor), "u%06u@office.example", i);
	snprintf(uri, sizeof(uri), "sip:u%06u@10.%u.%u.%u:5060;transport=udp", i, i >> 16 & 255,
		 i >> 8 & 255, i & 255);
	snprintf(call_id, sizeof(call_id), "%08x-%08x-%08x@10.1.2.3", i, i * 7, i * 13);
	clock_gettime(CLOCK_REALTIME, &t);
	c.since = (uint64_t)t.tv_sec * 1000;
	c.until = c.since + 3600000;
	under_way++;
	if (location_commit(&ch, done, NULL)) {
		failed++;
		under_way--;
	}
	if (under_way >= outstanding)
		reap(outstanding / 4);
}

static void report(const char *what, unsigned int count, const double at[2])
{
	struct store_counters k;

	store_counters(store, &k);
	printf("%-28s %6.2f us CPU, %6.2f us wall each; %llu commits, %u failed\n", what,
	       (cpu() - at[0]) * 1e6 / count, (wall() - at[1]) * 1e6 / count,
	       (unsigned long long)k.commits, failed);
}

static int open_store(const char *path, uint8_t durability)
{
	const struct store_options o = { .path = path, .durability = durability };
	char why[256];
	int err = store_open(&o, &store, why);

	if (err)
		fprintf(stderr, "%s\n", why);
	return err;
}

static void renew(void)
{
	double at[2] = { cpu(), wall() };
	unsigned int count = n < 200000 ? n : 200000;

	for (unsigned int i = 0; i < count; i++)
		change(i, i + 1, 2);
	reap(0);
	report("renew, in order", count, at);
	at[0] = cpu();
	at[1] = wall();
	srand(1);
	for (unsigned int i = 0; i < count; i++) {
		unsigned int who = (unsigned int)rand() % n;

		change(who, who + 1, 3);
	}
	reap(0);
	report("renew, at random", count, at);
}

static int load(const char *path, uint8_t durability)
{
	struct mallinfo2 before, after;
	double at[2];

	store_close(store);
	location_free();
	malloc_trim(0);
	at[0] = cpu();
	at[1] = wall();
	if (open_store(path, durability))
		return 1;
	before = mallinfo2();
	if (location_load(store))
		return 1;
	after = mallinfo2();
	printf("%-28s %6.2f s CPU, %6.2f s wall for %zu\n", "load", cpu() - at[0], wall() - at[1],
	       location_count());
	printf("%-28s %6.1f\n", "bytes for each binding",
	       (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) /
	       (double)location_count());
	return 0;
}

static void users(void)
{
	struct user u = { .domain = "office.example", .realm = "office.example", .has_ha1 = 2 };
	char name[16];
	double at;

	for (unsigned int i = 0; i < 20; i++) {
		snprintf(u.name, sizeof(u.name), "u%06u", i);
		store_user_add(store, &u);
	}
	at = cpu();
	for (unsigned int i = 0; i < 200000; i++) {
		snprintf(name, sizeof(name), "u%06u", i % 20);
		store_user(store, name, "office.example", &u);
	}
	printf("%-28s %6.2f us CPU\n", "a user, from the cache", (cpu() - at) * 1e6 / 200000);
	at = cpu();
	for (unsigned int i = 0; i < 20000; i++) {
		store_users_changed(store);
		snprintf(name, sizeof(name), "u%06u", i % 20);
		store_user(store, name, "office.example", &u);
	}
	printf("%-28s %6.2f us CPU\n", "a user, from the database", (cpu() - at) * 1e6 / 20000);
}

int main(int argc, char **argv)
{
	uint8_t durability = argc > 4 ? (uint8_t)atoi(argv[4]) : STORE_STRICT;
	char path[512];
	double at[2];

	if (argc < 2)
		return 2;
	n = argc > 2 ? (unsigned int)atoi(argv[2]) : 100000;
	outstanding = argc > 3 ? (unsigned int)atoi(argv[3]) : 128;
	snprintf(path, sizeof(path), "%s/bench.db", argv[1]);
	loop_set_now(1000000);
	if (open_store(path, durability) || location_load(store))
		return 1;
	at[0] = cpu();
	at[1] = wall();
	for (unsigned int i = 0; i < n; i++)
		change(i, 0, 1);
	reap(0);
	report("register", n, at);
	renew();
	users();
	if (load(path, durability))
		return 1;
	store_close(store);
	location_free();
	return failed != 0;
}
