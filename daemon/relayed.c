// SPDX-License-Identifier: BSD-2-Clause
/* Kept beside the location table and always what that says: it is filled from it, and follows. */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "config.h"
#include "hash.h"
#include "proxy_way.h"
#include "relayed.h"
#include "sip/aor.h"
#include "upstream.h"
#include "uri_text.h"

#define BUCKETS 4096

struct known {
	LIST_ENTRY(known) by_id, by_place, by_user, of_domain;
	struct served *domain;
	const struct contact *contact;
	struct sip_end place;	/* SIP_HOST_NONE: a name */
	struct sip_str user;	/* in .contact->uri */
};
LIST_HEAD(knowns, known);

/* A domain that has had some. */
struct served {
	LIST_ENTRY(served) next;
	struct knowns contacts, bulk;	/* of phones; of PBXs */
	char name[];
};

static LIST_HEAD(, served) domains = LIST_HEAD_INITIALIZER(domains);
static struct knowns ids[BUCKETS], places[BUCKETS], users[BUCKETS];
static bool hooked;

/* ---- the table ---- */

static struct knowns *id_bucket(uint64_t id)
{
	return &ids[id % BUCKETS];
}

static struct knowns *place_bucket(const struct sip_end *e)
{
	uint8_t key[19] = { e->kind, (uint8_t)(e->port >> 8), (uint8_t)e->port };

	memcpy(key + 3, e->addr, sizeof(e->addr));
	return &places[hash_bytes(key, sizeof(key)) % BUCKETS];
}

static struct knowns *user_bucket(const uint8_t *buf, struct sip_str user)
{
	return &users[hash_bytes(buf + user.off, user.len) % BUCKETS];
}

static const uint8_t *text_of(const struct known *k)
{
	return (const uint8_t *)k->contact->uri;
}

static struct served *domain_get(const char *name)
{
	struct served *d;

	LIST_FOREACH(d, &domains, next)
		if (!strcmp(d->name, name))
			return d;
	d = calloc(1, sizeof(*d) + strlen(name) + 1);
	if (!d)
		return NULL;
	strcpy(d->name, name);
	LIST_INSERT_HEAD(&domains, d, next);
	return d;
}

static void add(const struct contact *c)
{
	struct known *k = calloc(1, sizeof(*k));
	const char *at = strrchr(c->aor->name, '@');
	struct sip_param p;
	struct sip_uri u;

	if (k && at)
		k->domain = domain_get(at + 1);
	if (!k || !k->domain || !uri_of_text(c->uri, &u)) {
		free(k);
		return;
	}
	k->contact = c;
	k->user = u.user;
	LIST_INSERT_HEAD(id_bucket(c->id), k, by_id);
	LIST_INSERT_HEAD(user_bucket(text_of(k), k->user), k, by_user);
	if (sip_end_of(&u.host, &k->place))
		LIST_INSERT_HEAD(place_bucket(&k->place), k, by_place);
	LIST_INSERT_HEAD(uri_is_bulk(c->uri, &u, &p) ? &k->domain->bulk : &k->domain->contacts,
			 k, of_domain);
}

static void drop(struct known *k)
{
	LIST_REMOVE(k, by_id);
	LIST_REMOVE(k, by_user);
	LIST_REMOVE(k, of_domain);
	if (k->place.kind != SIP_HOST_NONE)
		LIST_REMOVE(k, by_place);
	free(k);
}

static void changed(const struct aor *a, const struct contact *was, const struct contact *now,
		    enum gone why)
{
	struct known *k = was ? LIST_FIRST(id_bucket(was->id)) : NULL;

	(void)a, (void)why;
	while (k && k->contact != was)
		k = LIST_NEXT(k, by_id);
	if (k)
		drop(k);
	if (now && now->origin == ORIGIN_RELAYED)
		add(now);
}

static int known_before(const struct aor *a, const struct contact *c, void *arg)
{
	(void)arg;
	changed(a, NULL, c, GONE_REPLACED);
	return 0;
}

/* ---- the search ---- */

/* By the name of the user, or by what his phone calls him in the Contact. */
static const struct contact *find_user(const struct served *d, const struct rx *rx)
{
	const struct sip_uri *to = &rx->msg.ruri;
	const struct contact *c = NULL;
	char aor[SIP_AOR_MAX + 1];
	uint32_t len = sip_aor_print_at(rx->buf, to, d->name, (u32)strlen(d->name), (u8 *)aor);
	const struct aor *a = len ? location_find(aor, len) : NULL;
	const struct known *k;

	for (c = a ? a->contacts : NULL; c; c = c->next)
		if (c->origin == ORIGIN_RELAYED)
			return c;
	if (!to->user.len)
		return NULL;
	LIST_FOREACH(k, user_bucket(rx->buf, to->user), by_user)
		if (k->domain == d && sip_str_eq(rx->buf, to->user, text_of(k), k->user))
			return k->contact;
	return NULL;
}

/* Several PBXs, or several phones and no PBX: nobody is guessed. */
static const struct contact *find_pilot(const struct served *d)
{
	const struct known *k = LIST_FIRST(LIST_EMPTY(&d->bulk) ? &d->contacts : &d->bulk);

	return k && !LIST_NEXT(k, of_domain) ? k->contact : NULL;
}

static bool may_send(const struct served *s, const struct rx *rx)
{
	const struct domain *d = config_domain(config_now(), s->name, strlen(s->name));

	return d && d->mode != REGISTRAR_MAIN && upstream_is_registrar(d, &rx->flow.remote);
}

static const struct contact *find_here(const struct rx *rx)
{
	const struct contact *c = NULL;
	const struct served *d;

	LIST_FOREACH(d, &domains, next) {
		if (c || (LIST_EMPTY(&d->contacts) && LIST_EMPTY(&d->bulk)) || !may_send(d, rx))
			continue;
		c = find_user(d, rx);
		if (!c)
			c = find_pilot(d);
	}
	return c;
}

static const struct contact *find_there(const struct rx *rx, const struct sip_end *e)
{
	const struct contact *only = NULL;
	const struct known *k;

	LIST_FOREACH(k, place_bucket(e), by_place) {
		if (!sip_end_equal(&k->place, e) || !may_send(k->domain, rx))
			continue;
		if (sip_str_eq(rx->buf, rx->msg.ruri.user, text_of(k), k->user))
			return k->contact;
		only = only ? only : k->contact;
	}
	return only;
}

const struct contact *relayed_find(const struct rx *rx)
{
	struct sip_end e;

	if (!hooked) {
		hooked = !location_hook(changed);
		if (hooked)
			location_each(known_before, NULL);
	}
	if (LIST_EMPTY(&domains) || !sip_end_of(&rx->msg.ruri.host, &e))
		return NULL;
	return way_ours((void *)rx, rx->buf, &rx->msg.ruri.host) ? find_here(rx) :
								     find_there(rx, &e);
}

void relayed_free(void)
{
	struct served *d;

	while ((d = LIST_FIRST(&domains))) {
		while (!LIST_EMPTY(&d->contacts))
			drop(LIST_FIRST(&d->contacts));
		while (!LIST_EMPTY(&d->bulk))
			drop(LIST_FIRST(&d->bulk));
		LIST_REMOVE(d, next);
		free(d);
	}
}
