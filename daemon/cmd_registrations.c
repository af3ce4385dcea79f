/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callgate registrations: what callgated has, when it runs, and what the kernel saw pass. Both
 * lists come in pieces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_registrations.h"
#include "control.h"
#include "json.h"
#include "kernel.h"
#include "text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- what the kernel saw ---- */

static const char *const binding_heads[] = {
	"USER", "CONTACT", "INSIDE", "PUBLIC", "REGISTRAR", ">SINCE", ">LEFT",
};

static int binding_row(const struct binding *b, void *arg)
{
	char in[TEXT_ENDPOINT], pub[TEXT_ENDPOINT], reg[TEXT_ENDPOINT];
	char since[TEXT_TIME], left[TEXT_TIME];

	table_row(arg, (const char *const[]){
		b->aor, b->contact, text_endpoint(&b->inside, in), text_endpoint(&b->public, pub),
		text_endpoint(&b->registrar, reg), text_duration(text_age(b->since), since),
		text_duration(text_left(b->expires), left) });
	return 0;
}

/* Items of a JSON list, each printed as it comes. */
struct items {
	size_t n;
};

static void print_item(struct items *i, const json_t *item)
{
	fputs(i->n++ ? ",\n    " : "\n    ", stdout);
	json_dumpf(item, stdout, JSON_COMPACT);
}

static int binding_json(const struct binding *b, void *arg)
{
	json_t *j = json_model(&model_binding, b);

	print_item(arg, j);
	json_decref(j);
	return 0;
}

/* ---- what callgated has ---- */

static const char *const location_heads[] = {
	"USER", "CONTACT", "SOURCE", "ORIGIN", ">Q", ">LEFT", "AGENT", ">ID",
};

static int location_row(const json_t *item, void *arg)
{
	char q[16], left[TEXT_TIME], id[24];

	snprintf(q, sizeof(q), "%.3g", json_real_value(json_object_get(item, "q")));
	snprintf(id, sizeof(id), "%lld", cmd_number(item, "id"));
	table_row(arg, (const char *const[]){
		cmd_word(item, "aor"), cmd_word(item, "contact"), cmd_word(item, "source"),
		cmd_word(item, "origin"), q,
		text_duration((uint64_t)cmd_number(item, "left"), left),
		cmd_word(item, "user_agent"), id });
	return 0;
}

static int location_json(const json_t *item, void *arg)
{
	print_item(arg, item);
	return 0;
}

#define NOBODY_HERE "nobody is registered here ('callgate registrations' shows who registered "     \
		    "through this router)"

/* Each location; *@runs: callgated does. Returns the exit status. */
static int locations(const struct command *c, const struct place *p, control_item_fn *fn, void *arg,
		     bool *runs)
{
	json_t *request = json_pack("{s:s}", "do", "registrations"), *answer = NULL;
	int err = control_each(p->control, request, fn, arg, &answer), status = EXIT_OK;

	json_decref(request);
	*runs = err != -ECONNREFUSED;
	if (*runs)
		status = cmd_said(c, p, err, answer, "");
	json_decref(answer);
	return status;
}

/* ---- both ---- */

/* Without the module there is nothing to add to what callgated has. */
static int bindings(const struct command *c, kernel_binding_fn *fn, void *arg, bool optional)
{
	struct kernel *k = NULL;
	int err, status;

	if (optional && kernel_open(&k))
		return EXIT_OK;
	status = k ? EXIT_OK : cmd_open(c, &k);
	if (status)
		return status;
	err = kernel_bindings(k, fn, arg);
	if (err)
		status = cmd_fail_kernel(c, k, err);
	kernel_close(k);
	return status;
}

static int list_text(const struct command *c, const struct place *p)
{
	struct table *here = table_new(location_heads, COUNT(location_heads));
	struct table *through = table_new(binding_heads, COUNT(binding_heads));
	bool runs, any;
	int status = locations(c, p, location_row, here, &runs);

	if (!status)
		status = bindings(c, binding_row, through, runs);
	any = table_rows(here) || table_rows(through);
	if (!status && !any)
		puts("no registrations");
	if (!status && table_rows(here))
		puts("registered here:");
	table_end(here, !status && table_rows(here) ? stdout : NULL);
	if (!status && runs && table_rows(through))
		puts("through this router:");
	table_end(through, !status && table_rows(through) ? stdout : NULL);
	return status;
}

static int count_only(const struct binding *b, void *arg)
{
	(void)b;
	(void)arg;
	return 0;
}

/* Whether anybody can be asked is found out before the first brace. */
static int list_json(const struct command *c, const struct place *p)
{
	json_t *ping = json_pack("{s:s, s:s}", "do", "registrations", "aor", "-"), *answer = NULL;
	bool runs = !control_ask(p->control, ping, &answer);
	struct items items = { 0 };
	int status = bindings(c, count_only, NULL, runs);

	json_decref(ping);
	json_decref(answer);
	if (status)
		return status;
	fputs("{\n  \"registrations\": [", stdout);
	status = bindings(c, binding_json, &items, runs);
	fputs(items.n ? "\n  ]" : "]", stdout);
	if (runs && !status) {
		items.n = 0;
		fputs(",\n  \"locations\": [", stdout);
		status = locations(c, p, location_json, &items, &runs);
		fputs(items.n ? "\n  ]" : "]", stdout);
	}
	puts("\n}");
	return status;
}

/* ---- one ---- */

/* Numbers stay numbers in JSON. */
static void show_number(const json_t *item, const char *key)
{
	char text[TEXT_TIME];

	if (!json_object_get(item, key))
		return;
	if (!strcmp(key, "q"))
		snprintf(text, sizeof(text), "%.3g", json_real_value(json_object_get(item, key)));
	else if (!strcmp(key, "left") || !strcmp(key, "age"))
		text_duration((uint64_t)cmd_number(item, key), text);
	else
		snprintf(text, sizeof(text), "%lld", cmd_number(item, key));
	printf("  %-11s %s\n", key, text);
}

static int show_one(const json_t *item, void *arg)
{
	static const char *const keys[] = {
		"contact", "source", "local", "transport", "interface", "zone", "origin", "since",
		"refreshed", "until", "user_agent", "call_id", "path", "instance", "params",
	}, *const numbers[] = { "age", "left", "q", "cseq", "reg_id" };
	size_t *n = arg;

	printf("%s%s, %lld\n", (*n)++ ? "\n" : "", cmd_word(item, "aor"), cmd_number(item, "id"));
	for (size_t i = 0; i < COUNT(keys); i++)
		if (json_object_get(item, keys[i]))
			printf("  %-11s %s\n", keys[i], cmd_word(item, keys[i]));
	for (size_t i = 0; i < COUNT(numbers); i++)
		show_number(item, numbers[i]);
	return 0;
}

static int collect(const json_t *item, void *arg)
{
	json_array_append(arg, (json_t *)(uintptr_t)item);
	return 0;
}

static int not_registered(const struct command *c, const char *aor, const json_t *last)
{
	const json_t *removed = json_object_get(last, "removed");

	if (!removed)
		return cmd_fail(c, EXIT_FAILED, "%s is not registered", aor);
	return cmd_fail(c, EXIT_FAILED, "%s is not registered: %s at %s", aor,
			cmd_word(removed, "why"), cmd_word(removed, "time"));
}

/* Takes over both. */
static int print_one(json_t *list, json_t *last, bool json)
{
	size_t i, n = 0;
	json_t *item;

	if (json) {
		json_print(json_pack("{s:o, s:o*}", "locations", list, "last", last), false);
		return EXIT_OK;
	}
	json_array_foreach(list, i, item)
		show_one(item, &n);
	registrations_print_last(last);
	json_decref(list);
	json_decref(last);
	return EXIT_OK;
}

static int show(const struct command *c, const struct place *p, const char *aor, bool json)
{
	json_t *request = json_pack("{s:s, s:s}", "do", "registrations", "aor", aor);
	json_t *answer = NULL, *list = json_array(), *last = NULL;
	int err = control_each(p->control, request, collect, list, &answer);
	int status = cmd_said(c, p, err, answer, NOBODY_HERE);

	json_decref(request);
	json_decref(answer);
	if (!status)
		last = registrations_last(p, aor);
	if (!status && !json_array_size(list))
		status = not_registered(c, aor, last);
	if (!status)
		return print_one(list, last, json);
	json_decref(list);
	json_decref(last);
	return status;
}

static int remove_it(const struct command *c, const struct place *p, const char *aor,
		     const char *contact)
{
	json_t *request = json_pack("{s:s, s:s}", "do", "registration-remove", "aor", aor);
	json_t *answer = NULL;
	char *end = NULL;
	int err, status;

	if (contact) {
		json_int_t id = strtoll(contact, &end, 10);

		json_object_set_new(request, "contact", id > 0 && !*end ? json_integer(id) :
				    json_string(contact));
	}
	err = control_ask(p->control, request, &answer);
	status = cmd_said(c, p, err, answer, NOBODY_HERE);
	if (!status)
		printf("%lld of %s removed\n",
		       cmd_number(json_object_get(answer, "result"), "removed"), aor);
	json_decref(request);
	json_decref(answer);
	return status;
}

static int wrong(const struct command *c, const char *what)
{
	return cmd_fail(c, EXIT_USAGE, "%s; usage: callgate %s %s", what, c->name, c->args);
}

struct wish {
	bool json, watch;
};

static int run(const struct command *c, struct place *p, char **words, const struct wish *w)
{
	struct who who;
	int status = place_open(c, p);
	bool json = w->json;

	if (status)
		return status;
	if (!words[0] && w->watch)
		return registrations_watch(c, p, NULL, json);
	if (!words[0])
		return json ? list_json(c, p) : list_text(c, p);
	status = place_who(c, p, words[!w->watch], &who);
	if (status)
		return status;
	if (w->watch)
		return registrations_watch(c, p, who.aor, json);
	return strcmp(words[0], "show") ? remove_it(c, p, who.aor, words[2]) :
	       show(c, p, who.aor, json);
}

int cmd_registrations(const struct command *c, int argc, char **argv)
{
	struct place place = { 0 };
	struct wish wish = { 0 };
	const struct opt opts[] = {
		PLACE_OPTS(&place), { "json", OPT_FLAG, &wish.json, 0, 0 },
		{ "watch", OPT_FLAG, &wish.watch, 0, 0 }, { 0 },
	};
	char *words[3] = { 0 };
	int n, status;

	place_words(argc, argv);
	n = cmd_options(c, opts, argc, argv);
	if (n < 0)
		return cmd_early(n);
	for (int i = 0; i < n && i < 3; i++)
		words[i] = argv[i];
	if (wish.watch && n > 1)
		return wrong(c, "a word too much");
	if (n && !wish.watch && strcmp(words[0], "show") && strcmp(words[0], "remove"))
		return cmd_fail(c, EXIT_USAGE, "'%s' is not known here; usage: callgate %s %s",
				words[0], c->name, c->args);
	if (n == 1 && !wish.watch)
		return wrong(c, "which user?");
	if (n > 3 || (n == 3 && !strcmp(words[0], "show")))
		return wrong(c, "a word too much");
	status = run(c, &place, words, &wish);
	place_close(&place);
	return status;
}
