/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What surrounds the registrar in its tests: the location table, transactions and answers are the
 * real ones; the store, the wire, the configuration and who may do what are played here.
 */
#ifndef TESTS_DAEMON_REGISTRAR_BED_H
#define TESTS_DAEMON_REGISTRAR_BED_H

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "access.h"
#include "location.h"
#include "log.h"
#include "loop.h"
#include "registrar.h"
#include "reply.h"
#include "t.h"
#include "txn.h"

/* ---- the store: answers at once, when told to, or with an error ---- */

struct bed_change {
	store_done_fn *done;
	void *arg;
};
static struct bed_change bed_queue[4096];
static unsigned int bed_queued;
static bool bed_store_waits;
static int bed_store_result, bed_store_refuses;
static unsigned int bed_changes;
static uint64_t bed_id;

int store_change(struct store *s, const struct location_change *c, store_done_fn *done, void *arg)
{
	(void)s;
	(void)c;
	if (bed_store_refuses)
		return bed_store_refuses;
	bed_changes++;
	if (bed_store_waits)
		bed_queue[bed_queued++] = (struct bed_change){ done, arg };
	else
		done(bed_store_result, arg);
	return 0;
}

/* The oldest change is done; what follows from that may queue more. */
static inline bool bed_store_done(int result)
{
	struct bed_change c = bed_queue[0];

	if (!bed_queued)
		return false;
	memmove(bed_queue, bed_queue + 1, --bed_queued * sizeof(c));
	c.done(result, c.arg);
	return true;
}

uint64_t store_next_id(struct store *s)
{
	(void)s;
	return ++bed_id;
}

int store_contacts(struct store *s, store_contact_fn *fn, void *arg)
{
	(void)s;
	(void)fn;
	(void)arg;
	return 0;
}

int store_expire(struct store *s, uint64_t at)
{
	(void)s;
	(void)at;
	return 0;
}

static int bed_user_result;

/* Users: alice, bob, and 100, an alias of bob's. */
int auth_user(const char *name, const char *domain, struct user *out)
{
	memset(out, 0, sizeof(*out));
	if (bed_user_result)
		return bed_user_result;
	if (strcmp(name, "alice") && strcmp(name, "bob") && strcmp(name, "100"))
		return -ENOENT;
	out->id = strcmp(name, "alice") ? 2 : 1;
	snprintf(out->name, sizeof(out->name), "%s", strcmp(name, "100") ? name : "bob");
	snprintf(out->domain, sizeof(out->domain), "%s", domain);
	return 0;
}

int auth_user_by_id(uint64_t id, struct user *out)
{
	return id == 1 || id == 2 ? auth_user(id == 1 ? "alice" : "bob", "office.example", out) :
	       -ENOENT;
}

/* ---- the configuration ---- */

static char *bed_route[] = { (char *)"sip:edge.example;lr", (char *)"sip:core.example;lr" };
static struct domain bed_domains[] = {
	{ .name = (char *)"office.example", .realm = (char *)"office.example",
	  .mode = REGISTRAR_MAIN, .expires_min = 60, .expires_default = 3600,
	  .expires_max = 7200, .max_contacts = 3, .path = true },
	{ .name = (char *)"voip.example", .realm = (char *)"voip.example",
	  .mode = REGISTRAR_PASSIVE },
	{ .name = (char *)"home.example", .realm = (char *)"home.example",
	  .mode = REGISTRAR_MAIN, .expires_min = 60, .expires_default = 3600,
	  .expires_max = 7200, .max_contacts = 3, .service_route = { bed_route, 2 } },
};
static struct endpoint bed_listen[] = { { .len = 16, .port = 5061 }, { .len = 4, .port = 5060 } };
static struct config bed_config = {
	.domains = bed_domains, .n_domains = 3, .listen = bed_listen, .n_listen = 2,
};

const struct config *config_now(void)
{
	return &bed_config;
}

struct config *config_get(struct config *c)
{
	c->refs++;
	return c;
}

void config_put(struct config *c)
{
	c->refs--;
}

const struct domain *config_domain(const struct config *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->n_domains; i++)
		if (strlen(c->domains[i].name) == len &&
		    !strncasecmp(c->domains[i].name, name, len))
			return &c->domains[i];
	/* an own address is the first domain */
	return len && (isdigit((unsigned char)name[0]) || memchr(name, ':', len)) ?
		       &c->domains[0] : NULL;
}

/* ---- who may ---- */

static uint16_t bed_access_code;
static const char *bed_group = "";
static bool bed_target_refused;

void access_register(const struct rx *rx, const char *aor, struct access *a)
{
	(void)rx;
	(void)aor;
	a->code = bed_access_code;
	a->challenge = a->code == 401;
	a->auth.user.id = 1;
	snprintf(a->auth.user.name, sizeof(a->auth.user.name), "alice");
	snprintf(a->auth.user.domain, sizeof(a->auth.user.domain), "office.example");
	snprintf(a->auth.user.group, sizeof(a->auth.user.group), "%s", bed_group);
}

bool access_contact(const struct rx *rx, const struct sip_nameaddr *contact)
{
	(void)rx;
	(void)contact;
	return !bed_target_refused;
}

void auth_challenge(struct reply *r, const struct auth *a)
{
	(void)a;
	reply_header(r, "WWW-Authenticate", "Digest realm=\"x\"");
}

void auth_info(struct reply *r, const struct auth *a)
{
	(void)a;
	reply_header(r, "Authentication-Info", "qop=auth");
}

/* ---- the wire ---- */

static char bed_answer[65536];	/* the last one */
static unsigned int bed_answers;

int transport_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	(void)flow;
	memcpy(bed_answer, buf, len);
	bed_answer[len] = '\0';
	bed_answers++;
	return 0;
}

void transport_response_flow(const struct rx *rx, struct sip_flow *out)
{
	*out = rx->flow;
}

static inline int bed_code(void)
{
	return bed_answers ? atoi(bed_answer + 8) : 0;
}

/* One message, as the core hands it on. The answer is in bed_answer if there is one by now. */
static inline void bed_send(const char *text)
{
	static struct rx rx;
	struct txn *t;

	rx.flow = (struct sip_flow){
		.local = { 4, { 192, 168, 1, 1 }, 5060 }, .remote = { 4, { 192, 168, 1, 7 }, 5062 },
		.transport = SIP_T_UDP, .zone = ZONE_INSIDE,
	};
	rx.buf = (const uint8_t *)text;
	rx.len = (uint32_t)strlen(text);
	rx.now = loop_now();
	if (sip_msg_parse(&rx.msg, rx.buf, rx.len, SIP_DATAGRAM) != SIP_OK) {
		snprintf(bed_answer, sizeof(bed_answer), "SIP/2.0 400 parser\r\n");
		bed_answers++;
		return;
	}
	if (txn_begin(&rx, &t) != TXN_NEW)
		return;
	const struct sip_str host = rx.msg.ruri.host.host;
	const struct domain *d = config_domain(config_now(), text + host.off, host.len);

	registrar_request(&rx, t, d);
}

struct bed_register {
	const char *uri, *to, *call_id;
	unsigned int cseq;
	const char *lines;	/* Contacts and all else */
	unsigned int branch;	/* 0: a new one */
};

static inline void bed_register(struct bed_register q)
{
	static char text[65536];
	static unsigned int branch = 1000;

	snprintf(text, sizeof(text),
		 "REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.7:5062;branch=z9hG4bK%u;rport\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:alice@office.example>;tag=f\r\nTo: <%s>\r\n"
		 "Call-ID: %s\r\nCSeq: %u REGISTER\r\n%sContent-Length: 0\r\n\r\n",
		 q.uri ? q.uri : "sip:office.example", q.branch ? q.branch : ++branch,
		 q.to ? q.to : "sip:alice@office.example", q.call_id ? q.call_id : "c1", q.cseq,
		 q.lines ? q.lines : "");
	bed_answers = 0;
	bed_send(text);
}

static inline bool bed_has(const char *text)
{
	return bed_answers && strstr(bed_answer, text);
}

static inline void bed_open(void)
{
	log_setup(LOG_LEVEL_FATAL);
	loop_set_now(1000000);
	location_load((struct store *)&bed_config);
}

static inline void bed_close(void)
{
	txn_free_all();
	location_free();
}

/* Everything is forgotten. */
static inline void bed_reset(void)
{
	bed_close();
	bed_store_waits = false;
	bed_store_result = bed_store_refuses = bed_user_result = 0;
	bed_access_code = 0;
	bed_target_refused = false;
	bed_queued = bed_changes = 0;
	bed_open();
}

#endif
