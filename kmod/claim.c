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

struct question {
	struct sk_buff *skb;
	struct nf_conn *ct;
	const struct nf_hook_entries *hooks;
	u32 first;	/* of those that do the NAT in question */
	struct nf_hook_state state;
};

/*
 * The packet that asks, kept by the namespace: making one costs as much as a
 * question. Under cn->lock.
 */
static struct sk_buff *take_packet(struct cg_net *cn)
{
	struct sk_buff *skb = cn->question;

	if (skb)
		return skb;
	skb = alloc_skb(LL_MAX_HEADER + sizeof(struct ipv6hdr) + sizeof(struct udphdr), GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, LL_MAX_HEADER);
	cn->question = skb;
	return skb;
}

/* Rules may do more with a packet than look at it: such a one is not used again. */
static bool is_as_it_was(const struct sk_buff *skb)
{
	return !skb_shared(skb) && !skb_cloned(skb) && !skb_is_nonlinear(skb) &&
	       skb->data == skb->head + LL_MAX_HEADER && !skb_dst(skb) && !skb->sk;
}

static void put_back(struct cg_net *cn, struct sk_buff *skb)
{
	nf_reset_ct(skb);
	skb_ext_reset(skb);
	skb->dev = NULL;
	if (is_as_it_was(skb))
		return;
	cn->question = NULL;
	kfree_skb(skb);
}

void cg_claim_fini(struct cg_net *cn)
{
	kfree_skb(cn->question);
	cn->question = NULL;
}

/* It is never sent: without a checksum. */
static void put_ip(struct sk_buff *skb, const struct cg_ep *to, const struct cg_ep *from)
{
	*ip_hdr(skb) = (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 64, .protocol = to->proto,
		.tot_len = htons(skb->len), .saddr = from->addr.ip, .daddr = to->addr.ip,
	};
}

static void put_ip6(struct sk_buff *skb, const struct cg_ep *to, const struct cg_ep *from)
{
	*ipv6_hdr(skb) = (struct ipv6hdr){
		.version = 6, .hop_limit = 64, .nexthdr = to->proto,
		.payload_len = htons(sizeof(struct udphdr)),
		.saddr = from->addr.in6, .daddr = to->addr.in6,
	};
}

static void write_packet(struct sk_buff *skb, const struct cg_ep *to, const struct cg_ep *from)
{
	bool v4 = to->family == NFPROTO_IPV4;
	u32 head = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	skb_trim(skb, 0);
	skb_put(skb, head + sizeof(struct udphdr));
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, head);
	*udp_hdr(skb) = (struct udphdr){
		.source = from->port ?: htons(PEER_PORT), .dest = to->port,
		.len = htons(sizeof(struct udphdr)),
	};
	if (v4)
		put_ip(skb, to, from);
	else
		put_ip6(skb, to, from);
	skb->protocol = v4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	skb->mark = 0;
	skb->priority = 0;
	skb_init_secmark(skb);
	nf_reset_trace(skb);
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
	refcount_set(&ct->ct_general.use, 1);
	return ct;
}

static const struct nf_hook_entries *hooks_of(const struct net *net, u8 family, u32 hook)
{
	return family == NFPROTO_IPV4 ? rcu_dereference(net->nf.hooks_ipv4[hook]) :
					rcu_dereference(net->nf.hooks_ipv6[hook]);
}

/* The next one from @i on that sits where that NAT is done. */
static __always_inline u32 next_hook(const struct nf_hook_entries *e, u32 i, int priority)
{
	struct nf_hook_ops **ops = nf_hook_entries_get_hook_ops(e);

	while (i < e->num_hook_entries && ops[i]->priority != priority)
		i++;
	return i;
}

/* Runs those hooks, and only those; inline: each first INVITE comes by here. */
static __always_inline void ask(struct question *q, int priority)
{
	const struct nf_hook_entries *e = q->hooks;
	u32 i;

	for (i = q->first; i < e->num_hook_entries; i = next_hook(e, i + 1, priority))
		if (nf_hook_entry_hookfn(&e->hooks[i], q->skb, &q->state) != NF_ACCEPT)
			return;
}

/* One port of the row: packet and entry as if they were new. */
static bool is_claimed(struct question *q, const struct cg_ep *local, const struct cg_ep *peer)
{
	write_packet(q->skb, local, peer);
	q->ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.dst.u.all = local->port;
	q->ct->tuplehash[IP_CT_DIR_REPLY].tuple.src.u.all = local->port;
	q->ct->status = 0;
	ask(q, NF_IP_PRI_NAT_DST);
	return q->ct->status & IPS_DST_NAT;
}

bool cg_claimed(struct cg_net *cn, const struct cg_ep *local, u16 count, const struct cg_ep *peer,
		const struct net_device *dev)
{
	struct question q = { .hooks = hooks_of(cn->net, local->family, NF_INET_PRE_ROUTING) };
	struct cg_ep to = *local;
	bool claimed = false;

	if (!dev || local->proto != IPPROTO_UDP || !q.hooks)
		return false;
	q.first = next_hook(q.hooks, 0, NF_IP_PRI_NAT_DST);
	if (q.first == q.hooks->num_hook_entries)
		return false;
	q.skb = take_packet(cn);
	q.ct = q.skb ? make_ct(cn->net, local, peer) : NULL;
	if (!q.ct)
		return false;
	/* the packet must not be the last owner */
	nf_conntrack_get(&q.ct->ct_general);
	nf_ct_set(q.skb, q.ct, IP_CT_NEW);
	q.skb->dev = (struct net_device *)dev;
	q.skb->skb_iif = dev->ifindex;
	nf_hook_state_init(&q.state, NF_INET_PRE_ROUTING, local->family, q.skb->dev, NULL, NULL,
			   cn->net, NULL);
	for (; count && !claimed; count--) {
		claimed = is_claimed(&q, &to, peer);
		to.port = htons(ntohs(to.port) + 1);
	}
	put_back(cn, q.skb);
	nf_ct_put(q.ct);
	return claimed;
}

/* As the packet leaves: from where it came, by its route, with its marks. */
static void resemble(struct question *q, const struct sk_buff *like)
{
	q->skb->dev = q->state.out;
	q->skb->skb_iif = like->skb_iif;
	q->skb->mark = like->mark;
	q->skb->priority = like->priority;
#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
	q->ct->mark = READ_ONCE(((struct nf_conn *)skb_nfct(like))->mark);
#endif
	skb_dst_copy(q->skb, like);
}

void cg_claim_source(struct cg_net *cn, struct cg_ep *from, const struct cg_ep *to,
		     const struct sk_buff *like, const struct nf_hook_state *state)
{
	struct question q = {
		.hooks = hooks_of(cn->net, to->family, NF_INET_POST_ROUTING),
		.state = *state,
	};

	if (!q.hooks)
		return;
	q.first = next_hook(q.hooks, 0, NF_IP_PRI_NAT_SRC);
	q.skb = take_packet(cn);
	q.ct = q.skb ? make_ct(cn->net, to, from) : NULL;
	if (!q.ct)
		return;
	nf_conntrack_get(&q.ct->ct_general);
	nf_ct_set(q.skb, q.ct, IP_CT_NEW);
	write_packet(q.skb, to, from);
	resemble(&q, like);
	ask(&q, NF_IP_PRI_NAT_SRC);
	cg_ep_dst(from, &q.ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	skb_dst_drop(q.skb);
	put_back(cn, q.skb);
	nf_ct_put(q.ct);
}
