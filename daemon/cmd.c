/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "kernel.h"

int cmd_fail(const struct command *c, int status, const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "callgate %s: %s", c->name, c->at ? c->at : "");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	putc('\n', stderr);
	return status;
}

int cmd_fail_kernel(const struct command *c, const struct kernel *k, int err)
{
	const char *said = kernel_said(k);

	if (err == -ENODEV)
		return cmd_fail(c, EXIT_NOT_LOADED, "the kernel module was removed");
	if (err == -EPERM && !*said)
		return cmd_fail(c, EXIT_NO_PERMISSION,
				"no permission: run it as root (CAP_NET_ADMIN is needed)");
	return cmd_fail(c, err == -EPERM ? EXIT_NO_PERMISSION : EXIT_FAILED,
			"the kernel refused: %s%s%s", strerror(-err), *said ? ": " : "", said);
}

int cmd_open(const struct command *c, struct kernel **k)
{
	int err = kernel_open(k);

	if (err == -ENOENT)
		return cmd_fail(c, EXIT_NOT_LOADED,
				"the kernel module is not loaded; load it with "
				"'modprobe callgate'");
	return err ? cmd_fail_kernel(c, NULL, err) : EXIT_OK;
}

static int wrong(const struct command *c, const char *what, const char *word)
{
	cmd_fail(c, 0, "%s '%s'; usage: callgate %s %s", what, word, c->name, c->args);
	return -EXIT_USAGE;
}

static int take_number(const struct command *c, const struct opt *o, const char *value)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || !*value || *end || *value == '-' || n < o->min || n > o->max) {
		cmd_fail(c, 0, "--%s '%s' is not a number from %u to %u", o->name, value, o->min,
			 o->max);
		return -EXIT_USAGE;
	}
	*(unsigned int *)o->to = (unsigned int)n;
	return 0;
}

static int take(const struct command *c, const struct opt *o, const char *value)
{
	struct texts *list = o->to;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)o->to = true;
		return 0;
	case OPT_TEXT:
		*(const char **)o->to = value;
		return 0;
	case OPT_NUMBER:
		return take_number(c, o, value);
	case OPT_TEXTS:
		if (list->n == sizeof(list->at) / sizeof(list->at[0]))
			return wrong(c, "too many of", o->name);
		list->at[list->n++] = value;
		return 0;
	}
	return 0;
}

/* The option that @word names; *@value is what follows its '=', or NULL. */
static const struct opt *find(const struct opt *opts, const char *word, const char **value)
{
	const char *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) : strlen(word);

	*value = eq ? eq + 1 : NULL;
	for (; opts->name; opts++)
		if (strlen(opts->name) == len && !strncmp(opts->name, word, len))
			return opts;
	return NULL;
}

int cmd_options(const struct command *c, const struct opt *opts, int argc, char **argv)
{
	int words = 0, err;

	for (int i = 1; i < argc; i++) {
		const struct opt *o;
		const char *value;

		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			printf("usage: callgate %s %s\n%s\n", c->name, c->args, c->help);
			return CMD_HELPED;
		}
		if (argv[i][0] != '-') {
			argv[words++] = argv[i];
			continue;
		}
		o = strncmp(argv[i], "--", 2) ? NULL : find(opts, argv[i] + 2, &value);
		if (!o)
			return wrong(c, "unknown option", argv[i]);
		if (o->kind == OPT_FLAG && value)
			return wrong(c, "no value belongs to", argv[i]);
		if (o->kind != OPT_FLAG && !value && ++i < argc)
			value = argv[i];
		if (o->kind != OPT_FLAG && !value)
			return wrong(c, "a value is missing after", argv[argc - 1]);
		err = take(c, o, value);
		if (err)
			return err;
	}
	return words;
}

int cmd_early(int result)
{
	return result == CMD_HELPED ? EXIT_OK : -result;
}
