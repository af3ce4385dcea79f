/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that were cut, spliced and scribbled on, through transport, checks, transactions and
 * answers: whatever comes in, what goes out is one well-formed response to the sender.
 */
#include <errno.h>
#include <strings.h>

#include "config.h"
#include "core.h"
#include "log.h"
#include "notifier_double.h"
#include "proxy.h"
#include "registrar.h"
#include "reply.h"
#include "rx.h"
#include "txn.h"
#include "udp.h"
#include "zone.h"

#define RUNS 150000

static struct domain domains[] = {
	{ .name = (char *)"example.com", .mode = REGISTRAR_MAIN },
};
static struct config config = { .domains = domains, .n_domains = 1, .max_message = 65535 };

const struct config *config_now(void)
{
	return &config;
}

const struct domain *config_domain(const struct config *c, const char *name, size_t len)
{
	(void)c;
	return len == 11 && !strncasecmp(name, "example.com", len) ? domains : NULL;
}

void proxy_request(struct rx *rx, struct txn *t)
{
	if (rx->len % 3)
		reply_simple(rx, t, 404, NULL, NULL);
	else if (t)
		txn_forget(t);
}

void proxy_response(struct rx *rx)
{
	(void)rx;
}

void registrar_request(struct rx *rx, struct txn *t, const struct domain *d)
{
	(void)d;
	reply_simple(rx, t, rx->len % 2 ? 200 : 401, NULL, NULL);
}

bool udp_has(const struct endpoint *e)
{
	return e->port == 5060 && e->addr[0] == 192;
}

/* ---- what goes out ---- */

static unsigned int sent, bad_answers;
static uint8_t first_bad[65536];
static uint32_t first_bad_len;
static bool input_is_good;

/* A response to a good request is one itself; to a bad one it has at least the shape. */
static bool well_formed(const uint8_t *p, uint32_t len)
{
	static struct sip_msg m;

	if (len < 40 || memcmp(p, "SIP/2.0 ", 8) || memcmp(p + len - 4, "\r\n\r\n", 4))
		return false;
	if (sip_msg_parse(&m, p, len, SIP_DATAGRAM) == SIP_OK)
		return !m.request && m.body.len == 0 && !m.rest.len;
	return !input_is_good;
}

int udp_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	struct sip_flow from = rx_flow();

	sent++;
	if (memcmp(&flow->remote.addr, &from.remote.addr, 16) || !well_formed(buf, len)) {
		if (!bad_answers++) {
			memcpy(first_bad, buf, len);
			first_bad_len = len;
		}
	}
	return 0;
}

/* ---- what comes in ---- */

static const char *const seeds[] = {
	"INVITE sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1, "
	"SIP/2.0/TCP [2001:db8::1]:5061;branch=z9hG4bK2;received=192.0.2.1\r\n"
	"Via: SIP/2.0/UDP below\r\nMax-Forwards: 0\r\nFrom: \"A \\\" B\" <sip:a@example.com>;tag=1\r\n"
	"To: <sip:user@example.com>\r\nCall-ID: a@b\r\nCSeq: 1 INVITE\r\nProxy-Require: a, b\r\n"
	"Route: <sip:192.0.2.9;lr>\r\nContact: <sip:a@10.0.0.1>\r\nTimestamp: 5\r\n"
	"Content-Length: 4\r\n\r\nbody",
	"REGISTER sip:example.com SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK3\r\nf: sip:a@x;tag=2\r\n"
	"t: sip:a@example.com\r\ni: c\r\nCSeq: 2 REGISTER\r\nm: *\r\nExpires: 0\r\nl: 0\r\n\r\n",
	"OPTIONS sip:192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP h:5062\r\nFrom: <sip:a@x>;tag=3\r\n"
	"To: <sip:x>\r\nCall-ID: d\r\nCSeq: 3 OPTIONS\r\nRequire: path,\r\n z\r\n\r\n",
	"CANCEL sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1\r\n"
	"From: <sip:a@example.com>;tag=1\r\nTo: <sip:user@example.com>\r\nCall-ID: a@b\r\n"
	"CSeq: 1 CANCEL\r\n\r\n",
	"ACK sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1\r\n"
	"From: <sip:a@example.com>;tag=1\r\nTo: <sip:user@example.com>;tag=x\r\nCall-ID: a@b\r\n"
	"CSeq: 1 ACK\r\n\r\n",
};
#define SEEDS (sizeof(seeds) / sizeof(seeds[0]))

static uint64_t random_state = 88172645463325252ull;

static uint32_t rnd(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 11) % below;
}

static uint8_t odd_byte(void)
{
	static const uint8_t odd[] = "\r\n\0 \t:;,<>\"\\@%?=/[]z0";

	return rnd(4) ? odd[rnd(sizeof(odd) - 1)] : (uint8_t)rnd(256);
}

/* Overwrites, removes, doubles, or takes over a part of another seed. */
static uint32_t change(uint8_t *p, uint32_t len, uint32_t cap)
{
	const char *other = seeds[rnd(SEEDS)];
	uint32_t at = rnd(len), n = rnd(40), from = rnd((uint32_t)strlen(other));

	switch (rnd(5)) {
	case 0:
		p[at] = odd_byte();
		return len;
	case 1:
		n = n < len - at ? n : len - at - 1;
		memmove(p + at, p + at + n, len - at - n);
		return len - n;
	case 2:
		if (n > len - at || len + n > cap)
			return len;
		memmove(p + at + n, p + at, len - at);
		return len + n;
	case 3:
		n = n < strlen(other + from) ? n : (uint32_t)strlen(other + from);
		n = n < len - at ? n : len - at;
		memcpy(p + at, other + from, n);
		return len;
	}
	return at > 20 ? at : len;
}

static void run(struct t_guard *guard)
{
	static uint8_t text[4096];
	static struct sip_msg m;
	const char *seed = seeds[rnd(SEEDS)];
	uint32_t len = (uint32_t)strlen(seed);
	struct sip_flow flow = rx_flow();
	const uint8_t *in;

	memcpy(text, seed, len);
	for (uint32_t n = rnd(5); n > 0; n--)
		len = change(text, len, sizeof(text));
	in = t_guard_put(guard, text, len);
	input_is_good = sip_msg_parse(&m, in, len, SIP_DATAGRAM) == SIP_OK;
	transport_receive(&flow, in, len);
	if (rnd(50) == 0)
		rx_wait(10 * rnd(200));
}

int main(void)
{
	struct t_guard guard;

	t_guard_init(&guard, 4096);
	loop_set_now(1000000);
	log_setup(LOG_LEVEL_FATAL);
	transport_handler(core_receive);
	for (unsigned int i = 0; i < RUNS; i++)
		run(&guard);
	T_OK(!bad_answers, "%u bad answers; the first:\n%.*s", bad_answers, (int)first_bad_len,
	     first_bad);
	T_OK(sent > RUNS / 4, "only %u answers", sent);
	printf("%u answers\n", sent);
	rx_wait(64000);
	T_OK(!txn_count(), "%zu transactions are left", txn_count());
	txn_free_all();
	return t_end("hostile");
}
