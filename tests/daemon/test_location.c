/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * location.c, with a store that answers when and what the test wants, and with memory that runs out
 * where the test wants.
 */
#include <errno.h>
#include <stdlib.h>

static long alloc_left = -1;	/* allocations until one fails; -1: none does */

static int alloc_fails(void)
{
	return alloc_left >= 0 && alloc_left-- == 0;
}

static void *test_malloc(size_t n)
{
	return alloc_fails() ? NULL : malloc(n);
}

static void *test_calloc(size_t n, size_t size)
{
	return alloc_fails() ? NULL : calloc(n, size);
}

#define malloc(n) test_malloc(n)
#define calloc(n, size) test_calloc(n, size)
#include "../../daemon/location.c"
#undef malloc
#undef calloc

#include "t.h"

/* ---- the store ---- */

struct pending {
	store_done_fn *done;
	void *arg;
};
static struct pending pending[100000];
static size_t first, last;
static int refuse;		/* what store_change() returns */
static uint64_t next_id = 1;
static unsigned int told;

int store_change(struct store *s, const struct location_change *c, store_done_fn *done, void *arg)
{
	(void)s;
	(void)c;
	if (refuse)
		return refuse;
	told++;
	pending[last++] = (struct pending){ done, arg };
	return 0;
}

uint64_t store_next_id(struct store *s)
{
	(void)s;
	return next_id++;
}

static bool answer(int result)
{
	struct pending p = pending[first];

	if (first == last)
		return false;
	if (++first == last)
		first = last = 0;
	p.done(result, p.arg);
	return true;
}

static const struct contact *stored;
static size_t n_stored;
static const char *stored_aor = "stored@office.example";

int store_contacts(struct store *s, store_contact_fn *fn, void *arg)
{
	int err = 0;

	(void)s;
	for (size_t i = 0; i < n_stored && !err; i++)
		err = fn(stored_aor, &stored[i], arg);
	return err;
}

static uint64_t boot = 1000000;

static void begin(struct store *s)
{
	loop_set_now(boot);
	timer_run(boot);
	first = last = told = 0;
	refuse = 0;
	T_OK(!location_load(s), "load");
}

static void pass(uint64_t ms)
{
	boot += ms;
	loop_set_now(boot);
	timer_run(boot);
}

#define STORE ((struct store *)&next_id)

static struct contact some(const char *uri, uint32_t seconds)
{
	uint64_t now = real_now();

	return (struct contact){
		.uri = (char *)uri, .call_id = (char *)"a84b4c76e66710@phone.example",
		.user_agent = (char *)"Phone/1.0", .since = now, .until = now + seconds * 1000ull,
		.q = 1000,
	};
}

static int results[16];
static unsigned int n_results;

static void note(int result, void *arg)
{
	(void)arg;
	results[n_results++ % 16] = result;
}

static int put_one(const char *aor, const struct contact *c)
{
	const struct location_change change = { .aor = aor, .put = c, .n_put = 1 };

	return location_commit(&change, note, NULL);
}

static int drop_one(const char *aor, uint64_t id)
{
	const struct location_change change = {
		.aor = aor, .drop = &id, .n_drop = 1, .why = GONE_UNREGISTERED,
	};

	return location_commit(&change, note, NULL);
}

#define FIND(name) location_find(name, strlen(name))

/* ---- names ---- */

static void canonical(const char *text, const char *want)
{
	char out[AOR_MAX + 1] = "";
	struct sip_uri uri;
	size_t len = 0;
	int err = sip_uri_parse((const u8 *)text, sip_slice(0, (u32)strlen(text)), &uri);

	T_OK(!err, "%s does not parse: %d", text, err);
	if (err)
		return;
	err = location_canonical((const u8 *)text, &uri, out, &len);
	T_OK(err == (want ? 0 : -EINVAL), "%s gives %d", text, err);
	if (want)
		T_OK(!strcmp(out, want) && len == strlen(want), "%s gives %s", text, out);
}

static void test_canonical(void)
{
	char text[400];

	canonical("sip:alice@Office.Example", "alice@office.example");
	canonical("sips:alice@office.example:5061;transport=tcp?Subject=x", "alice@office.example");
	canonical("sip:%61li%63e@office.example", "alice@office.example");
	canonical("sip:Alice@office.example", "Alice@office.example");
	canonical("sip:a%40b@office.example", "a%40b@office.example");
	canonical("sip:a%4ab%2fc%00@office.example", "aJb/c%00@office.example");
	canonical("sip:a%c3%a9@office.example", "a%C3%A9@office.example");
	canonical("sip:alice:secret@office.example", "alice@office.example");
	canonical("sip:alice@office.example.", "alice@office.example");
	canonical("sip:+49123;phone-context=x@192.0.2.1:5070", "+49123;phone-context=x@192.0.2.1");
	canonical("sip:a@[2001:DB8:0:0::1]:5060", "a@2001:db8:0:0::1");
	canonical("sip:office.example", NULL);
	canonical("tel:+49123", NULL);
	canonical("mailto:alice@office.example", NULL);
	snprintf(text, sizeof(text), "sip:%0240d@office.example", 1);
	canonical(text, text + 4);
	snprintf(text, sizeof(text), "sip:%0241d@office.example", 1);
	canonical(text, NULL);
}

/* ---- changes ---- */

static void test_order(void)
{
	struct contact c = some("sip:alice@192.0.2.1", 60);
	struct aor *a;

	begin(NULL);
	T_OK(!FIND("alice@office.example"), "found in an empty table");
	c.q = 500;
	T_OK(!put_one("alice@office.example", &c), "first");
	c.q = 1000;
	c.uri = (char *)"sip:alice@192.0.2.2";
	T_OK(!put_one("alice@office.example", &c), "second");
	c.q = 500;
	c.since++;
	c.uri = (char *)"sip:alice@192.0.2.3";
	T_OK(!put_one("alice@office.example", &c), "third");
	a = FIND("alice@office.example");
	T_OK(a && a->n == 3 && location_count() == 3, "three contacts");
	if (!a)
		return;
	T_OK(a->contacts->id == 2, "the highest q is first");
	T_OK(a->contacts->next->id == 3, "then the newest");
	T_OK(a->contacts->next->next->id == 1, "then the older one");
	T_OK(!drop_one("alice@office.example", 2) && a->contacts->id == 3, "the first goes");
	T_OK(location_left(a->contacts) > 59000 && location_left(a->contacts) <= 60000, "left");
	pass(59000);
	T_OK(a->n == 2, "not early");
	pass(1020);
	T_OK(!FIND("alice@office.example") && !location_count(), "both have ended");
	location_free();
}

/* A change is in the table when the disk has it, and not before. */
static void test_durable(void)
{
	struct contact c = some("sip:bob@192.0.2.1", 60);
	struct aor *a;

	begin(STORE);
	n_results = 0;
	T_OK(!put_one("bob@office.example", &c) && !n_results, "waits");
	T_OK(!FIND("bob@office.example") && !location_count(), "not there before the disk");
	answer(-ENOSPC);
	T_OK(n_results == 1 && results[0] == -ENOSPC, "the error is told");
	T_OK(!FIND("bob@office.example"), "nothing happened");
	T_OK(!put_one("bob@office.example", &c), "again");
	answer(0);
	a = FIND("bob@office.example");
	T_OK(a && n_results == 2 && !results[1], "there");
	if (!a)
		return;
	refuse = -EBUSY;
	c.id = a->contacts->id;
	c.uri = (char *)"sip:bob@192.0.2.9";
	T_OK(put_one("bob@office.example", &c) == -EBUSY && n_results == 2, "a full queue");
	T_OK(!location_busy(a) && !strcmp(a->contacts->uri, "sip:bob@192.0.2.1"), "as before");
	refuse = 0;
	T_OK(!put_one("bob@office.example", &c) && location_busy(a), "renewal");
	answer(0);
	T_OK(a->n == 1 && !strcmp(a->contacts->uri, "sip:bob@192.0.2.9"), "renewed");
	T_OK(!location_busy(a), "idle");
	location_free();
}

/* The end of a contact while its renewal is on the way: neither lost nor kept too long. */
static void test_renewal_at_end(void)
{
	struct contact c = some("sip:carol@192.0.2.1", 10);
	struct aor *a;

	begin(STORE);
	T_OK(!put_one("carol@office.example", &c) && answer(0), "registered");
	a = FIND("carol@office.example");
	T_OK(a != NULL, "there");
	if (!a)
		return;
	pass(9990);
	c.id = a->contacts->id;
	c.until += 30000;
	T_OK(!put_one("carol@office.example", &c), "renewal");
	pass(500);
	T_OK(a->n == 1, "still there: a renewal is under way");
	answer(0);
	pass(500);
	T_OK(a->n == 1, "renewed");
	c.until += 30000;
	T_OK(!put_one("carol@office.example", &c), "another renewal");
	pass(60000);
	answer(-EIO);
	pass(200);
	T_OK(!FIND("carol@office.example"), "a failed renewal does not keep it");
	while (answer(0))
		;
	location_free();
}

static unsigned int order[8], n_order;
static struct contact waiting;

static void waited(void *arg)
{
	unsigned int n = (unsigned int)(uintptr_t)arg;
	struct aor *a = FIND("dave@office.example");

	order[n_order++ % 8] = n;
	T_OK(!a || !location_busy(a), "nothing is on its way");
	if (n == 1)
		T_OK(!put_one("dave@office.example", &waiting), "commit of the first who waits");
}

static void test_wait(void)
{
	begin(STORE);
	waiting = some("sip:dave@192.0.2.1", 60);
	n_order = 0;
	T_OK(location_wait("dave@office.example", waited, NULL) == 0, "idle");
	T_OK(!put_one("dave@office.example", &waiting), "first");
	T_OK(location_wait("dave@office.example", waited, (void *)1) == 1, "one waits");
	T_OK(location_wait("dave@office.example", waited, (void *)2) == 1, "another waits");
	T_OK(!put_one("dave@office.example", &waiting), "second");
	answer(0);
	T_OK(!n_order, "the second change comes before who waits");
	answer(0);
	T_OK(n_order == 1 && order[0] == 1, "the first who waits");
	answer(0);
	T_OK(n_order == 2 && order[1] == 2, "the other one, after what the first one did");
	T_OK(!location_wait("dave@office.example", waited, NULL), "idle again");
	location_free();
	/* without a store all of it happens at once */
	begin(NULL);
	T_OK(!put_one("dave@office.example", &waiting) && location_count() == 1, "at once");
	location_free();
}

static void test_bounds(void)
{
	char name[300];
	struct contact c = some("sip:x@192.0.2.1", 60);
	int ok = 0;

	begin(STORE);
	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	T_OK(put_one(name, &c) == -EINVAL, "a name that is too long");
	T_OK(put_one("", &c) == -EINVAL, "an empty name");
	name[255] = '\0';
	T_OK(!put_one(name, &c), "a long name");
	while (answer(0))
		;
	T_OK(FIND(name) != NULL, "is found");
	while (ok < 1000 && !put_one("eve@office.example", &c))
		ok++;
	T_OK(ok == JOBS_MAX, "%d changes of one user wait", ok);
	while (answer(0))
		;
	T_OK(FIND("eve@office.example") && FIND("eve@office.example")->n == JOBS_MAX, "all done");
	location_free();
}

static void test_load(void)
{
	struct contact list[3] = {
		some("sip:a@192.0.2.1", 60), some("sip:a@192.0.2.2", 0),
		some("sip:a@192.0.2.3", 90),
	};
	struct aor *a;

	for (int i = 0; i < 3; i++)
		list[i].id = 10 + (uint64_t)i;
	list[1].until -= 5;
	stored = list;
	n_stored = 3;
	begin(STORE);
	a = FIND("stored@office.example");
	T_OK(a && a->n == 2, "those that have not ended");
	T_OK(a && !strcmp(a->contacts->uri, "sip:a@192.0.2.3"), "in their order");
	pass(61000);
	T_OK(a && a->n == 1 && told == 1, "the first ends, and the store is told");
	while (answer(0))
		;
	location_free();
	n_stored = 0;
}

/* ---- memory that runs out ---- */

static int sweep_step(int step, long n)
{
	struct contact c[2] = { some("sip:f@192.0.2.1", 60), some("sip:f@192.0.2.2", 60) };
	const uint64_t drops[] = { 1 };
	struct location_change change = { .aor = "f@office.example", .put = c, .n_put = 2 };
	int err;

	if (step) {
		c[0].id = 2;
		c[1].path = (char *)"<sip:p.example;lr>";
		change.drop = drops;
		change.n_drop = 1;
	}
	alloc_left = n;
	err = location_commit(&change, note, NULL);
	while (answer(0))
		;
	alloc_left = -1;
	return err;
}

/* Each allocation fails once: the change happens as a whole or not at all, and the store agrees. */
static void test_memory(void)
{
	unsigned int failures = 0;

	for (int step = 0; step < 2; step++) {
		for (long n = 0, err = -1; err; n++) {
			size_t count;
			unsigned int was;

			begin(STORE);
			next_id = 1;
			if (step)
				T_OK(!sweep_step(0, -1), "prepare");
			count = location_count();
			was = told;
			err = sweep_step(step, n);
			T_OK(!err || err == -ENOMEM, "result %ld", err);
			T_OK(!err == (told == was + 1), "the store was told only of what was begun");
			T_OK(location_count() == (err ? count : 2), "%zu contacts after %ld",
			     location_count(), err);
			T_OK(loc.aors == (location_count() ? 1 : 0), "%zu AORs", loc.aors);
			failures += err != 0;
			location_free();
		}
	}
	T_OK(failures >= 9, "only %u allocations failed", failures);
}

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
	pass(61000);
	T_OK(!location_count() && !loc.aors, "all ended");
	location_free();
}

int main(void)
{
	test_canonical();
	test_order();
	test_durable();
	test_renewal_at_end();
	test_wait();
	test_bounds();
	test_load();
	test_memory();
	test_model(30000);
	test_many(70000);
	return t_end("location");
}
