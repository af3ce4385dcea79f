/* SPDX-License-Identifier: BSD-2-Clause */
/* cost: what the programs that count instructions have in common. */
#ifndef COST_H
#define COST_H

#define LOST (~0ul)	/* instead of a number of instructions */

__attribute__((noreturn)) void die(const char *what);

/* A datagram socket with a limit of a second; @ns NULL: of the network namespace we are in. */
int bound(const char *ns, const char *ip, int port);

/* The line "LABEL SERIES WHAT BYTES min median p90 lost"; sorts @v. */
struct cost {
	const char *label, *series, *what;
	int bytes;
};
void report(const struct cost *c, unsigned long *v, int n);

#endif
