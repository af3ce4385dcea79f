// SPDX-License-Identifier: BSD-2-Clause
#include "touch.h"

static volatile u32 sink;

#define IN(s, lo, hi)                                                                              \
	do {                                                                                       \
		if ((s).len && ((s).off < (lo) || sip_str_end(s) > (hi)))                          \
			return "slice out of bounds: " #s;                                         \
	} while (0)

static const char *touch_uri(const u8 *buf, const struct sip_uri *u, u32 lo, u32 hi)
{
	struct sip_iter it = sip_iter(u->params);
	struct sip_param p;
	u8 text[64];

	IN(u->all, lo, hi);
	IN(u->user, lo, hi);
	IN(u->password, lo, hi);
	IN(u->params, lo, hi);
	IN(u->headers, lo, hi);
	IN(u->host.all, lo, hi);
	IN(u->host.host, lo, hi);
	IN(u->host.port, lo, hi);
	while (sip_uri_param_next(buf, &it, &p)) {
		IN(p.name, lo, hi);
		IN(p.value, lo, hi);
	}
	it = sip_iter(u->headers);
	while (sip_uri_param_next(buf, &it, &p))
		IN(p.all, lo, hi);
	sink += sip_unescape(buf, u->user, text, sizeof(text));
	if (!sip_uri_equal(buf, u, buf, u))
		return "URI differs from itself";
	return NULL;
}

static const char *touch_params(const u8 *buf, struct sip_str s, u32 lo, u32 hi)
{
	struct sip_iter it = sip_iter(s);
	struct sip_param p;
	u8 text[64];

	while (sip_param_next(buf, &it, &p)) {
		IN(p.name, lo, hi);
		IN(p.value, lo, hi);
		IN(p.all, lo, hi);
		sink += sip_unquote(buf, p.value, text, sizeof(text));
	}
	return it.bad ? "checked parameters cannot be walked" : NULL;
}

static const char *touch_addrs(const struct sip_msg *m, u32 id)
{
	struct sip_walk w;
	struct sip_nameaddr a;
	const char *e;
	u32 last = 0;

	sip_walk_init(&w, m, id);
	while (sip_nameaddr_next(&w, &a)) {
		const struct sip_header *h = &m->headers[w.line];
		u32 lo = h->value.off;
		u32 hi = sip_str_end(h->value);
		u32 x;

		IN(a.all, lo, hi);
		IN(a.display, lo, hi);
		IN(a.params, lo, hi);
		if (a.all.off < last)
			return "values out of order";
		last = sip_str_end(a.all);
		if (a.star)
			continue;
		e = touch_uri(m->buf, &a.uri, lo, hi);
		if (!e)
			e = touch_params(m->buf, a.params, lo, hi);
		if (e)
			return e;
		sink += sip_contact_expires(m->buf, &a, &x);
	}
	return w.bad ? "a checked address cannot be walked" : NULL;
}

static const char *touch_vias(const struct sip_msg *m)
{
	struct sip_walk w;
	struct sip_via v;
	bool first = true;

	sip_walk_init(&w, m, SIP_H_VIA);
	while (sip_via_next(&w, &v)) {
		u32 lo = m->headers[w.line].value.off;
		u32 hi = sip_str_end(m->headers[w.line].value);
		const char *e = touch_params(m->buf, v.params, lo, hi);

		if (e)
			return e;
		IN(v.all, lo, hi);
		IN(v.branch, lo, hi);
		IN(v.received, lo, hi);
		IN(v.rport, lo, hi);
		IN(v.sent_by.all, lo, hi);
		if (first && memcmp(&v, &m->via, sizeof(v)))
			return "the top Via differs from the parsed one";
		first = false;
	}
	return w.bad ? "a checked Via cannot be walked" : NULL;
}

static const char *touch_lists(const struct sip_msg *m)
{
	struct sip_walk w;
	struct sip_str s;
	struct sip_auth a;
	struct sip_iter it;
	struct sip_param p;
	u32 id, i;

	for (id = 1; id < SIP_H_COUNT; id++) {
		sip_walk_init(&w, m, id);
		while (sip_token_next(&w, &s))
			IN(s, m->headers_off, m->headers_end);
	}
	for (i = 0; i < m->n_headers; i++) {
		const struct sip_header *h = &m->headers[i];
		struct sip_session_expires se;
		struct sip_disposition d;

		if (sip_header_id(m->buf, sip_slice(h->off, h->off + h->name_len)) != h->id)
			return "header under another name";
		IN(h->value, h->off, h->end);
		sink += (u32)sip_session_expires_parse(m->buf, h->value, &se);
		sink += (u32)sip_disposition_parse(m->buf, h->value, &d);
		if (sip_auth_parse(m->buf, h->value, &a))
			continue;
		it = sip_iter(a.params);
		while (sip_auth_next(m->buf, &it, &p))
			IN(p.all, h->off, h->end);
		if (a.digest && it.bad)
			return "checked credentials cannot be walked";
	}
	sink += sip_has_auth_int(m);
	return NULL;
}

static const char *touch_cand(const u8 *buf, const struct sip_sdp_attr *a, u32 lo, u32 hi)
{
	struct sip_sdp_cand c;

	if (sip_sdp_cand_parse(buf, a->value, &c))
		return "a checked candidate cannot be read";
	IN(c.addr, lo, hi);
	IN(c.port, lo, hi);
	IN(c.raddr, lo, hi);
	IN(c.rport, lo, hi);
	return NULL;
}

static const char *touch_attrs(const u8 *buf, struct sip_str section)
{
	struct sip_iter it = sip_iter(section);
	u32 lo = section.off;
	u32 hi = sip_str_end(section);
	struct sip_sdp_attr a;
	struct sip_sdp_msrp m;
	struct sip_sdp_altc t;
	struct sip_iter path;
	const char *e;

	while (sip_sdp_attr_next(buf, &it, &a)) {
		IN(a.name, lo, hi);
		IN(a.value, lo, hi);
		if (a.id == SIP_A_CANDIDATE) {
			e = touch_cand(buf, &a, lo, hi);
			if (e)
				return e;
		}
		if (a.id == SIP_A_ALTC && sip_sdp_altc_parse(buf, a.value, &t))
			return "a checked altc cannot be read";
		path = sip_iter(a.value);
		if (a.id != SIP_A_PATH)
			continue;
		while (sip_sdp_msrp_next(buf, &path, &m))
			IN(m.host.all, lo, hi);
		if (path.bad)
			return "a checked path cannot be walked";
	}
	return it.bad ? "checked attributes cannot be walked" : NULL;
}

const char *touch_sdp(const u8 *buf, struct sip_str body, bool frag)
{
	struct sip_sdp s;
	struct sip_sdp_media m;
	struct sip_sdp_addr c;
	struct sip_iter it, lines;
	u32 lo = body.off;
	u32 hi = sip_str_end(body);
	const char *e;
	u32 off, n = 0;

	if (sip_sdp_parse(&s, buf, body, frag, &off))
		return off > hi || off < lo ? "SDP error outside the SDP" : NULL;
	IN(s.session, lo, hi);
	e = touch_attrs(buf, s.session);
	if (e)
		return e;
	it = sip_sdp_iter(&s);
	while (sip_sdp_media_next(&s, &it, &m)) {
		u32 conns = 0;

		n++;
		IN(m.section, lo, hi);
		IN(m.port, m.line.off, sip_str_end(m.line));
		IN(m.fmt, m.line.off, sip_str_end(m.line));
		IN(m.conn.addr, lo, hi);
		lines = sip_iter(m.section);
		while (sip_sdp_conn_next(buf, &lines, &c))
			conns++;
		if (conns != m.n_conn || lines.bad)
			return "c= lines differ";
		e = touch_attrs(buf, m.section);
		if (e)
			return e;
	}
	if (it.bad || n != s.n_media)
		return "checked media cannot be walked";
	return NULL;
}

static const char *touch_bodies(const struct sip_msg *m)
{
	struct sip_body b;
	struct sip_part p;
	const char *e;
	u32 parts = 0;

	sip_body_init(&b, m);
	while (sip_body_next(&b, &p)) {
		IN(p.body, m->body.off, sip_str_end(m->body));
		if (++parts > m->len)
			return "more parts than bytes";
		e = touch_sdp(m->buf, p.body, false);
		if (!e)
			e = touch_sdp(m->buf, p.body, true);
		if (e)
			return e;
	}
	return NULL;
}

/* What the message has kept of From and To is what stands there. */
static const char *touch_kept(const struct sip_msg *m, u32 id)
{
	const struct sip_header *h = sip_msg_header(m, id);
	struct sip_nameaddr a, b;
	u32 used;

	if (!h || !sip_msg_nameaddr(m, id, &a) || sip_nameaddr_parse(m->buf, h->value, &b, &used))
		return "From or To is not there";
	if (memcmp(&a.all, &b.all, sizeof(a.all)) || memcmp(&a.tag, &b.tag, sizeof(a.tag)) ||
	    memcmp(&a.display, &b.display, sizeof(a.display)) ||
	    memcmp(&a.params, &b.params, sizeof(a.params)) || a.bracket != b.bracket ||
	    memcmp(&a.uri, &b.uri, offsetof(struct sip_uri, has_user)))
		return "From or To is another one";
	return NULL;
}

const char *touch_message(const struct sip_msg *m)
{
	static const u8 ids[] = { SIP_H_FROM,	       SIP_H_TO,	   SIP_H_CONTACT,
				  SIP_H_ROUTE,	       SIP_H_RECORD_ROUTE, SIP_H_PATH,
				  SIP_H_SERVICE_ROUTE, SIP_H_REFER_TO,	   SIP_H_REFERRED_BY };
	const char *e;
	u32 i;

	IN(m->body, m->headers_end + 2, m->len);
	IN(m->call_id, m->headers_off, m->headers_end);
	IN(m->from_tag, m->headers_off, m->headers_end);
	IN(m->to_tag, m->headers_off, m->headers_end);
	if (m->request) {
		e = touch_uri(m->buf, &m->ruri, m->start, m->headers_off);
		if (e)
			return e;
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		e = touch_addrs(m, ids[i]);
		if (e)
			return e;
	}
	e = touch_kept(m, SIP_H_FROM);
	if (!e)
		e = touch_kept(m, SIP_H_TO);
	if (!e)
		e = touch_vias(m);
	if (!e)
		e = touch_lists(m);
	if (!e)
		e = touch_bodies(m);
	return e;
}
