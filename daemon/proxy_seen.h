/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_seen: where a transaction went. Its retransmissions, its CANCEL and the ACK of its refusal
 * go the same way, whatever has become of the location meanwhile (design 3). Bounded; beyond it the
 * oldest goes. Kept for 32 s, an INVITE's for 10 minutes: so long it may ring.
 */
#ifndef PROXY_SEEN_H
#define PROXY_SEEN_H

#include "proxy_way.h"

#define SEEN_MAX 131072

/* The same number for all requests of a transaction. */
uint64_t seen_key(const struct rx *rx, const struct sip_hop *from);
/* True: @w is its way; *@generation is that of the key that its branch was made with. */
bool seen_find(uint64_t key, struct way *w, uint32_t *generation);
void seen_add(uint64_t key, const struct way *w, uint32_t generation, bool invite);
size_t seen_count(void);
void seen_free(void);

#endif
