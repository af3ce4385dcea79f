// SPDX-License-Identifier: BSD-2-Clause
/*
 * The bindings of the module are the truth here, the location table follows: a place (address of
 * record and Contact) has the bindings that name it, the newest counts. One change of a place is
 * on its way at a time; when it is done, the place is looked at again.
 */
#include "passive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "callgate.h"
#include "config.h"
#include "hash.h"
#include "kernel.h"
#include "location.h"
#include "log.h"
#include "loop.h"
#include "sip/aor.h"
#include "udp_route.h"
#include "uri_text.h"
#include "zone.h"

#define BUCKETS 16384
#define PLACES_MAX 1000000	/* CALLGATE_C_BINDINGS is not more */
#define RETRY_MS 5000		/* after the store has failed */
#define SAME_MS 2000		/* ends that differ by less are the same: two clocks were read */

struct place {
	struct place *chain;
	struct seen *seen;	/* the newest first; NULL: all have ended */
	struct timer retry;
	const char *uri;	/* of the Contact, behind the name */
	bool busy;		/* a change is on its way */
	char aor[];		/* canonical, then the URI */
};

/* A binding of the module. */
struct seen {
	struct seen *by_id, *by_public, *next;
	struct place *place;
	uint64_t id;
	uint64_t since, until;	/* CLOCK_REALTIME */
	struct endpoint inside, public, registrar;
	bool named;		/* in the dump under way */
};

static struct place *places[BUCKETS];
static struct seen *ids[BUCKETS], *publics[BUCKETS];
static size_t n_places, n_seen;

/* A time of the module, CLOCK_BOOTTIME, as one that outlives a restart. */
static uint64_t real_of(uint64_t boot)
{
	return loop_real() + boot - loop_now();
}

/* ---- places ---- */

static struct place **place_bucket(const char *aor, const char *uri)
{
	const struct hash_part both[] = { { aor, strlen(aor) }, { uri, strlen(uri) } };

	return &places[hash_parts(both, 2) % BUCKETS];
}

static struct place *place_get(const char *aor, const char *uri)
{
	struct place **bucket = place_bucket(aor, uri), *p;
	size_t len = strlen(aor) + 1;

	for (p = *bucket; p; p = p->chain)
		if (!strcmp(p->aor, aor) && !strcmp(p->uri, uri))
			return p;
	p = n_places < PLACES_MAX ? calloc(1, sizeof(*p) + len + strlen(uri) + 1) : NULL;
	if (!p)
		return NULL;
	memcpy(p->aor, aor, len);
	p->uri = strcpy(p->aor + len, uri);
	p->chain = *bucket;
	*bucket = p;
	n_places++;
	return p;
}

static void place_free(struct place *p)
{
	struct place **at = place_bucket(p->aor, p->uri);

	while (*at != p)
		at = &(*at)->chain;
	*at = p->chain;
	timer_stop(&p->retry);
	free(p);
	n_places--;
}

/* What the location table has of a place. */
static const struct contact *contact_of(const struct place *p)
{
	const struct aor *a = location_find(p->aor, strlen(p->aor));
	const struct contact *c = a ? a->contacts : NULL;

	while (c && (c->origin != ORIGIN_PASSIVE || strcmp(c->uri, p->uri)))
		c = c->next;
	return c;
}

static bool is_kept(const struct contact *c, const struct seen *s)
{
	uint64_t later = c->until > s->until ? c->until : s->until;
	uint64_t sooner = c->until > s->until ? s->until : c->until;

	return later - sooner < SAME_MS && endpoint_equal(&c->flow.remote, &s->inside);
}

static void follow(struct place *p);

static void retry(struct timer *t)
{
	follow((struct place *)((char *)t - offsetof(struct place, retry)));
}

static void followed(int result, void *arg)
{
	struct place *p = arg;

	p->busy = false;
	if (result)
		timer_set(&p->retry, loop_now() + RETRY_MS, retry);
	else
		follow(p);
}

static void commit(struct place *p, const struct location_change *c)
{
	int err;

	p->busy = true;
	err = location_commit(c, followed, p);
	if (err)
		followed(err, p);
}

/* Ours on the phone's side: the module told of its registration, not of a packet to us. */
static struct sip_flow flow_to(const struct endpoint *inside)
{
	const struct config *config = config_now();
	struct sip_flow flow = { .remote = *inside, .transport = SIP_T_UDP };

	if (udp_route(inside, &flow.local, &flow.ifindex))
		flow.local.len = 0;
	for (size_t i = 0; i < config->n_listen && !flow.local.port; i++)
		if (config->listen[i].len == inside->len)
			flow.local.port = config->listen[i].port;
	flow.zone = zone_of(config, flow.ifindex, inside);
	return flow;
}

static void put(struct place *p, const struct contact *have)
{
	const struct seen *s = p->seen;
	struct contact c = {
		.flow = flow_to(&s->inside),
		.uri = (char *)p->uri,
		.call_id = (char *)"",
		.id = have ? have->id : 0,
		.since = have ? have->since : s->since,
		.until = s->until,
		.q = 1000,
		.origin = ORIGIN_PASSIVE,
	};

	commit(p, &(struct location_change){ .aor = p->aor, .put = &c, .n_put = 1 });
}

static void drop(struct place *p, const struct contact *have)
{
	uint64_t id = have->id;

	commit(p, &(struct location_change){ .aor = p->aor, .drop = &id, .n_drop = 1,
					     .why = GONE_UNREGISTERED });
}

/* Makes the location table what the module says of this place. It may be gone afterwards. */
static void follow(struct place *p)
{
	const struct contact *have;

	if (p->busy)
		return;
	have = contact_of(p);
	if (p->seen && p->seen->until > loop_real() && (!have || !is_kept(have, p->seen)))
		put(p, have);
	else if (!p->seen && have)
		drop(p, have);
	else if (!p->seen)
		place_free(p);
}

/* ---- registrars ---- */

/* Who has answered last for a domain, by family; kept when its bindings have ended. */
struct answered {
	struct answered *next;
	struct endpoint at[2];
	char domain[];
};
static struct answered *answered;

static struct answered *answered_for(const char *domain)
{
	struct answered *a = answered;

	while (a && strcmp(a->domain, domain))
		a = a->next;
	return a;
}

/* No more of them than the configuration has domains. */
static void has_answered(const char *domain, const struct endpoint *registrar)
{
	struct answered *a = answered_for(domain);

	if (!a && registrar->len) {
		a = calloc(1, sizeof(*a) + strlen(domain) + 1);
		if (!a)
			return;
		strcpy(a->domain, domain);
		a->next = answered;
		answered = a;
	}
	if (registrar->len)
		a->at[registrar->len == 16] = *registrar;
}

bool passive_registrar(const struct domain *d, uint8_t len, struct endpoint *out)
{
	const struct answered *a = answered_for(d->name);

	if (!a || !a->at[len == 16].len)
		return false;
	*out = a->at[len == 16];
	return true;
}

/* ---- bindings ---- */

static struct seen **id_bucket(uint64_t id)
{
	return &ids[id % BUCKETS];
}

static struct seen **public_bucket(const struct endpoint *e)
{
	uint8_t key[18] = { (uint8_t)(e->port >> 8), (uint8_t)e->port };

	memcpy(key + 2, e->addr, e->len);
	return &publics[hash_bytes(key, 2u + e->len) % BUCKETS];
}

static struct seen *seen_find(uint64_t id)
{
	struct seen *s = *id_bucket(id);

	while (s && s->id != id)
		s = s->by_id;
	return s;
}

static void seen_unlink(struct seen *s)
{
	struct seen **at = id_bucket(s->id);

	while (*at != s)
		at = &(*at)->by_id;
	*at = s->by_id;
	for (at = public_bucket(&s->public); *at != s; at = &(*at)->by_public)
		;
	*at = s->by_public;
	for (at = &s->place->seen; *at != s; at = &(*at)->next)
		;
	*at = s->next;
}

static void seen_link(struct seen *s)
{
	struct seen **at = id_bucket(s->id);

	s->by_id = *at;
	*at = s;
	at = public_bucket(&s->public);
	s->by_public = *at;
	*at = s;
	s->next = s->place->seen;
	s->place->seen = s;
}

/* The user in a passive domain that a binding is of; false: none of our business. */
static bool user_of(const struct binding *b, char out[AOR_MAX + 1])
{
	const struct domain *d;
	struct sip_uri u;
	uint32_t len;

	if (!b->aor || !b->contact || !b->inside.len || !b->public.len ||
	    !uri_of_text(b->aor, &u) || u.host.kind == SIP_HOST_NONE)
		return false;
	d = config_domain(config_now(), b->aor + u.host.host.off, u.host.host.len);
	if (!d || d->mode != REGISTRAR_PASSIVE)
		return false;
	len = sip_aor_print_at((const uint8_t *)b->aor, &u, d->name, (uint32_t)strlen(d->name),
			       (uint8_t *)out);
	out[len] = '\0';
	return len > 0;
}

static void gone(struct seen *s)
{
	struct place *p = s->place;

	seen_unlink(s);
	free(s);
	n_seen--;
	follow(p);
}

/* New, or renewed; a binding may move to another place. */
static void known(const struct binding *b)
{
	struct seen *s = seen_find(b->id);
	struct place *p, *was = s ? s->place : NULL;
	char aor[AOR_MAX + 1];

	if (!user_of(b, aor)) {
		if (s)
			gone(s);
		return;
	}
	p = place_get(aor, b->contact);
	if (!p || (!s && !(s = calloc(1, sizeof(*s))))) {
		log_warn("no memory for a registration that the module saw: calls for it by name "
			 "fail until its next refresh");
		return;
	}
	if (was)
		seen_unlink(s);
	else
		n_seen++;
	s->id = b->id;
	s->place = p;
	s->inside = b->inside;
	s->public = b->public;
	s->registrar = b->registrar;
	s->since = real_of(b->since);
	s->until = real_of(b->expires);
	s->named = true;
	seen_link(s);
	has_answered(strrchr(aor, '@') + 1, &s->registrar);
	follow(p);
	if (was && was != p)
		follow(was);
}

void passive_note(const struct note *n)
{
	const struct binding *b = &n->binding;
	struct seen *s;

	if (n->is_trace || !b->has)
		return;
	switch (n->event.kind) {
	case CALLGATE_EVENT_BINDING_NEW:
	case CALLGATE_EVENT_BINDING_REFRESH:
		known(b);
		break;
	case CALLGATE_EVENT_BINDING_END:
		s = seen_find(b->id);
		if (s)
			gone(s);
		break;
	}
}

/* ---- dumps ---- */

void passive_dump_begin(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct seen *s = ids[i]; s; s = s->by_id)
			s->named = false;
}

void passive_dump(const struct binding *b)
{
	known(b);
}

/* What an earlier run has stored gets its place, which then has no binding. */
static int remembered(const struct aor *a, const struct contact *c, void *arg)
{
	(void)arg;
	if (c->origin == ORIGIN_PASSIVE)
		place_get(a->name, c->uri);
	return 0;
}

void passive_dump_end(bool whole)
{
	if (!whole)
		return;
	location_each(remembered, NULL);
	for (size_t i = 0; i < BUCKETS; i++) {
		struct seen *next;

		for (struct seen *s = ids[i]; s; s = next) {
			next = s->by_id;
			if (!s->named)
				gone(s);
		}
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		struct place *next;

		for (struct place *p = places[i]; p; p = next) {
			next = p->chain;
			follow(p);
		}
	}
}

/* ---- trunks ---- */

/* May @source send for this binding: a registrar of the domain's list, or the one it is made at? */
static bool is_registrar(const struct seen *s, const struct endpoint *source)
{
	const struct domain *d = config_domain_of(config_now(), s->place->aor);

	if (!d || d->mode != REGISTRAR_PASSIVE)
		return false;
	return d->registrars.n ? prefixes_have(&d->registrars, source) :
				  endpoint_same_host(&s->registrar, source);
}

/* Does the Request-URI have the user of the binding's Contact, or of its address of record? */
static bool is_named(const struct seen *s, const uint8_t *buf, const struct sip_uri *to)
{
	const char *at = strrchr(s->place->aor, '@');
	const char *uri = s->place->uri;
	struct sip_uri contact;
	uint8_t user[SIP_AOR_MAX];
	uint32_t len = sip_aor_print_at(buf, to, "x", 1, user);

	if (len < 2)
		return false;
	if ((size_t)(at - s->place->aor) == len - 2 && !memcmp(s->place->aor, user, len - 2))
		return true;
	return uri_of_text(uri, &contact) &&
	       sip_str_eq(buf, to->user, (const uint8_t *)uri, contact.user);
}

const struct contact *passive_trunk(const struct rx *rx)
{
	const struct sip_uri *to = &rx->msg.ruri;
	struct endpoint e;
	const struct seen *found = NULL;
	bool one = true;

	if (!address_of_host(&to->host, &e))
		return NULL;
	for (const struct seen *s = *public_bucket(&e); s; s = s->by_public) {
		if (!endpoint_equal(&s->public, &e) || !is_registrar(s, &rx->flow.remote))
			continue;
		if (is_named(s, rx->buf, to))
			return contact_of(s->place);
		one &= !found || found->place == s->place;
		found = s;
	}
	return found && one ? contact_of(found->place) : NULL;
}

/* ---- the rest ---- */

size_t passive_count(void)
{
	return n_seen;
}

void passive_free(void)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct seen *s;
		struct place *p;

		while ((s = ids[i])) {
			ids[i] = s->by_id;
			free(s);
		}
		while ((p = places[i])) {
			places[i] = p->chain;
			timer_stop(&p->retry);
			free(p);
		}
		publics[i] = NULL;
	}
	for (struct answered *a; (a = answered); free(a))
		answered = a->next;
	n_seen = 0;
	n_places = 0;
}
