/* SPDX-License-Identifier: BSD-2-Clause */
/* What a test program counts. T_OK(condition, format, ...): what is wrong. */
#ifndef TESTS_UNIT_COUNT_H
#define TESTS_UNIT_COUNT_H

#include <stdio.h>

static unsigned int t_passed, t_failed, t_skipped;

#define T_OK(cond, ...)                                                                            \
	do {                                                                                       \
		if (cond) {                                                                        \
			t_passed++;                                                                \
		} else {                                                                           \
			t_failed++;                                                                \
			printf("%s:%d: ", __FILE__, __LINE__);                                     \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
		}                                                                                  \
	} while (0)

/* The last line of every test program; the runner adds them up. Gives the exit status. */
static inline int t_end(const char *name)
{
	printf("# %s: %u passed, %u failed, %u skipped\n", name, t_passed, t_failed, t_skipped);
	return t_failed ? 1 : 0;
}

#endif
