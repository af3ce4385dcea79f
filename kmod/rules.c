// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules are run as they are: whatever an admin can write is answered. What
 * they do besides (counters, log lines) they do for this packet too.
 */
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv4.h>
#include <linux/udp.h>
#include <net/if_inet6.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "rules.h"

/* A packet without content; @from and @to are of one family. */
static struct sk_buff *make_packet(const struct cg_ep *from, const struct cg_ep *to)
{
	bool v4 = to->family == NFPROTO_IPV4;
	u32 head = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct sk_buff *skb = alloc_skb(LL_MAX_HEADER + head + sizeof(struct udphdr), GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, LL_MAX_HEADER);
	skb_reset_network_header(skb);
	memset(skb_put(skb, head + sizeof(struct udphdr)), 0, head + sizeof(struct udphdr));
	skb_set_transport_header(skb, head);
	udp_hdr(skb)->source = from->port;
	udp_hdr(skb)->dest = to->port;
	udp_hdr(skb)->len = htons(sizeof(struct udphdr));
	skb->protocol = v4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	if (!v4) {
		*ipv6_hdr(skb) = (struct ipv6hdr){
			.version = 6, .hop_limit = 63, .nexthdr = IPPROTO_UDP,
			.payload_len = htons(sizeof(struct udphdr)),
			.saddr = from->addr.in6, .daddr = to->addr.in6,
		};
		return skb;
	}
	*ip_hdr(skb) = (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 63, .protocol = IPPROTO_UDP,
		.tot_len = htons(head + sizeof(struct udphdr)),
		.saddr = from->addr.ip, .daddr = to->addr.ip,
	};
	ip_send_check(ip_hdr(skb));
	return skb;
}

/* Rules ask for the state: a new flow. */
static bool make_flow(struct net *net, struct sk_buff *skb, const struct cg_ep *from,
		      const struct cg_ep *to)
{
	struct nf_conntrack_tuple orig, reply;
	struct nf_conn *ct;

	memset(&orig, 0, sizeof(orig));
	orig.src.l3num = to->family;
	orig.src.u3 = from->addr;
	orig.src.u.all = from->port;
	orig.dst.u3 = to->addr;
	orig.dst.u.all = to->port;
	orig.dst.protonum = IPPROTO_UDP;
	nf_ct_invert_tuple(&reply, &orig);
	ct = nf_conntrack_alloc(net, &nf_ct_zone_dflt, &orig, &reply, GFP_ATOMIC);
	if (IS_ERR(ct))
		return false;
	refcount_set(&ct->ct_general.use, 1);
	nf_ct_set(skb, ct, IP_CT_NEW);
	return true;
}

/* True: accepted. A hook that did not accept may have taken the packet. */
static bool ask(struct sk_buff **skb, const struct nf_hook_state *state,
		const struct nf_hook_entries *e)
{
	unsigned int verdict;
	u16 i;

	for (i = 0; e && i < e->num_hook_entries; i++) {
		verdict = nf_hook_entry_hookfn(&e->hooks[i], *skb, (struct nf_hook_state *)state);
		if (verdict == NF_ACCEPT)
			continue;
		if ((verdict & NF_VERDICT_MASK) == NF_STOLEN)
			*skb = NULL;
		return false;
	}
	return true;
}

bool cg_forwards(struct cg_net *cn, const struct cg_ep *from, struct net_device *in,
		 const struct cg_ep *to, struct dst_entry *dst)
{
	bool v4 = to->family == NFPROTO_IPV4, can = false;
	struct nf_hook_state state;
	struct sk_buff *skb;

	skb = make_packet(from, to);
	if (!skb)
		return false;
	skb->dev = in;
	skb->skb_iif = in->ifindex;
	skb_dst_set(skb, dst_clone(dst));
	if (!make_flow(cn->net, skb, from, to))
		goto free;
	nf_hook_state_init(&state, NF_INET_FORWARD, to->family, in, cg_dst_dev(dst), NULL,
			   cn->net, NULL);
	rcu_read_lock();
	can = ask(&skb, &state,
		  v4 ? rcu_dereference(cn->net->nf.hooks_ipv4[NF_INET_FORWARD]) :
		       rcu_dereference(cn->net->nf.hooks_ipv6[NF_INET_FORWARD]));
	rcu_read_unlock();
free:
	kfree_skb(skb);
	return can;
}

/* Only the hooks where source NAT is done; a verdict other than this is no answer. */
static bool ask_nat(struct sk_buff *skb, const struct nf_hook_state *state,
		    const struct nf_hook_entries *e)
{
	struct nf_hook_ops **ops;
	u16 i;

	if (!e)
		return false;
	ops = nf_hook_entries_get_hook_ops(e);
	for (i = 0; i < e->num_hook_entries; i++)
		if (ops[i]->priority == NF_IP_PRI_NAT_SRC &&
		    nf_hook_entry_hookfn(&e->hooks[i], skb, (struct nf_hook_state *)state) !=
		    NF_ACCEPT)
			return false;
	return true;
}

/* Its address: a port may change only because another flow has it. */
static bool has_new_source(const struct sk_buff *skb, const struct cg_ep *from)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	struct cg_ep seen;

	cg_ep_dst(&seen, &ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	return !cg_ep_same_addr(&seen, from);
}

bool cg_hides(struct cg_net *cn, const struct cg_ep *from, struct net_device *in,
	      const struct cg_ep *to, struct dst_entry *dst)
{
	struct nf_hook_state state;
	struct sk_buff *skb;
	bool hides = false;

	skb = make_packet(from, to);
	if (!skb)
		return false;
	skb->dev = cg_dst_dev(dst);
	skb->skb_iif = in->ifindex;
	skb_dst_set(skb, dst_clone(dst));
	if (!make_flow(cn->net, skb, from, to))
		goto free;
	nf_hook_state_init(&state, NF_INET_POST_ROUTING, to->family, in, skb->dev, NULL, cn->net,
			   NULL);
	rcu_read_lock();
	hides = ask_nat(skb, &state, to->family == NFPROTO_IPV4 ?
			rcu_dereference(cn->net->nf.hooks_ipv4[NF_INET_POST_ROUTING]) :
			rcu_dereference(cn->net->nf.hooks_ipv6[NF_INET_POST_ROUTING])) &&
		has_new_source(skb, from);
	rcu_read_unlock();
free:
	kfree_skb(skb);
	return hides;
}

/* ---- one network ---- */

static bool one_network4(const struct net_device *dev, __be32 a, __be32 b)
{
	const struct in_device *in = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;

	if (!in)
		return false;
	in_dev_for_each_ifa_rcu(ifa, in)
		if (inet_ifa_match(a, ifa) && inet_ifa_match(b, ifa))
			return true;
	return false;
}

static bool one_network6(const struct net_device *dev, const struct in6_addr *a,
			 const struct in6_addr *b)
{
	const struct inet6_dev *in = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;

	if (!in)
		return false;
	list_for_each_entry_rcu(ifa, &in->addr_list, if_list)
		if (ipv6_prefix_equal(&ifa->addr, a, ifa->prefix_len) &&
		    ipv6_prefix_equal(&ifa->addr, b, ifa->prefix_len))
			return true;
	return false;
}

bool cg_neighbours(const struct net_device *dev, const struct cg_ep *a,
		   const struct cg_ep *b)
{
	bool one;

	rcu_read_lock();
	one = a->family == NFPROTO_IPV4 ? one_network4(dev, a->addr.ip, b->addr.ip) :
					  one_network6(dev, &a->addr.in6, &b->addr.in6);
	rcu_read_unlock();
	return one;
}
