// SPDX-License-Identifier: BSD-2-Clause
/*
 * The 200 to a REGISTER: every binding of the address of record as it is after the change, those
 * of the request first, because some phones look at the first only. RFC 3261 10.3 step 8, RFC 3327
 * 5.3, RFC 3608 6.2, RFC 5626 6, RFC 8599 5.3.1.
 */
#include <time.h>

#include "push_phone.h"
#include "registrar_work.h"

static struct {
	char at[65536];
	size_t len;
	bool full;
} out;

static void bytes(const void *from, size_t len)
{
	if (len > sizeof(out.at) - out.len) {
		out.full = true;
		return;
	}
	memcpy(out.at + out.len, from, len);
	out.len += len;
}

static void text(const char *s)
{
	bytes(s, strlen(s));
}
#define LITERAL(s) bytes(s, sizeof(s) - 1)

static void number(uint32_t n)
{
	uint8_t digits[SIP_U32_TEXT];

	bytes(digits, sip_u32_print(digits, n));
}

static void q_value(uint16_t q)
{
	char digits[] = ";q=0.000";

	for (unsigned int i = 7; i > 4; i--, q /= 10)
		digits[i] = (char)('0' + q % 10);
	text(digits);
}

static void contact(const struct reg *r, const struct contact *c, uint64_t seconds)
{
	LITERAL("Contact: <");
	text(c->uri);
	LITERAL(">");
	if (c->q < 1000)
		q_value(c->q);
	if (c->instance) {
		LITERAL(";+sip.instance=\"<");
		text(c->instance);
		LITERAL(">\"");
		text(reg_gruu_params(r, c));
	}
	if (c->reg_id) {
		LITERAL(";reg-id=");
		number(c->reg_id);
	}
	if (c->params)
		text(c->params);
	LITERAL(";expires=");
	number(seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX);
	LITERAL("\r\n");
}

static bool renewed(const struct reg_change *change, uint64_t id)
{
	for (uint32_t i = 0; i < change->c.n_put; i++)
		if (change->put[i].id == id)
			return true;
	return false;
}

static void contacts(const struct reg *r, const struct reg_change *change)
{
	const struct contact *c;

	for (uint32_t i = 0; i < change->c.n_put; i++)
		contact(r, &change->put[i], (change->put[i].until - r->real) / 1000);
	/* one that is about to end still has a second */
	for (c = r->known ? r->known->contacts : NULL; c; c = c->next)
		if (!reg_drops(r, c) && !renewed(change, c->id))
			contact(r, c, (location_left(c) + 999) / 1000);
}

/* RFC 3261 20.17; a line per second is made. */
static void date(const struct reg *r)
{
	static char line[48];
	static time_t made;
	time_t now = (time_t)(r->real / 1000);
	struct tm tm;

	if (now != made && gmtime_r(&now, &tm)) {
		strftime(line, sizeof(line), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
		made = now;
	}
	text(line);
}

static void service_route(const struct words *w)
{
	for (size_t i = 0; i < w->n; i++) {
		text(i ? ", <" : "Service-Route: <");
		text(w->word[i]);
		LITERAL(">");
	}
	if (w->n)
		LITERAL("\r\n");
}

/* RFC 6809 6. The phone that reads it may sleep: it is woken. */
static void feature_caps(const char *provider, bool sooner)
{
	LITERAL("Feature-Caps: *;+sip.pns=\"");
	text(provider);
	LITERAL("\"");
	if (sooner) {
		LITERAL(";+sip.pnsreg=\"");
		number(PUSH_EARLY + 1);
		LITERAL("\"");
	}
	LITERAL("\r\n");
}

/* RFC 8599 5.3.1: the service of each phone; to one that asks (4.1.5), all of them. */
static void push_services(const struct domain *d, const struct contact *c)
{
	static struct push_phone phone;

	if (push_phone(d, c->uri, &phone))
		feature_caps(phone.provider, push_not_needed(c));
	else if (push_asks(d, c->uri))
		for (size_t i = 0; i < d->push.n; i++)
			feature_caps(d->push.word[i], false);
}

const uint8_t *reg_answer(const struct reg *r, const struct reg_change *change, uint32_t *len)
{
	const char *path = change->c.n_put ? change->put[0].path : NULL;
	const uint8_t *answer;
	struct reply reply;

	out.len = 0;
	out.full = false;
	contacts(r, change);
	date(r);
	if (path) {
		LITERAL("Path: ");
		text(path);
		LITERAL("\r\n");
	}
	service_route(&r->domain->service_route);
	for (uint32_t i = 0; i < change->c.n_put; i++)
		push_services(r->domain, &change->put[i]);
	LITERAL("Supported: path, outbound, gin\r\n");
	if (r->outbound)
		LITERAL("Require: outbound\r\n");
	reply_begin(&reply, r->rx, 200, NULL);
	if (r->access.auth.user.id)
		auth_info(&reply, &r->access.auth);
	reply_raw(&reply, out.at, (uint32_t)out.len);
	answer = reply_end(&reply, len);
	return out.full || !*len ? NULL : answer;
}
