/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define HOOKS 12

static struct config *now;
static config_hook_fn *hooks[HOOKS];
static size_t n_hooks;

/* ---- its life ---- */

struct config *config_get(struct config *c)
{
	c->refs++;
	return c;
}

static void free_words(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->word[i]);
	free(w->word);
}

static void free_domain(struct domain *d)
{
	free(d->name);
	free(d->realm);
	free(d->relay);
	free(d->registrars.prefix);
	free_words(&d->service_route);
	free_words(&d->watchers);
	free_words(&d->sources);
	free_words(&d->allow);
	free_words(&d->push);
	free(d->push_command);
}

void config_put(struct config *c)
{
	if (!c || --c->refs)
		return;
	for (size_t i = 0; i < c->n_domains; i++)
		free_domain(&c->domains[i]);
	free(c->domains);
	free(c->by_name);
	for (size_t i = 0; i < c->n_groups; i++) {
		free(c->groups[i].name);
		free_words(&c->groups[i].sources);
	}
	free(c->groups);
	free_words(&c->inside);
	free_words(&c->outside);
	free(c->inside_nets.prefix);
	free(c->trusted.prefix);
	free(c->listen);
	free(c->default_proxy);
	free(c->database);
	free(c->control);
	free(c->user);
	free(c->file);
	free(c);
}

const struct config *config_now(void)
{
	return now;
}

void config_set(struct config *c)
{
	struct config *was = now;

	now = c;
	config_put(was);
}

int config_hook(config_hook_fn *fn)
{
	if (n_hooks == HOOKS)
		return -ENOSPC;
	hooks[n_hooks++] = fn;
	return 0;
}

/* ---- reload ---- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_listen(const struct config *a, const struct config *b)
{
	bool same = a->n_listen == b->n_listen;

	for (size_t i = 0; same && i < a->n_listen; i++)
		same = endpoint_equal(&a->listen[i], &b->listen[i]);
	return same;
}

static int keep_text(char **text, const char *old)
{
	char *copy = old ? strdup(old) : NULL;

	if (old && !copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int keep_listen(struct config *c, const struct config *old)
{
	size_t size = old->n_listen * sizeof(*old->listen);
	struct endpoint *copy = malloc(size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, old->listen, size);
	free(c->listen);
	c->listen = copy;
	c->n_listen = old->n_listen;
	return 0;
}

/*
 * What the start alone can change stays as it is in force: pieces that read it later must not find
 * what is not there.
 */
static int keep_fixed(struct config *c, FILE *lines)
{
	static const char format[] = "%s: warning: %s: it was changed, and that takes a restart\n";
	static const struct {
		const char *name;
		size_t offset;
	} texts[] = {
		{ "database", offsetof(struct config, database) },
		{ "control", offsetof(struct config, control) },
		{ "user", offsetof(struct config, user) },
	};
	int err = 0;

	if (!same_listen(now, c)) {
		fprintf(lines, format, c->file, "listen");
		err = keep_listen(c, now);
	}
	if (now->durability != c->durability) {
		fprintf(lines, format, c->file, "durability");
		c->durability = now->durability;
	}
	for (size_t i = 0; !err && i < sizeof(texts) / sizeof(texts[0]); i++) {
		char **text = (char **)((char *)c + texts[i].offset);
		const char *old = *(char **)((char *)now + texts[i].offset);

		if (same_text(old, *text))
			continue;
		fprintf(lines, format, c->file, texts[i].name);
		err = keep_text(text, old);
	}
	return err;
}

int config_reload(char **lines)
{
	struct config *c;
	char *loaded;
	size_t len;
	FILE *f;
	int err = config_load(now->file, &c, &loaded);

	if (err) {
		*lines = loaded;
		return err;
	}
	f = open_memstream(lines, &len);
	if (!f) {
		config_put(c);
		free(loaded);
		return -ENOMEM;
	}
	fputs(loaded ? loaded : "", f);
	free(loaded);
	err = keep_fixed(c, f);
	fclose(f);
	if (!len) {
		free(*lines);
		*lines = NULL;
	}
	if (err) {
		config_put(c);
		return err;
	}
	config_set(c);
	for (size_t i = 0; i < n_hooks; i++)
		hooks[i](c);
	return 0;
}
