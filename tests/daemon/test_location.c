/* SPDX-License-Identifier: BSD-2-Clause */
/* location.c: names, changes, ends, who waits, bounds, loading, and memory that runs out. */
#include "location_bed.h"

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
	T_OK(expires > 0, "the others go from the disk");
	T_OK(a && !strcmp(a->contacts->uri, "sip:a@192.0.2.3"), "in their order");
	pass(61000);
	T_OK(a && a->n == 1 && told == 1, "the first ends, and the store is told");
	while (answer(0))
		;
	location_free();
	n_stored = 0;
}

/* Texts that phones have in common are kept once, and no longer than by the last. */
static void test_shared(void)
{
	struct contact c = some("sip:g@192.0.2.1", 60);
	char text[LENGTH_MAX + 2];
	struct aor *a;

	begin(NULL);
	T_OK(!shared_count(), "%zu texts are left over", shared_count());
	c.params = (char *)";methods=\"INVITE\"";
	put_one("g@office.example", &c);
	put_one("h@office.example", &c);
	T_OK(shared_count() == 2, "%zu texts", shared_count());
	a = FIND("g@office.example");
	T_OK(a && !strcmp(a->contacts->user_agent, "Phone/1.0") &&
	     !strcmp(a->contacts->params, c.params), "what they say");
	memset(text, 'x', sizeof(text));
	text[LENGTH_MAX + 1] = '\0';
	c.user_agent = text;
	c.params = NULL;
	put_one("i@office.example", &c);
	a = FIND("i@office.example");
	T_OK(a && !strcmp(a->contacts->user_agent, text) && shared_count() == 2, "a long one");
	for (unsigned int i = 0; i < TEXTS_MAX + 10; i++) {
		snprintf(text, sizeof(text), "Phone/%u", i);
		put_one("j@office.example", &c);
	}
	a = FIND("j@office.example");
	T_OK(a && !strcmp(a->contacts->user_agent, text), "one too many");
	T_OK(shared_count() == TEXTS_MAX, "%zu texts", shared_count());
	location_free();
	T_OK(!shared_count(), "%zu texts stay", shared_count());
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
	T_OK(failures >= 7, "only %u allocations failed", failures);
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
	test_shared();
	test_memory();
	return t_end("location");
}
