/* SPDX-License-Identifier: BSD-2-Clause */
/* What a subscription keeps of its SUBSCRIBE: RFC 3261 12.1.1, as the side that is asked. */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "notifier_work.h"
#include "proxy.h"
#include "sip/mac.h"
#include "sip/token.h"

#define LABEL_DIALOG 'N'	/* of no token (sip/token.c, sip/relay_via.c) */

uint64_t dialog_key(const struct rx *rx)
{
	const struct sip_msg *m = &rx->msg;

	return hash_parts((const struct hash_part[]){
		{ rx->buf + m->call_id.off, m->call_id.len },
		{ rx->buf + m->from_tag.off, m->from_tag.len } }, 2);
}

/* By the key that outlives a restart: what was ours is known when nothing else is left of it. */
void dialog_tag(const struct rx *rx, const uint8_t key[16], char out[static SUB_TAG])
{
	const struct sip_msg *m = &rx->msg;
	struct sip_hash h;
	uint64_t n;

	sip_token_hash_init(&h, key, LABEL_DIALOG);
	sip_hash_bytes(&h, rx->buf + m->call_id.off, m->call_id.len);
	sip_hash_bytes(&h, rx->buf + m->from_tag.off, m->from_tag.len);
	n = sip_hash_final(&h);
	for (int i = SUB_TAG - 2; i >= 0; i--, n >>= 4)
		out[i] = "0123456789abcdef"[n & 15];
	out[SUB_TAG - 1] = '\0';
}

bool dialog_was_ours(const struct rx *rx)
{
	const struct sip_key *keys = proxy_key();
	const struct sip_str to = rx->msg.to_tag;
	char tag[SUB_TAG];

	for (int i = 0; i <= keys->has_old && to.len == SUB_TAG - 1; i++) {
		dialog_tag(rx, keys->key[i], tag);
		if (!memcmp(rx->buf + to.off, tag, to.len))
			return true;
	}
	return false;
}

struct sip_str dialog_event(const struct rx *rx)
{
	const struct sip_header *h = sip_msg_header(&rx->msg, SIP_H_EVENT);

	if (!h)
		return (struct sip_str){ 0 };
	return sip_slice(h->value.off, sip_span(rx->buf, h->value.off, sip_str_end(h->value),
						SIP_C_TOKEN));
}

struct sip_str dialog_event_id(const struct rx *rx)
{
	const struct sip_header *h = sip_msg_header(&rx->msg, SIP_H_EVENT);
	uint32_t end = h ? sip_str_end(h->value) : 0, at;
	struct sip_param p;

	if (!h)
		return (struct sip_str){ 0 };
	at = sip_skip_lws(rx->buf, sip_str_end(dialog_event(rx)), end);
	if (at == end || rx->buf[at] != ';' ||
	    !sip_param_find(rx->buf, sip_slice(at, end), "id", &p))
		return (struct sip_str){ 0 };
	return p.value;
}

/* ---- texts ---- */

static char *put(char **at, const uint8_t *from, uint32_t len)
{
	char *text = *at;

	for (uint32_t i = 0; i < len; i++)	/* a fold becomes blanks */
		text[i] = from[i] == '\r' || from[i] == '\n' ? ' ' : (char)from[i];
	text[len] = '\0';
	*at += len + 1;
	return text;
}

static struct sip_str value_of(const struct rx *rx, uint32_t id)
{
	const struct sip_header *h = sip_msg_header(&rx->msg, id);

	return h ? h->value : (struct sip_str){ 0 };
}

/* "Route: a, b\r\n" in their order (12.1.1); "" when there are none. */
static char *put_routes(char **at, const struct rx *rx)
{
	const struct sip_header *h = sip_msg_header(&rx->msg, SIP_H_RECORD_ROUTE);
	char *first = *at;
	bool any = h;

	for (; h; h = sip_msg_next(&rx->msg, h)) {
		*at = stpcpy(*at, *at == first ? "Route: " : ", ");
		put(at, rx->buf + h->value.off, h->value.len);
		(*at)--;
	}
	*at = stpcpy(*at, any ? "\r\n" : "") + 1;
	return first;
}

static uint32_t routes_size(const struct rx *rx)
{
	const struct sip_header *h = sip_msg_header(&rx->msg, SIP_H_RECORD_ROUTE);
	uint32_t n = 16;

	for (; h; h = sip_msg_next(&rx->msg, h))
		n += h->value.len + 8;
	return n;
}

static bool fits(const struct rx *rx)
{
	return rx->msg.call_id.len <= SUB_TEXT && value_of(rx, SIP_H_FROM).len <= SUB_TEXT &&
	       value_of(rx, SIP_H_TO).len <= SUB_TEXT && dialog_event_id(rx).len <= SUB_TEXT &&
	       routes_size(rx) <= SUB_ROUTE;
}

struct subscription *dialog_new(const struct rx *rx, const char tag[SUB_TAG])
{
	struct sip_str to = value_of(rx, SIP_H_TO), from = value_of(rx, SIP_H_FROM);
	struct sip_str id = dialog_event_id(rx), call_id = rx->msg.call_id;
	struct subscription *s;
	char *at;

	if (!fits(rx))
		return NULL;
	s = calloc(1, sizeof(*s) + to.len + from.len + id.len + call_id.len + 4 +
		   routes_size(rx));
	if (!s)
		return NULL;
	at = s->texts;
	s->key = dialog_key(rx);
	memcpy(s->tag, tag, SUB_TAG);
	s->call_id = put(&at, rx->buf + call_id.off, call_id.len);
	s->from = put(&at, rx->buf + to.off, to.len);
	s->to = put(&at, rx->buf + from.off, from.len);
	s->event_id = put(&at, rx->buf + id.off, id.len);
	s->routes = put_routes(&at, rx);
	return s;
}

uint16_t dialog_target(struct subscription *s, const struct rx *rx)
{
	struct sip_nameaddr a;
	struct sip_walk w;
	char *copy, *at;

	sip_walk_init(&w, &rx->msg, SIP_H_CONTACT);
	if (!sip_nameaddr_next(&w, &a) || a.star || a.uri.host.kind == SIP_HOST_NONE ||
	    a.uri.all.len > SUB_URI)
		return 400;
	at = copy = malloc(a.uri.all.len + 1);
	if (!copy)
		return 503;
	put(&at, rx->buf + a.uri.all.off, a.uri.all.len);
	free(s->target);
	s->target = copy;
	s->flow = rx->flow;
	return 0;
}

void dialog_dispose(struct subscription *s)
{
	free(s->target);
	free(s);
}
