/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate registrations --watch, and what happened last to one user. */
#include <errno.h>
#include <string.h>

#include "cmd_registrations.h"
#include "control.h"
#include "json.h"
#include "text.h"

struct watching {
	bool json;
};

/* "2026-03-01T18:09:06.123Z": the time of day of it, as UTC is what logs have too */
static const char *clock_of(const json_t *item)
{
	const char *time = json_string_value(json_object_get(item, "time"));
	const char *t = time ? strchr(time, 'T') : NULL;

	return t ? t + 1 : "-";
}

static void print_was(const json_t *was)
{
	if (was)
		printf(", was %s from %s", item_word(was, "contact"),
		       item_word(was, "source"));
}

static void print_change(const json_t *item)
{
	char left[TEXT_TIME];

	printf("%s %-12s %s %s from %s", clock_of(item), item_word(item, "event"),
	       item_word(item, "aor"), item_word(item, "contact"),
	       item_word(item, "source"));
	if (json_object_get(item, "left"))
		printf(", for %s", text_duration((uint64_t)item_number(item, "left"), left));
	print_was(json_object_get(item, "was"));
	if (json_object_get(item, "user_agent"))
		printf(", %s", item_word(item, "user_agent"));
	putchar('\n');
}

static void print_event(const json_t *item)
{
	const char *event = item_word(item, "event");

	if (!strcmp(event, "watching"))
		printf("%s watching     %lld registrations\n", clock_of(item),
		       item_number(item, "registrations"));
	else if (!strcmp(event, "lost"))
		printf("%s lost         %lld events lost: they came faster than they were read\n",
		       clock_of(item), item_number(item, "n"));
	else
		print_change(item);
}

static int on_event(const json_t *item, void *arg)
{
	const struct watching *w = arg;

	if (w->json)
		json_print(json_incref((json_t *)(uintptr_t)item), true);
	else
		print_event(item);
	fflush(stdout);
	return ferror(stdout) ? -EPIPE : 0;
}

int registrations_watch(const struct command *c, const struct place *p, const char *aor, bool json)
{
	struct watching w = { .json = json };
	json_t *request = json_pack("{s:s}", "do", "registrations-watch"), *answer = NULL;
	const char *error;
	int err;

	if (aor)
		json_object_set_new(request, "aor", json_string(aor));
	err = control_watch(p->control, request, on_event, &w, &answer);
	json_decref(request);
	error = json_string_value(json_object_get(answer, "error"));
	if (err == -EPIPE)
		err = EXIT_OK;
	else if (err == -ECONNREFUSED)
		err = cmd_fail(c, EXIT_FAILED, "callgated does not run: start it first");
	else if (err == -EACCES || err == -EPERM)
		err = cmd_fail(c, EXIT_NO_PERMISSION, "%s: no permission to ask callgated: run it "
			       "as root", p->control);
	else if (error)
		err = cmd_fail(c, EXIT_FAILED, "%s", error);
	else
		err = cmd_fail(c, EXIT_FAILED, "callgated has ended");
	json_decref(answer);
	return err;
}

/* ---- what happened last ---- */

json_t *registrations_last(const struct place *p, const char *aor)
{
	json_t *request = json_pack("{s:s, s:s}", "do", "registration-last", "aor", aor);
	json_t *answer = NULL, *result = NULL;

	if (!control_ask(p->control, request, &answer))
		result = json_incref(json_object_get(answer, "result"));
	json_decref(request);
	json_decref(answer);
	return result;
}

void registrations_print_last(const json_t *last)
{
	const json_t *result = json_object_get(last, "result");
	const json_t *removed = json_object_get(last, "removed");

	if (result)
		printf("last result: %lld %s, %s, from %s\n", item_number(result, "code"),
		       item_word(result, "phrase"), item_word(result, "time"),
		       item_word(result, "source"));
	if (removed)
		printf("last removal: %s, %s, %s from %s\n", item_word(removed, "why"),
		       item_word(removed, "time"), item_word(removed, "contact"),
		       item_word(removed, "source"));
}
