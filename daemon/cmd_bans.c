/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate bans: who guessed too often, and letting somebody in again. */
#include <errno.h>
#include <string.h>

#include "cmd_place.h"
#include "control.h"
#include "json.h"
#include "text.h"

static const char *const heads[] = { "SOURCE", "REFUSED", ">WRONG", "LAST USER", ">LEFT" };

static int add_row(const json_t *item, void *arg)
{
	bool one = json_is_true(json_object_get(item, "one_user"));
	char wrong[24], left[TEXT_TIME];

	snprintf(wrong, sizeof(wrong), "%lld", cmd_number(item, "failures"));
	table_row(arg, (const char *const[]){ cmd_word(item, "source"), one ? "user" : "all", wrong,
					      cmd_word(item, "user"),
					      text_duration((uint64_t)cmd_number(item, "left"),
							    left) });
	return 0;
}

static int add_item(const json_t *item, void *arg)
{
	return json_array_append(arg, (json_t *)(uintptr_t)item);
}

static int ask_list(const struct command *c, const struct place *p, control_item_fn *fn, void *arg)
{
	json_t *request = json_pack("{s:s}", "do", "bans"), *answer = NULL;
	int err = control_each(p->control, request, fn, arg, &answer);
	int status = cmd_said(c, p, err, answer, "what an earlier one banned is in 'nft list table "
			      "inet callgate'");

	json_decref(request);
	json_decref(answer);
	return status;
}

static int list(const struct command *c, const struct place *p, bool json)
{
	struct table *t = table_new(heads, sizeof(heads) / sizeof(heads[0]));
	json_t *items = json_array();
	int status = ask_list(c, p, json ? add_item : add_row, json ? (void *)items : (void *)t);

	if (!status && !json && !table_rows(t))
		puts("nobody is banned");
	table_end(t, status || json || !table_rows(t) ? NULL : stdout);
	if (!status && json)
		json_print(json_pack("{s:o}", "bans", items), false);
	else
		json_decref(items);
	return status;
}

static int remove_it(const struct command *c, const struct place *p, const char *source)
{
	struct prefix prefix;
	json_t *result = NULL;
	int status;

	if (!text_read_prefix(source, &prefix))
		return cmd_fail(c, EXIT_USAGE, "'%s' is no address or prefix: for example "
				"192.0.2.1 or 2001:db8::/64", source);
	status = cmd_ask(c, p, json_pack("{s:s, s:s}", "do", "ban-remove", "source", source),
			 &result);
	json_decref(result);
	return status;
}

int cmd_bans(const struct command *c, int argc, char **argv)
{
	struct place place = { 0 };
	bool json = false, removes;
	const struct opt opts[] = {
		PLACE_OPTS(&place), { "json", OPT_FLAG, &json, 0, 0 }, { 0 },
	};
	int n, status;

	place_words(argc, argv);
	n = cmd_options(c, opts, argc, argv);
	if (n < 0)
		return cmd_early(n);
	removes = n && !strcmp(argv[0], "remove");
	if (n && !removes && strcmp(argv[0], "list"))
		return cmd_fail(c, EXIT_USAGE, "'%s' is not known here; usage: callgate %s %s",
				argv[0], c->name, c->args);
	if (n != (removes ? 2 : n != 0))
		return cmd_fail(c, EXIT_USAGE, "%s; usage: callgate %s %s",
				n < 2 ? "which address?" : "a word too much", c->name, c->args);
	status = place_open(c, &place);
	if (!status)
		status = removes ? remove_it(c, &place, argv[1]) : list(c, &place, json);
	place_close(&place);
	return status;
}
