/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command is told about locations, and what it may remove. The socket is a double. */
#include <errno.h>
#include <stdarg.h>
#include <time.h>

#include <jansson.h>

#include "control.h"
#include "history.h"
#include "location.h"
#include "loop.h"
#include "registrations.h"
#include "t.h"

/* ---- control ---- */

static struct {
	const char *name;
	control_verb_fn *fn;
	void *arg;
} verbs[8];
static unsigned int n_verbs, items_at_once = 1000, pauses;
static json_t *items, *result;
static int refusal;
static char said[256];

int control_verb(const char *name, control_verb_fn *fn, void *arg)
{
	verbs[n_verbs].name = name;
	verbs[n_verbs].fn = fn;
	verbs[n_verbs++].arg = arg;
	return 0;
}

void control_answer(struct control_job *job, json_t *r)
{
	(void)job;
	result = r ? r : json_null();
}

void control_refuse(struct control_job *job, int err, const char *format, ...)
{
	va_list ap;

	(void)job;
	va_start(ap, format);
	vsnprintf(said, sizeof(said), format, ap);
	va_end(ap);
	refusal = err;
}

bool control_item(struct control_job *job, json_t *item)
{
	(void)job;
	json_array_append_new(items, item);
	return json_array_size(items) % items_at_once;
}

static void (*between)(void);

void control_stream(struct control_job *job, control_more_fn *more, control_end_fn *end,
		    void *state)
{
	while (more(job, state)) {
		pauses++;
		if (between)
			between();
	}
	end(state);
}

static void ask(json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "do"));

	json_decref(items);
	json_decref(result);
	items = json_array();
	result = NULL;
	refusal = 0;
	pauses = 0;
	for (unsigned int i = 0; i < n_verbs; i++)
		if (!strcmp(verbs[i].name, name))
			verbs[i].fn(NULL, request, verbs[i].arg);
	json_decref(request);
}

/* ---- locations ---- */

static void ignore(int err, void *arg)
{
	(void)arg;
	T_OK(!err, "commit: %d", err);
}

static void put(const char *aor, const char *uri)
{
	struct timespec now;
	struct contact c = { .uri = (char *)uri, .call_id = (char *)"c", .q = 500 };
	const struct location_change change = { .aor = aor, .put = &c, .n_put = 1 };

	clock_gettime(CLOCK_REALTIME, &now);
	c.since = (uint64_t)now.tv_sec * 1000;
	c.until = c.since + 60500;
	c.flow.remote = (struct endpoint){ .len = 4, .addr = { 192, 0, 2, 9 }, .port = 5062 };
	T_OK(!location_commit(&change, ignore, NULL), "commit");
}

static const char *text(size_t item, const char *key)
{
	const char *s = json_string_value(json_object_get(json_array_get(items, item), key));

	return s ? s : "";
}

static void test_list(void)
{
	json_t *item;

	ask(json_pack("{s:s}", "do", "registrations"));
	T_OK(!json_array_size(items) && !refusal, "nobody");
	put("a@office.example", "sip:a@192.0.2.1\x01");
	put("b@office.example", "sip:b@192.0.2.2");
	put("b@office.example", "sip:b@192.0.2.3");
	ask(json_pack("{s:s}", "do", "registrations"));
	T_OK(json_array_size(items) == 3, "%zu contacts", json_array_size(items));
	ask(json_pack("{s:s, s:s}", "do", "registrations", "aor", "a@office.example"));
	T_OK(json_array_size(items) == 1, "of one user");
	item = json_array_get(items, 0);
	T_OK(!strcmp(text(0, "aor"), "a@office.example"), "its name");
	T_OK(!strcmp(text(0, "contact"), "sip:a@192.0.2.1?"), "cleaned: %s", text(0, "contact"));
	T_OK(!strcmp(text(0, "source"), "192.0.2.9:5062"), "its source: %s", text(0, "source"));
	T_OK(!strcmp(text(0, "origin"), "main") && !strcmp(text(0, "zone"), "inside"), "origin");
	T_OK(json_integer_value(json_object_get(item, "left")) > 50 &&
	     json_integer_value(json_object_get(item, "left")) <= 60, "left");
	T_OK(json_real_value(json_object_get(item, "q")) == 0.5, "q");
	ask(json_pack("{s:s, s:s}", "do", "registrations", "aor", "nobody@office.example"));
	T_OK(!json_array_size(items) && !refusal, "of nobody");
}

static unsigned int more_users;

static void others_come(void)
{
	char aor[32];

	for (int i = 0; i < 20; i++) {
		snprintf(aor, sizeof(aor), "y%u@office.example", more_users++);
		put(aor, "sip:y@192.0.2.1");
	}
}

/* Piece by piece, while others register: who was there is listed once. */
static void test_pieces(void)
{
	char aor[32];
	unsigned int seen[2000] = { 0 }, wrong = 0;

	for (unsigned int i = 0; i < 2000; i++) {
		snprintf(aor, sizeof(aor), "x%u@office.example", i);
		put(aor, "sip:x@192.0.2.1");
	}
	items_at_once = 10;
	between = others_come;
	ask(json_pack("{s:s}", "do", "registrations"));
	between = NULL;
	items_at_once = 1000;
	T_OK(pauses > 100, "%u pauses", pauses);
	for (size_t i = 0; i < json_array_size(items); i++)
		if (*text(i, "aor") == 'x')
			seen[atoi(text(i, "aor") + 1)]++;
	for (unsigned int i = 0; i < 2000; i++)
		wrong += seen[i] != 1;
	T_OK(!wrong, "%u users are listed twice or not at all", wrong);
}

static int removed(void)
{
	return (int)json_integer_value(json_object_get(result, "removed"));
}

static void test_remove(void)
{
	json_int_t id;

	ask(json_pack("{s:s}", "do", "registration-remove"));
	T_OK(refusal == -EINVAL, "of whom");
	ask(json_pack("{s:s, s:s}", "do", "registration-remove", "aor", "nobody@office.example"));
	T_OK(refusal == -ENOENT && strstr(said, "not registered"), "of nobody: %s", said);
	ask(json_pack("{s:s, s:s, s:s}", "do", "registration-remove", "aor", "b@office.example",
		      "contact", "sip:b@192.0.2.4"));
	T_OK(refusal == -ENOENT && strstr(said, "no such contact"), "another contact: %s", said);
	ask(json_pack("{s:s, s:s, s:s}", "do", "registration-remove", "aor", "b@office.example",
		      "contact", "sip:b@192.0.2.2"));
	T_OK(!refusal && removed() == 1, "by its URI");
	ask(json_pack("{s:s, s:s}", "do", "registrations", "aor", "b@office.example"));
	T_OK(json_array_size(items) == 1 && !strcmp(text(0, "contact"), "sip:b@192.0.2.3"),
	     "the other stays");
	id = json_integer_value(json_object_get(json_array_get(items, 0), "id"));
	ask(json_pack("{s:s, s:s, s:I}", "do", "registration-remove", "aor", "b@office.example",
		      "contact", id + 1));
	T_OK(refusal == -ENOENT, "another id");
	ask(json_pack("{s:s, s:s, s:I}", "do", "registration-remove", "aor", "b@office.example",
		      "contact", id));
	T_OK(removed() == 1 && !location_find("b@office.example", 16), "by its id");
	for (int i = 0; i < 150; i++)
		put("c@office.example", "sip:c@192.0.2.1");
	ask(json_pack("{s:s, s:s}", "do", "registration-remove", "aor", "c@office.example"));
	T_OK(removed() == 150 && !location_find("c@office.example", 16), "%d of many", removed());
}

static const char *last(const char *part, const char *key)
{
	const char *s = json_string_value(json_object_get(json_object_get(result, part), key));

	return s ? s : "";
}

/* Why the last one went, and the newer of the last grant and the last refusal. */
static void test_last(void)
{
	struct rx rx = { .flow.remote = { .len = 4, .addr = { 192, 0, 2, 8 }, .port = 5060 } };

	ask(json_pack("{s:s, s:s}", "do", "registration-last", "aor", "d@office.example"));
	T_OK(json_is_object(result) && !json_object_size(result), "of nobody");
	ask(json_pack("{s:s, s:s}", "do", "registration-last", "aor", "b@office.example"));
	T_OK(!strcmp(last("removed", "why"), "removed") && !json_object_get(result, "result") &&
	     !strcmp(last("removed", "contact"), "sip:b@192.0.2.3"), "%s",
	     last("removed", "why"));
	put("d@office.example", "sip:d@192.0.2.1");
	loop_set_now(loop_now() + 1000);
	history_refused("d@office.example", &rx, 403, "No\n");
	ask(json_pack("{s:s, s:s}", "do", "registration-last", "aor", "d@office.example"));
	T_OK(!strcmp(last("result", "phrase"), "No?") && !json_object_get(result, "removed") &&
	     !strcmp(last("result", "source"), "192.0.2.8:5060"), "%s", last("result", "phrase"));
	loop_set_now(loop_now() + 1000);
	put("d@office.example", "sip:d@192.0.2.2");
	ask(json_pack("{s:s, s:s}", "do", "registration-last", "aor", "d@office.example"));
	T_OK(!strcmp(last("result", "phrase"), "OK"), "%s", last("result", "phrase"));
	ask(json_pack("{s:s, s:s}", "do", "registrations", "aor", "d@office.example"));
	T_OK(json_integer_value(json_object_get(json_array_get(items, 0), "age")) +
	     json_integer_value(json_object_get(json_array_get(items, 1), "age")) == 2, "ages");
}

int main(void)
{
	loop_set_now(1000000);
	timer_run(1000000);
	T_OK(!location_load(NULL) && !registrations_open(NULL) && n_verbs == 4 &&
	     !history_open(), "open");
	test_list();
	test_pieces();
	test_remove();
	test_last();
	history_free();
	json_decref(items);
	json_decref(result);
	location_free();
	return t_end("registrations");
}
