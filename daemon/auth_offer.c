/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "auth_offer.h"
#include "config.h"
#include "hash.h"

#define WAYS 4
/* The third of so many is offered the other way. */
#define ROUND 3

/* One pair of source and user, by its hash. */
struct entry {
	uint64_t key;
	uint64_t last;		/* hash of the last empty request */
	uint32_t used;		/* value of ticks */
	uint8_t empty;		/* since it last showed the right ones, 1 to ROUND and again */
	bool worked;		/* by MD5, offered alone */
};

static struct entry table[OFFER_TABLE];
static uint32_t ticks;

void offer_reset(void)
{
	memset(table, 0, sizeof(table));
	ticks = 0;
}

uint8_t offer_zone(const struct sip_flow *flow)
{
	const struct config *c = config_now();

	return flow->zone == ZONE_INSIDE ? c->algorithms_inside : c->algorithms_outside;
}

uint64_t offer_key(const struct endpoint *source, const char *user, const char *domain)
{
	uint8_t text[1 + 16 + USER_NAME + 1 + USER_DOMAIN + 1] = { source->len };
	size_t u = strnlen(user, USER_NAME), d = strnlen(domain, USER_DOMAIN);
	uint64_t h;

	memcpy(text + 1, source->addr, source->len == 16 ? 8 : 4);
	memcpy(text + 17, user, u);
	text[17 + u] = '@';
	memcpy(text + 18 + u, domain, d);
	h = hash_bytes(text, 18 + u + d);
	return h ? h : 1;
}

static struct entry *find(uint64_t key)
{
	struct entry *e = &table[key % (OFFER_TABLE / WAYS) * WAYS];

	for (int i = 0; i < WAYS; i++)
		if (e[i].key == key)
			return &e[i];
	return NULL;
}

static struct entry *oldest_of_set(uint64_t key)
{
	struct entry *e = &table[key % (OFFER_TABLE / WAYS) * WAYS], *old = e;

	for (int i = 1; i < WAYS; i++)
		if (e[i].used < old->used)
			old = &e[i];
	return old;
}

/* Without credentials there may be no transaction: a repetition is known by this. */
static uint64_t request_hash(const struct rx *rx)
{
	const struct sip_msg *m = &rx->msg;

	return hash_bytes(rx->buf + m->call_id.off, m->call_id.len) ^ (uint64_t)m->cseq.num << 32;
}

void offer_empty(uint64_t key, const struct rx *rx)
{
	uint64_t request = request_hash(rx);
	struct entry *e = find(key);

	if (!e) {
		e = oldest_of_set(key);
		*e = (struct entry){ .key = key };
	}
	e->used = ++ticks;
	if (!e->empty || e->last != request)
		e->empty = e->empty % ROUND + 1;
	e->last = request;
}

bool offer_md5_alone(uint64_t key)
{
	const struct entry *e = find(key);

	return e && e->worked != (e->empty == ROUND);
}

void offer_worked(uint64_t key, enum digest_algorithm a, bool alone)
{
	struct entry *e = find(key);

	if (!e)
		return;
	if (a != DIGEST_MD5 || !alone) {
		memset(e, 0, sizeof(*e));
		return;
	}
	e->used = ++ticks;
	e->empty = 0;
	e->worked = true;
}

bool offer_has_worked(uint64_t key)
{
	const struct entry *e = find(key);

	return e && e->worked;
}
