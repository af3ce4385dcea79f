// SPDX-License-Identifier: GPL-2.0-only
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_nat.h>

#include "compat.h"
#include "attach.h"
#include "claim.h"
#include "ports.h"
#include "yield.h"

/* Above the ports that the system gives to its own sockets by default. */
#define FIRST 61000
#define PORTS 4096

/*
 * The search begins at the same place for a phone's port: it is seen from there again after its
 * flow was over. Under cn->lock. False: all are taken.
 */
static bool choose(struct cg_net *cn, struct nf_conn *ct, struct cg_ep *public)
{
	struct nf_conntrack_tuple reply = ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	struct cg_ep inside;
	u32 start, i;
	u16 port;

	cg_ep_src(&inside, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	start = cg_ep_hash(&inside, sizeof(inside), 1);
	for (i = 0; i < PORTS; i++) {
		port = (u16)(FIRST + (start + i) % PORTS);
		*public = cg_ep_at(public, port);
		reply.dst.u.udp.port = public->port;
		if (!cg_ports_in_pool(cn, port) && cg_ports_is_free(cn, public) &&
		    !nf_conntrack_tuple_taken(&reply, ct))
			return true;
	}
	return false;
}

/* Not confirmed yet: nobody else has seen this entry, and its answer's tuple is in no table. */
static unsigned int move(struct sk_buff *skb, struct nf_conn *ct, struct cg_net *cn,
			 const struct nf_hook_state *state)
{
	struct cg_ep public, peer;
	bool claimed, found;

	cg_ep_dst(&public, &ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	cg_ep_src(&peer, &ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	spin_lock_bh(&cn->lock);
	claimed = cg_claimed(cn, &public, 1, &peer, state->out);
	found = !claimed && choose(cn, ct, &public);
	spin_unlock_bh(&cn->lock);
	if (claimed)
		return NF_ACCEPT;
	if (!found)
		return NF_DROP;
	cg_count(cn, CG_R_FWD_YIELDED);
	ct->tuplehash[IP_CT_DIR_REPLY].tuple.dst.u.udp.port = public.port;
	return nf_nat_packet(ct, IP_CT_NEW, NF_INET_POST_ROUTING, skb);
}

/* What was never received is the router's own, and may well come from the socket. */
static unsigned int yield_hook(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct cg_gate *gate;
	struct nf_conn *ct;
	struct cg_ep public;

	ct = nf_ct_get(skb, &ctinfo);
	if (!ct || (ctinfo != IP_CT_NEW && ctinfo != IP_CT_RELATED) || nf_ct_is_confirmed(ct) ||
	    !(ct->status & IPS_SRC_NAT) || nf_ct_protonum(ct) != IPPROTO_UDP || !skb->skb_iif)
		return NF_ACCEPT;
	gate = cg_gate_of(cg_net_of(state->net));
	cg_ep_dst(&public, &ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	if (!gate || !cg_attach_has(gate, &public))
		return NF_ACCEPT;
	return move(skb, ct, gate->cn, state);
}

static const struct nf_hook_ops hooks[] = {
	{
		.hook = yield_hook,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP_PRI_NAT_SRC + 1,
	},
	{
		.hook = yield_hook,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP_PRI_NAT_SRC + 1,
	},
};

int cg_yield_init(struct cg_gate *gate)
{
	return nf_register_net_hooks(gate->cn->net, hooks, ARRAY_SIZE(hooks));
}

void cg_yield_fini(struct cg_gate *gate)
{
	nf_unregister_net_hooks(gate->cn->net, hooks, ARRAY_SIZE(hooks));
}
