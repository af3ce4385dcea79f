// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Contacts of a REGISTER: read, matched with the bindings that are there, and judged by the
 * rules of RFC 3261 10.3, steps 6 and 7, and RFC 5626 6.
 */
#include <stdio.h>
#include <strings.h>

#include "contact_text.h"
#include "registrar_work.h"
#include "uri_text.h"

#define EXPIRES_BAD 3600	/* RFC 3261 20.10: what a malformed value counts as */
#define MIN_EXPIRES_BELOW 3600	/* 10.3 step 7: an hour is never too brief */

/* ---- reading ---- */

/* The URN between "< and >", which can be written back without escapes; else empty. */
static struct sip_str read_instance(const uint8_t *buf, struct sip_str s)
{
	if (s.len < 5 || memcmp(buf + s.off, "\"<", 2) || memcmp(buf + sip_str_end(s) - 2, ">\"", 2))
		return (struct sip_str){ 0 };
	s = sip_slice(s.off + 2, sip_str_end(s) - 2);
	if (memchr(buf + s.off, '\\', s.len) || memchr(buf + s.off, '>', s.len))
		return (struct sip_str){ 0 };
	return s;
}

/* What a phone asks for, before the domain's bounds. */
static uint32_t read_expires(const struct reg *r, const struct sip_param *p)
{
	const struct sip_msg *m = &r->rx->msg;
	uint32_t n;

	if (p->name.len)
		return sip_number(m->buf, p->value, UINT32_MAX, &n) ? n : EXPIRES_BAD;
	return m->has_expires ? m->expires : r->domain->expires_default;
}

/*
 * At most the maximum; then up to a fifth less, so that phones that start together (after a power
 * cut, say) do not come back together for ever.
 */
static uint32_t grant(const struct domain *d, uint32_t asked)
{
	uint32_t most = asked < d->expires_max ? asked : d->expires_max;
	uint32_t less = most / 5;

	if (most <= d->expires_min)
		return most;
	if (less > most - d->expires_min)
		less = most - d->expires_min;
	return most - reg_random(less + 1);
}

static uint16_t read_times(struct reg *r, struct reg_contact *c, const struct sip_param *expires)
{
	uint32_t asked = read_expires(r, expires);

	if (asked && asked < r->domain->expires_min && asked < MIN_EXPIRES_BELOW) {
		r->header = "Min-Expires";
		snprintf(r->value, sizeof(r->value), "%u", r->domain->expires_min);
		return reg_refuse(r, 423, NULL);
	}
	c->expires = asked ? grant(r->domain, asked) : 0;
	return 0;
}

static uint16_t read_params(struct reg *r, struct reg_contact *c)
{
	const uint8_t *buf = r->rx->buf;
	struct sip_iter it = sip_iter(c->at.params);
	struct sip_param p, expires = { 0 };

	c->q = 1000;
	while (sip_param_next(buf, &it, &p)) {
		if (SIP_IS(buf, p.name, "expires"))
			expires = p;
		else if (SIP_IS(buf, p.name, "q") && !contact_q(buf, p.value, &c->q))
			return reg_refuse(r, 400, "Bad q in Contact");
		else if (SIP_IS(buf, p.name, "+sip.instance"))
			c->instance = read_instance(buf, p.value);
		else if (SIP_IS(buf, p.name, "reg-id") &&
			 !sip_number(buf, p.value, INT32_MAX, &c->reg_id))
			return reg_refuse(r, 400, "Bad reg-id in Contact");
	}
	if (!r->outbound || !c->instance.len)
		c->reg_id = 0;
	return read_times(r, c, &expires);
}

/* ---- push services: RFC 8599 ---- */

/* Where the domain names push services, a phone that counts on another one must know (C15). */
static uint16_t check_push(struct reg *r, const struct reg_contact *c)
{
	const struct words *known = &r->domain->push;
	const char *text = (const char *)r->rx->buf;
	struct sip_param p;

	if (!known->n || !c->expires ||
	    !sip_uri_param(r->rx->buf, &c->at.uri, "pn-provider", &p) || !p.value.len)
		return 0;
	for (size_t i = 0; i < known->n; i++)
		if (strlen(known->word[i]) == p.value.len &&
		    !strncasecmp(known->word[i], text + p.value.off, p.value.len))
			return 0;
	return reg_refuse(r, 555, NULL);
}

/* ---- one Contact ---- */

/* RFC 5627 5.1 has a code of its own for devices. */
static uint16_t refuse_scheme(struct reg *r, const struct reg_contact *c)
{
	struct sip_param p;
	bool device = sip_param_find(r->rx->buf, c->at.params, "+sip.instance", &p);

	return reg_refuse(r, device ? 403 : 416, NULL);
}

static uint16_t read_contact(struct reg *r, struct reg_contact *c)
{
	struct sip_param bnc;
	uint16_t code;

	c->have = NULL;
	c->instance = (struct sip_str){ 0 };
	c->reg_id = 0;
	c->overruled = false;
	if (c->at.uri.scheme != SIP_URI_SIP && c->at.uri.scheme != SIP_URI_SIPS)
		return refuse_scheme(r, c);
	if (c->at.uri.all.len > REG_URI || c->at.params.len > REG_URI)
		return reg_refuse(r, 400, "Contact Too Long");
	/* RFC 6140 5.2: who is called comes from the request, so there is no user to be kept */
	if (c->at.uri.has_user && sip_uri_param(r->rx->buf, &c->at.uri, "bnc", &bnc))
		return reg_refuse(r, 400, "Contact with bnc and a User");
	code = read_params(r, c);
	return code ? code : check_push(r, c);
}

/* ---- matching ---- */

static bool same_uri(const struct reg *r, const struct sip_uri *u, const struct contact *have)
{
	const uint8_t *text = (const uint8_t *)have->uri;
	size_t len = strlen(have->uri);
	struct sip_uri other;

	if (len == u->all.len && !memcmp(text, r->rx->buf + u->all.off, len))
		return true;
	return uri_of_text(have->uri, &other) && sip_uri_equal(r->rx->buf, u, text, &other);
}

static bool is_text(const struct reg *r, struct sip_str s, const char *text)
{
	return text && strlen(text) == s.len &&
	       !strncasecmp(text, (const char *)r->rx->buf + s.off, s.len);
}

/* With RFC 5626 a flow is known by instance and reg-id, else a binding by its URI. */
static bool names(const struct reg *r, const struct reg_contact *c, const struct contact *have)
{
	if (have->origin != ORIGIN_MAIN)
		return false;
	if (c->reg_id && have->reg_id)
		return c->reg_id == have->reg_id && is_text(r, c->instance, have->instance);
	return same_uri(r, &c->at.uri, have);
}

static bool same(const struct reg *r, const struct reg_contact *a, const struct reg_contact *b)
{
	const uint8_t *buf = r->rx->buf;

	if (a->reg_id && b->reg_id)
		return a->reg_id == b->reg_id && sip_str_ieq(buf, a->instance, buf, b->instance);
	return sip_uri_equal(buf, &a->at.uri, buf, &b->at.uri);
}

static bool taken(const struct reg *r, const struct contact *have)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->contact[i].have == have)
			return true;
	return false;
}

/* The same address twice in one request: the later one counts. */
static void match(struct reg *r, struct reg_contact *c)
{
	const struct contact *have = r->known ? r->known->contacts : NULL;

	for (uint32_t i = 0; i < r->n; i++) {
		struct reg_contact *other = &r->contact[i];

		if (!other->overruled && same(r, c, other)) {
			other->overruled = true;
			c->have = other->have;
			other->have = NULL;
			return;
		}
	}
	for (; have && !c->have; have = have->next)
		if (names(r, c, have) && !taken(r, have))
			c->have = have;
}

/* ---- the request as a whole ---- */

/*
 * RFC 5626 6: in use when the phone speaks it and gives a reg-id with its instance; then its first
 * hop must, too. Without a proxy between (one Via) that is us.
 */
static uint16_t check_outbound(struct reg *r)
{
	const struct sip_msg *m = &r->rx->msg;
	struct sip_nameaddr a, last;
	struct sip_param p;
	struct sip_walk w;
	struct sip_via via;
	uint32_t hops = 0, path = 0;

	r->outbound = SIP_HAS(m, SIP_H_SUPPORTED, "outbound") ||
		      SIP_HAS(m, SIP_H_REQUIRE, "outbound");
	if (!r->outbound)
		return 0;
	r->outbound = false;
	sip_walk_init(&w, m, SIP_H_CONTACT);
	while (sip_nameaddr_next(&w, &a) && !r->outbound)
		r->outbound = !a.star && sip_param_find(m->buf, a.params, "reg-id", &p) &&
			      sip_param_find(m->buf, a.params, "+sip.instance", &p);
	sip_walk_init(&w, m, SIP_H_VIA);
	while (sip_via_next(&w, &via))
		hops++;
	if (!r->outbound || hops < 2)
		return 0;
	sip_walk_init(&w, m, SIP_H_PATH);
	for (; sip_nameaddr_next(&w, &a); path++)
		last = a;
	if (!path || !sip_uri_param(m->buf, &last.uri, "ob", &p))
		return reg_refuse(r, 439, NULL);
	return 0;
}

static uint16_t check_sizes(struct reg *r)
{
	const struct sip_msg *m = &r->rx->msg;
	const struct sip_header *h = sip_msg_header(m, SIP_H_PATH);
	uint32_t path = 0;

	for (; h; h = sip_msg_next(m, h))
		path += h->value.len + 2;
	if (path > REG_PATH)
		return reg_refuse(r, 400, "Path Too Long");
	if (m->call_id.len > REG_CALL_ID)
		return reg_refuse(r, 400, "Call-ID Too Long");
	return 0;
}

static uint16_t too_many(struct reg *r)
{
	r->header = "Warning";
	snprintf(r->value, sizeof(r->value), "399 %.100s \"at most %u contacts\"",
		 r->domain->name, r->max_contacts);
	return reg_refuse(r, 403, "Too Many Contacts");
}

/* RFC 5626 6: beside a flow there is no other contact to be added. */
static uint16_t check_flows(struct reg *r)
{
	uint32_t live = 0, flows = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		live += r->contact[i].expires > 0;
		flows += r->contact[i].expires && r->contact[i].reg_id;
	}
	if (flows && live > 1)
		return reg_refuse(r, 400, "One Contact per Flow");
	r->outbound = flows > 0;
	return 0;
}

static uint16_t read_all(struct reg *r)
{
	struct sip_walk w;
	struct reg_contact *c = r->contact;
	uint16_t code = 0;

	sip_walk_init(&w, &r->rx->msg, SIP_H_CONTACT);
	while (!code && sip_nameaddr_next(&w, &c->at)) {
		if (c->at.star) {
			r->all = true;
			continue;
		}
		code = r->n == REG_CONTACTS ? too_many(r) : read_contact(r, c);
		if (!code) {
			match(r, c++);
			r->n++;
		}
	}
	return code ? code : w.bad ? reg_refuse(r, 400, "Bad Contact") : 0;
}

uint16_t reg_contacts(struct reg *r)
{
	const struct sip_msg *m = &r->rx->msg;
	uint16_t code = check_sizes(r);

	if (!code)
		code = check_outbound(r);
	if (!code)
		code = read_all(r);
	if (code)
		return code;
	if (r->all && (r->n || !m->has_expires || m->expires))
		return reg_refuse(r, 400, "Contact * Needs Expires: 0 and No Other");
	return check_flows(r);
}

bool reg_drops(const struct reg *r, const struct contact *c)
{
	if (r->all)
		return c->origin == ORIGIN_MAIN;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->contact[i].have == c)
			return !r->contact[i].expires;
	return false;
}

/* One binding that is newer than the request, and all of the request fails. */
uint16_t reg_order(struct reg *r)
{
	const struct contact *have = r->known ? r->known->contacts : NULL;
	const struct sip_msg *m = &r->rx->msg;
	bool late = false;

	for (; r->all && have; have = have->next)
		late |= have->origin == ORIGIN_MAIN && contact_is_late(have, m);
	for (uint32_t i = 0; i < r->n; i++)
		late |= r->contact[i].have && contact_is_late(r->contact[i].have, m);
	return late ? reg_refuse(r, 500, "CSeq Out of Order") : 0;
}

/* Who has too many already may renew and remove them. */
uint16_t reg_limit(struct reg *r)
{
	const struct contact *have = r->known ? r->known->contacts : NULL;
	uint32_t after = 0, more = 0;

	for (; have; have = have->next)
		after += !reg_drops(r, have);
	for (uint32_t i = 0; i < r->n; i++)
		more += !r->contact[i].overruled && !r->contact[i].have && r->contact[i].expires;
	return more && after + more > r->max_contacts ? too_many(r) : 0;
}
