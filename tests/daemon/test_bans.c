// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who is banned, for how long, and who never is; then with nft, in a network namespace of its own:
 * datagrams of a banned source are not delivered, those of others are. What needs root is skipped
 * without it.
 */
#define _GNU_SOURCE
#include "t.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bans.h"
#include "bans_live.h"
#include "config.h"
#include "location.h"
#include "log.h"
#include "loop.h"
#include "text.h"

static struct endpoint listens[] = { { .len = 4, .port = 5060 }, { .len = 16, .port = 5060 },
				     { .len = 4, .port = 5070 } };
static struct config config = { .ban_failures = 10, .ban_window = 600, .ban_time = 3600,
				.listen = listens, .n_listen = 3 };

const struct config *config_now(void)
{
	return &config;
}

static config_hook_fn *reloaded;

int config_hook(config_hook_fn *fn)
{
	T_OK(!reloaded, "hooked twice");
	reloaded = fn;
	return 0;
}

static struct endpoint endpoint(const char *text)
{
	struct endpoint e = { .port = 5060 };
	struct prefix p;

	if (text_read_prefix(text, &p)) {
		e.len = p.len;
		memcpy(e.addr, p.addr, sizeof(e.addr));
	}
	return e;
}

bool access_trusted(const struct endpoint *source)
{
	struct endpoint trusted = endpoint("192.0.2.200");

	return source->len == 4 && !memcmp(source->addr, trusted.addr, 4);
}

/* ---- bindings ---- */

static struct contact contacts[4000];
static size_t n_contacts;
static location_hook_fn *hook;

int location_hook(location_hook_fn *fn)
{
	hook = fn;
	return 0;
}

int location_each(location_each_fn *fn, void *arg)
{
	for (size_t i = 0; i < n_contacts; i++)
		fn(NULL, &contacts[i], arg);
	return 0;
}

static struct contact *bound(const char *source)
{
	struct contact *c = &contacts[n_contacts++];

	c->flow.remote = endpoint(source);
	if (hook)
		hook(NULL, NULL, c, GONE_EXPIRED);
	return c;
}

/* ---- counting ---- */

static bool fail(const char *source, const char *user, unsigned int times)
{
	struct endpoint e = endpoint(source);
	bool refused = false;

	while (times--)
		refused = bans_failed(&e, user);
	return refused;
}

static bool has(const char *source)
{
	struct endpoint e = endpoint(source);

	return bans_has(&e);
}

static bool refuses(const char *source, const char *user)
{
	struct endpoint e = endpoint(source);

	return bans_refuses(&e, user);
}

static int removed(const char *text)
{
	struct prefix p;

	return text_read_prefix(text, &p) ? bans_remove(&p) : -EINVAL;
}

static const struct ban *in_list(const char *source, bool one_user)
{
	static struct ban b;
	char text[TEXT_ENDPOINT];
	uint32_t at = 0;

	while (bans_next(&at, &b))
		if (b.one_user == one_user && !strcmp(text_prefix(&b.source, text), source))
			return &b;
	return NULL;
}

static void check_counts(void)
{
	const struct ban *b;

	T_OK(!fail("192.0.2.1", "alice", 9) && !has("192.0.2.1"), "banned after 9");
	T_OK(!refuses("192.0.2.1", "alice"), "refused after 9");
	T_OK(fail("192.0.2.1", "bob", 1) && has("192.0.2.1"), "not banned after 10");
	T_OK(!refuses("192.0.2.1", "bob") && !refuses("192.0.2.1", "alice"), "names");
	T_OK(!has("192.0.2.2"), "the next one is banned");
	b = in_list("192.0.2.1", false);
	T_OK(b && b->failures == 10 && !strcmp(b->user, "bob") &&
	     b->until == loop_now() + 3600000, "not listed so");
	loop_set_now(loop_now() + 3599999);
	T_OK(has("192.0.2.1"), "not for the whole time");
	loop_set_now(loop_now() + 1);
	T_OK(!has("192.0.2.1") && !in_list("192.0.2.1", false), "for longer");
	T_OK(!fail("192.0.2.1", "bob", 9), "counts from before");
	T_OK(fail("192.0.2.1", "bob", 1) && has("192.0.2.1"), "not a second time");
	T_OK(removed("192.0.2.2") == -ENOENT, "removed what is not there");
	T_OK(!removed("192.0.2.1") && !has("192.0.2.1") && !refuses("192.0.2.1", "bob"),
	     "not removed");
	T_OK(removed("192.0.2.1") == -ENOENT, "removed twice");
}

static void check_windows(void)
{
	fail("192.0.2.3", "alice", 9);
	loop_set_now(loop_now() + 600001);
	T_OK(!fail("192.0.2.3", "alice", 9), "the window does not end");
	T_OK(fail("192.0.2.3", "alice", 1), "no window begins");
	fail("192.0.2.4", "alice", 9);
	loop_set_now(loop_now() + 600000);
	T_OK(fail("192.0.2.4", "alice", 1), "the window ends early");
	config.ban_failures = 0;
	T_OK(!fail("192.0.2.5", "alice", 1000) && !has("192.0.2.5"), "bans are off");
	config.ban_failures = 10;
}

static void check_networks(void)
{
	T_OK(fail("2001:db8:1:2::1", "x", 5) || fail("2001:db8:1:2:ffff::9", "x", 5), "a /64");
	T_OK(has("2001:db8:1:2:3:4:5:6"), "another host of it");
	T_OK(!has("2001:db8:1:3::1"), "another network");
	T_OK(in_list("2001:db8:1:2::/64", false), "not listed as network");
	T_OK(!removed("2001:db8:1:2:8::8"), "not removed by a host in it");
	T_OK(!has("2001:db8:1:2::1"), "still there");
	for (int i = 10; i < 20; i++) {
		char text[32];

		snprintf(text, sizeof(text), "198.51.100.%d", i);
		fail(text, "x", 10);
	}
	T_OK(has("198.51.100.10") && has("198.51.100.19"), "ten");
	T_OK(!removed("198.51.100.0/28") && !has("198.51.100.10") && !has("198.51.100.15") &&
	     has("198.51.100.16"), "a network of them");
}

static void check_exempt(void)
{
	struct contact *c;

	T_OK(!fail("192.0.2.200", "x", 100) && !has("192.0.2.200"), "a provider is banned");
	T_OK(!refuses("192.0.2.200", "x"), "a provider is refused");
	bound("192.0.2.50");
	c = bound("192.0.2.50");
	T_OK(!fail("192.0.2.50", "alice", 9), "refused early");
	T_OK(fail("192.0.2.50", "alice", 1), "the name is not refused");
	T_OK(!has("192.0.2.50"), "a source of bindings is banned");
	T_OK(refuses("192.0.2.50", "alice") && !refuses("192.0.2.50", "bob") &&
	     !refuses("192.0.2.51", "alice"), "names are mixed up");
	T_OK(in_list("192.0.2.50", true) && !in_list("192.0.2.50", false), "list");
	T_OK(!fail("192.0.2.50", "bob", 1), "bob is refused");
	/* renewed from elsewhere, then it ends: one of two is left, then none */
	contacts[0].flow.remote = endpoint("192.0.2.51");
	hook(NULL, c, &contacts[0], GONE_REPLACED);
	T_OK(!fail("192.0.2.50", "bob", 1) && !has("192.0.2.50"), "there is one more");
	hook(NULL, c, NULL, GONE_EXPIRED);
	T_OK(fail("192.0.2.50", "bob", 1) && has("192.0.2.50"), "there is none");
	T_OK(!fail("192.0.2.51", "bob", 9) && !fail("192.0.2.51", "eve", 9) &&
	     !has("192.0.2.51"), "where it went");
	/* a right password ends the count of the name */
	struct endpoint e = endpoint("192.0.2.51");

	bans_succeeded(&e, "eve");
	T_OK(!fail("192.0.2.51", "eve", 9), "counts from before");
}

/* Against counting anew: sources come and go at random, many of them. */
static void check_live(void)
{
	static unsigned int counts[600];
	static struct contact all[4000];
	char text[32];
	unsigned int bad = 0;

	srand(3);
	for (unsigned int i = 0; i < 40000; i++) {
		struct contact *c = &all[(size_t)rand() % 4000], was = *c;
		unsigned int n = (unsigned int)rand() % 600;
		bool ends = c->flow.remote.len && rand() % 2;

		if (was.flow.remote.len)
			counts[was.id]--;
		memset(c, 0, sizeof(*c));
		if (!ends) {
			snprintf(text, sizeof(text), "10.%u.0.1", n % 256);
			c->flow.remote = endpoint(text);
			c->flow.remote.addr[2] = (uint8_t)(n / 256);
			c->id = n;
			counts[n]++;
		}
		hook(NULL, was.flow.remote.len ? &was : NULL, ends ? NULL : c, GONE_EXPIRED);
		snprintf(text, sizeof(text), "10.%u.%u.1", i % 600 % 256, i % 600 / 256);
		struct endpoint e = endpoint(text);

		bad += bans_live(&e) != (counts[i % 600] != 0);
	}
	T_OK(!bad, "%u of 40000 answers differ", bad);
}

/* More sources than there is room for: bounded, and bans stay before counts. */
static void check_flood(void)
{
	struct endpoint e = { .len = 4, .port = 5060 };

	fail("203.0.113.5", "x", 10);
	T_OK(has("203.0.113.5"), "banned");
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t address = htonl(0x0b000000 + i);

		memcpy(e.addr, &address, 4);
		bans_failed(&e, "x");
	}
	T_OK(has("203.0.113.5"), "a ban gave way to counts");
}

/* ---- with nft ---- */

static int listener(const struct sockaddr *at, socklen_t len)
{
	int fd = socket(at->sa_family, SOCK_DGRAM, 0);

	if (fd >= 0 && bind(fd, at, len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int udp(const char *host, uint16_t port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, host, &four.sin_addr) == 1)
		return listener((struct sockaddr *)&four, sizeof(four));
	inet_pton(AF_INET6, host, &six.sin6_addr);
	return listener((struct sockaddr *)&six, sizeof(six));
}

/* Does a datagram arrive? */
static bool arrives(const char *from, const char *to, uint16_t port)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	int out = udp(from, 0), in = udp(to, port);
	struct pollfd p = { .fd = in, .events = POLLIN };
	bool got;

	getsockname(in, (struct sockaddr *)&at, &len);
	sendto(out, "x", 1, 0, (struct sockaddr *)&at, len);
	got = poll(&p, 1, 200) == 1;
	close(out);
	close(in);
	return got;
}

/* What nft is told takes a moment; ten seconds are enough for it on any machine. */
static bool becomes(bool wanted, const char *from, const char *to, uint16_t port)
{
	uint64_t end = text_boot_now() + 10000;

	while (text_boot_now() < end)
		if (arrives(from, to, port) == wanted)
			return true;
	return false;
}

static bool shell(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check_nft(void)
{
	char why[256];

	T_OK(!bans_open(&config, why) && !why[0], "open: %s", why);
	T_OK(arrives("127.0.0.2", "127.0.0.1", 5060), "no network");
	fail("127.0.0.2", "x", 10);
	T_OK(becomes(false, "127.0.0.2", "127.0.0.1", 5060), "not dropped");
	T_OK(!arrives("127.0.0.2", "127.0.0.1", 5070), "not dropped at the other port");
	T_OK(arrives("127.0.0.2", "127.0.0.1", 5071), "dropped at any port");
	T_OK(arrives("127.0.0.3", "127.0.0.1", 5060), "the next one is dropped");
	T_OK(arrives("2001:db8::2", "2001:db8::1", 5060), "no network");
	fail("2001:db8::2", "x", 10);
	T_OK(becomes(false, "2001:db8::3", "2001:db8::1", 5060), "IPv6 is not dropped by /64");
	T_OK(arrives("2001:db8:0:1::1", "2001:db8::1", 5060), "another network is dropped");
	T_OK(!removed("127.0.0.2") && becomes(true, "127.0.0.2", "127.0.0.1", 5060),
	     "a removed ban drops");
	fail("127.0.0.4", "x", 10);
	T_OK(becomes(false, "127.0.0.4", "127.0.0.1", 5060), "not dropped");
	/* somebody removes everything: the next ban brings it back */
	T_OK(shell("nft flush ruleset"), "nft");
	fail("127.0.0.5", "x", 10);
	T_OK(becomes(false, "127.0.0.5", "127.0.0.1", 5060), "not dropped after a flush");
}

/* An orderly end and a new start. */
static void check_restart(void)
{
	char why[256];

	bans_close();
	T_OK(arrives("127.0.0.5", "127.0.0.1", 5060), "drops after the end");
	T_OK(shell("nft list table inet callgate | grep -q 127.0.0.5"), "the set is empty");
	T_OK(!shell("nft list table inet callgate | grep -q prerouting"), "the chain stays");
	T_OK(!bans_open(&config, why), "open: %s", why);
	T_OK(!arrives("127.0.0.5", "127.0.0.1", 5060), "not in force again");
	T_OK(has("127.0.0.5") && in_list("127.0.0.5", false), "not listed again");
	T_OK(!removed("127.0.0.5") && becomes(true, "127.0.0.5", "127.0.0.1", 5060),
	     "cannot be removed");
	/* without an end: the same again */
	T_OK(shell("nft list chain inet callgate bans | grep -c drop | grep -qx 2"), "rules");
	bans_close();
	T_OK(!bans_open(&config, why), "open: %s", why);
	T_OK(shell("nft list chain inet callgate bans | grep -c drop | grep -qx 2"), "rules");
	config.ban_failures = 0;
	bans_close();
	T_OK(!bans_open(&config, why), "open without bans: %s", why);
	T_OK(!shell("nft list table inet callgate | grep -q prerouting"), "the chain stays");
	bans_close();
	config.ban_failures = 10;
}

static void reload(uint32_t failures)
{
	config.ban_failures = failures;
	reloaded(&config);
}

/* From 0 to some and back by a reload. */
static void check_reload(void)
{
	char why[256];

	config.ban_failures = 0;
	T_OK(!bans_open(&config, why), "open without bans: %s", why);
	reload(10);
	T_OK(shell("nft list chain inet callgate bans | grep -c drop | grep -qx 2"), "no chain");
	fail("127.0.0.6", "x", 10);
	T_OK(becomes(false, "127.0.0.6", "127.0.0.1", 5060), "not dropped");
	reload(5);
	T_OK(has("127.0.0.6"), "forgotten by a reload that changes the number");
	T_OK(shell("nft list chain inet callgate bans | grep -c drop | grep -qx 2"), "rules");
	reload(0);
	T_OK(arrives("127.0.0.6", "127.0.0.1", 5060) && !has("127.0.0.6"), "banned without bans");
	reload(10);
	T_OK(!arrives("127.0.0.6", "127.0.0.1", 5060) && has("127.0.0.6"), "what the sets hold");
	bans_close();
}

/* Only inside of callgated, as who may not use nft. */
static int check_without_rights(void)
{
	char why[256];

	if (setuid(65534))
		return 2;
	if (bans_open(&config, why) || why[0])
		return 3;
	fail("127.0.0.9", "x", 10);
	if (!has("127.0.0.9"))
		return 4;
	if (!arrives("127.0.0.9", "127.0.0.1", 5060))
		return 5;
	bans_close();
	return 0;
}

static void check_in_namespace(void)
{
	int status = -1;

	fflush(NULL);
	if (!fork())
		_exit(check_without_rights());
	wait(&status);
	T_OK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "without rights: step %d",
	     WEXITSTATUS(status));
	check_nft();
	check_restart();
	check_reload();
}

int main(void)
{
	char why[256];
	bool alone = !unshare(CLONE_NEWNET) &&
		     shell("ip link set lo up && ip addr add 2001:db8::1/128 dev lo &&"
			   " ip addr add 2001:db8::2/128 dev lo &&"
			   " ip addr add 2001:db8::3/128 dev lo &&"
			   " ip addr add 2001:db8:0:1::1/128 dev lo");

	log_setup(LOG_LEVEL_FATAL);
	loop_set_now(1000000);
	if (geteuid() && !alone) {
		puts("not root: nft is not tried");
		t_skipped++;
	}
	/* as root in the system's own namespace nothing may be changed */
	if (alone || geteuid()) {
		T_OK(!bans_open(&config, why), "open: %s", why);
		check_counts();
		check_windows();
		check_networks();
		check_exempt();
		check_live();
		check_flood();
		bans_close();
	}
	if (alone)
		check_in_namespace();
	return t_end("bans");
}
