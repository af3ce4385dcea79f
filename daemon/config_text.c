/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_text.h"

#define FILE_MAX (4 << 20)

/* A position in the text, and the line it is in. */
struct cursor {
	char *at;
	int line;
};

static void step(struct cursor *c)
{
	c->line += *c->at++ == '\n';
}

static void blank(struct cursor *c)
{
	if (*c->at != '\n')
		*c->at = ' ';
	step(c);
}

static void skip_quoted(struct cursor *c)
{
	char quote = *c->at;

	step(c);
	while (*c->at && *c->at != quote) {
		if (*c->at == '\\' && c->at[1])
			step(c);
		step(c);
	}
	if (*c->at)
		step(c);
}

/* False: it does not end. */
static bool blank_block(struct cursor *c)
{
	blank(c);
	blank(c);
	while (*c->at && strncmp(c->at, "*/", 2))
		blank(c);
	if (!*c->at)
		return false;
	blank(c);
	blank(c);
	return true;
}

static void blank_line(struct cursor *c)
{
	while (*c->at && *c->at != '\n')
		blank(c);
}

/* A slash begins a comment between words only: a/b and sip://c are words. */
static void blank_comments(struct config_text *t)
{
	struct cursor c = { .at = t->text, .line = 1 };
	bool between = true;

	while (*c.at && !t->open_comment) {
		int line = c.line;

		if (*c.at == '"' || *c.at == '\'') {
			skip_quoted(&c);
		} else if (*c.at == '#' || (between && !strncmp(c.at, "//", 2))) {
			blank_line(&c);
		} else if (between && !strncmp(c.at, "/*", 2)) {
			if (!blank_block(&c))
				t->open_comment = line;
		} else {
			if (*c.at == '\r')
				*c.at = ' ';
			between = strchr(" \t\n={}(),+", *c.at);
			step(&c);
		}
	}
}

static int count_lines(const char *text)
{
	int lines = 1;

	for (; *text; text++)
		lines += *text == '\n' && text[1];
	return lines;
}

static int read_all(FILE *f, struct config_text *t)
{
	struct stat st;

	if (fstat(fileno(f), &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (st.st_size > FILE_MAX)
		return -EFBIG;
	t->text = malloc((size_t)st.st_size + sizeof(CONFIG_END_MARK) + 8);
	if (!t->text)
		return -ENOMEM;
	t->len = fread(t->text, 1, (size_t)st.st_size, f);
	t->text[t->len] = 0;
	return ferror(f) ? -EIO : strlen(t->text) != t->len ? -EINVAL : 0;
}

int config_text_read(const char *file, struct config_text *out)
{
	struct config_text t = { .text = NULL };
	FILE *f = fopen(file, "re");
	int err = f ? read_all(f, &t) : -errno;

	if (f)
		fclose(f);
	if (err) {
		free(t.text);
		return err;
	}
	t.lines = count_lines(t.text);
	blank_comments(&t);
	t.len += (size_t)sprintf(t.text + t.len, "\n" CONFIG_END_MARK " = 1\n");
	*out = t;
	return 0;
}
