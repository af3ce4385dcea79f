/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core: what is done with a message: checks that hold for all (C10, RFC 3261 16.3), the
 * transaction, then registrar, proxy, or an answer of our own (OPTIONS to us, 404, 483, 420,
 * 416, 481). The proxy sees to loops (482).
 *
 * What is refused by a check alone keeps no state: the same request is refused again in the same
 * words, and the ACK to it is known by its tag.
 */
#ifndef CORE_H
#define CORE_H

#include "transport.h"

/* The handler for transport_handler(). */
void core_receive(struct rx *rx);

/* What was refused here, by reason; ends with name NULL. */
struct core_count {
	const char *name;
	uint64_t n;
};
const struct core_count *core_counts(void);

#endif
