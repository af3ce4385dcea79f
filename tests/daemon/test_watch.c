/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a reader of {"do": "registrations-watch"} gets, and when: each change once, in its order,
 * and what he was too slow for. The socket is played here, the table of locations is the real one.
 */
#include <errno.h>
#include <stdarg.h>

#include <jansson.h>

#include "control.h"
#include "location.h"
#include "log.h"
#include "loop.h"
#include "t.h"
#include "timer.h"
#include "watch.h"

#define ALICE "alice@office.example"
#define BOB "bob@office.example"

/* ---- the socket: a job is a client, which reads when the test wants ---- */

struct control_job {
	control_more_fn *more;
	control_end_fn *end;
	void *state;
	json_t *item;		/* the last */
	bool idle;
	unsigned int wakes;
};

static control_verb_fn *verb;
static int refusal;

int control_verb(const char *name, control_verb_fn *fn, void *arg)
{
	T_OK(!strcmp(name, "registrations-watch") && !arg, "%s", name);
	verb = fn;
	return 0;
}

void control_refuse(struct control_job *job, int err, const char *format, ...)
{
	(void)job, (void)format;
	refusal = err;
}

void control_answer(struct control_job *job, json_t *result)
{
	(void)job;
	json_decref(result);
	T_OK(false, "an answer that ends");
}

void control_stream(struct control_job *job, control_more_fn *more, control_end_fn *end,
		    void *state)
{
	job->more = more;
	job->end = end;
	job->state = state;
}

bool control_item(struct control_job *job, json_t *item)
{
	T_OK(!job->item, "two at once");
	job->item = item;
	return true;
}

void control_idle(struct control_job *job)
{
	job->idle = true;
}

void control_wake(struct control_job *job)
{
	job->wakes++;
}

static struct control_job *begin(const char *aor)
{
	json_t *request = aor ? json_pack("{s:s}", "aor", aor) : json_object();
	struct control_job *job = calloc(1, sizeof(*job));

	refusal = 0;
	verb(job, request, NULL);
	json_decref(request);
	T_OK(job->state || refusal, "neither begun nor refused");
	return job;
}

static void end(struct control_job *job)
{
	if (job->state)
		job->end(job->state);
	json_decref(job->item);
	free(job);
}

/* Its next item, which counts until the next one; NULL: it is told to wait. */
static const json_t *next(struct control_job *job)
{
	json_decref(job->item);
	job->item = NULL;
	job->idle = false;
	T_OK(job->more(job, job->state), "it has ended");
	T_OK(!job->item == job->idle, "neither an item nor a wait");
	return job->item;
}

static const char *word(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* Is the next item this event of this user? */
static bool got(struct control_job *job, const char *event, const char *aor)
{
	const json_t *j = next(job);

	if (!strcmp(word(j, "event"), event) && !strcmp(word(j, "aor"), aor) &&
	    strlen(word(j, "time")) == 24)
		return true;
	printf("%s of %s at %s\n", word(j, "event"), word(j, "aor"), word(j, "time"));
	return false;
}

/* A reader who was greeted. */
static struct control_job *reader(const char *aor)
{
	struct control_job *job = begin(aor);

	T_OK(got(job, "watching", ""), "the greeting");
	return job;
}

/* ---- locations ---- */

static void ignore(int err, void *arg)
{
	(void)arg;
	T_OK(!err, "commit: %d", err);
}

static uint16_t port = 5062;	/* that the phone sends from */

/* A new contact, or with @id that one again. */
static uint64_t put(const char *aor, const char *uri, uint64_t id, uint32_t seconds)
{
	struct contact c = { .uri = (char *)uri, .call_id = (char *)"c", .q = 1000, .id = id,
			     .since = loop_real() };
	const struct location_change change = { .aor = aor, .put = &c, .n_put = 1 };
	const struct aor *a;

	c.until = c.since + seconds * 1000ull;
	c.flow.remote = (struct endpoint){ .len = 4, .addr = { 192, 0, 2, 9 }, .port = port };
	T_OK(!location_commit(&change, ignore, NULL), "commit");
	a = location_find(aor, strlen(aor));
	return a ? a->contacts->id : 0;
}

static void drop(const char *aor, uint64_t id, enum gone why)
{
	const struct location_change change = { .aor = aor, .drop = &id, .n_drop = 1,
						.why = (uint8_t)why };

	T_OK(!location_commit(&change, ignore, NULL), "commit");
}

/* ---- the tests ---- */

static void test_each_change(void)
{
	struct control_job *all = begin(NULL);
	const json_t *j;
	uint64_t id;

	T_OK(got(all, "watching", "") && !json_integer_value(json_object_get(all->item,
	     "registrations")), "nobody is there");
	T_OK(!next(all) && all->wakes == 0, "nothing has happened");
	id = put(ALICE, "sip:a@192.0.2.9\x01", 0, 600);
	T_OK(all->wakes == 1 && got(all, "registered", ALICE), "%u wakes", all->wakes);
	j = all->item;
	T_OK(!strcmp(word(j, "contact"), "sip:a@192.0.2.9?") && json_object_get(j, "left") &&
	     !strcmp(word(j, "source"), "192.0.2.9:5062") && !json_object_get(j, "was"), "%s",
	     word(j, "contact"));
	put(ALICE, "sip:a@192.0.2.9\x01", id, 600);
	put(ALICE, "sip:a@192.0.2.9\x01", id, 60);
	port = 5063;
	put(ALICE, "sip:a@192.0.2.9\x01", id, 60);
	put(ALICE, "sip:moved@192.0.2.9", id, 60);
	port = 5062;
	T_OK(got(all, "refreshed", ALICE) && !json_object_get(all->item, "was"), "refreshed");
	T_OK(got(all, "shortened", ALICE), "shortened");
	T_OK(got(all, "refreshed", ALICE), "from another port");
	j = json_object_get(all->item, "was");
	T_OK(!strcmp(word(j, "source"), "192.0.2.9:5062") &&
	     !strcmp(word(all->item, "source"), "192.0.2.9:5063"), "%s", word(j, "source"));
	T_OK(got(all, "replaced", ALICE), "replaced");
	j = json_object_get(all->item, "was");
	T_OK(!strcmp(word(j, "contact"), "sip:a@192.0.2.9?") &&
	     !strcmp(word(j, "source"), "192.0.2.9:5063"), "%s", word(j, "contact"));
	drop(ALICE, id, GONE_UNREGISTERED);
	T_OK(got(all, "unregistered", ALICE) && !json_object_get(all->item, "left"), "gone");
	id = put(BOB, "sip:b@192.0.2.9", 0, 600);
	drop(BOB, id, GONE_ADMIN);
	T_OK(got(all, "registered", BOB) && got(all, "removed", BOB) && !next(all), "both of bob");
	end(all);
}

static void test_expired(void)
{
	struct control_job *all = reader(NULL);

	put(ALICE, "sip:a@192.0.2.9", 0, 1);
	T_OK(got(all, "registered", ALICE) && !next(all), "registered");
	for (int i = 0; i < 200; i++) {
		loop_set_now(loop_now() + 10);
		timer_run(loop_now());
	}
	T_OK(got(all, "expired", ALICE) && !next(all), "expired");
	end(all);
}

static void test_of_one(void)
{
	struct control_job *all = reader(NULL), *one = reader(BOB);
	uint64_t a = put(ALICE, "sip:a@192.0.2.9", 0, 600), b = put(BOB, "sip:b@192.0.2.9", 0, 600);

	T_OK(got(one, "registered", BOB) && !next(one), "of bob alone");
	T_OK(got(all, "registered", ALICE) && got(all, "registered", BOB) && !next(all), "of both");
	end(one);
	/* who comes later is told what is there by its number alone */
	one = begin(NULL);
	T_OK(got(one, "watching", "") && json_integer_value(json_object_get(one->item,
	     "registrations")) == 2 && !next(one), "what was before");
	drop(ALICE, a, GONE_ADMIN);
	drop(BOB, b, GONE_ADMIN);
	end(one);
	end(all);
}

/* Who does not read loses the oldest, and is told how many. */
static void test_lost(void)
{
	struct control_job *slow = reader(NULL), *never = begin(BOB);
	uint64_t id = put(ALICE, "sip:a@192.0.2.9", 0, 6000);
	unsigned int n = 0;

	for (unsigned int i = 0; i < WATCH_EVENTS + 4; i++)
		put(ALICE, "sip:a@192.0.2.9", id, 6000);
	T_OK(got(slow, "lost", "") && json_integer_value(json_object_get(slow->item, "n")) == 5,
	     "%s", json_dumps(slow->item, JSON_COMPACT));
	for (unsigned int i = 0; i <= WATCH_EVENTS && next(slow); i++)
		n += !strcmp(word(slow->item, "event"), "refreshed");
	T_OK(n == WATCH_EVENTS, "%u of %u", n, WATCH_EVENTS);
	put(ALICE, "sip:a@192.0.2.9", id, 6000);
	T_OK(got(slow, "refreshed", ALICE) && !next(slow), "then nothing is lost");
	T_OK(got(never, "watching", "") && got(never, "lost", "") && !next(never), "of bob");
	drop(ALICE, id, GONE_ADMIN);
	end(never);
	end(slow);
}

static void test_limit(void)
{
	struct control_job *job[WATCH_READERS], *more;

	for (unsigned int i = 0; i < WATCH_READERS; i++)
		job[i] = reader(i % 2 ? ALICE : NULL);
	T_OK(watch_readers() == WATCH_READERS, "%zu", watch_readers());
	more = begin(NULL);
	T_OK(refusal == -EBUSY && !more->state, "one too many: %d", refusal);
	end(more);
	end(job[7]);
	job[7] = reader(NULL);
	put(ALICE, "sip:a@192.0.2.9", 0, 1);
	for (unsigned int i = 0; i < WATCH_READERS; i++) {
		T_OK(job[i]->wakes == 1 && got(job[i], "registered", ALICE), "%u: %u wakes", i,
		     job[i]->wakes);
		end(job[i]);
	}
	T_OK(!watch_readers(), "%zu", watch_readers());
}

/* All the hooks of the table are free again: without a reader nothing looks at a change. */
static void a_hook(const struct aor *a, const struct contact *was, const struct contact *now,
		   enum gone why)
{
	(void)a, (void)was, (void)now, (void)why;
}

static void test_without_readers(void)
{
	struct control_job *job;
	unsigned int n = 0;

	while (!location_hook(a_hook))
		n++;
	T_OK(n == 12, "%u hooks", n);
	job = begin(NULL);
	T_OK(refusal == -ENOMEM && !job->state && !watch_readers(), "no hook is left");
	end(job);
	while (n--)
		location_unhook(a_hook);
}

int main(void)
{
	log_setup(LOG_LEVEL_FATAL);
	loop_set_now(1000000);
	timer_run(1000000);
	T_OK(!location_load(NULL) && !watch_open() && verb, "open");
	test_each_change();
	test_expired();
	test_of_one();
	test_lost();
	test_limit();
	test_without_readers();
	location_free();
	return t_end("watch");
}
