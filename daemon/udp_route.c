/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include "address.h"
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

static bool is_at(const struct sockaddr *sa, const struct endpoint *e)
{
	struct endpoint at;

	return address_endpoint(sa, &at) && endpoint_same_host(&at, e);
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
	int fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, &a.sa, len) || getsockname(fd, &a.sa, &len))
		err = -errno;
	else if (!address_endpoint(&a.sa, local))
		err = -EAFNOSUPPORT;	/* IPv4 mapped into IPv6: our sockets have none */
	close(fd);
	local->port = 0;
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
