/* SPDX-License-Identifier: BSD-2-Clause */
/* What a test of one file of the pipeline counts. OK(condition, format, ...): what is wrong. */
#ifndef PIPELINE_OK_H
#define PIPELINE_OK_H

#include <stdio.h>

static unsigned int passed, failed;

#define OK(cond, ...)                                                                              \
	do {                                                                                       \
		if (cond) {                                                                        \
			passed++;                                                                  \
		} else {                                                                           \
			failed++;                                                                  \
			printf("%s:%d: ", __FILE__, __LINE__);                                     \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
		}                                                                                  \
	} while (0)

/* The exit status. */
static inline int ok_end(const char *name)
{
	printf("# %s: %u passed, %u failed, 0 skipped\n", name, passed, failed);
	return failed != 0;
}

#endif
