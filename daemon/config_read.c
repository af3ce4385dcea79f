/* SPDX-License-Identifier: BSD-2-Clause */
/* config_load(): the file, and those that it includes, through libConfuse into struct config. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_text.h"
#include "config_work.h"

const char *const conf_sections[CONF_SECTIONS] = { "domain", "route", "group" };
struct conf_reading *conf_run;

/* ---- while it is read ---- */

static const struct conf_place *remember(const void *key, const cfg_t *cfg, const char *name)
{
	struct conf_place *grown;

	grown = reallocarray(conf_run->places, conf_run->n_places + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	conf_run->places = grown;
	grown += conf_run->n_places++;
	*grown = (struct conf_place){ .key = key, .name = name, .line = cfg->line,
				 .file = strdup(cfg->filename) };
	return grown;
}

/* Called behind each value. */
static int seen(cfg_t *cfg, cfg_opt_t *opt)
{
	bool top = cfg == conf_run->cfg;
	const struct conf_place *p = top ? conf_named(opt->name) : conf_place(opt);

	if (!top && !conf_place(cfg) && !remember(cfg, cfg, NULL))
		return -1;
	if (!p)
		return remember(opt, cfg, top ? opt->name : NULL) ? 0 : -1;
	if (!(opt->flags & CFGF_LIST))
		conf_bad(cfg->filename, cfg->line, "%s: set before, at %s:%d: remove one of them",
			 opt->name, p->file, p->line);
	return 0;
}

/* Behind each section, in that around it. */
static int seen_section(cfg_t *cfg, cfg_opt_t *opt)
{
	const cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

	return conf_place(section) || remember(section, cfg, NULL) ? 0 : -1;
}

static bool is_file(const char *path)
{
	struct stat st;
	FILE *f;

	if (stat(path, &st))
		return false;
	errno = EISDIR;
	f = S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
	if (f)
		fclose(f);
	return f;
}

/* include("FILE"): by its whole path, or from the folder of the file given to config_load(). */
static int include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	char path[4096];

	(void)opt;
	if (argc != 1 || !*argv[0]) {
		conf_bad(cfg->filename, cfg->line,
			 "include: takes one file: write include(\"FILE\")");
		return 0;
	}
	snprintf(path, sizeof(path), "%s%s", *argv[0] == '/' ? "" : conf_run->dir, argv[0]);
	for (size_t i = 0; i < conf_run->n_files; i++)
		if (!strcmp(conf_run->files[i].path, path)) {
			conf_bad(cfg->filename, cfg->line, "include: %s: it is read already: "
				 "remove this", path);
			return 0;
		}
	if (!is_file(path))
		conf_bad(cfg->filename, cfg->line, "include: %s: %s: check the path and the "
			 "permissions", path, strerror(errno));
	else if (conf_run->n_files == CONF_FILES_MAX)
		conf_bad(cfg->filename, cfg->line, "include: more than %d files: put some "
			 "together", CONF_FILES_MAX);
	else
		conf_run->files[conf_run->n_files++].path = strdup(path);
	return 0;
}

static void add_options(const char *section, cfg_opt_t *opts, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < config_options_n && n + 5 < cap; i++) {
		const struct config_option *o = &config_options[i];

		if (strcmp(o->section, section))
			continue;
		opts[n] = o->list ? (cfg_opt_t)CFG_STR_LIST(o->name, NULL, CFGF_NONE) :
				    (cfg_opt_t)CFG_STR(o->name, NULL, CFGF_NONE);
		opts[n++].validcb = seen;
	}
	if (!*section) {
		for (int i = 0; i < CONF_SECTIONS; i++, n++) {
			opts[n] = (cfg_opt_t)CFG_SEC(conf_sections[i], conf_run->sub[i],
						     CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES);
			opts[n].validcb = seen_section;
		}
		opts[n++] = (cfg_opt_t)CFG_FUNC("include", include);
		opts[n++] = (cfg_opt_t)CFG_STR(CONFIG_END_MARK, NULL, CFGF_NONE);
	}
	opts[n] = (cfg_opt_t)CFG_END();
}

/* ---- the run ---- */

static int parse(const struct config_text *t, size_t nth)
{
	FILE *f = fmemopen(t->text, t->len, "r");
	int err, line;

	conf_run->cfg = f ? cfg_init(conf_run->top, CFGF_NONE) : NULL;
	if (!conf_run->cfg) {
		if (f)
			fclose(f);
		return -ENOMEM;
	}
	conf_run->files[nth].cfg = conf_run->cfg;
	conf_run->last_line = t->lines;
	conf_run->cfg->filename = strdup(conf_run->files[nth].path);
	cfg_set_error_function(conf_run->cfg, conf_parse_error);
	err = cfg_parse_fp(conf_run->cfg, f);
	fclose(f);
	/* libConfuse is silent about an option without name, such as "" = 1 */
	line = conf_run->cfg->line < t->lines ? conf_run->cfg->line : t->lines;
	if (err && !conf_run->errors)
		conf_bad(conf_run->cfg->filename, line,
			 "syntax: not understood from here on: see callgate.conf(5)");
	return err ? -EINVAL : 0;
}

static int parse_file(size_t nth)
{
	const char *path = conf_run->files[nth].path;
	struct config_text t;
	int err = path ? config_text_read(path, &t) : -ENOMEM;

	if (err) {
		fprintf(conf_run->lines, "%s: %s%s\n", path ? path : conf_run->file,
			err == -EINVAL ? "no text file" : strerror(-err),
			err == -ENOENT ? ": write it, or name another one; callgate.conf(5) has an "
			"example" : err == -EACCES ? ": run as root, or change its mode" : "");
		return err;
	}
	if (t.open_comment) {
		conf_bad(path, t.open_comment, "syntax: a comment is not closed: add */");
		err = -EINVAL;
	} else {
		err = parse(&t, nth);
	}
	free(t.text);
	return err;
}

/* The file, and those that it includes. */
static int parse_all(void)
{
	int err = 0;

	for (int i = 0; i < CONF_SECTIONS; i++)
		add_options(conf_sections[i], conf_run->sub[i],
			    sizeof(conf_run->sub[i]) / sizeof(cfg_opt_t));
	add_options("", conf_run->top, sizeof(conf_run->top) / sizeof(conf_run->top[0]));
	for (size_t i = 0; i < conf_run->n_files && !err; i++)
		err = parse_file(i);
	return err;
}

static void end_run(void)
{
	for (size_t i = 0; i < conf_run->n_files; i++) {
		if (conf_run->files[i].cfg)
			cfg_free(conf_run->files[i].cfg);
		free(conf_run->files[i].path);
	}
	for (size_t i = 0; i < conf_run->n_places; i++)
		free(conf_run->places[i].file);
	free(conf_run->places);
	free(conf_run->dir);
	config_put(conf_run->config);
}

static int load(struct conf_reading *r)
{
	const char *slash = strrchr(r->file, '/');
	int err;

	r->dir = slash ? strndup(r->file, (size_t)(slash - r->file) + 1) : strdup("./");
	r->config = calloc(1, sizeof(*r->config));
	r->files[r->n_files++].path = strdup(r->file);
	if (!r->dir || !r->config)
		return -ENOMEM;
	r->config->refs = 1;
	err = parse_all();
	if (!err)
		err = conf_fill(r->config);
	if (r->errors > CONF_LINES_MAX)
		fprintf(r->lines, "%s: %u more errors\n", r->file, r->errors - CONF_LINES_MAX);
	return err ? err : r->errors ? -EINVAL : 0;
}

int config_load(const char *file, struct config **out, char **lines)
{
	struct conf_reading r = { .file = file };
	size_t len;
	int err;

	*lines = NULL;
	r.lines = open_memstream(lines, &len);
	if (!r.lines)
		return -ENOMEM;
	conf_run = &r;
	err = load(&r);
	fclose(r.lines);
	if (!err)
		*out = config_get(r.config);
	end_run();
	conf_run = NULL;
	if (!len) {
		free(*lines);
		*lines = NULL;
	}
	return err;
}
