/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who deals with a request and what is refused, with what code: rows of messages. The pieces behind
 * are doubles here; transactions and answers are the real ones.
 */
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

/* ---- doubles ---- */

static unsigned int sent, proxied, registered, responses;
static char last[RX_SIZE];
static const struct domain *registered_in;
static struct txn *handed;
static bool proxy_waits;	/* it answers later */
static bool proxy_refuses;

int transport_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	(void)flow;
	sent++;
	snprintf(last, sizeof(last), "%.*s", (int)len, (const char *)buf);
	return 0;
}

void transport_response_flow(const struct rx *rx, struct sip_flow *out)
{
	*out = rx->flow;
}

bool transport_is_us(const struct endpoint *e)
{
	static const uint8_t own[4] = { 192, 0, 2, 9 };

	return e->len == 4 && !memcmp(e->addr, own, 4) && e->port == 5060;
}

void proxy_request(struct rx *rx, struct txn *t)
{
	(void)rx;
	proxied++;
	handed = t;
	if (proxy_refuses)
		reply_simple(rx, t, 404, NULL, NULL);
	else if (t && !proxy_waits)
		txn_forget(t);
}

void proxy_response(struct rx *rx)
{
	(void)rx;
	responses++;
}

void registrar_request(struct rx *rx, struct txn *t, const struct domain *d)
{
	registered++;
	registered_in = d;
	reply_simple(rx, t, 200, NULL, NULL);
}

static struct domain domains[] = {
	{ .name = (char *)"pass.example", .mode = REGISTRAR_PASSIVE },
	{ .name = (char *)"office.example", .mode = REGISTRAR_MAIN },
	{ .name = (char *)"relay.example", .mode = REGISTRAR_RELAY },
};
static struct config config = { .domains = domains, .n_domains = 3, .max_message = 3000 };

const struct config *config_now(void)
{
	return &config;
}

const struct domain *config_domain(const struct config *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->n_domains; i++)
		if (strlen(c->domains[i].name) == len &&
		    !strncasecmp(c->domains[i].name, name, len))
			return &c->domains[i];
	return NULL;
}

/* ---- a request, from start line and more header lines ---- */

static struct made made;
static unsigned int number;

static void receive(const char *method, const char *uri, const char *to, const char *more)
{
	rx_make(&made, "%s %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK%u\n"
		"From: <sip:a@x.example>;tag=f\nTo: <%s>\nCall-ID: c%u\nCSeq: 1 %s\n%s", method, uri,
		number, to, number, method, more);
	*last = 0;
	core_receive(&made.rx);
}

/* What came out: "proxy", "registrar office.example", or the status line without its version. */
static const char *outcome(void)
{
	static char text[200];
	const char *end = strstr(last, "\r\n");

	if (notified_in)
		snprintf(text, sizeof(text), "notifier %s", notified_in->name);
	else if (registered)
		snprintf(text, sizeof(text), "registrar %s", registered_in->name);
	else if (proxied)
		snprintf(text, sizeof(text), "proxy");
	else if (end)
		snprintf(text, sizeof(text), "%.*s", (int)(end - last - 8), last + 8);
	else
		snprintf(text, sizeof(text), "nothing");
	return text;
}

static void again(void)
{
	sent = proxied = registered = responses = 0;
	number++;
	notified_in = NULL;
	*last = 0;
}

static const struct {
	const char *method, *uri, *more, *outcome, *header;
} rows[] = {
	/* who deals with it */
	{ "INVITE", "sip:bob@office.example", "", "proxy", NULL },
	{ "INVITE", "sip:bob@192.0.2.9", "", "proxy", NULL },
	{ "INVITE", "tel:+4930123", "", "proxy", NULL },
	{ "FOO", "sip:bob@office.example", "", "proxy", NULL },
	{ "REGISTER", "sip:OFFICE.example", "", "registrar office.example", NULL },
	{ "REGISTER", "sip:office.example:5060", "", "registrar office.example", NULL },
	{ "REGISTER", "sip:office.example:5090", "", "proxy", NULL },
	{ "REGISTER", "sip:office.example", "Max-Forwards: 0\n", "registrar office.example", NULL },
	{ "REGISTER", "sip:pass.example", "", "proxy", NULL },
	{ "REGISTER", "sip:pass.example", "Proxy-Require: gin\n", "proxy", NULL },
	{ "REGISTER", "sip:pass.example", "Proxy-Require: gin, x\n", "420 Bad Extension",
	  "Unsupported: x" },
	{ "INVITE", "sip:a@pass.example", "Proxy-Require: gin\n", "420 Bad Extension",
	  "Unsupported: gin" },
	{ "REGISTER", "sip:relay.example", "", "proxy", NULL },
	{ "REGISTER", "sip:other.example", "", "proxy", NULL },
	{ "REGISTER", "sip:office.example", "Route: <sip:192.0.2.9;lr>\n",
	  "registrar office.example", NULL },
	{ "REGISTER", "sip:office.example", "Route: <sip:192.0.2.9;lr>, <sip:198.51.100.1;lr>\n",
	  "proxy", NULL },
	{ "OPTIONS", "sip:192.0.2.9", "", "200 OK", "Allow: INVITE" },
	{ "OPTIONS", "sip:office.example", "", "200 OK", "Accept: application/sdp" },
	{ "OPTIONS", "sip:office.example", "", "200 OK", "Supported: path" },
	{ "OPTIONS", "sip:bob@office.example", "", "proxy", NULL },
	{ "OPTIONS", "sip:bob@office.example", "Max-Forwards: 0\n", "200 OK", NULL },
	{ "OPTIONS", "sip:other.example", "", "proxy", NULL },
	{ "OPTIONS", "sip:bob@other.example", "Max-Forwards: 0\n", "483 Too Many Hops", NULL },
	{ "OPTIONS", "sip:office.example", "Require: path, nothing\n", "420 Bad Extension",
	  "Unsupported: nothing\r\n" },
	{ "OPTIONS", "sip:office.example", "Require: path\n", "200 OK", NULL },
	{ "OPTIONS", "sip:office.example", "", "200 OK", "Allow-Events: reg" },
	{ "SUBSCRIBE", "sip:bob@office.example", "Event: reg\n", "notifier office.example", NULL },
	{ "SUBSCRIBE", "sip:bob@192.0.2.9", "Event: reg\n", "notifier office.example", NULL },
	{ "SUBSCRIBE", "sip:bob@office.example", "", "proxy", NULL },
	{ "SUBSCRIBE", "sip:bob@pass.example", "Event: reg\n", "proxy", NULL },
	{ "SUBSCRIBE", "sip:bob@other.example", "Event: reg\n", "proxy", NULL },
	{ "SUBSCRIBE", "sip:bob@office.example", "Event: reg\nRoute: <sip:198.51.100.1;lr>\n",
	  "proxy", NULL },
	{ "SUBSCRIBE", "sip:bob@office.example", "Event: reg\nRequire: eventlist\n",
	  "420 Bad Extension", "Unsupported: eventlist\r\n" },
	/* what is refused */
	{ "INVITE", "sip:bob@office.example", "Max-Forwards: 0\n", "483 Too Many Hops", NULL },
	{ "INVITE", "sip:bob@office.example", "Max-Forwards: 1\n", "proxy", NULL },
	{ "INVITE", "http://office.example/", "", "416 Unsupported URI Scheme", NULL },
	{ "INVITE", "sip:bob@office.example", "Proxy-Require: a, b\nProxy-Require: c\n",
	  "420 Bad Extension", "Unsupported: a, b, c\r\n" },
	{ "INVITE", "sip:bob@office.example", "Proxy-Require: a b\n", "400 Bad Proxy-Require",
	  NULL },
	{ "INVITE", "sip:bob@office.example", "Require: 100rel\n", "proxy", NULL },
	{ "CANCEL", "sip:bob@office.example", "Proxy-Require: a\n", "proxy", NULL },
	{ "CANCEL", "sip:office.example", "", "481 Call/Transaction Does Not Exist", NULL },
	{ "ACK", "sip:bob@office.example", "", "proxy", NULL },
	{ "ACK", "sip:bob@office.example", "Max-Forwards: 0\n", "nothing", NULL },
	{ "ACK", "http://office.example/", "", "nothing", NULL },
	/* what is wrong is named */
	{ "INVITE", "sip:bob@office.example", "Max-Forwards: 300\n",
	  "400 Bad Max-Forwards: Max-Forwards is not 0-255", NULL },
	{ "INVITE", "sip:bob@office.example", "CSeq: 2 INVITE\n",
	  "400 Bad CSeq: a header or parameter that may be there once is there twice", NULL },
	{ "INVITE", "sip:bob@office.example", "Contact: <sip:x\n", NULL, NULL },
};

static void table(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		again();
		receive(rows[i].method, rows[i].uri, "sip:bob@office.example", rows[i].more);
		if (rows[i].outcome)
			T_OK(!strcmp(outcome(), rows[i].outcome), "row %zu, %s %s %s: %s", i,
			     rows[i].method, rows[i].uri, rows[i].more, outcome());
		else
			T_OK(!strncmp(outcome(), "400 Bad Contact: ", 17), "row %zu: %s", i,
			     outcome());
		if (rows[i].header)
			T_OK(strstr(last, rows[i].header), "row %zu, %s: no %s in\n%s", i,
			     rows[i].uri, rows[i].header, last);
		T_OK(txn_count() <= 1, "row %zu: %zu transactions", i, txn_count());
		txn_free_all();
	}
}

/* REGISTER at our address: To says where he belongs. */
static void register_at_address(void)
{
	static const char *const to[][2] = {
		{ "sip:a@office.example", "registrar office.example" },
		{ "sip:a@192.0.2.9", "registrar office.example" },
		{ "sip:a@other.example", "404 Not Found" },
		{ "sip:a@relay.example", "proxy" },
		{ "sip:a@pass.example", "proxy" },
		{ "tel:+1", "404 Not Found" },
	};

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		again();
		receive("REGISTER", "sip:192.0.2.9", to[i][0], "");
		T_OK(!strcmp(outcome(), to[i][1]), "%s: %s", to[i][0], outcome());
		txn_free_all();
	}
}

static void start_lines(void)
{
	static const char rest[] =
		"Via: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: c\n"
		"CSeq: 1 INVITE\n";
	const char *const missing[] = { "From", "To", "Call-ID", "CSeq" };
	char expected[64], text[400];
	const char *line;

	again();
	rx_make(&made, "INVITE sip:x SIP/7.0\n%s", rest);
	core_receive(&made.rx);
	T_OK(!strcmp(outcome(), "505 Version Not Supported"), "%s", outcome());
	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%s", rest);
		line = strstr(text, missing[i]);
		memmove((char *)line, strchr(line, '\n') + 1, strlen(strchr(line, '\n')));
		again();
		rx_make(&made, "INVITE sip:x SIP/2.0\n%s", text);
		core_receive(&made.rx);
		snprintf(expected, sizeof(expected), "400 Missing %s", missing[i]);
		T_OK(!strcmp(outcome(), expected), "%s", outcome());
	}
}

static void too_long(void)
{
	char subject[3200];

	again();
	snprintf(subject, sizeof(subject), "Subject: %03000d\n", 0);
	receive("INVITE", "sip:bob@office.example", "sip:b@x", subject);
	T_OK(!strcmp(outcome(), "513 Message Too Large"), "%s", outcome());
}

/* The answer to a refusal is the same each time, and its ACK goes no further. */
static void refused_twice(void)
{
	char first[RX_SIZE];
	const char *tag;

	again();
	receive("INVITE", "sip:bob@office.example", "sip:b@x", "Max-Forwards: 0\n");
	snprintf(first, sizeof(first), "%s", last);
	receive("INVITE", "sip:bob@office.example", "sip:b@x", "Max-Forwards: 0\n");
	T_OK(sent == 2 && !strcmp(first, last), "the second answer differs");
	T_OK(!txn_count(), "a refusal kept state");
	tag = strstr(first, "<sip:b@x>;tag=");
	rx_make(&made, "ACK sip:bob@office.example SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK%u\n"
		"From: <sip:a@x.example>;tag=f\nTo: <sip:b@x>;tag=%.16s\nCall-ID: c%u\nCSeq: 1 ACK\n",
		number, tag ? tag + 14 : "", number);
	core_receive(&made.rx);
	T_OK(!proxied, "the ACK to our refusal was relayed");
}

/* What is refused with state is repeated until its ACK, which has the same tag as one without. */
static void refused_until_ack(void)
{
	char to[200];
	const char *tag;

	again();
	proxy_refuses = true;
	receive("INVITE", "sip:bob@office.example", "sip:b@x", "");
	rx_wait(520);
	T_OK(sent == 2, "sent %u", sent);
	tag = strstr(last, "<sip:b@x>;tag=");
	snprintf(to, sizeof(to), "%.16s", tag ? tag + 14 : "");
	rx_make(&made, "ACK sip:bob@office.example SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK%u"
		"\nFrom: <sip:a@x.example>;tag=f\nTo: <sip:b@x>;tag=%s\nCall-ID: c%u\n"
		"CSeq: 1 ACK\n", number, to, number);
	core_receive(&made.rx);
	rx_wait(40000);
	T_OK(sent == 2 && proxied == 1 && !txn_count(), "behind the ACK: sent %u, %zu left", sent,
	     txn_count());
	proxy_refuses = false;
}

/* Retransmissions of what is under way, or was answered, reach nobody. */
static void retransmissions(void)
{
	again();
	receive("REGISTER", "sip:office.example", "sip:a@office.example", "");
	receive("REGISTER", "sip:office.example", "sip:a@office.example", "");
	T_OK(registered == 1 && sent == 2, "registrar %u, sent %u", registered, sent);
	again();
	proxy_waits = true;
	receive("INVITE", "sip:bob@office.example", "sip:b@x", "");
	receive("INVITE", "sip:bob@office.example", "sip:b@x", "");
	T_OK(proxied == 1 && !sent, "proxy %u, sent %u", proxied, sent);
	txn_free_all();
}

/* 100 in 200 ms; a CANCEL gets 200 and the INVITE 487, each again when repeated. */
static void slow_invite(void)
{
	again();
	proxy_waits = true;
	receive("INVITE", "sip:bob@office.example", "sip:b@x", "Via: SIP/2.0/UDP below\n");
	rx_wait(190);
	T_OK(!sent, "sent something after 190 ms:\n%s", last);
	rx_wait(20);
	T_OK(sent == 1 && !strncmp(last, "SIP/2.0 100 Trying\r\n", 20), "%u:\n%s", sent, last);
	receive("CANCEL", "sip:bob@office.example", "sip:b@x", "");
	T_OK(sent == 3 && !strncmp(last, "SIP/2.0 487 Request Terminated\r\n", 32), "%u:\n%s", sent,
	     last);
	T_OK(strstr(last, "CSeq: 1 INVITE") && strstr(last, "Via: SIP/2.0/UDP below\r\n") &&
	     strstr(last, ";received=192.0.2.1\r\n") && strstr(last, "To: <sip:b@x>;tag="),
	     "the 487 is\n%s", last);
	receive("CANCEL", "sip:bob@office.example", "sip:b@x", "");
	T_OK(sent == 4 && !strncmp(last, "SIP/2.0 200 OK\r\n", 16) && strstr(last, "1 CANCEL"),
	     "%u:\n%s", sent, last);
	T_OK(proxied == 1, "%u reached the proxy", proxied);
	receive("ACK", "sip:bob@office.example", "sip:b@x", "");
	rx_wait(40000);
	T_OK(sent == 4 && !txn_count(), "after the ACK: sent %u, %zu left", sent, txn_count());
	proxy_waits = false;
}

static void others(void)
{
	again();
	rx_make(&made, "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: <sip:a@x>;tag=1\n"
		"To: <sip:x>\nCall-ID: c\nCSeq: 1 INVITE\n");
	core_receive(&made.rx);
	T_OK(responses == 1 && !sent, "responses %u, sent %u", responses, sent);
	client_wants = true;
	core_receive(&made.rx);
	T_OK(responses == 1, "an answer to a request of ours went to the proxy");
	client_wants = false;
	again();
	receive("CANCEL", "sip:bob@office.example", "sip:b@x", "");
	T_OK(proxied == 1 && handed, "a CANCEL of what is not here: proxy %u", proxied);
	again();
	rx_make(&made, "OPTIONS sip:192.0.2.9;cg=x SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKd\n"
		"From: <sip:a@x>;tag=1\nTo: <sip:x>;tag=2\nCall-ID: c\nCSeq: 1 OPTIONS\n");
	core_receive(&made.rx);
	T_OK(proxied == 1, "a request of a dialog was taken for ourselves: %s", outcome());
	again();
	receive("ACK", "sip:bob@office.example", "sip:b@x", "");
	T_OK(proxied == 1 && !handed, "an ACK has a transaction");
}

static void counted(void)
{
	const struct core_count *c = core_counts();
	uint64_t hops = 0;

	for (; c->name; c++)
		if (!strcmp(c->name, "hops"))
			hops = c->n;
	T_OK(hops >= 4, "hops refused: %llu", (unsigned long long)hops);
}

int main(void)
{
	loop_set_now(1000000);
	log_setup(LOG_LEVEL_FATAL);
	table();
	register_at_address();
	start_lines();
	too_long();
	refused_twice();
	refused_until_ack();
	retransmissions();
	slow_invite();
	others();
	counted();
	txn_free_all();
	return t_end("core");
}
