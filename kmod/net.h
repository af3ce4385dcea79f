/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * net: everything callgate knows in one network namespace.
 *
 * Locking: cn->lock (bh) guards all objects and their lists. The hooks look
 * pinholes up under RCU first and take the lock only on a hit. Order: cn->lock,
 * then conntrack's locks. It is dropped before netlink is called.
 * The hooks and RCU see pinholes only; all else is looked up under the lock.
 */
#ifndef _CG_NET_H
#define _CG_NET_H

#include <linux/jiffies.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <linux/netfilter.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "reasons.h"
#include "wheel.h"
#include "ep.h"
#include "events.h"

/* What an admin may set; uapi/callgate.h documents units and ranges. */
struct cg_settings {
	u32 host_calls;		/* calls of one inside host */
	u32 calls;		/* all calls */
	u32 host_pins;		/* pinholes of one inside host */
	u32 pins;		/* all pinholes, quarantined ones included */
	u32 host_bindings;	/* bindings of one inside host */
	u32 bindings;		/* all bindings */
	u32 txns;		/* all transactions that await an answer */
	u16 port_min, port_max;	/* the pool, even and odd */
	u32 quarantine;		/* seconds until a freed port is used again */
	u32 silence;		/* seconds without media and SIP, 0: no limit */
	u32 age;		/* seconds a call may last, 0: no limit */
	bool mark_related;	/* pinhole packets are "ct state related" */
	bool publish;		/* pinholes are shown as expectations too */
	u8 mode;		/* enum callgate_mode: what helpers do at most */
	bool strict;		/* only the port a phone sends SIP from is opened for SIP */
};

/* Counters; read without the lock. */
struct cg_counters {
	u64 seen, edited, passed, flows;
	u64 noise;		/* seen, passed and CG_R_NOT_SIP in one */
	u64 reason[CG_R_COUNT];
	u32 untraced;		/* the jiffy in which nobody listened to the trace */
};

/* Ports of the pool, in pairs, least recently used first (ports.c). */
struct cg_pool {
	u16 *ring;		/* indexes of free pairs */
	unsigned long *out;	/* bit per pair: taken from the ring */
	u32 head, count, size;	/* size: pairs in the pool */
	u16 base;		/* port_min when the ring was made */
};

struct cg_modes;
struct cg_providers;
struct cg_gate;

struct cg_net {
	struct net *net;
	spinlock_t lock;
	siphash_key_t key;	/* of every hash of attacker's text */
	struct cg_settings set;
	struct cg_counters __percpu *counters;
	struct cg_wheel wheel;
	struct cg_pool pool;
	struct sk_buff *question;	/* claim.c */
	struct cg_events events;

	struct rhltable calls;		/* struct cg_call by key */
	struct rhltable pins_pub;	/* struct cg_pin by public endpoint */
	struct rhltable pins_in;	/* struct cg_pin by inside endpoint */
	struct rhltable txns;		/* struct cg_txn by key */
	struct rhashtable hosts;	/* struct cg_host by address */
	struct list_head call_list;	/* all calls, oldest first, for dumps */
	struct list_head binding_list;	/* all bindings */
	struct list_head sig_list;	/* signalling pinholes */
	struct list_head ghost_list;	/* quarantined pinholes, oldest first */
	struct hlist_head *binding_hash;

	struct cg_modes *modes;		/* of single hosts; NULL: none */
	struct cg_providers *providers;	/* NULL: none */

	struct cg_gate *gate;	/* gateway use; NULL: not here */

	u32 nloose;			/* of the calls: descriptions outside calls */
	u32 ncalls, nbindings, ntxns, nhosts, nghosts;
	u32 npins;		/* read without the lock by the hooks */
	u32 npublished;
	u64 last_call_id, last_binding_id;
	u32 mapped_at, mapped_asked;	/* mapped.c: this second's questions */
	u64 since;		/* cg_ms() */
	u64 event_seq;		/* of the last event; events.c */
	u32 tables;		/* changes with modes and providers (dumps) */
	u32 generation;		/* changes with every object added or removed (dumps) */
	struct work_struct hook_work;
	u32 changed;		/* bit per CALLGATE_C_*: an admin set it */
	bool capped;		/* not all is served by the mode of its rule alone */
	bool hooked;		/* the hooks are registered */
	bool used;		/* a helper of ours saw a packet here */
	bool dying;		/* namespace or module on its way out */
};

extern unsigned int cg_net_id;

static inline struct cg_net *cg_net_of(const struct net *net)
{
	return net_generic(net, cg_net_id);
}

/* The same where RCU's read lock is held: in all hooks and helpers. */
static inline struct cg_net *cg_net_of_rcu(const struct net *net)
{
	return rcu_dereference(net->gen)->ptr[cg_net_id];
}

/* Milliseconds of CLOCK_BOOTTIME. */
static inline u64 cg_ms(void)
{
	return div_u64(ktime_get_boottime_ns(), NSEC_PER_MSEC);
}

/* Counts @reason; any context. */
static inline void cg_count(struct cg_net *cn, enum cg_reason reason)
{
	this_cpu_inc(cn->counters->reason[reason]);
}

/* For hash tables whose key is an u64 made with cn->key: nobody can choose it. */
static inline u32 cg_key_hash(const void *key, u32 len, u32 seed)
{
	return ((*(const u64 *)key ^ seed) * 0x9e3779b97f4a7c15ull) >> 32;
}

static inline int cg_key_differs(struct rhashtable_compare_arg *arg, const void *obj)
{
	return *(const u64 *)arg->key != *(const u64 *)(obj + arg->ht->p.key_offset);
}

/* Sum over all processors. */
void cg_counters_read(const struct cg_net *cn, struct cg_counters *sum);

#endif
