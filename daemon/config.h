/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config: /etc/callgate/callgate.conf, read by libConfuse into one immutable structure. A reload
 * makes a new one and swaps the pointer; what does not parse changes nothing. Every error is
 * "FILE:LINE: option: what is wrong: what to do". All times are in seconds.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "model.h"

enum registrar_mode { REGISTRAR_MAIN, REGISTRAR_PASSIVE, REGISTRAR_RELAY };
enum foreign { FOREIGN_REJECT, FOREIGN_RELAY };

struct words {
	char **word;
	size_t n;
};

static inline bool words_have(const struct words *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->word[i], word))
			return true;
	return false;
}

struct prefixes {
	struct prefix *prefix;
	size_t n;
};

struct domain {
	char *name;			/* lower case */
	char *realm;			/* default: the name */
	/* SIP URI; mode relay: of the inside server; mode passive: of the registrar, or NULL */
	char *relay;
	/* mode passive: who may send for it; default: the registrar */
	struct prefixes registrars;
	uint8_t mode;			/* enum registrar_mode */
	uint32_t expires_min;		/* 60 */
	uint32_t expires_default;	/* 3600 */
	uint32_t expires_max;		/* 7200 */
	uint32_t max_contacts;		/* 10, per user */
	bool third_party;		/* a user may register others: off */
	bool path;			/* Path without "path" in Supported: accepted; off: 421 */
	struct words service_route;	/* URIs in the Service-Route of the 200 */
	struct words sources;		/* sources.h: where users register from; none: any */
	struct words allow;		/* patterns of users who may register; none: all */
	struct words push;		/* push services; none: its parameters mean nothing */
	char *push_command;		/* wakes phones by them; NULL: a server on the way does */
	uint32_t push_wait;		/* 20: so long a request waits for them */
	/* users who may watch all registrations of the domain, with or without "@domain" */
	struct words watchers;
};

/* Users belong to it by its name (struct user). What it does not say is the domain's. */
struct group {
	char *name;
	struct words sources;
	uint32_t max_contacts;		/* 0: the domain's */
};

struct config {
	unsigned int refs;
	char *file;
	struct words inside, outside;	/* interface names; empty: by the default route */
	struct prefixes inside_nets;	/* more inside networks, by prefix */
	struct prefixes trusted;	/* provider set: never banned, not rated */
	struct endpoint *listen;	/* default: port 5060 of every address, IPv4 and IPv6 */
	size_t n_listen;
	bool helper;			/* transit SIP gets the module's helper: on */
	struct domain *domains;
	size_t n_domains;
	struct domain **by_name;	/* the same, sorted */
	struct group *groups;
	size_t n_groups;
	char *default_proxy;		/* route default; NULL: none. Not served yet */

	char *database;			/* /var/lib/callgate/callgate.db */
	char *control;			/* /run/callgate/control.sock */
	char *user;			/* to run as; NULL: stay */
	uint8_t durability;		/* enum durability (store.h), default STORE_STRICT */
	uint8_t log_level;		/* enum log_level, default info */

	uint8_t algorithms_inside;	/* bits of enum digest_algorithm; SHA-256 and MD5 */
	uint8_t algorithms_outside;	/* SHA-256 */
	uint32_t nonce_life;		/* 300 */
	uint32_t ban_failures;		/* 10 within ban_window; 0: no bans */
	uint32_t ban_window;		/* 600 */
	uint32_t ban_time;		/* 3600 */
	bool challenge;			/* requests of our users are challenged: on */
	/* strangers get one code for missing and absent users: off */
	bool uniform;
	uint8_t foreign;		/* enum foreign: requests for domains that are not ours */
	uint32_t max_message;		/* 65535 bytes; above: 513 */
	uint32_t subscriptions;		/* 1000 at once */
	uint32_t subscriptions_user;	/* 10 of one user */
	uint32_t subscription_min;	/* 60 seconds; for less: 423 */
};

#define CONFIG_FILE "/etc/callgate/callgate.conf"

/*
 * 0, or -errno. @lines: what is wrong, or at 0 what may be, a line each, freed by the caller; NULL:
 * nothing to say. -ENOENT, -EACCES and the like: the file; -EINVAL: what is in it.
 */
int config_load(const char *file, struct config **out, char **lines);
struct config *config_get(struct config *c);
/* NULL is allowed. */
void config_put(struct config *c);

/*
 * The one in force. Valid until the handler returns to the loop: keep no pointer into it, or hold
 * it by config_get().
 */
const struct config *config_now(void);
/* Takes over the reference. NULL: the end. */
void config_set(struct config *c);
/*
 * Reads the file again. What is wrong changes nothing: -errno and @lines as above. What only the
 * start can change stays as it is, and is said in @lines.
 */
int config_reload(char **lines);
/* @fn after each config_set() by a reload. -ENOSPC: there are 12. */
typedef void config_hook_fn(const struct config *now);
int config_hook(config_hook_fn *fn);

/* By name in any case, or NULL. An own address counts as the first main domain (C06). */
const struct domain *config_domain(const struct config *c, const char *name, size_t len);
/* Of an address of record; NULL as well for what has no domain. */
static inline const struct domain *config_domain_of(const struct config *c, const char *aor)
{
	const char *at = strrchr(aor, '@');

	return at ? config_domain(c, at + 1, strlen(at + 1)) : NULL;
}

/* NULL: there is none of that name. */
static inline const struct group *config_group(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_groups; i++)
		if (!strcmp(c->groups[i].name, name))
			return &c->groups[i];
	return NULL;
}

#endif
