/* SPDX-License-Identifier: BSD-2-Clause */
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "loop.h"
#include "udp_own.h"

#define KEEP_MS 1000

static struct endpoint *own;
static size_t n_own;
static uint64_t until;

static int compare(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;

	return x->len != y->len ? x->len - y->len : memcmp(x->addr, y->addr, x->len);
}

static void add(const struct sockaddr *sa)
{
	struct endpoint e, *grown;

	if (!address_endpoint(sa, &e))
		return;
	grown = reallocarray(own, n_own + 1, sizeof(*own));
	if (!grown)
		return;
	own = grown;
	own[n_own++] = e;
}

static void look(void)
{
	struct ifaddrs *list;

	if (getifaddrs(&list))
		return;
	n_own = 0;
	for (struct ifaddrs *i = list; i; i = i->ifa_next)
		add(i->ifa_addr);
	freeifaddrs(list);
	if (n_own)
		qsort(own, n_own, sizeof(*own), compare);
}

bool udp_own(const struct endpoint *e)
{
	if (e->len == 4 && e->addr[0] == 127)
		return true;
	if (until <= loop_now()) {
		look();
		until = loop_now() + KEEP_MS;
	}
	return n_own && bsearch(e, own, n_own, sizeof(*own), compare);
}

void udp_own_forget(void)
{
	free(own);
	own = NULL;
	n_own = 0;
	until = 0;
}
