/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access.h"
#include "config.h"
#include "hash.h"
#include "history.h"
#include "loop.h"
#include "notifier.h"
#include "regevent.h"
#include "sip/aor.h"
#include "xml.h"

#define BUCKETS 1024
#define CHANGES 16		/* of one document; more: the next one has all */
#define TAIL 64			/* what closes a document */

/* A contact to be told of. It is named by its id and its URI: another URI is another contact. */
struct change {
	uint64_t id;
	uint32_t mark;		/* of its URI */
	const char *event;
	char *uri;		/* gone; NULL: it is looked up when it is told */
};

/* The package's part of a subscription. */
struct watch {
	struct watch *next;
	struct subscription *sub;
	struct change change[CHANGES];
	uint32_t n, version, hash;
	bool all;		/* there was no room for a change */
	char aor[];
};

static struct watch *buckets[BUCKETS];
static size_t count;

/* ---- the document ---- */

static uint32_t mark_of(const char *uri)
{
	return (uint32_t)hash_bytes(uri, strlen(uri));
}

static void begin_contact(struct xml *x, const struct change *c, const char *state)
{
	xml_print(x, "<contact id=\"%llu.%08x\" state=\"%s\" event=\"%s\"",
		  (unsigned long long)c->id, c->mark, state, c->event);
}

static void uri(struct xml *x, const char *text)
{
	xml_raw(x, "><uri>");
	xml_text(x, text, (uint32_t)strlen(text));
	xml_raw(x, "</uri>");
}

static void instance(struct xml *x, const struct contact *c)
{
	if (!c->instance)
		return;
	xml_raw(x, "<unknown-param name=\"+sip.instance\">\"&lt;");
	xml_text(x, c->instance, (uint32_t)strlen(c->instance));
	xml_raw(x, "&gt;\"</unknown-param>");
}

static void params(struct xml *x, const struct contact *c)
{
	const uint8_t *text = (const uint8_t *)c->params;
	struct sip_iter it;
	struct sip_param p;

	if (c->reg_id)
		xml_print(x, "<unknown-param name=\"reg-id\">%u</unknown-param>", c->reg_id);
	if (!text)
		return;
	it = sip_iter((struct sip_str){ .len = (uint32_t)strlen(c->params) });
	while (sip_param_next(text, &it, &p)) {
		xml_raw(x, "<unknown-param name=\"");
		xml_text(x, c->params + p.name.off, p.name.len);
		xml_raw(x, "\">");
		xml_text(x, c->params + p.value.off, p.value.len);
		xml_raw(x, "</unknown-param>");
	}
}

/* All of it, or nothing. */
static void live(struct xml *x, const struct contact *c, const struct change *change)
{
	uint64_t now = (uint64_t)time(NULL), since = c->since / 1000;
	uint32_t len = x->len;

	begin_contact(x, change, "active");
	xml_print(x, " duration-registered=\"%llu\" expires=\"%llu\" q=\"%u.%03u\" cseq=\"%u\"",
		  (unsigned long long)(now > since ? now - since : 0),
		  (unsigned long long)(location_left(c) + 999) / 1000, c->q / 1000, c->q % 1000,
		  c->cseq);
	xml_attribute(x, "callid", c->call_id);
	uri(x, c->uri);
	instance(x, c);
	params(x, c);
	xml_raw(x, "</contact>\n");
	if (x->full)
		xml_undo(x, len);
}

static void gone(struct xml *x, const struct change *change)
{
	uint32_t len = x->len;

	begin_contact(x, change, "terminated");
	uri(x, change->uri);
	xml_raw(x, "</contact>\n");
	if (x->full)
		xml_undo(x, len);
}

/* Since it began nothing has come of a contact whose REGISTER is as old as itself. */
static const char *event_of(const struct contact *c)
{
	uint64_t heard = location_heard(c), now = loop_now();
	uint64_t age = heard && now > heard ? (now - heard) / 1000 : 0;
	uint64_t all = (uint64_t)time(NULL) - c->since / 1000;

	return heard && all > age + 1 ? "refreshed" : "registered";
}

static void all_contacts(struct xml *x, const struct aor *a)
{
	for (const struct contact *c = a ? a->contacts : NULL; c; c = c->next)
		live(x, c, &(struct change){ .id = c->id, .mark = mark_of(c->uri),
					     .event = event_of(c) });
}

static void changed_contacts(struct xml *x, const struct watch *w, const struct aor *a)
{
	for (uint32_t i = 0; i < w->n; i++) {
		const struct change *change = &w->change[i];
		const struct contact *c = change->uri ? NULL : location_contact(a, change->id);

		if (c)
			live(x, c, change);
		else if (change->uri)
			gone(x, change);
	}
}

static void forget(struct watch *w)
{
	while (w->n) {
		free(w->change[--w->n].uri);
		w->change[w->n].uri = NULL;
	}
	w->all = false;
}

static uint32_t write(void *part, bool full, char out[static NOTIFY_BODY])
{
	struct watch *w = part;
	const struct aor *a = location_find(w->aor, strlen(w->aor));
	struct xml x = { .at = out, .cap = NOTIFY_BODY - TAIL };

	full = full || w->all;
	xml_print(&x, "<?xml version=\"1.0\"?>\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\"");
	xml_print(&x, " version=\"%u\" state=\"%s\">\n<registration", w->version++,
		  full ? "full" : "partial");
	xml_raw(&x, " aor=\"sip:");
	xml_text(&x, w->aor, (uint32_t)strlen(w->aor));
	xml_print(&x, "\" id=\"a%08x\" state=\"%s\">\n", w->hash,
		  a ? "active" : full ? "init" : "terminated");
	if (full)
		all_contacts(&x, a);
	else
		changed_contacts(&x, w, a);
	x.cap = NOTIFY_BODY;
	xml_raw(&x, "</registration>\n</reginfo>\n");
	forget(w);
	return x.len;
}

/* ---- changes ---- */

/* In place of what was to be told of the same contact; that it is new stays to be told. */
static void add(struct watch *w, struct change c)
{
	uint32_t i = 0;

	while (i < w->n && (w->change[i].id != c.id || w->change[i].mark != c.mark))
		i++;
	if (i == CHANGES) {
		w->all = true;
		free(c.uri);
		return;
	}
	if (i == w->n)
		w->n++;
	else if (!c.uri && !w->change[i].uri && !strcmp(w->change[i].event, "registered"))
		c.event = "registered";
	free(w->change[i].uri);
	w->change[i] = c;
}

static void add_gone(struct watch *w, const struct contact *was, const char *event)
{
	char *copy = strdup(was->uri);

	if (copy)
		add(w, (struct change){ was->id, mark_of(was->uri), event, copy });
	else
		w->all = true;
}

/* RFC 3680 5.2 knows fewer reasons; "deactivated": it is gone, the phone may come again. */
static const char *const events[] = {
	[REG_REGISTERED] = "registered", [REG_REFRESHED] = "refreshed",
	[REG_SHORTENED] = "shortened", [REG_REPLACED] = "registered", [REG_EXPIRED] = "expired",
	[REG_UNREGISTERED] = "unregistered", [REG_REMOVED] = "deactivated",
	[REG_FLOW_LOST] = "deactivated",
};

static void tell(struct watch *w, const struct contact *was, const struct contact *now,
		 enum happened h)
{
	if (!now)
		add_gone(w, was, events[h]);
	else if (h == REG_REPLACED)
		add_gone(w, was, "unregistered");
	if (now)
		add(w, (struct change){ now->id, mark_of(now->uri), events[h], NULL });
	notifier_changed(w->sub);
}

static void changed(const struct aor *a, const struct contact *was, const struct contact *now,
		    enum gone why)
{
	for (struct watch *w = buckets[a->hash % BUCKETS]; w; w = w->next)
		if (w->hash == a->hash && !strcmp(w->aor, a->name))
			tell(w, was, now, history_kind(was, now, why));
}

/* ---- the package ---- */

/* An alias is watched as its user. */
static void resolve(struct access *a, char resource[static AOR_MAX + 1])
{
	const char *at = strrchr(resource, '@');
	struct user owner;
	int err = auth_user_of(resource, &owner);

	if (err || strlen(owner.name) + strlen(at) > AOR_MAX) {
		a->code = err && err != -ENOENT ? 503 : 404;
		return;
	}
	memmove(resource + strlen(owner.name), at, strlen(at) + 1);
	memcpy(resource, owner.name, strlen(owner.name));
}

static void admit(const struct rx *rx, const struct domain *d, struct access *a,
		  char resource[static AOR_MAX + 1])
{
	uint32_t n;

	if (!resource[0] && d) {
		n = sip_aor_print_at(rx->buf, &rx->msg.ruri, d->name, (uint32_t)strlen(d->name),
				     (uint8_t *)resource);
		resource[n] = '\0';
	}
	if (!resource[0]) {
		a->code = 404;
		return;
	}
	access_watch(rx, resource, a);
	if (!a->code)
		resolve(a, resource);
}

static void *begin(struct subscription *s, const char *resource)
{
	struct watch *w = calloc(1, sizeof(*w) + strlen(resource) + 1);

	if (!w || (!count && location_hook(changed))) {
		free(w);
		return NULL;
	}
	w->sub = s;
	strcpy(w->aor, resource);
	w->hash = (uint32_t)hash_bytes(resource, strlen(resource));
	w->next = buckets[w->hash % BUCKETS];
	buckets[w->hash % BUCKETS] = w;
	count++;
	return w;
}

static void end(void *part)
{
	struct watch *w = part, **at = &buckets[w->hash % BUCKETS];

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	forget(w);
	free(w);
	if (!--count)
		location_unhook(changed);
}

static const char *review(const void *part, const char *watcher)
{
	const struct watch *w = part;
	const struct domain *d = config_domain_of(config_now(), w->aor);
	struct user user, owner;
	int err = auth_user_of(watcher, &user);

	if (err == -ENOENT || (!err && (user.flags & USER_DISABLED)))
		return "rejected";
	if (!d || d->mode != REGISTRAR_MAIN || auth_user_of(w->aor, &owner) == -ENOENT)
		return "noresource";
	return !err && !access_may_watch(&user, w->aor) ? "rejected" : NULL;
}

static const struct notifier_package package = {
	.event = "reg", .type = "application/reginfo+xml",
	.expires = 3761,	/* RFC 3680 4.4 */
	.expires_max = 86400,
	.admit = admit, .begin = begin, .write = write, .review = review, .end = end,
};

int regevent_open(void)
{
	return notifier_package(&package);
}
