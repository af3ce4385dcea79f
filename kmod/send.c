// SPDX-License-Identifier: GPL-2.0-only
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/udp.h>

#include "compat.h"
#include "send.h"

/* Room for the link layer and @head, then UDP header and payload. */
static struct sk_buff *make(const struct dst_entry *dst, const struct cg_flow *flow, u32 head,
			    const u8 *payload, u32 len)
{
	u32 room = LL_RESERVED_SPACE(cg_dst_dev(dst)) + head;
	struct sk_buff *skb;
	struct udphdr *uh;

	skb = alloc_skb(room + sizeof(*uh) + len, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, room);
	uh = skb_put(skb, sizeof(*uh));
	skb_reset_transport_header(skb);
	uh->source = flow->local.port;
	uh->dest = flow->remote.port;
	uh->len = htons(sizeof(*uh) + len);
	uh->check = 0;
	skb_put_data(skb, payload, len);
	/* longer than the link's MTU: fragments, as of any datagram of ours */
	skb->ignore_df = 1;
	return skb;
}

static void adopt(struct sk_buff *skb, const struct sock *sk, struct dst_entry *dst,
		  __be16 protocol)
{
	skb->protocol = protocol;
	skb->mark = READ_ONCE(sk->sk_mark);
	skb->priority = READ_ONCE(sk->sk_priority);
	skb_dst_set(skb, dst);
}

/* Only to unicast, and never back to ourselves: no loop begins here. */
static struct rtable *route4(struct net *net, const struct sock *sk, const struct cg_flow *flow)
{
	struct flowi4 fl4 = {
		.flowi4_oif = READ_ONCE(sk->sk_bound_dev_if),
		.flowi4_mark = READ_ONCE(sk->sk_mark),
		.flowi4_proto = IPPROTO_UDP,
		.saddr = flow->local.addr.ip,
		.daddr = flow->remote.addr.ip,
		.fl4_sport = flow->local.port,
		.fl4_dport = flow->remote.port,
	};
	struct rtable *rt = ip_route_output_flow(net, &fl4, NULL);

	if (IS_ERR(rt))
		return NULL;
	if (rt->rt_type == RTN_UNICAST && !(rt->rt_flags & (RTCF_LOCAL | RTCF_BROADCAST)))
		return rt;
	ip_rt_put(rt);
	return NULL;
}

static enum cg_reason send4(struct net *net, struct sock *sk, const struct cg_flow *flow,
			    const u8 *payload, u32 len)
{
	struct rtable *rt = route4(net, sk, flow);
	struct sk_buff *skb;
	struct iphdr *ip;

	if (!rt)
		return CG_R_FWD_NO_ROUTE;
	skb = make(&rt->dst, flow, sizeof(*ip), payload, len);
	if (!skb) {
		ip_rt_put(rt);
		return CG_R_FWD_NO_MEMORY;
	}
	udp_set_csum(false, skb, flow->local.addr.ip, flow->remote.addr.ip, skb->len);
	ip = skb_push(skb, sizeof(*ip));
	skb_reset_network_header(skb);
	*ip = (struct iphdr){
		.version = 4, .ihl = 5, .tos = inet_sk(sk)->tos, .protocol = IPPROTO_UDP,
		.ttl = ip4_dst_hoplimit(&rt->dst),
		.saddr = flow->local.addr.ip, .daddr = flow->remote.addr.ip,
	};
	adopt(skb, sk, &rt->dst, htons(ETH_P_IP));
	ip_select_ident(net, skb, NULL);
	ip_local_out(net, sk, skb);
	return CG_R_NONE;
}

#if IS_ENABLED(CONFIG_IPV6)
static struct dst_entry *route6(struct net *net, const struct sock *sk, const struct cg_flow *flow)
{
	struct flowi6 fl6 = {
		.flowi6_oif = READ_ONCE(sk->sk_bound_dev_if),
		.flowi6_mark = READ_ONCE(sk->sk_mark),
		.flowi6_proto = IPPROTO_UDP,
		.saddr = flow->local.addr.in6,
		.daddr = flow->remote.addr.in6,
		.fl6_sport = flow->local.port,
		.fl6_dport = flow->remote.port,
	};
	const struct rt6_info *rt;
	struct dst_entry *dst;

	if (ipv6_addr_type(&fl6.daddr) & (IPV6_ADDR_MULTICAST | IPV6_ADDR_ANY))
		return NULL;
	if (ipv6_addr_type(&fl6.daddr) & IPV6_ADDR_LINKLOCAL)
		fl6.flowi6_oif = flow->ifindex;
	dst = ip6_route_output(net, NULL, &fl6);
	rt = container_of(dst, struct rt6_info, dst);
	if (!dst->error && !(rt->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST)))
		return dst;
	dst_release(dst);
	return NULL;
}

static enum cg_reason send6(struct net *net, struct sock *sk, const struct cg_flow *flow,
			    const u8 *payload, u32 len)
{
	struct dst_entry *dst = route6(net, sk, flow);
	struct ipv6hdr *ip6;
	struct sk_buff *skb;

	if (!dst)
		return CG_R_FWD_NO_ROUTE;
	skb = make(dst, flow, sizeof(*ip6), payload, len);
	if (!skb) {
		dst_release(dst);
		return CG_R_FWD_NO_MEMORY;
	}
	udp6_set_csum(false, skb, &flow->local.addr.in6, &flow->remote.addr.in6, skb->len);
	ip6 = skb_push(skb, sizeof(*ip6));
	skb_reset_network_header(skb);
	*ip6 = (struct ipv6hdr){
		.version = 6, .nexthdr = IPPROTO_UDP, .hop_limit = ip6_dst_hoplimit(dst),
		.payload_len = htons(skb->len - sizeof(*ip6)),
		.saddr = flow->local.addr.in6, .daddr = flow->remote.addr.in6,
	};
	adopt(skb, sk, dst, htons(ETH_P_IPV6));
	ip6_local_out(net, sk, skb);
	return CG_R_NONE;
}
#else
static enum cg_reason send6(struct net *net, struct sock *sk, const struct cg_flow *flow,
			    const u8 *payload, u32 len)
{
	return CG_R_FWD_NO_ROUTE;
}
#endif

bool cg_send(struct cg_net *cn, struct sock *sk, const struct cg_flow *flow, const u8 *payload,
	     u32 len)
{
	enum cg_reason why;

	if (flow->remote.family == NFPROTO_IPV4)
		why = send4(cn->net, sk, flow, payload, len);
	else
		why = send6(cn->net, sk, flow, payload, len);
	if (why)
		cg_count(cn, why);
	return !why;
}
