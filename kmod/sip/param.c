// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Header parameters, quoted strings, credentials. RFC 3261 25.1. */
#include "hdr.h"

#include "bad.h"
#include "value.h"

u32 sip_quoted_end(const u8 *buf, u32 pos, u32 end)
{
	u32 p = pos + 1;

	for (;;) {
		p = p < end ? sip_find_either(buf, p, end, '"', '\\') : end;
		if (p >= end)
			return 0;
		if (buf[p] == '"')
			return p + 1;
		p += 2;
	}
}

int sip_param_scan(const u8 *buf, u32 *pos, u32 end, struct sip_param *p)
{
	u32 name, i, stop;

	name = sip_skip_lws(buf, *pos, end);
	i = sip_span(buf, name, end, SIP_C_TOKEN);
	if (i == name)
		return SIP_BAD_PARAM;
	p->name = sip_slice(name, i);
	p->has_value = false;
	p->value = sip_slice(i, i);
	stop = i;
	i = sip_skip_lws(buf, i, end);
	if (i < end && buf[i] == '=') {
		i = sip_skip_lws(buf, i + 1, end);
		stop = i;
		if (i < end && buf[i] == '"') {
			stop = sip_quoted_end(buf, i, end);
			if (!stop)
				return SIP_BAD_QUOTE;
		} else {
			stop = sip_span_value(buf, i, end);
		}
		if (stop == i)
			return SIP_BAD_PARAM;
		p->value = sip_slice(i, stop);
		p->has_value = true;
		i = sip_skip_lws(buf, stop, end);
	}
	p->all = sip_slice(name, stop);
	*pos = i;
	return 0;
}

bool sip_param_next(const u8 *buf, struct sip_iter *it, struct sip_param *p)
{
	u32 pos = sip_skip_lws(buf, it->pos, it->end);
	int bad;

	it->pos = pos;
	if (pos >= it->end)
		return false;
	if (buf[pos] != ';') {
		it->bad = SIP_BAD_PARAM;
		return false;
	}
	pos++;
	bad = sip_param_scan(buf, &pos, it->end, p);
	it->bad = (u8)bad;
	if (!bad)
		it->pos = pos;
	return !bad;
}

bool sip_param_find(const u8 *buf, struct sip_str params, const char *name, struct sip_param *p)
{
	struct sip_iter it = sip_iter(params);
	struct sip_param v;
	u32 len = 0;

	while (name[len])
		len++;
	while (sip_param_next(buf, &it, &v)) {
		if (!sip_str_is(buf, v.name, name, len))
			continue;
		*p = v;
		return true;
	}
	return false;
}

u32 sip_unquote(const u8 *buf, struct sip_str value, u8 *out, u32 cap)
{
	u32 pos = value.off;
	u32 end = value.off + value.len;
	bool quoted = value.len >= 2 && buf[pos] == '"' && buf[end - 1] == '"';
	u32 n = 0;

	if (quoted) {
		pos++;
		end--;
	}
	if (!quoted || sip_find_byte(buf, pos, end, '\\') == end) {
		if (end - pos > cap)
			return cap + 1;
		memcpy(out, buf + pos, end - pos);
		return end - pos;
	}
	while (pos < end) {
		if (buf[pos] == '\\' && end - pos > 1)
			pos++;
		if (n == cap)
			return cap + 1;
		out[n++] = buf[pos++];
	}
	return n;
}

int sip_auth_parse(const u8 *buf, struct sip_str s, struct sip_auth *a)
{
	struct sip_iter it;
	struct sip_param p;
	u32 end = s.off + s.len;
	u32 pos;

	pos = sip_span(buf, s.off, end, SIP_C_TOKEN);
	if (pos == s.off)
		return SIP_BAD_TOKEN;
	a->scheme = sip_slice(s.off, pos);
	a->digest = SIP_IS(buf, a->scheme, "digest");
	if (pos < end && !sip_is(buf[pos], SIP_C_LWS))
		return SIP_BAD_TOKEN;
	pos = sip_skip_lws(buf, pos, end);
	a->params = sip_slice(pos, end);
	if (!a->digest)
		return 0;
	it = sip_iter(a->params);
	while (sip_auth_next(buf, &it, &p))
		;
	return it.bad;
}

bool sip_auth_next(const u8 *buf, struct sip_iter *it, struct sip_param *p)
{
	u32 pos = sip_skip_lws(buf, it->pos, it->end);
	int bad;

	/* Empty elements are tolerated: "a=b,, c=d" is seen in the field and has one meaning. */
	while (pos < it->end && buf[pos] == ',')
		pos = sip_skip_lws(buf, pos + 1, it->end);
	it->pos = pos;
	if (pos >= it->end)
		return false;
	bad = sip_param_scan(buf, &pos, it->end, p);
	if (!bad && pos < it->end && buf[pos] != ',')
		bad = SIP_BAD_PARAM;
	it->bad = (u8)bad;
	if (!bad)
		it->pos = pos;
	return !bad;
}

bool sip_auth_find(const u8 *buf, const struct sip_auth *a, const char *name, struct sip_param *p)
{
	struct sip_iter it = sip_iter(a->params);
	struct sip_param v;
	u32 len = 0;

	while (name[len])
		len++;
	while (sip_auth_next(buf, &it, &v)) {
		if (!sip_str_is(buf, v.name, name, len))
			continue;
		*p = v;
		return true;
	}
	return false;
}
