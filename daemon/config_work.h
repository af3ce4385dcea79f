/* SPDX-License-Identifier: BSD-2-Clause */
/* config_work: one run of config_load() on its way through config_read.c and its neighbours. */
#ifndef CONFIG_WORK_H
#define CONFIG_WORK_H

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>

#include "config_schema.h"

#define CONF_LINES_MAX 50
#define CONF_FILES_MAX 32
#define CONF_SECTIONS 3

/* Where an option or a section was first seen. */
struct conf_place {
	const void *key;	/* cfg_opt_t or cfg_t */
	const char *name;	/* of an option outside of sections, or NULL */
	char *file;
	int line;
};

/*
 * One run of config_load(). libConfuse's callbacks have no argument, so the run is global.
 *
 * Included files are read one after the other, each on its own: libConfuse's own stack of includes
 * is not emptied by an error, and would be full after some reloads that fail.
 */
struct conf_reading {
	const char *file;
	char *dir;
	struct config *config;
	cfg_t *cfg;		/* of the file that is read now */
	int last_line;		/* of that file */
	struct {
		char *path;
		cfg_t *cfg;
	} files[CONF_FILES_MAX];
	size_t n_files;
	struct conf_place *places;
	size_t n_places;
	FILE *lines;
	unsigned int errors, warnings;
	cfg_opt_t top[64], sub[CONF_SECTIONS][32];
};
extern struct conf_reading *conf_run;
extern const char *const conf_sections[CONF_SECTIONS];

/* config_complain.c: all of it goes to .lines, with file and line */
/* Of an option of a section or a section; of an option outside of them. NULL: it was not given. */
const struct conf_place *conf_place(const void *key);
const struct conf_place *conf_named(const char *name);
__attribute__((format(printf, 3, 4)))
void conf_bad(const char *file, int line, const char *format, ...);
__attribute__((format(printf, 2, 3)))
void conf_bad_at(const struct conf_place *p, const char *format, ...);
void conf_warn(const struct conf_place *p, const char *name, const char *what);
/* libConfuse ends at its first error, so there is one of these. */
void conf_parse_error(cfg_t *cfg, const char *format, va_list ap);

/* config_fill.c: what was read, into @c; what is wrong with it is complained of. 0 or -errno. */
int conf_fill(struct config *c);

#endif
