// SPDX-License-Identifier: GPL-2.0-only
#include <linux/if.h>
#include <linux/netdevice.h>
#include <net/netfilter/nf_conntrack.h>
#include <linux/netfilter.h>

#include "compat.h"
#include "pkt.h"
#include "ports.h"
#include "translate.h"

#define HOLD 64		/* seconds that a published Contact is held before it is confirmed */

/* ---- whose address is it? ---- */

static bool routed_inside(const struct cg_pkt *p, const struct cg_ep *ep)
{
	const struct dst_entry *out = p->way;
	struct dst_entry *dst = NULL;
	struct net_device *dev;
	struct flowi fl = {};
	bool inside;

	if (ep->family == NFPROTO_IPV4)
		fl.u.ip4.daddr = ep->addr.ip;
	else
		fl.u.ip6.daddr = ep->addr.in6;
	if (!out || nf_route(p->cn->net, &dst, &fl, false, ep->family))
		return false;
	dev = cg_dst_dev(dst);
	/* not out of the same door, and not the router itself */
	inside = dev != cg_dst_dev(out) && !(dev->flags & IFF_LOOPBACK);
	dst_release(dst);
	return inside;
}

bool cg_is_inside(const struct cg_pkt *p, const struct cg_ep *ep)
{
	if (ep->family != p->family)
		return false;
	if (cg_ep_same_addr(ep, &p->src_old))
		return true;
	return !cg_ep_any_addr(ep) && !cg_ep_same_addr(ep, &p->src_new) &&
	       !cg_ep_same_addr(ep, &p->dst_new) && routed_inside(p, ep);
}

static bool host_ep(const struct cg_pkt *p, const struct sip_host *h, u16 dflt, u8 proto,
		    struct cg_ep *ep)
{
	u8 family = h->kind == SIP_HOST_IP4 ? NFPROTO_IPV4 :
		    h->kind == SIP_HOST_IP6 ? NFPROTO_IPV6 : 0;

	if (!family || family != p->family)
		return false;
	cg_ep_make(ep, family, proto, h->addr, h->port_num ?: dflt);
	return true;
}

static u8 uri_proto(const struct cg_pkt *p, const struct sip_uri *u)
{
	struct sip_param param;

	if (u->scheme == SIP_URI_SIPS)
		return IPPROTO_TCP;
	if (!u->params.len || !sip_uri_param(p->data, u, "transport", &param))
		return IPPROTO_UDP;
	return SIP_IS(p->data, param.value, "udp") ? IPPROTO_UDP : IPPROTO_TCP;
}

static u16 uri_port(const struct sip_uri *u)
{
	return u->scheme == SIP_URI_SIPS ? SIPS_PORT : SIP_PORT;
}

static bool uri_ep(const struct cg_pkt *p, const struct sip_uri *u, struct cg_ep *ep)
{
	if (u->scheme != SIP_URI_SIP && u->scheme != SIP_URI_SIPS)
		return false;
	return host_ep(p, &u->host, uri_port(u), uri_proto(p, u), ep);
}

/* ---- edits ---- */

static int put(struct cg_pkt *p, struct sip_str at, const struct cg_text *text, struct sip_why why)
{
	if (p->open_only ||
	    (text->len == at.len && !memcmp(p->data + at.off, text->s, at.len)))
		return CG_NEXT;
	if (sip_edit_put(&p->edits, at, text->s, text->len, why))
		return cg_pass(p, CG_R_EDIT_OVERFLOW);
	cg_count(p->cn, why.why);
	return CG_NEXT;
}

/* "host" or "host:port": a port where one stood, or where the default would be wrong. */
static const struct cg_text *print(struct cg_pkt *p, const struct cg_ep *ep, bool had_port,
				   u16 dflt)
{
	bool port = had_port || ntohs(ep->port) != dflt;

	if (!p->text.len || p->text_port != port || !cg_ep_equal(&p->printed, ep)) {
		p->text.len = (u8)cg_ep_print(ep, true, port, p->text.s);
		p->text_port = port;
		p->printed = *ep;
	}
	return &p->text;
}

/* As it was written; of zeros or blanks without end only what they mean. */
static void keep_host(const struct cg_pkt *p, const struct sip_host *h, const struct cg_ep *ep,
		      struct cg_text *t)
{
	if (h->all.len > CG_TEXT_MAX) {
		t->len = (u8)cg_ep_print(ep, true, h->port.len, t->s);
		return;
	}
	t->len = (u8)h->all.len;
	memcpy(t->s, p->data + h->all.off, t->len);
}

/* ---- the sender is hidden: publish ---- */

/*
 * A port from which the phone does not send is opened only where phones may have
 * theirs (S6, S9); else its Contact leads to where it sends from. NULL: not at all.
 */
static const struct cg_ep *allowed(const struct cg_pkt *p, const struct cg_ep *in)
{
	if (cg_ep_equal(in, &p->src_old) ||
	    (!p->cn->set.strict && cg_ports_allowed(ntohs(in->port))))
		return in;
	cg_count(p->cn, CG_R_PIN_DENIED);
	return cg_ep_same_addr(in, &p->src_old) ? &p->src_old : NULL;
}

/*
 * The public endpoint that leads to @in. The flow's own NAT where @in is the
 * source of this packet, else the pinhole that was opened for it; a new one is
 * opened only if @make.
 */
static struct cg_pin *publish(struct cg_pkt *p, const struct cg_ep *in, bool make)
{
	struct cg_net *cn = p->cn;
	struct cg_port_ask ask;
	enum cg_reason why;
	struct cg_pin *pin;
	struct cg_ep pub;
	u16 port;

	in = allowed(p, in);
	if (!in)
		return NULL;
	pin = cg_sig_of_inside(cn, in, &p->dst_new);
	if (cg_ep_equal(in, &p->src_old)) {
		pub = p->src_new;
		if (pin && !cg_ep_equal(&pin->pub, &pub))
			pin = NULL;
	} else if (pin) {
		pub = pin->pub;
	} else {
		if (!make)
			return NULL;
		ask = (struct cg_port_ask){
			.pub = p->src_new,
			.peer = p->dst_new,
			.dev = p->way ? cg_dst_dev(p->way) : NULL,
			.exact = p->open_only,
			.want = ntohs(in->port),
			.count = 1,
			.used = in->proto == IPPROTO_UDP ? ntohs(p->src_new.port) : 0,
		};
		ask.pub.proto = in->proto;
		port = cg_ports_choose(cn, &ask, &why);
		if (!port) {
			cg_count(cn, why);
			return NULL;
		}
		pub = cg_ep_at(&ask.pub, port);
	}
	if (pin)
		cg_sig_hold(pin, HOLD);
	else
		pin = cg_sig_open(cn, in, &pub, &p->dst_new, HOLD);
	if (!pin) {
		cg_ports_release(cn, &pub);
		return NULL;
	}
	pin->open_only = p->rule_open;
	/* its own source may always be answered; others after a 2xx (S7) */
	pin->awake |= cg_ep_equal(in, &p->src_old);
	return pin;
}

/* A binding of any phone that was published: 3xx and Refer-To name only those. */
static bool is_live(struct cg_pkt *p, const struct cg_ep *in)
{
	struct cg_pin *pin = cg_sig_of_inside(p->cn, in, &p->dst_new);

	return pin && !list_empty(&pin->bindings);
}

static void hold_for_call(struct cg_pkt *p, struct cg_pin *pin)
{
	struct cg_call *call = p->call;

	if (!call || pin->in.proto != IPPROTO_UDP)
		return;
	if (call->sig[p->side] != pin) {
		struct cg_pin *old = call->sig[p->side];

		pin->users++;
		call->sig[p->side] = pin;
		cg_sig_update(pin);
		if (old) {
			old->users--;
			cg_sig_update(old);
		}
	}
	call->contact_pub = pin->pub;
	call->contact = pin->wrote;
}

static int publish_uri(struct cg_pkt *p, const struct sip_uri *u, u8 field, bool make)
{
	struct sip_why why = { .why = CG_R_EDIT_PUBLIC, .field = field };
	struct cg_pin *pin;
	struct cg_ep in;

	if (!uri_ep(p, u, &in) || !cg_is_inside(p, &in))
		return CG_NEXT;
	pin = publish(p, &in, make);
	if (!pin)
		return CG_NEXT;
	if (field == SIP_FIELD_CONTACT) {
		p->contact_pin = pin;
		keep_host(p, &u->host, &in, &pin->wrote);
		hold_for_call(p, pin);
	} else {
		keep_host(p, &u->host, &in, &pin->route);
	}
	return put(p, u->host.all, print(p, &pin->pub, u->host.port.len, uri_port(u)), why);
}

/* ---- the receiver is hidden: put back what it wrote ---- */

static bool same_place(const struct cg_ep *a, const struct cg_ep *b)
{
	return cg_ep_same_addr(a, b) && a->port == b->port;
}

static int restore_uri(struct cg_pkt *p, const struct sip_uri *u, u8 field)
{
	struct sip_why why = { .why = CG_R_EDIT_RESTORE, .field = field };
	bool ruri = field == SIP_FIELD_RURI;
	const struct cg_text *wrote;
	struct cg_pin *pin;
	struct cg_ep pub;

	if (!uri_ep(p, u, &pub))
		return CG_NEXT;
	pin = cg_sig_of_public(p->cn, &pub, &p->src_old);
	/* a Contact whose port is not opened leads to the source, whatever its transport */
	if (!pin && same_place(&pub, &p->dst_old)) {
		pub = p->dst_old;
		pin = cg_sig_of_public(p->cn, &pub, &p->src_old);
	}
	if (!pin)
		return CG_NEXT;
	if (ruri)
		p->contact_pin = pin;
	if (ruri && p->call && cg_ep_equal(&p->call->contact_pub, &pub))
		wrote = &p->call->contact;
	else
		wrote = ruri ? &pin->wrote : &pin->route;
	/* never published in this kind of field: it is not ours to change */
	if (!wrote->len && ruri)
		return CG_NEXT;
	if (!wrote->len)
		wrote = print(p, &pin->in, u->host.port.len, uri_port(u));
	return put(p, u->host.all, wrote, why);
}

/* ---- Via ---- */

static int via_out(struct cg_pkt *p)
{
	const struct sip_via *v = &p->msg.via;
	struct sip_why why = SIP_WHY(VIA, CG_R_EDIT_PUBLIC);
	struct cg_ep in;
	bool inside;

	if (!host_ep(p, &v->sent_by, SIP_PORT, IPPROTO_UDP, &in))
		return CG_NEXT;
	inside = cg_is_inside(p, &in);
	/* a phone that knows its public address is to see that again (F17) */
	if (!inside && !cg_ep_same_addr(&in, &p->src_new))
		return CG_NEXT;
	if (p->msg.method != SIP_M_ACK) {
		p->txn = cg_txn_begin(p);
		if (p->txn) {
			keep_host(p, &v->sent_by, &in, &p->txn->sentby);
			p->txn->port = ntohs(inside ? in.port : p->src_old.port);
		}
	}
	if (!inside)
		return CG_NEXT;
	/* answers come back on this flow, whatever port the phone named */
	return put(p, v->sent_by.all, print(p, &p->src_new, v->sent_by.port.len, SIP_PORT), why);
}

/*
 * Branch, Call-ID and CSeq are those of our transaction, the sent-by is not: some
 * device further out rewrites SIP too, one way only (F75). Its requester must get
 * its own all the same (RFC 3261 18.1.2).
 */
static int via_changed(struct cg_pkt *p)
{
	const struct sip_str at = p->msg.via.sent_by.all;
	const struct cg_text *sentby = p->txn ? &p->txn->sentby : NULL;

	if (!sentby || !sentby->len || p->open_only ||
	    (sentby->len == at.len && !memcmp(p->data + at.off, sentby->s, at.len)))
		return CG_NEXT;
	cg_count(p->cn, CG_R_UPSTREAM);
	return put(p, at, sentby, SIP_WHY(VIA, CG_R_EDIT_RESTORE));
}

static int via_back(struct cg_pkt *p)
{
	const struct sip_via *v = &p->msg.via;
	struct sip_why why = SIP_WHY(VIA, CG_R_EDIT_RESTORE);
	u16 port = ntohs(p->dst_new.port);
	const struct cg_text *text;
	struct cg_ep pub;

	if (!host_ep(p, &v->sent_by, SIP_PORT, IPPROTO_UDP, &pub) ||
	    !cg_ep_equal(&pub, &p->dst_old))
		return via_changed(p);
	if (!p->txn || !p->txn->sentby.len) {
		cg_count(p->cn, CG_R_UNKNOWN_TXN);
		text = print(p, &p->dst_new, v->sent_by.port.len, SIP_PORT);
		return put(p, v->sent_by.all, text, why);
	}
	if (!v->has_rport && p->txn->port != port && !p->open_only)
		p->forced_port = p->txn->port;
	return put(p, v->sent_by.all, &p->txn->sentby, why);
}

/* ---- Contact ---- */

static void note_contact(struct cg_pkt *p, const struct sip_nameaddr *a)
{
	struct cg_contact *c;
	struct cg_pin *pin;
	struct cg_ep ep;

	if (a->star) {
		p->star = true;
		return;
	}
	if (p->ncontacts == CG_REG_CONTACTS)
		return;
	c = &p->contact[p->ncontacts++];
	/* a name, a foreign address, or our own public one: the source is where it is */
	c->in = p->src_old;
	c->pub = p->src_new;
	c->ours = false;
	c->user = cg_hash_more(p, a->uri.user, a->uri.scheme);
	c->wrote.len = 0;
	c->nuri = (u8)min_t(u32, a->uri.all.len, CG_AOR_TEXT);
	memcpy(c->uri, p->data + a->uri.all.off, c->nuri);
	if (!sip_contact_expires(p->data, a, &c->expires))
		c->expires = p->msg.has_expires ? p->msg.expires : U32_MAX;
	if (!uri_ep(p, &a->uri, &ep))
		return;
	keep_host(p, &a->uri.host, &ep, &c->wrote);
	c->ours = cg_is_inside(p, &ep) || cg_ep_equal(&ep, &p->src_new);
	if (cg_is_inside(p, &ep)) {
		if (allowed(p, &ep) != &ep) {
			/* it leads to the source, or was left as it is */
			c->ours = cg_ep_same_addr(&ep, &p->src_old);
			return;
		}
		pin = cg_sig_of_inside(p->cn, &ep, &p->dst_new);
		c->in = ep;
		c->pub = pin ? pin->pub : p->snat ? c->pub : ep;
	} else if (cg_ep_same_addr(&ep, &p->src_new) && !cg_ep_equal(&ep, &p->src_new)) {
		pin = cg_sig_of_public(p->cn, &ep, &p->dst_new);
		if (pin && cg_ep_same_addr(&pin->in, &p->src_old)) {
			c->in = pin->in;
			c->pub = ep;
			c->ours = true;
		}
	}
}

/* The phone learned its public address and wrote it itself (F17): it is to see it again. */
static void note_public(struct cg_pkt *p, const struct sip_uri *u)
{
	struct cg_pin *pin;
	struct cg_ep ep;

	if (!uri_ep(p, u, &ep) || !cg_ep_equal(&ep, &p->src_new))
		return;
	pin = publish(p, &p->src_old, false);
	if (!pin)
		return;
	p->contact_pin = pin;
	keep_host(p, &u->host, &ep, &pin->wrote);
	hold_for_call(p, pin);
}

/* Without NAT the Contact is reachable as it stands: hold it open towards the peer. */
static void open_routed(struct cg_pkt *p, const struct sip_uri *u)
{
	struct cg_pin *pin;
	struct cg_ep ep;

	if (!uri_ep(p, u, &ep) || !cg_ep_same_addr(&ep, &p->src_old) || allowed(p, &ep) != &ep)
		return;
	pin = cg_sig_open(p->cn, &ep, &ep, &p->dst_new, HOLD);
	if (!pin)
		return;
	pin->open_only = p->rule_open;
	pin->awake |= cg_ep_equal(&ep, &p->src_old);
	p->contact_pin = pin;
	keep_host(p, &u->host, &ep, &pin->wrote);
	hold_for_call(p, pin);
}

static bool is_redirect(const struct sip_msg *m)
{
	return !m->request && m->status / 100 == 3;
}

static int contact_out(struct cg_pkt *p, const struct sip_nameaddr *a)
{
	bool redirect = is_redirect(&p->msg);
	struct cg_ep in;
	int v = CG_NEXT;

	if (!a->star) {
		if (!p->snat)
			open_routed(p, &a->uri);
		else if (!redirect || (uri_ep(p, &a->uri, &in) && is_live(p, &in)))
			v = publish_uri(p, &a->uri, SIP_FIELD_CONTACT, !redirect);
		if (v == CG_NEXT && p->snat && !redirect)
			note_public(p, &a->uri);
	}
	if (p->msg.request && p->msg.method == SIP_M_REGISTER)
		note_contact(p, a);
	return v;
}

/* Of two at one place: with the transport that is named, then with the user. */
static bool better(const struct cg_contact *c, const struct cg_contact *than,
		   const struct cg_ep *pub, u64 user)
{
	bool proto = c->pub.proto == pub->proto, old = than->pub.proto == pub->proto;

	return proto == old ? c->user == user : proto;
}

/*
 * In the answer to a REGISTER: exactly the Contacts that this phone wrote. Some
 * registrars cut the user part; host and port are enough then.
 */
static int contact_registered(struct cg_pkt *p, const struct sip_nameaddr *a)
{
	const struct cg_reg *reg = p->txn ? p->txn->reg : NULL;
	u64 user = cg_hash_more(p, a->uri.user, a->uri.scheme);
	const struct cg_contact *found = NULL;
	struct cg_ep pub;
	u8 i;

	if (!reg || !uri_ep(p, &a->uri, &pub))
		return CG_NEXT;
	for (i = 0; i < reg->ncontacts; i++) {
		const struct cg_contact *c = &reg->contact[i];

		if (c->ours && same_place(&c->pub, &pub) &&
		    (!found || better(c, found, &pub, user)))
			found = c;
	}
	if (!found)
		return CG_NEXT;
	return put(p, a->uri.host.all, &found->wrote, SIP_WHY(CONTACT, CG_R_EDIT_RESTORE));
}

static int contact_redirect(struct cg_pkt *p, const struct sip_nameaddr *a)
{
	struct cg_ep pub;

	if (!uri_ep(p, &a->uri, &pub) || !cg_binding_of_public(p->cn, &pub))
		return CG_NEXT;
	return restore_uri(p, &a->uri, SIP_FIELD_CONTACT);
}

/* The receiver's own Contacts come back only in these. */
static bool brings_contacts(const struct cg_pkt *p)
{
	const struct sip_msg *m = &p->msg;

	return !m->request && (is_redirect(m) ||
			       (m->method == SIP_M_REGISTER && m->status / 100 == 2));
}

static int contact_in(struct cg_pkt *p, const struct sip_nameaddr *a)
{
	if (a->star || !brings_contacts(p))
		return CG_NEXT;
	return is_redirect(&p->msg) ? contact_redirect(p, a) : contact_registered(p, a);
}

static int contacts(struct cg_pkt *p)
{
	struct sip_nameaddr a;
	struct sip_walk w;
	int v = CG_NEXT;

	if (!sip_msg_header(&p->msg, SIP_H_CONTACT) ||
	    (p->dnat && !p->snat && !brings_contacts(p)))
		return CG_NEXT;

	sip_walk_init(&w, &p->msg, SIP_H_CONTACT);
	while (v == CG_NEXT && sip_nameaddr_next(&w, &a)) {
		if (p->snat || !p->dnat)
			v = contact_out(p, &a);
		if (v == CG_NEXT && p->dnat)
			v = contact_in(p, &a);
	}
	return v;
}

/* ---- the rest ---- */

static const struct {
	u8 header, field;
	bool make;	/* an inside address without a pinhole gets one */
} routes[] = {
	{ SIP_H_ROUTE, SIP_FIELD_ROUTE, true },
	{ SIP_H_RECORD_ROUTE, SIP_FIELD_RECORD_ROUTE, true },
	{ SIP_H_PATH, SIP_FIELD_PATH, true },
	{ SIP_H_SERVICE_ROUTE, SIP_FIELD_SERVICE_ROUTE, true },
	{ SIP_H_REFER_TO, SIP_FIELD_REFER_TO, false },
};

static int route_header(struct cg_pkt *p, u32 i)
{
	struct sip_nameaddr a;
	struct sip_walk w;
	int v = CG_NEXT;

	sip_walk_init(&w, &p->msg, routes[i].header);
	while (v == CG_NEXT && sip_nameaddr_next(&w, &a)) {
		if (p->snat)
			v = publish_uri(p, &a.uri, routes[i].field, routes[i].make);
		if (v == CG_NEXT && p->dnat)
			v = restore_uri(p, &a.uri, routes[i].field);
	}
	return v;
}

int cg_translate(struct cg_pkt *p)
{
	bool request = p->msg.request;
	int v = CG_NEXT;
	u32 i;

	if (p->snat && request)
		v = via_out(p);
	else if (p->dnat && !request)
		v = via_back(p);
	if (v == CG_NEXT && p->dnat && request)
		v = restore_uri(p, &p->msg.ruri, SIP_FIELD_RURI);
	/* its answer may describe a session (RFC 3261 11.2) */
	if (p->dnat && request && (!p->call || p->call->loose) && p->msg.method != SIP_M_ACK)
		cg_txn_begin(p);
	if (v == CG_NEXT)
		v = contacts(p);
	if (!p->snat && !p->dnat)
		return v;
	for (i = 0; v == CG_NEXT && i < ARRAY_SIZE(routes); i++)
		if (sip_msg_header(&p->msg, routes[i].header))
			v = route_header(p, i);
	return v;
}
