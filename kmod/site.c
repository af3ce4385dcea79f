// SPDX-License-Identifier: GPL-2.0-only
#include "compat.h"
#include "rules.h"
#include "descr.h"
#include "pkt.h"
#include "site.h"

static bool is_open(const struct cg_pin *pin)
{
	return pin->kind == CG_PIN_MEDIA && !pin->ghost && !pin->dead &&
	       !cg_ep_equal(&pin->in, &pin->pub);
}

struct cg_pin *cg_site_public(struct cg_net *cn, const struct cg_ep *pub)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *pin;

	l = rhltable_lookup(&cn->pins_pub, pub, cg_pin_pub_params);
	rhl_for_each_entry_rcu(pin, pos, l, pub_node)
		if (is_open(pin))
			return pin;
	return NULL;
}

struct cg_pin *cg_site_inside(struct cg_net *cn, const struct cg_ep *in)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *pin;

	l = rhltable_lookup(&cn->pins_in, in, cg_pin_in_params);
	rhl_for_each_entry_rcu(pin, pos, l, in_node)
		if (is_open(pin))
			return pin;
	return NULL;
}

/* ---- can they reach each other? ---- */

static bool reachable(const struct cg_pkt *p, const struct cg_ep *phone)
{
	struct dst_entry *to = p->way;
	struct net_device *here, *there;
	struct dst_entry *dst = NULL;
	struct flowi fl = {};
	bool can = false;

	if (phone->family != p->family || !to)
		return false;
	if (phone->family == NFPROTO_IPV4)
		fl.u.ip4.daddr = phone->addr.ip;
	else
		fl.u.ip6.daddr = phone->addr.in6;
	if (nf_route(p->cn->net, &dst, &fl, false, phone->family))
		return false;
	here = cg_dst_dev(to);
	there = cg_dst_dev(dst);
	if (here == there && cg_neighbours(here, &p->dst_new, phone))
		can = true;
	else if (!(there->flags & IFF_LOOPBACK))
		can = cg_forwards(p->cn, &p->dst_new, here, phone, dst) &&
		      cg_forwards(p->cn, phone, there, &p->dst_new, to);
	dst_release(dst);
	return can;
}

/* ---- one phone's description? ---- */

/* The endpoint as that phone wrote it. False: none of ours, or of another phone. */
static bool same_phone(const struct cg_descr *d, const struct cg_ep *pub, struct cg_ep *phone)
{
	const struct cg_pin *pin = cg_site_public(d->p->cn, pub);

	if (!pin || pin->call == d->p->call)
		return false;
	if (!cg_ep_is_set(phone))
		*phone = pin->in;
	return cg_ep_same_addr(phone, &pin->in);
}

static bool rtcp_is_local(const struct cg_descr *d, const struct cg_ep *rtp, struct cg_ep *phone)
{
	const struct sip_sdp_rtcp *r = &d->p->m.rtcp;
	struct cg_ep ep = cg_ep_at(rtp, r->port_num);

	if (!d->p->m.has_rtcp || !r->port_num)
		return true;
	if (r->has_addr &&
	    !cg_descr_ep(r->addr.kind, r->addr.bytes, d->p->m.l4, r->port_num, &ep))
		return false;
	return same_phone(d, &ep, phone);
}

/* c= must go on being one of the candidates (RFC 8839 4.2.1.2). */
static bool candidates_are_local(const struct cg_descr *d, const struct cg_ep *rtp,
				 struct cg_ep *phone)
{
	struct sip_iter it = sip_iter(d->p->m.section);
	struct sip_sdp_attr a;
	struct sip_sdp_cand c;
	struct cg_ep ep;

	while (sip_sdp_attr_next(d->p->data, &it, &a))
		if (a.id == SIP_A_CANDIDATE && !sip_sdp_cand_parse(d->p->data, a.value, &c) &&
		    cg_descr_ep(c.kind, c.bytes, c.l4, c.port_num, &ep) &&
		    cg_ep_same_addr(&ep, rtp) && !same_phone(d, &ep, phone))
			return false;
	return true;
}

static bool section_is_local(const struct cg_descr *d, struct cg_ep *phone)
{
	const struct sip_sdp_media *m = &d->p->m;
	struct cg_ep ep;

	if (!m->port_num || m->conn.any)
		return true;
	return m->n_conn <= 1 && !m->n_altc && !m->path.len &&
	       cg_descr_ep(m->conn.kind, m->conn.bytes, m->l4, m->port_num, &ep) &&
	       same_phone(d, &ep, phone) && rtcp_is_local(d, &ep, phone) &&
	       (!m->n_candidates || candidates_are_local(d, &ep, phone));
}

bool cg_site_direct(struct cg_descr *d)
{
	struct cg_pkt *p = d->p;
	struct sip_iter it = sip_sdp_iter(&p->sdp);
	struct cg_ep phone = {};

	/* the other phone's call with the provider is one more */
	if (p->cn->ncalls < 2)
		return false;
	while (sip_sdp_media_next(&p->sdp, &it, &p->m))
		if (!section_is_local(d, &phone))
			return false;
	return cg_ep_is_set(&phone) && reachable(p, &phone);
}
