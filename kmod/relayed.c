// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netdevice.h>
#include <linux/netfilter.h>

#include "bind.h"
#include "compat.h"
#include "media.h"
#include "mode.h"
#include "pkt.h"
#include "policy.h"
#include "relayed.h"
#include "rules.h"
#include "sip/body.h"

#define MEDIA_PORT 5004	/* of the packet that asks: the ports are not known yet */

static void set_ep(struct cg_ep *ep, const struct sip_end *end)
{
	cg_ep_make(ep, end->kind == SIP_HOST_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6, IPPROTO_UDP,
		   end->addr, end->port);
}

static bool is_inside(const struct sip_hop *hop)
{
	return hop->zone == SIP_ZONE_INSIDE;
}

/* ---- routes ---- */

/* From our address to the remote one; with a reference, or NULL. */
static struct dst_entry *route_to(const struct cg_net *cn, const struct sip_hop *hop)
{
	struct dst_entry *dst = NULL;
	struct flowi fl = {};
	struct cg_ep to, from;

	set_ep(&to, &hop->remote);
	set_ep(&from, &hop->local);
	if (to.family == NFPROTO_IPV4) {
		fl.u.ip4.daddr = to.addr.ip;
		fl.u.ip4.saddr = from.addr.ip;
	} else {
		fl.u.ip6.daddr = to.addr.in6;
		fl.u.ip6.saddr = from.addr.in6;
		/* a link-local address is of one interface */
		if (to.addr.in6.s6_addr[0] == 0xfe && (to.addr.in6.s6_addr[1] & 0xc0) == 0x80)
			fl.flowi_oif = hop->ifindex;
	}
	return nf_route(cn->net, &dst, &fl, false, to.family) ? NULL : dst;
}

/* ---- who is hidden? ---- */

static struct net_device *device_of(const struct cg_net *cn, const struct sip_hop *hop)
{
	struct net_device *dev = dev_get_by_index_rcu(cn->net, hop->ifindex);
	struct dst_entry *dst;

	if (dev)
		return dev;
	dst = route_to(cn, hop);
	dev = dst ? cg_dst_dev(dst) : NULL;
	dst_release(dst);
	return dev;
}

static bool is_private(const struct cg_ep *ep)
{
	return cg_addr_is_private(ep->family, (const u8 *)&ep->addr);
}

/* Does the host of @in send its media to that of @out as somebody else? */
static bool asks_for_nat(struct cg_net *cn, const struct sip_hop *in, const struct sip_hop *out)
{
	struct net_device *dev = device_of(cn, in);
	struct dst_entry *dst = route_to(cn, out);
	struct cg_ep host, peer;
	bool hides;

	set_ep(&host, &in->remote);
	set_ep(&peer, &out->remote);
	host.port = htons(MEDIA_PORT);
	peer.port = htons(MEDIA_PORT);
	hides = (is_private(&host) && !is_private(&peer)) ||
		(dev && dst && cg_hides(cn, &host, dev, &peer, dst));
	dst_release(dst);
	return hides;
}

/* ---- the two ends ---- */

static void set_ends(struct cg_pkt *p, const struct cg_relayed *r, bool hidden)
{
	bool out = is_inside(r->from);

	set_ep(&p->src_old, &r->from->remote);
	set_ep(&p->dst_new, &r->to->remote);
	p->src_new = p->src_old;
	p->dst_old = p->dst_new;
	p->snat = hidden && out;
	p->dnat = hidden && !out;
	p->dir = !out ? CG_CALL_IN : is_inside(r->to) ? CG_CALL_THROUGH : CG_CALL_OUT;
	if (p->snat)
		set_ep(&p->src_new, &r->to->local);
	if (p->dnat)
		set_ep(&p->dst_old, &r->from->local);
}

static bool is_known(struct cg_pkt *p, const struct cg_relayed *r, bool hidden)
{
	set_ends(p, r, hidden);
	return cg_call_known(p);
}

static bool may_begin_call(const struct sip_msg *m)
{
	return m->request && m->method != SIP_M_ACK && (m->method == SIP_M_INVITE || m->body.len);
}

/* As the call that it belongs to; a new one as the rules say. False: neither. */
static bool find_ends(struct cg_pkt *p, const struct cg_relayed *r)
{
	bool out = is_inside(r->from);

	if (is_known(p, r, true) || is_known(p, r, false))
		return true;
	if (!may_begin_call(&p->msg))
		return false;
	set_ends(p, r, asks_for_nat(p->cn, out ? r->from : r->to, out ? r->to : r->from));
	return true;
}

/*
 * A response carries our branch on top, and below it that of the request as it came. Each target
 * of a fork has its own.
 */
static void set_branch(struct cg_pkt *p)
{
	const struct cg_ep *target = p->msg.request ? &p->dst_new : &p->src_old;
	struct sip_via via = p->msg.via;
	struct sip_walk w;

	if (!p->msg.request) {
		sip_walk_init(&w, &p->msg, SIP_H_VIA);
		if (sip_via_next(&w, &via))
			sip_via_next(&w, &via);
	}
	p->branch = cg_hash_more(p, via.branch, cg_hash_addr(p->cn, target, ntohs(target->port)));
}

/* ---- the steps of helper.c that are about media ---- */

static int steps(struct cg_pkt *p)
{
	int v = cg_call_track(p);

	p->call_id = p->call ? p->call->id : 0;
	if (!cg_mode_settle(p))
		return cg_pass(p, CG_R_MODE_OFF);
	if (v == CG_NEXT)
		v = cg_media(p);
	cg_call_advance(p);
	return v;
}

static int work(struct cg_pkt *p, const struct cg_relayed *r)
{
	struct cg_net *cn = p->cn;
	int v = CG_PASS;

	p->way = p->msg.body.len ? route_to(cn, r->to) : NULL;
	spin_lock(&cn->lock);
	if (find_ends(p, r)) {
		set_branch(p);
		v = steps(p);
	}
	spin_unlock(&cn->lock);
	dst_release(p->way);
	if (p->began && !READ_ONCE(cn->used))
		cg_bind_begin(cn);
	return v;
}

/* ---- around it ---- */

/* The used part alone: it is 15 KiB. */
static void copy_edits(struct sip_edits *to, const struct sip_edits *from)
{
	to->n = from->n;
	to->used = from->used;
	to->delta = from->delta;
	memcpy(to->edit, from->edit, from->n * sizeof(from->edit[0]));
	memcpy(to->text, from->text, from->used);
}

static void begin(struct cg_pkt *p, struct cg_net *cn, const struct cg_relayed *r)
{
	const struct sip_msg *m = r->msg;

	cg_pkt_begin(p);
	p->skb = NULL;
	p->ct = NULL;
	p->cn = cn;
	p->rule_open = false;
	p->open_only = false;
	p->data = m->buf;
	p->len = m->len;
	p->family = r->from->remote.kind == SIP_HOST_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	memcpy(&p->msg, m, offsetof(struct sip_msg, headers) +
			   m->n_headers * sizeof(m->headers[0]));
	copy_edits(&p->edits, r->edits);
}

/* Each hop as it is; the trace shows the relay's edits too. */
static void trace(struct cg_pkt *p, const struct cg_relayed *r)
{
	bool changed = r->edits->n;

	if (!p->reason)
		p->reason = CG_R_RELAYED;
	set_ep(&p->dst_old, &r->from->local);
	set_ep(&p->src_new, &r->to->local);
	if (changed)
		cg_trace_edits(p);
	cg_trace_done(p, changed ? CALLGATE_VERDICT_EDIT : CALLGATE_VERDICT_PASS);
}

static bool edit(struct cg_pkt *p, const struct cg_relayed *r)
{
	u32 before = p->edits.n;
	bool edited;
	int v;

	cg_policy(p);
	v = work(p, r);
	edited = v == CG_NEXT && p->edits.n > before;
	if (edited) {
		copy_edits(r->edits, &p->edits);
		p->reason = CG_R_EDIT_RELAYED;
	}
	if (p->reason)
		cg_count(p->cn, p->reason);
	return edited;
}

bool cg_relayed(struct cg_net *cn, struct cg_relayed *r)
{
	struct cg_pkt *p;
	bool edited;

	r->call = 0;
	if (!sip_may_be_media(r->msg) || (!is_inside(r->from) && !is_inside(r->to)))
		return false;
	if (r->from->remote.kind != r->to->remote.kind) {
		cg_count(cn, CG_R_TWO_FAMILIES);
		return false;
	}
	p = cg_pkt_get();
	if (!p) {
		cg_count(cn, CG_R_RELAY_BUSY);
		return false;
	}
	rcu_read_lock();
	begin(p, cn, r);
	edited = edit(p, r);
	r->call = p->call_id;
	if (p->call_id)
		trace(p, r);
	rcu_read_unlock();
	cg_pkt_put(p);
	return edited;
}
