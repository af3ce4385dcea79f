/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy: relays requests and responses without transaction state (RFC 3261 16, 16.11), by the code
 * that the kernel's forward uses too (sip/relay.h): the same branch, Record-Route and Contact
 * token.
 */
#ifndef PROXY_H
#define PROXY_H

#include "transport.h"

struct txn;
struct contact;

/* A request for somebody else than us; answers itself when it cannot be relayed (C21). */
void proxy_request(struct rx *rx, struct txn *t);
/* A response whose top Via is ours; any other is dropped and counted. */
void proxy_response(struct rx *rx);

#endif
