// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>

#include "bucket.h"

/*
 * One word: the millisecond it was looked at last, and thousandths of datagrams
 * that are missing to a full one. Zero: full.
 */
#define STAMP(word) ((u32)((u64)(word) >> 32))
#define MISSING(word) ((u32)(word))
#define WORD(stamp, missing) ((s64)((u64)(stamp) << 32 | (missing)))

int cg_bucket_init(struct cg_gate *gate)
{
	gate->bucket = kvcalloc(CG_BUCKETS, sizeof(*gate->bucket), GFP_KERNEL_ACCOUNT);
	return gate->bucket ? 0 : -ENOMEM;
}

void cg_bucket_fini(struct cg_gate *gate)
{
	kvfree(gate->bucket);
}

/* An IPv6 host has a whole /64. */
static atomic64_t *bucket_of(struct cg_gate *gate, const struct cg_ep *who)
{
	u64 hash = siphash_2u64((u64)who->addr.all[0] << 32 | who->addr.all[1], who->family,
				&gate->cn->key);

	return &gate->bucket[hash & (CG_BUCKETS - 1)];
}

bool cg_bucket_admits(struct cg_gate *gate, const struct cg_rules *rules, const struct cg_ep *who)
{
	atomic64_t *bucket = bucket_of(gate, who);
	u64 room = (u64)rules->burst * 1000, refill, missing;
	s64 old = atomic64_read(bucket);
	u32 stamp = (u32)cg_ms();

	do {
		/* a rate per second is thousandths per millisecond */
		refill = (u64)(u32)(stamp - STAMP(old)) * rules->rate;
		missing = MISSING(old) > refill ? MISSING(old) - refill : 0;
		if (missing + 1000 > room)
			return false;
	} while (!atomic64_try_cmpxchg(bucket, &old, WORD(stamp, missing + 1000)));
	return true;
}
