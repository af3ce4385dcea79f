/* SPDX-License-Identifier: BSD-2-Clause */
/* SUBSCRIBE: its checks, in the order of their codes, and the table of subscriptions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth.h"
#include "config.h"
#include "log.h"
#include "loop.h"
#include "notifier_work.h"
#include "proxy.h"
#include "reply.h"
#include "sip/token.h"
#include "text.h"
#include "txn.h"

#define BUCKETS 1024
#define PACKAGES 4
#define HOUR 3600		/* RFC 6665 4.2.1.1: a longer one is never too brief */

static struct subscription *buckets[BUCKETS];
static size_t count;
static const struct notifier_package *packages[PACKAGES];
static char events[128];

struct work {
	struct rx *rx;
	const struct domain *domain;
	const struct notifier_package *package;
	struct subscription *sub;	/* NULL: a new one */
	struct access access;
	char resource[AOR_MAX + 1], watcher[AOR_MAX + 1];
	uint32_t expires;
	/* a refusal */
	const char *reason, *header, *value;
	char text[16];
};

/* ---- the table ---- */

static struct subscription **bucket(uint64_t key)
{
	return &buckets[key % BUCKETS];
}

static bool same(const struct rx *rx, struct sip_str s, const char *text)
{
	return s.len == strlen(text) && !memcmp(rx->buf + s.off, text, s.len);
}

/* By Call-ID and the subscriber's tag, and ours when the request has one. */
static struct subscription *find(const struct rx *rx)
{
	uint64_t key = dialog_key(rx);

	for (struct subscription *s = *bucket(key); s; s = s->chain)
		if (s->key == key && same(rx, rx->msg.call_id, s->call_id) && !s->reason &&
		    (!rx->msg.to_tag.len || same(rx, rx->msg.to_tag, s->tag)))
			return s;
	return NULL;
}

void notifier_drop(struct subscription *s)
{
	struct subscription **at = bucket(s->key);

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	count--;
	timer_stop(&s->expiry);
	timer_stop(&s->due);
	if (s->busy)
		client_forget(s->client);
	s->package->end(s->part);
	dialog_dispose(s);
}

static uint32_t count_of(const char *watcher)
{
	uint32_t n = 0;

	for (size_t i = 0; i < BUCKETS && count; i++)
		for (struct subscription *s = buckets[i]; s; s = s->chain)
			n += !strcmp(s->watcher, watcher);
	return n;
}

/* ---- checks ---- */

static uint16_t refuse(struct work *w, uint16_t code, const char *header, const char *value)
{
	w->header = header;
	w->value = value;
	return code;
}

static const struct notifier_package *package_of(const struct rx *rx)
{
	struct sip_str event = dialog_event(rx);

	for (int i = 0; i < PACKAGES && packages[i]; i++)
		if (same(rx, event, packages[i]->event))
			return packages[i];
	return NULL;
}

static uint16_t check_event(struct work *w)
{
	w->package = package_of(w->rx);
	return w->package ? 0 : refuse(w, 489, "Allow-Events", events);
}

/* Parameters of a range (q=) are not looked at. */
static bool takes(const struct rx *rx, struct sip_str range, const char *type)
{
	const uint8_t *at = rx->buf + range.off;
	const uint8_t *semicolon = memchr(at, ';', range.len);
	uint32_t len = semicolon ? (uint32_t)(semicolon - at) : range.len;

	while (len && sip_byte_is_blank(at[len - 1]))
		len--;
	return (len == 3 && !memcmp(at, "*/*", 3)) ||
	       (len == 13 && sip_bytes_are(at, "application/*", 13)) ||
	       (len == strlen(type) && sip_bytes_are(at, type, len));
}

static uint16_t check_accept(struct work *w)
{
	struct sip_str range;
	struct sip_walk walk;

	if (!sip_msg_header(&w->rx->msg, SIP_H_ACCEPT))
		return 0;
	sip_walk_init(&walk, &w->rx->msg, SIP_H_ACCEPT);
	while (sip_token_next(&walk, &range))
		if (takes(w->rx, range, w->package->type))
			return 0;
	return refuse(w, 406, "Accept", w->package->type);
}

static uint16_t check_dialog(struct work *w)
{
	w->sub = find(w->rx);
	if (w->sub && (w->sub->package != w->package ||
		       !same(w->rx, dialog_event_id(w->rx), w->sub->event_id)))
		w->sub = NULL;
	return w->sub || !w->rx->msg.to_tag.len ? 0 : 481;
}

static uint16_t check_expires(struct work *w)
{
	const struct sip_msg *m = &w->rx->msg;
	uint32_t min = config_now()->subscription_min;

	w->expires = m->has_expires ? m->expires : w->package->expires;
	if (w->expires > w->package->expires_max)
		w->expires = w->package->expires_max;
	if (!w->expires || w->expires >= min || w->expires >= HOUR)
		return 0;
	snprintf(w->text, sizeof(w->text), "%u", min);
	return refuse(w, 423, "Min-Expires", w->text);
}

static uint16_t check_access(struct work *w)
{
	const struct user *u = &w->access.auth.user;

	memset(&w->access, 0, sizeof(w->access));
	if (w->sub)
		strcpy(w->resource, w->sub->resource);
	w->package->admit(w->rx, w->domain, &w->access, w->resource);
	w->reason = w->access.reason;
	if (w->access.code)
		return w->access.code;
	snprintf(w->watcher, sizeof(w->watcher), "%.127s@%.127s", u->name, u->domain);
	if (!w->sub || !strcmp(w->sub->watcher, w->watcher))
		return 0;
	w->reason = "Another User's";
	return 403;
}

static uint16_t check_limits(struct work *w)
{
	const struct config *c = config_now();

	if (w->sub)
		return 0;
	if (count_of(w->watcher) >= c->subscriptions_user)
		return refuse(w, 403, "Warning", "399 callgate \"too many subscriptions\"");
	return count >= c->subscriptions ? refuse(w, 503, "Retry-After", "60") : 0;
}

/* RFC 3261 12.2.2 */
static uint16_t check_order(struct work *w)
{
	return w->sub && w->rx->msg.cseq.num <= w->sub->remote_cseq ? 500 : 0;
}

static uint16_t (*const checks[])(struct work *w) = {
	check_event, check_accept, check_dialog, check_expires, check_access, check_limits,
	check_order,
};

/* ---- what is granted ---- */

static void expired(struct timer *t)
{
	notify_end((struct subscription *)((char *)t - offsetof(struct subscription, expiry)),
		   "timeout");
}

/* A new one, in the table. */
static uint16_t create(struct work *w)
{
	char tag[SUB_TAG];
	struct subscription *s;
	uint16_t code;

	dialog_tag(w->rx, proxy_key()->key[0], tag);
	s = dialog_new(w->rx, tag);
	if (!s)
		return refuse(w, 503, "Retry-After", "60");
	s->package = w->package;
	strcpy(s->watcher, w->watcher);
	strcpy(s->resource, w->resource);
	code = dialog_target(s, w->rx);
	if (!code) {
		s->part = w->package->begin(s, w->resource);
		code = s->part ? 0 : 503;
	}
	if (code) {
		dialog_dispose(s);
		w->reason = code == 400 ? "Bad Contact" : NULL;
		return code;
	}
	s->chain = *bucket(s->key);
	*bucket(s->key) = s;
	count++;
	w->sub = s;
	return 0;
}

static uint16_t renew(struct work *w)
{
	uint16_t code = 0;

	if (!w->sub)
		return create(w);
	if (sip_msg_header(&w->rx->msg, SIP_H_CONTACT))
		code = dialog_target(w->sub, w->rx);
	else
		w->sub->flow = w->rx->flow;
	if (code == 400)
		w->reason = "Bad Contact";
	return code;
}

static void routes(struct reply *r, const struct rx *rx)
{
	const struct sip_header *h = sip_msg_header(&rx->msg, SIP_H_RECORD_ROUTE);

	for (; h; h = sip_msg_next(&rx->msg, h)) {
		reply_raw(r, "Record-Route: ", 14);
		reply_raw(r, rx->buf + h->value.off, h->value.len);
		reply_raw(r, "\r\n", 2);
	}
}

static void grant(struct work *w, struct txn *t)
{
	struct subscription *s = w->sub;
	char us[TEXT_ENDPOINT];
	struct reply r;

	s->remote_cseq = w->rx->msg.cseq.num;
	s->until = loop_now() + w->expires * 1000ull;
	s->full = true;
	reply_begin_dialog(&r, w->rx, 200, s->tag);
	routes(&r, w->rx);
	reply_header(&r, "Contact", "<sip:%s>", text_endpoint(&s->flow.local, us));
	reply_header(&r, "Expires", "%u", w->expires);
	reply_header(&r, "Allow-Events", "%s", events);
	auth_info(&r, &w->access.auth);
	reply_send(&r, t);
	if (!w->expires) {
		notify_end(s, "timeout");
		return;
	}
	timer_set(&s->expiry, s->until, expired);
	notify_now(s);
}

static void say_no(struct work *w, struct txn *t, uint16_t code)
{
	char from[TEXT_ENDPOINT];
	struct reply r;

	if (!w->access.challenge)
		log_info("%s: SUBSCRIBE refused: %u %s",
			 text_endpoint(&w->rx->flow.remote, from), code,
			 w->reason ? w->reason : reply_phrase(code));
	reply_begin(&r, w->rx, code, w->reason);
	if (w->access.challenge && code == 401)
		auth_challenge(&r, &w->access.auth);
	if (w->header)
		reply_header(&r, w->header, "%s", w->value);
	reply_send(&r, t);
}

void notifier_request(struct rx *rx, struct txn *t, const struct domain *d)
{
	struct work w = { .rx = rx, .domain = d };
	uint16_t code = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !code; i++)
		code = checks[i](&w);
	if (!code)
		code = renew(&w);
	if (code)
		say_no(&w, t, code);
	else
		grant(&w, t);
}

bool notifier_wants(const struct rx *rx)
{
	if (rx->msg.to_tag.len)
		return find(rx) || dialog_was_ours(rx);
	return !rx->msg.ruri.has_user || package_of(rx);
}

/* ---- the rest ---- */

void notifier_review(void)
{
	for (size_t i = 0; i < BUCKETS && count; i++)
		for (struct subscription *s = buckets[i], *next; s; s = next) {
			const char *reason = s->reason ? NULL :
					     s->package->review(s->part, s->watcher);

			next = s->chain;
			if (reason)
				notify_end(s, reason);
		}
}

static void configured(const struct config *c)
{
	(void)c;
	notifier_review();
}

int notifier_package(const struct notifier_package *p)
{
	size_t n = strlen(events);

	for (int i = 0; i < PACKAGES; i++)
		if (!packages[i]) {
			packages[i] = p;
			snprintf(events + n, sizeof(events) - n, "%s%s", n ? ", " : "", p->event);
			return 0;
		}
	return -ENOSPC;
}

const char *notifier_events(void)
{
	return events;
}

size_t notifier_count(void)
{
	return count;
}

int notifier_open(void)
{
	return config_hook(configured);
}

void notifier_free(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (buckets[i])
			notifier_drop(buckets[i]);
	memset(packages, 0, sizeof(packages));
	events[0] = '\0';
	client_free_all();
}
