/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gate: gateway use in one network namespace: what the daemon said, and the
 * tables of what comes to the router's own address.
 *
 * It is made by the first command of gateway use and lives until its namespace
 * goes; the transit path never looks at it. Locking: gate->admin (a mutex) for
 * who changes sockets, rules and locations; RCU for who reads them; gate->lock
 * (bh) for transactions, dialogs and held datagrams. Order: admin, then lock. The lock
 * is dropped before a datagram or a netlink message is sent. Never together
 * with cn->lock.
 */
#ifndef _CG_GATE_H
#define _CG_GATE_H

#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>

#include "../uapi/callgate_gateway.h"
#include "index.h"
#include "net.h"
#include "prefix.h"
#include "sip/scan.h"
#include "sip/token.h"

struct cg_sock;
struct cg_question;

/* What GATE_SET says; replaced as a whole. */
struct cg_rules {
	struct rcu_head rcu;
	u32 number;		/* each has another */
	u64 epoch;
	struct sip_key key;
	bool has_key;
	u32 take, methods;
	u32 rate, burst;
	u32 heard;
	u32 locations, txns, held, held_bytes;
	u32 ninterfaces, ninside, ntrusted;
	u32 interface[CALLGATE_INTERFACES_MAX];
	struct cg_prefix inside[CALLGATE_PREFIXES_MAX];
	struct cg_prefix trusted[CALLGATE_PREFIXES_MAX];
	u32 domains_len, realms_len;
	u8 names[];		/* domains, then realms; each: its length, then the name */
};

/* Where a datagram goes, or came from. */
struct cg_flow {
	struct cg_ep local, remote;
	u32 ifindex;
};

#define CG_BUCKETS 16384	/* a power of two */

struct cg_gate {
	struct cg_net *cn;
	struct mutex admin;
	spinlock_t lock;
	struct cg_rules __rcu *rules;
	struct delayed_work sweep;
	u32 daemon;			/* port id; 0: it is gone */
	bool yields;			/* the hook of yield.h is there */

	struct cg_sock __rcu *sock[CALLGATE_SOCKETS_MAX];

	struct cg_index by_aor;		/* struct cg_location */
	struct cg_index by_source;
	u32 aor_seed;
	u32 swept;			/* up to this hash */
	u32 nlocations;
	u64 location_bytes;

	struct rhashtable owners;	/* struct cg_owner */
	struct list_head brief, lasting;	/* of them, oldest first */
	u32 nowners;
	u64 owner_bytes;

	struct rhashtable parties;	/* struct cg_parties */
	struct list_head parties_age[3];
	u32 nparties;
	u64 parties_bytes;

	struct list_head questions;	/* oldest first */
	struct timer_list question_timer;
	atomic64_t last_question;
	u32 nheld, held_bytes;

	atomic64_t *bucket;
};

/* That of the namespace, NULL when there is none yet; the second makes it. Process context. */
static inline struct cg_gate *cg_gate_of(const struct cg_net *cn)
{
	return READ_ONCE(cn->gate);
}
struct cg_gate *cg_gate_make(struct cg_net *cn);

/*
 * A copy to change and hand to cg_rules_replace(), with room for @names bytes of them, or more.
 * Under admin.
 */
struct cg_rules *cg_rules_copy(struct cg_gate *gate, u32 names);
void cg_rules_replace(struct cg_gate *gate, struct cg_rules *rules);

/* Is that host inside, when its datagrams come by that interface (0: not known)? */
bool cg_rules_inside(const struct cg_rules *rules, const struct cg_ep *who, u32 ifindex);
bool cg_rules_trusted(const struct cg_rules *rules, const struct cg_ep *who);
/* Is a name, in any case, one of the domains? */
bool cg_rules_domain(const struct cg_rules *rules, const u8 *name, u32 len);
/* Is that text one of the realms? */
bool cg_rules_realm(const struct cg_rules *rules, const u8 *text, u32 len);
/* The first domain; NULL: there is none. */
const char *cg_rules_first_domain(const struct cg_rules *rules, u32 *len);

/* The daemon went away, or another came. */
void cg_gate_orphan(struct cg_gate *gate);

/* From the conventions of uapi: a time, and seconds of the same clock. */
static inline u32 cg_seconds(u64 ms)
{
	return (u32)div_u64(ms, MSEC_PER_SEC);
}

#endif
