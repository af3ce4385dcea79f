// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>

#include "message.h"
#include "sip/msg.h"

#define REMEMBERED 55	/* bytes of a host and port */

void message_new(struct message *m, bool from_phone, bool request)
{
	memset(m, 0, offsetof(struct message, piece));
	m->from_phone = from_phone;
	m->request = request;
	m->edits = from_phone && world_edits();
}

/* ---- building ---- */

static struct piece *new_piece(struct message *m, u8 kind, u32 off)
{
	struct piece *p = &m->piece[m->n++];

	SHIM_BUG_ON(m->n > PIECES);
	*p = (struct piece){ .kind = kind, .off = off, .name = -1 };
	return p;
}

void putn(struct message *m, const void *s, u32 n)
{
	struct piece *p = m->n ? &m->piece[m->n - 1] : NULL;

	if (!p || p->kind != KEEP || p->off + p->len != m->len)
		p = new_piece(m, KEEP, m->len);
	SHIM_BUG_ON(m->len + n > TEXT_MAX);
	memcpy(m->text + m->len, s, n);
	m->len += n;
	p->len += n;
}

void put(struct message *m, const char *s)
{
	putn(m, s, (u32)strlen(s));
}

void putu(struct message *m, u32 n)
{
	char s[12];
	int i = sizeof(s);

	do
		s[--i] = (char)('0' + n % 10);
	while (n /= 10);
	putn(m, s + i, (u32)(sizeof(s) - (size_t)i));
}

struct piece *put_piece(struct message *m, u8 kind, u32 from, struct name *name)
{
	struct piece *p = &m->piece[m->n - 1];

	/* the text lies at the end of the last piece */
	SHIM_BUG_ON(p->kind != KEEP || p->off > from);
	p->len = from - p->off;
	if (p->len)
		p = new_piece(m, kind, from);
	p->kind = kind;
	p->off = from;
	p->len = m->len - from;
	p->name = name ? (s16)(name - w.name) : -1;
	return p;
}

struct value *value_begin(struct message *m, u8 field)
{
	struct value *v = &m->value[m->n_values++];

	SHIM_BUG_ON(m->n_values > VALUES);
	/* the value begins with a piece of its own */
	new_piece(m, KEEP, m->len);
	*v = (struct value){ .field = field, .from = m->n - 1 };
	return v;
}

void value_cut(struct message *m, struct value *v)
{
	v->to = m->n;
	new_piece(m, KEEP, m->len);
}

void value_end(struct message *m, struct value *v)
{
	if (!v->to)
		v->to = m->n;
	v->more = m->n;
	new_piece(m, KEEP, m->len);
}

const struct value *value_find(const struct message *m, u8 field, u32 i)
{
	const struct value *v;

	for (v = m->value; v < m->value + m->n_values; v++)
		if (v->field == field && !i--)
			return v;
	return NULL;
}

/* Zeros without end are not remembered: what they mean comes back. */
static u32 plain(struct message *m, const struct piece *p)
{
	return (u32)snprintf((char *)m->extra + m->extra_len, 80,
			     w.family == NFPROTO_IPV4 ? "%s:%u" : "[%s]:%u", w.canon[p->host],
			     p->port);
}

static void put_restored(struct message *m, const struct message *old, const struct piece *p)
{
	struct piece *q;

	putn(m, old->out + p->out, p->out_len);
	q = put_piece(m, RESTORED, m->len - p->out_len, NULL);
	q->name = p->name;
	q->had_port = p->had_port;
	q->dflt = p->dflt;
	q->want = m->extra_len;
	if (p->len > REMEMBERED && (p->kind == VIA || p->kind == HOSTPORT))
		q->want_len = plain(m, p);
	else
		memcpy(m->extra + m->extra_len, old->text + p->off, q->want_len = p->len);
	m->extra_len += q->want_len;
}

void put_back(struct message *m, const struct message *old, u32 from, u32 to)
{
	const struct piece *p;
	struct piece *q;

	for (p = old->piece + from; p < old->piece + to; p++) {
		if (p->kind != KEEP && old->edits && !m->from_phone) {
			put_restored(m, old, p);
			continue;
		}
		putn(m, old->out + p->out, p->out_len);
		if (p->kind != RESTORED || !m->edits || !p->out_len || p->name < 0)
			continue;
		q = put_piece(m, HOSTPORT, m->len - p->out_len, &w.name[p->name]);
		q->had_port = p->had_port;
		q->dflt = p->dflt;
	}
}

/* ---- comparing ---- */

struct cursor {
	struct message *m;
	u32 at;
	bool has_length;
	u32 length;        /* Content-Length as it came out */
	int body_delta;
};

static bool take(struct cursor *c, const void *s, u32 n)
{
	if (c->m->out_len - c->at < n || memcmp(c->m->out + c->at, s, n))
		return false;
	c->at += n;
	return true;
}

static bool take_number(struct cursor *c, u32 *n)
{
	u32 from = c->at;

	*n = 0;
	while (c->at < c->m->out_len && c->m->out[c->at] >= '0' && c->m->out[c->at] <= '9' &&
	       c->at - from < 10)
		*n = *n * 10 + (c->m->out[c->at++] - '0');
	return c->at > from;
}

static const char *take_hostport(struct cursor *c, const struct piece *p)
{
	struct name *n = &w.name[p->name];
	u32 port = p->dflt;
	const char *bad;

	if (!take(c, w.public_text, (u32)strlen(w.public_text)))
		return "not the public address";
	if (c->at < c->m->out_len && c->m->out[c->at] == ':') {
		c->at++;
		if (!take_number(c, &port) || port > 65535)
			return "no port behind the public address";
		if (!p->had_port && port == p->dflt)
			return "a port was invented";
	} else if (p->had_port) {
		return "the port is lost";
	}
	bad = name_settle(n, (u16)port);
	n->published = true;
	return bad;
}

static const char *take_via(struct cursor *c, const struct piece *p)
{
	u32 port = 5060;

	if (!take(c, w.public_text, (u32)strlen(w.public_text)))
		return "Via: not the public address";
	if (c->at < c->m->out_len && c->m->out[c->at] == ':') {
		c->at++;
		if (!take_number(c, &port) || (!p->had_port && port == 5060))
			return "Via: a port too much";
	} else if (p->had_port) {
		return "Via: the port is lost";
	}
	return port == w.pub ? NULL : "Via: not the port of the flow";
}

static const char *take_port(struct cursor *c, const struct piece *p)
{
	u32 port;

	if (!take_number(c, &port) || port > 65535)
		return "no media port";
	return name_settle(&w.name[p->name], (u16)port);
}

static const char *take_piece(struct cursor *c, struct piece *p)
{
	const u8 *own = c->m->text + p->off;

	switch (p->kind) {
	case HOSTPORT:
		return take_hostport(c, p);
	case REFERRED:
		if (w.name[p->name].published)
			return take_hostport(c, p);
		break;
	case VIA:
		return take_via(c, p);
	case ADDRESS:
		return take(c, w.public_lone, (u32)strlen(w.public_lone)) ? NULL :
			"SDP: not the public address";
	case PORT:
		return take_port(c, p);
	case LENGTH:
		return take_number(c, &c->length) ? NULL : "Content-Length is gone";
	case RESTORED:
		return take(c, c->m->extra + p->want, p->want_len) ? NULL :
			"not what the phone wrote";
	}
	return take(c, own, p->len) ? NULL : "changed what must be kept";
}

/* What is named in a Contact or route of this very message counts for its Refer-To. */
static void announce(const struct message *m)
{
	const struct piece *p;

	for (p = m->piece; p < m->piece + m->n; p++)
		if (p->kind == HOSTPORT)
			w.name[p->name].published = true;
}

static const char *compare(struct message *m)
{
	struct cursor c = { .m = m };
	const char *bad;
	struct piece *p;

	if (m->edits)
		announce(m);
	for (p = m->piece; p < m->piece + m->n; p++) {
		p->out = c.at;
		bad = take_piece(&c, p);
		if (bad)
			return bad;
		p->out_len = c.at - p->out;
		if (p->off >= m->body && p->kind != KEEP)
			c.body_delta += (int)p->out_len - (int)p->len;
		/* digits that need not change stay as they were */
		if (p->kind == LENGTH && c.length == m->body_len &&
		    (p->out_len != p->len || memcmp(m->out + p->out, m->text + p->off, p->len)))
			return "Content-Length was written anew for nothing";
		if (p->kind == LENGTH) {
			c.body_delta = (int)m->body_len - (int)c.length;
			c.has_length = true;
		}
	}
	if (c.at != m->out_len)
		return "there is more than was sent";
	return c.has_length && c.body_delta ? "Content-Length is wrong" : NULL;
}

static const char *parses(const struct message *m)
{
	static struct sip_msg p;

	if (sip_msg_parse(&p, m->text, m->len, SIP_DATAGRAM) != SIP_OK)
		return sip_bad_text(p.bad);
	if (sip_msg_parse(&p, m->out, m->out_len, SIP_DATAGRAM) != SIP_OK)
		return "what came out is no valid message";
	return NULL;
}

const char *message_send(struct message *m)
{
	struct router_out out;
	const char *bad;

	router_sip(w.ct, m->from_phone == (w.mode == DNAT), m->text, m->len, &out);
	memcpy(m->out, out.data, out.len);
	m->out_len = out.len;
	m->out_dest = out.dest;
	if (!out.sums_ok)
		return "lengths or checksums of IP and UDP are wrong";
	bad = compare(m);
	return bad ? bad : parses(m);
}

void message_show(const struct message *m)
{
	printf("---- sent by the %s\n%.*s\n---- came out\n%.*s\n", m->from_phone ? "phone" : "world",
	       (int)m->len, m->text, (int)m->out_len, m->out);
}
