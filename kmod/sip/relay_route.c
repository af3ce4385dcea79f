// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Record-Route, Route and Request-URI. RFC 3261 16.4, 16.6, 16.12; RFC 5658. */
#include "hop.h"

/* A URI as it may stand in a request line: without headers. RFC 3261 19.1.5. */
static struct sip_str line_uri(const struct sip_uri *u)
{
	return u->headers.len ? sip_slice(u->all.off, u->headers.off) : u->all;
}

u32 sip_work_routes(const struct sip_msg *m)
{
	struct sip_nameaddr a;
	struct sip_walk w;
	u32 n = 0;

	sip_walk_init(&w, m, SIP_H_ROUTE);
	while (sip_nameaddr_next(&w, &a))
		n++;
	return n;
}

/* ---- Record-Route ---- */

static bool makes_dialog(const struct sip_msg *m)
{
	return m->method == SIP_M_INVITE || m->method == SIP_M_SUBSCRIBE ||
	       m->method == SIP_M_REFER || m->method == SIP_M_NOTIFY || m->method == SIP_M_UPDATE;
}

static bool same_side(const struct sip_hop *a, const struct sip_hop *b)
{
	return a->zone == b->zone && a->transport == b->transport &&
	       sip_end_equal(&a->local, &b->local);
}

/* Our address on one side, with the peer there. */
static u32 print_route(struct sip_work *w, u8 *out, const struct sip_hop *hop, bool peer)
{
	struct sip_token_of of = { .key = sip_work_key(w),
				   .own = &hop->local,
				   .call_id = w->m->buf + w->m->call_id.off,
				   .call_id_len = w->m->call_id.len };
	struct sip_token t = { .flags = SIP_TOKEN_ROUTE, .zone = hop->zone };
	u32 n;

	if (peer) {
		t.end = hop->remote;
		t.ifindex = sip_work_is_local(&t.end) ? hop->ifindex : 0;
	}
	n = sip_work_copy(out, "Record-Route: <");
	n += sip_work_copy(out + n, w->m->ruri.scheme == SIP_URI_SIPS ? "sips:" : "sip:");
	n += sip_end_print(out + n, &hop->local);
	if (hop->transport == SIP_T_TCP)
		n += sip_work_copy(out + n, ";transport=tcp");
	n += sip_work_copy(out + n, ";lr");
	n += sip_token_print(out + n, &t, 0, &of);
	return n + sip_work_copy(out + n, ">\r\n");
}

/* The side that the request leaves on comes first: RFC 5658 3.3. */
void sip_work_record(struct sip_work *w)
{
	const struct sip_header *h = sip_msg_header(w->m, SIP_H_RECORD_ROUTE);
	const struct sip_relay *r = w->r;
	bool one = same_side(&r->from, &r->to);
	u8 *text = w->r->text;
	u32 n;

	if (!makes_dialog(w->m))
		return;
	n = print_route(w, text, &r->to, !one);
	if (!one)
		n += print_route(w, text + n, &r->from, true);
	if (!h)
		h = sip_msg_header(w->m, SIP_H_VIA);
	sip_work_insert(w, h->off, text, n, SIP_FIELD_RECORD_ROUTE);
}

/* ---- Route ---- */

/* Values of one header that stay: those numbered from .first up to, not including, .end. */
struct keep {
	u32 first, end;
	u32 off, stop; /* of those on the line in hand; .stop 0: none */
};

static void close_line(struct sip_work *w, const struct keep *k, u32 line)
{
	const struct sip_header *h;

	if (line == SIP_NO_HEADER)
		return;
	h = &w->m->headers[line];
	if (!k->stop) {
		sip_work_erase(w, h->off, h->end, SIP_FIELD_ROUTE);
		return;
	}
	sip_work_erase(w, h->value.off, k->off, SIP_FIELD_ROUTE);
	sip_work_erase(w, k->stop, sip_str_end(h->value), SIP_FIELD_ROUTE);
}

static void keep_routes(struct sip_work *w, struct keep *k)
{
	struct sip_nameaddr a;
	struct sip_walk walk;
	u32 line = SIP_NO_HEADER;
	u32 i = 0;

	sip_walk_init(&walk, w->m, SIP_H_ROUTE);
	for (; sip_nameaddr_next(&walk, &a); i++) {
		if (walk.line != line) {
			close_line(w, k, line);
			line = walk.line;
			k->stop = 0;
		}
		if (i < k->first || i >= k->end)
			continue;
		if (!k->stop)
			k->off = a.all.off;
		k->stop = sip_str_end(a.all);
	}
	close_line(w, k, line);
}

/* RFC 3261 16.6, item 6: the next hop is a strict router, the target goes to the end. */
static void append_route(struct sip_work *w, const u8 *uri, u32 len)
{
	const struct sip_header *h = &w->m->headers[w->m->last[SIP_H_ROUTE]];

	sip_work_insert(w, h->end, "Route: <", 8, SIP_FIELD_ROUTE);
	sip_work_insert(w, h->end, uri, len, SIP_FIELD_ROUTE);
	sip_work_insert(w, h->end, ">\r\n", 3, SIP_FIELD_ROUTE);
}

void sip_work_pop_routes(struct sip_work *w)
{
	const struct sip_relay_look *l = &w->r->look;
	struct keep k = { .first = l->n_own + (l->has_next && l->strict_next ? 1u : 0u),
			  .end = sip_work_routes(w->m) - (l->strict_in ? 1 : 0) };

	if (k.first || l->strict_in)
		keep_routes(w, &k);
}

/* ---- Request-URI ---- */

/* Host and port as the phone wrote them; of a URI that lost its token, where it is heard. */
static u32 written(const struct sip_relay *r, u8 text[SIP_END_TEXT], const u8 **out)
{
	const struct sip_token *t = &r->look.contact;
	bool known = r->look.has_contact && !(t->flags & SIP_TOKEN_HASH);
	const struct sip_end *e = known ? &t->end : &r->to.remote;

	if (t->flags & SIP_TOKEN_HASH && r->hostport) {
		*out = r->hostport;
		return r->hostport_len;
	}
	*out = text;
	return sip_host_print(text, e->kind, e->addr,
			      t->flags & SIP_TOKEN_NO_PORT ? 0 : e->port);
}

/* The Request-URI in one piece: @at of @buf, in r->text where it had to be put together. */
static struct sip_str whole_target(struct sip_work *w, const u8 **buf)
{
	struct sip_relay *r = w->r;
	const struct sip_relay_look *l = &r->look;
	const struct sip_str all = line_uri(&l->ruri);
	struct sip_str piece[4] = { { 0 } };
	u8 text[SIP_END_TEXT];
	const u8 *host = NULL;
	u32 n = 0;
	u32 i;

	*buf = r->target ? r->target : w->m->buf;
	if (r->target)
		return sip_slice(0, r->target_len);
	if (!l->has_contact && !l->lost)
		return all;
	piece[0] = sip_slice(all.off, l->ruri.host.all.off);
	piece[1] = sip_slice(0, written(r, text, &host));
	piece[2] = sip_slice(sip_str_end(l->ruri.host.all),
			     l->lost ? sip_str_end(all) : l->contact.at.off);
	if (!l->lost)
		piece[3] = sip_slice(sip_str_end(l->contact.at), sip_str_end(all));
	for (i = 0; i < 4; i++) {
		if (piece[i].len > sizeof(r->text) - n) {
			w->result = SIP_RELAY_TOO_BIG;
			return all;
		}
		memcpy(r->text + n, (i == 1 ? host : w->m->buf) + piece[i].off, piece[i].len);
		n += piece[i].len;
	}
	*buf = r->text;
	return sip_slice(0, n);
}

void sip_work_target(struct sip_work *w)
{
	const struct sip_relay_look *l = &w->r->look;
	struct sip_str at = w->m->ruri.all;
	struct sip_uri u;
	struct sip_str s;
	const u8 *buf;

	s = whole_target(w, &buf);
	if (w->result)
		return;
	if (sip_uri_parse(buf, s, &u)) {
		w->result = SIP_RELAY_BAD_TARGET;
		return;
	}
	s = line_uri(&u);
	if (l->has_next && l->strict_next) {
		append_route(w, buf + s.off, s.len);
		s = line_uri(&l->next.uri);
		buf = w->m->buf;
	}
	if (s.len != at.len || memcmp(buf + s.off, w->m->buf + at.off, s.len))
		sip_work_put(w, at, buf + s.off, s.len, SIP_FIELD_RURI);
}

