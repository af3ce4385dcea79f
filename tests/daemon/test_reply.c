/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses: what is copied, Via with received and rport, the tag, what is kept and what is not. */
#include "reply.h"
#include "rx.h"
#include "txn.h"

static unsigned int sent, answered, forgotten;
static char last[RX_SIZE];
static struct sip_flow last_flow;

int transport_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	sent++;
	last_flow = *flow;
	snprintf(last, sizeof(last), "%.*s", (int)len, (const char *)buf);
	return 0;
}

void transport_response_flow(const struct rx *rx, struct sip_flow *out)
{
	*out = rx->flow;
}

void txn_answer(struct txn *t, const void *buf, uint32_t len)
{
	(void)t;
	answered++;
	snprintf(last, sizeof(last), "%.*s", (int)len, (const char *)buf);
}

void txn_forget(struct txn *t)
{
	(void)t;
	forgotten++;
}

static const char *const head =
	"INVITE sip:bob@office.example SIP/2.0\n"
	"Via: SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa;rport;x=y, SIP/2.0/TCP b;branch=z9hG4bKb\n"
	"v: SIP/2.0/UDP c.example;branch=z9hG4bKc\n"
	"f: \"A;tag=no\" <sip:a@x>;tag=f1\nTo: <sip:bob@office.example>%s\nTimestamp: 12.5\n"
	"i: call@x\nCSeq: 5 INVITE\nSubject: not copied\nContent-Length: 0\n";

static const char *const wanted =
	"SIP/2.0 404 Not Found\r\n"
	"Via: SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa;x=y;received=192.0.2.1;rport=4444, "
	"SIP/2.0/TCP b;branch=z9hG4bKb\r\n"
	"Via: SIP/2.0/UDP c.example;branch=z9hG4bKc\r\n"
	"From: \"A;tag=no\" <sip:a@x>;tag=f1\r\nTo: <sip:bob@office.example>;tag=%.16s\r\n"
	"Call-ID: call@x\r\nCSeq: 5 INVITE\r\nTimestamp: 12.5\r\nRetry-After: 7\r\n"
	"Content-Length: 0\r\n\r\n";

static const char *tag_in(const char *text)
{
	const char *to = strstr(text, "\r\nTo: "), *end = to ? strstr(to + 2, "\r\n") : NULL;
	const char *tag = to ? strstr(to, ">;tag=") : NULL;

	return tag && tag < end ? tag + 6 : "";
}

static void whole_answer(void)
{
	char expected[RX_SIZE];
	struct made m;

	T_OK(rx_make(&m, head, "") == SIP_OK, "the request is bad");
	sent = 0;
	reply_simple(&m.rx, NULL, 404, "Retry-After", "7");
	snprintf(expected, sizeof(expected), wanted, tag_in(last));
	T_OK(sent == 1 && !strcmp(last, expected), "got\n%sexpected\n%s", last, expected);
	T_OK(strlen(tag_in(last)) > 16 && tag_in(last)[16] == '\r', "no tag of 16 bytes");
	T_OK(last_flow.remote.port == 4444, "to port %u", last_flow.remote.port);
}

static void vias(void)
{
	static const struct {
		const char *via, *out;
	} rows[] = {
		{ "SIP/2.0/UDP h", "SIP/2.0/UDP h;received=192.0.2.1" },
		{ "SIP/2.0/UDP h;rport", "SIP/2.0/UDP h;received=192.0.2.1;rport=4444" },
		{ "SIP/2.0/UDP h;rport=9;branch=1", "SIP/2.0/UDP h;branch=1;received=192.0.2.1;rport=4444" },
		{ "SIP/2.0/UDP h;received=198.51.100.1;b=1", "SIP/2.0/UDP h;b=1;received=192.0.2.1" },
		{ "SIP / 2.0 / UDP h ;branch = 1", "SIP / 2.0 / UDP h ;branch = 1;received=192.0.2.1" },
		{ "SIP/2.0/UDP h;a=\"x;rport\"", "SIP/2.0/UDP h;a=\"x;rport\";received=192.0.2.1" },
	};
	char line[256];
	struct made m;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rx_make(&m, "OPTIONS sip:x SIP/2.0\nVia: %s\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\n"
			"Call-ID: c\nCSeq: 1 OPTIONS\n", rows[i].via);
		reply_simple(&m.rx, NULL, 200, NULL, NULL);
		snprintf(line, sizeof(line), "\r\nVia: %s\r\n", rows[i].out);
		T_OK(strstr(last, line), "%s gives\n%s", rows[i].via, last);
	}
	m.rx.flow.remote = (struct endpoint){ .len = 16, .addr = { 0x20, 1, 0xd, 0xb8, [15] = 1 },
					      .port = 4444 };
	reply_simple(&m.rx, NULL, 200, NULL, NULL);
	T_OK(strstr(last, ";received=2001:db8::1\r\n"), "IPv6:\n%s", last);
}

static void tags(void)
{
	char first[17], second[17];
	struct made m;

	rx_make(&m, head, "");
	reply_simple(&m.rx, NULL, 404, NULL, NULL);
	snprintf(first, sizeof(first), "%.16s", tag_in(last));
	reply_simple(&m.rx, NULL, 503, NULL, NULL);
	T_OK(!strncmp(first, tag_in(last), 16), "the same request, another tag");
	reply_simple(&m.rx, NULL, 100, NULL, NULL);
	T_OK(!*tag_in(last), "a 100 has a tag");
	rx_make(&m, head, ";tag=theirs");
	reply_simple(&m.rx, NULL, 404, NULL, NULL);
	T_OK(strstr(last, "To: <sip:bob@office.example>;tag=theirs\r\n"), "a tag was changed");
	T_OK(!reply_tag_is_ours(&m.rx), "their tag is ours");
	snprintf(second, sizeof(second), ";tag=%.11s", first);
	rx_make(&m, head, second);
	T_OK(!reply_tag_is_ours(&m.rx), "a part of our tag is ours");
	snprintf(last, sizeof(last), ";tag=%s", first);
	rx_make(&m, head, last);
	T_OK(reply_tag_is_ours(&m.rx), "our tag is not known again");
	m.rx.msg.cseq.num++;
	T_OK(!reply_tag_is_ours(&m.rx), "our tag is that of another request");
}

/* What can be answered although it is bad: as much as is there is copied. */
static void bad_requests(void)
{
	struct made m;

	T_OK(rx_make(&m, "INVITE sip:x SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\n"
		     "To: \"quote <sip:x>\nCSeq: 1 INVITE\n") == SIP_BAD, "it is not bad");
	reply_simple(&m.rx, NULL, 400, NULL, NULL);
	T_OK(strstr(last, "\r\nTo: \"quote <sip:x>\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n") &&
	     !strstr(last, "From") && !strstr(last, "Call-ID"), "got\n%s", last);
	rx_make(&m, "INVITE sip:x SIP/2.0\nVia: SIP/7.0/UDP a;;\nVia: b\n");
	reply_simple(&m.rx, NULL, 400, NULL, NULL);
	T_OK(!strncmp(last, "SIP/2.0 400 Bad Request\r\nVia: SIP/7.0/UDP a;;\r\nVia: b\r\n", 55),
	     "got\n%s", last);
}

static void too_long(void)
{
	static char value[70000];
	struct made m;
	struct reply r;

	memset(value, 'x', sizeof(value) - 1);
	rx_make(&m, head, "");
	reply_begin(&r, &m.rx, 200, NULL);
	reply_header(&r, "X", "%s", value);
	reply_send(&r, NULL);
	T_OK(!strncmp(last, "SIP/2.0 500 Answer Too Long\r\n", 29), "got %.40s", last);
	reply_begin(&r, &m.rx, 200, NULL);
	reply_raw(&r, value, 60000);
	reply_raw(&r, value, 60000);
	T_OK(r.full, "120,000 bytes fit");
}

/* A first challenge keeps no transaction; one to credentials does. */
static void challenges(void)
{
	struct txn *t = (struct txn *)&sent;
	struct made m;

	rx_make(&m, head, "");
	answered = forgotten = sent = 0;
	reply_simple(&m.rx, t, 401, "WWW-Authenticate", "Digest x=\"y\"");
	T_OK(sent == 1 && forgotten == 1 && !answered, "401: %u %u %u", sent, forgotten, answered);
	rx_make(&m, "REGISTER sip:x SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: <sip:a@x>;tag=1\n"
		"To: <sip:x>\nCall-ID: c\nCSeq: 1 REGISTER\nAuthorization: Digest username=\"a\"\n");
	reply_simple(&m.rx, t, 401, "WWW-Authenticate", "Digest x=\"y\"");
	T_OK(sent == 1 && forgotten == 1 && answered == 1, "401 to credentials: %u %u %u", sent,
	     forgotten, answered);
	rx_make(&m, "ACK sip:x SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: <sip:a@x>;tag=1\n"
		"To: <sip:x>\nCall-ID: c\nCSeq: 1 ACK\n");
	reply_simple(&m.rx, NULL, 400, NULL, NULL);
	T_OK(sent == 1, "an ACK was answered");
}

static void phrases(void)
{
	T_OK(!strcmp(reply_phrase(480), "Temporarily Unavailable"), "480 %s", reply_phrase(480));
	T_OK(!strcmp(reply_phrase(499), "Bad Request"), "499 %s", reply_phrase(499));
	T_OK(!strcmp(reply_phrase(599), "Server Internal Error"), "599 %s", reply_phrase(599));
	T_OK(!strcmp(reply_phrase(299), "OK"), "299 %s", reply_phrase(299));
}

int main(void)
{
	loop_set_now(1000000);
	whole_answer();
	vias();
	tags();
	bad_requests();
	too_long();
	challenges();
	phrases();
	return t_end("reply");
}
