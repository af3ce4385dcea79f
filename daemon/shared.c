/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "shared.h"

#define BUCKETS 4096
#define TEXTS_MAX 16384
#define LENGTH_MAX 1024

struct text {
	struct text *chain;
	uint32_t hash, refs;
	char bytes[];
};

static struct text *table[BUCKETS];
static size_t count;

char *shared_get(const char *text)
{
	size_t len = strnlen(text, LENGTH_MAX + 1);
	uint32_t hash;
	struct text *t;

	if (len > LENGTH_MAX)
		return NULL;
	hash = (uint32_t)hash_bytes(text, len);
	for (t = table[hash % BUCKETS]; t; t = t->chain)
		if (t->hash == hash && !strcmp(t->bytes, text))
			break;
	if (t && t->refs == UINT32_MAX)
		return NULL;
	if (!t) {
		if (count == TEXTS_MAX)
			return NULL;
		t = malloc(sizeof(*t) + len + 1);
		if (!t)
			return NULL;
		*t = (struct text){ .chain = table[hash % BUCKETS], .hash = hash };
		memcpy(t->bytes, text, len + 1);
		table[hash % BUCKETS] = t;
		count++;
	}
	t->refs++;
	return t->bytes;
}

void shared_put(char *text)
{
	struct text *t = (struct text *)(text - offsetof(struct text, bytes));
	struct text **at = &table[t->hash % BUCKETS];

	if (--t->refs)
		return;
	while (*at != t)
		at = &(*at)->chain;
	*at = t->chain;
	count--;
	free(t);
}

size_t shared_count(void)
{
	return count;
}
