// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* name-addr and addr-spec with header parameters. RFC 3261 20.10, 20.39 and 25.1. */
#include "bad.h"
#include "value.h"

/*
 * Up to the '<' of a display name without quotes, or to the start of a bare URI. Words may hold
 * more than a token does (the field writes it, '<' makes it certain), but no comma, quote or
 * semicolon.
 */
static int display(const u8 *buf, u32 *pos, u32 end, struct sip_nameaddr *a)
{
	u32 start = *pos;
	u32 p = start;
	u32 stop = start;
	u32 word;

	for (;;) {
		word = p;
		p = sip_span(buf, p, end, SIP_C_TOKEN);
		if (p < end && buf[p] == ':' && word == start) {
			*pos = start;
			return 0;
		}
		p = sip_span_value(buf, p, end);
		if (p > word)
			stop = p;
		p = sip_skip_lws(buf, p, end);
		if (p < end && buf[p] == '<') {
			a->display = sip_slice(start, stop);
			*pos = p;
			return 0;
		}
		if (p >= end || p == word)
			return SIP_BAD_NAME_ADDR;
	}
}

static int quoted_display(const u8 *buf, u32 *pos, u32 end, struct sip_nameaddr *a)
{
	u32 p = sip_quoted_end(buf, *pos, end);

	if (!p)
		return SIP_BAD_QUOTE;
	a->display = sip_slice(*pos, p);
	p = sip_skip_lws(buf, p, end);
	if (p >= end || buf[p] != '<')
		return SIP_BAD_NAME_ADDR;
	*pos = p;
	return 0;
}

/* A URI without < and >: ends at ';', ',' or a blank, and must not need them. */
static int bare_uri(const u8 *buf, u32 *pos, u32 end, struct sip_nameaddr *a)
{
	u32 p = *pos;

	while (p < end && buf[p] != ';' && buf[p] != ',' && !sip_is(buf[p], SIP_C_LWS)) {
		if (buf[p] == '?')
			return SIP_BAD_URI_AMBIGUOUS;
		p++;
	}
	a->all = sip_slice(*pos, p);
	*pos = p;
	return sip_uri_parse(buf, a->all, &a->uri);
}

static int params(const u8 *buf, u32 *pos, u32 end, struct sip_nameaddr *a)
{
	struct sip_param p;
	u32 i = *pos;
	u32 stop = i;
	u32 n = 0;
	int bad;

	while (i < end && buf[i] == ';') {
		if (++n > SIP_MAX_PARAMS)
			return SIP_BAD_TOO_MANY;
		i++;
		bad = sip_param_scan(buf, &i, end, &p);
		if (bad)
			return bad;
		stop = sip_str_end(p.all);
		if (p.name.len != 3 || !SIP_IS(buf, p.name, "tag"))
			continue;
		if (!p.has_value)
			return SIP_BAD_PARAM;
		if (a->tag.len)
			return SIP_BAD_DUPLICATE;
		a->tag = p.value;
	}
	a->params = sip_slice(*pos, stop);
	*pos = i;
	return 0;
}

/* The URI itself; *@pos moves behind it and its '>'. */
static int address(const u8 *buf, u32 *pos, u32 end, struct sip_nameaddr *a)
{
	u32 p = *pos;
	int bad;

	if (buf[p] != '<')
		return bare_uri(buf, pos, end, a);
	a->bracket = true;
	bad = sip_uri_scan(buf, sip_slice(p + 1, end), &a->uri, &p);
	if (bad)
		return bad;
	if (p >= end || buf[p] != '>')
		return SIP_BAD_URI;
	*pos = p + 1;
	return 0;
}

int sip_nameaddr_parse(const u8 *buf, struct sip_str s, struct sip_nameaddr *a, u32 *used)
{
	u32 end = s.off + s.len;
	u32 pos = s.off;
	int bad = 0;

	memset(a, 0, offsetof(struct sip_nameaddr, uri));
	a->bracket = false;
	a->star = false;
	if (pos >= end)
		return SIP_BAD_EMPTY;
	if (buf[pos] == '*' && sip_skip_lws(buf, pos + 1, end) == end) {
		memset(&a->uri, 0, sizeof(a->uri));
		a->star = true;
		a->all = sip_slice(pos, pos + 1);
		*used = s.len;
		return 0;
	}
	if (buf[pos] == '"')
		bad = quoted_display(buf, &pos, end, a);
	else if (buf[pos] != '<')
		bad = display(buf, &pos, end, a);
	if (!bad)
		bad = address(buf, &pos, end, a);
	if (bad)
		return bad;
	a->all = sip_slice(s.off, pos);
	pos = sip_skip_lws(buf, pos, end);
	if (pos < end && buf[pos] == ';') {
		bad = params(buf, &pos, end, a);
		if (bad)
			return bad;
		a->all = sip_slice(s.off, sip_str_end(a->params));
	}
	if (pos < end && buf[pos] != ',')
		return SIP_BAD_NAME_ADDR;
	*used = pos - s.off;
	return 0;
}
