// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Relaying without transaction state: what a request says, and the steps. RFC 3261 16.3-16.12. */
#include "hop.h"

#define UDP_MAX 65507
#define MAX_FORWARDS 70

#define NAME(id, name, code, text) [SIP_RELAY_##id] = name,
static const char *const result_names[SIP_RELAY_COUNT] = { SIP_RELAY_LIST(NAME) };
#define TEXT(id, name, code, text) [SIP_RELAY_##id] = text,
static const char *const result_texts[SIP_RELAY_COUNT] = { SIP_RELAY_LIST(TEXT) };
#define CODE(id, name, code, text) [SIP_RELAY_##id] = code,
static const u16 result_codes[SIP_RELAY_COUNT] = { SIP_RELAY_LIST(CODE) };

const char *sip_relay_name(u32 result)
{
	return result < SIP_RELAY_COUNT ? result_names[result] : "?";
}

const char *sip_relay_text(u32 result)
{
	return result < SIP_RELAY_COUNT ? result_texts[result] : "?";
}

u16 sip_relay_code(u32 result)
{
	return result < SIP_RELAY_COUNT ? result_codes[result] : 0;
}

void sip_work_put(struct sip_work *w, struct sip_str at, const void *text, u32 len, u8 field)
{
	struct sip_why why = { .why = w->r->why, .field = field };

	if (w->result)
		return;
	switch (sip_edit_put(w->e, at, text, len, why)) {
	case SIP_EDIT_OK:
		break;
	case SIP_EDIT_FULL:
		w->result = SIP_RELAY_TOO_MANY_EDITS;
		break;
	default:
		w->result = SIP_RELAY_CONFLICT;
	}
}

void sip_work_insert(struct sip_work *w, u32 off, const void *text, u32 len, u8 field)
{
	sip_work_put(w, sip_slice(off, off), text, len, field);
}

void sip_work_erase(struct sip_work *w, u32 off, u32 end, u8 field)
{
	if (end > off)
		sip_work_put(w, sip_slice(off, end), NULL, 0, field);
}

u32 sip_work_copy(u8 *out, const char *text)
{
	u32 n = 0;

	for (; text[n]; n++)
		out[n] = (u8)text[n];
	return n;
}

/* ---- what a request says ---- */

static const struct sip_str no_call_id;

/* RFC 3261 16.4: a strict router has put our Record-Route where the Request-URI belongs. */
static void undo_strict(struct sip_relay *r, const struct sip_msg *m)
{
	struct sip_relay_look *l = &r->look;
	struct sip_walk w;

	if (!sip_token_find(m->buf, &m->ruri, m->call_id, r->key, &l->route))
		return;
	l->dialog = sip_end_of(&m->ruri.host, &l->exit);
	sip_walk_init(&w, m, SIP_H_ROUTE);
	while (sip_nameaddr_next(&w, &l->next))
		l->strict_in = true;
	if (l->strict_in)
		l->ruri = l->next.uri;
}

static bool is_own_route(struct sip_relay *r, const struct sip_msg *m, const struct sip_uri *u)
{
	struct sip_relay_look *l = &r->look;
	struct sip_token t;

	if (sip_token_find(m->buf, u, m->call_id, r->key, &t)) {
		l->dialog = sip_end_of(&u->host, &l->exit);
		l->route = t;
		return true;
	}
	return sip_work_is_sip(u) && r->ours && r->ours(r->arg, m->buf, &u->host);
}

static void read_target(struct sip_relay *r, const struct sip_msg *m)
{
	struct sip_relay_look *l = &r->look;
	bool peer = l->dialog && l->route.end.kind != SIP_HOST_NONE;
	u8 hash = SIP_TOKEN_HASH | SIP_TOKEN_ADJACENT;

	l->has_contact = sip_token_find(m->buf, &l->ruri, no_call_id, r->key, &l->contact);
	if (l->has_contact && peer && (l->contact.flags & hash) == hash)
		l->contact.end = l->route.end;
	l->lost = peer && !l->has_contact && !l->has_next && sip_work_is_sip(&l->ruri) &&
		  r->ours && r->ours(r->arg, m->buf, &l->ruri.host);
}

int sip_relay_look(struct sip_relay *r, const struct sip_msg *m)
{
	struct sip_relay_look *l = &r->look;
	struct sip_param lr;
	struct sip_walk w;
	u32 left;

	memset(l, 0, sizeof(*l));
	l->ruri = m->ruri;
	undo_strict(r, m);
	left = sip_work_routes(m) - (l->strict_in ? 1 : 0);
	sip_walk_init(&w, m, SIP_H_ROUTE);
	while (left-- && sip_nameaddr_next(&w, &l->next)) {
		l->has_next = !is_own_route(r, m, &l->next.uri);
		if (l->has_next)
			break;
		l->n_own++;
	}
	read_target(r, m);
	if (!l->has_next)
		return SIP_RELAY_OK;
	l->strict_next = !sip_uri_param(m->buf, &l->next.uri, "lr", &lr);
	return sip_work_is_sip(&l->next.uri) ? SIP_RELAY_OK : SIP_RELAY_BAD_ROUTE;
}

bool sip_relay_strays(const struct sip_relay *r, const struct sip_end *to, bool inside)
{
	const struct sip_token *t = &r->look.route;

	if (r->from.zone == SIP_ZONE_INSIDE || !r->look.dialog)
		return false;
	if (to->kind == t->end.kind && !memcmp(to->addr, t->end.addr, sizeof(to->addr)))
		return false;
	return inside || t->zone == SIP_ZONE_INSIDE;
}

/* ---- the two of them ---- */

static void count_hop(struct sip_work *w)
{
	const struct sip_header *h = sip_msg_header(w->m, SIP_H_MAX_FORWARDS);
	u8 text[32];
	u32 n;

	if (h) {
		n = sip_u32_print(text, w->m->max_forwards - 1);
		sip_work_put(w, h->value, text, n, SIP_FIELD_MAX_FORWARDS);
		return;
	}
	n = sip_work_copy(text, "Max-Forwards: ");
	n += sip_u32_print(text + n, MAX_FORWARDS);
	n += sip_work_copy(text + n, "\r\n");
	sip_work_insert(w, sip_msg_header(w->m, SIP_H_VIA)->off, text, n, SIP_FIELD_MAX_FORWARDS);
}

static int finish(struct sip_work *w)
{
	u32 max = w->r->max_len ? w->r->max_len : UDP_MAX;

	if (!w->result && sip_edit_length(w->e, w->m->len) > max)
		w->result = SIP_RELAY_TOO_BIG;
	return w->result;
}

int sip_relay_request(struct sip_relay *r, const struct sip_msg *m, struct sip_edits *e)
{
	struct sip_work w = { .r = r, .m = m, .e = e };

	w.key = r->old_key && r->key->has_old;
	r->made_hash = false;
	if (m->has_max_forwards && !m->max_forwards)
		return SIP_RELAY_TOO_MANY_HOPS;
	if (sip_work_is_loop(&w))
		return SIP_RELAY_LOOP;
	sip_work_push_via(&w);
	count_hop(&w);
	sip_work_record(&w);
	sip_work_pop_routes(&w);
	sip_work_target(&w);
	sip_work_contacts(&w);
	sip_work_credentials(&w);
	sip_work_identity(&w);
	return finish(&w);
}

int sip_relay_response(struct sip_relay *r, const struct sip_msg *m, struct sip_edits *e)
{
	struct sip_work w = { .r = r, .m = m, .e = e };

	r->made_hash = false;
	sip_work_pop_via(&w);
	if (w.result)
		return w.result;
	sip_work_contacts(&w);
	sip_work_identity(&w);
	return finish(&w);
}
