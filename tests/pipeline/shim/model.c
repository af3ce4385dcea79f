// SPDX-License-Identifier: BSD-2-Clause
/*
 * What stands beside the pipeline and is modelled: the admin's rules (claim.c, rules.c), what STUN
 * found out (mapped.c), expectations (expect.c), the notifier of lost addresses (address.c) and
 * netlink, to which nobody listens.
 */
#include "router.h"

#include "address.h"
#include "call.h"
#include "claim.h"
#include "expect.h"
#include "gateway.h"
#include "genl.h"
#include "mapped.h"
#include "rules.h"

/* No rule claims a port: busy ports of the model are sockets and reserved ones. */
bool cg_claimed(struct cg_net *cn, const struct cg_ep *local, u16 count, const struct cg_ep *peer,
		const struct net_device *dev)
{
	lockdep_assert_held(&cn->lock);
	return false;
}

/* The forward rules let phones meet. */
bool cg_forwards(struct cg_net *cn, const struct cg_ep *from, struct net_device *in,
		 const struct cg_ep *to, struct dst_entry *dst)
{
	lockdep_assert_held(&cn->lock);
	return true;
}

/* One masquerading rule, for what comes from inside and leaves to the outside. */
bool cg_hides(struct cg_net *cn, const struct cg_ep *from, struct net_device *in,
	      const struct cg_ep *to, struct dst_entry *dst)
{
	lockdep_assert_held(&cn->lock);
	SHIM_BUG_ON(from->family != to->family);
	return router.hides && in->ifindex == 2 && dst->dev->ifindex == 3;
}

bool cg_neighbours(const struct net_device *dev, const struct cg_ep *a, const struct cg_ep *b)
{
	return true;
}

/* No phone asked a STUN server: the port is the same inside and outside. */
bool cg_mapped(struct cg_net *cn, const struct cg_ep *pub, struct cg_ep *in)
{
	lockdep_assert_held(&cn->lock);
	return false;
}

void cg_claim_fini(struct cg_net *cn)
{
}

void cg_expect_publish(struct cg_pin *pin, struct nf_conn *ct)
{
	lockdep_assert_held(&pin->cn->lock);
	if (!pin->cn->set.publish || !pin->call || !ct || pin->published)
		return;
	pin->published = true;
	pin->cn->npublished++;
}

void cg_expect_withdraw(struct cg_pin *pin)
{
	lockdep_assert_held(&pin->cn->lock);
	if (!pin->published)
		return;
	pin->published = false;
	pin->cn->npublished--;
}

/* one uplink */
bool cg_address_elsewhere(struct net *net, const struct cg_ep *ep, const struct net_device *out)
{
	return false;
}

int cg_address_init(void)
{
	return 0;
}

void cg_address_fini(void)
{
}

/* gateway use has no part in what passes through */
bool cg_gate_owns(const struct cg_gate *gate, const struct cg_pkt *p)
{
	return false;
}

void cg_gate_fini(struct cg_net *cn)
{
}

void cg_gate_exit(void)
{
}

int cg_genl_init(void)
{
	return 0;
}

void cg_genl_fini(void)
{
}

bool cg_genl_listening(const struct cg_net *cn, enum cg_genl_group group)
{
	return false;
}

void cg_genl_send(struct cg_net *cn, struct sk_buff *skb, enum cg_genl_group group)
{
	kfree_skb(skb);
}

struct sk_buff *cg_genl_call(const struct cg_call *call, const struct cg_note *note)
{
	return NULL;
}

struct sk_buff *cg_genl_binding(const struct cg_binding *b, const struct cg_note *note)
{
	return NULL;
}

struct sk_buff *cg_genl_limit(const struct cg_ep *host, const struct cg_note *note)
{
	return NULL;
}

struct sk_buff *cg_genl_pin(const struct cg_pin *pin, const struct cg_note *note)
{
	return NULL;
}

struct sk_buff *cg_genl_refused(const struct cg_call *call, const struct cg_ep *in,
				const struct cg_note *note)
{
	return NULL;
}

struct sk_buff *cg_genl_trace(struct cg_pkt *p, u64 seq)
{
	return NULL;
}

void cg_genl_trace_end(struct sk_buff *skb, const struct cg_pkt *p, u8 verdict)
{
}
