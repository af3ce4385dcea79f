/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_place: where callgated's things are, for the subcommands that deal with users. */
#ifndef CMD_PLACE_H
#define CMD_PLACE_H

#include <jansson.h>

#include "cmd.h"
#include "store.h"

struct config;

/* The options --config (-c), --database, --control, --domain; NULL: not given. */
struct place {
	const char *file, *database, *control, *domain;
	struct config *config;	/* NULL: there is none */
};

/* Its rows for a struct opt table. */
#define PLACE_OPTS(p)                                                                              \
	{ "config", OPT_TEXT, &(p)->file, 0, 0 }, { "database", OPT_TEXT, &(p)->database, 0, 0 },  \
	{ "control", OPT_TEXT, &(p)->control, 0, 0 }, { "domain", OPT_TEXT, &(p)->domain, 0, 0 }

/* "-c" becomes "--config": before cmd_options(). */
void place_words(int argc, char **argv);
/*
 * Reads the configuration, when one was named or the usual one is there, and fills what was not
 * given. Returns the exit status. place_close() in any case.
 */
int place_open(const struct command *c, struct place *p);
void place_close(struct place *p);

/* The database, as the command uses it. Returns the exit status. */
int place_store(const struct command *c, const struct place *p, struct store **out);
/* What the store's error means. Returns the exit status. */
int place_fail(const struct command *c, const struct place *p, struct store *s, int err);

struct who {
	char name[USER_NAME + 1], domain[USER_DOMAIN + 1], aor[AOR_MAX + 1];
	const char *realm;	/* of the domain, by the configuration; or the domain */
};
/* "alice", "alice@office.example", "sip:alice@office.example". Returns the exit status. */
int place_who(const struct command *c, const struct place *p, const char *word, struct who *out);

/* Asks callgated. EXIT_OK with *answer NULL: it does not run. Its refusal is in *answer. */
int place_ask(const struct command *c, const struct place *p, json_t *request, json_t **answer);

#endif
