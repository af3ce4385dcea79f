/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_schema: every option of callgate.conf as one row: where it belongs, its default, its
 * range, where its value goes. Only config*.c and the test of the manual page know it.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config.h"

#define CONFIG_WHAT 400		/* room for "what is wrong: what to do" */
#define CONFIG_LIST_MAX 256

struct config_option {
	const char *section;	/* "", "domain", "route", "group" */
	const char *name;
	/* Adds one word to its field; false: @what says why not, and what to do. */
	bool (*take)(const struct config_option *o, void *field, const char *word,
		     char what[static CONFIG_WHAT]);
	/* Words, separated by spaces; NULL: nothing, or what the manual page says. */
	const char *fallback;
	uint32_t min, max;		/* of a number */
	const char *const *words;	/* that an enum or a set of bits knows; ends with NULL */
	bool (*check)(const char *word, char what[static CONFIG_WHAT]);
	size_t offset;			/* in struct config, for "domain" in struct domain */
	bool list;
};

extern const struct config_option config_options[];
extern const size_t config_options_n;

const struct config_option *config_option(const char *section, const char *name);
/*
 * Puts the words, or the fallback when there are none, into the option's field of @object. False:
 * @what says what is wrong and what to do.
 */
bool config_take(const struct config_option *o, void *object, const char *const *word, size_t n,
		 char what[static CONFIG_WHAT]);
/* Is it the name of a domain, or an address? */
bool config_is_host(const char *word);
/* Of a group of users? */
bool config_is_name(const char *word);

#endif
