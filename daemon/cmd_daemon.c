/* SPDX-License-Identifier: BSD-2-Clause */
/* What subcommands share that speak to callgated. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cmd.h"
#include "cmd_place.h"
#include "config.h"
#include "control.h"
#include "text.h"

#define SOCKET "/run/callgate/control.sock"

/* The error may have several lines, one for each error of a configuration. */
static int refused(const struct command *c, const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "error"));
	char *copy = strdup(text ? text : "refused, without a reason"), *at, *line;

	for (line = strtok_r(copy, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
		cmd_fail(c, EXIT_FAILED, "%s", text_clean(line));
	free(copy);
	return EXIT_FAILED;
}

int cmd_said(const struct command *c, const struct place *p, int err, const json_t *answer,
	     const char *without)
{
	if (err == -ECONNREFUSED)
		return cmd_fail(c, EXIT_NO_DAEMON, "callgated does not run: nobody listens at %s: %s",
				p->control, without);
	if (err == -EACCES || err == -EPERM)
		return cmd_fail(c, EXIT_NO_PERMISSION, "%s: no permission to ask callgated: run it "
				"as root", p->control);
	if (err)
		return cmd_fail(c, EXIT_FAILED, "%s: callgated does not answer: %s", p->control,
				strerror(-err));
	return json_is_true(json_object_get(answer, "ok")) ? EXIT_OK : refused(c, answer);
}

const char *cmd_word(const json_t *item, const char *key)
{
	const char *s = json_string_value(json_object_get(item, key));

	return s && *s ? s : "-";
}

long long cmd_number(const json_t *item, const char *key)
{
	return json_integer_value(json_object_get(item, key));
}

int cmd_ask(const struct command *c, const struct place *p, json_t *request, json_t **result)
{
	json_t *answer = NULL;
	int err = control_ask(p->control, request, &answer);
	int status = cmd_said(c, p, err, answer, CMD_START);

	*result = status ? NULL : json_incref(json_object_get(answer, "result"));
	json_decref(request);
	json_decref(answer);
	return status;
}

/* ---- its lines in "callgate status" ---- */

/* A configuration that is wrong is the business of "check": callgated runs on with the last one. */
static char *control_path(void)
{
	struct config *c = NULL;
	char *lines = NULL, *path;

	if (config_load(CONFIG_FILE, &c, &lines))
		c = NULL;
	path = strdup(c ? c->control : SOCKET);
	config_put(c);
	free(lines);
	return path;
}

json_t *cmd_daemon_status(void)
{
	json_t *request = json_pack("{s:s}", "do", "status"), *answer = NULL, *status = NULL;
	char *path = control_path();

	if (path && !control_ask(path, request, &answer))
		status = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	json_decref(request);
	free(path);
	if (!json_is_object(status)) {
		json_decref(status);
		return NULL;
	}
	return status;
}

/* A number two levels down; 0: it is not there. */
static long long number(const json_t *j, const char *group, const char *name)
{
	const json_t *at = group ? json_object_get(j, group) : j;

	return (long long)json_integer_value(json_object_get(at, name));
}

static const char *word(const json_t *j, const char *name, char buf[static 256])
{
	const char *text = json_string_value(json_object_get(j, name));

	snprintf(buf, 256, "%s", text ? text : "?");
	return text_clean(buf);
}

/* Where no phone was ever woken there is nothing to say. */
static void print_push(const json_t *d)
{
	if (number(d, "push", "sent") || number(d, "push", "failed") || number(d, "push", "held"))
		printf("           push: %lld sent, %lld failed; of %lld requests that waited %lld "
		       "went on, %lld in vain\n", number(d, "push", "sent"),
		       number(d, "push", "failed"), number(d, "push", "held"),
		       number(d, "push", "woken"), number(d, "push", "late"));
}

void cmd_daemon_print(const json_t *d)
{
	char version[256], config[256], age[TEXT_TIME];

	if (!d) {
		puts("daemon     callgated does not run");
		return;
	}
	printf("daemon     callgated %s for %s, by %s\n", word(d, "version", version),
	       text_duration((uint64_t)number(d, NULL, "seconds"), age),
	       word(d, "config", config));
	printf("           registrations %lld, of them %lld at providers; transactions %lld\n",
	       number(d, "registrations", "all"), number(d, "registrations", "passive"),
	       number(d, "transactions", "now"));
	if (json_is_true(json_object_get(json_object_get(d, "kernel"), "connected")))
		printf("           kernel: asked %lld times for a user, %lld answers too late, "
		       "%lld locations told, %lld failed\n", number(d, "kernel", "questions"),
		       number(d, "kernel", "late"), number(d, "kernel", "sets"),
		       number(d, "kernel", "failed"));
	else
		puts("           kernel: not connected, no ports are opened for its calls");
	printf("           messages: %lld in, %lld out, %lld bad, %lld dropped, %lld too late\n",
	       number(d, "transport", "in"), number(d, "transport", "out"),
	       number(d, "transport", "bad"), number(d, "transport", "dropped"),
	       number(d, "transport", "late"));
	printf("           database: %lld changes in %lld commits, %lld failed, %lld waiting\n",
	       number(d, "store", "changes"), number(d, "store", "commits"),
	       number(d, "store", "failed"), number(d, "store", "queued"));
	print_push(d);
}
