/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bans_live: which sources have live bindings. Counted from the first question on: a callgated that
 * nobody attacks never needs it.
 */
#ifndef BANS_LIVE_H
#define BANS_LIVE_H

#include <stdbool.h>
#include <stdint.h>

struct endpoint;
/* The same for all hosts that are banned together. */
uint64_t bans_key(const struct endpoint *source);
/* Where it cannot be known, for want of memory: true. */
bool bans_live(const struct endpoint *source);
void bans_live_close(void);

#endif
