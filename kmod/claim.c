// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netfilter/nf_nat.h>

#include "claim.h"

#define PEER_PORT 5004	/* when the peer's port is not known yet */

static struct sk_buff *make_packet(const struct cg_ep *to, const struct cg_ep *from,
				   const struct net_device *dev)
{
	bool v4 = to->family == NFPROTO_IPV4;
	u32 head = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct sk_buff *skb = alloc_skb(LL_MAX_HEADER + head + sizeof(struct udphdr), GFP_ATOMIC);
	struct udphdr *uh;

	if (!skb)
		return NULL;
	skb_reserve(skb, LL_MAX_HEADER);
	skb_reset_network_header(skb);
	memset(skb_put(skb, head + sizeof(*uh)), 0, head + sizeof(*uh));
	skb_set_transport_header(skb, head);
	uh = udp_hdr(skb);
	uh->source = from->port ?: htons(PEER_PORT);
	uh->dest = to->port;
	uh->len = htons(sizeof(*uh));
	if (v4) {
		*ip_hdr(skb) = (struct iphdr){
			.version = 4, .ihl = 5, .ttl = 64, .protocol = to->proto,
			.tot_len = htons(head + sizeof(*uh)),
			.saddr = from->addr.ip, .daddr = to->addr.ip,
		};
		ip_send_check(ip_hdr(skb));
	} else {
		*ipv6_hdr(skb) = (struct ipv6hdr){
			.version = 6, .hop_limit = 64, .nexthdr = to->proto,
			.payload_len = htons(sizeof(*uh)),
			.saddr = from->addr.in6, .daddr = to->addr.in6,
		};
	}
	skb->protocol = v4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	skb->dev = (struct net_device *)dev;
	skb->skb_iif = dev->ifindex;
	return skb;
}

static struct nf_conn *make_ct(struct net *net, const struct cg_ep *to, const struct cg_ep *from)
{
	struct nf_conntrack_tuple orig, reply;
	struct nf_conn *ct;

	memset(&orig, 0, sizeof(orig));
	orig.src.l3num = to->family;
	orig.src.u3 = from->addr;
	orig.src.u.all = from->port ?: htons(PEER_PORT);
	orig.dst.u3 = to->addr;
	orig.dst.u.all = to->port;
	orig.dst.protonum = to->proto;
	nf_ct_invert_tuple(&reply, &orig);
	ct = nf_conntrack_alloc(net, &nf_ct_zone_dflt, &orig, &reply, GFP_ATOMIC);
	if (IS_ERR(ct))
		return NULL;
	/* skb and this function: the packet must not be the last owner */
	refcount_set(&ct->ct_general.use, 1);
	return ct;
}

/* Runs the hooks that sit where destination NAT is done, and only those. */
static void ask(struct net *net, struct sk_buff *skb, const struct cg_ep *to)
{
	const struct nf_hook_entries *e;
	struct nf_hook_ops **ops;
	struct nf_hook_state state;
	u16 i;

	e = to->family == NFPROTO_IPV4 ?
		rcu_dereference(net->nf.hooks_ipv4[NF_INET_PRE_ROUTING]) :
		rcu_dereference(net->nf.hooks_ipv6[NF_INET_PRE_ROUTING]);
	if (!e)
		return;
	nf_hook_state_init(&state, NF_INET_PRE_ROUTING, to->family, skb->dev, NULL, NULL, net,
			   NULL);
	ops = nf_hook_entries_get_hook_ops(e);
	for (i = 0; i < e->num_hook_entries; i++) {
		if (ops[i]->priority != NF_IP_PRI_NAT_DST)
			continue;
		if (nf_hook_entry_hookfn(&e->hooks[i], skb, &state) != NF_ACCEPT)
			return;
	}
}

/* The next port of the row: packet and entry as if they were new. */
static void aim(struct sk_buff *skb, struct nf_conn *ct, __be16 port)
{
	udp_hdr(skb)->dest = port;
	ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.dst.u.all = port;
	ct->tuplehash[IP_CT_DIR_REPLY].tuple.src.u.all = port;
	ct->status = 0;
}

bool cg_claimed(struct cg_net *cn, const struct cg_ep *local, u16 count, const struct cg_ep *peer,
		const struct net_device *dev)
{
	struct sk_buff *skb;
	struct nf_conn *ct;
	bool claimed = false;
	u16 i;

	if (!dev || local->proto != IPPROTO_UDP)
		return false;
	skb = make_packet(local, peer, dev);
	if (!skb)
		return false;
	ct = make_ct(cn->net, local, peer);
	if (!ct)
		goto free;
	nf_conntrack_get(&ct->ct_general);
	nf_ct_set(skb, ct, IP_CT_NEW);
	for (i = 0; i < count && !claimed; i++) {
		aim(skb, ct, htons(ntohs(local->port) + i));
		ask(cn->net, skb, local);
		claimed = ct->status & IPS_DST_NAT;
	}
	nf_ct_put(ct);
free:
	kfree_skb(skb);
	return claimed;
}
