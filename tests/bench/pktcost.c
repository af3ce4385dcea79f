// SPDX-License-Identifier: BSD-2-Clause
/*
 * pktcost: instructions per packet through a netfilter router.
 *
 * Runs in a machine that counts instructions (tests/vm/run --icount): there the
 * time stamp counter advances by one for each, so the difference of two readings
 * around send and receive is the whole trip: system call, veth, the router's
 * hooks, veth, system call. A softirq runs inside of the sending call, nothing
 * is asynchronous; the median throws the timer's interrupts out. What a part of
 * the router costs is the difference between two rule sets on the same path.
 *
 *   pktcost LABEL PORT again [COUNT]  each message COUNT times with equal bytes
 *   pktcost LABEL PORT new [COUNT]    COUNT registrations and complete calls
 *   pktcost LABEL PORT sizes [COUNT]  INVITEs of 0.6 to 60 kB
 *   pktcost LABEL PORT flow [COUNT]   media of a call; is it offloaded?
 *   pktcost LABEL PORT show           an INVITE as the server gets it
 *
 * A line of the output: LABEL SERIES MESSAGE bytes min median p90 lost
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <x86intrin.h>

#include "cost.h"
#include "message.h"

#define MOST 1000	/* COUNT */

static const char *label, *series;
static int count;
static char got[65536];

/* A client's and a server's socket, and each other's address as they see it. */
struct path {
	int client, server;
	struct sockaddr_in to, seen;
};

static struct path sig;
static struct party phone;
static const unsigned char rtp[172] = { 0x80 };

static struct path path(int client_port, int server_port)
{
	struct path p = {
		.client = bound("client", CLIENT, client_port),
		.server = bound("server", SERVER, server_port),
		.to = { .sin_family = AF_INET, .sin_port = htons(server_port) },
	};

	inet_pton(AF_INET, SERVER, &p.to.sin_addr);
	return p;
}

static void close_path(struct path *p)
{
	close(p->client);
	close(p->server);
}

/* One trip; what came is in got[]. */
static unsigned long up(struct path *p, const void *m, int len)
{
	socklen_t size = sizeof(p->seen);
	unsigned long t = __rdtsc();
	int n;

	sendto(p->client, m, len, 0, (void *)&p->to, sizeof(p->to));
	n = recvfrom(p->server, got, sizeof(got) - 1, 0, (void *)&p->seen, &size);
	t = __rdtsc() - t;
	if (n < 0)
		return LOST;
	got[n] = 0;
	return t;
}

static unsigned long down(struct path *p, const void *m, int len)
{
	unsigned long t = __rdtsc();
	int n;

	sendto(p->server, m, len, 0, (void *)&p->seen, sizeof(p->seen));
	n = recvfrom(p->client, got, sizeof(got) - 1, 0, NULL, NULL);
	t = __rdtsc() - t;
	if (n < 0)
		return LOST;
	got[n] = 0;
	return t;
}

/* ---- results ---- */

static void told(const char *what, int bytes, unsigned long *v, int n)
{
	report(&(struct cost){ label, series, what, bytes }, v, n);
}

static void repeat(const char *what, struct path *p, bool is_up, const void *m, int len)
{
	unsigned long v[MOST];
	int i;

	for (i = 0; i < count; i++) {
		v[i] = is_up ? up(p, m, len) : down(p, m, len);
		/* a second each: do not wait for all of them */
		if (v[i] == LOST && i == 2)
			break;
	}
	told(what, len, v, i);
}

/* ---- the same bytes again and again ---- */

static void ask(const char *what, enum method method, char *asked)
{
	static char m[MESSAGE_MAX];

	repeat(what, &sig, true, m, request(m, &phone, method));
	strcpy(asked, got);
}

static void answer_to(const char *what, const char *asked, const char *status, unsigned int with)
{
	static char m[MESSAGE_MAX];

	repeat(what, &sig, false, m, answer(m, &phone, asked, status, with));
}

static void media(struct path *p)
{
	int i;

	for (i = 0; i < 3; i++) {
		up(p, rtp, sizeof(rtp));
		down(p, rtp, sizeof(rtp));
	}
	repeat("RTP-up", p, true, rtp, sizeof(rtp));
	repeat("RTP-down", p, false, rtp, sizeof(rtp));
}

static void again(void)
{
	static const unsigned char stun[28] = { 0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42 };
	static char asked[MESSAGE_MAX];
	struct path voice = path(phone.media, phone.far_media);

	ask("OPTIONS", OPTIONS, asked);
	answer_to("OPTIONS-200", asked, "200 OK", 0);
	ask("REGISTER", REGISTER, asked);
	answer_to("REGISTER-200", asked, "200 OK", WITH_CONTACTS);
	ask("INVITE", INVITE, asked);
	answer_to("INVITE-180", asked, "180 Ringing", 0);
	answer_to("INVITE-200", asked, "200 OK", WITH_SDP);
	ask("ACK", ACK, asked);
	media(&voice);
	repeat("not-SIP", &sig, true, stun, sizeof(stun));
	repeat("keepalive", &sig, true, "\r\n\r\n", 4);
	ask("BYE", BYE, asked);
	answer_to("BYE-200", asked, "200 OK", 0);
	close_path(&voice);
}

/* ---- new calls: every message is seen for the first time ---- */

enum step { REG, REG_200, INV, INV_180, INV_200, STEP_ACK, STEP_BYE, BYE_200, STEPS };

static const struct {
	const char *name, *status;
	enum method method;
	unsigned int with;
} steps[STEPS] = {
	[REG] = { "REGISTER", NULL, REGISTER, 0 },
	[REG_200] = { "REGISTER-200", "200 OK", REGISTER, WITH_CONTACTS },
	[INV] = { "INVITE", NULL, INVITE, 0 },
	[INV_180] = { "INVITE-180", "180 Ringing", INVITE, 0 },
	[INV_200] = { "INVITE-200", "200 OK", INVITE, WITH_SDP },
	[STEP_ACK] = { "ACK", NULL, ACK, 0 },
	[STEP_BYE] = { "BYE", NULL, BYE, 0 },
	[BYE_200] = { "BYE-200", "200 OK", BYE, 0 },
};

static unsigned long step(enum step s, char *asked, int *len)
{
	static char m[MESSAGE_MAX];
	unsigned long t;

	if (steps[s].status) {
		*len = answer(m, &phone, asked, steps[s].status, steps[s].with);
		return down(&sig, m, *len);
	}
	*len = request(m, &phone, steps[s].method);
	t = up(&sig, m, *len);
	strcpy(asked, got);
	return t;
}

/* Two packets each way, so that the ends of calls find media as in life. */
static void talk(struct path *voice)
{
	int i;

	for (i = 0; i < 2; i++) {
		up(voice, rtp, sizeof(rtp));
		down(voice, rtp, sizeof(rtp));
	}
}

static unsigned long sum(unsigned long a, unsigned long b)
{
	return a == LOST || b == LOST ? LOST : a + b;
}

static void new_calls(void)
{
	static unsigned long v[STEPS][MOST], call[MOST], reg[MOST];
	static char asked[MESSAGE_MAX];
	int len[STEPS], i;
	enum step s;

	for (i = 0; i < count; i++) {
		struct path voice;

		phone.serial = i + 1;
		phone.media = 6000 + 4 * i;
		phone.far_media = phone.media + 2;
		voice = path(phone.media, phone.far_media);
		for (s = 0; s < STEPS; s++) {
			v[s][i] = step(s, asked, &len[s]);
			if (s == STEP_ACK)
				talk(&voice);
		}
		reg[i] = sum(v[REG][i], v[REG_200][i]);
		for (s = INV; s < STEPS; s++)
			call[i] = sum(call[i], v[s][i]);
		close_path(&voice);
	}
	for (s = 0; s < STEPS; s++)
		told(steps[s].name, len[s], v[s], count);
	told("registration", len[REG] + len[REG_200], reg, count);
	told("call", 0, call, count);
}

/* ---- length ---- */

static void sizes(void)
{
	static const int size[] = { 633, 1200, 4000, 16000, 60000 };
	static char m[MESSAGE_MAX];
	char name[32];
	size_t i;

	for (i = 0; i < 2 * sizeof(size) / sizeof(*size); i++) {
		int want = size[i / 2];
		bool sdp = i % 2;

		phone.serial = i + 1;
		phone.media = 6000 + 4 * (int)i;
		phone.pad = want;
		phone.pad_sdp = sdp;
		snprintf(name, sizeof(name), "%s-%d", sdp ? "sdp" : "headers", want);
		repeat(name, &sig, true, m, request(m, &phone, INVITE));
	}
}

/* ---- flowtable ---- */

static bool offloaded(int port)
{
	FILE *f = fopen("/proc/net/nf_conntrack", "r");
	char line[1024], want[32];
	bool found = false;

	if (!f)
		die("/proc/net/nf_conntrack");
	snprintf(want, sizeof(want), "dport=%d ", port);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, want) && strstr(line, "[OFFLOAD]"))
			found = true;
	fclose(f);
	return found;
}

static void flow(void)
{
	struct path voice = path(phone.media, phone.far_media);
	static char asked[MESSAGE_MAX];
	enum step s;
	int len;

	for (s = INV; s <= STEP_ACK; s++)
		step(s, asked, &len);
	media(&voice);
	printf("%s %s offloaded 0 0 %d 0 0\n", label, series, offloaded(phone.far_media));
	step(STEP_BYE, asked, &len);
	step(BYE_200, asked, &len);
	printf("%s %s offloaded-after-BYE 0 0 %d 0 0\n", label, series,
	       offloaded(phone.far_media));
}

static void show(void)
{
	static char asked[MESSAGE_MAX];
	enum step s;
	int len;

	for (s = REG; s < STEPS; s++) {
		step(s, asked, &len);
		printf("--- %s as received ---\n%s", steps[s].name, got);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
	int count;
} modes[] = {
	{ "again", again, 101 }, { "new", new_calls, 41 }, { "sizes", sizes, 21 },
	{ "flow", flow, 51 }, { "show", show, 1 },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 3 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[3], modes[i].name))
			continue;
		label = argv[1];
		series = argv[3];
		count = argc > 4 ? atoi(argv[4]) : modes[i].count;
		if (count < 1 || count > MOST)
			break;
		phone = (struct party){
			.port = atoi(argv[2]), .media = 6000, .far_media = 6002,
		};
		sig = path(phone.port, 5060);
		modes[i].run();
		return 0;
	}
	fprintf(stderr, "usage: pktcost LABEL PORT again|new|sizes|flow|show [COUNT]\n");
	return 2;
}
