/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "loop.h"
#include "zone.h"

#define KEEP_MS 2000
#define CACHED 64

static struct {
	uint32_t ifindex;
	uint8_t zone;
	uint64_t until;
	const struct config *config;
} cache[CACHED];

bool prefix_has(const struct prefix *p, const struct endpoint *e)
{
	unsigned int bytes = p->bits / 8, bits = p->bits % 8;

	if (!p->len || p->len != e->len || memcmp(p->addr, e->addr, bytes))
		return false;
	return !bits || !((p->addr[bytes] ^ e->addr[bytes]) & (0xff00 >> bits) & 0xff);
}

/* No file: no routes of that family. No descriptor left, say: outside, where less is allowed. */
static bool cannot_tell(void)
{
	return errno != ENOENT;
}

/* /proc/net/route: "eth0 00000000 0100000A 0003 0 0 100 00000000 ...", RTF_UP is bit 0. */
static bool default_route4(const char *name)
{
	char line[256], dev[IF_NAMESIZE + 1];
	unsigned int dst, mask, flags;
	bool found = false;
	FILE *f = fopen("/proc/net/route", "re");

	if (!f)
		return cannot_tell();
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%16s %x %*x %x %*d %*d %*d %x", dev, &dst, &flags, &mask) ==
				4 && !dst && !mask && (flags & 1) && !strcmp(dev, name);
	fclose(f);
	return found;
}

/* /proc/net/ipv6_route: destination, length, source, length, gateway, metric, 2 counts, flags. */
static bool default_route6(const char *name)
{
	enum { UP = 0x1, REJECT = 0x200 };
	char line[256], dst[33], dev[IF_NAMESIZE + 1];
	unsigned int bits, flags;
	bool found = false;
	FILE *f = fopen("/proc/net/ipv6_route", "re");

	if (!f)
		return cannot_tell();
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %x %16s", dst, &bits, &flags,
			       dev) == 4 && !bits && strspn(dst, "0") == 32 &&
			(flags & (UP | REJECT)) == UP && !strcmp(dev, name);
	fclose(f);
	return found;
}

static uint8_t look_up(const struct config *c, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	if (!if_indextoname(ifindex, name))
		return ZONE_OUTSIDE;
	if (!strcmp(name, "lo") || words_have(&c->inside, name))
		return ZONE_INSIDE;
	if (words_have(&c->outside, name) || c->inside.n)
		return ZONE_OUTSIDE;
	if (c->outside.n)
		return ZONE_INSIDE;
	return default_route4(name) || default_route6(name) ? ZONE_OUTSIDE : ZONE_INSIDE;
}

uint8_t zone_of(const struct config *c, uint32_t ifindex, const struct endpoint *remote)
{
	unsigned int at = ifindex % CACHED;

	if (prefixes_have(&c->inside_nets, remote))
		return ZONE_INSIDE;
	if (cache[at].ifindex != ifindex || cache[at].config != c ||
	    cache[at].until <= loop_now()) {
		cache[at].zone = look_up(c, ifindex);
		cache[at].ifindex = ifindex;
		cache[at].config = c;
		cache[at].until = loop_now() + KEEP_MS;
	}
	return cache[at].zone;
}

void zone_forget(void)
{
	memset(cache, 0, sizeof(cache));
}
