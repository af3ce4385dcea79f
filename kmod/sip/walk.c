// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* All values of one header, over repeated lines and comma lists. RFC 3261 7.3.1. */
#include "msg.h"

#include "value.h"

void sip_walk_init(struct sip_walk *w, const struct sip_msg *msg, u32 header_id)
{
	w->msg = msg;
	w->pos = 0;
	w->end = 0;
	w->next = msg->first[header_id];
	w->line = SIP_NO_HEADER;
	w->bad = 0;
}

/* The text that is left, on this line or on the next one; an empty slice at the end. */
static bool more(struct sip_walk *w, struct sip_str *s)
{
	const u8 *buf = w->msg->buf;
	const struct sip_header *h;

	if (w->bad)
		return false;
	w->pos = sip_skip_lws(buf, w->pos, w->end);
	while (w->pos >= w->end) {
		if (w->next == SIP_NO_HEADER)
			return false;
		h = &w->msg->headers[w->next];
		w->line = w->next;
		w->next = h->next;
		w->pos = h->value.off;
		w->end = sip_str_end(h->value);
	}
	*s = sip_slice(w->pos, w->end);
	return true;
}

/* Steps over a value of @used bytes and its comma. */
static bool step(struct sip_walk *w, int bad, u32 used)
{
	if (bad) {
		w->bad = (u8)bad;
		return false;
	}
	w->pos += used;
	if (w->pos < w->end)
		w->pos++;
	return true;
}

bool sip_via_next(struct sip_walk *w, struct sip_via *v)
{
	struct sip_str s;
	u32 used = 0;
	int bad;

	if (!more(w, &s))
		return false;
	bad = sip_via_parse(w->msg->buf, s, v, &used);
	return step(w, bad, used);
}

bool sip_nameaddr_next(struct sip_walk *w, struct sip_nameaddr *a)
{
	struct sip_str s;
	u32 used = 0;
	int bad;

	if (!more(w, &s))
		return false;
	bad = sip_nameaddr_parse(w->msg->buf, s, a, &used);
	return step(w, bad, used);
}

/* Up to a comma that is not inside quotes or < >. */
static u32 element_end(const u8 *buf, u32 pos, u32 end)
{
	bool angle = false;
	u32 p = pos;
	u32 q;

	while (p < end && (buf[p] != ',' || angle)) {
		if (buf[p] == '"') {
			q = sip_quoted_end(buf, p, end);
			p = q ? q : end;
			continue;
		}
		angle = buf[p] == '<' || (angle && buf[p] != '>');
		p++;
	}
	return p;
}

bool sip_token_next(struct sip_walk *w, struct sip_str *s)
{
	const u8 *buf = w->msg->buf;
	struct sip_str rest;
	u32 end;

	do {
		if (!more(w, &rest))
			return false;
		end = element_end(buf, rest.off, sip_str_end(rest));
		*s = sip_str_trim(buf, sip_slice(rest.off, end));
		step(w, 0, end - rest.off);
	} while (!s->len);
	return true;
}

bool sip_has_token(const struct sip_msg *msg, u32 header_id, const char *lit, u32 len)
{
	struct sip_walk w;
	struct sip_str s;

	sip_walk_init(&w, msg, header_id);
	while (sip_token_next(&w, &s))
		if (sip_str_is(msg->buf, s, lit, len))
			return true;
	return false;
}

bool sip_msg_nameaddr(const struct sip_msg *m, u32 id, struct sip_nameaddr *a)
{
	const struct sip_header *h = sip_msg_header(m, id);
	u32 used;

	if (h && !m->bad && (id == SIP_H_FROM || id == SIP_H_TO)) {
		*a = id == SIP_H_FROM ? m->from : m->to;
		return true;
	}
	return h && !sip_nameaddr_parse(m->buf, h->value, a, &used) && used == h->value.len;
}

/* One credential line: qop="auth-int", or auth-int among several. */
static bool auth_int(const struct sip_msg *m, const struct sip_header *h)
{
	struct sip_auth a;
	struct sip_param p;

	return !sip_auth_parse(m->buf, h->value, &a) &&
	       sip_auth_find(m->buf, &a, "qop", &p) &&
	       (SIP_IS(m->buf, p.value, "auth-int") || SIP_IS(m->buf, p.value, "\"auth-int\""));
}

bool sip_has_auth_int(const struct sip_msg *msg)
{
	static const u8 ids[] = { SIP_H_AUTHORIZATION, SIP_H_PROXY_AUTHORIZATION };
	const struct sip_header *h;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		for (h = sip_msg_header(msg, ids[i]); h; h = sip_msg_next(msg, h))
			if (auth_int(msg, h))
				return true;
	return false;
}
