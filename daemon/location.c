/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table is hashed linearly: it grows by splitting one bucket at a time, in segments that
 * double, so that no insertion pays for all.
 *
 * Whatever a change needs in memory is allocated before the store is told; what comes after its
 * answer cannot fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "location.h"
#include "loop.h"
#include "shared.h"
#include "sip/aor.h"
#include "store.h"

_Static_assert(AOR_MAX == SIP_AOR_MAX, "the kernel knows users by the same names");

#define FIRST_BITS 10
#define FIRST (1u << FIRST_BITS)
#define SEGMENTS 20
#define HOOKS 12
#define JOBS_MAX 64		/* of one AOR */
#define RETRY_MS 100		/* a contact that ends while its AOR is being changed */

#define contact_of(t) ((struct contact *)((char *)(t) - offsetof(struct contact, timer)))

static struct {
	struct aor **segment[SEGMENTS];
	uint32_t buckets;
	unsigned int walks;		/* under way: nothing moves */
	size_t aors, contacts;
	struct store *store;
	uint64_t next_id;		/* without a store */
	location_hook_fn *hook[HOOKS];
	unsigned int hooks;
} loc;

/* A change on its way to the disk or behind another one; or, with .idle, somebody who waits. */
struct location_job {
	struct location_job *next;
	struct aor *aor;
	location_idle_fn *idle;
	location_done_fn *done;
	void *arg;
	struct contact **put;	/* behind .drop */
	uint32_t n_put, n_drop;
	bool begun;
	uint8_t why;
	uint64_t drop[];
};

/* ---- the table ---- */

static struct aor **bucket_at(uint32_t n)
{
	unsigned int top;

	if (n < FIRST)
		return &loc.segment[0][n];
	top = 31 - (unsigned int)__builtin_clz(n);
	return &loc.segment[top - FIRST_BITS + 1][n - (1u << top)];
}

static struct aor **bucket_of(uint32_t hash)
{
	uint32_t mask = UINT32_MAX >> __builtin_clz(loc.buckets), n = hash & mask;

	return bucket_at(n < loc.buckets ? n : n & mask >> 1);
}

/* One more bucket takes its half of an old one's chain. Without memory the chains become longer. */
static void grow(void)
{
	unsigned int top = 31 - (unsigned int)__builtin_clz(loc.buckets);
	unsigned int s = top - FIRST_BITS + 1;
	struct aor **from, **to, *a;

	if (s == SEGMENTS)
		return;
	if (!loc.segment[s])
		loc.segment[s] = calloc((size_t)1 << top, sizeof(struct aor *));
	if (!loc.segment[s])
		return;
	from = bucket_at(loc.buckets - (1u << top));
	to = bucket_at(loc.buckets++);
	while ((a = *from)) {
		if (a->hash & 1u << top) {
			*from = a->chain;
			a->chain = *to;
			*to = a;
		} else {
			from = &a->chain;
		}
	}
}

static struct aor *find(const char *name, size_t len, uint32_t hash)
{
	struct aor *a;

	if (!loc.buckets)
		return NULL;
	for (a = *bucket_of(hash); a; a = a->chain)
		if (a->hash == hash && a->len == len && !memcmp(a->name, name, len))
			return a;
	return NULL;
}

struct aor *location_look(const char *aor, size_t len, bool *busy)
{
	struct aor *a = find(aor, len, (uint32_t)hash_bytes(aor, len));

	*busy = a && location_busy(a);
	return a && a->n ? a : NULL;
}

struct aor *location_find(const char *aor, size_t len)
{
	bool busy;

	return location_look(aor, len, &busy);
}

const struct contact *location_contact(const struct aor *a, uint64_t id)
{
	const struct contact *c = a ? a->contacts : NULL;

	while (c && c->id != id)
		c = c->next;
	return c;
}

const struct contact *location_contact_of(const char *aor, uint64_t id)
{
	return location_contact(location_find(aor, strlen(aor)), id);
}

/* The AOR, made when it is not there. NULL: no memory. */
static struct aor *aor_get(const char *name, size_t len)
{
	uint32_t hash = (uint32_t)hash_bytes(name, len);
	struct aor *a = find(name, len, hash);

	if (a)
		return a;
	if (!loc.buckets) {
		loc.segment[0] = calloc(FIRST, sizeof(struct aor *));
		if (!loc.segment[0])
			return NULL;
		loc.buckets = FIRST;
	}
	a = calloc(1, offsetof(struct aor, name) + len + 1);
	if (!a)
		return NULL;
	a->hash = hash;
	a->len = (uint16_t)len;
	memcpy(a->name, name, len);
	/* two: after a walk the table catches up */
	for (int i = 0; i < 2 && !loc.walks && loc.aors >= loc.buckets; i++)
		grow();
	loc.aors++;
	a->chain = *bucket_of(hash);
	*bucket_of(hash) = a;
	return a;
}

/* Frees an AOR that nobody needs. */
static void aor_release(struct aor *a)
{
	struct aor **at = bucket_of(a->hash);

	if (a->n || a->jobs || a->held)
		return;
	while (*at != a)
		at = &(*at)->chain;
	*at = a->chain;
	loc.aors--;
	free(a);
}

/* ---- contacts ---- */

static size_t string_size(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static char *string_put(char **room, const char *s)
{
	char *at = *room;

	if (!s)
		return NULL;
	*room = stpcpy(at, s) + 1;
	return at;
}

enum { SHARED_AGENT = 1, SHARED_PARAMS = 2 };

/* The shared text, or NULL, and then the block has it. */
static char *share(const char *text, uint8_t flag, uint8_t *shared)
{
	char *s = text ? shared_get(text) : NULL;

	if (s)
		*shared |= flag;
	return s;
}

static void contact_free(struct contact *c)
{
	if (!c)
		return;
	if (c->shared & SHARED_AGENT)
		shared_put(c->user_agent);
	if (c->shared & SHARED_PARAMS)
		shared_put(c->params);
	free(c);
}

/* A copy in one block, its strings behind it, but for those that phones have in common. */
static struct contact *contact_copy(const struct contact *from, struct aor *a)
{
	uint8_t shared = 0;
	char *agent = share(from->user_agent, SHARED_AGENT, &shared);
	char *params = share(from->params, SHARED_PARAMS, &shared);
	size_t size = sizeof(*from) + string_size(from->uri) + string_size(from->call_id) +
		      string_size(from->path) + string_size(from->instance) +
		      (agent ? 0 : string_size(from->user_agent)) +
		      (params ? 0 : string_size(from->params));
	struct contact *c = malloc(size);
	char *room = (char *)(c + 1);

	if (!c) {
		if (agent)
			shared_put(agent);
		if (params)
			shared_put(params);
		return NULL;
	}
	*c = *from;
	c->next = NULL;
	c->aor = a;
	c->shared = shared;
	memset(&c->timer, 0, sizeof(c->timer));
	c->uri = string_put(&room, from->uri);
	c->call_id = string_put(&room, from->call_id);
	c->path = string_put(&room, from->path);
	c->instance = string_put(&room, from->instance);
	c->user_agent = agent ? agent : string_put(&room, from->user_agent);
	c->params = params ? params : string_put(&room, from->params);
	return c;
}

static bool before(const struct contact *a, const struct contact *b)
{
	if (a->q != b->q)
		return a->q > b->q;
	if (a->since != b->since)
		return a->since > b->since;
	return a->id > b->id;
}

uint64_t location_left(const struct contact *c)
{
	uint64_t now = loop_now();

	return c->timer.at > now ? c->timer.at - now : 0;
}

static void ended(struct timer *t);

static void insert(struct contact *c, uint64_t now)
{
	struct contact **at = &c->aor->contacts;

	while (*at && before(*at, c))
		at = &(*at)->next;
	c->next = *at;
	*at = c;
	c->aor->n++;
	loc.contacts++;
	timer_set(&c->timer, loop_now() + (c->until > now ? c->until - now : 0), ended);
}

/* Takes the contact with this id out of the list; the caller frees it. */
static struct contact *take(struct aor *a, uint64_t id)
{
	struct contact **at = &a->contacts, *c;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	c = *at;
	if (c) {
		*at = c->next;
		a->n--;
		loc.contacts--;
		timer_stop(&c->timer);
	}
	return c;
}

int location_hook(location_hook_fn *fn)
{
	if (loc.hooks == HOOKS)
		return -ENOSPC;
	loc.hook[loc.hooks++] = fn;
	return 0;
}

void location_unhook(location_hook_fn *fn)
{
	for (unsigned int i = 0; i < loc.hooks; i++)
		if (loc.hook[i] == fn) {
			loc.hook[i] = loc.hook[--loc.hooks];
			return;
		}
}

static void tell(const struct aor *a, const struct contact *was, const struct contact *now,
		 enum gone why)
{
	for (unsigned int i = 0; i < loc.hooks; i++)
		loc.hook[i](a, was, now, why);
}

static void drop(struct aor *a, uint64_t id, enum gone why)
{
	struct contact *c = take(a, id);

	if (c)
		tell(a, c, NULL, why);
	contact_free(c);
}

static void put(struct contact *c)
{
	struct contact *was = take(c->aor, c->id);

	c->heard = (uint32_t)(loop_now() / LOCATION_TICK);
	insert(c, loop_real());
	tell(c->aor, was, c, GONE_REPLACED);
	contact_free(was);
}

static void kept(int result, void *arg)
{
	/* a row that stays behind on an error is past its end: the next load leaves it out */
	(void)result;
	(void)arg;
}

static void ended(struct timer *t)
{
	struct contact *c = contact_of(t);
	struct aor *a = c->aor;
	uint64_t id = c->id;
	const struct location_change change = {
		.aor = a->name, .drop = &id, .n_drop = 1, .why = GONE_EXPIRED,
	};

	if (a->jobs || a->held) {
		/* perhaps it is being renewed */
		timer_set(t, loop_now() + RETRY_MS, ended);
		return;
	}
	a->held = true;
	if (loc.store)
		store_change(loc.store, &change, kept, NULL);
	drop(a, id, GONE_EXPIRED);
	a->held = false;
	aor_release(a);
}

/* ---- changes ---- */

static void job_free(struct location_job *j)
{
	for (uint32_t i = 0; i < j->n_put; i++)
		contact_free(j->put[i]);
	free(j);
}

static struct location_job *job_new(const struct location_change *c, struct aor *a)
{
	struct location_job *j = calloc(1, sizeof(*j) + c->n_drop * sizeof(j->drop[0]) +
					       c->n_put * sizeof(j->put[0]));

	if (!j)
		return NULL;
	j->aor = a;
	j->why = c->why;
	j->n_drop = c->n_drop;
	if (c->n_drop)
		memcpy(j->drop, c->drop, c->n_drop * sizeof(j->drop[0]));
	j->put = (struct contact **)(void *)(j->drop + c->n_drop);
	for (; j->n_put < c->n_put; j->n_put++) {
		j->put[j->n_put] = contact_copy(&c->put[j->n_put], a);
		if (!j->put[j->n_put])
			goto no_memory;
	}
	return j;
no_memory:
	job_free(j);
	return NULL;
}

/* Behind the last change, or, for those who wait, behind all. -EBUSY: too many. */
static int job_queue(struct location_job *j)
{
	struct location_job **at = &j->aor->jobs, *i;
	unsigned int n = 0;

	for (i = j->aor->jobs; i; i = i->next)
		if (++n == JOBS_MAX)
			return -EBUSY;
	while (*at && (j->idle || !(*at)->idle))
		at = &(*at)->next;
	j->next = *at;
	*at = j;
	return 0;
}

static void advance(struct aor *a);

/* The store has answered. What @done does to the same AOR comes before those who wait. */
static void job_end(int result, void *arg)
{
	struct location_job *j = arg;
	struct aor *a = j->aor;
	bool outer = !a->held;

	a->held = true;
	a->jobs = j->next;
	if (!result) {
		for (uint32_t i = 0; i < j->n_drop; i++)
			drop(a, j->drop[i], j->why);
		for (uint32_t i = 0; i < j->n_put; i++)
			put(j->put[i]);
		j->n_put = 0;
	}
	j->done(result, j->arg);
	job_free(j);
	if (outer) {
		a->held = false;
		advance(a);
	}
}

static int job_store(struct location_job *j)
{
	struct location_change change = {
		.aor = j->aor->name, .drop = j->drop, .why = j->why,
		.n_put = j->n_put, .n_drop = j->n_drop,
	};
	struct contact *list = NULL;
	int err;

	if (!loc.store) {
		job_end(0, j);
		return 0;
	}
	if (j->n_put == 1) {
		change.put = j->put[0];
	} else if (j->n_put) {
		list = calloc(j->n_put, sizeof(*list));
		if (!list)
			return -ENOMEM;
		for (uint32_t i = 0; i < j->n_put; i++)
			list[i] = *j->put[i];
		change.put = list;
	}
	err = store_change(loc.store, &change, job_end, j);
	free(list);
	return err;
}

/* 0: @j may be gone. */
static int job_begin(struct location_job *j)
{
	int err;

	for (uint32_t i = 0; i < j->n_put; i++)
		if (!j->put[i]->id)
			j->put[i]->id = loc.store ? store_next_id(loc.store) : ++loc.next_id;
	j->begun = true;
	err = job_store(j);
	if (err)
		j->begun = false;
	return err;
}

/* What waits is begun or called, one at a time. @a may be gone afterwards. */
static void advance(struct aor *a)
{
	struct location_job *j;

	a->held = true;
	while ((j = a->jobs) && !j->begun) {
		int err;

		if (j->idle) {
			a->jobs = j->next;
			j->idle(j->arg);
			free(j);
			continue;
		}
		err = job_begin(j);
		if (err)
			job_end(err, j);
	}
	a->held = false;
	aor_release(a);
}

static struct aor *aor_valid(const char *name, int *err)
{
	size_t len = strnlen(name, AOR_MAX + 1);
	struct aor *a;

	*err = -EINVAL;
	if (!len || len > AOR_MAX)
		return NULL;
	*err = -ENOMEM;
	a = aor_get(name, len);
	return a;
}

int location_commit(const struct location_change *c, location_done_fn *done, void *arg)
{
	int err;
	struct aor *a = aor_valid(c->aor, &err);
	struct location_job *j = a ? job_new(c, a) : NULL;

	if (j) {
		j->done = done;
		j->arg = arg;
		err = job_queue(j);
		if (!err && a->jobs != j)
			return 0;
		if (!err) {
			err = job_begin(j);
			if (!err)
				return 0;
			a->jobs = j->next;
		}
		job_free(j);
	}
	if (a)
		aor_release(a);
	return err;
}

bool location_busy(const struct aor *a)
{
	return a->jobs && !a->jobs->idle;
}

int location_wait(const char *aor, location_idle_fn *fn, void *arg)
{
	size_t len = strnlen(aor, AOR_MAX + 1);
	struct aor *a = find(aor, len, (uint32_t)hash_bytes(aor, len));
	struct location_job *j;
	int err;

	if (!a || !location_busy(a))
		return 0;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	*j = (struct location_job){ .aor = a, .idle = fn, .arg = arg };
	err = job_queue(j);
	if (!err)
		return 1;
	free(j);
	return err;
}

/* ---- all ---- */

static int each_of(uint32_t bucket, location_each_fn *fn, void *arg)
{
	int result = 0;

	for (struct aor *a = *bucket_at(bucket); a && !result; a = a->chain)
		for (struct contact *c = a->contacts; c && !result; c = c->next)
			result = fn(a, c, arg);
	return result;
}

int location_each(location_each_fn *fn, void *arg)
{
	int result = 0;

	for (uint32_t i = 0; i < loc.buckets && !result; i++)
		result = each_of(i, fn, arg);
	return result;
}

void location_walk_begin(struct location_walk *w)
{
	w->at = 0;
	loc.walks++;
}

bool location_walk(struct location_walk *w, location_each_fn *fn, void *arg)
{
	if (w->at < loc.buckets)
		each_of(w->at++, fn, arg);
	return w->at < loc.buckets;
}

void location_walk_end(struct location_walk *w)
{
	w->at = UINT32_MAX;
	loc.walks--;
}

size_t location_count(void)
{
	return loc.contacts;
}

static int load(const char *aor, const struct contact *from, void *arg)
{
	int err;
	struct aor *a;
	struct contact *c;

	if (from->until <= *(uint64_t *)arg)
		return 0;
	a = aor_valid(aor, &err);
	if (!a)
		return err;
	c = contact_copy(from, a);
	if (c)
		insert(c, *(uint64_t *)arg);
	else
		aor_release(a);
	return c ? 0 : -ENOMEM;
}

int location_load(struct store *s)
{
	uint64_t now = loop_real();

	loc.store = s;
	if (!s)
		return 0;
	/* rows that stay, on a full disk, are left out all the same */
	store_expire(s, now);
	return store_contacts(s, load, &now);
}

static void aor_free(struct aor *a)
{
	struct location_job *j;
	struct contact *c;

	while ((j = a->jobs)) {
		a->jobs = j->next;
		job_free(j);
	}
	while ((c = a->contacts)) {
		a->contacts = c->next;
		timer_stop(&c->timer);
		contact_free(c);
	}
	free(a);
}

void location_free(void)
{
	for (uint32_t i = 0; i < loc.buckets; i++) {
		struct aor *a, *next;

		for (a = *bucket_at(i); a; a = next) {
			next = a->chain;
			aor_free(a);
		}
	}
	for (unsigned int s = 0; s < SEGMENTS; s++)
		free(loc.segment[s]);
	memset(&loc, 0, sizeof(loc));
}

/* ---- names ---- */

int location_canonical(const uint8_t *buf, const struct sip_uri *uri, char *out, size_t *len)
{
	*len = sip_aor_print(buf, uri, (u8 *)out);
	out[*len] = '\0';
	return *len ? 0 : -EINVAL;
}
