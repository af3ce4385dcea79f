/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of auth and access have in common: two domains, some users, a phone that answers
 * challenges, and what stands in for the store, the configuration and the sockets.
 */
#ifndef TESTS_DAEMON_AUTH_WORLD_H
#define TESTS_DAEMON_AUTH_WORLD_H

#include "t.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include <arpa/inet.h>

#include "auth.h"
#include "config.h"
#include "loop.h"
#include "reply.h"
#include "text.h"
#include "udp.h"

#define SHA (1u << DIGEST_SHA256)
#define MD5 (1u << DIGEST_MD5)
#define SHA512 (1u << DIGEST_SHA512_256)
#define PASSWORD "zanzibar"
#define US4 "192.0.2.1"

/* ---- the configuration ---- */

static struct domain domains[] = {
	{ .name = "office.example", .realm = "office.example", .mode = REGISTRAR_MAIN },
	{ .name = "voip.example", .realm = "voip.example", .mode = REGISTRAR_PASSIVE },
	{ .name = "lab.example", .realm = "lab", .mode = REGISTRAR_MAIN },
};
static struct prefix trusted_nets[1], inside_nets[1];
static struct config config = {
	.domains = domains, .n_domains = 3, .algorithms_inside = SHA | MD5,
	.algorithms_outside = SHA, .nonce_life = 300, .challenge = true,
	.trusted = { trusted_nets, 1 }, .inside_nets = { inside_nets, 1 },
	.ban_failures = 10, .ban_window = 600, .ban_time = 3600, .log_level = 0,
};

const struct config *config_now(void)
{
	return &config;
}

const struct domain *config_domain(const struct config *c, const char *name, size_t len)
{
	if (len == strlen(US4) && !memcmp(name, US4, len))
		return &c->domains[0];
	for (size_t i = 0; i < c->n_domains; i++)
		if (len == strlen(c->domains[i].name) &&
		    !strncasecmp(name, c->domains[i].name, len))
			return &c->domains[i];
	return NULL;
}

/* ---- users ---- */

static struct user people[8];
static size_t n_people;
static int store_result;	/* what the store says instead, after so many more: */
static unsigned int store_good;
static unsigned int store_asked, store_evened;

static struct user *person(const char *name, const char *domain, uint32_t flags, uint8_t hashes)
{
	struct user *u = &people[n_people++];
	const struct domain *d = config_domain(&config, domain, strlen(domain));
	const char *const urp[3] = { name, d->realm, PASSWORD };

	memset(u, 0, sizeof(*u));
	u->id = n_people;
	u->flags = flags;
	u->has_ha1 = hashes;
	snprintf(u->name, sizeof(u->name), "%s", name);
	snprintf(u->domain, sizeof(u->domain), "%s", domain);
	snprintf(u->realm, sizeof(u->realm), "%s", d->realm);
	for (unsigned int a = 0; a < DIGEST_COUNT; a++)
		digest_ha1(a, urp, u->ha1[a]);
	return u;
}

static void make_people(void)
{
	n_people = 0;
	person("alice", "office.example", 0, SHA | MD5 | SHA512);
	person("bob", "office.example", USER_MD5, SHA | MD5);
	person("carol", "office.example", USER_DISABLED, SHA | MD5);
	person("dave", "office.example", 0, SHA);
	person("erin", "office.example", USER_REMOTE, SHA);
	person("zoe", "lab.example", 0, SHA | MD5);
}

int store_user(struct store *s, const char *name, const char *domain, struct user *out)
{
	(void)s;
	store_asked++;
	if (store_result && !store_good)
		return store_result;
	store_good -= store_good > 0;
	/* an alias */
	if (!strcmp(name, "sales"))
		name = "alice";
	for (size_t i = 0; i < n_people; i++)
		if (!strcmp(people[i].name, name) && !strcmp(people[i].domain, domain)) {
			*out = people[i];
			return 0;
		}
	return -ENOENT;
}

int store_user_by_id(struct store *s, uint64_t id, struct user *out)
{
	(void)s;
	if (!id || id > n_people)
		return -ENOENT;
	*out = people[id - 1];
	return 0;
}

void store_user_even(struct store *s, const char *name, const char *domain)
{
	(void)s;
	(void)name;
	(void)domain;
	store_evened++;
}

/* ---- sockets ---- */

bool udp_has(const struct endpoint *e)
{
	static const uint8_t us[4] = { 192, 0, 2, 1 };

	return e->len == 4 && !memcmp(e->addr, us, 4) && e->port == 5060;
}

int udp_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	(void)flow;
	(void)buf;
	(void)len;
	return 0;
}

/* ---- messages ---- */

static char message[8192];
static struct rx rx;

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

struct request_text {
	const char *method, *uri, *from, *to;	/* NULL: REGISTER of alice */
	const char *more;			/* header lines with CRLF, or NULL */
	const char *source;
	uint8_t zone;
};

static void receive(struct request_text t)
{
	static unsigned int number;

	t.method = t.method ? t.method : "REGISTER";
	t.uri = t.uri ? t.uri : "sip:office.example";
	t.from = t.from ? t.from : "<sip:alice@office.example>";
	t.to = t.to ? t.to : "<sip:alice@office.example>";
	number++;
	snprintf(message, sizeof(message),
		 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%u;rport\r\n"
		 "Max-Forwards: 70\r\nFrom: %s;tag=1\r\nTo: %s\r\nCall-ID: %u@h\r\n"
		 "CSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
		 t.method, t.uri, number, t.from, t.to, number, t.method, t.more ? t.more : "");
	memset(&rx, 0, sizeof(rx));
	rx.buf = (const uint8_t *)message;
	rx.len = (uint32_t)strlen(message);
	rx.flow.remote = endpoint(t.source ? t.source : "192.0.2.77");
	rx.flow.local = endpoint(US4);
	rx.flow.zone = t.zone;
	rx.flow.transport = SIP_T_UDP;
	sip_msg_parse(&rx.msg, rx.buf, rx.len, SIP_DATAGRAM);
}

/* ---- a phone ---- */

static char challenges[4][256];	/* of the last answer */
static unsigned int n_challenges;

/* Writes the challenges of @a as lines into challenges[]. */
static void read_challenges(const struct auth *a)
{
	struct reply r;
	const uint8_t *bytes;
	uint32_t len;
	char *at, *end;
	static char text[8192];

	reply_begin(&r, &rx, a->proxy ? 407 : 401, NULL);
	auth_challenge(&r, a);
	bytes = reply_end(&r, &len);
	memcpy(text, bytes, len);
	text[len] = 0;
	n_challenges = 0;
	for (at = text; (at = strstr(at, "-Authenticate: ")) && n_challenges < 4; at = end) {
		at += 15;
		end = strstr(at, "\r\n");
		snprintf(challenges[n_challenges++], sizeof(challenges[0]), "%.*s",
			 (int)(end - at), at);
	}
}

static const char *parameter(const char *line, const char *name, char out[static 128])
{
	const char *at = strstr(line, name);

	out[0] = 0;
	if (at)
		sscanf(at + strlen(name), "%127[^\",]", out);
	return out;
}

struct phone {
	const char *user, *realm, *password, *nonce, *uri, *method;
	bool md5, sha512;	/* instead of SHA-256 */
	const char *nc, *cnonce;
	const char *qop;	/* NULL: "auth"; "": without */
	const char *response;	/* instead of the right one */
	const char *extra;	/* at the end of the line */
	const char *says;	/* instead of the algorithm's name; "": none */
	bool proxy;
};

static char credentials[2048];

/* The header line of @p, in credentials[]; returns the same. */
static const char *answer(const struct phone *p)
{
	const char *user = p->user ? p->user : "alice";
	const char *realm = p->realm ? p->realm : "office.example";
	const char *uri = p->uri ? p->uri : "sip:office.example";
	const char *method = p->method ? p->method : "REGISTER";
	const char *nc = p->nc ? p->nc : "00000001", *cnonce = p->cnonce ? p->cnonce : "c1";
	const char *qop = p->qop ? p->qop : "auth";
	const char *const urp[3] = { user, realm, p->password ? p->password : PASSWORD };
	enum digest_algorithm by = p->md5 ? DIGEST_MD5 : p->sha512 ? DIGEST_SHA512_256 :
								     DIGEST_SHA256;
	uint8_t ha1[DIGEST_MAX], out[DIGEST_MAX];
	char hex[DIGEST_HEX + 1] = "", algorithm[64] = "", how[256] = "";
	struct digest_input in = {
		.algorithm = by, .ha1 = ha1, .qop = qop[0], .nc = { nc, strlen(nc) },
		.nonce = { p->nonce, strlen(p->nonce) }, .cnonce = { cnonce, strlen(cnonce) },
		.method = { method, strlen(method) }, .uri = { uri, strlen(uri) },
	};

	digest_ha1(by, urp, ha1);
	digest_response(&in, out);
	digest_hex(out, digest_size(by), hex);
	if (!p->says || p->says[0])
		snprintf(algorithm, sizeof(algorithm), ", algorithm=%s",
			 p->says ? p->says : digest_name(by));
	if (qop[0])
		snprintf(how, sizeof(how), ", qop=%s, nc=%s, cnonce=\"%s\"", qop, nc, cnonce);
	snprintf(credentials, sizeof(credentials),
		 "%sAuthorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
		 "response=\"%s\"%s%s%s\r\n", p->proxy ? "Proxy-" : "", user, realm, p->nonce, uri,
		 p->response ? p->response : hex, algorithm, how, p->extra ? p->extra : "");
	return credentials;
}

#endif
