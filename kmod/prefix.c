// SPDX-License-Identifier: GPL-2.0-only
#include <linux/inetdevice.h>
#include <net/ipv6.h>

#include "prefix.h"

bool cg_prefix_read(struct cg_prefix *prefix, const u8 *wire, u32 size)
{
	union nf_inet_addr addr = {};

	if (size != CG_PREFIX_WIRE4 && size != CG_PREFIX_WIRE6)
		return false;
	memset(prefix, 0, sizeof(*prefix));
	memcpy(&addr, wire, size - 1);
	prefix->len = wire[size - 1];
	prefix->family = size == CG_PREFIX_WIRE4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	if (prefix->len > (size - 1) * BITS_PER_BYTE)
		return false;
	if (prefix->family == NFPROTO_IPV4)
		prefix->addr.ip = addr.ip & inet_make_mask(prefix->len);
	else
		ipv6_addr_prefix(&prefix->addr.in6, &addr.in6, prefix->len);
	return true;
}

u32 cg_prefix_write(const struct cg_prefix *prefix, u8 *wire)
{
	u32 size = prefix->family == NFPROTO_IPV4 ? CG_PREFIX_WIRE4 : CG_PREFIX_WIRE6;

	memcpy(wire, &prefix->addr, size - 1);
	wire[size - 1] = prefix->len;
	return size;
}

bool cg_prefix_equal(const struct cg_prefix *a, const struct cg_prefix *b)
{
	return a->family == b->family && a->len == b->len &&
	       nf_inet_addr_cmp(&a->addr, &b->addr);
}

bool cg_prefix_has(const struct cg_prefix *prefix, const struct cg_ep *ep)
{
	if (prefix->family != ep->family)
		return false;
	if (prefix->family == NFPROTO_IPV4)
		return !((prefix->addr.ip ^ ep->addr.ip) & inet_make_mask(prefix->len));
	return ipv6_prefix_equal(&prefix->addr.in6, &ep->addr.in6, prefix->len);
}
