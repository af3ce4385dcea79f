/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * index: objects by a hash, in chains that are as short as the index is large. Eight bytes in each
 * object and eight to sixteen in buckets, exactly: no header rounds them up to twice as much.
 *
 * Readers hold RCU's read lock. One at a time changes an index, in process context (locations:
 * gate->admin); to walk it in order is his as well.
 *
 * A bucket has the hashes with the same upper bits, a chain is in ascending order. So all objects
 * are in one order, whatever the number of buckets: a chain is cut in two or joined to the next
 * one where readers are, and a walk goes on by hash after the index grew or shrank.
 */
#ifndef _CG_INDEX_H
#define _CG_INDEX_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#define CG_INDEXES 2	/* that one object may be in */

/* In the object. .hash is set before it is added, and stays. */
struct cg_entry {
	struct cg_entry __rcu *next[CG_INDEXES];
	u32 hash[CG_INDEXES];
};

struct cg_buckets;

struct cg_index {
	struct cg_buckets __rcu *buckets;
	u32 n;		/* objects */
	u8 which;	/* of an entry's two */
};

/* -ENOMEM. At the end its objects are the caller's, and nobody reads it any more. */
int cg_index_init(struct cg_index *ix, u8 which);
void cg_index_fini(struct cg_index *ix);

/* Before those of the same hash. May wait for RCU, when it grows. */
void cg_index_add(struct cg_index *ix, struct cg_entry *e);
/* Who reads it goes on behind it: it is to be freed by RCU, and may not be added again. */
void cg_index_remove(struct cg_index *ix, struct cg_entry *e);
/* Fewer buckets, when there are far too many. May wait for RCU. */
void cg_index_trim(struct cg_index *ix);
u32 cg_index_bytes(const struct cg_index *ix);

/* A new object is in none. */
static inline void cg_entry_init(struct cg_entry *e)
{
	int i;

	for (i = 0; i < CG_INDEXES; i++)
		RCU_INIT_POINTER(e->next[i], e);
}

static inline bool cg_index_has(const struct cg_index *ix, const struct cg_entry *e)
{
	return rcu_access_pointer(e->next[ix->which]) != e;
}

/* In order, for who changes it: the first whose hash is not below @hash; the next. */
struct cg_entry *cg_index_from(const struct cg_index *ix, u32 hash);
struct cg_entry *cg_index_after(const struct cg_index *ix, const struct cg_entry *e);

/* Under RCU: the first with this hash; the next with the same. NULL: no more. */
struct cg_entry *cg_index_find(const struct cg_index *ix, u32 hash);
struct cg_entry *cg_index_same(const struct cg_index *ix, const struct cg_entry *e);

#endif
