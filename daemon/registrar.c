// SPDX-License-Identifier: BSD-2-Clause
/* The registrar's checks, in their order. RFC 3261 10.3; C11. */
#include "registrar.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <strings.h>
#include <sys/random.h>

#include "history.h"
#include "log.h"
#include "loop.h"
#include "registrar_work.h"
#include "sip/aor.h"
#include "text.h"

uint16_t reg_refuse(struct reg *r, uint16_t code, const char *reason)
{
	r->reason = reason;
	return code;
}

/* xorshift: refreshes are spread by it, nothing is kept secret by it. */
uint32_t reg_random(uint32_t n)
{
	static uint64_t state;

	if (!state && getrandom(&state, sizeof(state), GRND_NONBLOCK) != sizeof(state))
		state = (uint64_t)(uintptr_t)&state;
	state |= !state;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(((state >> 32) * n) >> 32);
}

static bool is_address(const struct sip_uri *u)
{
	return u->host.kind == SIP_HOST_IP4 || u->host.kind == SIP_HOST_IP6;
}

/* The domain that the host of @u belongs to, if it is one of ours. */
static const struct domain *domain_of(const struct rx *rx, const struct sip_uri *u)
{
	const struct sip_str host = u->host.host;

	return config_domain(config_now(), (const char *)rx->buf + host.off, host.len);
}

/* The domain by its name even where the phone wrote our address. */
static bool address_of_record(struct reg *r, const struct sip_uri *to)
{
	const char *domain = r->domain->name;

	r->aor_len = sip_aor_print_at(r->rx->buf, to, domain, (uint32_t)strlen(domain),
				      (uint8_t *)r->aor);
	r->aor[r->aor_len] = '\0';
	return r->aor_len > 0;
}

/* To is an address of the domain in the Request-URI; where that is our address, of any of ours. */
static uint16_t check_domain(struct reg *r)
{
	const struct sip_msg *m = &r->rx->msg;
	const struct domain *d;
	struct sip_nameaddr to;

	if (!sip_msg_nameaddr(m, SIP_H_TO, &to))
		return reg_refuse(r, 400, "Bad To");
	d = domain_of(r->rx, &to.uri);
	if (!d || d->mode != REGISTRAR_MAIN || (d != r->domain && !is_address(&m->ruri)))
		return reg_refuse(r, 404, NULL);
	r->domain = d;
	return address_of_record(r, &to.uri) ? 0 : reg_refuse(r, 404, NULL);
}

static bool is_token(const uint8_t *buf, struct sip_str s)
{
	return sip_span(buf, s.off, sip_str_end(s), SIP_C_TOKEN) == sip_str_end(s);
}

/* Unsupported names the options that are not known, as many as there is room for. */
static uint16_t check_require(struct reg *r)
{
	const uint8_t *buf = r->rx->buf;
	struct sip_walk w;
	struct sip_str s;
	size_t used = 0;

	sip_walk_init(&w, &r->rx->msg, SIP_H_REQUIRE);
	while (sip_token_next(&w, &s)) {
		if (SIP_IS(buf, s, "path") || SIP_IS(buf, s, "outbound") ||
		    SIP_IS(buf, s, "gin") || SIP_IS(buf, s, "gruu"))
			continue;
		r->header = "Unsupported";
		if (!is_token(buf, s) || used + s.len + 3 > sizeof(r->value))
			continue;
		used += (size_t)snprintf(r->value + used, sizeof(r->value) - used, "%s%.*s",
					 used ? ", " : "", (int)s.len, (const char *)buf + s.off);
	}
	return r->header ? reg_refuse(r, 420, NULL) : 0;
}

/* Who asks, and may they? */
static uint16_t check_access(struct reg *r)
{
	access_register(r->rx, r->aor, &r->access);
	return r->access.code ? reg_refuse(r, r->access.code, r->access.reason) : 0;
}

/* C12: the domain's list of patterns; none: whoever is a user of it. */
static bool is_allowed(const struct domain *d, const char *name)
{
	for (size_t i = 0; i < d->allow.n; i++)
		if (!fnmatch(d->allow.word[i], name, 0))
			return true;
	return !d->allow.n;
}

static uint32_t contacts_of(const struct domain *d, const struct user *u)
{
	const struct group *g = *u->group ? config_group(config_now(), u->group) : NULL;

	if (u->max_contacts)
		return u->max_contacts;
	return g && g->max_contacts ? g->max_contacts : d->max_contacts;
}

/* An alias becomes its user's name; who may register one that does not exist is told so. */
static uint16_t check_user(struct reg *r)
{
	const struct user *u = &r->access.auth.user;
	size_t len = r->aor_len - strlen(r->domain->name) - 1;
	struct user owner;
	int err;

	if (strlen(u->name) != len || memcmp(u->name, r->aor, len) ||
	    strcasecmp(u->domain, r->domain->name)) {
		err = auth_user_of(r->aor, &owner);
		if (err)
			return reg_refuse(r, err == -ENOENT ? 404 : 503, NULL);
		r->aor_len = (size_t)snprintf(r->aor, sizeof(r->aor), "%s@%s", owner.name,
					      r->domain->name);
		if (r->aor_len >= sizeof(r->aor))
			return reg_refuse(r, 404, NULL);
		u = &owner;
	}
	r->owner = u->id;
	r->max_contacts = contacts_of(r->domain, u);
	return is_allowed(r->domain, u->name) ? 0 : reg_refuse(r, 403, "May Not Register");
}

/* RFC 3327 5.3: the phone must know that others are between, unless the domain lets it pass. */
static uint16_t check_path(struct reg *r)
{
	const struct sip_msg *m = &r->rx->msg;

	if (!sip_msg_header(m, SIP_H_PATH) || r->domain->path ||
	    SIP_HAS(m, SIP_H_SUPPORTED, "path") || SIP_HAS(m, SIP_H_REQUIRE, "path"))
		return 0;
	r->header = "Require";
	snprintf(r->value, sizeof(r->value), "path");
	return reg_refuse(r, 421, NULL);
}

/* A second change of an address of record looks at what the first one left. */
static uint16_t check_turn(struct reg *r)
{
	bool busy;
	int err;

	r->known = location_look(r->aor, r->aor_len, &busy);
	if (!sip_msg_header(&r->rx->msg, SIP_H_CONTACT))
		return REG_QUERY;
	if (!busy)
		return 0;
	err = reg_wait(r);
	return err > 0 ? REG_LATER : err < 0 ? reg_refuse(r, 503, NULL) : 0;
}

/* No phone makes us call a third host (C13). */
static uint16_t check_targets(struct reg *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->contact[i].expires && !access_contact(r->rx, &r->contact[i].at))
			return reg_refuse(r, 403, "Contact Not Allowed");
	return 0;
}

static uint16_t (*const checks[])(struct reg *r) = {
	check_domain,	/* 404 */
	check_require,	/* 420 Unsupported */
	check_access,	/* 401, 403, 400, 503 */
	check_user,	/* 404, 403 */
	check_path,	/* 421 Require */
	check_turn,
	reg_contacts,	/* 400, 403, 416, 423 Min-Expires, 439, 555 */
	check_targets,	/* 403 */
	reg_order,	/* 500 */
	reg_limit,	/* 403 Warning */
};
enum { FIRST_AFTER_WAIT = 5 };

void reg_unavailable(const struct rx *rx, struct txn *t)
{
	char seconds[12];

	snprintf(seconds, sizeof(seconds), "%u", 10 + reg_random(21));
	reply_simple(rx, t, 503, "Retry-After", seconds);
}

/* The first request without credentials is no refusal: every registration begins with it. */
static void note(const struct reg *r, uint16_t code)
{
	bool wrong = sip_msg_header(&r->rx->msg, SIP_H_AUTHORIZATION) && !r->access.auth.stale;
	char from[TEXT_ENDPOINT];

	if (r->aor[0] && (code != 401 || wrong))
		history_refused(r->aor, r->rx, code, r->reason);
	if (code == 401 || !log_wants(LOG_LEVEL_INFO))
		return;
	log_info("REGISTER of %s from %s: %u %s", r->aor[0] ? r->aor : "?",
		 text_endpoint(&r->rx->flow.remote, from), code,
		 r->reason ? r->reason : reply_phrase(code));
}

static void refuse(struct reg *r, uint16_t code)
{
	struct reply reply;

	note(r, code);
	if (code == 503) {
		reg_unavailable(r->rx, r->txn);
		return;
	}
	reply_begin(&reply, r->rx, code, r->reason);
	if (r->access.challenge && (code == 401 || code == 407))
		auth_challenge(&reply, &r->access.auth);
	if (r->header)
		reply_header(&reply, r->header, "%s", r->value);
	reply_send(&reply, r->txn);
}

/* Everything is allowed: the change, or an answer at once when there is nothing to change. */
static void finish(struct reg *r)
{
	struct reg_change change;
	const uint8_t *answer;
	uint32_t len;

	if (reg_change(r, &change)) {
		reg_unavailable(r->rx, r->txn);
		return;
	}
	answer = reg_answer(r, &change, &len);
	if (!answer)
		reply_simple(r->rx, r->txn, 500, NULL, NULL);
	else if (!change.c.n_put && !change.c.n_drop)
		txn_answer(r->txn, answer, len);
	else if (reg_commit(r, &change, answer, len))
		reg_unavailable(r->rx, r->txn);
	reg_change_free(&change);
}

static void run(struct reg *r, unsigned int first)
{
	uint16_t code = 0;

	for (unsigned int i = first; i < ARRAY_SIZE(checks) && !code; i++)
		code = checks[i](r);
	if (!code || code == REG_QUERY)
		finish(r);
	else if (code != REG_LATER)
		refuse(r, code);
}

void reg_start(struct reg *r, struct rx *rx, struct txn *t, const struct domain *d)
{
	r->rx = rx;
	r->txn = t;
	r->domain = d;
	r->known = NULL;
	r->aor[0] = '\0';
	r->real = loop_real();
	r->all = false;
	r->outbound = false;
	r->n = 0;
	r->reason = NULL;
	r->header = NULL;
}

void registrar_request(struct rx *rx, struct txn *t, const struct domain *d)
{
	struct reg r;

	reg_start(&r, rx, t, d);
	memset(&r.access, 0, sizeof(r.access));
	run(&r, 0);
}

void reg_resume(struct reg *r)
{
	run(r, FIRST_AFTER_WAIT);
}
