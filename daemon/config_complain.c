/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong with a configuration, and what to do: each complaint with its file and line. */
#include <ctype.h>
#include <string.h>

#include "config_text.h"
#include "config_work.h"

const struct conf_place *conf_place(const void *key)
{
	for (size_t i = 0; i < conf_run->n_places; i++)
		if (conf_run->places[i].key == key)
			return &conf_run->places[i];
	return NULL;
}

const struct conf_place *conf_named(const char *name)
{
	for (size_t i = 0; i < conf_run->n_places; i++)
		if (conf_run->places[i].name && !strcmp(conf_run->places[i].name, name))
			return &conf_run->places[i];
	return NULL;
}

__attribute__((format(printf, 3, 0)))
static void vcomplain(const char *file, int line, const char *format, va_list ap)
{
	if (conf_run->errors++ >= CONF_LINES_MAX)
		return;
	fprintf(conf_run->lines, "%s:%d: ", file, line);
	vfprintf(conf_run->lines, format, ap);
	putc('\n', conf_run->lines);
}

void conf_bad(const char *file, int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(file, line, format, ap);
	va_end(ap);
}

void conf_bad_at(const struct conf_place *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(p ? p->file : conf_run->file, p ? p->line : 1, format, ap);
	va_end(ap);
}

void conf_warn(const struct conf_place *p, const char *name, const char *what)
{
	if (conf_run->warnings++ < CONF_LINES_MAX)
		fprintf(conf_run->lines, "%s:%d: %s: warning: %s\n", p ? p->file : conf_run->file,
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
	const char *section = cfg == conf_run->cfg ? "" : cfg_name(cfg);
	const struct config_option *o = nearest(section, name);

	if (!strcmp(name, CONFIG_END_MARK)) {
		conf_bad(cfg->filename, conf_run->last_line,
			 "%s \"%s\": the file ends inside of it: add a '}'", section,
			 cfg_title(cfg));
		return;
	}
	if (o) {
		conf_bad(cfg->filename, cfg->line, "%s: unknown option: is '%s' meant?", name,
			 o->name);
		return;
	}
	for (int i = 0; i < CONF_SECTIONS; i++)
		if (config_option(conf_sections[i], name)) {
			conf_bad(cfg->filename, cfg->line, "%s: not known here: it belongs into %s "
				 "NAME { ... }", name, conf_sections[i]);
			return;
		}
	conf_bad(cfg->filename, cfg->line, config_option("", name) ?
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

void conf_parse_error(cfg_t *cfg, const char *format, va_list ap)
{
	const char *file = cfg && cfg->filename ? cfg->filename : conf_run->file;
	int line = cfg ? cfg->line : 1;
	char said[CONFIG_WHAT], word[128];

	vsnprintf(said, sizeof(said), format, ap);
	quoted(said, word, sizeof(word));
	if (!strncmp(said, "no such option", 14)) {
		unknown(cfg, word);
		return;
	}
	if (line > conf_run->last_line) {
		conf_bad(file, conf_run->last_line, "syntax: the file ends too early: a value, a "
			 "quote or a brace is missing");
		return;
	}
	for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++)
		if (!strncmp(said, sayings[i].begins, strlen(sayings[i].begins))) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			conf_bad(file, line, sayings[i].format, word, word);
#pragma GCC diagnostic pop
			return;
		}
	conf_bad(file, line, "syntax: %s: see callgate.conf(5)", said);
}
