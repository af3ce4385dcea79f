// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netdevice.h>

#include "compat.h"
#include "descr.h"
#include "events.h"
#include "expect.h"
#include "mapped.h"
#include "media.h"
#include "offer.h"
#include "pkt.h"
#include "ports.h"
#include "translate.h"
#include "site.h"
#include "sip/body.h"
#include "sip/sdp.h"

#define ROW_MAX 64	/* ports of one m= line */

/* ---- addresses ---- */

static u8 proto_of(u8 l4)
{
	return l4 == SIP_L4_UDP ? IPPROTO_UDP : l4 == SIP_L4_TCP ? IPPROTO_TCP : 0;
}

bool cg_descr_ep(u8 kind, const u8 *bytes, u8 l4, u16 port, struct cg_ep *ep)
{
	if (kind != SIP_HOST_IP4 && kind != SIP_HOST_IP6)
		return false;
	cg_ep_make(ep, kind == SIP_HOST_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6, proto_of(l4), bytes,
		   port);
	return ep->proto;
}

/*
 * May the sender speak for this? Its own address, or another inside host's (a PBX
 * with media of its own, F63): nobody is let in before both sides speak (S5).
 */
static bool may_name(const struct cg_pkt *p, const struct cg_ep *ep)
{
	if (cg_ep_any_addr(ep))
		return false;
	if (cg_ep_same_addr(ep, &p->src_old))
		return true;
	return cg_is_inside(p, ep);
}

static bool may_open(const struct cg_pkt *p, const struct cg_ep *ep)
{
	return cg_ports_allowed(ntohs(ep->port)) && may_name(p, ep);
}

/*
 * How many ports of a row from @ep on may be opened: the neighbour of an allowed
 * port may be a service (3388 and its RTCP), and behind 65535 there is none.
 */
static u16 openable(const struct cg_ep *ep, u16 count)
{
	u32 port = ntohs(ep->port);
	u16 n;

	for (n = 0; n < count && port + n <= U16_MAX && cg_ports_allowed((u16)(port + n)); n++)
		;
	return n;
}

/* The router's own public address, written by a phone that learned it (STUN). */
static bool is_public(const struct cg_pkt *p, const struct cg_ep *ep)
{
	return p->snat && cg_ep_same_addr(ep, &p->src_new) &&
	       cg_ports_allowed(ntohs(ep->port));
}

/* ---- edits ---- */

static int put_text(struct cg_descr *d, struct sip_str at, const u8 *text, u32 len,
		    struct sip_why why)
{
	struct cg_pkt *p = d->p;

	if (len == at.len && !memcmp(p->data + at.off, text, len))
		return CG_NEXT;
	if (sip_edit_put(&p->edits, at, text, len, why))
		return cg_pass(p, CG_R_EDIT_OVERFLOW);
	cg_count(p->cn, why.why);
	return CG_NEXT;
}

int cg_descr_addr(struct cg_descr *d, struct sip_str at, const struct cg_ep *to,
		  struct sip_why why)
{
	u8 text[CG_TEXT_MAX];

	return put_text(d, at, text, cg_ep_print(to, false, false, text), why);
}

int cg_descr_port(struct cg_descr *d, struct sip_str at, const struct cg_ep *to,
		  struct sip_why why)
{
	u8 text[SIP_U32_TEXT];

	return put_text(d, at, text, sip_u32_print(text, ntohs(to->port)), why);
}

/* The sender's own address mostly stands in o= and in c=. */
static int put_shown(struct cg_descr *d, struct sip_str at, u8 field)
{
	struct sip_why why = { .why = CG_R_EDIT_PUBLIC, .field = field };

	if (!d->shown.len)
		d->shown.len = (u8)cg_ep_print(&d->p->src_new, false, false, d->shown.s);
	return put_text(d, at, d->shown.s, d->shown.len, why);
}

static int put_addr(struct cg_descr *d, struct sip_str at, const struct cg_ep *to, u8 field)
{
	return cg_descr_addr(d, at, to,
			     (struct sip_why){ .why = CG_R_EDIT_PUBLIC, .field = field });
}

static int put_port(struct cg_descr *d, struct sip_str at, const struct cg_ep *to, u8 field)
{
	return cg_descr_port(d, at, to,
			     (struct sip_why){ .why = CG_R_EDIT_PORT, .field = field });
}

/* ---- pinholes ---- */

static void refuse(struct cg_descr *d, const struct cg_ep *in, enum cg_reason why)
{
	cg_count(d->p->cn, why);
	cg_trace_refused(d->p->call, in, why);
}

static void mark_pin(struct cg_descr *d, struct cg_pin *pin, u8 comp, bool fresh)
{
	struct cg_pkt *p = d->p;

	if (fresh) {
		pin->side = p->side;
		pin->leg = p->side == CG_CALLER ? CG_LEG_ALL : p->leg;
		pin->stream = d->stream;
		pin->comp = comp;
		cg_trace_pin(pin, CALLGATE_TRACE_PIN_OPEN, CG_R_PIN_OPENED);
	}
	pin->gen = p->call->gen[p->side];
	/* nobody can send before the other side was heard of: dialog.c publishes then */
	if (p->call->both_ways)
		cg_expect_publish(pin, p->ct);
}

static u16 choose(struct cg_descr *d, const struct cg_ep *in, u16 count, enum cg_reason *why)
{
	struct cg_pkt *p = d->p;
	struct cg_port_ask ask = {
		.pub = p->src_new,
		.peer = p->dst_new,
		.dev = p->way ? cg_dst_dev(p->way) : NULL,
		.exact = !d->edit,
		.want = ntohs(in->port),
		.count = count,
		.used = in->proto == IPPROTO_UDP ? ntohs(p->src_new.port) : 0,
	};
	u16 port;

	ask.pub.proto = in->proto;
	port = cg_ports_choose(p->cn, &ask, why);
	if (port)
		cg_count(p->cn, *why);
	return port;
}

/*
 * The public row of ports that this side named before: they do not change (F58),
 * also when they were given up meanwhile and still rest. 0: named for the first time.
 */
static u16 known_row(struct cg_descr *d, const struct cg_ep *in, u16 count)
{
	struct cg_ep at = cg_ep_at(d->p->snat ? &d->p->src_new : in, 0);
	const struct cg_pin *first = cg_pin_before(d->p->call, in, &at);
	u16 i;

	if (!first)
		return 0;
	for (i = 1; i < count; i++) {
		struct cg_ep next = cg_ep_at(in, ntohs(in->port) + i);
		struct cg_ep pub = cg_ep_at(&first->pub, ntohs(first->pub.port) + i);
		const struct cg_pin *pin = cg_pin_before(d->p->call, &next, &at);

		/* a longer row than before may grow where there is room */
		if (pin ? !cg_ep_equal(&pin->pub, &pub) : !cg_ports_is_free(d->p->cn, &pub))
			return 0;
	}
	return ntohs(first->pub.port);
}

static u8 comp_of(const struct cg_descr *d, u16 i, u8 comp)
{
	if (comp)
		return comp;
	if (d->p->m.proto_id != SIP_PROTO_RTP)
		return 0;
	return i & 1 ? CG_COMP_RTCP : CG_COMP_RTP;
}

/* Opens @count ports from @in on at those from @pub on. */
static bool open_at(struct cg_descr *d, const struct cg_ep *in, const struct cg_ep *pub, u16 count,
		    u8 comp)
{
	bool none = list_empty(&d->p->call->pins);
	enum cg_reason why = CG_R_NONE;
	u16 i;

	for (i = 0; i < count; i++) {
		struct cg_ep in_i = cg_ep_at(in, ntohs(in->port) + i);
		struct cg_ep pub_i = cg_ep_at(pub, ntohs(pub->port) + i);
		struct cg_pin *pin = none ? NULL : cg_pin_of_call(d->p->call, &in_i, &pub_i);
		bool fresh = !pin;

		if (fresh)
			pin = cg_pin_open(d->p->call, &in_i, &pub_i, &why);
		if (!pin) {
			refuse(d, in, why);
			return false;
		}
		mark_pin(d, pin, comp_of(d, i, comp), fresh);
	}
	return true;
}

/*
 * Opens @count ports from @in on, in a row. *@pub: where @in is seen from
 * outside. False: nothing was opened, and the reason is counted.
 */
static bool open_row(struct cg_descr *d, const struct cg_ep *in, u16 count, u8 comp,
		     struct cg_ep *pub)
{
	struct cg_pkt *p = d->p;
	enum cg_reason why = CG_R_NONE;
	u16 port = known_row(d, in, count);

	if (!port)
		port = p->snat ? choose(d, in, count, &why) : ntohs(in->port);
	if (!port) {
		refuse(d, in, why);
		return false;
	}
	*pub = p->snat ? cg_ep_at(&p->src_new, port) : *in;
	pub->proto = in->proto;
	if (open_at(d, in, pub, count, comp))
		return true;
	cg_ports_release(p->cn, pub);
	return false;
}

/* ---- addresses that are public already: left alone, only opened (RFC 8839 8) ---- */

/*
 * The inside endpoint behind a public one: what the phone's own candidate says,
 * else what a flow of the phone shows, else the same port, which NAT keeps where
 * it can (F43).
 */
static struct cg_ep behind(const struct cg_descr *d, const struct cg_ep *pub)
{
	struct sip_iter it = sip_iter(d->p->m.section);
	struct sip_sdp_attr a;
	struct sip_sdp_cand c;
	struct cg_ep ep;

	while (d->p->m.n_candidates && sip_sdp_attr_next(d->p->data, &it, &a)) {
		if (a.id != SIP_A_CANDIDATE || sip_sdp_cand_parse(d->p->data, a.value, &c) ||
		    !cg_descr_ep(c.kind, c.bytes, c.l4, c.port_num, &ep) ||
		    !cg_ep_equal(&ep, pub))
			continue;
		if (cg_descr_ep(c.rkind, c.rbytes, c.l4, c.rport_num, &ep) && may_open(d->p, &ep))
			return ep;
	}
	ep = cg_ep_at(&d->p->src_old, ntohs(pub->port));
	ep.proto = pub->proto;
	if (!cg_pin_before(d->p->call, &ep, pub))
		cg_mapped(d->p->cn, pub, &ep);
	return ep;
}

/* Is the row nobody else's: free, or this call's own from an earlier description? */
static bool row_is_ours(const struct cg_descr *d, const struct cg_ep *in, const struct cg_ep *pub,
			u16 count)
{
	u16 i;

	for (i = 0; i < count; i++) {
		struct cg_ep pub_i = cg_ep_at(pub, ntohs(pub->port) + i);
		struct cg_ep in_i = cg_ep_at(in, ntohs(in->port) + i);

		if (!cg_pin_before(d->p->call, &in_i, &pub_i) &&
		    !cg_ports_is_free(d->p->cn, &pub_i))
			return false;
	}
	return true;
}

static void open_public(struct cg_descr *d, const struct cg_ep *pub, u16 count, u8 comp)
{
	struct cg_ep in = behind(d, pub);

	count = min(openable(&in, count), openable(pub, count));
	if (!count) {
		refuse(d, &in, CG_R_PIN_DENIED);
		return;
	}
	if (row_is_ours(d, &in, pub, count))
		open_at(d, &in, pub, count, comp);
	else
		refuse(d, &in, CG_R_PIN_UNREACHABLE);
}

/* ---- one section of the sender's own ---- */

/* RTCP on the next port: no word about it, and no mux that is agreed already. */
static bool implicit_rtcp(const struct cg_descr *d)
{
	if (d->p->m.proto_id != SIP_PROTO_RTP || d->p->m.has_rtcp)
		return false;
	/* in an offer mux is only a wish; the answer settles it (RFC 5761 5.1.1) */
	return !d->p->m.rtcp_mux || !d->p->call->offer.open || d->p->call->offer.side == d->p->side;
}

/* a=rtcp with a port, and perhaps an address, of its own (RFC 3605). */
static int own_rtcp(struct cg_descr *d)
{
	const struct sip_sdp_media *m = &d->p->m;
	const struct sip_sdp_rtcp *r = &m->rtcp;
	const struct sip_sdp_addr *at = r->has_addr ? &r->addr : &m->conn;
	struct cg_ep in, pub;
	int v;

	if (!m->has_rtcp || !r->port_num || m->proto_id != SIP_PROTO_RTP ||
	    !cg_descr_ep(at->kind, at->bytes, m->l4, r->port_num, &in))
		return CG_NEXT;
	if (is_public(d->p, &in)) {
		open_public(d, &in, 1, CG_COMP_RTCP);
		return CG_NEXT;
	}
	if (!may_open(d->p, &in) || !open_row(d, &in, 1, CG_COMP_RTCP, &pub) || !d->edit)
		return CG_NEXT;
	v = put_port(d, r->port, &pub, SIP_FIELD_SDP_RTCP);
	if (v == CG_NEXT && r->has_addr)
		v = put_addr(d, r->addr.addr, &pub, SIP_FIELD_SDP_RTCP);
	return v;
}

/* c= lines of the section itself; the session's is done once (session_conn). */
static int own_conns(struct cg_descr *d)
{
	struct sip_iter it = sip_iter(d->p->m.section);
	struct sip_sdp_addr c;
	struct cg_ep ep;
	int v = CG_NEXT;

	while (v == CG_NEXT && sip_sdp_conn_next(d->p->data, &it, &c))
		if (cg_descr_ep(c.kind, c.bytes, SIP_L4_UDP, 1, &ep) && may_name(d->p, &ep))
			v = put_shown(d, c.addr, SIP_FIELD_SDP_C);
	return v;
}

static int own_candidate(struct cg_descr *d, const struct sip_sdp_attr *a)
{
	struct sip_sdp_cand c;
	struct cg_ep in, pub;
	u8 comp;
	int v;

	if (sip_sdp_cand_parse(d->p->data, a->value, &c) ||
	    !cg_descr_ep(c.kind, c.bytes, c.l4, c.port_num, &in))
		return CG_NEXT;
	comp = (u8)min_t(u16, c.component, CG_COMP_RTCP);
	if (is_public(d->p, &in)) {
		open_public(d, &in, 1, comp);
		return CG_NEXT;
	}
	if (!may_open(d->p, &in) || !open_row(d, &in, 1, comp, &pub) || !d->edit)
		return CG_NEXT;
	v = put_addr(d, c.addr, &pub, SIP_FIELD_SDP_CANDIDATE);
	return v == CG_NEXT ? put_port(d, c.port, &pub, SIP_FIELD_SDP_CANDIDATE) : v;
}

static int own_altc(struct cg_descr *d, const struct sip_sdp_attr *a)
{
	struct sip_sdp_altc c;
	struct cg_ep in, pub;
	int v;

	if (sip_sdp_altc_parse(d->p->data, a->value, &c) ||
	    !cg_descr_ep(c.kind, c.bytes, d->p->m.l4, c.port_num, &in) || !may_open(d->p, &in))
		return CG_NEXT;
	if (!open_row(d, &in, 1, 0, &pub) || !d->edit)
		return CG_NEXT;
	v = put_addr(d, c.addr, &pub, SIP_FIELD_SDP_ALTC);
	return v == CG_NEXT ? put_port(d, c.port, &pub, SIP_FIELD_SDP_ALTC) : v;
}

/* MSRP puts the address into a URI of its own (RFC 4975 6). */
static int own_path(struct cg_descr *d, const struct sip_sdp_attr *a)
{
	struct sip_iter it = sip_iter(a->value);
	struct sip_why why = SIP_WHY(SDP_PATH, CG_R_EDIT_PUBLIC);
	u8 text[CG_TEXT_MAX];
	struct sip_sdp_msrp m;
	struct cg_ep in, pub;

	if (!sip_sdp_msrp_next(d->p->data, &it, &m) ||
	    !cg_descr_ep(m.host.kind, m.host.addr, SIP_L4_TCP, m.host.port_num ?: 2855, &in) ||
	    !may_open(d->p, &in) || !open_row(d, &in, 1, 0, &pub) || !d->edit)
		return CG_NEXT;
	return put_text(d, m.host.all, text, cg_ep_print(&pub, true, true, text), why);
}

static int own_attrs(struct cg_descr *d)
{
	struct sip_iter it = sip_iter(d->p->m.section);
	struct sip_sdp_attr a;
	int v = CG_NEXT;

	while (v == CG_NEXT && sip_sdp_attr_next(d->p->data, &it, &a)) {
		if (a.id == SIP_A_CANDIDATE)
			v = own_candidate(d, &a);
		else if (a.id == SIP_A_ALTC)
			v = own_altc(d, &a);
		else if (a.id == SIP_A_PATH && d->p->m.proto_id == SIP_PROTO_MSRP)
			v = own_path(d, &a);
	}
	return v;
}

/* Nobody will connect to it: the placeholder port of a TCP client (RFC 4145 4.1). */
static bool is_placeholder(const struct sip_sdp_media *m)
{
	return m->l4 == SIP_L4_TCP && m->setup == SIP_SETUP_ACTIVE;
}

static enum cg_reason why_not(const struct cg_ep *in)
{
	u16 port = ntohs(in->port);

	if (cg_ports_allowed(port))
		return CG_R_PIN_FOREIGN;
	return port < CG_PORT_LOW ? CG_R_PIN_LOW_PORT : CG_R_PIN_DENIED;
}

static int own_default(struct cg_descr *d)
{
	const struct sip_sdp_media *m = &d->p->m;
	u32 count = implicit_rtcp(d) ? 2u * m->count_num : m->count_num;
	struct cg_ep in, pub;

	if (!cg_descr_ep(m->conn.kind, m->conn.bytes, m->l4, m->port_num, &in)) {
		if (!proto_of(m->l4))
			refuse(d, NULL, CG_R_PIN_PROTO);
		return CG_NEXT;
	}
	if (is_placeholder(m) || count > ROW_MAX)
		return CG_NEXT;
	if (is_public(d->p, &in)) {
		open_public(d, &in, (u16)count, 0);
		return CG_NEXT;
	}
	if (!may_open(d->p, &in)) {
		refuse(d, &in, why_not(&in));
		return CG_NEXT;
	}
	if (!open_row(d, &in, openable(&in, (u16)count), 0, &pub))
		/* announced, but not reachable: better all of it as it was (C33) */
		return d->edit ? cg_pass(d->p, CG_R_PASS_PORTS) : CG_NEXT;
	return d->edit ? put_port(d, m->port, &pub, SIP_FIELD_SDP_M) : CG_NEXT;
}

static int own_media(struct cg_descr *d)
{
	const struct sip_sdp_media *m = &d->p->m;
	int v = CG_NEXT;

	if (m->conn.any && m->port_num)
		cg_offer_keep(d->p, d->stream);
	else if (m->port_num)
		v = own_default(d);
	else
		cg_offer_reject(d->p, d->stream);
	if (v == CG_NEXT && m->port_num && !m->conn.any)
		v = own_rtcp(d);
	if (v == CG_NEXT && d->edit && m->n_conn)
		v = own_conns(d);
	if (v == CG_NEXT && m->port_num && (m->n_candidates || m->n_altc || m->path.len))
		v = own_attrs(d);
	return v;
}

/* o= and the session's c=: only the address, only the sender's side. */
static int own_session(struct cg_descr *d)
{
	const struct sip_sdp *s = &d->p->sdp;
	struct cg_ep ep;
	int v = CG_NEXT;

	if (s->has_origin && !s->origin.addr.any &&
	    cg_descr_ep(s->origin.addr.kind, s->origin.addr.bytes, SIP_L4_UDP, 1, &ep) &&
	    cg_ep_same_addr(&ep, &d->p->src_old))
		v = put_shown(d, s->origin.addr.addr, SIP_FIELD_SDP_O);
	if (v == CG_NEXT && s->conn.addr.len &&
	    cg_descr_ep(s->conn.kind, s->conn.bytes, SIP_L4_UDP, 1, &ep) && may_name(d->p, &ep))
		v = put_shown(d, s->conn.addr, SIP_FIELD_SDP_C);
	return v;
}

/* ---- the whole description ---- */

static int walk(struct cg_descr *d)
{
	struct sip_iter it = sip_sdp_iter(&d->p->sdp);
	int v = d->edit ? own_session(d) : CG_NEXT;

	while (v == CG_NEXT && sip_sdp_media_next(&d->p->sdp, &it, &d->p->m)) {
		if (d->own)
			v = own_media(d);
		/* a routed call has two equal sides: each is also the other's peer */
		if (v == CG_NEXT && !d->p->snat)
			v = cg_peer_media(d);
		d->stream++;
	}
	return v;
}

static int description(struct cg_pkt *p, const struct sip_part *part, u16 *stream, bool *offer)
{
	struct cg_descr d = { .p = p, .stream = *stream };
	bool frozen = p->keep_body || part->sealed || part->encoded;
	/* trickle ICE adds candidates, it offers nothing (RFC 8840) */
	bool frag = part->ctype.class == SIP_MEDIA_FRAG;
	int v;

	if (part->encoded)
		return CG_NEXT;
	if (sip_sdp_parse(&p->sdp, p->data, part->body, frag, NULL))
		return frozen ? CG_NEXT : cg_pass(p, CG_R_SDP_BAD);
	/* what may not be edited leads nowhere behind NAT; with a digest it may open (F28) */
	d.own = p->snat ? !frozen || p->auth_int : !p->dnat;
	d.edit = p->snat && !frozen && !p->open_only;
	d.site = p->dnat && !frozen && !p->open_only && cg_site_direct(&d);
	if (!frag)
		cg_offer_begin(p, part->body);
	v = walk(&d);
	*stream = d.stream;
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
	cg_peer_tell(p);
	if (offer)
		cg_offer_end(p);
	if (p->edits.n && sip_edit_put_content_length(&p->edits, &p->msg, CG_R_EDIT_LENGTH))
		return cg_pass(p, CG_R_EDIT_OVERFLOW);
	return CG_NEXT;
}
