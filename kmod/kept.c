// SPDX-License-Identifier: GPL-2.0-only
#include "kept.h"
#include "pkt.h"
#include "ports.h"
#include "translate.h"

/* One look at a message. */
struct look {
	struct cg_pkt *p;
	struct cg_kept_list *list;
	bool lower;	/* a Via below the topmost */
};

/* An address as somebody wrote it. */
struct written {
	struct sip_str at;
	const u8 *bytes;
	u16 port;	/* 0: none was written */
	u8 kind;	/* enum sip_host_kind */
	u8 field;
};

static bool looks_private(const struct written *w)
{
	if (w->kind != SIP_HOST_IP4 && w->kind != SIP_HOST_IP6)
		return false;
	return cg_addr_is_private(w->kind == SIP_HOST_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6, w->bytes);
}

static bool is_edited(const struct cg_pkt *p, struct sip_str at)
{
	u32 i;

	if (p->open_only)
		return false;
	for (i = 0; i < p->edits.n; i++) {
		const struct sip_str e = p->edits.edit[i].at;

		if (e.off < sip_str_end(at) && at.off < sip_str_end(e))
			return true;
	}
	return false;
}

static bool is_identity(u8 field)
{
	return field == SIP_FIELD_FROM || field == SIP_FIELD_TO || field == SIP_FIELD_CALL_ID ||
	       field == SIP_FIELD_IDENTITY || field == SIP_FIELD_REFERRED_BY;
}

static bool is_sdp(u8 field)
{
	return field >= SIP_FIELD_SDP_O && field <= SIP_FIELD_SDP_ALTC;
}

static enum cg_reason why_body(const struct cg_pkt *p)
{
	if (sip_has_auth_int(&p->msg))
		return CG_R_AUTH_INT;
	return p->msg.ctype.class == SIP_MEDIA_SIGNED ? CG_R_SIGNED_BODY : CG_R_ENCODED_BODY;
}

/* The sender is hidden, and wrote an address of its own family. */
static enum cg_reason why_own(const struct cg_pkt *p, const struct written *w,
			      const struct cg_ep *ep)
{
	if (!cg_is_inside(p, ep))
		return CG_R_KEPT_OUTSIDE;
	if (w->port && w->port < CG_PORT_LOW)
		return CG_R_PIN_LOW_PORT;
	if (w->port && !cg_ports_allowed(w->port))
		return CG_R_PIN_DENIED;
	if (!cg_ep_same_addr(ep, &p->src_old))
		return CG_R_KEPT_OTHER;
	if (w->field == SIP_FIELD_CONTACT && !p->msg.request && p->msg.status / 100 == 3)
		return CG_R_KEPT_REDIRECT;
	return CG_R_KEPT_CLOSED;
}

static enum cg_reason why_kept(const struct look *l, const struct written *w)
{
	const struct cg_pkt *p = l->p;
	u8 family = w->kind == SIP_HOST_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	struct cg_ep ep;

	if (is_identity(w->field))
		return CG_R_KEPT_IDENTITY;
	if (p->reason != CG_R_NONE)
		return p->reason;
	if (!p->snat && !p->dnat)
		return CG_R_NO_NAT;
	if (p->open_only)
		return CG_R_OPEN_MODE;
	if (l->lower)
		return CG_R_KEPT_VIA;
	if (!p->snat)
		return CG_R_KEPT_THEIRS;
	if (is_sdp(w->field) && p->keep_body)
		return why_body(p);
	if (family != p->family)
		return CG_R_KEPT_FAMILY;
	cg_ep_make(&ep, family, IPPROTO_UDP, w->bytes, w->port);
	return why_own(p, w, &ep);
}

static void note(struct look *l, const struct written *w)
{
	struct cg_kept_list *list = l->list;

	if (list->n == CG_KEPT_MAX || !looks_private(w) || is_edited(l->p, w->at))
		return;
	list->item[list->n++] = (struct cg_kept){
		.at = w->at,
		.why = why_kept(l, w),
		.field = w->field,
	};
}

static void note_host(struct look *l, const struct sip_host *h, u8 field)
{
	struct written w = { h->all, h->addr, h->port_num, h->kind, field };

	note(l, &w);
}

static void note_addr(struct look *l, const struct sip_sdp_addr *a, u8 field)
{
	struct written w = { a->addr, a->bytes, 0, a->kind, field };

	note(l, &w);
}

/* ---- the head ---- */

static const struct {
	u8 header, field;
} addresses[] = {
	{ SIP_H_FROM, SIP_FIELD_FROM },
	{ SIP_H_TO, SIP_FIELD_TO },
	{ SIP_H_CONTACT, SIP_FIELD_CONTACT },
	{ SIP_H_ROUTE, SIP_FIELD_ROUTE },
	{ SIP_H_RECORD_ROUTE, SIP_FIELD_RECORD_ROUTE },
	{ SIP_H_PATH, SIP_FIELD_PATH },
	{ SIP_H_SERVICE_ROUTE, SIP_FIELD_SERVICE_ROUTE },
	{ SIP_H_REFER_TO, SIP_FIELD_REFER_TO },
	{ SIP_H_REFERRED_BY, SIP_FIELD_REFERRED_BY },
	{ SIP_H_P_ASSERTED_IDENTITY, SIP_FIELD_IDENTITY },
	{ SIP_H_P_PREFERRED_IDENTITY, SIP_FIELD_IDENTITY },
};

static void vias(struct look *l)
{
	struct sip_walk w;
	struct sip_via v;

	sip_walk_init(&w, &l->p->msg, SIP_H_VIA);
	while (sip_via_next(&w, &v)) {
		note_host(l, &v.sent_by, SIP_FIELD_VIA);
		l->lower = true;
	}
	l->lower = false;
}

/* "a84b4c76e66710@192.168.1.2" */
static void call_id(struct look *l)
{
	struct sip_str id = l->p->msg.call_id;
	u32 end = sip_str_end(id), at = sip_find_byte(l->p->data, id.off, end, '@');
	struct sip_host h;

	if (at < end && !sip_host_parse(l->p->data, sip_slice(at + 1, end), &h))
		note_host(l, &h, SIP_FIELD_CALL_ID);
}

static void head(struct look *l)
{
	struct sip_nameaddr a;
	struct sip_walk w;
	u32 i;

	if (l->p->msg.request)
		note_host(l, &l->p->msg.ruri.host, SIP_FIELD_RURI);
	vias(l);
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		sip_walk_init(&w, &l->p->msg, addresses[i].header);
		while (sip_nameaddr_next(&w, &a))
			if (!a.star)
				note_host(l, &a.uri.host, addresses[i].field);
	}
	call_id(l);
}

/* ---- the body ---- */

static void attribute(struct look *l, const struct sip_sdp_attr *a)
{
	const u8 *data = l->p->data;
	struct sip_iter it = sip_iter(a->value);
	struct sip_sdp_cand c;
	struct sip_sdp_altc alt;
	struct sip_sdp_msrp m;

	if (a->id == SIP_A_CANDIDATE && !sip_sdp_cand_parse(data, a->value, &c)) {
		struct written w = { c.addr, c.bytes, c.port_num, c.kind, SIP_FIELD_SDP_CANDIDATE };
		struct written r = { c.raddr, c.rbytes, c.rport_num, c.rkind,
				     SIP_FIELD_SDP_CANDIDATE };

		note(l, &w);
		note(l, &r);
	} else if (a->id == SIP_A_ALTC && !sip_sdp_altc_parse(data, a->value, &alt)) {
		struct written w = { alt.addr, alt.bytes, alt.port_num, alt.kind,
				     SIP_FIELD_SDP_ALTC };

		note(l, &w);
	} else if (a->id == SIP_A_PATH && sip_sdp_msrp_next(data, &it, &m)) {
		note_host(l, &m.host, SIP_FIELD_SDP_PATH);
	}
}

static void section(struct look *l)
{
	const struct sip_sdp_media *m = &l->p->m;
	struct sip_iter it = sip_iter(m->section);
	struct sip_sdp_addr c;
	struct sip_sdp_attr a;

	while (sip_sdp_conn_next(l->p->data, &it, &c))
		note_addr(l, &c, SIP_FIELD_SDP_C);
	if (m->has_rtcp && m->rtcp.has_addr)
		note_addr(l, &m->rtcp.addr, SIP_FIELD_SDP_RTCP);
	it = sip_iter(m->section);
	while (sip_sdp_attr_next(l->p->data, &it, &a))
		attribute(l, &a);
}

static void description(struct look *l, const struct sip_part *part)
{
	bool frag = part->ctype.class == SIP_MEDIA_FRAG;
	struct cg_pkt *p = l->p;
	struct sip_iter it;

	if (part->encoded || sip_sdp_parse(&p->sdp, p->data, part->body, frag, NULL))
		return;
	if (p->sdp.has_origin)
		note_addr(l, &p->sdp.origin.addr, SIP_FIELD_SDP_O);
	if (p->sdp.conn.addr.len)
		note_addr(l, &p->sdp.conn, SIP_FIELD_SDP_C);
	it = sip_sdp_iter(&p->sdp);
	while (sip_sdp_media_next(&p->sdp, &it, &p->m))
		section(l);
}

void cg_kept_find(struct cg_pkt *p, struct cg_kept_list *list)
{
	struct look l = { .p = p, .list = list };
	struct sip_part part;

	list->n = 0;
	head(&l);
	if (!p->msg.body.len)
		return;
	sip_body_init(&p->parts, &p->msg);
	while (sip_body_next_sdp(&p->parts, &part))
		description(&l, &part);
}
