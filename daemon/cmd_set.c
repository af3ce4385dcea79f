/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate set: the settings of the module, by the names of model.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "cmd_save.h"
#include "json.h"
#include "kernel.h"
#include "text.h"

/* What people read beside a key. */
static const struct {
	const char *key, *help;
} helps[] = {
	{ "calls-per-host", "calls at once of one inside host" },
	{ "calls", "calls at once in all" },
	{ "pinholes-per-host", "pinholes at once of one inside host" },
	{ "pinholes", "pinholes at once in all" },
	{ "registrations-per-host", "registrations of one inside host" },
	{ "registrations", "registrations in all" },
	{ "transactions", "requests that await their answer" },
	{ "first-port", "first port of the pool, even; together with last-port" },
	{ "last-port", "last port of the pool, odd" },
	{ "quarantine", "seconds a port rests before its next use" },
	{ "mark-related", "1: media is 'ct state related'; 0: write a rule for it" },
	{ "publish", "1: show pinholes in 'conntrack -L expect'" },
	{ "silence", "seconds without media and SIP that end a call; 0: off" },
	{ "age", "seconds that end a call without media and SIP; 0: off" },
	{ "mode", "what is done at most: off, open, translate; see 'callgate mode'" },
	{ "strict", "on: a Contact port that no SIP came from is never opened" },
};

static const char *help_of(const char *key)
{
	for (size_t i = 0; i < sizeof(helps) / sizeof(helps[0]); i++)
		if (!strcmp(helps[i].key, key))
			return helps[i].help;
	return "";
}

static unsigned long value_of(const struct field *f, const struct settings *s)
{
	const char *at = (const char *)s + f->offset;

	if (f->type == F_U32)
		return *(const uint32_t *)at;
	return f->type == F_U16 ? *(const uint16_t *)at : *(const uint8_t *)at;
}

static const char *value_text(const struct field *f, const struct settings *s, char buf[24])
{
	if (f->type == F_ENUM)
		return model_name(f->more, (unsigned int)value_of(f, s));
	snprintf(buf, 24, "%lu", value_of(f, s));
	return buf;
}

static int show(const struct command *c, struct kernel *k, bool json)
{
	struct settings s;
	struct status status;
	struct table *t;
	int err = kernel_status(k, &status, &s);

	model_free(&model_status, &status);
	if (err)
		return cmd_fail_kernel(c, k, err);
	if (json) {
		json_print(json_model(&model_settings, &s), false);
		return EXIT_OK;
	}
	t = table_new((const char *const[]){ "KEY", ">VALUE", "MEANING" }, 3);
	for (size_t i = 0; i < model_settings.nfields; i++) {
		const struct field *f = &model_settings.fields[i];
		char value[24];

		if (s.has >> i & 1)
			table_row(t, (const char *const[]){ f->name, value_text(f, &s, value),
							    help_of(f->name) });
	}
	table_end(t, stdout);
	return EXIT_OK;
}

static bool read_value(const struct field *f, const char *word, unsigned long *value)
{
	uint8_t type = f->type;
	static const unsigned long largest[] = { [F_U32] = UINT32_MAX, [F_U16] = UINT16_MAX,
						 [F_BOOL] = 1 };
	char *end;

	if (type == F_ENUM) {
		*value = model_value(f->more, word);
		return *value;
	}
	if (type == F_BOOL && (!strcmp(word, "on") || !strcmp(word, "off"))) {
		*value = !strcmp(word, "on");
		return true;
	}
	errno = 0;
	*value = strtoul(word, &end, 10);
	return !errno && *word && !*end && *word != '-' && *value <= largest[type];
}

static int put(const struct command *c, struct settings *s, const char *key, const char *word)
{
	unsigned long value;

	for (size_t i = 0; i < model_settings.nfields; i++) {
		const struct field *f = &model_settings.fields[i];
		char *at = (char *)s + f->offset;

		if (strcmp(f->name, key))
			continue;
		if (!read_value(f, word, &value))
			return cmd_fail(c, EXIT_USAGE, "'%s' is no value for %s (%s)", word, key,
					help_of(key));
		s->has |= 1ULL << i;
		if (f->type == F_U32)
			*(uint32_t *)at = (uint32_t)value;
		else if (f->type == F_U16)
			*(uint16_t *)at = (uint16_t)value;
		else
			*(uint8_t *)at = (uint8_t)value;
		return EXIT_OK;
	}
	return cmd_fail(c, EXIT_USAGE, "unknown key '%s'; 'callgate set' shows the keys", key);
}

/* KEY VALUE and KEY=VALUE, as many as there are. */
static int put_words(const struct command *c, struct settings *s, int n, char **words)
{
	int status = EXIT_OK;

	for (int i = 0; i < n && !status; i++) {
		char *key = words[i], *value = strchr(key, '=');

		if (value)
			*value++ = 0;
		else if (++i < n)
			value = words[i];
		else
			return cmd_fail(c, EXIT_USAGE,
					"a value is missing after '%s'; usage: callgate set %s",
					key, c->args);
		status = put(c, s, key, value);
	}
	return status;
}

/* For the file of 'callgate save': those that were set, a line for all. */
void set_write(FILE *out, const struct status *status, const struct settings *s)
{
	const char *before = "set";
	char value[24];

	for (size_t i = 0; i < model_settings.nfields; i++) {
		const struct field *f = &model_settings.fields[i];

		if (f->attr >= 32 || !(status->changed >> f->attr & 1) || !(s->has >> i & 1))
			continue;
		fprintf(out, "%s %s=%s", before, f->name, value_text(f, s, value));
		before = "";
	}
	if (!*before)
		putc('\n', out);
}

int cmd_set(const struct command *c, int argc, char **argv)
{
	bool json = false, runtime = false;
	const struct opt opts[] = { { "json", OPT_FLAG, &json, 0, 0 },
				    { "runtime", OPT_FLAG, &runtime, 0, 0 }, { 0 } };
	int n = cmd_options(c, opts, argc, argv), status, err;
	struct settings s = { 0 };
	struct kernel *k = NULL;

	if (n < 0)
		return cmd_early(n);
	status = put_words(c, &s, n, argv);
	if (!status)
		status = cmd_open(c, &k);
	if (status)
		return status;
	err = n ? kernel_set(k, &s) : 0;
	if (err == -ERANGE && !*kernel_said(k))
		status = cmd_fail(c, EXIT_FAILED, "out of range; callgate(8) has the ranges");
	else if (err)
		status = cmd_fail_kernel(c, k, err);
	else if (n)
		status = cmd_keep(c, k, runtime);
	if (!status && (!n || json))
		status = show(c, k, json);
	kernel_close(k);
	return status;
}
