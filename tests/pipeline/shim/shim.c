// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim.h"

/* ---- what must not happen ---- */

void shim_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: must not be: %s\n", file, line, what);
	abort();
}

void shim_say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
}

/* ---- memory ---- */

long shim_live;
long shim_fail_in;
struct module {
	int unused;
};
static struct module this_module;
struct module *const shim_module = &this_module;

static bool fails(void)
{
	return shim_fail_in && !--shim_fail_in;
}

void *shim_alloc(size_t n, bool zero)
{
	void *p = fails() ? NULL : zero ? calloc(1, n ? n : 1) : malloc(n ? n : 1);

	shim_live += p != NULL;
	return p;
}

void *shim_realloc(void *p, size_t n)
{
	void *q = fails() ? NULL : realloc(p, n);

	shim_live += q && !p;
	return q;
}

void shim_free(const void *p)
{
	shim_live -= p != NULL;
	free((void *)p);
}

struct kmem_cache *shim_cache(size_t size)
{
	struct kmem_cache *c = shim_alloc(sizeof(*c), true);

	if (c)
		c->size = size;
	return c;
}

static void *cache_get(struct kmem_cache *c, bool zero)
{
	void *p = shim_alloc(c->size, zero);

	c->live += p != NULL;
	return p;
}

void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp)
{
	void *p = cache_get(c, false);

	/* what nobody set must not look like zero */
	if (p)
		memset(p, 0xa5, c->size);
	return p;
}

void *kmem_cache_zalloc(struct kmem_cache *c, gfp_t gfp)
{
	return cache_get(c, true);
}

void kmem_cache_free(struct kmem_cache *c, void *p)
{
	SHIM_BUG_ON(--c->live < 0);
	shim_free(p);
}

void kmem_cache_destroy(struct kmem_cache *c)
{
	SHIM_BUG_ON(c && c->live);
	shim_free(c);
}

/* ---- RCU and work ---- */

int shim_bh_off, shim_rcu_depth;
int system_highpri_wq[1];
static struct rcu_head *rcu_first, **rcu_last = &rcu_first;
static struct work_struct *work_first;

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	head->next = NULL;
	*rcu_last = head;
	rcu_last = &head->next;
}

void shim_free_rcu(struct rcu_head *head, void *p)
{
	call_rcu(head, NULL);
	head->free = p;
}

void rcu_barrier(void)
{
	struct rcu_head *head;

	SHIM_BUG_ON(shim_rcu_depth);
	while ((head = rcu_first)) {
		rcu_first = head->next;
		if (!rcu_first)
			rcu_last = &rcu_first;
		if (head->func)
			head->func(head);
		else
			shim_free(head->free);
	}
}

void shim_queue_work(struct work_struct *w)
{
	if (w->pending)
		return;
	w->pending = true;
	w->next = work_first;
	work_first = w;
}

void cancel_work_sync(struct work_struct *w)
{
	struct work_struct **at;

	for (at = &work_first; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
	w->pending = false;
}

void shim_rest(void)
{
	SHIM_BUG_ON(shim_bh_off || shim_rcu_depth);
	while (work_first) {
		struct work_struct *w = work_first;

		work_first = w->next;
		w->pending = false;
		w->func(w);
	}
	rcu_barrier();
}

/* ---- time ---- */

u64 shim_ms = 1000;
static struct timer_list *timers;

int del_timer_sync(struct timer_list *t)
{
	struct timer_list **at;
	bool was = t->pending;

	for (at = &timers; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			break;
		}
	t->pending = false;
	return was;
}

int mod_timer(struct timer_list *t, unsigned long expires)
{
	int was = del_timer_sync(t);

	t->expires = expires;
	t->pending = true;
	t->next = timers;
	timers = t;
	return was;
}

static struct timer_list *next_due(void)
{
	struct timer_list *t;

	for (t = timers; t; t = t->next)
		if ((long)(t->expires - jiffies) <= 0)
			return t;
	return NULL;
}

void shim_sleep(u64 ms)
{
	struct timer_list *t;

	shim_ms += ms;
	while ((t = next_due())) {
		del_timer_sync(t);
		local_bh_disable();
		t->function(t);
		local_bh_enable();
	}
	shim_rest();
}

/* ---- text ---- */

long strscpy(char *to, const char *from, size_t size)
{
	size_t n = strnlen(from, size);

	if (!size)
		return -E2BIG;
	if (n == size)
		n--;
	memcpy(to, from, n);
	to[n] = 0;
	return from[n] ? -E2BIG : (long)n;
}

/* ---- chance ---- */

static u64 chance = 1;

void shim_random_seed(u64 seed)
{
	chance = seed * 2 + 1;
}

static u32 random32(void)
{
	chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(chance >> 32);
}

void get_random_bytes(void *p, size_t n)
{
	u8 *b = p;

	while (n--)
		*b++ = (u8)random32();
}

u32 get_random_u32_below(u32 n)
{
	return random32() % n;
}

/* ---- tables ---- */

#define BUCKETS 256

static const void *obj_of(const struct rhashtable *t, const struct rhash_head *n)
{
	return (const char *)n - t->p.head_offset;
}

static const void *key_of(const struct rhashtable *t, const struct rhash_head *n)
{
	return (const char *)obj_of(t, n) + t->p.key_offset;
}

static struct rhash_head **bucket_of(const struct rhashtable *t, const void *key)
{
	const u8 *k = key;
	u32 h = 2166136261u, i;

	if (t->p.hashfn)
		return &t->bucket[t->p.hashfn(key, t->p.key_len, 12345) % BUCKETS];
	for (i = 0; i < t->p.key_len; i++)
		h = (h ^ k[i]) * 16777619u;
	return &t->bucket[(h ^ h >> 16) % BUCKETS];
}

static bool differs(struct rhashtable *t, const struct rhash_head *n, const void *key)
{
	struct rhashtable_compare_arg arg = { .ht = t, .key = key };

	return t->p.obj_cmpfn ? t->p.obj_cmpfn(&arg, obj_of(t, n)) != 0 :
		memcmp(key_of(t, n), key, t->p.key_len) != 0;
}

/* The link that leads to the entry with the key, or to the end of its chain. */
static struct rhash_head **find(struct rhashtable *t, const void *key)
{
	struct rhash_head **at = bucket_of(t, key);

	while (*at && differs(t, *at, key))
		at = &(*at)->next;
	return at;
}

int rhashtable_init(struct rhashtable *t, const struct rhashtable_params *p)
{
	t->p = *p;
	t->count = 0;
	t->bucket = shim_alloc(BUCKETS * sizeof(*t->bucket), true);
	return t->bucket ? 0 : -ENOMEM;
}

void rhashtable_destroy(struct rhashtable *t)
{
	SHIM_BUG_ON(t->count);
	shim_free(t->bucket);
}

void *rhashtable_lookup_fast(struct rhashtable *t, const void *key, struct rhashtable_params p)
{
	struct rhash_head *n = *find(t, key);

	return n ? (char *)n - p.head_offset : NULL;
}

int rhashtable_insert_fast(struct rhashtable *t, struct rhash_head *n, struct rhashtable_params p)
{
	struct rhash_head **at = find(t, key_of(t, n));

	if (*at)
		return -EEXIST;
	n->next = NULL;
	*at = n;
	t->count++;
	return 0;
}

int rhashtable_remove_fast(struct rhashtable *t, struct rhash_head *n, struct rhashtable_params p)
{
	struct rhash_head **at = find(t, key_of(t, n));

	if (*at != n)
		return -ENOENT;
	*at = n->next;
	t->count--;
	return 0;
}

int rhltable_init(struct rhltable *t, const struct rhashtable_params *p)
{
	return rhashtable_init(&t->ht, p);
}

void rhltable_destroy(struct rhltable *t)
{
	rhashtable_destroy(&t->ht);
}

struct rhlist_head *rhltable_lookup(struct rhltable *t, const void *key,
				    struct rhashtable_params p)
{
	return (struct rhlist_head *)*find(&t->ht, key);
}

int rhltable_insert(struct rhltable *t, struct rhlist_head *n, struct rhashtable_params p)
{
	struct rhash_head **at;

	if (fails())
		return -ENOMEM;
	at = find(&t->ht, key_of(&t->ht, &n->rhead));
	n->next = (struct rhlist_head *)*at;
	n->rhead.next = *at ? (*at)->next : NULL;
	*at = &n->rhead;
	t->ht.count++;
	return 0;
}

int rhltable_remove(struct rhltable *t, struct rhlist_head *n, struct rhashtable_params p)
{
	struct rhash_head **at = find(&t->ht, key_of(&t->ht, &n->rhead));
	struct rhlist_head *l = (struct rhlist_head *)*at;

	if (l == n) {
		*at = n->rhead.next;
		if (n->next) {
			n->next->rhead.next = n->rhead.next;
			*at = &n->next->rhead;
		}
	} else {
		while (l && l->next != n)
			l = l->next;
		SHIM_BUG_ON(!l);
		l->next = n->next;
	}
	t->ht.count--;
	return 0;
}
