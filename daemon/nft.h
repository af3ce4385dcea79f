/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nft: the table "inet callgate", which callgated owns, and the one way to libnftables. Pieces give
 * it their chains. What changes later goes through a thread: a call costs milliseconds, and
 * more where rulesets are large. The thread has the rights that callgated has when it begins.
 */
#ifndef NFT_H
#define NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct config;

/* What one piece has in the table. Static; the piece fills the first five. */
struct nft_part {
	const char *name;
	const char *without;	/* for the log: what is the case while nft does not work */
	const char *chain;	/* its first: when it is gone, all of the part is made again */
	const char *remove;	/* commands, right whether the part is there or not */
	const char *drop;	/* a further one, which may fail; or NULL */

	/* nft.c's own */
	char *setup;		/* NULL: not in use */
	bool failing;
	struct nft_part *next;
};

/*
 * Runs @setup at once and keeps it (malloc(); it is freed here in any case). Run twice it has to
 * leave the same. 0, or -errno with @why: what nft said; what was there of the part is then gone.
 */
int nft_use(struct nft_part *p, char *setup, char why[static 256]);
/* Removes the part; what was queued for it is done before. */
void nft_remove(struct nft_part *p);
/*
 * Commands that need the part; queued, and freed here in any case (malloc()). Somebody may have
 * flushed the ruleset: then the part is made first. -ENOBUFS: too many are queued; -ENOTCONN: the
 * part is not in use.
 */
int nft_change(struct nft_part *p, char *commands);
/* Looks whether all parts are still there; queued. */
void nft_check(void);
/* The set of @first, any port, and those that callgated listens at: "{ 5060, 5062 }". */
void nft_print_ports(FILE *out, const struct config *c, unsigned int first);
/* What a command like "list set ..." says, as JSON; freed by the caller. NULL: nothing. */
char *nft_ask(const char *command);

#endif
