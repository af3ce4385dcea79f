/* SPDX-License-Identifier: BSD-2-Clause */
/* From the words of the files to the values of struct config, and whether they fit together. */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "config_work.h"

/* Of an option of a section, or of the section when it was not given. */
static const struct conf_place *place_in(cfg_t *section, const char *name)
{
	const struct conf_place *p = conf_place(cfg_getopt(section, name));

	return p ? p : conf_place(section);
}

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
		for (size_t f = 0; f < conf_run->n_files; f++)
			add_words(&t, conf_run->files[f].cfg, o->name);
		if (!config_take(o, c, t.word, t.n, what))
			conf_bad_at(conf_named(o->name), "%s: %s", o->name, what);
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
			conf_bad_at(place_in(cfg, o->name), "%s: %s", o->name, what);
	}
}

/* The Nth section of that name in all files, or NULL. */
static cfg_t *section_at(const char *name, size_t n)
{
	for (size_t f = 0; f < conf_run->n_files; f++) {
		size_t here = cfg_size(conf_run->files[f].cfg, name);

		if (n < here)
			return cfg_getnsec(conf_run->files[f].cfg, name, (unsigned int)n);
		n -= here;
	}
	return NULL;
}

static void check_domain(cfg_t *cfg, const struct domain *d)
{
	if (d->expires_min > d->expires_default)
		conf_bad_at(place_in(cfg, "expires-min"), "expires-min: %u is above "
			 "expires-default, %u: lower it", d->expires_min, d->expires_default);
	if (d->expires_default > d->expires_max)
		conf_bad_at(place_in(cfg, "expires-max"), "expires-max: %u is below "
			 "expires-default, %u: raise it", d->expires_max, d->expires_default);
	if (d->mode == REGISTRAR_RELAY && !d->relay)
		conf_bad_at(place_in(cfg, "registrar"), "relay: missing: with registrar = "
			 "relay, give the server as relay = \"sip:...\"");
	if (d->mode == REGISTRAR_MAIN && d->relay)
		conf_bad_at(place_in(cfg, "relay"), "relay: without effect: write registrar = "
			 "relay or passive, or remove it");
	if (d->mode != REGISTRAR_PASSIVE && d->registrars.n)
		conf_bad_at(place_in(cfg, "registrars"), "registrars: without effect: write "
			 "registrar = passive, or remove it");
}

static void check_push(cfg_t *cfg, const struct domain *d)
{
	if (!d->push_command)
		return;
	if (d->mode != REGISTRAR_MAIN)
		conf_bad_at(place_in(cfg, "push-command"), "push-command: without effect: write "
			 "registrar = main, or remove it");
	else if (!d->push.n)
		conf_bad_at(place_in(cfg, "push-command"), "push-command: there are no "
			 "push-services: name those that it knows, as push-services = { apns, "
			 "fcm }");
}

static void take_domain(cfg_t *cfg, struct domain *d)
{
	const char *title = cfg_title(cfg);

	if (!config_is_host(title))
		conf_bad_at(conf_place(cfg), "domain: '%s' is no name of a domain: give one like "
			 "sip.example", title);
	d->name = strdup(title);
	d->realm = strdup(title);
	if (!d->name || !d->realm) {
		conf_bad_at(conf_place(cfg), "domain: no memory: free some");
		return;
	}
	for (char *s = d->name; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	take_section(cfg, "domain", d);
	check_domain(cfg, d);
	check_push(cfg, d);
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

	conf_bad_at(conf_place(cfg), "domain: '%s' is there twice: put all of it into one section",
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
		if (!g->name)
			return -ENOMEM;
		if (!config_is_name(cfg_title(cfg)) || config_group(c, cfg_title(cfg)))
			conf_bad_at(conf_place(cfg), "group: '%s' is there twice, or cannot be a "
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
			conf_bad_at(conf_place(cfg), "route: '%s' is not known: only 'default' is",
				 cfg_title(cfg));
			continue;
		}
		take_section(cfg, "route", c);
		if (c->default_proxy)
			conf_warn(conf_place(cfg), "route", "calls to the outside are not routed "
				  "yet: until then 'foreign' says what becomes of them");
	}
}

/* ---- what must fit together ---- */

static void check_interfaces(const struct words *words, const char *name)
{
	char what[CONFIG_WHAT];

	for (size_t i = 0; i < words->n; i++) {
		if (if_nametoindex(words->word[i]))
			continue;
		snprintf(what, sizeof(what), "there is no interface '%s' now: check its name with "
			 "'ip link'", words->word[i]);
		conf_warn(conf_named(name), name, what);
	}
}

static void check_top(const struct config *c)
{
	for (size_t i = 0; i < c->inside.n; i++)
		if (words_have(&c->outside, c->inside.word[i]))
			conf_bad_at(conf_named("inside"), "inside: '%s' is in outside "
				 "too: remove it from one of them", c->inside.word[i]);
	check_interfaces(&c->inside, "inside");
	check_interfaces(&c->outside, "outside");
}

int conf_fill(struct config *c)
{
	int err;

	c->file = strdup(conf_run->file);
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
