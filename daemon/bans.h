/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bans: sources that guessed too often, as elements with a timeout of a set in callgated's own nft
 * table ("table inet callgate", libnftables). Only failures with a nonce of ours count, so that
 * nobody can fail in the name of another address.
 *
 * Counted are the failures of a source (IPv6: its /64), and those of a source with one name, each
 * within ban_window. Too many of a source: it is banned for ban_time; not so the sources of live
 * bindings and the provider set (nor inside networks, whose failures are not told here). Too many
 * with one name: that name is refused from that source for ban_time, also where the source itself
 * is never banned. A name counts as it was sent, whether it exists or not.
 *
 * The rules are
 *	table inet callgate {
 *		set banned4 { type ipv4_addr; flags timeout; size 65536; }
 *		set banned6 { type ipv6_addr; flags timeout; size 65536; }  (the first 64 bits)
 *		chain bans { type filter hook prerouting priority -310; ... drop }
 *	}
 * and drop UDP and TCP for the router itself to the ports of "listen" alone. An orderly end takes
 * the chain away; the sets stay, and what they hold is in force again with the next start. Without
 * CAP_NET_ADMIN or nft bans act inside callgated: it refuses.
 */
#ifndef BANS_H
#define BANS_H

#include "model.h"

struct config;
/*
 * Says by log_warn() when nft cannot be used; that is no error. A reload may switch bans off and
 * on.
 */
int bans_open(const struct config *c, char why[static 256]);
void bans_close(void);
/* A wrong response for @user from @source. True: one too many, or there were before. */
bool bans_failed(const struct endpoint *source, const char *user);
void bans_succeeded(const struct endpoint *source, const char *user);
bool bans_has(const struct endpoint *source);
/* Is this name refused from there? */
bool bans_refuses(const struct endpoint *source, const char *user);

struct ban {
	struct prefix source;
	uint64_t until;		/* milliseconds of CLOCK_BOOTTIME */
	uint32_t failures;
	bool one_user;		/* .user alone is refused */
	char user[128];		/* the last name tried; "": not known */
};
/* The first at or behind place *@at, which moves behind it; false: there are no more. */
bool bans_next(uint32_t *at, struct ban *out);
/* All in the prefix, or the one that it is in. -ENOENT: none is banned. */
int bans_remove(const struct prefix *source);

/*
 * What the command asks: {"do": "bans"}: items {"source", "user", "one_user", "failures", "left"
 * (seconds)}; {"do": "ban-remove", "source": "192.0.2.1"}: ENOENT: it is not banned.
 * Registers the verbs. 0 or -errno.
 */
int bans_control(void);

#endif
