/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of stories.h through two routers with the same addresses, keys and users, at the same
 * time. In the first the module's fast path is switched before each message, and sometimes all its
 * locations are taken away, so that it has to ask; in the second callgated is alone. What comes out
 * of both must be the same but for the owner's mark. tests/daemon/sequences makes the routers.
 *
 * usage: sequences CALLS SEED ROUTER INSIDE OUTSIDE ROUTER INSIDE OUTSIDE
 *	network namespaces of the first and the second
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "../../uapi/callgate.h"
#include "../../uapi/callgate_gateway.h"
#include "../bench/gatelink.h"
#include "address.h"
#include "digest.h"
#include "stories.h"
#include "t.h"

#define ACTIVE 1000		/* calls at once */
#define PATIENCE_MS 5000
#ifndef RINGS_MS
#define RINGS_MS 150000		/* callgated knows the way of an INVITE for 200 s */
#endif
#define PLUGS 300
#define HOSTS 38		/* from .2 on */
#define ALL (CALLGATE_TAKE_OUTSIDE | CALLGATE_TAKE_INSIDE | CALLGATE_TAKE_DIALOG)

static unsigned int n_sent, n_kernel, n_daemon, n_flushed, n_moved, n_slow;

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(errno));
	exit(1);
}

/* ---- two worlds: the mixed one and callgated alone ---- */

enum { MIXED, ALONE, WORLDS };

static struct plug {
	struct endpoint at;
	int fd, world;
} plugs[PLUGS];
static int n_plugs, poll_fd;
static int spaces[WORLDS][3];		/* router, inside, outside */
static int gates[WORLDS];
static uint16_t family;
static uint32_t take[WORLDS];

static void enter(int space)
{
	if (setns(space, CLONE_NEWNET))
		die("setns");
}

static void plug_in(int world, bool outside, struct endpoint at)
{
	struct plug *p = &plugs[n_plugs++];
	union address address;
	socklen_t len = address_of(&at, &address);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = p };

	enter(spaces[world][outside ? 2 : 1]);
	*p = (struct plug){
		at, socket(address.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0), world,
	};
	if (p->fd < 0 || bind(p->fd, &address.sa, len) ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, p->fd, &event))
		die("a peer's socket");
}

static struct endpoint device(unsigned int n, bool six)
{
	char text[40];
	uint16_t port = (uint16_t)(5060 + 2 * (n / HOSTS));

	snprintf(text, sizeof(text), six ? "fd00:7::%u" : "192.168.7.%u", 2 + n % HOSTS);
	return six ? at6(text, port) : at4(text, port);
}

static struct endpoint stranger(bool six)
{
	return six ? at6("2001:db8:f::9", 5060) : at4("203.0.113.9", 5060);
}

static const char *router(bool six, bool outside)
{
	if (six)
		return outside ? "[2001:db8:f::1]" : "[fd00:7::1]";
	return outside ? "203.0.113.1" : "192.168.7.1";
}

static struct endpoint router_of(const struct endpoint *peer)
{
	struct endpoint e = *peer;

	e.addr[e.len - 1] = 1;
	e.port = 5060;
	return e;
}

static void set_gate(int world, uint32_t what)
{
	static struct nlbuf b;
	unsigned int nest;

	if (take[world] == what)
		return;
	take[world] = what;
	b.len = 0;
	nl_begin(&b, family, CALLGATE_CMD_GATE_SET, 5 /* NLM_F_REQUEST | NLM_F_ACK */);
	nest = nl_nest(&b, CALLGATE_A_GATE);
	nl_u32(&b, CALLGATE_G_TAKE, what);
	nl_nest_end(&b, nest);
	if (nl_do(gates[world], &b))
		die("GATE_SET");
}

static void flush_locations(void)
{
	static struct nlbuf b;

	b.len = 0;
	nl_begin(&b, family, CALLGATE_CMD_LOCATION_FLUSH, 5);
	if (nl_do(gates[MIXED], &b))
		die("LOCATION_FLUSH");
	n_flushed++;
}

static void open_world(int world, char **paths)
{
	for (int i = 0; i < 3; i++) {
		spaces[world][i] = open(paths[i], O_RDONLY | O_CLOEXEC);
		if (spaces[world][i] < 0)
			die("%s", paths[i]);
	}
	enter(spaces[world][0]);
	gates[world] = nl_open();
	family = nl_family(gates[world]);
	take[world] = ~0u;
	set_gate(world, 0);
	for (int six = 0; six < 2; six++) {
		for (unsigned int n = 0; n < 60; n++)
			plug_in(world, false, device(n, six));
		plug_in(world, true, stranger(six));
	}
}

/* ---- what goes in and comes out ---- */

#define ROOM 4
static struct sent came[WORLDS][ROOM];
static unsigned int n_came[WORLDS];

static void give(int world, const struct endpoint *from, const char *text)
{
	struct endpoint to = router_of(from);
	union address address;
	socklen_t len = address_of(&to, &address);

	for (int i = 0; i < n_plugs; i++)
		if (plugs[i].world == world && endpoint_equal(&plugs[i].at, from)) {
			if (sendto(plugs[i].fd, text, strlen(text), 0, &address.sa, len) < 0)
				die("send");
			return;
		}
	die("no such peer");
}

static void take_in(const struct plug *p)
{
	struct sent *s = &came[p->world][n_came[p->world] % ROOM];
	ssize_t n;

	while ((n = recv(p->fd, s->text, sizeof(s->text) - 1, 0)) >= 0) {
		s->len = (uint32_t)n;
		s->text[n] = 0;
		s->flow.remote = p->at;
		s = &came[p->world][++n_came[p->world] % ROOM];
	}
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Until that many came of each; no longer than PATIENCE_MS. */
static void wait_for(unsigned int mixed, unsigned int alone)
{
	const uint64_t end = now_ms() + PATIENCE_MS;
	struct epoll_event events[16];

	while ((n_came[MIXED] < mixed || n_came[ALONE] < alone) && now_ms() < end) {
		int n = epoll_wait(poll_fd, events, 16, 100);

		for (int i = 0; i < n; i++)
			take_in(events[i].data.ptr);
	}
}

static void print_strays(int world)
{
	static int printed;

	for (unsigned int i = 0; i < n_came[world] && i < ROOM && printed < 5; i++, printed++)
		printf("not expected, world %d:\n%s\n", world, came[world][i].text);
}

/* Whatever comes without having been waited for is one too many. */
static void no_strays(int wait_ms)
{
	struct epoll_event events[16];
	int n = epoll_wait(poll_fd, events, 16, wait_ms);

	n_came[MIXED] = n_came[ALONE] = 0;
	for (int i = 0; i < n; i++)
		take_in(events[i].data.ptr);
	n_dup += n_came[MIXED] + n_came[ALONE];
	print_strays(MIXED);
	print_strays(ALONE);
	n_came[MIXED] = n_came[ALONE] = 0;
}

/* ---- the mark of the owner ---- */

/* In the first branch of ours; NULL: none. */
static char *mark_of(char *text)
{
	char *end = strstr(text, "\r\n\r\n"), *at = strstr(text, ";branch=z9hG4bK");

	for (; at && at < end; at = strstr(at + 1, ";branch=z9hG4bK"))
		if (at[15] == 'k' || at[15] == 'd')
			return at + 15;
	return NULL;
}

static bool is_response(const char *text)
{
	return !strncmp(text, "SIP/2.0", 7);
}

/* A response for the other world: there the request was callgated's. */
static const char *twin_of(const char *text)
{
	static char copy[RX_SIZE];
	char *mark;

	if (!is_response(text))
		return text;
	snprintf(copy, sizeof(copy), "%s", text);
	mark = mark_of(copy);
	if (mark)
		*mark = 'd';
	return copy;
}

/* A 100 for the module ends there (RFC 3261 16.7, item 5, lets it). */
static bool is_absorbed(const char *text)
{
	static char copy[RX_SIZE];
	char *mark;

	if (strncmp(text, "SIP/2.0 100", 11))
		return false;
	snprintf(copy, sizeof(copy), "%s", text);
	mark = mark_of(copy);
	return mark && *mark == 'k';
}

static void compare(const struct sent *mixed, const struct sent *alone)
{
	static struct sent copy;
	char *mark;

	copy = *mixed;
	mark = is_response(copy.text) ? NULL : mark_of(copy.text);
	if (mark) {
		n_kernel += *mark == 'k';
		n_daemon += *mark == 'd';
		*mark = 'd';
	}
	if (copy.len == alone->len && !memcmp(copy.text, alone->text, copy.len) &&
	    endpoint_equal(&copy.flow.remote, &alone->flow.remote))
		return;
	if (n_unequal++ < 5)
		printf("not equal:\n%s\nand alone:\n%s\n", mixed->text, alone->text);
}

static struct sent *hop(struct endpoint peer, const char *text, bool fast)
{
	const bool absorbed = is_absorbed(text);

	n_sent++;
	no_strays(0);
	if (!draw(500))
		flush_locations();
	set_gate(MIXED, fast ? ALL : 0);
	give(MIXED, &peer, text);
	give(ALONE, &peer, twin_of(text));
	wait_for(!absorbed, 1);
	n_lost += (n_came[MIXED] < !absorbed) + !n_came[ALONE];
	n_dup += (n_came[MIXED] > !absorbed) + (n_came[ALONE] > 1);
	if (!n_came[ALONE] || (!absorbed && !n_came[MIXED])) {
		printf("lost (%u, %u), fast %d:\n%s\n", n_came[MIXED], n_came[ALONE], fast, text);
		return NULL;
	}
	if (absorbed)
		return &came[ALONE][0];
	compare(&came[MIXED][0], &came[ALONE][0]);
	return &came[MIXED][0];
}

/* ---- users that move ---- */

static struct user {
	char name[32], uri[128], nonce[256], realm[128];
	unsigned int nc;
} users[WORLDS][2 * USERS];
static unsigned int cseq, n_users[WORLDS];

static struct user *user_of(int world, const char *name)
{
	struct user *u = users[world];

	while (u < users[world] + n_users[world] && strcmp(u->name, name))
		u++;
	if (u == users[world] + n_users[world]) {
		n_users[world]++;
		snprintf(u->name, sizeof(u->name), "%s", name);
	}
	return u;
}

static void between_quotes(const char *line, const char *what, char *out, size_t size)
{
	const char *at = strstr(line, what);

	if (!at)
		die("no %s in %s", what, line);
	at += strlen(what);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void challenged(struct user *u, const char *text)
{
	const char *line = "";

	for (unsigned int i = 0; !strstr(line, "SHA-256"); i++) {
		line = world_header(text, "WWW-Authenticate", i);
		if (!*line)
			die("no challenge in %s", text);
	}
	between_quotes(line, "nonce=\"", u->nonce, sizeof(u->nonce));
	between_quotes(line, "realm=\"", u->realm, sizeof(u->realm));
	u->nc = 0;
}

static void credentials(struct user *u, char *out, size_t size)
{
	static const char uri[] = "sip:office.example";
	uint8_t ha1[DIGEST_MAX], response[DIGEST_MAX];
	char password[48], count[9], hex[DIGEST_HEX + 1] = "";

	*out = 0;
	if (!*u->nonce)
		return;
	snprintf(password, sizeof(password), "%s-secret", u->name);
	snprintf(count, sizeof(count), "%08x", ++u->nc);
	digest_ha1(DIGEST_SHA256, (const char *const[]){ u->name, u->realm, password }, ha1);
	digest_response(&(struct digest_input){
		.algorithm = DIGEST_SHA256, .ha1 = ha1, .nonce = { u->nonce, strlen(u->nonce) },
		.nc = { count, 8 }, .cnonce = { "cnonce", 6 }, .method = { "REGISTER", 8 },
		.uri = { uri, sizeof(uri) - 1 }, .qop = true }, response);
	digest_hex(response, 32, hex);
	snprintf(out, size, "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", "
		 "uri=\"%s\", algorithm=SHA-256, qop=auth, nc=%s, cnonce=\"cnonce\", "
		 "response=\"%s\"\r\n", u->name, u->realm, u->nonce, uri, count, hex);
}

/* The status of its answer. */
static int ask(int world, struct user *u, const char *uri, const struct endpoint *at)
{
	char text[RX_SIZE], gone[160] = "", line[1024], h[64];

	cseq++;
	if (*u->uri && strcmp(u->uri, uri))
		snprintf(gone, sizeof(gone), "Contact: <%s>;expires=0\r\n", u->uri);
	credentials(u, line, sizeof(line));
	snprintf(text, sizeof(text), "REGISTER sip:office.example SIP/2.0\r\nVia: SIP/2.0/UDP %s;"
		 "branch=z9hG4bKr%u;rport\r\nMax-Forwards: 70\r\nFrom: <sip:%s@office.example>;"
		 "tag=r\r\nTo: <sip:%s@office.example>\r\nCall-ID: r-%s\r\nCSeq: %u REGISTER\r\n"
		 "Contact: <%s>;expires=3600\r\n%s%sContent-Length: 0\r\n\r\n", host(at, h), cseq,
		 u->name, u->name, u->name, cseq, uri, gone, line);
	give(world, at, text);
	wait_for(world == MIXED, world == ALONE);
	if (!n_came[world] || strncmp(came[world][0].text, "SIP/2.0 ", 8))
		die("no answer to REGISTER of %s", u->name);
	n_came[world] = 0;
	return atoi(came[world][0].text + 8);
}

static void place(const char *name, const char *uri, struct endpoint at)
{
	no_strays(0);
	for (int world = 0; world < WORLDS; world++) {
		struct user *u = user_of(world, name);
		int code = ask(world, u, uri, &at);

		if (code == 401) {
			challenged(u, came[world][0].text);
			code = ask(world, u, uri, &at);
		}
		if (code != 200)
			die("REGISTER of %s: %s", name, came[world][0].text);
		snprintf(u->uri, sizeof(u->uri), "%s", uri);
	}
	n_moved++;
}

/* ---- the run ---- */

/*
 * In turn, but some are passed over. A call that is not answered for longer than a transaction may
 * last, as the machine is slow, is given up: what comes of it is not defined.
 */
static void run(unsigned int calls)
{
	static struct story active[ACTIVE];
	static uint64_t begun[ACTIVE];
	const unsigned int at_once = calls / 4 < ACTIVE ? calls / 4 + 1 : ACTIVE;

	for (unsigned int i = 0; calls_made < calls; i++) {
		unsigned int n = i % at_once;
		struct story *c = &active[n];
		bool slow = c->id && !c->answered && now_ms() - begun[n] > RINGS_MS;

		n_slow += slow;
		if (c->id && !slow && (!draw(4) || act(c)))
			continue;
		begun[n] = now_ms();
		begin(c);
	}
	no_strays(500);
}

int main(int argc, char **argv)
{
	unsigned int calls;

	if (argc != 9)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	calls = (unsigned int)atoi(argv[1]);
	state = strtoull(argv[2], NULL, 0) ?: 1;
	moves_in = 8;
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (int world = 0; world < WORLDS; world++)
		open_world(world, argv + 3 + 3 * world);
	move_in();
	run(calls);
	printf("%u calls, %u messages: %u requests by the module, %u by callgated; %u moves, all "
	       "locations gone %u times; %u given up as too slow\n", calls_made, n_sent, n_kernel,
	       n_daemon, n_moved, n_flushed, n_slow);
	T_OK(n_kernel > calls && n_daemon > calls, "both had their share");
	T_OK(!n_lost, "%u of %u lost", n_lost, n_sent);
	T_OK(!n_dup, "%u sent twice", n_dup);
	T_OK(!n_crossed, "%u crossed", n_crossed);
	T_OK(!n_unequal, "%u differ from what callgated alone sends", n_unequal);
	T_OK(!n_wrong, "%u are not as they should be", n_wrong);
	digest_close();
	return t_end("sequences");
}
