// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* IPv4 and IPv6 addresses and numbers, read and written. RFC 4291 2.2, RFC 5952. */
#include "scan.h"

/* One octet without a leading zero at @p .. @end: 0-255, its length in *@len; or 256. */
static inline u32 octet(const u8 *p, const u8 *end, u32 *len)
{
	u32 v, d;

	if (p == end || !sip_is_digit(*p))
		return 256;
	v = (u32)(*p - '0');
	*len = 1;
	/* a digit behind a leading zero is left, and is then no dot */
	if (!v || ++p == end)
		return v;
	d = (u32)(*p - '0');
	if (d > 9)
		return v;
	v = v * 10 + d;
	*len = 2;
	if (++p == end)
		return v;
	d = (u32)(*p - '0');
	if (d > 9)
		return v;
	*len = 3;
	return v * 10 + d;
}

u32 sip_ip4_scan(const u8 *p, const u8 *end, u8 out[4])
{
	const u8 *start = p;
	u32 n = 0;
	u32 v, len = 0;

	for (;;) {
		v = octet(p, end, &len);
		if (v > 255)
			return 0;
		out[n++] = (u8)v;
		p += len;
		if (n == 4)
			return (u32)(p - start);
		if (p == end || *p++ != '.')
			return 0;
	}
}

bool sip_ip4_parse(const u8 *p, u32 len, u8 out[4])
{
	u8 oct[4];

	if (!len || sip_ip4_scan(p, p + len, oct) != len)
		return false;
	memcpy(out, oct, 4);
	return true;
}

struct ip6 {
	u8 b[16];
	u32 n;    /* bytes filled */
	u32 gap;  /* where "::" stood, 17: nowhere */
};

/* One group of 1-4 hexadecimal digits; returns the bytes read, 0 when there is none. */
static u32 ip6_group(const u8 *p, u32 len, struct ip6 *a)
{
	u32 v = 0;
	u32 i = 0;

	while (i < len && sip_is(p[i], SIP_C_HEX)) {
		if (i == 4)
			return 0;
		v = v << 4 | sip_hex(p[i++]);
	}
	if (!i || a->n > 14)
		return 0;
	a->b[a->n++] = (u8)(v >> 8);
	a->b[a->n++] = (u8)v;
	return i;
}

/* Groups and an IPv4 tail, starting at @i. */
static bool ip6_groups(const u8 *p, u32 len, u32 i, struct ip6 *a)
{
	u32 used;

	while (i < len) {
		if (a->n <= 12 && sip_ip4_parse(p + i, len - i, a->b + a->n)) {
			a->n += 4;
			return true;
		}
		used = ip6_group(p + i, len - i, a);
		if (!used)
			return false;
		i += used;
		if (i == len)
			return true;
		if (p[i++] != ':' || i == len)
			return false;
		if (p[i] == ':') {
			if (a->gap != 17)
				return false;
			a->gap = a->n;
			i++;
		}
	}
	return true;
}

bool sip_ip6_parse(const u8 *p, u32 len, u8 out[16])
{
	struct ip6 a = { .n = 0, .gap = 17 };
	u32 i = 0;
	u32 tail;

	if (len < 2 || len > SIP_IP6_TEXT + 6)
		return false;
	if (p[0] == ':') {
		if (p[1] != ':')
			return false;
		a.gap = 0;
		i = 2;
	}
	if (!ip6_groups(p, len, i, &a))
		return false;
	if (a.gap == 17 ? a.n != 16 : a.n > 14)
		return false;
	memset(out, 0, 16);
	if (a.gap == 17) {
		memcpy(out, a.b, 16);
		return true;
	}
	tail = a.n - a.gap;
	memcpy(out, a.b, a.gap);
	memcpy(out + 16 - tail, a.b + a.gap, tail);
	return true;
}

u32 sip_u32_print(u8 *out, u32 n)
{
	u8 rev[SIP_U32_TEXT];
	u32 len = 0;
	u32 i;

	do {
		rev[len++] = (u8)('0' + n % 10);
		n /= 10;
	} while (n);
	for (i = 0; i < len; i++)
		out[i] = rev[len - 1 - i];
	return len;
}

u32 sip_ip4_print(u8 *out, const u8 addr[4])
{
	u32 len = 0;
	u32 i;

	for (i = 0; i < 4; i++) {
		if (i)
			out[len++] = '.';
		if (addr[i] >= 100)
			out[len++] = (u8)('0' + addr[i] / 100);
		if (addr[i] >= 10)
			out[len++] = (u8)('0' + addr[i] / 10 % 10);
		out[len++] = (u8)('0' + addr[i] % 10);
	}
	return len;
}

static u32 hex_print(u8 *out, u32 v)
{
	static const char digits[] = "0123456789abcdef";
	u32 len = 0;
	int shift;

	for (shift = 12; shift >= 0; shift -= 4)
		if (len || !shift || v >> shift)
			out[len++] = (u8)digits[v >> shift & 15];
	return len;
}

/* The longest run of at least two zero groups, the first of equals; 8 when there is none. */
static u32 zero_run(const u8 addr[16], u32 *run)
{
	u32 best = 8;
	u32 cur = 0;
	u32 i;

	*run = 1;
	for (i = 0; i < 8; i++) {
		cur = addr[2 * i] | addr[2 * i + 1] ? 0 : cur + 1;
		if (cur > *run) {
			*run = cur;
			best = i + 1 - cur;
		}
	}
	return best;
}

/* RFC 5952 4; a mapped address ends in dotted form (section 5). */
u32 sip_ip6_print(u8 *out, const u8 addr[16])
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	u32 run;
	u32 best = zero_run(addr, &run);
	u32 len = 0;
	u32 i;

	if (!memcmp(addr, mapped, sizeof(mapped))) {
		memcpy(out, "::ffff:", 7);
		return 7 + sip_ip4_print(out + 7, addr + 12);
	}
	for (i = 0; i < 8; i++) {
		if (i == best) {
			out[len++] = ':';
			i += run - 1;
			if (i == 7)
				out[len++] = ':';
			continue;
		}
		if (i)
			out[len++] = ':';
		len += hex_print(out + len, (u32)addr[2 * i] << 8 | addr[2 * i + 1]);
	}
	return len;
}

u32 sip_host_print(u8 *out, u8 kind, const u8 *addr, u16 port)
{
	u32 len = 0;

	if (kind == SIP_HOST_IP6) {
		out[len++] = '[';
		len += sip_ip6_print(out + len, addr);
		out[len++] = ']';
	} else {
		len = sip_ip4_print(out, addr);
	}
	if (port) {
		out[len++] = ':';
		len += sip_u32_print(out + len, port);
	}
	return len;
}
