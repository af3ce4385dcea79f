// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cache.h>
#include <linux/random.h>

#include "ep.h"
#include "sip/scan.h"

u64 cg_ep_secret[CG_EP_WORDS + 1] __read_mostly;

void cg_ep_init(void)
{
	get_random_bytes(cg_ep_secret, sizeof(cg_ep_secret));
}

static void fill(struct cg_ep *ep, u8 family, u8 proto, const union nf_inet_addr *addr, __be16 port)
{
	memset(ep, 0, sizeof(*ep));
	if (family == NFPROTO_IPV4)
		ep->addr.ip = addr->ip;
	else
		ep->addr.in6 = addr->in6;
	ep->port = port;
	ep->family = family;
	ep->proto = proto;
}

void cg_ep_src(struct cg_ep *ep, const struct nf_conntrack_tuple *t)
{
	fill(ep, (u8)t->src.l3num, t->dst.protonum, &t->src.u3, t->src.u.all);
}

void cg_ep_dst(struct cg_ep *ep, const struct nf_conntrack_tuple *t)
{
	fill(ep, (u8)t->src.l3num, t->dst.protonum, &t->dst.u3, t->dst.u.all);
}

void cg_ep_make(struct cg_ep *ep, u8 family, u8 proto, const u8 *addr, u16 port)
{
	memset(ep, 0, sizeof(*ep));
	memcpy(&ep->addr, addr, family == NFPROTO_IPV4 ? 4 : 16);
	ep->port = htons(port);
	ep->family = family;
	ep->proto = proto;
}

struct cg_ep cg_ep_at(const struct cg_ep *ep, u16 port)
{
	struct cg_ep r = *ep;

	r.port = htons(port);
	return r;
}

bool cg_addr_is_private(u8 family, const u8 *a)
{
	if (family == NFPROTO_IPV6)
		return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
	return a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
	       (a[0] == 100 && (a[1] & 0xc0) == 64) || (a[0] == 169 && a[1] == 254);
}

bool cg_ep_any_addr(const struct cg_ep *ep)
{
	return !ep->addr.all[0] && !ep->addr.all[1] && !ep->addr.all[2] && !ep->addr.all[3];
}

u32 cg_ep_print(const struct cg_ep *ep, bool brackets, bool with_port, u8 *buf)
{
	const u8 *addr = (const u8 *)&ep->addr;
	u8 kind = ep->family == NFPROTO_IPV4 ? SIP_HOST_IP4 : SIP_HOST_IP6;

	BUILD_BUG_ON(CG_TEXT_MAX < SIP_HOST_TEXT);
	if (brackets)
		return sip_host_print(buf, kind, addr, with_port ? ntohs(ep->port) : 0);
	return kind == SIP_HOST_IP4 ? sip_ip4_print(buf, addr) : sip_ip6_print(buf, addr);
}
