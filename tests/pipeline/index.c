// SPDX-License-Identifier: BSD-2-Clause
/*
 * kmod/index.c against a plain list: what is added is found until it is removed, in order, by who
 * came before the index grew or shrank, meanwhile and afterwards, and without memory too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/count.h"
#include "shim.h"

static void readers_meanwhile(void);
#undef synchronize_rcu
#define synchronize_rcu() readers_meanwhile()

#include "../../kmod/index.c"

#define MOST 5000
#define WHICH 1

struct object {
	struct cg_entry entry;
	u32 age;	/* of two with one hash the later one comes first */
	bool in;
};

static struct object object[MOST];
static struct cg_index ix;
static struct cg_buckets *before;	/* what who came early reads */
static u32 n_in, ages, waits, bits_seen;
static u64 chance = 1;

static u32 any(u32 n)
{
	chance = chance * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(chance >> 33) % n;
}

/* ---- readers ---- */

/* Is it there for one who reads the buckets @b? */
static bool is_found(struct cg_buckets *b, const struct object *o)
{
	struct cg_index view = { .buckets = b, .which = WHICH };
	struct cg_entry *e = cg_index_find(&view, o->entry.hash[WHICH]);

	while (e && e != &o->entry)
		e = cg_index_same(&view, e);
	return e;
}

static u32 missing(struct cg_buckets *b)
{
	u32 i, n = 0;

	for (i = 0; i < MOST; i++)
		n += object[i].in != is_found(b, &object[i]);
	return n;
}

/* In the middle of a change of size: who came before it, and who came since. */
static void readers_meanwhile(void)
{
	waits++;
	T_OK(before != ix.buckets, "the new buckets are not to be seen");
	T_OK(!missing(before), "%u of %u missing for early readers", missing(before), n_in);
	T_OK(!missing(ix.buckets), "%u of %u missing for late readers", missing(ix.buckets), n_in);
}

/* ---- the whole ---- */

static bool follows(const struct object *a, const struct object *b)
{
	u32 ha = a->entry.hash[WHICH], hb = b->entry.hash[WHICH];

	return ha < hb || (ha == hb && a->age > b->age);
}

static void check(void)
{
	const struct object *o, *last = NULL;
	struct cg_entry *e;
	u32 n = 0;

	for (e = cg_index_from(&ix, 0); e; e = cg_index_after(&ix, e), n++) {
		o = (const struct object *)e;
		T_OK(o->in && (!last || follows(last, o)), "object %u out of order", n);
		last = o;
	}
	T_OK(n == n_in && ix.n == n_in, "%u of %u in the walk, %u counted", n, n_in, ix.n);
	T_OK(!missing(ix.buckets), "%u not as they should be", missing(ix.buckets));
	bits_seen |= 1u << ix.buckets->bits;
}

/* ---- changes ---- */

static void add(struct object *o, u32 hash)
{
	cg_entry_init(&o->entry);
	T_OK(!cg_index_has(&ix, &o->entry), "a new one is in it");
	o->entry.hash[WHICH] = hash;
	o->entry.hash[!WHICH] = ~hash;
	o->age = ++ages;
	o->in = true;
	n_in++;
	before = ix.buckets;
	cg_index_add(&ix, &o->entry);
	T_OK(cg_index_has(&ix, &o->entry), "an added one is not in it");
}

static void take(struct object *o)
{
	struct cg_entry *behind = cg_index_after(&ix, &o->entry);

	o->in = false;
	n_in--;
	cg_index_remove(&ix, &o->entry);
	T_OK(cg_index_after(&ix, &o->entry) == behind, "who reads it does not go on behind it");
}

static void trim(void)
{
	before = ix.buckets;
	cg_index_trim(&ix);
}

/* Few hashes: long groups, all over and in one bucket. */
static u32 draw_hash(u32 kind)
{
	switch (kind) {
	case 0:
		return any(7) * 0x24924924u;
	case 1:
		return 0xffffff00u + any(256);
	default:
		return any(0x10000) << 16 | any(0x10000);
	}
}

static void change(u32 steps, u32 more)
{
	u32 i;

	for (i = 0; i < steps; i++) {
		struct object *o = &object[any(MOST)];

		if (!o->in && any(100) < more)
			add(o, draw_hash(any(20)));
		else if (o->in && any(100) >= more)
			take(o);
	}
	check();
}

/* ---- cases ---- */

static void test_changes(void)
{
	u32 i;

	T_OK(!cg_index_init(&ix, WHICH), "init");
	check();
	T_OK(!cg_index_from(&ix, 0), "something in an empty one");
	for (i = 0; i < 10; i++) {
		change(20000, 90);
		T_OK(cg_index_bytes(&ix) <= 16 * n_in + 2048, "%u bytes for %u objects",
		     cg_index_bytes(&ix), n_in);
		change(20000, 3);
		trim();
		check();
	}
	T_OK(bits_seen & 1 << 8 && bits_seen & 1 << 13,
	     "it did not grow and shrink: %x", bits_seen);
	T_OK(waits > 20, "%u changes of size", waits);
	for (i = 0; i < MOST; i++)
		if (object[i].in)
			take(&object[i]);
	trim();
	check();
	T_OK(ix.buckets->bits == BITS_MIN, "an empty one is large");
	cg_index_fini(&ix);
}

/* From the middle, and from behind all. */
static void test_from(void)
{
	static const u32 hashes[] = { 0, 5, 5, 0x80000000, 0xffffffff };
	u32 i;

	T_OK(!cg_index_init(&ix, WHICH), "init");
	for (i = 0; i < ARRAY_SIZE(hashes); i++)
		add(&object[i], hashes[i]);
	T_OK(cg_index_from(&ix, 0) == &object[0].entry, "from 0");
	T_OK(cg_index_from(&ix, 1) == &object[2].entry, "from 1: the later of the two");
	T_OK(cg_index_from(&ix, 6) == &object[3].entry, "from 6");
	T_OK(cg_index_from(&ix, 0x80000001) == &object[4].entry, "from there");
	take(&object[4]);
	T_OK(!cg_index_from(&ix, 0x80000001), "from behind the last");
	T_OK(!cg_index_find(&ix, 4) && !cg_index_find(&ix, 0xffffffff), "what is not there");
	for (i = 0; i < 4; i++)
		take(&object[i]);
	cg_index_fini(&ix);
}

/* Without memory it stays small, and right. */
static void test_no_memory(void)
{
	u32 i, first = waits;

	shim_fail_in = 1;
	T_OK(cg_index_init(&ix, WHICH) == -ENOMEM, "init without memory");
	shim_fail_in = 2;
	T_OK(cg_index_init(&ix, WHICH) == -ENOMEM, "init with too little memory");
	T_OK(!cg_index_init(&ix, WHICH), "init");
	for (i = 0; i < 1000; i++) {
		shim_fail_in = 1 + i % 2;
		add(&object[i], draw_hash(2));
		shim_fail_in = 0;
	}
	T_OK(waits == first, "it grew without memory");
	check();
	add(&object[i], draw_hash(2));
	T_OK(waits == first + 1, "it does not grow when there is memory again");
	check();
	for (i = 0; i < MOST; i++)
		if (object[i].in)
			take(&object[i]);
	cg_index_fini(&ix);
}

int main(void)
{
	long live = shim_live;

	test_changes();
	test_from();
	test_no_memory();
	T_OK(shim_live == live, "%ld pieces of memory are left", shim_live - live);
	return t_end("index");
}
