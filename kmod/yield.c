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
#define TRIES 128	/* of them, for one flow */
#define QUESTIONS 16	/* to tell a rule with a range from one with a single port */

enum way { LEAVE, MOVE, REFUSE };

/* A flow whose public endpoint is that of a socket. */
struct taker {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
	struct nf_conn *ct;
	struct cg_net *cn;
	const struct cg_gate *gate;
	struct cg_ep inside, public, peer;
};

static bool is_taken(const struct taker *t, const struct cg_ep *public)
{
	struct nf_conntrack_tuple reply = t->ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	reply.dst.u.udp.port = public->port;
	return nf_conntrack_tuple_taken(&reply, t->ct);
}

/*
 * The search begins at the same place for a phone's port: it is seen from there again after its
 * flow was over. False: none of them is free.
 */
static bool choose(const struct taker *t, struct cg_ep *public)
{
	u32 start = cg_ep_hash(&t->inside, sizeof(t->inside), 1), i;
	u16 port;

	for (i = 0; i < TRIES; i++) {
		port = (u16)(FIRST + (start + i) % PORTS);
		*public = cg_ep_at(&t->public, port);
		if (!cg_ports_in_pool(t->cn, port) && cg_ports_is_free(t->cn, public) &&
		    !is_taken(t, public))
			return true;
	}
	return false;
}

/*
 * What do the rules make of that phone at another port? Where they name a range they choose one of
 * its ports at random, which may be a socket's again; those that name just that port always do.
 */
static struct cg_ep ask_rules(const struct taker *t, u16 port)
{
	struct cg_ep said;
	u32 i;

	for (i = 0; i < QUESTIONS; i++) {
		said = cg_ep_at(&t->inside, port);
		cg_claim_source(t->cn, &said, &t->peer, t->skb, t->state);
		if (!cg_attach_has(t->gate, &said))
			break;
	}
	return said;
}

/* Rules for the phone's one port alone say nothing about another. Under cn->lock. */
static enum way find(const struct taker *t, struct cg_ep *public)
{
	struct cg_ep said;

	if (cg_claimed(t->cn, &t->public, 1, &t->peer, t->state->out))
		return LEAVE;
	if (!choose(t, public))
		return REFUSE;
	said = ask_rules(t, ntohs(public->port));
	if (cg_attach_has(t->gate, &said))
		return LEAVE;
	if (cg_ep_same_addr(&said, public) && !is_taken(t, &said))
		*public = said;
	return MOVE;
}

/* Not confirmed yet: nobody else has seen this entry, and its answer's tuple is in no table. */
static unsigned int move(struct taker *t)
{
	struct cg_ep public;
	enum way way;

	cg_ep_src(&t->inside, &t->ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	cg_ep_src(&t->peer, &t->ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	spin_lock_bh(&t->cn->lock);
	way = find(t, &public);
	spin_unlock_bh(&t->cn->lock);
	if (way == LEAVE)
		return NF_ACCEPT;
	cg_count(t->cn, way == MOVE ? CG_R_FWD_YIELDED : CG_R_FWD_NO_PORT);
	if (way == REFUSE)
		return NF_DROP;
	t->ct->tuplehash[IP_CT_DIR_REPLY].tuple.dst.u.udp.port = public.port;
	return nf_nat_packet(t->ct, IP_CT_NEW, NF_INET_POST_ROUTING, t->skb);
}

static noinline unsigned int consider(struct sk_buff *skb, struct nf_conn *ct,
				      const struct nf_hook_state *state)
{
	struct taker t = {
		.state = state, .skb = skb, .ct = ct, .cn = cg_net_of_rcu(state->net),
	};

	t.gate = cg_gate_of(t.cn);
	cg_ep_dst(&t.public, &ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	if (!t.gate || !cg_attach_has(t.gate, &t.public))
		return NF_ACCEPT;
	return move(&t);
}

/* What was never received is the router's own, and may well come from the socket. */
static unsigned int yield_hook(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (!ct || (ctinfo != IP_CT_NEW && ctinfo != IP_CT_RELATED) || nf_ct_is_confirmed(ct) ||
	    !(ct->status & IPS_SRC_NAT) || nf_ct_protonum(ct) != IPPROTO_UDP || !skb->skb_iif)
		return NF_ACCEPT;
	return consider(skb, ct, state);
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
