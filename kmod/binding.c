// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/slab.h>

#include "events.h"
#include "pkt.h"
#include "provider.h"

#define BUCKET_BITS 10
#define DEFAULT_EXPIRES 3600	/* RFC 3261 10.2.1.1 */

int cg_binding_init(struct cg_net *cn)
{
	cn->binding_hash = kvcalloc(1 << BUCKET_BITS, sizeof(*cn->binding_hash), GFP_KERNEL);
	return cn->binding_hash ? 0 : -ENOMEM;
}

void cg_binding_fini(struct cg_net *cn)
{
	kvfree(cn->binding_hash);
}

static struct hlist_head *bucket(struct cg_net *cn, u64 aor)
{
	return &cn->binding_hash[aor & ((1 << BUCKET_BITS) - 1)];
}

/* The hosts of a provider set are one registrar. */
static bool is_registrar(const struct cg_pkt *p, const struct cg_binding *b)
{
	return cg_ep_same_addr(&b->registrar, &p->src_old) ||
	       cg_provider_same(p->cn, &b->registrar, &p->src_old);
}

/* The same user may be registered at several registrars. */
static struct cg_binding *find(const struct cg_pkt *p, u64 aor, const struct cg_contact *c)
{
	struct cg_binding *b;

	hlist_for_each_entry(b, bucket(p->cn, aor), node)
		if (b->aor == aor && b->user == c->user && cg_ep_equal(&b->pin->in, &c->in) &&
		    is_registrar(p, b))
			return b;
	return NULL;
}

struct cg_binding *cg_binding_of_public(struct cg_net *cn, const struct cg_ep *pub)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *pin;

	l = rhltable_lookup(&cn->pins_pub, pub, cg_pin_pub_params);
	rhl_for_each_entry_rcu(pin, pos, l, pub_node)
		if (pin->kind == CG_PIN_SIG && !list_empty(&pin->bindings))
			return list_first_entry(&pin->bindings, struct cg_binding, of_pin);
	return NULL;
}

void cg_binding_remove(struct cg_binding *b, enum cg_reason why)
{
	struct cg_net *cn = b->cn;

	cg_count(cn, why);
	cg_event_binding(b, CALLGATE_EVENT_BINDING_END, why);
	cg_timer_stop(&cn->wheel, &b->timer);
	hlist_del(&b->node);
	list_del(&b->all);
	list_del(&b->of_pin);
	b->host->bindings--;
	cg_host_put(cn, b->host);
	cn->nbindings--;
	cn->generation++;
	cg_sig_learn(b->pin);
	/* the hole has exactly the lifetime that was granted */
	b->pin->base_until = cg_now();
	cg_sig_update(b->pin);
	kfree(b);
}

void cg_binding_expire(struct cg_binding *b)
{
	cg_binding_remove(b, CG_R_BIND_EXPIRED);
}

void cg_binding_flush(struct cg_net *cn, enum cg_reason why)
{
	struct cg_binding *b, *next;

	list_for_each_entry_safe(b, next, &cn->binding_list, all)
		cg_binding_remove(b, why);
}

static struct cg_binding *create(struct cg_pkt *p, const struct cg_reg *reg,
				 const struct cg_contact *c, struct cg_pin *pin)
{
	struct cg_net *cn = p->cn;
	struct cg_host *host = cg_host_get(cn, &c->in);
	struct cg_binding *b;
	enum cg_reason why;

	if (!host)
		return NULL;
	why = cg_limit_binding(cn, host);
	b = why ? NULL : kzalloc(sizeof(*b), GFP_ATOMIC);
	if (!b) {
		if (why)
			cg_event_limit(cn, &c->in, why);
		cg_count(cn, why ?: CG_R_LIMIT_MEMORY);
		cg_host_put(cn, host);
		return NULL;
	}
	b->cn = cn;
	b->host = host;
	b->pin = pin;
	b->id = ++cn->last_binding_id;
	b->aor = reg->aor;
	b->user = c->user;
	b->registrar = p->src_old;
	b->since = cg_ms();
	b->naor = reg->naor;
	memcpy(b->aor_text, reg->aor_text, reg->naor);
	b->nuri = c->nuri;
	memcpy(b->uri, c->uri, c->nuri);
	b->timer.kind = CG_TIMER_BINDING;
	host->bindings++;
	hlist_add_head(&b->node, bucket(cn, b->aor));
	list_add_tail(&b->all, &cn->binding_list);
	list_add_tail(&b->of_pin, &pin->bindings);
	cn->nbindings++;
	cn->generation++;
	return b;
}

static bool literal(const struct sip_uri *u, struct cg_ep *ep)
{
	if (u->host.kind != SIP_HOST_IP4 && u->host.kind != SIP_HOST_IP6)
		return false;
	cg_ep_make(ep, u->host.kind == SIP_HOST_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6, IPPROTO_UDP,
		   u->host.addr, u->host.port_num ?: SIP_PORT);
	return true;
}

/*
 * A 2xx names the proxies by which the phone is to call, and which ring it (RFC 3608). The
 * newest list counts, and none is a list too (6.1 there).
 */
static void learn_routes(const struct cg_pkt *p, struct cg_binding *b)
{
	struct sip_nameaddr a;
	struct sip_walk w;
	struct cg_ep ep;

	b->nroutes = 0;
	sip_walk_init(&w, &p->msg, SIP_H_SERVICE_ROUTE);
	while (b->nroutes < ARRAY_SIZE(b->route) && sip_nameaddr_next(&w, &a))
		if (literal(&a.uri, &ep) && !cg_ep_any_addr(&ep) &&
		    !cg_ep_same_addr(&ep, &p->src_old) && !cg_ep_same_addr(&ep, &p->dst_old))
			b->route[b->nroutes++] = ep;
	cg_sig_learn(b->pin);
}

/* Granted: the hole is open for the registrar until then. */
static void grant(struct cg_pkt *p, const struct cg_reg *reg, const struct cg_contact *c,
		  u32 seconds)
{
	struct cg_binding *b = find(p, reg->aor, c);
	bool fresh = !b;
	struct cg_pin *pin;

	pin = cg_sig_open(p->cn, &c->in, &c->pub, &p->src_old, 1);
	if (!pin)
		return;
	if (c->ours)
		pin->wrote = c->wrote;
	pin->open_only = p->rule_open;
	if (b && b->pin != pin) {
		cg_binding_remove(b, CG_R_BIND_REPLACED);
		b = NULL;
	}
	if (!b)
		b = create(p, reg, c, pin);
	if (!b)
		return;
	b->registrar = p->src_old;
	learn_routes(p, b);
	cg_timer_set(&p->cn->wheel, &b->timer, seconds);
	/* nobody is let in to a host that did not register itself (S5) */
	pin->awake |= cg_ep_same_addr(&c->in, &p->dst_new);
	cg_sig_update(pin);
	p->keep = max(p->keep, seconds);
	cg_count(p->cn, fresh ? CG_R_BIND_LEARNED : CG_R_BIND_REFRESHED);
	cg_event_binding(b, fresh ? CALLGATE_EVENT_BINDING_NEW : CALLGATE_EVENT_BINDING_REFRESH,
			 CG_R_NONE);
}

/*
 * What the registrar granted: the expires of our Contact in its list, else of
 * the only Contact there (an SBC that hides ours, F05), else Expires, else
 * what was asked for (RFC 3261 10.2.1.1, 10.3 step 8).
 */
static u32 granted(const struct cg_pkt *p, const struct cg_contact *c)
{
	u32 n = 0, expires, only = U32_MAX;
	struct sip_nameaddr a;
	struct sip_walk w;

	sip_walk_init(&w, &p->msg, SIP_H_CONTACT);
	while (sip_nameaddr_next(&w, &a)) {
		struct cg_ep ep;

		n++;
		if (!sip_contact_expires(p->data, &a, &expires))
			expires = U32_MAX;
		only = expires;
		if (!a.uri.host.kind || a.uri.host.kind == SIP_HOST_NAME)
			continue;
		cg_ep_make(&ep, a.uri.host.kind == SIP_HOST_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6,
			   c->pub.proto, a.uri.host.addr, a.uri.host.port_num ?: SIP_PORT);
		if (cg_ep_equal(&ep, &c->pub) &&
		    cg_hash_more(p, a.uri.user, a.uri.scheme) == c->user && expires != U32_MAX)
			return expires;
	}
	if (n == 1 && only != U32_MAX)
		return only;
	if (p->msg.has_expires)
		return p->msg.expires;
	return c->expires == U32_MAX ? DEFAULT_EXPIRES : c->expires;
}

static void remove_all(struct cg_pkt *p, const struct cg_reg *reg)
{
	struct cg_binding *b;
	struct hlist_node *next;

	hlist_for_each_entry_safe(b, next, bucket(p->cn, reg->aor), node)
		if (b->aor == reg->aor && cg_ep_same_addr(&b->pin->in, &p->dst_new) &&
		    is_registrar(p, b))
			cg_binding_remove(b, CG_R_BIND_REMOVED);
}

static void accepted(struct cg_pkt *p, const struct cg_reg *reg)
{
	struct cg_binding *b;
	u32 seconds;
	u8 i;

	if (reg->star)
		remove_all(p, reg);
	for (i = 0; i < reg->ncontacts; i++) {
		const struct cg_contact *c = &reg->contact[i];

		seconds = c->expires ? min_t(u32, granted(p, c), 30 * 24 * 3600) : 0;
		if (seconds) {
			grant(p, reg, c, seconds);
			continue;
		}
		b = find(p, reg->aor, c);
		if (b)
			cg_binding_remove(b, CG_R_BIND_REMOVED);
	}
}

static void remember(struct cg_pkt *p)
{
	struct cg_txn *t = cg_txn_begin(p);
	struct sip_nameaddr to;
	struct cg_reg *reg;

	if (!t || (!p->ncontacts && !p->star) || !sip_msg_nameaddr(&p->msg, SIP_H_TO, &to))
		return;
	reg = kmalloc(struct_size(reg, contact, p->ncontacts), GFP_ATOMIC);
	if (!reg)
		return;
	reg->aor = cg_hash_str(p, to.uri.all);
	reg->naor = (u8)min_t(u32, to.uri.all.len, CG_AOR_TEXT);
	memcpy(reg->aor_text, p->data + to.uri.all.off, reg->naor);
	reg->star = p->star;
	reg->ncontacts = p->ncontacts;
	memcpy(reg->contact, p->contact, p->ncontacts * sizeof(p->contact[0]));
	kfree(t->reg);
	t->reg = reg;
}

void cg_binding_message(struct cg_pkt *p)
{
	const struct sip_msg *m = &p->msg;

	if (m->method == SIP_M_REGISTER && m->request)
		remember(p);
	if (m->request || !p->txn)
		return;
	if (p->txn->reg && m->status / 100 == 2)
		accepted(p, p->txn->reg);
	if (m->status >= 200)
		cg_txn_final(p->txn);
}
