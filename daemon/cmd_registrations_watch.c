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
		printf(", was %s from %s", cmd_word(was, "contact"),
		       cmd_word(was, "source"));
}

static void print_change(const json_t *item)
{
	char left[TEXT_TIME];

	printf("%s %-12s %s %s from %s", clock_of(item), cmd_word(item, "event"),
	       cmd_word(item, "aor"), cmd_word(item, "contact"),
	       cmd_word(item, "source"));
	if (json_object_get(item, "left"))
		printf(", for %s", text_duration((uint64_t)cmd_number(item, "left"), left));
	print_was(json_object_get(item, "was"));
	if (json_object_get(item, "user_agent"))
		printf(", %s", cmd_word(item, "user_agent"));
	putchar('\n');
}

static void print_event(const json_t *item)
{
	const char *event = cmd_word(item, "event");

	if (!strcmp(event, "watching"))
		printf("%s watching     %lld registrations\n", clock_of(item),
		       cmd_number(item, "registrations"));
	else if (!strcmp(event, "lost"))
		printf("%s lost         %lld events lost: they came faster than they were read\n",
		       clock_of(item), cmd_number(item, "n"));
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
	int err, status;

	if (aor)
		json_object_set_new(request, "aor", json_string(aor));
	err = control_watch(p->control, request, on_event, &w, &answer);
	json_decref(request);
	if (err == -EPIPE)
		return EXIT_OK;
	/* no more of it comes: callgated is gone */
	status = err == -ECONNRESET ? EXIT_OK : cmd_said(c, p, err, answer, CMD_START);
	json_decref(answer);
	return status ? status : cmd_fail(c, EXIT_FAILED, "callgated has ended");
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
		printf("last result: %lld %s, %s, from %s\n", cmd_number(result, "code"),
		       cmd_word(result, "phrase"), cmd_word(result, "time"),
		       cmd_word(result, "source"));
	if (removed)
		printf("last removal: %s, %s, %s from %s\n", cmd_word(removed, "why"),
		       cmd_word(removed, "time"), cmd_word(removed, "contact"),
		       cmd_word(removed, "source"));
}
