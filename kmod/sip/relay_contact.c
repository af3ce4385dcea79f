// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Contacts that the other side cannot reach get our address and a token. */
#include "hop.h"

/* ---- Contact ---- */

/* 10/8, 172.16/12, 192.168/16, 100.64/10, 169.254/16; fc00::/7, fe80::/10 */
static bool is_private(const struct sip_end *e)
{
	const u8 *a = e->addr;

	if (e->kind == SIP_HOST_IP6)
		return (a[0] & 0xfe) == 0xfc || sip_work_is_local(e);
	return e->kind == SIP_HOST_IP4 &&
	       (a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
		(a[0] == 192 && a[1] == 168) || (a[0] == 100 && (a[1] & 0xc0) == 64) ||
		(a[0] == 169 && a[1] == 254));
}

/* Did the message come from its author, with no other recording proxy between? */
static bool from_author(struct sip_work *w)
{
	struct sip_nameaddr a;
	struct sip_token t;
	struct sip_walk walk;

	sip_walk_init(&walk, w->m, SIP_H_RECORD_ROUTE);
	return !sip_nameaddr_next(&walk, &a) ||
	       sip_token_find(w->m->buf, &a.uri, w->m->call_id, w->r->key, &t);
}

/*
 * Does the other side need a token to find this Contact? It hides what is inside; and a phone
 * behind the NAT of somebody else can be reached only where it sends from.
 */
static bool must_mask(const struct sip_relay *r, const struct sip_end *host, bool author)
{
	if (r->from.zone == SIP_ZONE_INSIDE)
		return r->to.zone != SIP_ZONE_INSIDE;
	return author && is_private(host) && memcmp(host->addr, r->from.remote.addr, 16);
}

static void fill_token(struct sip_work *w, const struct sip_uri *u, bool author,
		       struct sip_token *t)
{
	struct sip_relay *r = w->r;

	memset(t, 0, sizeof(*t));
	t->zone = r->from.zone;
	if (!u->host.port_num)
		t->flags |= SIP_TOKEN_NO_PORT;
	if (u->host.kind != SIP_HOST_IP4) {
		t->flags |= SIP_TOKEN_HASH;
		if (author && sip_end_of(&u->host, &t->end) &&
		    sip_end_equal(&t->end, &r->from.remote))
			t->flags |= SIP_TOKEN_ADJACENT;
		memset(&t->end, 0, sizeof(t->end));
		t->hash = sip_token_hash(sip_work_key(w), &r->from.remote, w->m->buf, u->host.all);
		r->made_hash = true;
		r->hash = t->hash;
		r->at = u->host.all;
		return;
	}
	sip_end_of(&u->host, &t->end);
	if (author && !memcmp(t->end.addr, r->from.remote.addr, 16))
		t->flags |= SIP_TOKEN_ADJACENT;
}

/* Host and port become ours, and the token tells whose they were. */
static void mask(struct sip_work *w, const struct sip_nameaddr *a, bool author)
{
	struct sip_token_of of = { .key = sip_work_key(w) };
	u32 name = sip_token_name(w->m->buf, &a->uri);
	struct sip_token t;
	u8 text[SIP_END_TEXT + SIP_TOKEN_MAX + 1];
	u32 end = sip_str_end(a->uri.host.all);
	u32 n = sip_end_print(text, &w->r->to.local);

	fill_token(w, &a->uri, author, &t);
	if (a->uri.params.len) {
		sip_work_put(w, a->uri.host.all, text, n, SIP_FIELD_CONTACT);
		end = sip_str_end(a->uri.params);
		n = 0;
	}
	if (name < SIP_TOKEN_NAMES)
		n += sip_token_print(text + n, &t, name, &of);
	if (!a->bracket) {
		/* what follows a bare URI would belong to the header */
		sip_work_insert(w, a->uri.all.off, "<", 1, SIP_FIELD_CONTACT);
		text[n++] = '>';
	}
	sip_work_put(w, a->uri.params.len ? sip_slice(end, end) : a->uri.host.all, text, n,
	    SIP_FIELD_CONTACT);
}

static bool has_peer_contact(const struct sip_relay *r, const struct sip_msg *m)
{
	if (m->method == SIP_M_REGISTER)
		return m->request && r->registers;
	return m->request || (m->status > 100 && m->status < 300);
}

/* A REGISTER may name others, which the registrar is to reach without us. */
static bool is_peers(const struct sip_work *w, const struct sip_nameaddr *a)
{
	return !a->star && sip_work_is_sip(&a->uri) &&
	       (w->m->method != SIP_M_REGISTER || w->r->registers(w->r->arg, a));
}

void sip_work_contacts(struct sip_work *w)
{
	bool author = from_author(w);
	struct sip_nameaddr a;
	struct sip_walk walk;
	struct sip_end host;

	if (!has_peer_contact(w->r, w->m))
		return;
	sip_walk_init(&walk, w->m, SIP_H_CONTACT);
	while (sip_nameaddr_next(&walk, &a)) {
		if (!is_peers(w, &a))
			continue;
		sip_end_of(&a.uri.host, &host);
		if (must_mask(w->r, &host, author))
			mask(w, &a, author);
	}
}

