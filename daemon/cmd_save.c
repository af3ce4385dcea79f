/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callgate save, callgate restore: what an admin changed outlives the module. The file has the
 * words of the subcommands set, mode and providers, one of them in each line.
 */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_save.h"
#include "kernel.h"

#define WORDS_MAX 600

/* ---- saving ---- */

static int write_all(FILE *out, struct kernel *k)
{
	struct status status;
	struct settings s;
	int err = kernel_status(k, &status, &s);

	if (!err) {
		fputs("# Written by callgate(8); 'callgate restore' reads it when the module is "
		      "loaded.\n", out);
		set_write(out, &status, &s);
		err = mode_write(out, k);
	}
	model_free(&model_status, &status);
	return err ? err : providers_write(out, k);
}

/* Complete, or not there: a new file takes the place of the old one. */
static int write_file(const char *file, struct kernel *k)
{
	char *next = NULL;
	FILE *out = NULL;
	int err = -ENOMEM, fd;

	if (asprintf(&next, "%s.XXXXXX", file) < 0)
		return -ENOMEM;
	fd = mkstemp(next);
	if (fd < 0) {
		err = -errno;
		free(next);
		return err;
	}
	fchmod(fd, 0644);
	out = fdopen(fd, "w");
	if (out)
		err = write_all(out, k);
	if (!err && (fflush(out) || fsync(fd)))
		err = -errno;
	if (out ? fclose(out) : close(fd))
		err = err ? err : -errno;
	if (!err && rename(next, file))
		err = -errno;
	if (err)
		unlink(next);
	free(next);
	return err;
}

static int write_default(struct kernel *k)
{
	if (mkdir("/etc/callgate", 0755) && errno != EEXIST)
		return -errno;
	return write_file(SAVE_FILE, k);
}

/* The file belongs to the namespace in which modprobe reads it. 1: to this one; -errno. */
static int is_first_netns(void)
{
	struct stat own, first;

	if (stat("/proc/self/ns/net", &own) || stat("/proc/1/ns/net", &first))
		return -errno;
	return own.st_ino == first.st_ino && own.st_dev == first.st_dev;
}

int cmd_keep(const struct command *c, struct kernel *k, bool runtime)
{
	int err;

	if (runtime || c->at || is_first_netns() <= 0)
		return EXIT_OK;
	err = write_default(k);
	if (err)
		return cmd_fail(c, EXIT_FAILED, "done, but not saved in " SAVE_FILE ": %s; --runtime "
				"changes without saving", strerror(-err));
	return EXIT_OK;
}

static int save(const struct command *c, struct kernel *k, const char *file)
{
	int own = file ? 1 : is_first_netns(), err;

	if (own == -EACCES)
		return cmd_fail_kernel(c, k, -EPERM);
	if (own <= 0)
		return cmd_fail(c, EXIT_FAILED, SAVE_FILE " is of the system's own network "
				"namespace, and this is another: say --file");
	err = file ? write_file(file, k) : write_default(k);
	if (err)
		return cmd_fail(c, EXIT_FAILED, "%s: %s", file ? file : SAVE_FILE, strerror(-err));
	return EXIT_OK;
}

int cmd_save(const struct command *c, int argc, char **argv)
{
	const char *file = NULL;
	const struct opt opts[] = { { "file", OPT_TEXT, &file, 0, 0 }, { 0 } };
	int n = cmd_options(c, opts, argc, argv), status;
	struct kernel *k = NULL;

	if (n < 0)
		return cmd_early(n);
	if (n)
		return cmd_fail(c, EXIT_USAGE, "'%s' is too much; usage: callgate save %s", argv[0],
				c->args);
	status = cmd_open(c, &k);
	if (status)
		return status;
	status = save(c, k, file);
	kernel_close(k);
	return status;
}

/* ---- restoring ---- */

static const struct command lines[] = {
	{ .name = "set", .run = cmd_set, .args = "KEY=VALUE..." },
	{ .name = "mode", .run = cmd_mode, .args = "off|open|translate [HOST|PREFIX]" },
	{ .name = "providers", .run = cmd_providers, .args = "set NAME HOST|PREFIX..." },
};

static int split(char *line, char **words)
{
	char *rest = NULL;
	int n = 0;

	for (char *w = strtok_r(line, " \t\r\n", &rest); w && *w != '#' && n < WORDS_MAX;
	     w = strtok_r(NULL, " \t\r\n", &rest))
		words[n++] = w;
	words[n] = NULL;
	return n;
}

/* @at: "FILE:LINE: " */
static int do_line(const struct command *c, char *line, const char *at)
{
	const struct command here = { .name = c->name, .at = at };
	char *words[WORDS_MAX + 1];
	int n = split(line, words);

	if (!n)
		return EXIT_OK;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct command sub = lines[i];

		if (strcmp(sub.name, words[0]))
			continue;
		if (n == 1)
			return cmd_fail(&here, EXIT_FAILED, "nothing follows '%s'", words[0]);
		if (n == WORDS_MAX)
			return cmd_fail(&here, EXIT_FAILED, "too many words");
		sub.at = at;
		return sub.run(&sub, n, words);
	}
	return cmd_fail(&here, EXIT_FAILED, "'%s' is not one of set, mode, providers", words[0]);
}

/* A line that fails does not keep the others from being done. */
static int do_file(const struct command *c, FILE *in, const char *file)
{
	int status = EXIT_OK, number = 0;
	char *line = NULL, *at = NULL;
	size_t size = 0;

	while (getline(&line, &size, in) >= 0) {
		if (asprintf(&at, "%s:%d: ", file, ++number) < 0)
			break;
		if (do_line(c, line, at))
			status = EXIT_FAILED;
		free(at);
	}
	if (status)
		syslog(LOG_DAEMON | LOG_ERR, "not all of %s was done: 'callgate restore' says "
		       "which lines", file);
	if (!feof(in))
		status = cmd_fail(c, EXIT_FAILED, "%s: %s", file, strerror(errno));
	free(line);
	return status;
}

int cmd_restore(const struct command *c, int argc, char **argv)
{
	const char *file = SAVE_FILE;
	const struct opt opts[] = { { "file", OPT_TEXT, &file, 0, 0 }, { 0 } };
	int n = cmd_options(c, opts, argc, argv), status;
	struct kernel *k = NULL;
	FILE *in;

	if (n < 0)
		return cmd_early(n);
	if (n)
		return cmd_fail(c, EXIT_USAGE, "'%s' is too much; usage: callgate restore %s",
				argv[0], c->args);
	status = cmd_open(c, &k);
	if (status)
		return status;
	kernel_close(k);
	in = fopen(file, "r");
	if (!in)
		return cmd_fail(c, EXIT_FAILED, "%s: %s", file, strerror(errno));
	status = do_file(c, in, file);
	fclose(in);
	return status;
}
