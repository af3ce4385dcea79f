// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Slices, character classes, numbers, hosts. */
#include "scan.h"

#include "bad.h"

/* One bit of enum sip_class each; tests/unit/scan.c derives the same table from the grammar. */
const u8 sip_class[256] = {
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x80, 0x00,
	0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x3d, 0x00, 0x34,
	0x3c, 0x31, 0x3c, 0x3d, 0x3c, 0x3c, 0x3d, 0x3d, 0x14, 0x3f, 0x3f, 0x3c,
	0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x38, 0x14,
	0x00, 0x34, 0x00, 0x34, 0x30, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x38, 0x00, 0x38, 0x20, 0x3f,
	0x21, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x20, 0x20, 0x20, 0x3d, 0x00, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x20, 0x20, 0x20, 0x20,
};

bool sip_str_eq(const u8 *a, struct sip_str sa, const u8 *b, struct sip_str sb)
{
	return sa.len == sb.len && !memcmp(a + sa.off, b + sb.off, sa.len);
}

bool sip_str_ieq(const u8 *a, struct sip_str sa, const u8 *b, struct sip_str sb)
{
	u32 i;

	if (sa.len != sb.len)
		return false;
	for (i = 0; i < sa.len; i++)
		if (sip_lower(a[sa.off + i]) != sip_lower(b[sb.off + i]))
			return false;
	return true;
}

bool sip_bytes_are(const u8 *p, const char *lit, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (!sip_byte_is(p[i], lit[i]))
			return false;
	return true;
}

u32 sip_span_value(const u8 *buf, u32 pos, u32 end)
{
	const u8 *p = buf + pos;
	const u8 *stop = buf + end;

	/* four at a time: one test of the end instead of four */
	for (; stop - p >= 4; p += 4) {
		if (!sip_is(p[0], SIP_C_VALUE))
			return (u32)(p - buf);
		if (!sip_is(p[1], SIP_C_VALUE))
			return (u32)(p - buf) + 1;
		if (!sip_is(p[2], SIP_C_VALUE))
			return (u32)(p - buf) + 2;
		if (!sip_is(p[3], SIP_C_VALUE))
			return (u32)(p - buf) + 3;
	}
	return sip_span(buf, (u32)(p - buf), end, SIP_C_VALUE);
}

bool sip_number(const u8 *buf, struct sip_str s, u32 max, u32 *out)
{
	const u8 *p = buf + s.off;
	const u8 *end = p + s.len;
	u64 n = 0;

	if (p == end)
		return false;
	for (; p < end; p++) {
		if (!sip_is_digit(*p))
			return false;
		n = n * 10 + (u64)(*p - '0');
		if (n > max)
			return false;
	}
	*out = (u32)n;
	return true;
}

/* Port behind a colon: 1-65535, digits up to the first other byte. */
static int port_scan(const u8 *buf, u32 pos, u32 end, struct sip_host *h)
{
	u32 n = 0;
	u32 p = pos;

	while (p < end && sip_is_digit(buf[p])) {
		n = n * 10 + (u32)(buf[p++] - '0');
		if (n > 65535)
			return SIP_BAD_PORT;
	}
	if (!n)
		return SIP_BAD_PORT;
	h->port = sip_slice(pos, p);
	h->port_num = (u16)n;
	return 0;
}

/* [IPv6]; returns the first byte behind it, or 0. */
static u32 ip6_scan(const u8 *buf, u32 pos, u32 end, struct sip_host *h)
{
	u32 p = pos;

	while (p < end && buf[p] != ']' && p - pos < SIP_IP6_TEXT + 8)
		p++;
	if (p >= end || !sip_ip6_parse(buf + pos + 1, p - pos - 1, h->addr))
		return 0;
	h->host = sip_slice(pos + 1, p);
	h->kind = SIP_HOST_IP6;
	return p + 1;
}

/* The host alone; returns the first byte behind it, or 0 (a host never ends at offset 0). */
static inline u32 name_scan(const u8 *buf, u32 pos, u32 end, struct sip_host *h)
{
	u32 p;

	if (pos >= end)
		return 0;
	if (sip_is_digit(buf[pos])) {
		p = pos + sip_ip4_scan(buf + pos, buf + end, h->addr);
		if (p > pos && (p == end || !sip_is(buf[p], SIP_C_HOST))) {
			h->host = sip_slice(pos, p);
			h->kind = SIP_HOST_IP4;
			return p;
		}
		memset(h->addr, 0, 4);
	} else if (buf[pos] == '[') {
		return ip6_scan(buf, pos, end, h);
	}
	p = sip_span(buf, pos, end, SIP_C_HOST);
	if (p == pos)
		return 0;
	h->host = sip_slice(pos, p);
	h->kind = SIP_HOST_NAME;
	return p;
}

int sip_host_scan(const u8 *buf, struct sip_str s, bool blanks, struct sip_host *h, u32 *stop)
{
	u32 end = s.off + s.len;
	u32 pos, colon;
	int bad;

	pos = name_scan(buf, s.off, end, h);
	if (!pos)
		return SIP_BAD_HOST;
	colon = blanks ? sip_skip_lws(buf, pos, end) : pos;
	if (colon < end && buf[colon] == ':') {
		pos = blanks ? sip_skip_lws(buf, colon + 1, end) : colon + 1;
		bad = port_scan(buf, pos, end, h);
		if (bad)
			return bad;
		pos = sip_str_end(h->port);
	}
	h->all = sip_slice(s.off, pos);
	*stop = pos;
	return 0;
}

int sip_host_parse(const u8 *buf, struct sip_str s, struct sip_host *h)
{
	struct sip_host v = { .port_num = 0 };
	u32 stop;
	int bad;

	bad = sip_host_scan(buf, s, false, &v, &stop);
	if (bad)
		return bad;
	if (stop != s.off + s.len)
		return SIP_BAD_HOST;
	*h = v;
	return 0;
}

int sip_host_lone(const u8 *buf, struct sip_str s, struct sip_host *h)
{
	struct sip_host v;

	memset(&v, 0, sizeof(v));
	v.all = s;
	if (!s.len)
		return SIP_BAD_HOST;
	if (name_scan(buf, s.off, s.off + s.len, &v) != s.off + s.len) {
		if (!sip_ip6_parse(buf + s.off, s.len, v.addr))
			return SIP_BAD_HOST;
		v.host = s;
		v.kind = SIP_HOST_IP6;
	}
	*h = v;
	return 0;
}

bool sip_host_equal(const u8 *a, const struct sip_host *ha, const u8 *b, const struct sip_host *hb)
{
	if (ha->kind != hb->kind || ha->port_num != hb->port_num)
		return false;
	if (ha->kind == SIP_HOST_NAME)
		return sip_str_ieq(a, ha->host, b, hb->host);
	return !memcmp(ha->addr, hb->addr, sizeof(ha->addr));
}
