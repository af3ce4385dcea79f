/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "bans_live.h"
#include "hash.h"
#include "location.h"

#define FIRST 1024

/* Open addressing; a source whose count fell to 0 stays until the table grows. */
static struct {
	struct {
		uint64_t key;	/* 0: free */
		uint32_t n;
	} *at;
	size_t size, filled;
	bool counts, hooked, failed;
} live;

uint64_t bans_key(const struct endpoint *source)
{
	uint8_t text[9] = { source->len };
	uint64_t h;

	memcpy(text + 1, source->addr, source->len == 16 ? 8 : 4);
	h = hash_bytes(text, sizeof(text));
	return h ? h : 1;
}

static size_t place(uint64_t key)
{
	size_t i = key & (live.size - 1);

	while (live.at[i].key && live.at[i].key != key)
		i = (i + 1) & (live.size - 1);
	return i;
}

static bool grow(void)
{
	typeof(live.at) old = live.at;
	size_t size = live.size, i;

	live.at = calloc(size ? 2 * size : FIRST, sizeof(*live.at));
	if (!live.at) {
		live.at = old;
		return false;
	}
	live.size = size ? 2 * size : FIRST;
	live.filled = 0;
	for (i = 0; i < size; i++) {
		if (!old[i].n)
			continue;
		live.at[place(old[i].key)] = old[i];
		live.filled++;
	}
	free(old);
	return true;
}

static void change(const struct contact *c, int by)
{
	uint64_t key;
	size_t i;

	if (!c || !c->flow.remote.len || live.failed)
		return;
	if (4 * live.filled >= 3 * live.size && !grow()) {
		live.failed = true;
		return;
	}
	key = bans_key(&c->flow.remote);
	i = place(key);
	if (!live.at[i].key) {
		live.at[i].key = key;
		live.filled++;
	}
	live.at[i].n += (uint32_t)by;
}

static int add(const struct aor *a, const struct contact *c, void *arg)
{
	(void)a;
	(void)arg;
	change(c, 1);
	return 0;
}

static void changed(const struct aor *a, const struct contact *was, const struct contact *now,
		    enum gone why)
{
	(void)a;
	(void)why;
	if (!live.counts)
		return;
	change(was, -1);
	change(now, 1);
}

bool bans_live(const struct endpoint *source)
{
	if (!live.counts) {
		live.counts = true;
		if (!live.hooked && location_hook(changed))
			live.failed = true;
		live.hooked = true;
		location_each(add, NULL);
	}
	if (live.failed)
		return true;
	return live.size && live.at[place(bans_key(source))].n;
}

void bans_live_close(void)
{
	bool hooked = live.hooked;

	free(live.at);
	memset(&live, 0, sizeof(live));
	live.hooked = hooked;
}
