/* SPDX-License-Identifier: BSD-2-Clause */
/* config_load(): the file through libConfuse into struct config, every complaint with its line. */
#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "config.h"
#include "config_schema.h"
#include "config_text.h"

#define LINES_MAX 50
#define FILES_MAX 32
#define SECTIONS 3

static const char *const section_names[SECTIONS] = { "domain", "route", "group" };

/* Where an option or a section was first seen. */
struct place {
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
struct reading {
	const char *file;
	char *dir;
	struct config *config;
	cfg_t *cfg;		/* of the file that is read now */
	int last_line;		/* of that file */
	struct {
		char *path;
		cfg_t *cfg;
	} files[FILES_MAX];
	size_t n_files;
	struct place *places;
	size_t n_places;
	FILE *lines;
	unsigned int errors, warnings;
	cfg_opt_t top[64], sub[SECTIONS][32];
};
static struct reading *run;

/* ---- complaints ---- */

static const struct place *place_of(const void *key)
{
	for (size_t i = 0; i < run->n_places; i++)
		if (run->places[i].key == key)
			return &run->places[i];
	return NULL;
}

static const struct place *place_named(const char *name)
{
	for (size_t i = 0; i < run->n_places; i++)
		if (run->places[i].name && !strcmp(run->places[i].name, name))
			return &run->places[i];
	return NULL;
}

__attribute__((format(printf, 3, 0)))
static void vcomplain(const char *file, int line, const char *format, va_list ap)
{
	if (run->errors++ >= LINES_MAX)
		return;
	fprintf(run->lines, "%s:%d: ", file, line);
	vfprintf(run->lines, format, ap);
	putc('\n', run->lines);
}

__attribute__((format(printf, 3, 4)))
static void complain(const char *file, int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(file, line, format, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3)))
static void complain_at(const struct place *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(p ? p->file : run->file, p ? p->line : 1, format, ap);
	va_end(ap);
}

/* Of an option of a section, or of the section when it was not given. */
static const struct place *place_in(cfg_t *section, const char *name)
{
	const struct place *p = place_of(cfg_getopt(section, name));

	return p ? p : place_of(section);
}

static void warn(const struct place *p, const char *name, const char *what)
{
	if (run->warnings++ < LINES_MAX)
		fprintf(run->lines, "%s:%d: %s: warning: %s\n", p ? p->file : run->file,
			p ? p->line : 1, name, what);
}

/* Letters to be changed from one word to the other, by the usual table. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[33], last, above;
	size_t nb = strlen(b);

	if (nb > 32 || strlen(a) > 32)
		return 99;
	for (unsigned int j = 0; j <= nb; j++)
		row[j] = j;
	for (unsigned int i = 1; *a; a++, i++) {
		last = row[0];
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			above = row[j];
			row[j] = last + (tolower(*a) != b[j - 1]);
			if (above + 1 < row[j])
				row[j] = above + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			last = above;
		}
	}
	return row[nb];
}

static const struct config_option *nearest(const char *section, const char *name)
{
	const struct config_option *best = NULL;
	unsigned int least = 4, d;

	for (size_t i = 0; i < config_options_n; i++) {
		const struct config_option *o = &config_options[i];

		d = strcmp(o->section, section) ? 99 : distance(name, o->name);
		if (d < least && d < strlen(o->name) / 2 + 1) {
			least = d;
			best = o;
		}
	}
	return best;
}

static void unknown(cfg_t *cfg, const char *name)
{
	const char *section = cfg == run->cfg ? "" : cfg_name(cfg);
	const struct config_option *o = nearest(section, name);

	if (!strcmp(name, CONFIG_END_MARK)) {
		complain(cfg->filename, run->last_line,
			 "%s \"%s\": the file ends inside of it: add a '}'", section,
			 cfg_title(cfg));
		return;
	}
	if (o) {
		complain(cfg->filename, cfg->line, "%s: unknown option: is '%s' meant?", name,
			 o->name);
		return;
	}
	for (int i = 0; i < SECTIONS; i++)
		if (config_option(section_names[i], name)) {
			complain(cfg->filename, cfg->line, "%s: not known here: it belongs into %s "
				 "NAME { ... }", name, section_names[i]);
			return;
		}
	complain(cfg->filename, cfg->line, config_option("", name) ?
		 "%s: not known in a section: put it before or behind the braces" :
		 "%s: unknown option: remove it; callgate.conf(5) lists them all", name);
}

/* What libConfuse says, by its beginning; what is wrong, what to do. %s: the word it quotes. */
static const struct {
	const char *begins, *format;
} sayings[] = {
	{ "missing equal sign", "%s: no '=' behind it: write %s = VALUE" },
	{ "missing title", "%s: it has no name: write %s NAME { ... }" },
	{ "missing opening brace", "%s: no '{' behind it: write %s NAME { ... }" },
	{ "missing parenthesis", "%s: no '(' behind it: write %s(\"FILE\")" },
	{ "syntax error in call", "%s: not understood: write %s(\"FILE\")" },
	{ "found duplicate title", "%s: there twice: put all of it into one section" },
	{ "attempt to append", "%s: takes one value: write = instead of +=" },
	{ "unexpected closing brace", "syntax: a '}' without its '{': remove it" },
	{ "unexpected token", "syntax: '%s' cannot be here: a list is { a, b }, and text with "
			      "other signs than letters, digits, and . - / : takes quotes" },
	{ "unterminated string", "syntax: a quote is not closed: add it" },
};

/* The word in quotes of a saying. */
static void quoted(const char *said, char *word, size_t cap)
{
	const char *begin = strchr(said, '\''), *end = begin ? strrchr(begin + 1, '\'') : NULL;

	*word = 0;
	if (end)
		snprintf(word, cap, "%.*s", (int)(end - begin - 1), begin + 1);
}

/* libConfuse ends at its first error, so there is one of these. */
static void parse_error(cfg_t *cfg, const char *format, va_list ap)
{
	const char *file = cfg && cfg->filename ? cfg->filename : run->file;
	int line = cfg ? cfg->line : 1;
	char said[CONFIG_WHAT], word[128];

	vsnprintf(said, sizeof(said), format, ap);
	quoted(said, word, sizeof(word));
	if (!strncmp(said, "no such option", 14)) {
		unknown(cfg, word);
		return;
	}
	if (line > run->last_line) {
		complain(file, run->last_line, "syntax: the file ends too early: a value, a quote "
			 "or a brace is missing");
		return;
	}
	for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++)
		if (!strncmp(said, sayings[i].begins, strlen(sayings[i].begins))) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			complain(file, line, sayings[i].format, word, word);
#pragma GCC diagnostic pop
			return;
		}
	complain(file, line, "syntax: %s: see callgate.conf(5)", said);
}

/* ---- while it is read ---- */

static const struct place *remember(const void *key, const cfg_t *cfg, const char *name)
{
	struct place *grown = reallocarray(run->places, run->n_places + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	run->places = grown;
	grown += run->n_places++;
	*grown = (struct place){ .key = key, .name = name, .line = cfg->line,
				 .file = strdup(cfg->filename) };
	return grown;
}

/* Called behind each value. */
static int seen(cfg_t *cfg, cfg_opt_t *opt)
{
	bool top = cfg == run->cfg;
	const struct place *p = top ? place_named(opt->name) : place_of(opt);

	if (!top && !place_of(cfg) && !remember(cfg, cfg, NULL))
		return -1;
	if (!p)
		return remember(opt, cfg, top ? opt->name : NULL) ? 0 : -1;
	if (!(opt->flags & CFGF_LIST))
		complain(cfg->filename, cfg->line, "%s: set before, at %s:%d: remove one of them",
			 opt->name, p->file, p->line);
	return 0;
}

/* Behind each section, in that around it. */
static int seen_section(cfg_t *cfg, cfg_opt_t *opt)
{
	const cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

	return place_of(section) || remember(section, cfg, NULL) ? 0 : -1;
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
		complain(cfg->filename, cfg->line,
			 "include: takes one file: write include(\"FILE\")");
		return 0;
	}
	snprintf(path, sizeof(path), "%s%s", *argv[0] == '/' ? "" : run->dir, argv[0]);
	for (size_t i = 0; i < run->n_files; i++)
		if (!strcmp(run->files[i].path, path)) {
			complain(cfg->filename, cfg->line, "include: %s: it is read already: "
				 "remove this", path);
			return 0;
		}
	if (!is_file(path))
		complain(cfg->filename, cfg->line, "include: %s: %s: check the path and the "
			 "permissions", path, strerror(errno));
	else if (run->n_files == FILES_MAX)
		complain(cfg->filename, cfg->line, "include: more than %d files: put some "
			 "together", FILES_MAX);
	else
		run->files[run->n_files++].path = strdup(path);
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
		for (int i = 0; i < SECTIONS; i++, n++) {
			opts[n] = (cfg_opt_t)CFG_SEC(section_names[i], run->sub[i], CFGF_TITLE |
						     CFGF_MULTI | CFGF_NO_TITLE_DUPES);
			opts[n].validcb = seen_section;
		}
		opts[n++] = (cfg_opt_t)CFG_FUNC("include", include);
		opts[n++] = (cfg_opt_t)CFG_STR(CONFIG_END_MARK, NULL, CFGF_NONE);
	}
	opts[n] = (cfg_opt_t)CFG_END();
}

/* ---- from words to values ---- */

/* Words of one option of all files, or of a section. */
struct taken {
	const char *word[CONFIG_LIST_MAX + 1];
	size_t n;
};

static void add_words(struct taken *t, cfg_t *cfg, const char *name)
{
	cfg_opt_t *opt = cfg_getopt(cfg, name);

	for (unsigned int i = 0; i < cfg_opt_size(opt) && t->n <= CONFIG_LIST_MAX; i++)
		if (cfg_opt_getnstr(opt, i))
			t->word[t->n++] = cfg_opt_getnstr(opt, i);
}

static void take_top(struct config *c)
{
	char what[CONFIG_WHAT];

	for (size_t i = 0; i < config_options_n; i++) {
		const struct config_option *o = &config_options[i];
		struct taken t = { .n = 0 };

		if (*o->section)
			continue;
		for (size_t f = 0; f < run->n_files; f++)
			add_words(&t, run->files[f].cfg, o->name);
		if (!config_take(o, c, t.word, t.n, what))
			complain_at(place_named(o->name), "%s: %s", o->name, what);
	}
}

static void take_section(cfg_t *cfg, const char *section, void *object)
{
	char what[CONFIG_WHAT];

	for (size_t i = 0; i < config_options_n; i++) {
		const struct config_option *o = &config_options[i];
		struct taken t = { .n = 0 };

		if (strcmp(o->section, section))
			continue;
		add_words(&t, cfg, o->name);
		if (!config_take(o, object, t.word, t.n, what))
			complain_at(place_in(cfg, o->name), "%s: %s", o->name, what);
	}
}

/* The Nth section of that name in all files, or NULL. */
static cfg_t *section_at(const char *name, size_t n)
{
	for (size_t f = 0; f < run->n_files; f++) {
		size_t here = cfg_size(run->files[f].cfg, name);

		if (n < here)
			return cfg_getnsec(run->files[f].cfg, name, (unsigned int)n);
		n -= here;
	}
	return NULL;
}

static void check_domain(cfg_t *cfg, const struct domain *d)
{
	if (d->expires_min > d->expires_default)
		complain_at(place_in(cfg, "expires-min"), "expires-min: %u is above "
			 "expires-default, %u: lower it", d->expires_min, d->expires_default);
	if (d->expires_default > d->expires_max)
		complain_at(place_in(cfg, "expires-max"), "expires-max: %u is below "
			 "expires-default, %u: raise it", d->expires_max, d->expires_default);
	if (d->mode == REGISTRAR_RELAY && !d->relay)
		complain_at(place_in(cfg, "registrar"), "relay: missing: with registrar = "
			 "relay, give the server as relay = \"sip:...\"");
	if (d->mode == REGISTRAR_MAIN && d->relay)
		complain_at(place_in(cfg, "relay"), "relay: without effect: write registrar = relay "
			 "or passive, or remove it");
	if (d->mode != REGISTRAR_PASSIVE && d->registrars.n)
		complain_at(place_in(cfg, "registrars"), "registrars: without effect: write "
			 "registrar = passive, or remove it");
}

static void take_domain(cfg_t *cfg, struct domain *d)
{
	const char *title = cfg_title(cfg);

	if (!config_is_host(title))
		complain_at(place_of(cfg), "domain: '%s' is no name of a domain: give one like "
			 "sip.example", title);
	d->name = strdup(title);
	d->realm = strdup(title);
	if (!d->name || !d->realm) {
		complain_at(place_of(cfg), "domain: no memory: free some");
		return;
	}
	for (char *s = d->name; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	take_section(cfg, "domain", d);
	check_domain(cfg, d);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct domain *const *)a)->name, (*(struct domain *const *)b)->name);
}

/* Where the section of a domain began. */
static void same_domain(const struct config *c, const struct domain *a, const struct domain *b)
{
	const struct domain *later = a > b ? a : b;
	cfg_t *cfg = section_at("domain", (size_t)(later - c->domains));

	complain_at(place_of(cfg), "domain: '%s' is there twice: put all of it into one section",
		 cfg_title(cfg));
}

static int take_domains(struct config *c)
{
	size_t n = 0;

	while (section_at("domain", n))
		n++;
	c->domains = calloc(n + 1, sizeof(*c->domains));
	c->by_name = calloc(n + 1, sizeof(*c->by_name));
	if (!c->domains || !c->by_name)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		c->by_name[i] = &c->domains[i];
		c->n_domains++;
		take_domain(section_at("domain", i), &c->domains[i]);
		if (!c->domains[i].name)
			return -ENOMEM;
	}
	qsort(c->by_name, n, sizeof(*c->by_name), by_name);
	for (size_t i = 1; i < n; i++)
		if (!by_name(&c->by_name[i - 1], &c->by_name[i]))
			same_domain(c, c->by_name[i - 1], c->by_name[i]);
	return 0;
}

static int take_groups(struct config *c)
{
	cfg_t *cfg;

	for (; (cfg = section_at("group", c->n_groups)); c->n_groups++) {
		struct group *g = reallocarray(c->groups, c->n_groups + 1, sizeof(*g));

		if (!g)
			return -ENOMEM;
		c->groups = g;
		g += c->n_groups;
		*g = (struct group){ .name = strdup(cfg_title(cfg)) };
		if (!config_is_name(cfg_title(cfg)) || config_group(c, cfg_title(cfg)))
			complain_at(place_of(cfg), "group: '%s' is there twice, or cannot be a "
				    "name: give each another one", cfg_title(cfg));
		take_section(cfg, "group", g);
	}
	return 0;
}

static void take_routes(struct config *c)
{
	cfg_t *cfg;

	for (size_t i = 0; (cfg = section_at("route", i)); i++) {
		if (strcmp(cfg_title(cfg), "default")) {
			complain_at(place_of(cfg), "route: '%s' is not known: only 'default' is",
				 cfg_title(cfg));
			continue;
		}
		take_section(cfg, "route", c);
		if (c->default_proxy)
			warn(place_of(cfg), "route", "calls to the outside are not routed yet: until then "
			     "'foreign' says what becomes of them");
	}
}

/* ---- what must fit together ---- */

static bool has_word(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++)
		if (!strcmp(words->word[i], word))
			return true;
	return false;
}

static void check_interfaces(const struct words *words, const char *name)
{
	char what[CONFIG_WHAT];

	for (size_t i = 0; i < words->n; i++) {
		if (if_nametoindex(words->word[i]))
			continue;
		snprintf(what, sizeof(what), "there is no interface '%s' now: check its name with "
			 "'ip link'", words->word[i]);
		warn(place_named(name), name, what);
	}
}

static void check_top(const struct config *c)
{
	for (size_t i = 0; i < c->inside.n; i++)
		if (has_word(&c->outside, c->inside.word[i]))
			complain_at(place_named("inside"), "inside: '%s' is in outside "
				 "too: remove it from one of them", c->inside.word[i]);
	check_interfaces(&c->inside, "inside");
	check_interfaces(&c->outside, "outside");
}

/* ---- the run ---- */

static int parse(const struct config_text *t, size_t nth)
{
	FILE *f = fmemopen(t->text, t->len, "r");
	int err;

	run->cfg = f ? cfg_init(run->top, CFGF_NONE) : NULL;
	if (!run->cfg) {
		if (f)
			fclose(f);
		return -ENOMEM;
	}
	run->files[nth].cfg = run->cfg;
	run->last_line = t->lines;
	run->cfg->filename = strdup(run->files[nth].path);
	cfg_set_error_function(run->cfg, parse_error);
	err = cfg_parse_fp(run->cfg, f);
	fclose(f);
	/* libConfuse is silent about an option without name, such as "" = 1 */
	if (err && !run->errors)
		complain(run->cfg->filename, run->cfg->line < t->lines ? run->cfg->line : t->lines,
			 "syntax: not understood from here on: see callgate.conf(5)");
	return err ? -EINVAL : 0;
}

static int parse_file(size_t nth)
{
	const char *path = run->files[nth].path;
	struct config_text t;
	int err = path ? config_text_read(path, &t) : -ENOMEM;

	if (err) {
		fprintf(run->lines, "%s: %s%s\n", path ? path : run->file,
			err == -EINVAL ? "no text file" : strerror(-err),
			err == -ENOENT ? ": write it, or name another one; callgate.conf(5) has an "
			"example" : err == -EACCES ? ": run as root, or change its mode" : "");
		return err;
	}
	if (t.open_comment) {
		complain(path, t.open_comment, "syntax: a comment is not closed: add */");
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

	for (int i = 0; i < SECTIONS; i++)
		add_options(section_names[i], run->sub[i], sizeof(run->sub[i]) / sizeof(cfg_opt_t));
	add_options("", run->top, sizeof(run->top) / sizeof(run->top[0]));
	for (size_t i = 0; i < run->n_files && !err; i++)
		err = parse_file(i);
	return err;
}

static int fill(struct config *c)
{
	int err;

	c->file = strdup(run->file);
	if (!c->file)
		return -ENOMEM;
	take_top(c);
	err = take_domains(c);
	if (!err)
		err = take_groups(c);
	if (err)
		return err;
	take_routes(c);
	check_top(c);
	return 0;
}

static void end_run(void)
{
	for (size_t i = 0; i < run->n_files; i++) {
		if (run->files[i].cfg)
			cfg_free(run->files[i].cfg);
		free(run->files[i].path);
	}
	for (size_t i = 0; i < run->n_places; i++)
		free(run->places[i].file);
	free(run->places);
	free(run->dir);
	config_put(run->config);
}

static int load(struct reading *r)
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
		err = fill(r->config);
	if (r->errors > LINES_MAX)
		fprintf(r->lines, "%s: %u more errors\n", r->file, r->errors - LINES_MAX);
	return err ? err : r->errors ? -EINVAL : 0;
}

int config_load(const char *file, struct config **out, char **lines)
{
	struct reading r = { .file = file };
	size_t len;
	int err;

	*lines = NULL;
	r.lines = open_memstream(lines, &len);
	if (!r.lines)
		return -ENOMEM;
	run = &r;
	err = load(&r);
	fclose(r.lines);
	if (!err)
		*out = config_get(r.config);
	end_run();
	run = NULL;
	if (!len) {
		free(*lines);
		*lines = NULL;
	}
	return err;
}
