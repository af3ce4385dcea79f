// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "index.h"

#define BITS_MIN 8
#define BITS_MAX 22	/* as many as there may be locations */
#define MEMORY (GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

struct cg_buckets {
	u8 bits;
	struct cg_entry __rcu **head;
};

/* ---- buckets ---- */

static struct cg_buckets *make(u8 bits)
{
	struct cg_buckets *b = kmalloc(sizeof(*b), MEMORY);

	if (!b)
		return NULL;
	b->bits = bits;
	b->head = kvcalloc(1u << bits, sizeof(b->head[0]), MEMORY);
	if (b->head)
		return b;
	kfree(b);
	return NULL;
}

static void drop(struct cg_buckets *b)
{
	kvfree(b->head);
	kfree(b);
}

static u32 bucket_of(const struct cg_buckets *b, u32 hash)
{
	return hash >> (32 - b->bits);
}

/* For who changes the index: it stays as it is. */
static struct cg_buckets *buckets(const struct cg_index *ix)
{
	return rcu_dereference_protected(ix->buckets, true);
}

static struct cg_entry *stable(struct cg_entry __rcu *const *at)
{
	return rcu_dereference_protected(*at, true);
}

int cg_index_init(struct cg_index *ix, u8 which)
{
	struct cg_buckets *b = make(BITS_MIN);

	ix->n = 0;
	ix->which = which;
	RCU_INIT_POINTER(ix->buckets, b);
	return b ? 0 : -ENOMEM;
}

void cg_index_fini(struct cg_index *ix)
{
	drop(buckets(ix));
	RCU_INIT_POINTER(ix->buckets, NULL);
}

u32 cg_index_bytes(const struct cg_index *ix)
{
	const struct cg_buckets *b = buckets(ix);

	return sizeof(*b) + (sizeof(b->head[0]) << b->bits);
}

/* ---- more and fewer of them ---- */

/* Where the chains of @old will be cut; they run on into the next bucket's until then. */
static void split(const struct cg_index *ix, const struct cg_buckets *old, struct cg_buckets *new)
{
	struct cg_entry __rcu **to;
	struct cg_entry *e;
	u32 i;

	for (i = 0; i < 1u << old->bits; i++) {
		for (e = stable(&old->head[i]); e; e = stable(&e->next[ix->which])) {
			to = &new->head[bucket_of(new, e->hash[ix->which])];
			if (!stable(to))
				RCU_INIT_POINTER(*to, e);
		}
		cond_resched();
	}
}

/* When nobody reads the old chains any more. */
static void cut(const struct cg_index *ix, struct cg_buckets *b)
{
	struct cg_entry *e, *next;
	u32 i;

	for (i = 0; i < 1u << b->bits; i++) {
		for (e = stable(&b->head[i]); e; e = next) {
			next = stable(&e->next[ix->which]);
			if (next && bucket_of(b, next->hash[ix->which]) != i) {
				RCU_INIT_POINTER(e->next[ix->which], NULL);
				break;
			}
		}
		cond_resched();
	}
}

/* Who reads the old chains meanwhile finds more behind them: it is in order. */
static void join(const struct cg_index *ix, const struct cg_buckets *old, struct cg_buckets *new)
{
	struct cg_entry __rcu **at = NULL;
	u32 i, to, last = U32_MAX;
	struct cg_entry *e;

	for (i = 0; i < 1u << old->bits; i++) {
		to = i >> (old->bits - new->bits);
		if (to != last)
			at = &new->head[to];
		last = to;
		e = stable(&old->head[i]);
		if (e)
			rcu_assign_pointer(*at, e);
		for (; e; e = stable(at))
			at = &e->next[ix->which];
		cond_resched();
	}
}

/* Without memory the chains get longer. */
static void resize(struct cg_index *ix, u8 bits)
{
	struct cg_buckets *old = buckets(ix), *new = make(bits);

	if (!new)
		return;
	if (bits > old->bits)
		split(ix, old, new);
	else
		join(ix, old, new);
	rcu_assign_pointer(ix->buckets, new);
	synchronize_rcu();
	if (bits > old->bits)
		cut(ix, new);
	drop(old);
}

void cg_index_trim(struct cg_index *ix)
{
	u8 bits = buckets(ix)->bits;

	if (ix->n >= 1u << bits >> 3)
		return;
	while (bits > BITS_MIN && ix->n < 1u << bits >> 1)
		bits--;
	if (bits < buckets(ix)->bits)
		resize(ix, bits);
}

/* ---- changes ---- */

/* Where one with this hash goes, before others of it. */
static struct cg_entry __rcu **place(const struct cg_index *ix, u32 hash)
{
	const struct cg_buckets *b = buckets(ix);
	struct cg_entry __rcu **at = &b->head[bucket_of(b, hash)];
	struct cg_entry *e;

	while ((e = stable(at)) && e->hash[ix->which] < hash)
		at = &e->next[ix->which];
	return at;
}

void cg_index_add(struct cg_index *ix, struct cg_entry *e)
{
	struct cg_entry __rcu **at = place(ix, e->hash[ix->which]);
	u8 bits = buckets(ix)->bits;

	RCU_INIT_POINTER(e->next[ix->which], stable(at));
	rcu_assign_pointer(*at, e);
	if (++ix->n > 1u << bits && bits < BITS_MAX)
		resize(ix, bits + 1);
}

void cg_index_remove(struct cg_index *ix, struct cg_entry *e)
{
	struct cg_entry __rcu **at = place(ix, e->hash[ix->which]);

	while (stable(at) != e)
		at = &stable(at)->next[ix->which];
	rcu_assign_pointer(*at, stable(&e->next[ix->which]));
	ix->n--;
}

/* ---- in order ---- */

/* The first of bucket @i or of one behind it. */
static struct cg_entry *first(const struct cg_buckets *b, u32 i)
{
	struct cg_entry *e = NULL;

	for (; !e && i < 1u << b->bits; i++)
		e = stable(&b->head[i]);
	return e;
}

struct cg_entry *cg_index_from(const struct cg_index *ix, u32 hash)
{
	const struct cg_buckets *b = buckets(ix);

	return stable(place(ix, hash)) ?: first(b, bucket_of(b, hash) + 1);
}

struct cg_entry *cg_index_after(const struct cg_index *ix, const struct cg_entry *e)
{
	const struct cg_buckets *b = buckets(ix);

	return stable(&e->next[ix->which]) ?: first(b, bucket_of(b, e->hash[ix->which]) + 1);
}

/* ---- readers ---- */

struct cg_entry *cg_index_find(const struct cg_index *ix, u32 hash)
{
	const struct cg_buckets *b = rcu_dereference(ix->buckets);
	struct cg_entry *e = rcu_dereference(b->head[bucket_of(b, hash)]);

	while (e && e->hash[ix->which] < hash)
		e = rcu_dereference(e->next[ix->which]);
	return e && e->hash[ix->which] == hash ? e : NULL;
}

struct cg_entry *cg_index_same(const struct cg_index *ix, const struct cg_entry *e)
{
	struct cg_entry *next = rcu_dereference(e->next[ix->which]);

	return next && next->hash[ix->which] == e->hash[ix->which] ? next : NULL;
}
