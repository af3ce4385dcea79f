// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Via: branches that need no memory. RFC 3261 16.6 (8), 16.11, 18.2; RFC 3581, RFC 5393. */
#include "hop.h"

/* ---- branches ---- */

enum label { LABEL_LOOP = 'L', LABEL_BRANCH = 'B', LABEL_TXN = 'T' };

/* The Via behind ours as it stands when we have left our mark: where an answer goes. */
struct back {
	struct sip_end received; /* .kind NONE: the sent-by is the address */
	struct sip_end sent_by;  /* .kind NONE: it is a name */
	u16 rport;               /* 0: none */
};

static void hash_slice(struct sip_hash *h, const u8 *buf, struct sip_str s)
{
	sip_hash_bytes(h, buf + s.off, s.len);
}

/* What routing looks at, and nothing that a hop changes: RFC 5393 4.2.2. */
static void loop_hash(struct sip_work *w, const u8 *key, u8 out[5])
{
	const struct sip_msg *m = w->m;
	struct sip_nameaddr a;
	struct sip_hash h;
	struct sip_walk walk;
	u32 skip = w->r->look.n_own;
	u64 n;
	u32 i;

	sip_token_hash_init(&h, key, LABEL_LOOP);
	sip_hash_u32(&h, w->r->from.zone);
	sip_hash_u32(&h, m->cseq.num);
	hash_slice(&h, m->buf, m->call_id);
	hash_slice(&h, m->buf, m->from_tag);
	hash_slice(&h, m->buf, w->r->look.ruri.all);
	sip_walk_init(&walk, m, SIP_H_ROUTE);
	while (sip_nameaddr_next(&walk, &a)) {
		if (skip)
			skip--;
		else
			hash_slice(&h, m->buf, a.uri.all);
	}
	n = sip_hash_final(&h);
	for (i = 0; i < 5; i++)
		out[i] = (u8)(n >> i * 8);
}

/* All that an answer must bring back unchanged. */
struct sealed {
	const struct sip_branch *b;
	const struct sip_end *own; /* our sent-by */
	const struct sip_via *v;   /* the next Via */
	const struct back *back;
};

static void branch_mac(const struct sip_msg *m, const u8 *key, const struct sealed *s, u8 mac[8])
{
	u8 body[SIP_BRANCH_BODY];
	struct sip_hash h;
	u32 i;
	u64 n;
	u8 c;

	sip_token_hash_init(&h, key, LABEL_BRANCH);
	sip_hash_bytes(&h, body, sip_branch_body(body, s->b));
	sip_hash_end(&h, s->own);
	sip_hash_u32(&h, m->cseq.num);
	hash_slice(&h, m->buf, m->call_id);
	hash_slice(&h, m->buf, s->v->branch);
	sip_hash_u32(&h, (u32)s->v->transport_id << 16 | s->back->rport);
	sip_hash_end(&h, &s->back->received);
	sip_hash_end(&h, &s->back->sent_by);
	if (s->back->sent_by.kind == SIP_HOST_NONE) {
		sip_hash_u32(&h, s->v->sent_by.port_num);
		for (i = 0; i < s->v->sent_by.host.len; i++) {
			c = sip_lower(m->buf[s->v->sent_by.host.off + i]);
			sip_hash_raw(&h, &c, 1);
		}
	}
	n = sip_hash_final(&h);
	for (i = 0; i < 8; i++)
		mac[i] = (u8)(n >> i * 8);
}

u64 sip_relay_txn(const u8 key[SIP_HASH_KEY], const struct sip_msg *m, const struct sip_hop *from)
{
	struct sip_hash h;

	sip_token_hash_init(&h, key, LABEL_TXN);
	sip_hash_u32(&h, m->cseq.num);
	sip_hash_end(&h, &from->remote);
	hash_slice(&h, m->buf, m->via.branch);
	hash_slice(&h, m->buf, m->via.sent_by.all);
	hash_slice(&h, m->buf, m->call_id);
	hash_slice(&h, m->buf, m->from_tag);
	hash_slice(&h, m->buf, m->ruri.all);
	return sip_hash_final(&h);
}

enum sip_owner sip_relay_owner(const struct sip_msg *m)
{
	struct sip_branch b;

	return sip_branch_read(m->buf, m->via.branch, &b) ? b.owner : SIP_OWNER_NONE;
}

/* ---- Via of a request ---- */

/* RFC 3261 18.2.1, 3581 4: where it came from, not where it says. */
static void leave_mark(struct sip_work *w, struct back *b)
{
	const struct sip_via *v = &w->m->via;
	const struct sip_end *src = &w->r->from.remote;
	u32 end = sip_str_end(v->all);
	u8 text[16 + SIP_IP6_TEXT];
	u32 n;

	memset(b, 0, sizeof(*b));
	sip_end_of(&v->sent_by, &b->sent_by);
	if (v->received.len || v->has_rport || b->sent_by.kind != src->kind ||
	    memcmp(b->sent_by.addr, src->addr, 16)) {
		b->received = *src;
		b->received.port = 0;
		n = v->received.len ? 0 : sip_work_copy(text, ";received=");
		n += src->kind == SIP_HOST_IP6 ? sip_ip6_print(text + n, src->addr) :
						 sip_ip4_print(text + n, src->addr);
		sip_work_put(w, v->received.len ? v->received : sip_slice(end, end), text, n,
		    SIP_FIELD_VIA);
	}
	if (v->has_rport) {
		b->rport = src->port;
		n = sip_work_copy(text, "rport=");
		n += sip_u32_print(text + n, src->port);
		sip_work_put(w, v->rport, text, n, SIP_FIELD_VIA);
	}
}

/* A Via of ours that was routed by the same: RFC 3261 16.3, item 4. */
bool sip_work_is_loop(struct sip_work *w)
{
	struct sip_branch b;
	struct sip_walk walk;
	struct sip_via v;
	u8 now[5], old[5];
	bool known = false;

	sip_walk_init(&walk, w->m, SIP_H_VIA);
	while (sip_via_next(&walk, &v)) {
		if (!sip_branch_read(w->m->buf, v.branch, &b))
			continue;
		if (!known) {
			loop_hash(w, w->r->key->key[0], now);
			loop_hash(w, w->r->key->key[w->r->key->has_old], old);
			known = true;
		}
		if (!memcmp(b.loop, now, 5) || !memcmp(b.loop, old, 5))
			return true;
	}
	return false;
}

static u32 print_transport(u8 *out, u8 id)
{
	return sip_work_copy(out, id == SIP_T_TCP ? "TCP" : id == SIP_T_TLS ? "TLS" : "UDP");
}

static void fill_branch(struct sip_work *w, const struct back *back, struct sip_branch *b)
{
	struct sip_relay *r = w->r;
	const u8 *key = sip_work_key(w);
	struct sealed s = { .b = b, .own = &r->to.local, .v = &w->m->via, .back = back };

	memset(b, 0, sizeof(*b));
	b->local = r->from.local;
	b->ifindex = sip_work_is_local(&r->from.remote) ? r->from.ifindex : 0;
	b->zone = r->from.zone;
	b->fork = r->fork;
	b->owner = r->owner;
	loop_hash(w, key, b->loop);
	branch_mac(w->m, key, &s, b->mac);
}

void sip_work_push_via(struct sip_work *w)
{
	u8 *text = w->r->text;
	struct sip_branch b;
	struct back back;
	u32 n;

	leave_mark(w, &back);
	fill_branch(w, &back, &b);
	n = sip_work_copy(text, "Via: SIP/2.0/");
	n += print_transport(text + n, w->r->to.transport);
	text[n++] = ' ';
	n += sip_end_print(text + n, &w->r->to.local);
	n += sip_work_copy(text + n, ";branch=");
	n += sip_branch_print(text + n, &b);
	n += sip_work_copy(text + n, "\r\n");
	sip_work_insert(w, sip_msg_header(w->m, SIP_H_VIA)->off, text, n, SIP_FIELD_VIA);
}


/* ---- Via of a response ---- */

static bool read_back(const struct sip_msg *m, const struct sip_via *v, struct back *b)
{
	struct sip_host h;

	memset(b, 0, sizeof(*b));
	sip_end_of(&v->sent_by, &b->sent_by);
	b->rport = v->rport_num;
	if (!v->received.len)
		return b->sent_by.kind != SIP_HOST_NONE;
	memset(&h, 0, sizeof(h));
	if (sip_host_lone(m->buf, v->received, &h) || !sip_end_of(&h, &b->received))
		return false;
	b->received.port = 0;
	return true;
}

/*
 * RFC 3261 18.2.2, 3581 4. Not to a maddr: that would let anybody aim answers at others; they go
 * where the request came from.
 */
static void way_back(struct sip_relay *r, const struct sealed *s)
{
	struct sip_end *to = &r->to.remote;

	memset(&r->to, 0, sizeof(r->to));
	*to = s->back->received.kind != SIP_HOST_NONE ? s->back->received : s->back->sent_by;
	to->port = s->back->rport ? s->back->rport : s->v->sent_by.port_num;
	if (!to->port)
		to->port = SIP_PORT;
	r->to.local = s->b->local;
	r->to.ifindex = s->b->ifindex;
	r->to.zone = s->b->zone;
	r->to.transport = s->v->transport_id;
	r->owner = s->b->owner;
	r->fork = s->b->fork;
}

/* Does the MAC agree with one of our keys? */
static bool is_true(struct sip_work *w, const struct sealed *s)
{
	u8 mac[8];

	for (w->key = 0; w->key <= w->r->key->has_old; w->key++) {
		branch_mac(w->m, sip_work_key(w), s, mac);
		if (!memcmp(mac, s->b->mac, sizeof(mac)))
			return true;
	}
	return false;
}

/* Our Via goes: its line if it stands alone, else up to the next value. */
static void drop_top(struct sip_work *w, u32 line, const struct sip_via *next)
{
	const struct sip_header *h = sip_msg_header(w->m, SIP_H_VIA);

	if (h == &w->m->headers[line])
		sip_work_erase(w, h->value.off, next->all.off, SIP_FIELD_VIA);
	else
		sip_work_erase(w, h->off, h->end, SIP_FIELD_VIA);
}

void sip_work_pop_via(struct sip_work *w)
{
	const struct sip_msg *m = w->m;
	struct sip_branch b;
	struct sip_walk walk;
	struct sip_end own;
	struct sip_via v;
	struct back back;
	struct sealed s = { .b = &b, .own = &own, .v = &v, .back = &back };

	w->result = SIP_RELAY_NOT_OURS;
	if (!sip_branch_read(m->buf, m->via.branch, &b) || !sip_end_of(&m->via.sent_by, &own))
		return;
	w->result = SIP_RELAY_NO_VIA;
	sip_walk_init(&walk, m, SIP_H_VIA);
	if (!sip_via_next(&walk, &v) || !sip_via_next(&walk, &v))
		return;
	w->result = SIP_RELAY_FORGED;
	if (!read_back(m, &v, &back) || !is_true(w, &s))
		return;
	w->result = SIP_RELAY_OK;
	way_back(w->r, &s);
	drop_top(w, walk.line, &v);
}
