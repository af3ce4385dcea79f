// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netdevice.h>

#include "compat.h"
#include "bind.h"
#include "events.h"
#include "expect.h"
#include "media.h"
#include "offer.h"
#include "pkt.h"
#include "ports.h"
#include "translate.h"
#include "sip/body.h"
#include "sip/sdp.h"

#define PORT_LOW 1024
#define ROW_MAX 64	/* ports of one m= line */

/* One session description (p->sdp) and the section at hand (p->m). */
struct sdp_walk {
	struct cg_pkt *p;
	u16 stream;
	bool own;	/* the sender's addresses are to be opened (and edited) */
	bool edit;
};

/* ---- addresses ---- */

static u8 proto_of(u8 l4)
{
	return l4 == SIP_L4_UDP ? IPPROTO_UDP : l4 == SIP_L4_TCP ? IPPROTO_TCP : 0;
}

static bool addr_ep(u8 kind, const u8 *bytes, u8 l4, u16 port, struct cg_ep *ep)
{
	if (kind != SIP_HOST_IP4 && kind != SIP_HOST_IP6)
		return false;
	cg_ep_make(ep, kind == SIP_HOST_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6, proto_of(l4), bytes,
		   port);
	return ep->proto;
}

/*
 * May the sender speak for this? Its own address; another inside host's only in a
 * call that both sides take part in (a PBX that lets media go directly, S5).
 */
static bool may_name(const struct cg_pkt *p, const struct cg_ep *ep)
{
	if (cg_ep_any_addr(ep))
		return false;
	if (cg_ep_same_addr(ep, &p->src_old))
		return true;
	return p->call->both_ways && cg_is_inside(p, ep);
}

static bool may_open(const struct cg_pkt *p, const struct cg_ep *ep)
{
	return ntohs(ep->port) >= PORT_LOW && may_name(p, ep);
}

/* ---- edits ---- */

static int put_text(struct sdp_walk *w, struct sip_str at, const u8 *text, u32 len,
		    struct sip_why why)
{
	struct cg_pkt *p = w->p;

	if (len == at.len && !memcmp(p->data + at.off, text, len))
		return CG_NEXT;
	if (sip_edit_put(&p->edits, at, text, len, why))
		return cg_pass(p, CG_R_EDIT_OVERFLOW);
	cg_count(p->cn, why.why);
	return CG_NEXT;
}

static int put_addr(struct sdp_walk *w, struct sip_str at, const struct cg_ep *to, u8 field)
{
	struct sip_why why = { .why = CG_R_EDIT_PUBLIC, .field = field };
	u8 text[CG_TEXT_MAX];

	return put_text(w, at, text, cg_ep_print(to, false, false, text), why);
}

static int put_port(struct sdp_walk *w, struct sip_str at, const struct cg_ep *to, u8 field)
{
	struct sip_why why = { .why = CG_R_EDIT_PORT, .field = field };
	u8 text[SIP_U32_TEXT];

	return put_text(w, at, text, sip_u32_print(text, ntohs(to->port)), why);
}

/* ---- pinholes ---- */

static void refuse(struct sdp_walk *w, const struct cg_ep *in, enum cg_reason why)
{
	cg_count(w->p->cn, why);
	cg_trace_refused(w->p->call, in, why);
}

static void mark_pin(struct sdp_walk *w, struct cg_pin *pin, u8 comp, bool fresh)
{
	struct cg_pkt *p = w->p;

	if (fresh) {
		pin->side = p->side;
		pin->leg = p->side == CG_CALLER ? CG_LEG_ALL : p->leg;
		pin->stream = w->stream;
		pin->comp = comp;
		cg_trace_pin(pin, CALLGATE_TRACE_PIN_OPEN, CG_R_PIN_OPENED);
	}
	pin->gen = p->call->gen[p->side];
	/* nobody can send before the other side was heard of: dialog.c publishes then */
	if (p->call->both_ways)
		cg_expect_publish(pin, p->ct);
}

static u16 choose(struct sdp_walk *w, const struct cg_ep *in, u16 count, enum cg_reason *why)
{
	struct cg_pkt *p = w->p;
	struct cg_port_ask ask = {
		.pub = p->src_new,
		.peer = p->dst_new,
		.dev = skb_dst(p->skb) ? cg_dst_dev(skb_dst(p->skb)) : NULL,
		.exact = p->open_only,
		.want = ntohs(in->port),
		.count = count,
	};
	u16 port;

	ask.pub.proto = in->proto;
	port = cg_ports_choose(p->cn, &ask, why);
	if (port)
		cg_count(p->cn, *why);
	return port;
}

/* Those that this side named before keep their public ports (F58). */
static struct cg_pin *known_row(struct sdp_walk *w, const struct cg_ep *in, u16 count)
{
	struct cg_pin *first = cg_pin_of_call(w->p->call, in);
	u16 i;

	if (!first)
		return NULL;
	for (i = 1; i < count; i++) {
		struct cg_ep next = cg_ep_at(in, ntohs(in->port) + i);
		struct cg_ep pub = cg_ep_at(&first->pub, ntohs(first->pub.port) + i);
		struct cg_pin *pin = cg_pin_of_call(w->p->call, &next);

		/* a longer row than before may grow where there is room */
		if (pin ? !cg_ep_equal(&pin->pub, &pub) : !cg_ports_is_free(w->p->cn, &pub))
			return NULL;
	}
	return first;
}

static u8 comp_of(const struct sdp_walk *w, u16 i, u8 comp)
{
	if (comp)
		return comp;
	if (w->p->m.proto_id != SIP_PROTO_RTP)
		return 0;
	return i & 1 ? CG_COMP_RTCP : CG_COMP_RTP;
}

/*
 * Opens @count ports from @in on, in a row. *@pub: where @in is seen from
 * outside. False: nothing was opened, and the reason is counted.
 */
static bool open_row(struct sdp_walk *w, const struct cg_ep *in, u16 count, u8 comp,
		     struct cg_ep *pub)
{
	struct cg_pkt *p = w->p;
	struct cg_pin *pin = known_row(w, in, count);
	enum cg_reason why = CG_R_NONE;
	u16 i, port;

	if (pin)
		port = ntohs(pin->pub.port);
	else if (!p->snat)
		port = ntohs(in->port);
	else
		port = choose(w, in, count, &why);
	if (!port)
		goto refused;
	*pub = p->snat ? cg_ep_at(&p->src_new, port) : *in;
	pub->proto = in->proto;
	for (i = 0; i < count; i++) {
		struct cg_ep in_i = cg_ep_at(in, ntohs(in->port) + i);
		struct cg_ep pub_i = cg_ep_at(pub, port + i);
		bool fresh;

		pin = cg_pin_of_call(p->call, &in_i);
		fresh = !pin || !cg_ep_equal(&pin->pub, &pub_i);
		if (fresh)
			pin = cg_pin_open(p->call, &in_i, &pub_i, &why);
		if (!pin)
			goto refused;
		mark_pin(w, pin, comp_of(w, i, comp), fresh);
	}
	return true;

refused:
	refuse(w, in, why);
	return false;
}

/* ---- one section of the sender's own ---- */

/* RTCP on the next port: no word about it, and no mux that is agreed already. */
static bool implicit_rtcp(const struct sdp_walk *w)
{
	if (w->p->m.proto_id != SIP_PROTO_RTP || w->p->m.has_rtcp)
		return false;
	/* in an offer mux is only a wish; the answer settles it (RFC 5761 5.1.1) */
	return !w->p->m.rtcp_mux || !w->p->call->offer.open || w->p->call->offer.side == w->p->side;
}

static int own_rtcp(struct sdp_walk *w, const struct cg_ep *rtp)
{
	const struct sip_sdp_rtcp *r = &w->p->m.rtcp;
	struct cg_ep in, pub;
	int v;

	if (!w->p->m.has_rtcp || !r->port_num || w->p->m.proto_id != SIP_PROTO_RTP)
		return CG_NEXT;
	in = cg_ep_at(rtp, r->port_num);
	if (r->has_addr && !addr_ep(r->addr.kind, r->addr.bytes, w->p->m.l4, r->port_num, &in))
		return CG_NEXT;
	if (!may_open(w->p, &in) || !open_row(w, &in, 1, CG_COMP_RTCP, &pub) || !w->edit)
		return CG_NEXT;
	v = put_port(w, r->port, &pub, SIP_FIELD_SDP_RTCP);
	if (v == CG_NEXT && r->has_addr)
		v = put_addr(w, r->addr.addr, &pub, SIP_FIELD_SDP_RTCP);
	return v;
}

/* c= lines of the section itself; the session's is done once (session_conn). */
static int own_conns(struct sdp_walk *w)
{
	struct sip_iter it = sip_iter(w->p->m.section);
	struct sip_sdp_addr c;
	struct cg_ep ep;
	int v = CG_NEXT;

	while (v == CG_NEXT && sip_sdp_conn_next(w->p->data, &it, &c))
		if (addr_ep(c.kind, c.bytes, SIP_L4_UDP, 1, &ep) && may_name(w->p, &ep))
			v = put_addr(w, c.addr, &w->p->src_new, SIP_FIELD_SDP_C);
	return v;
}

static int own_candidate(struct sdp_walk *w, const struct sip_sdp_attr *a)
{
	struct sip_sdp_cand c;
	struct cg_ep in, pub;
	int v;

	if (sip_sdp_cand_parse(w->p->data, a->value, &c) ||
	    !addr_ep(c.kind, c.bytes, c.l4, c.port_num, &in) || !may_open(w->p, &in))
		return CG_NEXT;
	if (!open_row(w, &in, 1, (u8)min_t(u16, c.component, CG_COMP_RTCP), &pub) || !w->edit)
		return CG_NEXT;
	v = put_addr(w, c.addr, &pub, SIP_FIELD_SDP_CANDIDATE);
	return v == CG_NEXT ? put_port(w, c.port, &pub, SIP_FIELD_SDP_CANDIDATE) : v;
}

static int own_altc(struct sdp_walk *w, const struct sip_sdp_attr *a)
{
	struct sip_sdp_altc c;
	struct cg_ep in, pub;
	int v;

	if (sip_sdp_altc_parse(w->p->data, a->value, &c) ||
	    !addr_ep(c.kind, c.bytes, w->p->m.l4, c.port_num, &in) || !may_open(w->p, &in))
		return CG_NEXT;
	if (!open_row(w, &in, 1, 0, &pub) || !w->edit)
		return CG_NEXT;
	v = put_addr(w, c.addr, &pub, SIP_FIELD_SDP_ALTC);
	return v == CG_NEXT ? put_port(w, c.port, &pub, SIP_FIELD_SDP_ALTC) : v;
}

/* MSRP puts the address into a URI of its own (RFC 4975 6). */
static int own_path(struct sdp_walk *w, const struct sip_sdp_attr *a)
{
	struct sip_iter it = sip_iter(a->value);
	struct sip_why why = SIP_WHY(SDP_PATH, CG_R_EDIT_PUBLIC);
	u8 text[CG_TEXT_MAX];
	struct sip_sdp_msrp m;
	struct cg_ep in, pub;

	if (!sip_sdp_msrp_next(w->p->data, &it, &m) ||
	    !addr_ep(m.host.kind, m.host.addr, SIP_L4_TCP, m.host.port_num ?: 2855, &in) ||
	    !may_open(w->p, &in) || !open_row(w, &in, 1, 0, &pub) || !w->edit)
		return CG_NEXT;
	return put_text(w, m.host.all, text, cg_ep_print(&pub, true, true, text), why);
}

static int own_attrs(struct sdp_walk *w)
{
	struct sip_iter it = sip_iter(w->p->m.section);
	struct sip_sdp_attr a;
	int v = CG_NEXT;

	while (v == CG_NEXT && sip_sdp_attr_next(w->p->data, &it, &a)) {
		if (a.id == SIP_A_CANDIDATE)
			v = own_candidate(w, &a);
		else if (a.id == SIP_A_ALTC)
			v = own_altc(w, &a);
		else if (a.id == SIP_A_PATH && w->p->m.proto_id == SIP_PROTO_MSRP)
			v = own_path(w, &a);
	}
	return v;
}

/* Nobody will connect to it: the placeholder port of a TCP client (RFC 4145 4.1). */
static bool is_placeholder(const struct sip_sdp_media *m)
{
	return m->l4 == SIP_L4_TCP && m->setup == SIP_SETUP_ACTIVE;
}

static int own_default(struct sdp_walk *w)
{
	const struct sip_sdp_media *m = &w->p->m;
	u32 count = implicit_rtcp(w) ? 2u * m->count_num : m->count_num;
	struct cg_ep in, pub;
	int v;

	if (!addr_ep(m->conn.kind, m->conn.bytes, m->l4, m->port_num, &in)) {
		if (!proto_of(m->l4))
			refuse(w, NULL, CG_R_PIN_PROTO);
		return CG_NEXT;
	}
	if (is_placeholder(m) || count > ROW_MAX)
		return CG_NEXT;
	if (!may_open(w->p, &in)) {
		refuse(w, &in,
		       ntohs(in.port) < PORT_LOW ? CG_R_PIN_LOW_PORT : CG_R_PIN_FOREIGN);
		return CG_NEXT;
	}
	if (!open_row(w, &in, (u16)count, 0, &pub))
		/* announced, but not reachable: better all of it as it was (C33) */
		return w->edit ? cg_pass(w->p, CG_R_PASS_PORTS) : CG_NEXT;
	v = w->edit ? put_port(w, m->port, &pub, SIP_FIELD_SDP_M) : CG_NEXT;
	return v == CG_NEXT ? own_rtcp(w, &in) : v;
}

static int own_media(struct sdp_walk *w)
{
	const struct sip_sdp_media *m = &w->p->m;
	int v = CG_NEXT;

	if (m->conn.any && m->port_num)
		cg_offer_keep(w->p, w->stream);
	else if (m->port_num)
		v = own_default(w);
	else
		cg_offer_reject(w->p, w->stream);
	if (v == CG_NEXT && w->edit && m->n_conn)
		v = own_conns(w);
	if (v == CG_NEXT && m->port_num && (m->n_candidates || m->n_altc || m->path.len))
		v = own_attrs(w);
	return v;
}

/* o= and the session's c=: only the address, only the sender's side. */
static int own_session(struct sdp_walk *w)
{
	const struct sip_sdp *s = &w->p->sdp;
	struct cg_ep ep;
	int v = CG_NEXT;

	if (s->has_origin && !s->origin.addr.any &&
	    addr_ep(s->origin.addr.kind, s->origin.addr.bytes, SIP_L4_UDP, 1, &ep) &&
	    cg_ep_same_addr(&ep, &w->p->src_old))
		v = put_addr(w, s->origin.addr.addr, &w->p->src_new, SIP_FIELD_SDP_O);
	if (v == CG_NEXT && s->conn.addr.len &&
	    addr_ep(s->conn.kind, s->conn.bytes, SIP_L4_UDP, 1, &ep) && may_name(w->p, &ep))
		v = put_addr(w, s->conn.addr, &w->p->src_new, SIP_FIELD_SDP_C);
	return v;
}

/* ---- the other side's: who will send, and where it is expected from ---- */

static void far_candidates(struct sdp_walk *w)
{
	struct sip_iter it = sip_iter(w->p->m.section);
	struct sip_sdp_attr a;
	struct sip_sdp_cand c;
	struct cg_ep ep;

	if (!w->p->m.n_candidates)
		return;
	while (sip_sdp_attr_next(w->p->data, &it, &a))
		if (a.id == SIP_A_CANDIDATE && !sip_sdp_cand_parse(w->p->data, a.value, &c) &&
		    addr_ep(c.kind, c.bytes, c.l4, c.port_num, &ep))
			cg_far_set(w->p, w->stream, (u8)min_t(u16, c.component, CG_COMP_RTCP), &ep,
				   true);
}

static void far_rtcp(struct sdp_walk *w, const struct cg_ep *rtp)
{
	const struct sip_sdp_rtcp *r = &w->p->m.rtcp;
	struct cg_ep ep = cg_ep_at(rtp, w->p->m.has_rtcp ? r->port_num : w->p->m.port_num + 1);

	if (w->p->m.proto_id != SIP_PROTO_RTP || (w->p->m.has_rtcp && !r->port_num))
		return;
	if (w->p->m.has_rtcp && r->has_addr &&
	    !addr_ep(r->addr.kind, r->addr.bytes, w->p->m.l4, r->port_num, &ep))
		return;
	cg_far_set(w->p, w->stream, CG_COMP_RTCP, &ep, false);
}

static void far_media(struct sdp_walk *w)
{
	const struct sip_sdp_media *m = &w->p->m;
	struct cg_ep ep;

	if (!m->port_num) {
		cg_offer_reject(w->p, w->stream);
		return;
	}
	if (m->conn.any) {
		cg_offer_keep(w->p, w->stream);
		return;
	}
	far_candidates(w);
	if (!addr_ep(m->conn.kind, m->conn.bytes, m->l4, m->port_num, &ep))
		return;
	cg_far_set(w->p, w->stream, m->proto_id == SIP_PROTO_RTP ? CG_COMP_RTP : 0, &ep, false);
	far_rtcp(w, &ep);
}

/* New peers: the pinholes of the other side are narrowed, and stale flows go. */
static void tell_pins(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	struct cg_pin *pin;

	list_for_each_entry(pin, &call->pins, owner) {
		const struct cg_far *told;

		if (pin->side == p->side)
			continue;
		told = cg_call_told(call, pin, NULL);
		if (told)
			cg_bind_displace(pin, &told->ep);
		if (pin->published)
			cg_expect_publish(pin, p->ct);
	}
}

/* ---- the whole description ---- */

static int walk(struct sdp_walk *w)
{
	struct sip_iter it = sip_sdp_iter(&w->p->sdp);
	int v = w->edit ? own_session(w) : CG_NEXT;

	while (v == CG_NEXT && sip_sdp_media_next(&w->p->sdp, &it, &w->p->m)) {
		if (w->own)
			v = own_media(w);
		/* a routed call has two equal sides: each is also the other's peer */
		if (v == CG_NEXT && !w->p->snat)
			far_media(w);
		w->stream++;
	}
	return v;
}

static int description(struct cg_pkt *p, const struct sip_part *part, u16 *stream, bool *offer)
{
	struct sdp_walk w = { .p = p, .stream = *stream };
	bool frozen = p->keep_body || part->sealed || part->encoded;
	/* trickle ICE adds candidates, it offers nothing (RFC 8840) */
	bool frag = part->ctype.class == SIP_MEDIA_FRAG;
	int v;

	if (part->encoded)
		return CG_NEXT;
	if (sip_sdp_parse(&p->sdp, p->data, part->body, frag, NULL))
		return frozen ? CG_NEXT : cg_pass(p, CG_R_SDP_BAD);
	/* what must not be edited cannot be opened from behind NAT either */
	w.own = p->snat ? !frozen : !p->dnat;
	w.edit = p->snat && !frozen && !p->open_only;
	if (!frag)
		cg_offer_begin(p, part->body);
	v = walk(&w);
	*stream = w.stream;
	*offer |= !frag;
	return v;
}

int cg_media(struct cg_pkt *p)
{
	struct sip_part part;
	u16 stream = 0;
	bool any = false, offer = false;
	int v = CG_NEXT;

	if (!p->call || !p->msg.body.len)
		return CG_NEXT;
	sip_body_init(&p->parts, &p->msg);
	while (v == CG_NEXT && sip_body_next_sdp(&p->parts, &part)) {
		v = description(p, &part, &stream, &offer);
		any = true;
	}
	if (p->parts.bad) {
		cg_count(p->cn, CG_R_BODY_UNCERTAIN);
		return v;
	}
	if (!any || v != CG_NEXT)
		return v;
	tell_pins(p);
	if (offer)
		cg_offer_end(p);
	if (p->edits.n && sip_edit_put_content_length(&p->edits, &p->msg, CG_R_EDIT_LENGTH))
		return cg_pass(p, CG_R_EDIT_OVERFLOW);
	return CG_NEXT;
}
