// SPDX-License-Identifier: BSD-2-Clause
#include "relayed.h"

#include <stdio.h>

static const u8 edited[] = { SIP_H_VIA, SIP_H_MAX_FORWARDS, SIP_H_ROUTE, SIP_H_RECORD_ROUTE,
			     SIP_H_CONTACT };

/* The next header line, folds included; false at the end. */
static bool next_line(const struct sip_msg *m, u32 *pos, struct sip_str *line)
{
	u32 p = *pos;

	if (p >= m->headers_end)
		return false;
	do {
		while (m->buf[p] != '\n')
			p++;
		p++;
	} while (p < m->headers_end && (m->buf[p] == ' ' || m->buf[p] == '\t'));
	*line = sip_slice(*pos, p);
	*pos = p;
	return true;
}

static const u8 secret[] = { SIP_H_PROXY_AUTHORIZATION, SIP_H_AUTHORIZATION };
static const u8 identity[] = { SIP_H_P_ASSERTED_IDENTITY, SIP_H_P_PREFERRED_IDENTITY };

static bool is_one_of(const struct sip_msg *m, struct sip_str line, const u8 *ids, u32 n)
{
	u32 i, k;

	for (i = 0; i < m->n_headers; i++)
		for (k = 0; k < n; k++)
			if (m->headers[i].off == line.off && m->headers[i].id == ids[k])
				return true;
	return false;
}

/* Credentials and identities are looked at by themselves. */
static bool is_edited(const struct sip_msg *m, struct sip_str line)
{
	return is_one_of(m, line, edited, sizeof(edited)) ||
	       is_one_of(m, line, secret, sizeof(secret)) ||
	       is_one_of(m, line, identity, sizeof(identity));
}

static bool next_kept(const struct sip_msg *m, u32 *pos, struct sip_str *line)
{
	do {
		if (!next_line(m, pos, line))
			return false;
	} while (is_edited(m, *line));
	return true;
}

/* All lines but those of these headers, in order, and everything behind the headers. */
static const char *same_rest(const struct sip_msg *a, const struct sip_msg *b)
{
	u32 pa = a->headers_off, pb = b->headers_off;
	struct sip_str la, lb;
	bool more;

	do {
		more = next_kept(a, &pa, &la);
		if (next_kept(b, &pb, &lb) != more)
			return "a header line more or less";
		if (more && !sip_str_eq(a->buf, la, b->buf, lb))
			return "a header line that is not to be edited";
	} while (more);
	if (!sip_str_eq(a->buf, sip_slice(a->headers_end, a->len), b->buf,
			sip_slice(b->headers_end, b->len)))
		return "the body";
	return NULL;
}

static bool next_secret(const struct sip_msg *m, u32 *pos, struct sip_str *line)
{
	do {
		if (!next_line(m, pos, line))
			return false;
	} while (!is_one_of(m, *line, secret, sizeof(secret)));
	return true;
}

/* As the grammar has it: 1 it is for a realm of ours, 0 for another one, -1 it cannot be read. */
static int is_for_us(const struct sip_relay *r, const struct sip_msg *m, struct sip_str line)
{
	static const u8 registrars = SIP_H_AUTHORIZATION;
	u32 colon = sip_find_byte(m->buf, line.off, sip_str_end(line), ':');
	struct sip_param p;
	struct sip_auth a;
	struct sip_iter it;
	bool own = false;
	u8 text[1024];
	u32 n;

	if (!r->realm || !m->request ||
	    (m->method == SIP_M_REGISTER && is_one_of(m, line, &registrars, 1)))
		return 0;
	line = sip_str_trim(m->buf, sip_slice(colon + 1, sip_str_end(line)));
	if (sip_auth_parse(m->buf, line, &a) || !a.digest)
		return -1;
	it = sip_iter(a.params);
	while (!own && sip_auth_next(m->buf, &it, &p)) {
		n = sip_unquote(m->buf, p.value, text, sizeof(text));
		own = SIP_IS(m->buf, p.name, "realm") && n <= sizeof(text) &&
		      r->realm(r->arg, text, n);
	}
	return own;
}

/* Of the lines with credentials those for us go, and no other. */
static const char *same_secrets(const struct sip_relay *r, const struct sip_msg *in,
				const struct sip_msg *out)
{
	u32 pa = in->headers_off, pb = out->headers_off;
	struct sip_str la, lb;
	bool more = next_secret(out, &pb, &lb);

	while (next_secret(in, &pa, &la)) {
		bool there = more && sip_str_eq(in->buf, la, out->buf, lb);
		int own = is_for_us(r, in, la);

		if (own >= 0 && there == (own > 0))
			return own ? "credentials for us" : "credentials for others";
		if (there)
			more = next_secret(out, &pb, &lb);
	}
	return more ? "credentials too many" : NULL;
}

/* All lines of one header stay, or all go. */
static bool all_or_none(const struct sip_msg *in, const struct sip_msg *out, u32 id, bool *gone)
{
	const struct sip_header *a = sip_msg_header(in, id), *b = sip_msg_header(out, id);

	*gone = a && !b;
	for (; a && b; a = sip_msg_next(in, a), b = sip_msg_next(out, b))
		if (!sip_str_eq(in->buf, sip_slice(a->off, a->end), out->buf,
				sip_slice(b->off, b->end)))
			return false;
	return *gone || (!a && !b);
}

static const char *same_identities(const struct sip_relay *r, const struct sip_msg *in,
				   const struct sip_msg *out)
{
	bool from = !r->believed && r->stranger && r->stranger(r->arg, &r->from);
	bool to = r->stranger && r->stranger(r->arg, &r->to);
	bool asserted, preferred;

	if (!all_or_none(in, out, SIP_H_P_ASSERTED_IDENTITY, &asserted) ||
	    !all_or_none(in, out, SIP_H_P_PREFERRED_IDENTITY, &preferred))
		return "an identity";
	if (preferred != (r->disowned && sip_msg_header(in, SIP_H_P_PREFERRED_IDENTITY)))
		return "P-Preferred-Identity";
	if (!sip_msg_header(in, SIP_H_P_ASSERTED_IDENTITY) ||
	    (to && sip_msg_header(in, SIP_H_PRIVACY)))
		return NULL;
	return asserted == (from || r->disowned) ? NULL : "P-Asserted-Identity";
}

/* The lists of one header: those of @a behind @skip_a are those of @b behind @skip_b? */
static bool same_list(const struct sip_msg *a, u32 skip_a, const struct sip_msg *b, u32 skip_b,
		      u32 id)
{
	struct sip_nameaddr x, y;
	struct sip_walk wa, wb;
	bool more;

	sip_walk_init(&wa, a, id);
	sip_walk_init(&wb, b, id);
	while (skip_a--)
		if (!sip_nameaddr_next(&wa, &x))
			return false;
	while (skip_b--)
		if (!sip_nameaddr_next(&wb, &y))
			return false;
	do {
		more = sip_nameaddr_next(&wa, &x);
		if (sip_nameaddr_next(&wb, &y) != more)
			return false;
		if (more && !sip_str_eq(a->buf, x.all, b->buf, y.all))
			return false;
	} while (more);
	return true;
}

static u32 count(const struct sip_msg *m, u32 id)
{
	struct sip_nameaddr a;
	struct sip_walk w;
	u32 n = 0;

	sip_walk_init(&w, m, id);
	while (sip_nameaddr_next(&w, &a))
		n++;
	return n;
}

/* ---- Contact ---- */

/* Host and port are ours, and the token says what they were. */
static const char *masked(const struct sip_relay *r, const struct sip_msg *in,
			  const struct sip_nameaddr *a, const struct sip_msg *out,
			  const struct sip_nameaddr *b)
{
	const struct sip_str none = { 0 };
	struct sip_token t;
	struct sip_end own, was;

	if (!sip_end_of(&b->uri.host, &own) || !sip_end_equal(&own, &r->to.local))
		return "a Contact with another host than ours";
	if (!b->bracket)
		return "a Contact whose token is not of its URI";
	if (!sip_token_find(out->buf, &b->uri, none, r->key, &t))
		return sip_token_name(in->buf, &a->uri) == SIP_TOKEN_NAMES ? NULL :
									     "no token";
	if (t.at.len > 25)
		return "a token of more than 24 characters";
	if (b->uri.params.len != a->uri.params.len + t.at.len)
		return "the parameters of a Contact";
	if (t.flags & SIP_TOKEN_HASH)
		return a->uri.host.kind == SIP_HOST_IP4 ? "a hash for nothing" : NULL;
	sip_end_of(&a->uri.host, &was);
	if (!sip_end_equal(&was, &t.end) ||
	    !(t.flags & SIP_TOKEN_NO_PORT) != !!a->uri.host.port_num)
		return "a token of another host";
	return NULL;
}

static const char *same_contacts(const struct sip_relay *r, const struct sip_msg *in,
				 const struct sip_msg *out)
{
	struct sip_nameaddr a, b;
	struct sip_walk wa, wb;
	const char *bad = NULL;

	if (count(in, SIP_H_CONTACT) != count(out, SIP_H_CONTACT))
		return "the number of Contacts";
	sip_walk_init(&wa, in, SIP_H_CONTACT);
	sip_walk_init(&wb, out, SIP_H_CONTACT);
	while (!bad && sip_nameaddr_next(&wa, &a) && sip_nameaddr_next(&wb, &b)) {
		if (sip_str_eq(in->buf, a.all, out->buf, b.all))
			continue;
		if (in->method == SIP_M_REGISTER && (!in->request || !r->registers ||
						     !r->registers(r->arg, &a)))
			return "a Contact of a registration";
		if (!sip_str_eq(in->buf, a.display, out->buf, b.display) ||
		    !sip_str_eq(in->buf, a.params, out->buf, b.params) ||
		    !sip_str_eq(in->buf, a.uri.user, out->buf, b.uri.user) ||
		    !sip_str_eq(in->buf, a.uri.password, out->buf, b.uri.password) ||
		    !sip_str_eq(in->buf, a.uri.headers, out->buf, b.uri.headers))
			return "more of a Contact than its host and a token";
		bad = masked(r, in, &a, out, &b);
	}
	return bad;
}

/* ---- Via ---- */

/* Behind the first @skip Vias of @b, all of @a; the first of them apart from received and rport. */
static const char *same_vias(const struct sip_msg *a, const struct sip_msg *b, u32 skip)
{
	struct sip_via x, y;
	struct sip_walk wa, wb;
	u32 i = 0;

	sip_walk_init(&wa, a, SIP_H_VIA);
	sip_walk_init(&wb, b, SIP_H_VIA);
	while (skip--)
		if (!sip_via_next(&wb, &y))
			return "a Via is missing";
	for (; sip_via_next(&wa, &x); i++) {
		if (!sip_via_next(&wb, &y))
			return "a Via is missing";
		if (!i && (!sip_str_eq(a->buf, x.sent_by.all, b->buf, y.sent_by.all) ||
			   !sip_str_eq(a->buf, x.branch, b->buf, y.branch) ||
			   x.transport_id != y.transport_id || x.ttl != y.ttl))
			return "the Via of the sender";
		if (i && !sip_str_eq(a->buf, x.all, b->buf, y.all))
			return "a Via of others";
	}
	return sip_via_next(&wb, &y) ? "a Via too many" : NULL;
}

static bool is_end(const u8 *buf, struct sip_str s, const struct sip_end *e)
{
	struct sip_host h;

	return !sip_host_lone(buf, s, &h) && h.kind == e->kind && !memcmp(h.addr, e->addr, 16);
}

/* RFC 3261 18.2.1, 3581 4. */
static const char *marked(const struct sip_relay *r, const struct sip_msg *in,
			  const struct sip_msg *out)
{
	struct sip_via v;
	struct sip_walk w;
	struct sip_end e;

	sip_walk_init(&w, out, SIP_H_VIA);
	if (!sip_via_next(&w, &v) || !sip_end_of(&v.sent_by, &e) ||
	    !sip_end_equal(&e, &r->to.local))
		return "our Via";
	if (!sip_via_next(&w, &v))
		return "the Via of the sender is gone";
	if (v.received.len && !is_end(out->buf, v.received, &r->from.remote))
		return "received is not the source";
	sip_end_of(&v.sent_by, &e);
	if (!v.received.len && (e.kind != r->from.remote.kind ||
				memcmp(e.addr, r->from.remote.addr, 16)))
		return "no received";
	if (in->via.has_rport && v.rport_num != r->from.remote.port)
		return "rport is not the source";
	return v.has_rport == in->via.has_rport ? NULL : "an rport that nobody asked for";
}

/* ---- requests ---- */

static const char *routed(const struct sip_relay *r, const struct sip_msg *in,
			  const struct sip_msg *out)
{
	u32 recorded = count(out, SIP_H_RECORD_ROUTE) - count(in, SIP_H_RECORD_ROUTE);
	const struct sip_relay_look *l = &r->look;

	if (recorded > 2 || !same_list(out, recorded, in, 0, SIP_H_RECORD_ROUTE))
		return "Record-Route";
	if ((recorded != 0) != (in->method == SIP_M_INVITE || in->method == SIP_M_SUBSCRIBE ||
				in->method == SIP_M_REFER || in->method == SIP_M_NOTIFY ||
				in->method == SIP_M_UPDATE))
		return "recorded, or not";
	if (l->strict_in || (l->has_next && l->strict_next))
		return count(in, SIP_H_ROUTE) - l->n_own - l->strict_in ==
		       count(out, SIP_H_ROUTE) ? NULL : "Route of a strict router";
	return same_list(out, 0, in, l->n_own, SIP_H_ROUTE) ? NULL : "Route";
}

const char *relayed_request(const struct sip_relay *r, const struct sip_msg *in,
			    const struct sip_msg *out)
{
	const struct sip_relay_look *l = &r->look;
	const char *bad;

	if (!out->request || !sip_str_eq(in->buf, in->method_name, out->buf, out->method_name))
		return "the method";
	if (!r->target && !l->has_contact && !l->lost && !l->strict_in &&
	    !(l->has_next && l->strict_next) && !in->ruri.headers.len &&
	    !sip_str_eq(in->buf, in->ruri.all, out->buf, out->ruri.all))
		return "the Request-URI";
	if (out->max_forwards != (in->has_max_forwards ? in->max_forwards - 1 : 70))
		return "Max-Forwards";
	bad = same_rest(in, out);
	if (!bad)
		bad = same_secrets(r, in, out);
	if (!bad)
		bad = same_identities(r, in, out);
	if (!bad)
		bad = same_vias(in, out, 1);
	if (!bad)
		bad = marked(r, in, out);
	if (!bad)
		bad = routed(r, in, out);
	return bad ? bad : same_contacts(r, in, out);
}

/* ---- responses ---- */

const char *relayed_response(const struct sip_relay *r, const struct sip_msg *in,
			     const struct sip_msg *out)
{
	const char *bad = same_rest(in, out);

	if (out->request || out->status != in->status)
		return "the status";
	if (!bad)
		bad = same_secrets(r, in, out);
	if (!bad)
		bad = same_identities(r, in, out);
	if (!bad)
		bad = same_vias(out, in, 1);
	if (!bad && (!same_list(in, 0, out, 0, SIP_H_ROUTE) ||
		     !same_list(in, 0, out, 0, SIP_H_RECORD_ROUTE)))
		bad = "Route or Record-Route";
	return bad ? bad : same_contacts(r, in, out);
}

static u32 append(u8 *out, u32 n, u32 cap, const void *p, u32 len)
{
	if (!n || len > cap - n)
		return 0;
	memcpy(out + n, p, len);
	return n + len;
}

u32 relayed_answer(const struct sip_msg *request, u32 code, u8 *out, u32 cap)
{
	static const u8 copied[] = { SIP_H_VIA, SIP_H_RECORD_ROUTE, SIP_H_FROM, SIP_H_TO,
				     SIP_H_CALL_ID };
	static const char rest[] = "Contact: <sip:me@192.168.1.10:5062;x>, \"a\" <sip:[fd00::7]>\r\n"
				   "Content-Length: 0\r\n\r\n";
	const struct sip_header *h;
	char line[200];
	u32 n, i;

	n = (u32)snprintf((char *)out, cap, "SIP/2.0 %u Fine\r\n", code);
	for (i = 0; i < sizeof(copied); i++)
		for (h = sip_msg_header(request, copied[i]); h; h = sip_msg_next(request, h))
			n = append(out, n, cap, request->buf + h->off, h->end - h->off);
	if (request->method_name.len > 100)
		return 0;
	n = append(out, n, cap, line,
		   (u32)snprintf(line, sizeof(line), "CSeq: %u %.*s\r\n", request->cseq.num,
				 (int)request->method_name.len,
				 (const char *)request->buf + request->method_name.off));
	return append(out, n, cap, rest, sizeof(rest) - 1);
}
