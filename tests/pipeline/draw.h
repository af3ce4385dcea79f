/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chance with a memory: each case is the list of the numbers it drew. 0 stands for the simplest
 * choice everywhere, so a failing case is made smaller by cutting and zeroing its list.
 */
#ifndef PIPELINE_DRAW_H
#define PIPELINE_DRAW_H

#include "shim.h"

#define DRAW_MAX 8192

struct tape {
	u32 n;
	u32 v[DRAW_MAX];
};

/* A new case; what it draws is kept in @t. */
void draw_new(struct tape *t, u64 seed);
/* The case of @t once more; behind its end everything is 0. */
void draw_again(struct tape *t);

/* 0 to @n - 1. */
u32 draw(u32 n);
/* Once in @n times. */
static inline bool rarely(u32 n) { return draw(n) == n - 1; }
#define PICK(list) ((list)[draw(ARRAY_SIZE(list))])

/*
 * Makes @t smaller as long as @fails says that it still fails. Ends after @tries.
 */
void draw_shrink(struct tape *t, bool (*fails)(struct tape *t), u32 tries);

#endif /* PIPELINE_DRAW_H */
