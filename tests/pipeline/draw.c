// SPDX-License-Identifier: BSD-2-Clause
#include "draw.h"

static struct tape *tape;
static u32 at;
static bool fresh;
static u64 state;

void draw_new(struct tape *t, u64 seed)
{
	u64 x = seed * 0x9e3779b97f4a7c15ULL + 0x632be59bd9b4e019ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	state = (x ^ x >> 27) | 1;
	tape = t;
	t->n = 0;
	fresh = true;
}

void draw_again(struct tape *t)
{
	tape = t;
	at = 0;
	fresh = false;
}

u32 draw(u32 n)
{
	u32 v;

	if (!fresh) {
		v = at < tape->n ? tape->v[at] : 0;
		at++;
		return v < n ? v : n - 1;
	}
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	v = (u32)((state * 2685821657736338717ULL) >> 33) % n;
	if (tape->n == DRAW_MAX)
		return 0;
	tape->v[tape->n++] = v;
	return v;
}

static bool try_cut(struct tape *t, u32 from, u32 len, bool (*fails)(struct tape *t))
{
	static struct tape old;

	old = *t;
	memmove(t->v + from, t->v + from + len, (t->n - from - len) * sizeof(t->v[0]));
	t->n -= len;
	if (fails(t))
		return true;
	*t = old;
	return false;
}

static bool try_value(struct tape *t, u32 i, u32 value, bool (*fails)(struct tape *t))
{
	u32 old = t->v[i];

	if (old <= value)
		return false;
	t->v[i] = value;
	if (fails(t))
		return true;
	t->v[i] = old;
	return false;
}

void draw_shrink(struct tape *t, bool (*fails)(struct tape *t), u32 tries)
{
	bool better = true;
	u32 len, i;

	while (better && tries) {
		better = false;
		for (len = 64; len; len /= 2)
			for (i = t->n; i-- > 0 && tries; )
				if (i + len <= t->n && tries--)
					better |= try_cut(t, i, len, fails);
		for (i = 0; i < t->n && tries; i++) {
			tries--;
			better |= try_value(t, i, 0, fails) || try_value(t, i, t->v[i] / 2, fails);
		}
	}
}
