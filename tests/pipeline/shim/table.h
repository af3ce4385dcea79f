/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rhashtable and rhltable as chains in a fixed number of buckets. In an rhltable the objects with
 * the same key hang on one another, the newest first, as in the kernel.
 */
#ifndef SHIM_TABLE_H
#define SHIM_TABLE_H

struct rhash_head {
	struct rhash_head *next;
};
struct rhlist_head {
	struct rhash_head rhead;
	struct rhlist_head *next;    /* with the same key */
};

struct rhashtable;
struct rhashtable_compare_arg {
	struct rhashtable *ht;
	const void *key;
};
struct rhashtable_params {
	u16 key_len, key_offset, head_offset;
	bool automatic_shrinking;
	/* NULL: of all bytes of the key */
	u32 (*hashfn)(const void *key, u32 len, u32 seed);
	int (*obj_cmpfn)(struct rhashtable_compare_arg *arg, const void *obj);
};

struct rhashtable {
	struct rhash_head **bucket;
	struct rhashtable_params p;
	long count;
};
struct rhltable {
	struct rhashtable ht;
};

int rhashtable_init(struct rhashtable *t, const struct rhashtable_params *p);
/* It must be empty: an object left in it would be lost. */
void rhashtable_destroy(struct rhashtable *t);
void *rhashtable_lookup_fast(struct rhashtable *t, const void *key, struct rhashtable_params p);
int rhashtable_insert_fast(struct rhashtable *t, struct rhash_head *n, struct rhashtable_params p);
int rhashtable_remove_fast(struct rhashtable *t, struct rhash_head *n, struct rhashtable_params p);

int rhltable_init(struct rhltable *t, const struct rhashtable_params *p);
void rhltable_destroy(struct rhltable *t);
struct rhlist_head *rhltable_lookup(struct rhltable *t, const void *key,
				    struct rhashtable_params p);
int rhltable_insert(struct rhltable *t, struct rhlist_head *n, struct rhashtable_params p);
int rhltable_remove(struct rhltable *t, struct rhlist_head *n, struct rhashtable_params p);

#define rhl_for_each_entry_rcu(tpos, pos, list, member)                                            \
	for (pos = (list); pos && ({ tpos = container_of(pos, __typeof__(*tpos), member); 1; });   \
	     pos = pos->next)

#endif /* SHIM_TABLE_H */
