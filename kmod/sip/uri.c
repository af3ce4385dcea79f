// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* sip, sips and tel URIs. RFC 3261 19.1.1 and 25.1, RFC 3966. */
#include "uri.h"

#include "bad.h"
#include "hdr.h"

/* Like sip_span(), but '%' and two hexadecimal digits count as a character of every class. */
static u32 span_escaped(const u8 *buf, u32 pos, u32 end, u32 class)
{
	for (;;) {
		pos = sip_span(buf, pos, end, class);
		if (pos >= end || buf[pos] != '%')
			return pos;
		if (end - pos < 3 || !sip_is(buf[pos + 1], SIP_C_HEX) ||
		    !sip_is(buf[pos + 2], SIP_C_HEX))
			return pos;
		pos += 3;
	}
}

static bool is_alpha(u8 c)
{
	return (u8)((c | 0x20) - 'a') < 26;
}

/* ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static u32 scheme_end(const u8 *buf, u32 pos, u32 end)
{
	u32 p = pos;

	if (p < end && !is_alpha(buf[p]))
		return pos;
	while (p < end && (is_alpha(buf[p]) || sip_is_digit(buf[p]) || buf[p] == '+' ||
			   buf[p] == '-' || buf[p] == '.'))
		p++;
	return p;
}

static u8 scheme_of(const u8 *buf, struct sip_str s)
{
	if (SIP_IS(buf, s, "sip"))
		return SIP_URI_SIP;
	if (SIP_IS(buf, s, "sips"))
		return SIP_URI_SIPS;
	if (SIP_IS(buf, s, "tel"))
		return SIP_URI_TEL;
	return SIP_URI_OTHER;
}

/* user[:password]@, if there is an '@' at all; returns where the host begins. */
static u32 userinfo(const u8 *buf, u32 pos, u32 end, struct sip_uri *u)
{
	u32 p, colon;

	p = span_escaped(buf, pos, end, SIP_C_USER);
	colon = p;
	if (p < end && buf[p] == ':')
		p = span_escaped(buf, p + 1, end, SIP_C_USER);
	if (p >= end || buf[p] != '@' || colon == pos)
		return pos;
	u->user = sip_slice(pos, colon);
	if (colon < p)
		u->password = sip_slice(colon + 1, p);
	u->has_user = true;
	return p + 1;
}

/* *( ";" name [ "=" value ] ), each name at least one character. Returns 0 for an error. */
static u32 uri_params(const u8 *buf, u32 pos, u32 end)
{
	u32 p = pos;
	u32 name;

	while (p < end && buf[p] == ';') {
		name = ++p;
		p = span_escaped(buf, p, end, SIP_C_PARAM);
		if (p == name)
			return 0;
		if (p < end && buf[p] == '=')
			p = span_escaped(buf, p + 1, end, SIP_C_PARAM);
	}
	return p;
}

static int sip_scan(const u8 *buf, u32 pos, u32 end, struct sip_uri *u, u32 *stop)
{
	u32 p;
	int bad;

	p = userinfo(buf, pos, end, u);
	bad = sip_host_scan(buf, sip_slice(p, end), false, &u->host, &p);
	if (bad)
		return bad;
	if (p < end && buf[p] == ';') {
		u32 from = p;

		p = uri_params(buf, p, end);
		if (!p)
			return SIP_BAD_URI;
		u->params = sip_slice(from, p);
	}
	if (p < end && buf[p] == '?') {
		u32 from = p;

		p = sip_span(buf, p, end, SIP_C_URI);
		u->headers = sip_slice(from, p);
	}
	*stop = p;
	return 0;
}

/* RFC 3966 3: the number, then parameters. The number's alphabet is a subset of a user's. */
static int tel_scan(const u8 *buf, u32 pos, u32 end, struct sip_uri *u, u32 *stop)
{
	u32 p = pos;

	while (p < end && buf[p] != ';' && sip_is(buf[p], SIP_C_USER))
		p++;
	if (p == pos)
		return SIP_BAD_URI;
	u->user = sip_slice(pos, p);
	if (p < end && buf[p] == ';') {
		u32 from = p;

		p = uri_params(buf, p, end);
		if (!p)
			return SIP_BAD_URI;
		u->params = sip_slice(from, p);
	}
	*stop = p;
	return 0;
}

int sip_uri_scan(const u8 *buf, struct sip_str s, struct sip_uri *u, u32 *stop)
{
	u32 end = s.off + s.len;
	u32 pos = s.off;
	u32 p = pos;
	int bad = 0;

	memset(u, 0, sizeof(*u));
	if (likely(end - pos > 4 && SIP_IS(buf, sip_slice(pos, pos + 3), "sip") &&
		   buf[pos + 3] == ':')) {
		u->scheme = SIP_URI_SIP;
		p = pos + 4;
	} else {
		p = scheme_end(buf, pos, end);
		if (p == pos || p >= end || buf[p] != ':')
			return SIP_BAD_URI;
		u->scheme = scheme_of(buf, sip_slice(pos, p));
		p++;
	}
	if (u->scheme == SIP_URI_OTHER) {
		u32 from = p;

		p = sip_span(buf, p, end, SIP_C_URI);
		if (p == from)
			return SIP_BAD_URI;
	} else if (u->scheme == SIP_URI_TEL) {
		bad = tel_scan(buf, p, end, u, &p);
	} else {
		bad = sip_scan(buf, p, end, u, &p);
	}
	if (bad)
		return bad;
	u->all = sip_slice(pos, p);
	*stop = p;
	return 0;
}

int sip_uri_parse(const u8 *buf, struct sip_str s, struct sip_uri *u)
{
	u32 stop;
	int bad;

	bad = sip_uri_scan(buf, s, u, &stop);
	if (!bad && stop != s.off + s.len)
		bad = SIP_BAD_URI;
	return bad;
}

/* Next ;name[=value] of checked URI parameters, or &name=value of headers. */
bool sip_uri_param_next(const u8 *buf, struct sip_iter *it, struct sip_param *p)
{
	u32 pos = it->pos;
	u32 end = it->end;
	u8 sep;

	if (pos >= end)
		return false;
	sep = buf[pos] == ';' ? ';' : '&';
	pos++;
	p->all.off = pos;
	while (pos < end && buf[pos] != sep && buf[pos] != '=')
		pos++;
	p->name = sip_slice(p->all.off, pos);
	p->has_value = pos < end && buf[pos] == '=';
	p->value = sip_slice(pos, pos);
	if (p->has_value) {
		p->value.off = ++pos;
		while (pos < end && buf[pos] != sep)
			pos++;
		p->value.len = pos - p->value.off;
	}
	p->all.len = pos - p->all.off;
	it->pos = pos;
	return true;
}

static u32 length(const char *s)
{
	u32 n = 0;

	while (s[n])
		n++;
	return n;
}

bool sip_uri_param(const u8 *buf, const struct sip_uri *u, const char *name, struct sip_param *p)
{
	struct sip_iter it = sip_iter(u->params);
	struct sip_param v;
	u32 len = length(name);

	while (sip_uri_param_next(buf, &it, &v)) {
		if (!sip_str_is(buf, v.name, name, len))
			continue;
		*p = v;
		return true;
	}
	return false;
}

u32 sip_unescape(const u8 *buf, struct sip_str s, u8 *out, u32 cap)
{
	u32 end = s.off + s.len;
	u32 pos = s.off;
	u32 n = 0;

	while (pos < end) {
		u8 c = buf[pos];

		if (n == cap)
			return cap + 1;
		if (c == '%' && end - pos >= 3 && sip_is(buf[pos + 1], SIP_C_HEX) &&
		    sip_is(buf[pos + 2], SIP_C_HEX)) {
			c = (u8)(sip_hex(buf[pos + 1]) << 4 | sip_hex(buf[pos + 2]));
			pos += 2;
		}
		out[n++] = c;
		pos++;
	}
	return n;
}
