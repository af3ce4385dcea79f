/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate reload */
#include <stdio.h>

#include "cmd.h"
#include "cmd_place.h"
#include "json.h"

static void print_text(const json_t *result)
{
	const char *file = json_string_value(json_object_get(result, "config"));
	const json_t *list = json_object_get(result, "warnings");

	for (size_t i = 0; i < json_array_size(list); i++)
		puts(json_string_value(json_array_get(list, i)));
	printf("%s is in force\n", file ? file : "the configuration");
}

int cmd_reload(const struct command *c, int argc, char **argv)
{
	struct place p = { .file = NULL };
	bool json = false;
	const struct opt opts[] = {
		{ "config", OPT_TEXT, &p.file, 0, 0 }, { "control", OPT_TEXT, &p.control, 0, 0 },
		{ "json", OPT_FLAG, &json, 0, 0 }, { 0 }
	};
	json_t *result = NULL;
	int n, status;

	place_words(argc, argv);
	n = cmd_options(c, opts, argc, argv);
	if (n < 0)
		return cmd_early(n);
	if (n)
		return cmd_fail(c, EXIT_USAGE, "surplus word '%s'; usage: callgate reload %s",
				argv[0], c->args);
	/* what is wrong in the file would be refused: no need to ask */
	status = place_open(c, &p);
	if (status == EXIT_OK)
		status = cmd_ask(c, &p, json_pack("{s:s}", "do", "reload"), &result);
	if (status == EXIT_OK && !json)
		print_text(result);
	if (status == EXIT_OK && json)
		json_print(json_incref(result), false);
	json_decref(result);
	place_close(&p);
	return status;
}
