// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

#include "pkt.h"

#define TXN_WAIT 40		/* seconds: RFC 3261 timer F is 32 */
#define TXN_WAIT_INVITE 600	/* proceeding INVITE: as long as an early call */
#define TXN_WAIT_FINAL 35	/* responses may be sent again for 32 seconds */

const struct rhashtable_params cg_txn_params = {
	.key_len = sizeof(u64),
	.key_offset = offsetof(struct cg_txn, key),
	.head_offset = offsetof(struct cg_txn, node),
	.hashfn = cg_key_hash,
	.obj_cmpfn = cg_key_differs,
	.automatic_shrinking = true,
};

static struct kmem_cache *cache;

int cg_txn_cache_init(void)
{
	cache = KMEM_CACHE(cg_txn, 0);
	return cache ? 0 : -ENOMEM;
}

void cg_txn_cache_fini(void)
{
	kmem_cache_destroy(cache);
}

/* The hidden host is part of the key: two phones may use the same branch and Call-ID. */
static u64 key_of(const struct cg_pkt *p)
{
	bool by_sender = p->msg.request ? p->snat || !p->dnat : p->snat && !p->dnat;
	const struct cg_ep *host = by_sender ? &p->src_old : &p->dst_new;
	u64 h = cg_hash_addr(p->cn, host, p->msg.cseq.num);

	h = cg_hash_more(p, p->msg.via.branch, h);
	return cg_hash_more(p, p->msg.call_id, h);
}

static struct cg_txn *lookup(struct cg_net *cn, u64 key)
{
	struct rhlist_head *l;

	l = rhltable_lookup(&cn->txns, &key, cg_txn_params);
	return l ? container_of(l, struct cg_txn, node) : NULL;
}

struct cg_txn *cg_txn_find(struct cg_pkt *p)
{
	if (!p->cn->ntxns)
		return NULL;
	return lookup(p->cn, key_of(p));
}

struct cg_txn *cg_txn_begin(struct cg_pkt *p)
{
	u32 wait = p->msg.method == SIP_M_INVITE ? TXN_WAIT_INVITE : TXN_WAIT;
	struct cg_net *cn = p->cn;
	u64 key = key_of(p);
	struct cg_txn *t;

	t = lookup(cn, key);
	if (t)
		return t;
	if (cn->ntxns >= cn->set.txns) {
		cg_count(cn, CG_R_LIMIT_TXNS);
		return NULL;
	}
	t = kmem_cache_alloc(cache, GFP_ATOMIC);
	if (!t)
		return NULL;
	t->key = key;
	t->cn = cn;
	t->reg = NULL;
	t->sentby.len = 0;
	t->contact.family = 0;
	t->port = 0;
	t->open_only = p->open_only;
	t->timer.kind = CG_TIMER_TXN;
	INIT_HLIST_NODE(&t->timer.node);
	if (rhltable_insert(&cn->txns, &t->node, cg_txn_params)) {
		kmem_cache_free(cache, t);
		return NULL;
	}
	cn->ntxns++;
	cg_timer_set(&cn->wheel, &t->timer, wait);
	return t;
}

static void remove(struct cg_txn *t)
{
	struct cg_net *cn = t->cn;

	cg_timer_stop(&cn->wheel, &t->timer);
	rhltable_remove(&cn->txns, &t->node, cg_txn_params);
	cn->ntxns--;
	/* looked up under the lock only: nobody can still see it */
	kfree(t->reg);
	kmem_cache_free(cache, t);
}

void cg_txn_final(struct cg_txn *t)
{
	if (cg_timer_left(&t->timer) > TXN_WAIT_FINAL)
		cg_timer_set(&t->cn->wheel, &t->timer, TXN_WAIT_FINAL);
}

void cg_txn_expire(struct cg_txn *t)
{
	remove(t);
}

/* The wheel knows every transaction. */
void cg_txn_flush(struct cg_net *cn)
{
	struct cg_timer *t;
	struct hlist_node *next;
	int i;

	for (i = 0; i < CG_WHEEL_SLOTS; i++)
		hlist_for_each_entry_safe(t, next, &cn->wheel.slot[i], node)
			if (t->kind == CG_TIMER_TXN)
				remove(container_of(t, struct cg_txn, timer));
}
