// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jhash.h>
#include <linux/slab.h>

#include "attach.h"
#include "location.h"

#define SWEEP_MIN 1024		/* objects looked at by one sweep, at least */
#define SWEEP_TIME 60		/* seconds in which all are looked at */
#define SWEEP_BATCH 64

struct aor_key {
	const u8 *text;
	u8 len;
};

/* ---- the two tables ---- */

static u32 ep_size(u8 family)
{
	return (family == NFPROTO_IPV4 ? sizeof(struct in_addr) : sizeof(struct in6_addr)) +
	       sizeof(__be16);
}

static void unpack(struct cg_ep *ep, u8 family, const u8 *wire)
{
	u32 size = ep_size(family) - sizeof(__be16);

	memset(ep, 0, sizeof(*ep));
	ep->family = family;
	ep->proto = IPPROTO_UDP;
	memcpy(&ep->addr, wire, size);
	memcpy(&ep->port, wire + size, sizeof(ep->port));
}

static u8 *pack(u8 *wire, const struct cg_ep *ep)
{
	u32 size = ep_size(ep->family) - sizeof(__be16);

	memcpy(wire, &ep->addr, size);
	memcpy(wire + size, &ep->port, sizeof(ep->port));
	return wire + size + sizeof(ep->port);
}

void cg_location_remote(const struct cg_location *loc, struct cg_ep *ep)
{
	unpack(ep, loc->family, loc->text);
}

void cg_location_local(const struct cg_location *loc, struct cg_ep *ep)
{
	unpack(ep, loc->family, loc->text + ep_size(loc->family));
}

const u8 *cg_location_aor(const struct cg_location *loc)
{
	return loc->text + 2 * ep_size(loc->family);
}

const u8 *cg_location_uri(const struct cg_location *loc)
{
	return cg_location_aor(loc) + loc->naor;
}

static u32 aor_hash(const void *data, u32 len, u32 seed)
{
	const struct aor_key *key = data;

	return jhash(key->text, key->len, seed);
}

static u32 aor_obj_hash(const void *data, u32 len, u32 seed)
{
	const struct cg_location *loc = data;

	return jhash(cg_location_aor(loc), loc->naor, seed);
}

static int aor_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct cg_location *loc = obj;
	const struct aor_key *key = arg->key;

	return key->len != loc->naor || memcmp(key->text, cg_location_aor(loc), key->len);
}

static const struct rhashtable_params aor_params = {
	.key_len = sizeof(struct aor_key),
	.head_offset = offsetof(struct cg_location, aor_node),
	.hashfn = aor_hash,
	.obj_hashfn = aor_obj_hash,
	.obj_cmpfn = aor_cmp,
	.automatic_shrinking = true,
};

static u32 source_obj_hash(const void *data, u32 len, u32 seed)
{
	struct cg_ep ep;

	cg_location_remote(data, &ep);
	return cg_ep_hash(&ep, sizeof(ep), seed);
}

static int source_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	struct cg_ep ep;

	cg_location_remote(obj, &ep);
	return !cg_ep_equal(arg->key, &ep);
}

static const struct rhashtable_params source_params = {
	.key_len = sizeof(struct cg_ep),
	.head_offset = offsetof(struct cg_location, source_node),
	.hashfn = cg_ep_hash,
	.obj_hashfn = source_obj_hash,
	.obj_cmpfn = source_cmp,
	.automatic_shrinking = true,
};

int cg_location_init(struct cg_gate *gate)
{
	int err = rhltable_init(&gate->by_aor, &aor_params);

	if (err)
		return err;
	err = rhltable_init(&gate->by_source, &source_params);
	if (err)
		rhltable_destroy(&gate->by_aor);
	return err;
}

static void stop_walk(struct cg_gate *gate)
{
	if (gate->walking)
		rhashtable_walk_exit(&gate->walk);
	gate->walking = false;
}

static void free_one(void *ptr, void *arg)
{
	kfree(ptr);
}

/* Nobody can see it any more, but who was freed by RCU a moment ago is not in the tables. */
void cg_location_fini(struct cg_gate *gate)
{
	stop_walk(gate);
	rhltable_destroy(&gate->by_source);
	rhltable_free_and_destroy(&gate->by_aor, free_one, NULL);
}

/* ---- changes ---- */

static u32 now(void)
{
	return cg_seconds(cg_ms());
}

static bool has_ended(const struct cg_location *loc)
{
	return (s32)(loc->expires - now()) <= 0;
}

struct cg_location *cg_location_find(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id)
{
	const struct aor_key key = { .text = aor, .len = naor };
	struct rhlist_head *l, *pos;
	struct cg_location *loc;

	l = rhltable_lookup(&gate->by_aor, &key, aor_params);
	rhl_for_each_entry_rcu(loc, pos, l, aor_node)
		if (loc->id == id)
			return loc;
	return NULL;
}

struct cg_location *cg_location_next(struct cg_gate *gate, const u8 *aor, u8 naor,
				     const struct cg_location *after)
{
	const struct aor_key key = { .text = aor, .len = naor };
	struct rhlist_head *l;

	if (after)
		l = rcu_dereference(after->aor_node.next);
	else
		l = rhltable_lookup(&gate->by_aor, &key, aor_params);
	return l ? container_of(l, struct cg_location, aor_node) : NULL;
}

static size_t size_of(const struct cg_location *loc)
{
	return sizeof(*loc) + 2 * ep_size(loc->family) + loc->naor + loc->nuri;
}

static void remove(struct cg_gate *gate, struct cg_location *loc)
{
	rhltable_remove(&gate->by_source, &loc->source_node, source_params);
	rhltable_remove(&gate->by_aor, &loc->aor_node, aor_params);
	gate->nlocations--;
	gate->location_bytes -= size_of(loc);
	kfree_rcu(loc, rcu);
}

static struct cg_location *create(const struct cg_location_new *n)
{
	u32 size = 2 * ep_size(n->remote.family) + n->naor + n->nuri;
	struct cg_location *loc;
	u8 *to;

	loc = kmalloc(struct_size(loc, text, size), GFP_KERNEL_ACCOUNT);
	if (!loc)
		return NULL;
	loc->id = n->id;
	loc->generation = n->generation;
	loc->expires = n->expires;
	loc->heard = n->heard;
	loc->ifindex = n->ifindex;
	loc->flags = n->flags;
	loc->family = n->remote.family;
	loc->naor = n->naor;
	loc->nuri = n->nuri;
	to = pack(loc->text, &n->remote);
	to = pack(to, &n->local);
	memcpy(to, n->aor, n->naor);
	memcpy(to + n->naor, n->uri, n->nuri);
	return loc;
}

static int insert(struct cg_gate *gate, struct cg_location *loc)
{
	struct aor_key key = { .text = cg_location_aor(loc), .len = loc->naor };
	struct cg_ep from;
	int err;

	cg_location_remote(loc, &from);
	err = rhltable_insert_key(&gate->by_aor, &key, &loc->aor_node, aor_params);
	if (err)
		return err;
	err = rhltable_insert_key(&gate->by_source, &from, &loc->source_node, source_params);
	if (err)
		rhltable_remove(&gate->by_aor, &loc->aor_node, aor_params);
	return err;
}

/* The new object comes before the old one goes: who reads both leaves it to the daemon. */
int cg_location_set(struct cg_gate *gate, const struct cg_location_new *n)
{
	const struct cg_rules *rules = rcu_dereference_protected(gate->rules,
								 lockdep_is_held(&gate->admin));
	struct cg_location *old, *loc;
	int err;

	rcu_read_lock();
	old = cg_location_find(gate, n->aor, n->naor, n->id);
	rcu_read_unlock();
	if (!old && gate->nlocations >= rules->locations)
		return -ENOSPC;
	loc = create(n);
	if (!loc)
		return -ENOMEM;
	err = insert(gate, loc);
	if (err) {
		kfree(loc);
		return err;
	}
	gate->nlocations++;
	gate->location_bytes += size_of(loc);
	if (old)
		remove(gate, old);
	return 0;
}

int cg_location_del(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id)
{
	struct cg_location *loc;

	rcu_read_lock();
	loc = cg_location_find(gate, aor, naor, id);
	rcu_read_unlock();
	if (!loc)
		return -ENOENT;
	remove(gate, loc);
	return 0;
}

/*
 * Up to SWEEP_BATCH objects of the walk that have ended, or simply all; *@budget are looked at.
 * False: the walk is at its end. They stay valid: only who holds gate->admin removes.
 */
static bool gather(struct cg_gate *gate, bool all, u32 *budget, struct cg_location **batch)
{
	struct cg_location *loc;
	u32 n = 0;

	if (!gate->walking)
		rhltable_walk_enter(&gate->by_aor, &gate->walk);
	gate->walking = true;
	rhashtable_walk_start(&gate->walk);
	for (loc = NULL; *budget && n < SWEEP_BATCH; --*budget) {
		loc = rhashtable_walk_next(&gate->walk);
		if (IS_ERR(loc))
			continue;	/* the table was resized: it begins again */
		if (!loc)
			break;
		if (all || has_ended(loc))
			batch[n++] = loc;
	}
	rhashtable_walk_stop(&gate->walk);
	batch[n] = NULL;
	return loc;
}

static void sweep(struct cg_gate *gate, bool all, u32 budget)
{
	struct cg_location *batch[SWEEP_BATCH + 1], **at;
	bool more = true;

	while (budget && more) {
		more = gather(gate, all, &budget, batch);
		for (at = batch; *at; at++)
			remove(gate, *at);
		if (!more)
			stop_walk(gate);
	}
}

void cg_location_sweep(struct cg_gate *gate)
{
	if (gate->nlocations)
		sweep(gate, false, max_t(u32, SWEEP_MIN, gate->nlocations / SWEEP_TIME));
}

void cg_location_flush(struct cg_gate *gate)
{
	while (gate->nlocations)
		sweep(gate, true, gate->nlocations);
	stop_walk(gate);
}

/* ---- readers ---- */

bool cg_location_usable(const struct cg_gate *gate, const struct cg_location *loc)
{
	const struct cg_rules *rules = rcu_dereference(gate->rules);
	struct cg_ep local;

	if (has_ended(loc) || loc->flags & CALLGATE_LOCATION_UP)
		return false;
	if (rules->heard && now() - READ_ONCE(loc->heard) > rules->heard)
		return false;
	cg_location_local(loc, &local);
	return cg_attach_has(gate, &local);
}

enum cg_where cg_location_pick(struct cg_gate *gate, const u8 *aor, u8 naor, bool stranger,
			       struct cg_location **out)
{
	const struct aor_key key = { .text = aor, .len = naor };
	struct rhlist_head *l, *pos;
	struct cg_location *loc;
	u32 n = 0;

	l = rhltable_lookup(&gate->by_aor, &key, aor_params);
	rhl_for_each_entry_rcu(loc, pos, l, aor_node) {
		if (has_ended(loc))
			continue;
		if (n++)
			return CG_WHERE_UP;
		if (!cg_location_usable(gate, loc) ||
		    (stranger && loc->flags & CALLGATE_LOCATION_NO_STRANGERS))
			return CG_WHERE_UP;
		*out = loc;
	}
	return n ? CG_WHERE_HERE : CG_WHERE_UNKNOWN;
}

bool cg_location_heard(struct cg_gate *gate, const struct cg_ep *from, __be16 port)
{
	struct rhlist_head *l, *pos;
	struct cg_location *loc;
	struct cg_ep local;
	bool live = false;
	u32 n = 0;

	l = rhltable_lookup(&gate->by_source, from, source_params);
	rhl_for_each_entry_rcu(loc, pos, l, source_node) {
		/* a trunk with many users: enough to know that it lives */
		if (++n > 32)
			break;
		if (has_ended(loc))
			continue;
		cg_location_local(loc, &local);
		if (local.port == port && READ_ONCE(loc->heard) != now())
			WRITE_ONCE(loc->heard, now());
		live = true;
	}
	return live;
}
