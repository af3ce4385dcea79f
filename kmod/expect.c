// SPDX-License-Identifier: GPL-2.0-only
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "compat.h"
#include "call.h"
#include "expect.h"
#include "helper.h"

/* The one address that may send, when it is certain; else unset. */
static void source_of(const struct cg_pin *pin, struct cg_ep *src)
{
	const struct cg_call *call = pin->call;
	u16 i;

	memset(src, 0, sizeof(*src));
	for (i = 0; i < call->nfar; i++) {
		const struct cg_far *far = &call->far[i];

		if (far->side == pin->side)
			continue;
		if (cg_ep_is_set(src) && !cg_ep_same_addr(src, &far->ep))
			goto many;
		*src = far->ep;
	}
	if (call->state == CG_CALL_ANSWERED)
		return;
many:
	memset(src, 0, sizeof(*src));
}

static void tuple_of(const struct cg_pin *pin, struct nf_conntrack_tuple *t)
{
	memset(t, 0, sizeof(*t));
	t->src.l3num = pin->pub.family;
	t->src.u3 = pin->shown.addr;
	t->dst.u3 = pin->pub.addr;
	t->dst.u.all = pin->pub.port;
	t->dst.protonum = pin->pub.proto;
}

static bool insert(struct cg_pin *pin, struct nf_conn *ct)
{
	struct nf_conntrack_expect *exp = nf_ct_expect_alloc(ct);
	bool done;

	if (!exp)
		return false;
	nf_ct_expect_init(exp, NF_CT_EXPECT_CLASS_DEFAULT, pin->pub.family,
			  cg_ep_is_set(&pin->shown) ? &pin->shown.addr : NULL, &pin->pub.addr,
			  pin->pub.proto, NULL, &pin->pub.port);
	exp->flags = NF_CT_EXPECT_PERMANENT;
	/* only for people: without an expectfn the core does nothing with it */
	exp->saved_addr = pin->in.addr;
	exp->saved_proto.all = pin->in.port;
	exp->dir = IP_CT_DIR_REPLY;
	done = !nf_ct_expect_related(exp, 0);
	nf_ct_expect_put(exp);
	return done;
}

static struct nf_conntrack_expect *find(const struct cg_pin *pin)
{
	struct nf_conntrack_expect *exp;
	struct nf_conntrack_tuple tuple;
	struct nf_conntrack_zone zone;

	tuple_of(pin, &tuple);
	nf_ct_zone_init(&zone, pin->call->sig_zone, NF_CT_DEFAULT_ZONE_DIR, 0);
	exp = nf_ct_expect_find_get(pin->cn->net, &zone, &tuple);
	/* conntrack -F may have removed ours, and somebody else's may match */
	if (exp && (exp->tuple.dst.u.all != pin->pub.port || !cg_helper_is_ours(exp->master))) {
		nf_ct_expect_put(exp);
		return NULL;
	}
	return exp;
}

/* The source is no part of the hash: it is narrowed where it stands. */
static bool narrow(struct cg_pin *pin, const struct cg_ep *src)
{
	struct nf_conntrack_expect *exp;

	if (cg_ep_is_set(&pin->shown) || !cg_ep_is_set(src))
		return false;
	exp = find(pin);
	if (!exp)
		return false;
	spin_lock_bh(&nf_conntrack_expect_lock);
	exp->tuple.src.u3 = src->addr;
	memset(&exp->mask.src.u3, 0xff, src->family == NFPROTO_IPV4 ? 4 : 16);
	spin_unlock_bh(&nf_conntrack_expect_lock);
	nf_ct_expect_put(exp);
	pin->shown = *src;
	return true;
}

void cg_expect_publish(struct cg_pin *pin, struct nf_conn *ct)
{
	struct cg_net *cn = pin->cn;
	struct cg_ep src;

	if (!cn->set.publish || !pin->call || !ct || !cg_helper_is_ours(ct))
		return;
	source_of(pin, &src);
	if (pin->published && (cg_ep_same_addr(&src, &pin->shown) || narrow(pin, &src)))
		return;
	cg_expect_withdraw(pin);
	pin->shown = src;
	/* the table (4 * hsize by default) is for all helpers: a quarter stays theirs */
	if (cn->npublished >= 3 * nf_ct_expect_hsize || !insert(pin, ct)) {
		cg_count(cn, CG_R_PIN_EXPECT);
		return;
	}
	pin->published = true;
	cn->npublished++;
}

void cg_expect_withdraw(struct cg_pin *pin)
{
	struct nf_conntrack_expect *exp;

	if (!pin->published)
		return;
	pin->published = false;
	pin->cn->npublished--;
	exp = find(pin);
	if (!exp)
		return;
	nf_ct_unexpect_related(exp);
	nf_ct_expect_put(exp);
}
