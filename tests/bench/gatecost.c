// SPDX-License-Identifier: BSD-2-Clause
/*
 * gatecost: what comes to the router's own address, in instructions and in bytes.
 *
 * Runs in a machine that counts instructions, as pktcost does, and plays caller, phones and daemon
 * in one task: no wake-up is in the figures. Users are numbered from 1; each has a phone of its own
 * behind the router, in 10.64.0.0/10.
 *
 *   gatecost rules                    the gateway's settings: once
 *   gatecost load 4|6 FIRST COUNT     locations of COUNT users; bytes of kernel memory for each
 *   gatecost flush                    none any more
 *   gatecost calls LABEL USERS COUNT  COUNT calls, from the first user to the last
 *   gatecost miss LABEL USERS COUNT   calls for names that the kernel has to ask for
 *
 * A line of the output: LABEL SERIES MESSAGE bytes min median p90 lost
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../../uapi/callgate.h"
#include "../../uapi/callgate_gateway.h"
#include "cost.h"
#include "gatelink.h"
#include "gatesip.h"

#define MOST 1000
#define SIP 5060
#define BATCH 64	/* locations told at once */
#define NAMES 96	/* bytes of a user's name and contact together */

static int line, asked;	/* netlink: requests and, of the daemon, questions */
static int caller, router;
static uint16_t family;
static const char *label;
static char got[GATE_MESSAGE];
static int got_len;

/* ---- sockets ---- */

static void send_to(int fd, const char *m, int len, const char *ip)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(SIP) };

	inet_pton(AF_INET, ip, &to.sin_addr);
	sendto(fd, m, len, 0, (void *)&to, sizeof(to));
}

static bool arrives(int fd)
{
	got_len = recv(fd, got, sizeof(got) - 1, 0);
	got[got_len < 0 ? 0 : got_len] = 0;
	return got_len >= 0;
}

/* The whole trip; what came is in got[]. */
static unsigned long trip(int from, const char *to, int at, const char *m, int len)
{
	unsigned long t = __rdtsc();
	bool came;

	send_to(from, m, len, to);
	came = arrives(at);
	t = __rdtsc() - t;
	return came ? t : LOST;
}

static void told(const char *series, const char *what, int bytes, unsigned long *v, int n)
{
	report(&(struct cost){ label, series, what, bytes }, v, n);
}

/* ---- what the daemon says ---- */

static void check(int err, const char *what)
{
	if (!err)
		return;
	errno = -err;
	die(what);
}

static void put_prefix(struct nlbuf *b, uint16_t kind, const char *ip, uint8_t bits)
{
	unsigned int list = nl_nest(b, kind), item = nl_nest(b, CALLGATE_LIST_ITEM);
	uint8_t wire[5];

	inet_pton(AF_INET, ip, wire);
	wire[4] = bits;
	nl_put(b, CALLGATE_M_PREFIX, wire, sizeof(wire));
	nl_nest_end(b, item);
	nl_nest_end(b, list);
}

/* The caller is trusted: what is rated would be dropped, instructions are time here. */
static int rules(char **args)
{
	static const uint8_t key[CALLGATE_KEY_SIZE] = "0123456789abcde";
	static struct nlbuf b;
	unsigned int gate, list, item;

	(void)args;
	nl_begin(&b, family, CALLGATE_CMD_GATE_SET, NLM_F_ACK);
	gate = nl_nest(&b, CALLGATE_A_GATE);
	nl_put(&b, CALLGATE_G_KEY, key, sizeof(key));
	nl_u32(&b, CALLGATE_G_TAKE, CALLGATE_TAKE_OUTSIDE | CALLGATE_TAKE_DIALOG);
	nl_u32(&b, CALLGATE_G_METHODS, CALLGATE_METHOD_INVITE);
	put_prefix(&b, CALLGATE_G_INSIDE, "10.0.0.0", 8);
	put_prefix(&b, CALLGATE_G_TRUSTED, "192.0.2.0", 24);
	list = nl_nest(&b, CALLGATE_G_DOMAINS);
	item = nl_nest(&b, CALLGATE_LIST_ITEM);
	nl_text(&b, CALLGATE_D_NAME, GATE_DOMAIN);
	nl_nest_end(&b, item);
	nl_nest_end(&b, list);
	nl_nest_end(&b, gate);
	check(nl_do(line, &b), "GATE_SET");
	return 0;
}

static void put_endpoint(struct nlbuf *b, uint16_t kind, const char *ip)
{
	bool v6 = strchr(ip, ':');
	uint8_t wire[18];
	int n = v6 ? 16 : 4;

	inet_pton(v6 ? AF_INET6 : AF_INET, ip, wire);
	wire[n] = SIP >> 8;
	wire[n + 1] = SIP & 0xff;
	nl_put(b, kind, wire, n + 2);
}

static void put_location(struct nlbuf *b, int user, bool v6)
{
	char aor[128], uri[128], ip[64];
	struct timespec now;
	unsigned int nest;

	clock_gettime(CLOCK_BOOTTIME, &now);
	gate_aor(aor, 'u', user);
	gate_phone(ip, user, v6);
	gate_uri(uri, user, v6, NAMES - (int)strlen(aor));
	nest = nl_nest(b, CALLGATE_A_LOCATION);
	nl_u64(b, CALLGATE_L_ID, user);
	nl_u64(b, CALLGATE_L_GENERATION, 1);
	nl_text(b, CALLGATE_L_AOR, aor);
	nl_text(b, CALLGATE_L_URI, uri);
	put_endpoint(b, CALLGATE_L_REMOTE, ip);
	put_endpoint(b, CALLGATE_L_LOCAL, v6 ? "2001:db8::1" : GATE_LAN);
	nl_u64(b, CALLGATE_L_EXPIRES, (now.tv_sec + 86400) * 1000ul);
	nl_nest_end(b, nest);
}

static void tell_all(int first, int count, bool v6)
{
	static struct nlbuf b;
	int i;

	b.len = 0;
	for (i = 0; i < count; i++) {
		bool last = i == count - 1 || i % BATCH == BATCH - 1;

		nl_begin(&b, family, CALLGATE_CMD_LOCATION_SET, last ? NLM_F_ACK : 0);
		put_location(&b, first + i, v6);
		if (!last)
			continue;
		/* an error of one before would come first */
		check(nl_do(line, &b), "LOCATION_SET");
		b.len = 0;
	}
}

static int flush(char **args)
{
	static struct nlbuf b;

	(void)args;
	nl_begin(&b, family, CALLGATE_CMD_LOCATION_FLUSH, NLM_F_ACK);
	check(nl_do(line, &b), "LOCATION_FLUSH");
	return 0;
}

/* ---- memory ---- */

/* Of all slabs, large pieces included, of vmalloc and of the per-processor areas. */
static long kernel_kb(void)
{
	static const char *const counted[] = { "Slab:", "VmallocUsed:", "Percpu:" };
	char text[256];
	long sum = 0, kb;
	FILE *f;
	size_t i;
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	if (fd < 0 || write(fd, "1", 1) != 1)
		die("stat_refresh");
	close(fd);
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(text, sizeof(text), f))
		for (i = 0; i < sizeof(counted) / sizeof(*counted); i++)
			if (!strncmp(text, counted[i], strlen(counted[i])) &&
			    sscanf(text + strlen(counted[i]), "%ld", &kb) == 1)
				sum += kb;
	if (f)
		fclose(f);
	return sum;
}

/* When tables that were replaced are gone: equal for a second. */
static long settled_kb(void)
{
	long last = -1, now = kernel_kb();
	int i, equal = 0;

	for (i = 0; i < 200 && equal < 10; i++) {
		usleep(100000);
		last = now;
		now = kernel_kb();
		equal = now == last ? equal + 1 : 0;
	}
	return now;
}

/* Of the slabs for accounted objects: where the locations themselves are. */
static long objects_kb(void)
{
	long slabs, pages, sum = 0;
	FILE *f = fopen("/proc/slabinfo", "r");
	char text[512];

	if (!f)
		die("slabinfo");
	while (fgets(text, sizeof(text), f))
		if (sscanf(text, "kmalloc-cg-%*s %*d %*d %*d %*d %ld : tunables %*d %*d %*d : "
			   "slabdata %*d %ld", &pages, &slabs) == 2)
			sum += slabs * pages * 4;
	fclose(f);
	return sum;
}

static int load(char **args)
{
	bool v6 = !strcmp(args[0], "6");
	int first = atoi(args[1]), count = atoi(args[2]);
	long before = settled_kb(), objects = objects_kb();

	label = v6 ? "ipv6" : "ipv4";
	tell_all(first, count, v6);
	before = settled_kb() - before;
	objects = objects_kb() - objects;
	printf("%s memory %d %d 0 %ld 0 0\n", label, count, NAMES, before * 1024 / count);
	printf("%s objects %d %d 0 %ld 0 0\n", label, count, NAMES, objects * 1024 / count);
	return 0;
}

/* ---- calls ---- */

static void attach(void)
{
	static struct nlbuf b;
	unsigned int nest;

	router = bound(NULL, "0.0.0.0", SIP);
	asked = nl_open();
	nl_begin(&b, family, CALLGATE_CMD_ATTACH, 0);
	nest = nl_nest(&b, CALLGATE_A_SOCKET);
	nl_u32(&b, CALLGATE_K_FD, router);
	nl_nest_end(&b, nest);
	nl_send(asked, &b);
	nl_recv(asked, &b);
	if (!nl_top(&b, CALLGATE_A_SOCKET, &nest)) {
		fprintf(stderr, "gatecost: ATTACH\n");
		exit(1);
	}
}

static void detach(void)
{
	static struct nlbuf b;

	nl_begin(&b, family, CALLGATE_CMD_DETACH, NLM_F_ACK);
	check(nl_do(line, &b), "DETACH");
}

/* Spread over all that are loaded. */
static int user_of(int i, int users, int count)
{
	return 1 + (int)((long)i * (users - 1) / (count > 1 ? count - 1 : 1));
}

enum step { INV, INV_200, ACK, BYE, BYE_200, STEPS };

static const char *const names[] = { "INVITE", "INVITE-200", "ACK", "BYE", "BYE-200" };

/* One call from its INVITE to the end; @v: a place for each step. */
static void one_call(struct gate_call *c, int phone, unsigned long (*v)[MOST], int i, int *len)
{
	static char m[GATE_MESSAGE];
	enum step s;

	for (s = INV; s < STEPS; s++) {
		bool up = s == INV_200 || s == BYE_200;

		len[s] = up ? gate_answer(m, c, got) : gate_request(m, c, names[s]);
		v[s][i] = up ? trip(phone, GATE_LAN, caller, m, len[s]) :
			       trip(caller, GATE_WAN, phone, m, len[s]);
		if (s == INV_200)
			gate_dialog(c, got);
	}
}

static int calls(char **args)
{
	static unsigned long v[STEPS][MOST], all[MOST];
	int users = atoi(args[1]), count = atoi(args[2]), len[STEPS], i;
	enum step s;

	label = args[0];
	attach();
	for (i = 0; i < count; i++) {
		struct gate_call c = { .user = user_of(i, users, count), .kind = 'u' };
		int phone;

		snprintf(c.id, sizeof(c.id), "%s-%d", label, i);
		gate_phone(c.ip, c.user, false);
		phone = bound("client", c.ip, SIP);
		one_call(&c, phone, v, i, len);
		close(phone);
		for (s = INV; s < STEPS; s++)
			all[i] = v[s][i] == LOST || all[i] == LOST ? LOST : all[i] + v[s][i];
	}
	for (s = INV; s < STEPS; s++)
		told("gate", names[s], len[s], v[s], count);
	told("gate", "call", 0, all, count);
	detach();
	return 0;
}

/* ---- a miss ---- */

/* the parts of a miss: the datagram until it waits, the question read, the answer, the phone */
enum measure { HIT, MISS, MISS_SET, ASK, QUESTION, ANSWER, ACKED, SAME, FAMILY, MEASURES };

static const char *const measures[] = {
	"hit", "miss", "miss-set", "ask", "question", "answer", "ack", "same", "getfamily",
};

/* Of question and answer, in bytes. */
struct sizes {
	int question, answer;
};

/* The answer to a question yet to come, made before it is timed. */
static struct nlbuf answer;
static unsigned int answer_id;	/* where the question's number goes */

/* With the contact's number and name, or (@set) with the whole of it, which is not known yet. */
static void make_answer(int user, bool set)
{
	unsigned int nest;
	char aor[128];

	gate_aor(aor, 'u', user);
	answer.len = 0;
	nl_begin(&answer, family, CALLGATE_CMD_LOCATE, NLM_F_ACK);
	nest = nl_nest(&answer, CALLGATE_A_LOCATE);
	nl_u64(&answer, CALLGATE_Q_ID, 0);
	answer_id = answer.len - sizeof(uint64_t);
	nl_put(&answer, CALLGATE_Q_VERDICT, (uint8_t []){ CALLGATE_LOCATE_FORWARD }, 1);
	if (!set) {
		nl_u64(&answer, CALLGATE_Q_CONTACT, user);
		nl_text(&answer, CALLGATE_Q_AOR, aor);
	}
	nl_nest_end(&answer, nest);
	if (set)
		put_location(&answer, user, false);
}

/* The time since *@from, which becomes now. */
static unsigned long lap(unsigned long *from)
{
	unsigned long begin = *from;

	*from = __rdtsc();
	return *from - begin;
}

static const void *question_id(const struct nlbuf *b)
{
	unsigned int size, len;
	const void *question = nl_top(b, CALLGATE_A_LOCATE, &size), *id;

	id = question ? nl_find(question, size, CALLGATE_Q_ID, &len) : NULL;
	if (id)
		return id;
	fprintf(stderr, "gatecost: not a question\n");
	exit(1);
}

/* The daemon: one question is read, and answered. */
static void serve(struct sizes *n, unsigned long (*v)[MOST], int i)
{
	static struct nlbuf q, ack;
	unsigned long t = __rdtsc();

	nl_recv(asked, &q);
	v[QUESTION][i] = lap(&t);
	n->question = (int)q.len;
	n->answer = (int)answer.len;
	memcpy(answer.data + answer_id, question_id(&q), sizeof(uint64_t));
	t = __rdtsc();
	nl_send(line, &answer);
	v[ANSWER][i] = lap(&t);
	nl_recv(line, &ack);
	v[ACKED][i] = lap(&t);
	check(nl_error(&ack), "LOCATE");
}

/* An INVITE for @user by a name of @how's kind; the whole trip becomes v[how][i]. */
static void invite(enum measure how, int user, struct sizes *n, unsigned long (*v)[MOST], int i)
{
	struct gate_call c = { .user = user, .kind = how == MISS ? 'm' : 'u' };
	static char m[GATE_MESSAGE];
	unsigned long begin, t;
	int phone, len;

	snprintf(c.id, sizeof(c.id), "%s-%s-%d", label, measures[how], i);
	gate_phone(c.ip, user, false);
	phone = bound("client", c.ip, SIP);
	len = gate_request(m, &c, names[INV]);
	make_answer(user, how == MISS_SET);
	begin = t = __rdtsc();
	send_to(caller, m, len, GATE_WAN);
	v[ASK][i] = lap(&t);
	if (how != HIT)
		serve(n, v, i);
	v[how][i] = arrives(phone) ? lap(&begin) : LOST;
	close(phone);
}

static void put_bytes(struct nlbuf *b, int len)
{
	static const char bytes[GATE_MESSAGE];

	nl_begin(b, family, 255, 0);
	nl_put(b, CALLGATE_A_PAD, bytes, len - NLMSG_HDRLEN - GENL_HDRLEN - 4);
}

/*
 * The bare way of as many bytes in as many messages and system calls: one up, two down. The kernel
 * refuses what it does not know with the bytes it got; nothing is looked up and nothing written.
 */
static unsigned long same(const struct sizes *n)
{
	const int error = NLMSG_HDRLEN + 4;
	static struct nlbuf b;
	unsigned long t;

	b.len = 0;
	put_bytes(&b, n->question - error);
	put_bytes(&b, n->answer);
	t = __rdtsc();
	nl_send(line, &b);
	nl_recv(line, &b);
	nl_recv(line, &b);
	return lap(&t);
}

static unsigned long get_family(void)
{
	unsigned long t = __rdtsc();

	nl_family(line);
	return lap(&t);
}

static int miss(char **args)
{
	static unsigned long v[MEASURES][MOST];
	int users = atoi(args[1]), count = atoi(args[2]), i;
	struct sizes n = { 0 };
	enum measure s;

	label = args[0];
	attach();
	for (i = 0; i < count; i++) {
		int user = user_of(i, users, count);

		invite(HIT, user, &n, v, i);
		invite(MISS_SET, users + 1 + i, &n, v, i);
		/* the last, so that the parts are its */
		invite(MISS, user, &n, v, i);
		v[SAME][i] = same(&n);
		v[FAMILY][i] = get_family();
	}
	for (s = HIT; s < MEASURES; s++)
		told("miss", measures[s], n.question, v[s], count);
	detach();
	return 0;
}

/* ---- */

static const struct {
	const char *name;
	int (*run)(char **args);
	int args;
	bool talks;	/* needs a caller */
} modes[] = {
	{ "rules", rules, 0, false }, { "load", load, 3, false }, { "flush", flush, 0, false },
	{ "calls", calls, 3, true }, { "miss", miss, 3, true },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[1], modes[i].name) || argc != 2 + modes[i].args)
			continue;
		if (modes[i].talks && (atoi(argv[4]) < 1 || atoi(argv[4]) > MOST))
			break;
		line = nl_open();
		family = nl_family(line);
		if (modes[i].talks)
			caller = bound("server", GATE_CALLER, SIP);
		return modes[i].run(argv + 2);
	}
	fprintf(stderr, "usage: gatecost rules|load|flush|calls|miss ...\n");
	return 2;
}
