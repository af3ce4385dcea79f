/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_way: where a request goes. In this order: a Route behind ours; the device of a GRUU of
 * ours; a Contact token of ours; a trunk's binding; in a dialog the peer named in our Record-Route,
 * or what is remembered by Call-ID and tags; a user's location; else what the Request-URI names,
 * when that is allowed.
 */
#ifndef PROXY_WAY_H
#define PROXY_WAY_H

#include "sip/relay.h"
#include "transport.h"

#define WAY_URI 1024

struct contact;

struct way {
	uint16_t code;		/* 0: there is one; else the answer to give */
	const char *warning;	/* text of a Warning, or NULL */
	bool uniform;		/* strangers must not tell this code from the others */
	bool disowned, believed;	/* of sip_relay; who asked for the way sets them */
	/*
	 * Its phones sleep, and it may wait for one of them (wake.h): this one, or NULL. Valid in
	 * this turn of the loop. Then .code is 480, for when it does not wait.
	 */
	const struct contact *asleep;
	bool only;		/* .asleep and no other */
	struct sip_hop to;
	uint32_t target_len;	/* 0: the Request-URI stays, or is restored by its token */
	uint32_t path_len;	/* 0: no Route to add */
	char target[WAY_URI];
	char path[WAY_URI];	/* values of Path, to become a Route */
};

/* @r: sip_relay_look() was called. */
void way_find(const struct rx *rx, const struct sip_relay *r, struct way *w);

/*
 * The contact that a request outside of dialogs is for by the place it was sent to, by its
 * registrar (passive.h, relayed.h). NULL: none.
 */
const struct contact *way_trunk(const struct rx *rx);

/* Is it an address of ours, or a domain of ours? For sip_relay.ours; @arg: the rx. */
sip_relay_ours_fn way_ours;

/*
 * The host of a URI in @buf; maddr is meant before it (RFC 3261 16.6, item 7). False: it is a name.
 * Those are for the resolver, which is not here yet.
 */
bool way_named(const u8 *buf, const struct sip_uri *u, struct sip_end *out);

struct endpoint way_endpoint(const struct sip_end *e);
struct sip_hop way_hop(const struct sip_flow *f);
struct sip_flow way_flow(const struct sip_hop *h);

#endif
