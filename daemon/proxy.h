/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy: relays requests and responses without transaction state (RFC 3261 16, 16.11), by the code
 * that the kernel's forward uses too (sip/relay.h): the same branch, Record-Route and Contact
 * token. Where a request goes: proxy_way.h.
 */
#ifndef PROXY_H
#define PROXY_H

#include "transport.h"

struct txn;

/* A request for somebody else than us; answers itself when it cannot be relayed (C21). */
void proxy_request(struct rx *rx, struct txn *t);
/* A response whose top Via is ours; any other is dropped and counted. */
void proxy_response(struct rx *rx);

struct sip_key;
/*
 * The key of branches and tokens. The kernel gets the same (CALLGATE_G_KEY), and so does the next
 * start: what a dialog has of ours must be known again. Until it is set there is one of this run.
 * @old NULL: there is none.
 */
void proxy_key_set(const uint8_t key[16], const uint8_t old[16]);
/* @fn after each proxy_key_set(): whoever has a copy renews it. There is one. */
void proxy_key_hook(void (*fn)(void));
const struct sip_key *proxy_key(void);

/* By what happened; ends with name NULL. */
struct proxy_count {
	const char *name;
	uint64_t n;
};
const struct proxy_count *proxy_counts(void);

/* Forgets all targets and dialogs. */
void proxy_free(void);

#endif
