/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * location: where users are, as the daemon said, for as long as it said.
 *
 * One object per contact, in one piece, at most 192 bytes for names of 96:
 * a million of them fit in 256 MiB with their tables. Found by the user's name
 * and by the flow its requests go to. Past its end an object is not used; the
 * sweep frees it within a minute or two.
 */
#ifndef _CG_LOCATION_H
#define _CG_LOCATION_H

#include "gate.h"

struct cg_location {
	struct rhlist_head aor_node, source_node;
	struct rcu_head rcu;
	u64 id, generation;
	u32 expires, heard;	/* seconds of CLOCK_BOOTTIME */
	u32 ifindex;
	u8 flags;
	u8 family;
	u8 naor, nuri;
	u8 text[];		/* remote and local: address, port; then AOR, URI */
};

/* What LOCATION_SET says. */
struct cg_location_new {
	u64 id, generation;
	const u8 *aor, *uri;
	u8 naor, nuri;
	u8 flags;
	u32 expires, heard, ifindex;
	struct cg_ep remote, local;
};

int cg_location_init(struct cg_gate *gate);
void cg_location_fini(struct cg_gate *gate);

/* Under gate->admin: -ENOSPC, -ENOMEM; -ENOENT. */
int cg_location_set(struct cg_gate *gate, const struct cg_location_new *n);
int cg_location_del(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id);
void cg_location_flush(struct cg_gate *gate);
void cg_location_sweep(struct cg_gate *gate);

/* The rest under RCU. */
struct cg_location *cg_location_find(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id);
/* Those of one user, one after the other; NULL begins and ends. */
struct cg_location *cg_location_next(struct cg_gate *gate, const u8 *aor, u8 naor,
				     const struct cg_location *after);

enum cg_where {
	CG_WHERE_HERE,		/* one, and simple */
	CG_WHERE_UNKNOWN,	/* nothing is known: ask */
	CG_WHERE_UP,		/* the daemon's affair */
};
enum cg_where cg_location_pick(struct cg_gate *gate, const u8 *aor, u8 naor, bool stranger,
			       struct cg_location **out);

/* Is @loc simple enough for us: alive, heard of, and by a socket of ours? */
bool cg_location_usable(const struct cg_gate *gate, const struct cg_location *loc);
/* A datagram came from there to our @port: true, and noted, if a live location is there. */
bool cg_location_heard(struct cg_gate *gate, const struct cg_ep *from, __be16 port);

void cg_location_remote(const struct cg_location *loc, struct cg_ep *ep);
void cg_location_local(const struct cg_location *loc, struct cg_ep *ep);
const u8 *cg_location_aor(const struct cg_location *loc);
const u8 *cg_location_uri(const struct cg_location *loc);

#endif
