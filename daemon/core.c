/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "config.h"
#include "core.h"
#include "log.h"
#include "notifier.h"
#include "proxy.h"
#include "registrar.h"
#include "reply.h"
#include "text.h"
#include "txn.h"
#include "wake.h"

#define METHODS                                                                                    \
	"INVITE, ACK, CANCEL, OPTIONS, BYE, UPDATE, PRACK, INFO, MESSAGE, REFER, NOTIFY, "         \
	"SUBSCRIBE, PUBLISH"

/* Who deals with a request. */
enum target {
	TO_PROXY,
	TO_REGISTRAR,
	TO_NOTIFIER,		/* SUBSCRIBE to what callgated itself knows */
	TO_US,			/* OPTIONS, or a CANCEL of what nobody sent on */
	TO_UNKNOWN_DOMAIN,	/* REGISTER at our address for a domain that is not ours: 404 */
};

/* What a check has to say; .code 0: nothing. */
struct refusal {
	uint16_t code;
	const char *header;	/* name of one more header, or NULL */
	char phrase[128];	/* "": that of the code */
	char value[256];
};

struct context {
	const struct rx *rx;
	const struct config *config;
	const struct domain *domain;	/* of the Request-URI, or of To where that is our address */
	enum target target;
};

/* ---- who it is for ---- */

static bool our_port(const struct rx *rx, uint16_t port)
{
	return !port || port == SIP_PORT || port == rx->flow.local.port;
}

/* Without a port ours is meant, also where we do not use 5060. */
static bool our_address(const struct rx *rx, const struct sip_host *h)
{
	struct endpoint e;

	if (!address_of_host(h, &e))
		return false;
	if (transport_is_us(&e))
		return true;
	e.port = rx->flow.local.port;
	return !h->port_num && transport_is_us(&e);
}

static const struct domain *domain_named(const struct context *c, const struct sip_host *h)
{
	if (h->kind != SIP_HOST_NAME || !our_port(c->rx, h->port_num))
		return NULL;
	return config_domain(c->config, (const char *)c->rx->buf + h->host.off, h->host.len);
}

static const struct domain *first_main(const struct config *c)
{
	for (size_t i = 0; i < c->n_domains; i++)
		if (c->domains[i].mode == REGISTRAR_MAIN)
			return &c->domains[i];
	return NULL;
}

/* Who registers at our address says in To where he belongs (C11). */
static const struct domain *domain_of_to(const struct context *c)
{
	struct sip_nameaddr to;

	if (!sip_msg_nameaddr(&c->rx->msg, SIP_H_TO, &to))
		return NULL;
	if (our_address(c->rx, &to.uri.host))
		return first_main(c->config);
	return domain_named(c, &to.uri.host);
}

/* Does a Route lead elsewhere? Those of ours at the top are behind us. */
static bool routed_on(const struct context *c)
{
	struct sip_nameaddr route;
	struct sip_walk w;

	sip_walk_init(&w, &c->rx->msg, SIP_H_ROUTE);
	while (sip_nameaddr_next(&w, &route))
		if (!our_address(c->rx, &route.uri.host) && !domain_named(c, &route.uri.host))
			return true;
	return false;
}

static enum target register_target(struct context *c, bool us)
{
	if (us)
		c->domain = domain_of_to(c);
	if (!c->domain)
		return us ? TO_UNKNOWN_DOMAIN : TO_PROXY;
	return c->domain->mode == REGISTRAR_MAIN ? TO_REGISTRAR : TO_PROXY;
}

/* At our address the first domain is meant. */
static bool for_notifier(struct context *c, bool us)
{
	const struct domain *d = c->domain ? c->domain : first_main(c->config);

	if (c->rx->msg.method != SIP_M_SUBSCRIBE || (!us && !c->domain) || !d ||
	    d->mode != REGISTRAR_MAIN || !notifier_wants(c->rx))
		return false;
	c->domain = d;
	return true;
}

static enum target find_target(struct context *c)
{
	const struct sip_msg *m = &c->rx->msg;
	bool us = our_address(c->rx, &m->ruri.host);

	c->domain = domain_named(c, &m->ruri.host);
	if (routed_on(c))
		return TO_PROXY;
	if (m->method == SIP_M_REGISTER)
		return register_target(c, us);
	if (for_notifier(c, us))
		return TO_NOTIFIER;
	if ((!us && !c->domain) || m->to_tag.len)
		return TO_PROXY;
	if (m->method == SIP_M_OPTIONS)
		/* 16.3: with Max-Forwards 0 the hop itself is meant */
		return !m->ruri.has_user || (m->has_max_forwards && !m->max_forwards) ? TO_US :
											TO_PROXY;
	return m->method == SIP_M_CANCEL && !m->ruri.has_user ? TO_US : TO_PROXY;
}

/* ---- checks: each names what is wrong ---- */

static const char *name_of(uint32_t id, char buf[static 40])
{
	bool begins = true;

	if (id == SIP_H_CSEQ)
		return "CSeq";
	if (id == SIP_H_CALL_ID)
		return "Call-ID";
	snprintf(buf, 40, "%s", sip_header_name(id));
	for (char *p = buf; *p; p++) {
		if (begins && *p >= 'a' && *p <= 'z')
			*p -= 'a' - 'A';
		begins = *p == '-';
	}
	return buf;
}

static void name_missing(const struct sip_msg *m, struct refusal *r)
{
	static const uint8_t needed[] = { SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID, SIP_H_CSEQ };
	char name[40];

	for (size_t i = 0; i < sizeof(needed); i++)
		if (!sip_msg_header(m, needed[i])) {
			snprintf(r->phrase, sizeof(r->phrase), "Missing %s",
				 name_of(needed[i], name));
			return;
		}
}

static void name_wrong(const struct sip_msg *m, struct refusal *r)
{
	char name[40];

	for (unsigned int i = 0; i < m->n_headers; i++)
		if (m->headers[i].off == m->bad_off) {
			snprintf(r->phrase, sizeof(r->phrase), "Bad %s: %s",
				 name_of(m->headers[i].id, name), sip_bad_text(m->bad));
			return;
		}
	snprintf(r->phrase, sizeof(r->phrase), "Bad Request: %s", sip_bad_text(m->bad));
}

static void check_version(const struct context *c, struct refusal *r)
{
	if (c->rx->msg.bad == SIP_BAD_VERSION)
		r->code = 505;
}

static void check_syntax(const struct context *c, struct refusal *r)
{
	const struct sip_msg *m = &c->rx->msg;

	if (!m->bad)
		return;
	r->code = m->bad == SIP_BAD_TOO_LONG ? 513 : 400;
	if (m->bad == SIP_BAD_MISSING)
		name_missing(m, r);
	else if (r->code == 400)
		name_wrong(m, r);
}

static void check_length(const struct context *c, struct refusal *r)
{
	if (c->rx->len > c->config->max_message)
		r->code = 513;
}

static void check_scheme(const struct context *c, struct refusal *r)
{
	if (c->rx->msg.ruri.scheme == SIP_URI_OTHER)
		r->code = 416;
}

static void check_hops(const struct context *c, struct refusal *r)
{
	const struct sip_msg *m = &c->rx->msg;

	if (c->target == TO_PROXY && m->has_max_forwards && !m->max_forwards)
		r->code = 483;
}

/* The option tags of a header that are not in @known, as far as there is room. */
static void unsupported(const struct context *c, uint32_t header, const char *known,
			struct refusal *r)
{
	struct sip_str s;
	struct sip_walk w;
	size_t n = 0;

	sip_walk_init(&w, &c->rx->msg, header);
	while (sip_token_next(&w, &s)) {
		const uint8_t *p = c->rx->buf + s.off;
		bool token = s.len && sip_span(p, 0, s.len, SIP_C_TOKEN) == s.len;

		if (token && known && s.len == strlen(known) && sip_bytes_are(p, known, s.len))
			continue;
		r->code = token ? 420 : 400;
		if (!token || n + s.len + 3 > sizeof(r->value))
			break;
		n += (size_t)snprintf(r->value + n, sizeof(r->value) - n, "%s%.*s", n ? ", " : "",
				      (int)s.len, p);
	}
	if (r->code == 420)
		r->header = "Unsupported";
	else if (r->code)
		snprintf(r->phrase, sizeof(r->phrase), "Bad %s",
			 header == SIP_H_REQUIRE ? "Require" : "Proxy-Require");
}

/* 8.2.2.3, 16.3: not for CANCEL (9.1), nor for an ACK, which is not answered. */
static void check_extensions(const struct context *c, struct refusal *r)
{
	if (c->rx->msg.method == SIP_M_CANCEL || c->rx->msg.method == SIP_M_ACK)
		return;
	/* RFC 6140 5.1: "gin" asks a proxy for a Path, which is added where a phone knows it */
	if (c->target == TO_PROXY)
		unsupported(c, SIP_H_PROXY_REQUIRE,
			    c->rx->msg.method == SIP_M_REGISTER ? "gin" : NULL, r);
	else if (c->target == TO_US || c->target == TO_NOTIFIER)
		unsupported(c, SIP_H_REQUIRE, "path", r);
}

static void check_registrar(const struct context *c, struct refusal *r)
{
	if (c->target == TO_UNKNOWN_DOMAIN)
		r->code = 404;
}

/* In this order: RFC 3261 16.3, 8.2. */
static void (*const checks[])(const struct context *c, struct refusal *r) = {
	check_version, check_syntax, check_length, check_scheme, check_hops, check_extensions,
	check_registrar,
};
#define CHECKS (sizeof(checks) / sizeof(checks[0]))

static struct core_count counts[] = {
	{ "version", 0 }, { "syntax", 0 }, { "length", 0 }, { "scheme", 0 }, { "hops", 0 },
	{ "extension", 0 }, { "registrar", 0 },
	{ "no-transaction", 0 }, { "full", 0 }, { "merged", 0 }, { NULL, 0 },
};
enum { COUNT_NO_TRANSACTION = CHECKS, COUNT_FULL, COUNT_MERGED };

const struct core_count *core_counts(void)
{
	return counts;
}

static void refuse(const struct rx *rx, struct txn *t, const struct refusal *why)
{
	char from[TEXT_ENDPOINT];
	struct reply r;

	log_info("%s: %s refused: %u %s", text_endpoint(&rx->flow.remote, from),
		 sip_method_name(rx->msg.method), why->code,
		 why->phrase[0] ? why->phrase : reply_phrase(why->code));
	reply_begin(&r, rx, why->code, why->phrase[0] ? why->phrase : NULL);
	if (why->header)
		reply_header(&r, why->header, "%s", why->value);
	reply_send(&r, t);
}

/* True: refused. What cannot be read has no target. */
static bool refused(struct context *c)
{
	struct refusal why;

	why.code = 0;
	why.header = NULL;
	why.phrase[0] = '\0';
	why.value[0] = '\0';
	for (size_t i = 0; i < CHECKS; i++) {
		checks[i](c, &why);
		if (!why.code)
			continue;
		counts[i].n++;
		refuse(c->rx, NULL, &why);
		return true;
	}
	return false;
}

/* ---- answers of our own ---- */

static void answer_options(const struct rx *rx, struct txn *t)
{
	struct reply r;

	reply_begin(&r, rx, 200, NULL);
	reply_header(&r, "Allow", "%s, REGISTER", METHODS);
	reply_header(&r, "Accept", "application/sdp");
	reply_header(&r, "Accept-Encoding", "identity");
	reply_header(&r, "Accept-Language", "en");
	reply_header(&r, "Supported", "path");
	reply_header(&r, "Allow-Events", "%s", notifier_events());
	reply_send(&r, t);
}

/*
 * 487 for an INVITE whose request is gone: its 100, which was written for txn_trying(), has all
 * that an answer needs.
 */
static void answer_cancelled(struct txn *invite)
{
	struct rx rx = { .flow = *txn_flow(invite) };
	struct reply r;

	rx.buf = txn_last(invite, &rx.len);
	if (!rx.len || sip_msg_parse(&rx.msg, rx.buf, rx.len, SIP_DATAGRAM) != SIP_OK)
		return;
	reply_begin(&r, &rx, 487, NULL);
	reply_send(&r, invite);
}

/* 9.2. A CANCEL of what was relayed goes after it. */
static void cancel(struct context *c, struct rx *rx, struct txn *t)
{
	struct txn *invite = txn_cancelled(rx);

	if (invite) {
		reply_simple(rx, t, 200, NULL, NULL);
		if (!txn_answered(invite) && !wake_cancel(txn_id(invite)))
			answer_cancelled(invite);
	} else if (c->target == TO_PROXY) {
		proxy_request(rx, t);
	} else {
		counts[COUNT_NO_TRANSACTION].n++;
		reply_simple(rx, t, 481, NULL, NULL);
	}
}

/* ---- the way of a request ---- */

/* 8.2.2.2: one request must not be carried out twice because a proxy in front has forked it. */
static bool is_merged(const struct context *c, const struct rx *rx, struct txn *t)
{
	if (c->target == TO_PROXY || !t || !txn_is_merged(t, rx))
		return false;
	counts[COUNT_MERGED].n++;
	reply_simple(rx, t, 482, NULL, NULL);
	return true;
}

static void dispatch(struct context *c, struct rx *rx, struct txn *t)
{
	if (rx->msg.method == SIP_M_CANCEL)
		cancel(c, rx, t);
	else if (is_merged(c, rx, t))
		return;
	else if (c->target == TO_REGISTRAR)
		registrar_request(rx, t, c->domain);
	else if (c->target == TO_NOTIFIER)
		notifier_request(rx, t, c->domain);
	else if (c->target == TO_US)
		answer_options(rx, t);
	else
		proxy_request(rx, t);
}

/* An INVITE that is still being thought about gets its 100 in time, unless it is to be repeated. */
static void trying(const struct rx *rx, uint64_t id)
{
	struct txn *t = txn_by_id(id);
	const uint8_t *bytes;
	struct reply r;
	uint32_t len;

	if (!t || txn_answered(t) || wake_holds(id))
		return;
	reply_begin(&r, rx, 100, NULL);
	bytes = reply_end(&r, &len);
	if (len)
		txn_trying(t, bytes, len);
}

static void request(struct context *c, struct rx *rx)
{
	struct txn *t;
	uint64_t id;

	switch (txn_begin(rx, &t)) {
	case TXN_NEW:
		break;
	case TXN_FULL:
		counts[COUNT_FULL].n++;
		reply_simple(rx, NULL, 503, "Retry-After", "5");
		return;
	case TXN_AGAIN:
	case TXN_ACK:
		return;
	}
	/* an ACK to what was refused without state */
	if (rx->msg.method == SIP_M_ACK && reply_tag_is_ours(rx))
		return;
	id = t ? txn_id(t) : 0;
	dispatch(c, rx, t);
	if (rx->msg.method == SIP_M_INVITE)
		trying(rx, id);
}

void core_receive(struct rx *rx)
{
	struct context c = { .rx = rx, .config = config_now() };

	if (!rx->msg.request) {
		if (!client_response(rx))
			proxy_response(rx);
		return;
	}
	c.target = rx->msg.bad ? TO_PROXY : find_target(&c);
	if (refused(&c))
		return;
	request(&c, rx);
}
