/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * location: where users are, as the daemon said, for as long as it said.
 *
 * One object per contact, in one piece, at most 192 bytes for names of 96 over
 * IPv4 or IPv6: with their tables a million of them fit in 256 MB. Found by the
 * user's name and by the flow its requests go to. Past its end an object is not
 * used; the sweep frees it within a minute or two.
 */
#ifndef _CG_LOCATION_H
#define _CG_LOCATION_H

#include "gate.h"

struct cg_location {
	struct cg_entry entry;
	union {
		struct {	/* for who holds gate->admin */
			u64 id, generation;
		};
		struct rcu_head rcu;	/* once it is in no table */
	};
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

/* Under gate->admin: ERR_PTR of -ENOSPC, -ENOMEM; -ENOENT. */
struct cg_location *cg_location_set(struct cg_gate *gate, const struct cg_location_new *n);
int cg_location_del(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id);
void cg_location_flush(struct cg_gate *gate);
void cg_location_sweep(struct cg_gate *gate);
u64 cg_location_bytes(const struct cg_gate *gate);

/*
 * Under gate->admin: by number. All of them in the order of hash and number, those
 * of one user in that of numbers: the one behind; 0, 0 is before all. NULL: there is no more.
 */
struct cg_location *cg_location_find(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id);
struct cg_location *cg_location_next(struct cg_gate *gate, u32 hash, u64 id);
struct cg_location *cg_location_of(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id);
u32 cg_location_hash(const struct cg_location *loc);

/* The rest under RCU. */
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
