/* SPDX-License-Identifier: BSD-2-Clause */
/* Hashed linearly, like the table of locations: it grows by one bucket at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_device.h"
#include "proxy_way.h"
#include "uri_text.h"

#define FIRST 256u

struct device {
	struct device *next;
	const struct contact *contact;
	uint64_t hash;
};

static struct {
	struct device **bucket;
	size_t buckets, room, count;
	struct sip_key key;
	bool hooked;
} dev;

static size_t place(uint64_t hash)
{
	size_t mask = dev.room - 1, n = hash & mask;

	return n < dev.buckets ? n : n & mask >> 1;
}

/* One more bucket takes its half of another's chain. Without memory the chains become longer. */
static void grow(void)
{
	struct device **more, **from, **to, *d;
	size_t half;

	if (dev.buckets == dev.room) {
		more = realloc(dev.bucket, 2 * dev.room * sizeof(*more));
		if (!more)
			return;
		memset(more + dev.room, 0, dev.room * sizeof(*more));
		dev.bucket = more;
		dev.room *= 2;
	}
	half = dev.room / 2;
	from = &dev.bucket[dev.buckets - half];
	to = &dev.bucket[dev.buckets++];
	while ((d = *from)) {
		if (d->hash & half) {
			*from = d->next;
			d->next = *to;
			*to = d;
		} else {
			from = &d->next;
		}
	}
}

static int add(const struct contact *c, uint64_t hash)
{
	struct device *d = malloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	*d = (struct device){ .next = dev.bucket[place(hash)], .contact = c, .hash = hash };
	dev.bucket[place(hash)] = d;
	if (++dev.count > dev.buckets)
		grow();
	return 0;
}

static void drop(const struct contact *c, uint64_t hash)
{
	struct device **at = &dev.bucket[place(hash)], *d;

	while (*at && (*at)->contact != c)
		at = &(*at)->next;
	d = *at;
	if (!d)
		return;
	*at = d->next;
	free(d);
	dev.count--;
}

/* Its hashes, by each key; returns their number: 0 where the token carries the address itself. */
static int hashes(const struct contact *c, uint64_t out[2])
{
	struct sip_hop hop = way_hop(&c->flow);
	struct sip_uri u;

	if (!uri_of_text(c->uri, &u) || u.host.kind == SIP_HOST_NONE ||
	    u.host.kind == SIP_HOST_IP4)
		return 0;
	for (int i = 0; i <= dev.key.has_old; i++)
		out[i] = sip_token_hash(dev.key.key[i], &hop.remote, (const uint8_t *)c->uri,
					u.host.all);
	return 1 + dev.key.has_old;
}

static int know(const struct aor *a, const struct contact *c, void *arg)
{
	uint64_t hash[2];
	int err = 0;

	(void)a;
	(void)arg;
	for (int i = hashes(c, hash); i-- && !err;)
		err = add(c, hash[i]);
	return err;
}

/* The same place under the same keys: only the binding is another structure. */
static bool moved(const struct contact *was, const struct contact *now)
{
	return !strcmp(was->uri, now->uri) && was->flow.transport == now->flow.transport &&
	       !memcmp(&was->flow.remote, &now->flow.remote, sizeof(now->flow.remote));
}

static void follow(const struct contact *was, const struct contact *now)
{
	uint64_t hash[2];

	for (int i = hashes(now, hash); i--;) {
		struct device *d = dev.bucket[place(hash[i])];

		while (d && d->contact != was)
			d = d->next;
		if (d)
			d->contact = now;
	}
}

static void changed(const struct aor *a, const struct contact *was, const struct contact *now,
		    enum gone why)
{
	uint64_t hash[2];

	(void)why;
	if (!dev.bucket)
		return;
	if (was && now && moved(was, now)) {
		if (dev.count)
			follow(was, now);
		return;
	}
	for (int i = was && dev.count ? hashes(was, hash) : 0; i--;)
		drop(was, hash[i]);
	if (now)
		know(a, now, NULL);
}

int device_key(const struct sip_key *key)
{
	int err;

	device_free();
	dev.key = *key;
	dev.bucket = calloc(FIRST, sizeof(*dev.bucket));
	if (!dev.bucket)
		return -ENOMEM;
	dev.buckets = dev.room = FIRST;
	err = dev.hooked ? 0 : location_hook(changed);
	if (err)
		return err;
	dev.hooked = true;
	return location_each(know, NULL);
}

const struct contact *device_find(uint64_t hash)
{
	struct device *d = dev.bucket ? dev.bucket[place(hash)] : NULL;

	while (d && d->hash != hash)
		d = d->next;
	return d ? d->contact : NULL;
}

size_t device_count(void)
{
	return dev.count;
}

void device_free(void)
{
	for (size_t i = 0; i < dev.buckets; i++)
		for (struct device *d = dev.bucket[i], *next; d; d = next) {
			next = d->next;
			free(d);
		}
	free(dev.bucket);
	dev.bucket = NULL;
	dev.buckets = dev.room = dev.count = 0;
}
