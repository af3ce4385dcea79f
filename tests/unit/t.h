/* SPDX-License-Identifier: BSD-2-Clause */
/* A test program in one header: checks that count, a guard page behind every input. */
#ifndef TESTS_UNIT_T_H
#define TESTS_UNIT_T_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "count.h"
#include "msg.h"

/* Copies bytes so that the byte behind the last one cannot be read. */
struct t_guard {
	unsigned char *map;
	size_t size;
};

static inline void t_guard_init(struct t_guard *g, size_t max)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	g->size = (max + page - 1) / page * page;
	g->map = mmap(NULL, g->size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (g->map == MAP_FAILED || mprotect(g->map + g->size, page, PROT_NONE)) {
		perror("mmap");
		exit(2);
	}
}

static inline const unsigned char *t_guard_put(struct t_guard *g, const void *data, size_t len)
{
	unsigned char *at = g->map + g->size - len;

	if (len)
		memcpy(at, data, len);
	return at;
}

static inline unsigned char *t_read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	unsigned char *p;
	long n;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	p = malloc((size_t)n + 1);
	*len = fread(p, 1, (size_t)n, f);
	fclose(f);
	return p;
}

#endif /* TESTS_UNIT_T_H */
