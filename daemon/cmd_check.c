/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate check */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "config.h"
#include "json.h"

static void print_json(const char *file, int err, char *lines)
{
	json_t *list = json_array();
	char *at, *line;

	for (line = strtok_r(lines, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
		json_array_append_new(list, json_text(line));
	json_print(json_pack("{s:o, s:b, s:o}", "config", json_text(file), "good", !err, "lines",
			     list), false);
}

int cmd_check(const struct command *c, int argc, char **argv)
{
	bool json = false;
	const struct opt opts[] = { { "json", OPT_FLAG, &json, 0, 0 }, { 0 } };
	int n = cmd_options(c, opts, argc, argv), err;
	const char *file = n == 1 ? argv[0] : CONFIG_FILE;
	struct config *config = NULL;
	char *lines = NULL;

	if (n < 0)
		return cmd_early(n);
	if (n > 1)
		return cmd_fail(c, EXIT_USAGE, "one file at a time; usage: callgate check %s",
				c->args);
	err = config_load(file, &config, &lines);
	if (!err)
		config_put(config);
	if (json) {
		print_json(file, err, lines ? lines : (char[]){ "" });
	} else {
		fputs(lines ? lines : "", stderr);
		if (!err)
			printf("%s: good\n", file);
	}
	free(lines);
	return err == -EACCES ? EXIT_NO_PERMISSION : err ? EXIT_FAILED : EXIT_OK;
}
