/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate mode: off, open or translate, for all and for single hosts. */
#include <errno.h>
#include <string.h>

#include "cmd.h"
#include "cmd_save.h"
#include "json.h"
#include "kernel.h"
#include "text.h"

static int add_row(const struct host_mode *m, void *arg)
{
	char prefix[TEXT_ENDPOINT];

	table_row(arg, (const char *const[]){ text_prefix(&m->prefix, prefix),
					      model_name(&mode_names, m->mode) });
	return 0;
}

static int add_json(const struct host_mode *m, void *arg)
{
	json_array_append_new(arg, json_model(&model_host_mode, m));
	return 0;
}

static int show_text(struct kernel *k, const char *of_all)
{
	struct table *t = table_new((const char *const[]){ "HOST", "MODE" }, 2);
	int err;

	table_row(t, (const char *const[]){ "all", of_all });
	err = kernel_modes(k, add_row, t);
	table_end(t, err ? NULL : stdout);
	return err;
}

static int show_json(struct kernel *k, const char *of_all)
{
	json_t *list = json_array();
	int err = kernel_modes(k, add_json, list);

	if (err)
		json_decref(list);
	else
		json_print(json_pack("{s:s, s:o}", "mode", of_all, "hosts", list), false);
	return err;
}

static int show(const struct command *c, struct kernel *k, bool json)
{
	struct settings s;
	struct status status;
	const char *of_all;
	int err = kernel_status(k, &status, &s);

	model_free(&model_status, &status);
	of_all = model_name(&mode_names, s.mode);
	if (!err)
		err = json ? show_json(k, of_all) : show_text(k, of_all);
	return err ? cmd_fail_kernel(c, k, err) : EXIT_OK;
}

static int write_line(const struct host_mode *m, void *arg)
{
	char prefix[TEXT_ENDPOINT];

	fprintf(arg, "mode %s %s\n", model_name(&mode_names, m->mode),
		text_prefix(&m->prefix, prefix));
	return 0;
}

int mode_write(FILE *out, struct kernel *k)
{
	return kernel_modes(k, write_line, out);
}

static int set_all(struct kernel *k, uint8_t mode)
{
	struct settings s = { .mode = mode };

	for (size_t i = 0; i < model_settings.nfields; i++)
		if (!strcmp(model_settings.fields[i].name, "mode"))
			s.has = 1ULL << i;
	return kernel_set(k, &s);
}

struct change {
	uint8_t mode;		/* 0: removed */
	bool all;
	struct prefix prefix;
};

/* The words as a change, or the exit status with a line on stderr. */
static int read_change(const struct command *c, int n, char **words, const char *clear,
		       struct change *to)
{
	const char *host = clear ? clear : n > 1 ? words[1] : NULL;

	memset(to, 0, sizeof(*to));
	if (n > (clear ? 0 : 2))
		return cmd_fail(c, EXIT_USAGE, "'%s' is too much; usage: callgate mode %s",
				words[n - 1], c->args);
	if (!clear) {
		to->mode = model_value(&mode_names, words[0]);
		if (!to->mode)
			return cmd_fail(c, EXIT_USAGE, "'%s' is no mode; they are off, open, "
					"translate", words[0]);
	}
	to->all = !host || (clear && !strcmp(host, "all"));
	if (!to->all && !text_read_prefix(host, &to->prefix))
		return cmd_fail(c, EXIT_USAGE, "'%s' is neither an address nor a network", host);
	return EXIT_OK;
}

static int apply(struct kernel *k, const struct change *ch)
{
	if (ch->all && ch->mode)
		return set_all(k, ch->mode);
	return kernel_mode(k, ch->all ? NULL : &ch->prefix, ch->mode);
}

int cmd_mode(const struct command *c, int argc, char **argv)
{
	bool json = false, runtime = false;
	const char *clear = NULL;
	const struct opt opts[] = { { "json", OPT_FLAG, &json, 0, 0 },
				    { "runtime", OPT_FLAG, &runtime, 0, 0 },
				    { "clear", OPT_TEXT, &clear, 0, 0 }, { 0 } };
	int n = cmd_options(c, opts, argc, argv), status = EXIT_OK, err = 0;
	bool change = n > 0 || clear;
	struct kernel *k = NULL;
	struct change ch;

	if (n < 0)
		return cmd_early(n);
	if (change)
		status = read_change(c, n, argv, clear, &ch);
	if (!status)
		status = cmd_open(c, &k);
	if (status)
		return status;
	if (change)
		err = apply(k, &ch);
	if (err == -ENOENT)
		status = cmd_fail(c, EXIT_FAILED, "'%s' has no mode of its own", clear);
	else if (err)
		status = cmd_fail_kernel(c, k, err);
	else if (change)
		status = cmd_keep(c, k, runtime);
	if (!status && (!change || json))
		status = show(c, k, json);
	kernel_close(k);
	return status;
}
