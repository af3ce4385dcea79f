// SPDX-License-Identifier: BSD-2-Clause
#include "generate.h"
#include "draw.h"
#include "words.h"

struct gen {
	struct message *m;
	const struct plan *p;
	u8 body_kind;
	bool star;
};

static struct message body;

/* ---- header lines ---- */

static void name(struct message *m, const char *full, const char *compact)
{
	const char *s = compact && rarely(4) ? compact : full;
	bool upper = rarely(8);
	char c;

	for (; *s; s++) {
		c = upper && *s >= 'a' && *s <= 'z' ? (char)(*s - 32) : *s;
		putn(m, &c, 1);
	}
	if (rarely(16))
		put(m, " ");
	put(m, ":");
	if (rarely(8))
		lws(m);
	else
		put(m, " ");
}

/* A comma, or a line of its own. */
static void next_value(struct message *m, const char *full, const char *compact)
{
	if (rarely(3)) {
		put(m, CRLF);
		name(m, full, compact);
	} else {
		lws(m);
		put(m, ",");
		lws(m);
	}
}

static void one_via(struct message *m, bool top)
{
	static const char *const t[] = { "SIP/2.0/UDP ", "SIP/2.0/UDP ", "sip/2.0/udp ",
					 "SIP / 2.0 / UDP " };

	put(m, PICK(t));
	host_port(m, top && m->from_phone && m->request ? IN_VIA : NOWHERE, 5060, IPPROTO_UDP);
	put(m, ";branch=z9hG4bK");
	putu(m, 1 + draw(1u << 30));
	if (top)
		m->has_rport = !rarely(4);
	if (top && m->has_rport)
		put(m, ";rport");
	if (!top && rarely(8)) {
		put(m, ";received=");
		put(m, w.text[PHONE]);
	}
	if (rarely(8))
		put(m, ";x=\"SIP/2.0/UDP h, \\\"\"");
}

static void h_via(struct gen *g)
{
	struct message *m = g->m;
	const struct message *r = g->p->request;
	const struct value *v = NULL;
	u32 i, n = 1 + draw(3);

	name(m, "Via", "v");
	for (i = 0; g->p->status ? (v = value_find(r, F_VIA, i)) != NULL : i < n; i++) {
		struct value *mine;

		if (i)
			next_value(m, "Via", "v");
		mine = value_begin(m, F_VIA);
		if (!g->p->status)
			one_via(m, !i);
		else
			put_back(m, r, v->from, v->more);
		value_end(m, mine);
		if (g->p->status && !i && !m->from_phone && rarely(2)) {
			put(m, ";received=");
			put(m, w.text[PUBLIC]);
		}
	}
	put(m, CRLF);
}

static void whole_value(struct message *m, const struct plan *p, u8 field)
{
	const struct value *v = value_find(p->request, field, 0);

	bool asker = p->request->from_phone == p->request->request;

	/* within a dialog the two sides change places with the direction */
	if (!p->status && m->from_phone != asker && (field == F_FROM || field == F_TO))
		v = value_find(p->request, field == F_FROM ? F_TO : F_FROM, 0);
	put_back(m, p->request, v->from, v->more);
}

static void from_to(struct gen *g, u8 field, const char *tag)
{
	struct message *m = g->m;
	struct value *v;

	if (field == F_FROM)
		name(m, "From", "f");
	else
		name(m, "To", "t");
	v = value_begin(m, field);
	if (g->p->request && (g->p->status || g->p->in_dialog)) {
		whole_value(m, g->p, field);
		/* the first answer gives the tag */
		if (field == F_TO && g->p->status > 100 && !g->p->in_dialog)
			put(m, tag);
	} else {
		address(m, NOWHERE, -1);
		if (field == F_FROM)
			put(m, tag);
	}
	value_end(m, v);
	put(m, CRLF);
}

static void h_from(struct gen *g)
{
	from_to(g, F_FROM, rarely(2) ? " ; tag = a1" : ";tag=a1");
}

static void h_to(struct gen *g)
{
	from_to(g, F_TO, ";tag=b2");
}

static void h_call_id(struct gen *g)
{
	struct message *m = g->m;
	struct value *v;

	name(m, "Call-ID", "i");
	v = value_begin(m, F_CALL_ID);
	if (g->p->request && (g->p->status || g->p->in_dialog)) {
		whole_value(m, g->p, F_CALL_ID);
	} else {
		putu(m, draw(1u << 30));
		put(m, "@");
		put(m, w.text[PHONE]);
	}
	value_end(m, v);
	put(m, CRLF);
}

static void h_cseq(struct gen *g)
{
	name(g->m, "CSeq", NULL);
	putu(g->m, g->p->cseq);
	put(g->m, rarely(8) ? "\r\n  " : " ");
	put(g->m, g->p->method);
	put(g->m, CRLF);
}

static bool is(const struct gen *g, const char *method)
{
	return !strcmp(g->p->method, method);
}

/* What the registrar granted is what was asked for, with a lifetime. */
static void granted(struct gen *g)
{
	const struct value *v;
	u32 i;

	for (i = 0; (v = value_find(g->p->request, F_CONTACT, i)); i++) {
		if (i)
			next_value(g->m, "Contact", "m");
		put(g->m, "<");
		put_back(g->m, g->p->request, v->from, v->more);
		put(g->m, ">;expires=");
		putu(g->m, 60 + draw(3540));
	}
}

static void h_contact(struct gen *g)
{
	struct message *m = g->m;
	u8 use = !m->from_phone ? NOWHERE : g->p->status / 100 == 3 ? IN_REDIRECT : IN_CONTACT;
	bool answer = g->p->status / 100 == 2 && is(g, "REGISTER") && !m->from_phone;
	u32 n = is(g, "REGISTER") || g->p->status / 100 == 3 ? 1 + draw(3) : 1;

	if (g->star || (answer && !value_find(g->p->request, F_CONTACT, 0)))
		return;
	name(m, "Contact", "m");
	if (answer)
		granted(g);
	for (; n && !answer; n--) {
		address(m, use, F_CONTACT);
		params(m);
		if (n > 1)
			next_value(m, "Contact", "m");
	}
	put(m, CRLF);
}

static void h_star(struct gen *g)
{
	if (g->star)
		put(g->m, "Contact: *" CRLF "Expires: 0" CRLF);
}

static void routes(struct gen *g, const char *full, int field, bool copied)
{
	struct message *m = g->m;
	const struct value *v = NULL;
	u32 i, n = 1 + draw(3);

	if (copied && !value_find(g->p->request, (u8)field, 0))
		return;
	name(m, full, NULL);
	for (i = 0; copied ? (v = value_find(g->p->request, (u8)field, i)) != NULL : i < n; i++) {
		if (i)
			next_value(m, full, NULL);
		if (!copied) {
			address(m, m->from_phone ? IN_ROUTE : FOREIGN, field);
		} else {
			put(m, "<");
			put_back(m, g->p->request, v->from, v->more);
			put(m, ">");
		}
		params(m);
	}
	put(m, CRLF);
}

static void h_record_route(struct gen *g)
{
	if (g->p->status || rarely(4))
		routes(g, "Record-Route", F_RECORD_ROUTE, g->p->status);
}

static void h_path(struct gen *g)
{
	if (g->p->status ? is(g, "REGISTER") : rarely(8))
		routes(g, "Path", F_PATH, g->p->status);
}

static void h_route(struct gen *g)
{
	bool back = !g->p->status && g->p->target && !g->m->from_phone &&
		    value_find(g->p->target, F_RECORD_ROUTE, 0);

	if (back) {
		struct plan p = *g->p;
		struct gen h = { .m = g->m, .p = &p };

		p.request = g->p->target;
		routes(&h, "Route", F_RECORD_ROUTE, true);
	} else if (!g->p->status && rarely(4)) {
		routes(g, "Route", -1, false);
	}
}

static void h_service_route(struct gen *g)
{
	if (rarely(16))
		routes(g, "Service-Route", -1, false);
}

static void h_refer(struct gen *g)
{
	if (!is(g, "REFER") && !rarely(32))
		return;
	name(g->m, "Refer-To", "r");
	address(g->m, g->m->from_phone ? IN_REFER : NOWHERE, -1);
	put(g->m, CRLF);
}

static void h_length(struct gen *g)
{
	struct message *m = g->m;
	u32 from;

	if (rarely(6))
		return;
	name(m, "Content-Length", "l");
	from = m->len;
	if (rarely(12))
		put(m, "000");
	putu(m, body.len);
	put_piece(m, LENGTH, from, NULL);
	m->body_len = body.len;
	put(m, CRLF);
}

enum { PLAIN, MIXED, SIGNED, HASHED, ENCODED, OTHER_BODY };

static void h_type(struct gen *g)
{
	static const char *const multi[] = { "multipart/mixed;boundary=bnd",
					     "multipart/alternative; boundary=\"bnd\"",
					     "multipart/related ;\r\n boundary=bnd" };
	struct message *m = g->m;

	if (!body.len)
		return;
	name(m, "Content-Type", "c");
	put(m, g->body_kind == MIXED ? PICK(multi) : g->body_kind == SIGNED ?
	    "multipart/signed;boundary=bnd" : g->body_kind == OTHER_BODY ? "text/plain" :
	    rarely(4) ? "Application/SDP" : "application/sdp");
	put(m, CRLF);
	if (g->body_kind == HASHED)
		put(m, "Authorization: Digest username=\"a\", qop=auth-int, nc=00000001" CRLF);
	if (g->body_kind == ENCODED)
		put(m, "Content-Encoding: gzip" CRLF);
}

static void h_noise(struct gen *g)
{
	static const char *const plain[] = {
		"Max-Forwards: 70", "User-Agent: bench 1.0", "Supported: path, outbound",
		"k: timer", "X-Unknown: ;;,,;;,;", "Subject:", "Allow: INVITE, ACK,\r\n BYE",
		"Date: Sun, 22 Nov 2026 18:00:00 GMT", "Min-Expires: 60", "x: 1800;refresher=uas",
		"Authorization: Digest username=\"a\", realm=\"x, y\", uri=\"sip:b\"",
	};
	static const char *const with[] = { "Subject: ", "User-Agent: ", "X-Route: <sip:",
					    "Server: ", "Warning: 399 h ", "P-Asserted-Identity: <sip:a@",
					    "Referred-By: <sip:", "Call-Info: <http://",
					    "Diversion: <sip:x@", "History-Info: <sip:y@" };
	static u32 used;
	u32 k, i;

	/* each at most once: some must not be repeated */
	for (i = 0, used = 0; rarely(3) && i < 6; i++) {
		k = draw(ARRAY_SIZE(plain) + ARRAY_SIZE(with));
		if (used & (1u << k) || (k >= ARRAY_SIZE(plain) && used & 2 && k % 2) ||
		    ((k == 5 || k == 1 || k >= ARRAY_SIZE(plain)) && used & (1u << 30)))
			continue;
		used |= 1u << k;
		if (k < ARRAY_SIZE(plain)) {
			put(g->m, plain[k]);
			used |= k == 5 || k == 1 ? 1u << 30 : 0;
		} else {
			used |= 1u << 30;
			put(g->m, with[k - ARRAY_SIZE(plain)]);
			put(g->m, w.text[PHONE]);
			if (strchr(with[k - ARRAY_SIZE(plain)], '<'))
				put(g->m, ">");
			else
				look_alike(g->m);
		}
		put(g->m, CRLF);
	}
}

/* ---- bodies ---- */

static void part(const char *type, bool own)
{
	put(&body, "--bnd" CRLF "Content-Type: ");
	put(&body, type);
	put(&body, CRLF CRLF);
	if (strstr(type, "sdp"))
		sdp_put(&body, own);
	else
		put(&body, w.text[PHONE]);
	put(&body, CRLF);
}

static void make_body(struct gen *g)
{
	bool own;

	message_new(&body, g->m->from_phone, g->m->request);
	g->body_kind = g->p->content == SDP_BODY ? PLAIN : OTHER_BODY;
	if (g->p->content == NO_BODY || (g->p->content == ANY_BODY && !rarely(4)))
		return;
	if (g->p->content == SDP_BODY && rarely(6))
		g->body_kind = (u8)(MIXED + draw(4));
	own = g->m->edits && (g->body_kind == PLAIN || g->body_kind == MIXED);
	if (g->body_kind == OTHER_BODY) {
		look_alike(&body);
		put(&body, "\r\nc=IN IP4 10.0.0.1\r\n\r\n");
	} else if (g->body_kind == MIXED || g->body_kind == SIGNED) {
		if (rarely(2))
			part("text/plain", false);
		part("application/sdp", own);
		if (rarely(2))
			part("application/isup", false);
		put(&body, "--bnd--" CRLF);
	} else {
		sdp_put(&body, own);
	}
}

static void append_body(struct message *m)
{
	const struct piece *p;
	struct piece *q;

	m->body = m->len;
	m->n++;
	SHIM_BUG_ON(m->n + body.n > PIECES || m->len + body.len + 64 > TEXT_MAX);
	m->piece[m->n - 1] = (struct piece){ .kind = KEEP, .off = m->len, .name = -1 };
	for (p = body.piece; p < body.piece + body.n; p++) {
		q = &m->piece[m->n++];
		*q = *p;
		q->off += m->body;
	}
	memcpy(m->text + m->len, body.text, body.len);
	m->len += body.len;
}

/* ---- the whole ---- */

static void start_line(struct gen *g)
{
	static const char *const reason[] = { "OK", "", "Ringing; 192.168.1.2", "caf\xc3\xa9" };
	const struct plan *p = g->p;
	const struct value *v;
	struct message *m = g->m;

	if (rarely(16))
		put(m, CRLF);
	if (p->status) {
		put(m, "SIP/2.0 ");
		putu(m, p->status);
		put(m, " ");
		put(m, PICK(reason));
		put(m, CRLF);
		return;
	}
	put(m, p->method);
	put(m, " ");
	v = p->target ? value_find(p->target, F_CONTACT, p->target_i) : NULL;
	if (v)
		put_back(m, p->target, v->from, v->to);
	else
		uri(m, NOWHERE, true, NULL);
	put(m, " SIP/2.0" CRLF);
}

void generate(struct message *m, bool from_phone, const struct plan *p)
{
	static void (*const all[])(struct gen *g) = {
		h_via, h_from, h_to, h_call_id, h_cseq, h_contact, h_star, h_record_route, h_path,
		h_route, h_service_route, h_refer, h_length, h_type, h_noise,
	};
	void (*order[ARRAY_SIZE(all)])(struct gen *g);
	struct gen g = { .m = m, .p = p };
	u32 i, j;

	message_new(m, from_phone, !p->status);
	m->status = p->status;
	g.star = is(&g, "REGISTER") && !p->status && rarely(8);
	make_body(&g);
	memcpy(order, all, sizeof(all));
	for (i = ARRAY_SIZE(all) - 1; i; i--) {
		j = i - draw(i + 1);
		swap(order[i], order[j]);
	}
	start_line(&g);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		order[i](&g);
	put(m, CRLF);
	append_body(m);
	/* a datagram may be longer than its message */
	if (m->body_len && rarely(8) && from_phone)
		put(m, "rest of the datagram");
}
