// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two hooks. The first, right after conntrack, looks at packets without an
 * answer yet: one for the public endpoint of a pinhole, or from its inside
 * endpoint, gets its NAT here, both directions in one conntrack, and counts as
 * RELATED. The second, last in LOCAL_IN, is the guard: media for nobody makes
 * no conntrack, which would shadow the next call on that port.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netfilter/nf_nat.h>

#include "compat.h"
#include "address.h"
#include "bind.h"
#include "call.h"
#include "helper.h"
#include "mode.h"
#include "ports.h"
#include "site.h"

#define RELATCHES 1	/* times that a stream may change its source */

/* A packet that may begin a media flow. */
struct newcomer {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
	struct nf_conn *ct;
	struct cg_net *cn;
	struct cg_ep src, dst;
	struct cg_ep as;	/* hairpin: the sender's own public endpoint; else unset */
	bool confirmed;
};

static struct nf_conn *find_ct(struct net *net, const struct nf_conntrack_tuple *t, u16 zone_id)
{
	struct nf_conntrack_tuple_hash *h;
	struct nf_conntrack_zone zone;

	nf_ct_zone_init(&zone, zone_id, NF_CT_DEFAULT_ZONE_DIR, 0);
	h = nf_conntrack_find_get(net, &zone, t);
	return h ? nf_ct_tuplehash_to_ctrack(h) : NULL;
}

static void set_nat(struct nf_conn *ct, enum nf_nat_manip_type manip, const struct cg_ep *to,
		    unsigned int *verdict)
{
	struct nf_nat_range2 range = {
		.flags = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED,
		.min_addr = to->addr,
		.max_addr = to->addr,
		.min_proto.all = to->port,
		.max_proto.all = to->port,
	};

	if (nf_nat_initialized(ct, manip))
		return;
	if (nf_nat_setup_info(ct, &range, manip) != NF_ACCEPT)
		*verdict = NF_DROP;
}

/* As the core does for an expected connection: all of it, or RELATED alone. */
static void make_related(const struct cg_pin *pin, struct newcomer *n)
{
	struct nf_conn *master;

	if (!pin->cn->set.mark_related)
		return;
	if (!n->confirmed && pin->call && !n->ct->master) {
		master = find_ct(pin->cn->net, &pin->call->sig_ct, pin->call->sig_zone);
		if (master && cg_helper_is_ours(master) && !nf_ct_is_dying(master)) {
			n->ct->master = master;
#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
			n->ct->mark = READ_ONCE(master->mark);
#endif
#ifdef CONFIG_NF_CONNTRACK_SECMARK
			n->ct->secmark = master->secmark;
#endif
			__set_bit(IPS_EXPECTED_BIT, &n->ct->status);
		} else if (master) {
			nf_ct_put(master);
		}
	}
	nf_ct_set(n->skb, n->ct, IP_CT_RELATED);
}

/* ---- conntracks of a pinhole ---- */

static void kill_ct(struct cg_net *cn, const struct nf_conntrack_tuple *t, u16 zone)
{
	struct nf_conn *ct = find_ct(cn->net, t, zone);

	if (!ct)
		return;
	nf_ct_delete(ct, 0, 0);
	nf_ct_put(ct);
}

static void remember_ct(struct cg_pin *pin, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *t = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	u8 i;

	for (i = 0; i < pin->ncts; i++)
		if (nf_ct_tuple_equal(&pin->cts[i], t))
			return;
	if (pin->ncts == CG_PIN_CTS) {
		memmove(pin->cts, pin->cts + 1, sizeof(pin->cts) - sizeof(pin->cts[0]));
		pin->ncts--;
	}
	pin->cts[pin->ncts++] = *t;
}

/* The tuple of a packet from the phone's endpoint to @remote, before NAT. */
static void outbound_tuple(const struct cg_pin *pin, const struct cg_ep *remote,
			   struct nf_conntrack_tuple *t)
{
	memset(t, 0, sizeof(*t));
	t->src.l3num = pin->in.family;
	t->src.u3 = pin->in.addr;
	t->src.u.all = pin->in.port;
	t->dst.u3 = remote->addr;
	t->dst.u.all = remote->port;
	t->dst.protonum = pin->in.proto;
	t->dst.dir = IP_CT_DIR_ORIGINAL;
}

void cg_bind_kill(struct cg_pin *pin)
{
	u8 i;

	for (i = 0; i < pin->ncts; i++)
		kill_ct(pin->cn, &pin->cts[i], pin->call ? pin->call->sig_zone : 0);
	pin->ncts = 0;
}

void cg_bind_cut(struct cg_pin *pin)
{
	struct nf_conntrack_tuple t, back;
	u8 i;

	for (i = 0; i < pin->npeers; i++) {
		outbound_tuple(pin, &pin->peers[i], &t);
		kill_ct(pin->cn, &t, 0);
		/* the other way round: the peer began the flow */
		nf_ct_invert_tuple(&back, &t);
		back.dst.u3 = pin->pub.addr;
		back.dst.u.all = pin->pub.port;
		kill_ct(pin->cn, &back, 0);
	}
}

bool cg_bind_alive(const struct cg_pin *pin)
{
	bool alive = false;
	struct nf_conn *ct;
	u8 i;

	for (i = 0; i < pin->ncts && !alive; i++) {
		ct = find_ct(pin->cn->net, &pin->cts[i], pin->call->sig_zone);
		if (!ct)
			continue;
		alive = !nf_ct_is_expired(ct);
		nf_ct_put(ct);
	}
	return alive;
}

void cg_bind_displace(struct cg_pin *pin, const struct cg_ep *remote)
{
	struct nf_conntrack_tuple t;
	struct cg_ep as;
	struct nf_conn *ct;

	if (remote->family != pin->in.family || remote->proto != pin->in.proto ||
	    cg_site_inside(pin->cn, remote))
		return;
	outbound_tuple(pin, remote, &t);
	ct = find_ct(pin->cn->net, &t, pin->call->sig_zone);
	if (!ct)
		return;
	cg_ep_dst(&as, &ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	if (nf_ct_tuple_equal(&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple, &t) &&
	    !cg_ep_equal(&as, &pin->pub)) {
		cg_count(pin->cn, CG_R_PIN_STALE_FLOW);
		nf_ct_delete(ct, 0, 0);
	}
	nf_ct_put(ct);
}

/*
 * The same two ends may already be joined by an entry of the other direction:
 * the phone sent to the address it was told, and now the stream comes from
 * elsewhere. The newer source wins, within the limit.
 */
static bool make_room(struct cg_pin *pin, const struct cg_ep *told)
{
	struct nf_conntrack_tuple t;
	struct nf_conn *ct;

	outbound_tuple(pin, told, &t);
	ct = find_ct(pin->cn->net, &t, pin->call->sig_zone);
	if (!ct)
		return true;
	if (pin->relatches >= RELATCHES && nf_ct_is_confirmed(ct) &&
	    test_bit(IPS_SEEN_REPLY_BIT, &ct->status)) {
		cg_count(pin->cn, CG_R_PIN_NO_RELATCH);
		nf_ct_put(ct);
		return false;
	}
	if (test_bit(IPS_SEEN_REPLY_BIT, &ct->status)) {
		pin->relatches++;
		cg_count(pin->cn, CG_R_PIN_RELATCHED);
	}
	nf_ct_delete(ct, 0, 0);
	nf_ct_put(ct);
	return true;
}

/* ---- binding ---- */

/* Does @pin let this packet in? */
static bool admits_inbound(const struct cg_pin *pin, const struct newcomer *n)
{
	if (pin->dead || pin->ghost)
		return false;
	if (pin->kind == CG_PIN_SIG)
		return pin->awake && cg_pin_has_peer(pin, &n->src);
	if (cg_call_admits(pin->call, pin, &n->src))
		return true;
	return cg_ep_is_set(&n->as) && cg_call_admits(pin->call, pin, &n->as);
}

static bool is_peer(const struct cg_pin *pin, const struct cg_ep *who)
{
	const struct cg_call *call = pin->call;
	u16 i;

	if (pin->kind == CG_PIN_SIG)
		return cg_pin_has_peer(pin, who);
	for (i = 0; i < call->nfar; i++)
		if (call->far[i].side != pin->side && cg_ep_equal(&call->far[i].ep, who))
			return true;
	return false;
}

/* Who the phone behind @pin is to see: it was told a public address of its neighbour. */
static const struct cg_ep *sender(const struct cg_pin *pin, const struct newcomer *n)
{
	return cg_ep_is_set(&n->as) && !is_peer(pin, &n->src) ? &n->as : &n->src;
}

/*
 * Media that came before its pinhole made an entry of the router's own, which
 * the stream keeps alive: track the packet anew.
 */
static bool track_again(struct newcomer *n)
{
	enum ip_conntrack_info ctinfo;

	cg_count(n->cn, CG_R_PIN_STALE_FLOW);
	nf_ct_delete(n->ct, 0, 0);
	nf_reset_ct(n->skb);
	if (nf_conntrack_in(n->skb, n->state) != NF_ACCEPT)
		return false;
	n->ct = nf_ct_get(n->skb, &ctinfo);
	n->confirmed = false;
	return n->ct && !nf_ct_is_confirmed(n->ct);
}

static unsigned int bind_inbound(struct cg_pin *pin, struct newcomer *n)
{
	bool nat = !cg_ep_equal(&pin->in, &pin->pub);
	const struct cg_ep *seen = &n->src;
	unsigned int verdict = NF_ACCEPT;

	if (n->confirmed && nat && !(n->ct->status & IPS_DST_NAT) && !track_again(n))
		return NF_DROP;

	if (!n->confirmed) {
		if (pin->kind == CG_PIN_MEDIA && nat) {
			const struct cg_far *told;

			seen = sender(pin, n);
			told = cg_call_told(pin->call, pin, seen);

			/* the phone sees the stream come from where it was told */
			if (told)
				seen = &told->ep;
			if (!make_room(pin, seen))
				return NF_DROP;
		}
		if (pin->kind == CG_PIN_SIG)
			cg_helper_attach(n->ct, pin->open_only);
		if (nat) {
			set_nat(n->ct, NF_NAT_MANIP_DST, &pin->in, &verdict);
			set_nat(n->ct, NF_NAT_MANIP_SRC, seen, &verdict);
		}
		if (pin->kind == CG_PIN_MEDIA)
			remember_ct(pin, n->ct);
		cg_count(pin->cn, CG_R_PIN_BOUND);
	}
	make_related(pin, n);
	return verdict;
}

/*
 * Would @pin's public endpoint clash with an entry that exists? One that a packet
 * from the peer made before the call was known leads nowhere, and makes room (F55).
 */
static bool clashes(const struct cg_pin *pin, const struct newcomer *n)
{
	struct nf_conntrack_tuple t;
	struct nf_conn *old;

	nf_ct_invert_tuple(&t, &n->ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	t.dst.u3 = pin->pub.addr;
	t.dst.u.all = pin->pub.port;
	if (!nf_conntrack_tuple_taken(&t, n->ct))
		return false;
	old = pin->kind == CG_PIN_MEDIA ? find_ct(pin->cn->net, &t, nf_ct_zone(n->ct)->id) : NULL;
	if (!old)
		return true;
	if (!(old->status & IPS_NAT_MASK) && !test_bit(IPS_SEEN_REPLY_BIT, &old->status)) {
		cg_count(pin->cn, CG_R_PIN_STALE_FLOW);
		nf_ct_delete(old, 0, 0);
	}
	nf_ct_put(old);
	return nf_conntrack_tuple_taken(&t, n->ct);
}

static unsigned int bind_outbound(struct cg_pin *pin, struct newcomer *n)
{
	unsigned int verdict = NF_ACCEPT;
	bool peer = is_peer(pin, &n->dst);

	/* a phone's other flows are none of our business, but for media's own port */
	if (pin->dead || pin->ghost || (pin->kind == CG_PIN_SIG && !peer))
		return NF_ACCEPT;
	/* direct media of two phones here: the admin's rules let it pass, or not */
	if (pin->kind == CG_PIN_MEDIA && cg_site_inside(n->cn, &n->dst))
		return NF_ACCEPT;
	if (!n->confirmed && !cg_ep_equal(&pin->in, &pin->pub)) {
		if (clashes(pin, n))
			return NF_ACCEPT;
		set_nat(n->ct, NF_NAT_MANIP_SRC, &pin->pub, &verdict);
	}
	if (pin->kind == CG_PIN_MEDIA && !n->confirmed) {
		remember_ct(pin, n->ct);
		cg_count(pin->cn, CG_R_PIN_BOUND);
	}
	if (peer && pin->kind == CG_PIN_MEDIA)
		make_related(pin, n);
	return verdict;
}

/* Ours expected it, but the table does not let it in: an ordinary packet. */
static void disown(struct newcomer *n)
{
	if (n->confirmed || !test_bit(IPS_EXPECTED_BIT, &n->ct->status) ||
	    !n->ct->master || !cg_helper_is_ours(n->ct->master))
		return;
	__clear_bit(IPS_EXPECTED_BIT, &n->ct->status);
	nf_ct_set(n->skb, n->ct, IP_CT_NEW);
	cg_count(n->cn, CG_R_DROP_SOURCE);
}

/* A phone of this site that sends to the router, as it was told (F60, F61). */
static void hairpin(struct newcomer *n)
{
	const struct cg_pin *own = cg_site_inside(n->cn, &n->src);

	if (own)
		n->as = own->pub;
}

static unsigned int bind_locked(struct newcomer *n)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *pin;

	l = rhltable_lookup(&n->cn->pins_pub, &n->dst, cg_pin_pub_params);
	if (l)
		hairpin(n);
	rhl_for_each_entry_rcu(pin, pos, l, pub_node)
		if (admits_inbound(pin, n))
			return bind_inbound(pin, n);
	if (l)
		disown(n);
	l = rhltable_lookup(&n->cn->pins_in, &n->src, cg_pin_in_params);
	rhl_for_each_entry_rcu(pin, pos, l, in_node) {
		if (pin->dead || pin->ghost)
			continue;
		if (pin->kind == CG_PIN_SIG && (pin->away || !cg_pin_has_peer(pin, &n->dst)))
			continue;
		return bind_outbound(pin, n);
	}
	return NF_ACCEPT;
}

static noinline unsigned int bind(struct sk_buff *skb, const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct newcomer n;
	unsigned int verdict;

	n.ct = nf_ct_get(skb, &ctinfo);
	n.cn = cg_net_of(state->net);
	if (!n.ct || !READ_ONCE(n.cn->npins))
		return NF_ACCEPT;
	if (nf_ct_protonum(n.ct) != IPPROTO_UDP && nf_ct_protonum(n.ct) != IPPROTO_TCP)
		return NF_ACCEPT;
	n.confirmed = nf_ct_is_confirmed(n.ct);
	/* an ICMP error about a known flow is RELATED too */
	if (n.confirmed && ctinfo == IP_CT_RELATED)
		return NF_ACCEPT;
	n.skb = skb;
	n.state = state;
	n.as.family = 0;
	cg_ep_src(&n.src, &n.ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	cg_ep_dst(&n.dst, &n.ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	if (!rhltable_lookup(&n.cn->pins_pub, &n.dst, cg_pin_pub_params) &&
	    !rhltable_lookup(&n.cn->pins_in, &n.src, cg_pin_in_params))
		return NF_ACCEPT;
	spin_lock_bh(&n.cn->lock);
	verdict = bind_locked(&n);
	spin_unlock_bh(&n.cn->lock);
	if (verdict == NF_DROP)
		cg_count(n.cn, CG_R_DROP_BIND);
	return verdict;
}

/* Every packet of the namespace comes by: established flows leave at once. */
static unsigned int bind_hook(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	unsigned long ctinfo = skb_get_nfct(skb) & NFCT_INFOMASK;

	if (ctinfo != IP_CT_NEW && ctinfo != IP_CT_RELATED)
		return NF_ACCEPT;
	return bind(skb, state);
}

/* ---- several uplinks ---- */

bool cg_bind_astray(const struct sk_buff *skb, const struct nf_conn *ct)
{
	const struct dst_entry *dst = skb_dst(skb);
	struct net *net = nf_ct_net(ct);
	struct cg_net *cn = cg_net_of(net);
	struct cg_ep in, peer, pub;
	struct cg_pin *pin;
	bool away, astray = false;

	if (!(ct->status & IPS_SRC_NAT) || !dst || !READ_ONCE(cn->npins))
		return false;
	cg_ep_src(&in, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	cg_ep_dst(&peer, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	cg_ep_dst(&pub, &ct->tuplehash[IP_CT_DIR_REPLY].tuple);
	away = cg_address_elsewhere(net, &pub, cg_dst_dev(dst));
	spin_lock(&cn->lock);
	pin = cg_sig_of_inside(cn, &in, &peer);
	if (pin && cg_ep_equal(&pin->pub, &pub)) {
		astray = away && !pin->away;
		pin->away = away;
	}
	spin_unlock(&cn->lock);
	if (astray)
		cg_count(cn, CG_R_DROP_UPLINK);
	return astray;
}

/* ---- guard ---- */

/* A pinhole or ghost at @dst that knows @src as its peer. */
static bool known_peer(struct cg_net *cn, const struct cg_ep *dst, const struct cg_ep *src,
		       enum cg_reason *why)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *pin;
	bool known = false;

	spin_lock_bh(&cn->lock);
	l = rhltable_lookup(&cn->pins_pub, dst, cg_pin_pub_params);
	rhl_for_each_entry_rcu(pin, pos, l, pub_node) {
		if (pin->dead || pin->kind != CG_PIN_MEDIA || cg_ep_equal(&pin->in, &pin->pub))
			continue;
		known = !pin->ghost || !pin->npeers || cg_pin_has_peer(pin, src);
		*why = pin->ghost ? CG_R_DROP_QUARANTINE : CG_R_DROP_SOURCE;
		if (known)
			break;
	}
	spin_unlock_bh(&cn->lock);
	return known;
}

static unsigned int guard_hook(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	enum cg_reason why = CG_R_DROP_GUARD;
	enum ip_conntrack_info ctinfo;
	struct cg_ep src, dst;
	struct nf_conn *ct;
	struct cg_net *cn;

	ct = nf_ct_get(skb, &ctinfo);
	if (!ct || ctinfo != IP_CT_NEW || nf_ct_is_confirmed(ct) ||
	    nf_ct_protonum(ct) != IPPROTO_UDP || (ct->status & IPS_DST_NAT))
		return NF_ACCEPT;
	cn = cg_net_of(state->net);
	cg_ep_dst(&dst, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	cg_ep_src(&src, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	if (!READ_ONCE(cn->used) || cg_mode_idle(cn))
		return NF_ACCEPT;
	if (!known_peer(cn, &dst, &src, &why) && !cg_ports_in_pool(cn, ntohs(dst.port)))
		return NF_ACCEPT;
	if (cg_ports_local_socket(cn->net, &dst, &src))
		return NF_ACCEPT;
	cg_count(cn, why);
	return NF_DROP;
}

static const struct nf_hook_ops hooks[] = {
	{
		.hook = bind_hook,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = bind_hook,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = guard_hook,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_CONNTRACK_HELPER - 1,
	},
	{
		.hook = guard_hook,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_CONNTRACK_HELPER - 1,
	},
};

static void hook_work(struct work_struct *work)
{
	struct cg_net *cn = container_of(work, struct cg_net, hook_work);
	int err;

	/* two processors may both have seen the first packet */
	if (cn->hooked)
		return;
	err = nf_register_net_hooks(cn->net, hooks, ARRAY_SIZE(hooks));
	if (err)
		pr_err("callgate: cannot register hooks, media will not be let in: %d\n", err);
	WRITE_ONCE(cn->hooked, !err);
}

void cg_bind_init(struct cg_net *cn)
{
	INIT_WORK(&cn->hook_work, hook_work);
}

void cg_bind_begin(struct cg_net *cn)
{
	WRITE_ONCE(cn->used, true);
	queue_work(system_highpri_wq, &cn->hook_work);
}

void cg_bind_now(struct cg_net *cn)
{
	if (READ_ONCE(cn->hooked))
		return;
	cg_bind_begin(cn);
	flush_work(&cn->hook_work);
}

void cg_bind_fini(struct cg_net *cn)
{
	cancel_work_sync(&cn->hook_work);
	if (cn->hooked)
		nf_unregister_net_hooks(cn->net, hooks, ARRAY_SIZE(hooks));
}
