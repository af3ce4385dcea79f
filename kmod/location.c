// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "attach.h"
#include "location.h"

#define SWEEP_MIN 1024		/* objects looked at by one sweep, at least */
#define SWEEP_TIME 60		/* seconds in which all are looked at */
#define TOGETHER 32		/* of one source that are found by it */

enum { BY_AOR, BY_SOURCE };

/* ---- what is in one piece ---- */

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

/* ---- the two tables ---- */

static struct cg_location *location_of(struct cg_entry *e)
{
	return e ? container_of(e, struct cg_location, entry) : NULL;
}

static u32 aor_hash(const struct cg_gate *gate, const u8 *aor, u8 naor)
{
	return jhash(aor, naor, gate->aor_seed);
}

static u32 source_hash(const struct cg_ep *from)
{
	return cg_ep_hash(from, sizeof(*from), 0);
}

int cg_location_init(struct cg_gate *gate)
{
	int err = cg_index_init(&gate->by_aor, BY_AOR);

	if (err)
		return err;
	get_random_bytes(&gate->aor_seed, sizeof(gate->aor_seed));
	err = cg_index_init(&gate->by_source, BY_SOURCE);
	if (err)
		cg_index_fini(&gate->by_aor);
	return err;
}

/* Nobody can see it any more. */
void cg_location_fini(struct cg_gate *gate)
{
	struct cg_entry *e, *next;

	for (e = cg_index_from(&gate->by_aor, 0); e; e = next) {
		next = cg_index_after(&gate->by_aor, e);
		kfree(location_of(e));
	}
	cg_index_fini(&gate->by_source);
	cg_index_fini(&gate->by_aor);
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

static bool is_of(const struct cg_location *loc, const u8 *aor, u8 naor)
{
	return loc->naor == naor && !memcmp(cg_location_aor(loc), aor, naor);
}

static struct cg_location *find(struct cg_gate *gate, u32 hash, const u8 *aor, u8 naor, u64 id)
{
	struct cg_location *loc;
	struct cg_entry *e;

	rcu_read_lock();
	e = cg_index_find(&gate->by_aor, hash);
	for (; e; e = cg_index_same(&gate->by_aor, e)) {
		loc = location_of(e);
		if (loc->id == id && is_of(loc, aor, naor))
			break;
	}
	rcu_read_unlock();
	return e ? loc : NULL;
}

struct cg_location *cg_location_find(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id)
{
	return find(gate, aor_hash(gate, aor, naor), aor, naor, id);
}

u32 cg_location_hash(const struct cg_location *loc)
{
	return loc->entry.hash[BY_AOR];
}

struct cg_location *cg_location_next(struct cg_gate *gate, u32 hash, u64 id)
{
	struct cg_entry *e = cg_index_from(&gate->by_aor, hash);
	struct cg_location *loc, *next = NULL;

	for (; e; e = cg_index_after(&gate->by_aor, e)) {
		loc = location_of(e);
		if (next && e->hash[BY_AOR] != next->entry.hash[BY_AOR])
			break;
		if (e->hash[BY_AOR] == hash && loc->id <= id)
			continue;
		if (!next || loc->id < next->id)
			next = loc;
	}
	return next;
}

struct cg_location *cg_location_of(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id)
{
	u32 hash = aor_hash(gate, aor, naor);
	struct cg_location *loc;

	do {
		loc = cg_location_next(gate, hash, id);
		if (!loc || loc->entry.hash[BY_AOR] != hash)
			return NULL;
		id = loc->id;
	} while (!is_of(loc, aor, naor));
	return loc;
}

static size_t size_of(const struct cg_location *loc)
{
	return sizeof(*loc) + 2 * ep_size(loc->family) + loc->naor + loc->nuri;
}

static void remove(struct cg_gate *gate, struct cg_location *loc)
{
	if (cg_index_has(&gate->by_source, &loc->entry))
		cg_index_remove(&gate->by_source, &loc->entry);
	cg_index_remove(&gate->by_aor, &loc->entry);
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

/*
 * A trunk may have a million users at one source: some of them are enough to know that it lives.
 * When they go, the sweep takes others in their place.
 */
static void enter_source(struct cg_gate *gate, struct cg_location *loc)
{
	struct cg_entry *e;
	u32 n = 0;

	rcu_read_lock();
	e = cg_index_find(&gate->by_source, loc->entry.hash[BY_SOURCE]);
	for (; e && n < TOGETHER; e = cg_index_same(&gate->by_source, e))
		n++;
	rcu_read_unlock();
	if (n < TOGETHER)
		cg_index_add(&gate->by_source, &loc->entry);
}

static void insert(struct cg_gate *gate, struct cg_location *loc, u32 hash)
{
	struct cg_ep from;

	cg_location_remote(loc, &from);
	cg_entry_init(&loc->entry);
	loc->entry.hash[BY_AOR] = hash;
	loc->entry.hash[BY_SOURCE] = source_hash(&from);
	cg_index_add(&gate->by_aor, &loc->entry);
	enter_source(gate, loc);
	gate->nlocations++;
	gate->location_bytes += size_of(loc);
}

/* The new object comes before the old one goes: who reads both leaves it to the daemon. */
struct cg_location *cg_location_set(struct cg_gate *gate, const struct cg_location_new *n)
{
	const struct cg_rules *rules = rcu_dereference_protected(gate->rules,
								 lockdep_is_held(&gate->admin));
	u32 hash = aor_hash(gate, n->aor, n->naor);
	struct cg_location *old, *loc;

	old = find(gate, hash, n->aor, n->naor, n->id);
	if (!old && gate->nlocations >= rules->locations)
		return ERR_PTR(-ENOSPC);
	loc = create(n);
	if (!loc)
		return ERR_PTR(-ENOMEM);
	insert(gate, loc, hash);
	if (old)
		remove(gate, old);
	return loc;
}

int cg_location_del(struct cg_gate *gate, const u8 *aor, u8 naor, u64 id)
{
	struct cg_location *loc = cg_location_find(gate, aor, naor, id);

	if (!loc)
		return -ENOENT;
	remove(gate, loc);
	return 0;
}

/* @budget of them are looked at, and a few more: a sweep ends, and begins, between two hashes. */
static void sweep(struct cg_gate *gate, bool all, u32 budget)
{
	struct cg_entry *e = cg_index_from(&gate->by_aor, gate->swept), *next;
	struct cg_location *loc;
	u32 n;

	for (n = 0; e && (n < budget || e->hash[BY_AOR] == gate->swept); e = next, n++) {
		next = cg_index_after(&gate->by_aor, e);
		gate->swept = e->hash[BY_AOR];
		loc = location_of(e);
		if (all || has_ended(loc))
			remove(gate, loc);
		else if (!cg_index_has(&gate->by_source, e))
			enter_source(gate, loc);
		cond_resched();
	}
	gate->swept = e ? e->hash[BY_AOR] : 0;
}

static void trim(struct cg_gate *gate)
{
	cg_index_trim(&gate->by_aor);
	cg_index_trim(&gate->by_source);
}

void cg_location_sweep(struct cg_gate *gate)
{
	if (gate->nlocations)
		sweep(gate, false, max_t(u32, SWEEP_MIN, gate->nlocations / SWEEP_TIME));
	trim(gate);
}

void cg_location_flush(struct cg_gate *gate)
{
	gate->swept = 0;
	sweep(gate, true, gate->nlocations);
	trim(gate);
}

u64 cg_location_bytes(const struct cg_gate *gate)
{
	return gate->location_bytes + cg_index_bytes(&gate->by_aor) +
	       cg_index_bytes(&gate->by_source);
}

/* ---- readers ---- */

bool cg_location_usable(const struct cg_gate *gate, const struct cg_location *loc)
{
	const struct cg_rules *rules = rcu_dereference(gate->rules);
	struct cg_ep local;

	if (has_ended(loc) || loc->flags & CALLGATE_LOCATION_UP)
		return false;
	if (rules->heard && (s32)(now() - READ_ONCE(loc->heard)) > (s32)rules->heard)
		return false;
	cg_location_local(loc, &local);
	return cg_attach_has(gate, &local);
}

enum cg_where cg_location_pick(struct cg_gate *gate, const u8 *aor, u8 naor, bool stranger,
			       struct cg_location **out)
{
	struct cg_location *loc;
	struct cg_entry *e;
	u32 n = 0;

	e = cg_index_find(&gate->by_aor, aor_hash(gate, aor, naor));
	for (; e; e = cg_index_same(&gate->by_aor, e)) {
		loc = location_of(e);
		if (!is_of(loc, aor, naor) || has_ended(loc))
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
	struct cg_location *loc;
	struct cg_entry *e;
	bool live = false;
	struct cg_ep ep;

	e = cg_index_find(&gate->by_source, source_hash(from));
	for (; e; e = cg_index_same(&gate->by_source, e)) {
		loc = location_of(e);
		cg_location_remote(loc, &ep);
		if (!cg_ep_equal(from, &ep) || has_ended(loc))
			continue;
		cg_location_local(loc, &ep);
		if (ep.port == port && READ_ONCE(loc->heard) != now())
			WRITE_ONCE(loc->heard, now());
		live = true;
	}
	return live;
}
