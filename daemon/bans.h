/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bans: sources that guessed too often, as elements with a timeout of a set in callgated's own nft
 * table ("table inet callgate", libnftables). Only failures against a valid nonce count; inside
 * networks, provider sets and sources of live bindings are never banned (design 4).
 */
#ifndef BANS_H
#define BANS_H

#include "model.h"

struct config;
int bans_open(const struct config *c, char why[static 256]);
void bans_close(void);
/*
 * A wrong password for @user ("" when the name itself is unknown) from @source. True: now
 * banned.
 */
bool bans_failed(const struct endpoint *source, const char *user);
void bans_succeeded(const struct endpoint *source, const char *user);
bool bans_has(const struct endpoint *source);

struct ban {
	struct prefix source;
	uint64_t until;		/* milliseconds of CLOCK_BOOTTIME */
	uint32_t failures;
	char user[128];		/* the last name tried */
};
typedef int bans_fn(const struct ban *b, void *arg);
int bans_each(bans_fn *fn, void *arg);
/* -ENOENT: not banned. */
int bans_remove(const struct prefix *source);

#endif
