/* SPDX-License-Identifier: BSD-2-Clause */
/* location.c against a model that is kept by its hooks, and with many users. */
#include "location_bed.h"

/* ---- against a model ---- */

#define USERS 12
#define MODEL_MAX 4096

struct entry {
	uint64_t id, since, end;	/* end: of the loop's clock */
	unsigned int user;
	uint16_t q;
};
static struct entry model[MODEL_MAX];
static size_t n_model;
static unsigned int busy[USERS], waits, called, expired;
static uint64_t idle_since[USERS];
static uint32_t seed = 20;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static struct entry *model_find(uint64_t id)
{
	for (size_t i = 0; i < n_model; i++)
		if (model[i].id == id)
			return &model[i];
	return NULL;
}

/* The hooks keep the model; what they say must be possible. */
static void watch(const struct aor *a, const struct contact *was, const struct contact *now,
		  enum gone why)
{
	unsigned int user = (unsigned int)atoi(a->name + 1);
	struct entry *e = was ? model_find(was->id) : NULL;

	T_OK(was || now, "something changed");
	T_OK(!was == !e, "what was, was known");
	T_OK(!was || !now || was->id == now->id, "a renewal keeps its id");
	if (now && !e)
		e = &model[n_model++];
	if (now) {
		*e = (struct entry){ now->id, now->since, boot + location_left(now), user, now->q };
	} else if (e) {
		T_OK(why != GONE_EXPIRED || (e->end <= boot && !busy[user]), "ended early");
		expired += why == GONE_EXPIRED;
		*e = model[--n_model];
	}
}

struct change {
	unsigned int user;
	uint32_t n_put, n_drop;
	uint64_t drops[2], puts[2];
};

static void changed(int result, void *arg)
{
	struct change *c = arg;

	busy[c->user]--;
	idle_since[c->user] = boot;
	for (uint32_t i = 0; !result && i < c->n_drop; i++)
		T_OK(!model_find(c->drops[i]), "a dropped contact is there");
	for (uint32_t i = 0; !result && i < c->n_put; i++)
		T_OK(!c->puts[i] || model_find(c->puts[i]), "a renewed contact is not there");
	free(c);
}

static void user_name(unsigned int user, char name[static 32])
{
	snprintf(name, 32, "u%u@office.example", user);
}

static void model_idle(void *arg)
{
	called++;
	T_OK(!busy[(uintptr_t)arg], "called while a change is on its way");
}

static uint64_t any_id(unsigned int user)
{
	size_t n = n_model ? rnd((uint32_t)n_model) : 0;

	return n_model && model[n].user == user ? model[n].id : 0;
}

static void model_commit(unsigned int user)
{
	struct contact puts[2];
	struct change *c = calloc(1, sizeof(*c));
	char name[32];
	struct location_change change = { .aor = name, .put = puts, .drop = c->drops };

	user_name(user, name);
	c->user = user;
	c->n_put = change.n_put = rnd(3);
	for (uint32_t i = 0; i < c->n_put; i++) {
		puts[i] = some("sip:u@192.0.2.1", 0);
		puts[i].until += 1 + rnd(3000);
		puts[i].since = rnd(4);
		puts[i].q = (uint16_t)(rnd(3) * 500);
		puts[i].id = c->puts[i] = i ? 0 : any_id(user);
	}
	c->drops[0] = any_id(user);
	c->n_drop = change.n_drop = c->drops[0] && c->drops[0] != c->puts[0];
	change.why = GONE_UNREGISTERED;
	busy[user]++;
	if (location_commit(&change, changed, c)) {
		busy[user]--;
		free(c);
	}
}

static bool model_before(const struct entry *a, const struct entry *b)
{
	if (a->q != b->q)
		return a->q > b->q;
	return a->since != b->since ? a->since > b->since : a->id > b->id;
}

/* A contact of an idle user is gone soon after its end, a busy user's soon after the change. */
static bool lingers(const struct entry *e)
{
	uint64_t from = e->end > idle_since[e->user] ? e->end : idle_since[e->user];

	return !busy[e->user] && from + RETRY_MS + 20 < boot;
}

/* Every contact of the table is in the model, in the right order, and the other way round. */
static void compare(void)
{
	size_t n = 0, wrong = 0;

	for (unsigned int user = 0; user < USERS; user++) {
		const struct entry *prev = NULL;
		char name[32];
		struct aor *a;

		user_name(user, name);
		a = FIND(name);
		for (struct contact *c = a ? a->contacts : NULL; c; c = c->next, n++) {
			struct entry *e = model_find(c->id);

			wrong += !e || e->user != user || lingers(e) ||
				 (prev && !model_before(prev, e));
			prev = e;
		}
	}
	T_OK(!wrong, "%zu contacts are unknown, in a wrong place, or past their end", wrong);
	T_OK(n == n_model && n == location_count(), "%zu contacts, the model has %zu", n, n_model);
}

static void model_step(void)
{
	unsigned int user = rnd(USERS);
	char name[32];

	switch (rnd(5)) {
	case 0:
		refuse = rnd(8) ? 0 : -EBUSY;
		model_commit(user);
		refuse = 0;
		break;
	case 1:
		model_commit(user);
		break;
	case 2:
		answer(rnd(4) ? 0 : -EIO);
		break;
	case 3:
		/* in steps: who waits for the end of a change is asked again each 100 ms */
		for (uint32_t left = rnd(40); left; left--)
			pass(10);
		break;
	default:
		user_name(user, name);
		waits += location_wait(name, model_idle, (void *)(uintptr_t)user) == 1;
		while (rnd(3))
			answer(rnd(10) ? 0 : -EIO);
	}
}

static void test_model(unsigned int steps)
{
	begin(STORE);
	T_OK(!location_hook(watch), "hook");
	for (unsigned int i = 0; i < steps; i++) {
		alloc_left = rnd(20) ? -1 : (long)rnd(6);
		model_step();
		alloc_left = -1;
		compare();
	}
	while (answer(0))
		;
	for (int i = 0; i < 400; i++)
		pass(10);
	while (answer(0))
		;
	compare();
	T_OK(!location_count() && !loc.aors, "%zu contacts, %zu AORs stay", location_count(), loc.aors);
	T_OK(waits == called && waits > 10, "%u waited, %u were called", waits, called);
	T_OK(expired > 100, "only %u ended", expired);
	location_free();
}

/* ---- many ---- */

static int count_each(const struct aor *a, const struct contact *c, void *arg)
{
	(void)a;
	(void)c;
	++*(size_t *)arg;
	return 0;
}

static int count_old(const struct aor *a, const struct contact *c, void *arg)
{
	(void)c;
	*(size_t *)arg += a->name[0] == 'u';
	return 0;
}

/* Users that come during a walk do not make it see others twice; the table catches up later. */
static void walk_all(uint32_t n)
{
	struct contact c = some("sip:u@192.0.2.1", 60);
	struct location_walk w;
	uint32_t before = loc.buckets, more = 0;
	size_t old = 0;
	char name[32];

	location_walk_begin(&w);
	while (location_walk(&w, count_old, &old)) {
		if (more == 3000)
			continue;
		snprintf(name, sizeof(name), "x%u@office.example", more++);
		put_one(name, &c);
	}
	location_walk_end(&w);
	T_OK(old == n, "%zu of %u seen", old, n);
	T_OK(loc.buckets == before, "the table moved");
	for (uint32_t i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "y%u@office.example", i);
		put_one(name, &c);
	}
	T_OK(loc.buckets >= location_count() - 1, "%u buckets for %zu", loc.buckets,
	     location_count());
}

static void test_many(uint32_t n)
{
	struct contact c = some("sip:u@192.0.2.1", 60);
	size_t seen = 0, missing = 0;
	char name[32];

	begin(NULL);
	for (uint32_t i = 0; i < n; i++) {
		user_name(i, name);
		put_one(name, &c);
	}
	T_OK(location_count() == n && loc.buckets == n, "%u buckets", loc.buckets);
	for (uint32_t i = 0; i < n; i++) {
		user_name(i, name);
		missing += !FIND(name);
	}
	T_OK(!missing, "%zu not found", missing);
	location_each(count_each, &seen);
	T_OK(seen == n, "%zu of %u seen", seen, n);
	walk_all(n);
	pass(61000);
	T_OK(!location_count() && !loc.aors, "all ended");
	location_free();
}

int main(void)
{
	test_model(30000);
	test_many(70000);
	return t_end("location_model");
}
