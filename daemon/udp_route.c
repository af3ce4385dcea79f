/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hash.h"
#include "loop.h"
#include "udp_route.h"

#define KEEP_MS 1000
#define KEPT 256

static struct {
	struct endpoint remote, local;
	uint64_t until;
	uint32_t ifindex;
} kept[KEPT];

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t address_of(const struct endpoint *e, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (e->len == 4) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(e->port);
		memcpy(&a->in.sin_addr, e->addr, 4);
		return sizeof(a->in);
	}
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons(e->port);
	memcpy(&a->in6.sin6_addr, e->addr, 16);
	return sizeof(a->in6);
}

static bool is_at(const struct sockaddr *sa, const struct endpoint *e)
{
	const union address *a = (const void *)sa;

	if (!sa)
		return false;
	if (sa->sa_family == AF_INET && e->len == 4)
		return !memcmp(&a->in.sin_addr, e->addr, 4);
	return sa->sa_family == AF_INET6 && e->len == 16 &&
	       !memcmp(&a->in6.sin6_addr, e->addr, 16);
}

static uint32_t interface_of(const struct endpoint *local)
{
	struct ifaddrs *list, *i;
	uint32_t index = 0;

	if (getifaddrs(&list))
		return 0;
	for (i = list; i && !index; i = i->ifa_next)
		if (is_at(i->ifa_addr, local))
			index = if_nametoindex(i->ifa_name);
	freeifaddrs(list);
	return index;
}

/* A UDP socket that is connected sends nothing: it only asks the routes. */
static int look_up(const struct endpoint *remote, struct endpoint *local)
{
	union address a;
	socklen_t len = address_of(remote, &a);
	int fd = socket(a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, &a.any, len) || getsockname(fd, &a.any, &len))
		err = -errno;
	close(fd);
	memset(local, 0, sizeof(*local));
	local->len = remote->len;
	memcpy(local->addr, remote->len == 4 ? (void *)&a.in.sin_addr : (void *)&a.in6.sin6_addr,
	       remote->len);
	return err;
}

int udp_route(const struct endpoint *remote, struct endpoint *local, uint32_t *ifindex)
{
	size_t at = hash_bytes(remote->addr, remote->len) % KEPT;
	struct endpoint *known = &kept[at].remote;
	int err;

	if (endpoint_same_host(known, remote) && kept[at].until > loop_now())
		goto out;
	err = look_up(remote, &kept[at].local);
	kept[at].until = err ? 0 : loop_now() + KEEP_MS;
	if (err)
		return err;
	kept[at].ifindex = interface_of(&kept[at].local);
	*known = *remote;
out:
	*local = kept[at].local;
	*ifindex = kept[at].ifindex;
	return 0;
}
