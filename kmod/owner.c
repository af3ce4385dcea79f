// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

#include "owner.h"

#define BRIEF 32	/* seconds: 64 * T1 of RFC 3261 */
#define LASTING 600	/* an INVITE may be cancelled as long as it rings */
#define SWEEP_BATCH 256

struct cg_owner {
	struct rhash_head node;
	struct list_head age;	/* gate->brief or ->lasting */
	u64 key;
	u32 due;		/* seconds of cg_now() */
	u32 ifindex;
	struct cg_ep local, remote;
	u8 who, zone, ntarget;
	u8 target[];
};

static const struct rhashtable_params params = {
	.key_len = sizeof(u64),
	.key_offset = offsetof(struct cg_owner, key),
	.head_offset = offsetof(struct cg_owner, node),
	.hashfn = cg_key_hash,
	.obj_cmpfn = cg_key_differs,
	.automatic_shrinking = true,
};

int cg_owner_init(struct cg_gate *gate)
{
	INIT_LIST_HEAD(&gate->brief);
	INIT_LIST_HEAD(&gate->lasting);
	return rhashtable_init(&gate->owners, &params);
}

/* Looked up under the lock only: nobody can still see it. */
static void remove(struct cg_gate *gate, struct cg_owner *o)
{
	rhashtable_remove_fast(&gate->owners, &o->node, params);
	list_del(&o->age);
	gate->nowners--;
	gate->owner_bytes -= struct_size(o, target, o->ntarget);
	kfree(o);
}

static void flush(struct cg_gate *gate, struct list_head *list)
{
	struct cg_owner *o, *next;

	list_for_each_entry_safe(o, next, list, age)
		remove(gate, o);
}

void cg_owner_fini(struct cg_gate *gate)
{
	spin_lock_bh(&gate->lock);
	flush(gate, &gate->brief);
	flush(gate, &gate->lasting);
	spin_unlock_bh(&gate->lock);
	rhashtable_destroy(&gate->owners);
}

bool cg_owner_find(struct cg_gate *gate, u64 key, struct cg_way *way)
{
	const struct cg_owner *o;

	spin_lock_bh(&gate->lock);
	o = rhashtable_lookup_fast(&gate->owners, &key, params);
	if (o) {
		way->who = o->who;
		way->zone = o->zone;
		way->to.local = o->local;
		way->to.remote = o->remote;
		way->to.ifindex = o->ifindex;
		way->ntarget = o->ntarget;
		memcpy(way->target, o->target, o->ntarget);
	}
	spin_unlock_bh(&gate->lock);
	return o;
}

static struct cg_owner *create(u64 key, const struct cg_way *way)
{
	u8 ntarget = way->who == SIP_OWNER_KERNEL ? way->ntarget : 0;
	struct cg_owner *o = kmalloc(struct_size(o, target, ntarget), GFP_ATOMIC | __GFP_NOWARN);

	if (!o)
		return NULL;
	o->key = key;
	o->who = way->who;
	o->zone = way->zone;
	o->local = way->to.local;
	o->remote = way->to.remote;
	o->ifindex = way->to.ifindex;
	o->ntarget = ntarget;
	memcpy(o->target, way->target, ntarget);
	return o;
}

/* The oldest makes room: the one that ends first, of those that end soon anyway. */
static void make_room(struct cg_gate *gate)
{
	struct list_head *list = list_empty(&gate->brief) ? &gate->lasting : &gate->brief;

	cg_count(gate->cn, CG_R_FWD_TXNS);
	if (!list_empty(list))
		remove(gate, list_first_entry(list, struct cg_owner, age));
}

bool cg_owner_add(struct cg_gate *gate, u64 key, const struct cg_way *way, bool lasting)
{
	struct cg_owner *o = create(key, way);
	u32 limit;
	bool added;

	if (!o)
		return false;
	rcu_read_lock();
	limit = rcu_dereference(gate->rules)->txns;
	rcu_read_unlock();
	spin_lock_bh(&gate->lock);
	if (gate->nowners >= limit)
		make_room(gate);
	o->due = cg_now() + (lasting ? LASTING : BRIEF);
	added = !rhashtable_lookup_insert_fast(&gate->owners, &o->node, params);
	if (added) {
		list_add_tail(&o->age, lasting ? &gate->lasting : &gate->brief);
		gate->nowners++;
		gate->owner_bytes += struct_size(o, target, o->ntarget);
	}
	spin_unlock_bh(&gate->lock);
	if (!added)
		kfree(o);
	return added;
}

/* False: there may be more. */
static bool sweep_some(struct cg_gate *gate, struct list_head *list)
{
	struct cg_owner *o;
	u32 n = 0;

	spin_lock_bh(&gate->lock);
	while (n < SWEEP_BATCH) {
		o = list_first_entry_or_null(list, struct cg_owner, age);
		if (!o || (s32)(o->due - cg_now()) >= 0)
			break;
		remove(gate, o);
		n++;
	}
	spin_unlock_bh(&gate->lock);
	return n < SWEEP_BATCH;
}

void cg_owner_sweep(struct cg_gate *gate)
{
	while (!sweep_some(gate, &gate->brief) || !sweep_some(gate, &gate->lasting))
		cond_resched();
}
