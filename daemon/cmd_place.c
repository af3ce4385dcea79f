/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd_place.h"
#include "config.h"
#include "control.h"
#include "sip/aor.h"
#include "uri_text.h"

#define DATABASE "/var/lib/callgate/callgate.db"
#define CONTROL "/run/callgate/control.sock"

void place_words(int argc, char **argv)
{
	static char option[] = "--config";

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "-c"))
			argv[i] = option;
}

/* The first complaint is as good as any: one line. */
static int bad_config(const struct command *c, const char *file, const char *lines, int err)
{
	if (!lines || !*lines)
		return cmd_fail(c, err == -EACCES ? EXIT_NO_PERMISSION : EXIT_FAILED, "%s: %s",
				file, strerror(-err));
	return cmd_fail(c, err == -EACCES ? EXIT_NO_PERMISSION : EXIT_FAILED, "%.*s",
			(int)strcspn(lines, "\n"), lines);
}

int place_open(const struct command *c, struct place *p)
{
	const char *file = p->file ? p->file : CONFIG_FILE;
	char *lines = NULL;
	int status = EXIT_OK, err;

	if (p->file || !access(file, F_OK)) {
		err = config_load(file, &p->config, &lines);
		if (err)
			status = bad_config(c, file, lines, err);
		free(lines);
	}
	if (!p->database)
		p->database = p->config ? p->config->database : DATABASE;
	if (!p->control)
		p->control = p->config ? p->config->control : CONTROL;
	return status;
}

void place_close(struct place *p)
{
	config_put(p->config);
}

int place_store(const struct command *c, const struct place *p, struct store **out)
{
	const struct store_options o = { .path = p->database, .no_writer = true };
	char why[256];
	int err = store_open(&o, out, why);

	if (!err)
		return EXIT_OK;
	if (err == -EACCES || err == -EPERM)
		return cmd_fail(c, EXIT_NO_PERMISSION, "%s (run it as root)", why);
	return cmd_fail(c, EXIT_FAILED, "%s", why);
}

int place_fail(const struct command *c, const struct place *p, struct store *s, int err)
{
	const char *said = store_said(s);

	if (err == -EBUSY)
		return cmd_fail(c, EXIT_FAILED, "%s: another program holds the database for too "
				"long: try again ('fuser -v' names it)", p->database);
	return cmd_fail(c, EXIT_FAILED, "%s: %s%s%s", p->database, strerror(-err),
			*said ? ": " : "", said);
}

/* ---- who ---- */

static int no_domain(const struct command *c, const struct place *p, const char *word)
{
	if (!p->config)
		return cmd_fail(c, EXIT_USAGE, "of which domain is '%s'? %s@DOMAIN, or --domain",
				word, word);
	return cmd_fail(c, EXIT_USAGE, "of which domain is '%s'? %s has %zu: %s@DOMAIN, or "
			"--domain", word, p->config->file, p->config->n_domains, word);
}

static int copy_who(const struct command *c, const char *word, const char *aor, struct who *out)
{
	const char *at = strrchr(aor, '@');

	if (!at || at - aor > USER_NAME || strlen(at + 1) > USER_DOMAIN)
		return cmd_fail(c, EXIT_USAGE, "'%s' is too long: at most %d characters before "
				"and behind the '@'", word, USER_NAME);
	memcpy(out->name, aor, (size_t)(at - aor));
	out->name[at - aor] = '\0';
	strcpy(out->domain, at + 1);
	strcpy(out->aor, aor);
	return EXIT_OK;
}

/* In the form that callgated looks for. */
static int parse_who(const struct command *c, const char *word, const char *text, struct who *out)
{
	struct sip_uri uri;
	char aor[AOR_MAX + 1];
	uint32_t n = 0;

	if (uri_of_text(text, &uri) && !uri.params.len && !uri.headers.len && !uri.password.len &&
	    !uri.host.port_num)
		n = sip_aor_print((const u8 *)text, &uri, (u8 *)aor);
	if (!n)
		return cmd_fail(c, EXIT_USAGE, "'%s' is not the name of a user: NAME@DOMAIN, as "
				"behind 'sip:'", word);
	aor[n] = '\0';
	return copy_who(c, word, aor, out);
}

int place_who(const struct command *c, const struct place *p, const char *word, struct who *out)
{
	const char *scheme = strncmp(word, "sip:", 4) ? "sip:" : "";
	const char *domain = p->domain;
	const struct domain *known = NULL;
	char text[600];
	int status;

	if (!domain && p->config && p->config->n_domains == 1)
		domain = p->config->domains[0].name;
	if (strchr(word, '@'))
		domain = NULL;
	else if (!domain)
		return no_domain(c, p, word);
	if (strlen(word) + (domain ? strlen(domain) : 0) > sizeof(text) - 8)
		return cmd_fail(c, EXIT_USAGE, "'%.20s...' is too long for the name of a user",
				word);
	snprintf(text, sizeof(text), "%s%s%s%s", scheme, word, domain ? "@" : "",
		 domain ? domain : "");
	status = parse_who(c, word, text, out);
	if (status)
		return status;
	for (size_t i = 0; p->config && i < p->config->n_domains; i++)
		if (!strcmp(p->config->domains[i].name, out->domain))
			known = &p->config->domains[i];
	if (p->config && !known)
		return cmd_fail(c, EXIT_FAILED, "%s has no domain '%s': add it there first",
				p->config->file, out->domain);
	out->realm = known ? known->realm : out->domain;
	return EXIT_OK;
}

/* ---- callgated ---- */

int place_ask(const struct command *c, const struct place *p, json_t *request, json_t **answer)
{
	int err = control_ask(p->control, request, answer);

	json_decref(request);
	if (err)
		*answer = NULL;
	return err && err != -ECONNREFUSED ? cmd_said(c, p, err, NULL, "") : EXIT_OK;
}
