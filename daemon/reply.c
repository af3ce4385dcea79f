/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "reply.h"
#include "text.h"
#include "txn.h"

#define REPLY_MAX 65507		/* of a datagram by IPv4 */

static uint8_t bytes[REPLY_MAX + 1];

/* ---- phrases ---- */

#define PHRASE_LIST(X)                                                                             \
	X(100, "Trying") X(180, "Ringing") X(181, "Call Is Being Forwarded")                       \
	X(183, "Session Progress") X(200, "OK") X(202, "Accepted")                                 \
	X(300, "Multiple Choices") X(302, "Moved Temporarily") X(400, "Bad Request")               \
	X(401, "Unauthorized") X(403, "Forbidden") X(404, "Not Found")                             \
	X(405, "Method Not Allowed") X(406, "Not Acceptable")                                      \
	X(407, "Proxy Authentication Required") X(408, "Request Timeout") X(410, "Gone")           \
	X(413, "Request Entity Too Large") X(414, "Request-URI Too Long")                          \
	X(415, "Unsupported Media Type") X(416, "Unsupported URI Scheme") X(420, "Bad Extension")  \
	X(421, "Extension Required") X(422, "Session Interval Too Small")                          \
	X(423, "Interval Too Brief") X(430, "Flow Failed") X(433, "Anonymity Disallowed")          \
	X(439, "First Hop Lacks Outbound Support") X(440, "Max-Breadth Exceeded")                  \
	X(480, "Temporarily Unavailable") X(481, "Call/Transaction Does Not Exist")                \
	X(482, "Loop Detected") X(483, "Too Many Hops") X(484, "Address Incomplete")               \
	X(485, "Ambiguous") X(486, "Busy Here") X(487, "Request Terminated")                       \
	X(488, "Not Acceptable Here") X(489, "Bad Event") X(491, "Request Pending")                \
	X(493, "Undecipherable")                                                                   \
	X(494, "Security Agreement Required") X(500, "Server Internal Error")                      \
	X(501, "Not Implemented") X(502, "Bad Gateway") X(503, "Service Unavailable")              \
	X(504, "Server Time-out") X(505, "Version Not Supported") X(513, "Message Too Large")      \
	X(555, "Push Notification Service Not Supported") X(600, "Busy Everywhere")                \
	X(603, "Decline") X(604, "Does Not Exist Anywhere") X(606, "Not Acceptable")               \
	X(607, "Unwanted") X(608, "Rejected")

const char *reply_phrase(uint16_t code)
{
	static const struct {
		uint16_t code;
		const char *phrase;
	} list[] = {
#define PHRASE_ROW(code, phrase) { code, phrase },
		PHRASE_LIST(PHRASE_ROW)
#undef PHRASE_ROW
	};
	static const char *const class[] = { "Trying", "OK", "Multiple Choices", "Bad Request",
					     "Server Internal Error", "Decline" };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i].code == code)
			return list[i].phrase;
	return class[(code / 100 + 5) % 6];
}

/* ---- writing ---- */

static inline void put(struct reply *r, const void *data, uint32_t len)
{
	if (r->full || len > r->cap - r->len) {
		r->full = true;
		return;
	}
	memcpy(r->buf + r->len, data, len);
	r->len += len;
}
#define LITERAL(r, s) put(r, s, sizeof(s) - 1)

void reply_raw(struct reply *r, const void *data, uint32_t len)
{
	put(r, data, len);
}

void reply_text(struct reply *r, const char *s)
{
	put(r, s, (uint32_t)strlen(s));
}

static void slice(struct reply *r, struct sip_str s)
{
	put(r, r->rx->buf + s.off, s.len);
}

__attribute__((format(printf, 2, 0)))
static void vprint(struct reply *r, const char *format, va_list args)
{
	size_t room = r->cap - r->len + 1;	/* bytes[] has one more, for the NUL */
	int n;

	if (r->full)
		return;
	n = vsnprintf((char *)r->buf + r->len, room, format, args);
	if (n < 0 || (size_t)n >= room)
		r->full = true;
	else
		r->len += (uint32_t)n;
}

static void number(struct reply *r, uint32_t n)
{
	uint8_t digits[SIP_U32_TEXT];

	put(r, digits, sip_u32_print(digits, n));
}

void reply_header(struct reply *r, const char *name, const char *format, ...)
{
	va_list args;

	reply_text(r, name);
	LITERAL(r, ": ");
	va_start(args, format);
	vprint(r, format, args);
	va_end(args);
	LITERAL(r, "\r\n");
}

/* ---- what is taken from the request ---- */

static bool is_ours_to_write(const uint8_t *buf, const struct sip_param *p)
{
	return SIP_IS(buf, p->name, "received") || SIP_IS(buf, p->name, "rport");
}

/* RFC 3261 18.2.1, RFC 3581 4: always received, so that nobody has to compare; rport when asked. */
static void top_via(struct reply *r, const struct sip_via *v)
{
	struct sip_iter it = sip_iter(v->params);
	const uint8_t *buf = r->rx->buf;
	uint8_t host[SIP_HOST_TEXT];
	const struct endpoint *from = &r->rx->flow.remote;
	struct sip_param p;
	uint32_t n;

	slice(r, sip_slice(v->all.off, v->params.len ? v->params.off : sip_str_end(v->all)));
	while (sip_param_next(buf, &it, &p)) {
		if (is_ours_to_write(buf, &p))
			continue;
		LITERAL(r, ";");
		slice(r, p.all);
	}
	n = from->len == 4 ? sip_ip4_print(host, from->addr) : sip_ip6_print(host, from->addr);
	LITERAL(r, ";received=");
	put(r, host, n);
	if (v->has_rport) {
		LITERAL(r, ";rport=");
		number(r, from->port);
	}
}

/* What cannot be read, and all values below the top one, are copied as they are. */
static void vias(struct reply *r)
{
	const struct sip_header *h = sip_msg_header(&r->rx->msg, SIP_H_VIA);
	uint32_t used = 0;
	struct sip_via v;
	bool top = transport_top_via(r->rx, &v, &used);

	for (; h; h = sip_msg_next(&r->rx->msg, h)) {
		LITERAL(r, "Via: ");
		if (top)
			top_via(r, &v);
		slice(r, sip_slice(h->value.off + (top ? used : 0), sip_str_end(h->value)));
		LITERAL(r, "\r\n");
		top = false;
	}
}

/* @name: with the colon and the blank. */
static void copy(struct reply *r, const char *name, uint32_t id)
{
	const struct sip_header *h = sip_msg_header(&r->rx->msg, id);

	if (!h)
		return;
	reply_text(r, name);
	slice(r, h->value);
	LITERAL(r, "\r\n");
}

/*
 * The same for a request, its retransmission, its CANCEL and its ACK, so that answers without a
 * transaction agree with each other (RFC 3261 8.2.7), and an ACK to one of them is known.
 */
static void our_tag(const struct rx *rx, char out[static 17])
{
	const struct sip_msg *m = &rx->msg;
	const uint8_t *b = rx->buf;
	const struct hash_part parts[] = {
		{ "tag", 3 }, { b + m->call_id.off, m->call_id.len },
		{ b + m->from_tag.off, m->from_tag.len },
		{ b + m->via.branch.off, m->via.branch.len },
		{ &m->cseq.num, sizeof(m->cseq.num) },
	};
	uint64_t hash = hash_parts(parts, sizeof(parts) / sizeof(parts[0]));

	for (int i = 15; i >= 0; i--, hash >>= 4)
		out[i] = "0123456789abcdef"[hash & 15];
	out[16] = '\0';
}

bool reply_tag_is_ours(const struct rx *rx)
{
	char tag[17];

	our_tag(rx, tag);
	return rx->msg.to_tag.len == 16 && !memcmp(rx->buf + rx->msg.to_tag.off, tag, 16);
}

/* A To that cannot be read gets no tag: it might end up inside a quoted string. */
static bool wants_tag(const struct sip_msg *m)
{
	struct sip_nameaddr a;

	if (!m->bad)
		return !m->to_tag.len;
	return sip_msg_nameaddr(m, SIP_H_TO, &a) && !a.tag.len;
}

static void to(struct reply *r)
{
	const struct sip_header *h = sip_msg_header(&r->rx->msg, SIP_H_TO);
	char tag[17];

	if (!h)
		return;
	LITERAL(r, "To: ");
	slice(r, h->value);
	if (r->code > 100 && wants_tag(&r->rx->msg)) {
		if (!r->tag)
			our_tag(r->rx, tag);
		LITERAL(r, ";tag=");
		put(r, r->tag ? r->tag : tag, 16);
	}
	LITERAL(r, "\r\n");
}

/* ---- the whole ---- */

static void begin(struct reply *r, const char *reason)
{
	LITERAL(r, "SIP/2.0 ");
	number(r, r->code);
	LITERAL(r, " ");
	reply_text(r, reason ? reason : reply_phrase(r->code));
	LITERAL(r, "\r\n");
	vias(r);
	copy(r, "From: ", SIP_H_FROM);
	to(r);
	copy(r, "Call-ID: ", SIP_H_CALL_ID);
	copy(r, "CSeq: ", SIP_H_CSEQ);
	copy(r, "Timestamp: ", SIP_H_TIMESTAMP);
}

void reply_begin(struct reply *r, const struct rx *rx, uint16_t code, const char *reason)
{
	*r = (struct reply){ .rx = rx, .buf = bytes, .cap = REPLY_MAX, .code = code };
	begin(r, reason);
}

void reply_begin_dialog(struct reply *r, const struct rx *rx, uint16_t code, const char *tag)
{
	*r = (struct reply){ .rx = rx, .buf = bytes, .cap = REPLY_MAX, .code = code, .tag = tag };
	begin(r, NULL);
}

const uint8_t *reply_end(struct reply *r, uint32_t *len)
{
	LITERAL(r, "Content-Length: 0\r\n\r\n");
	*len = r->full ? 0 : r->len;
	return r->buf;
}

/* A first challenge is repeated by whoever repeats the request: nothing is kept for it (C28). */
static bool keeps_nothing(const struct reply *r)
{
	const struct sip_msg *m = &r->rx->msg;

	return (r->code == 401 || r->code == 407) && !sip_msg_header(m, SIP_H_AUTHORIZATION) &&
	       !sip_msg_header(m, SIP_H_PROXY_AUTHORIZATION);
}

void reply_send(struct reply *r, struct txn *t)
{
	struct sip_flow flow;
	const uint8_t *data;
	uint32_t len;

	data = reply_end(r, &len);
	if (!len && r->code != 500) {
		/* what was to be said is too long: say at least that */
		reply_begin(r, r->rx, 500, "Answer Too Long");
		data = reply_end(r, &len);
	}
	if (!len || r->rx->msg.method == SIP_M_ACK)
		return;
	if (t && !keeps_nothing(r)) {
		txn_answer(t, data, len);
		return;
	}
	transport_response_flow(r->rx, &flow);
	transport_send(&flow, data, len);
	if (t)
		txn_forget(t);
}

void reply_simple(const struct rx *rx, struct txn *t, uint16_t code, const char *name,
		  const char *value)
{
	struct reply r;

	reply_begin(&r, rx, code, NULL);
	if (name)
		reply_header(&r, name, "%s", value);
	reply_send(&r, t);
}
