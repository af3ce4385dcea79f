/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Character classes, bounded numbers, addresses: the alphabet of the parser (RFC 3261 25.1). */
#ifndef SIP_SCAN_H
#define SIP_SCAN_H

#include "str.h"

enum sip_class {
	SIP_C_TOKEN = 1 << 0, /* token */
	SIP_C_HOST = 1 << 1,  /* host name: alphanum - . _ */
	SIP_C_USER = 1 << 2,  /* user part or password, without % */
	SIP_C_PARAM = 1 << 3, /* name or value of a URI parameter, without % */
	SIP_C_URI = 1 << 4,   /* any URI: reserved, unreserved and % */
	SIP_C_VALUE = 1 << 5, /* unquoted value of a parameter: more than a token, never ;," <>\ */
	SIP_C_HEX = 1 << 6,
	SIP_C_LWS = 1 << 7, /* SP HT CR LF (CR and LF only in checked folds) */
};

extern const u8 sip_class[256];

static inline bool sip_is(u8 c, u32 class)
{
	return sip_class[c] & class;
}

/* An ASCII letter in lower case; other bytes as they are. */
static inline u8 sip_lower(u8 c)
{
	return (u8)(c - 'A') < 26 ? (u8)(c | 0x20) : c;
}

static inline bool sip_is_digit(u8 c)
{
	return (u8)(c - '0') < 10;
}

/* Value of a hexadecimal digit; the caller has checked that it is one. */
static inline u8 sip_hex(u8 c)
{
	return (u8)((c & 15) + 9 * (c >> 6));
}

enum sip_host_kind {
	SIP_HOST_NONE, /* absent */
	SIP_HOST_NAME, /* a name, or an address written ambiguously (octets with leading zeros) */
	SIP_HOST_IP4,
	SIP_HOST_IP6,
};

#define SIP_PORT 5060  /* where none is written (RFC 3261 19.1.2) */
#define SIPS_PORT 5061 /* the same with TLS */

/* host[:port] as it stands in a URI, in a Via or in an MSRP path. */
struct sip_host {
	struct sip_str all;  /* exactly host[:port], brackets included: what an edit replaces */
	struct sip_str host; /* without brackets */
	struct sip_str port; /* digits only */
	u16 port_num;        /* 0: absent */
	u8 kind;             /* enum sip_host_kind */
	u8 addr[16];         /* network order; 4 bytes for IP4, 16 for IP6, else 0 */
};

/*
 * First byte below @limit (at most 0x80) at or behind @pos, or @end. Eight bytes at a time: a byte
 * below the limit borrows into its top bit, and only bytes above the first such can be hit wrongly.
 */
static inline u32 sip_find_below(const u8 *buf, u32 pos, u32 end, u8 limit)
{
	const u64 ones = 0x0101010101010101ULL;
	const u64 low = ones * limit;
	const u8 *stop = buf + end;
	const u8 *p = buf + pos;
	u64 v, hit;

	if (end - pos >= 8) {
		do {
			v = sip_load64(p);
			hit = (v - low) & ~v & (ones * 0x80);
			if (hit)
				return (u32)(p - buf) + sip_ctz64(hit) / 8;
			p += 8;
		} while (p <= stop - 8);
	}
	while (p < stop && *p >= limit)
		p++;
	return (u32)(p - buf);
}

/* First @c (not NUL) at or behind @pos, or @end. Eight bytes at a time. */
static inline u32 sip_find_byte(const u8 *buf, u32 pos, u32 end, u8 c)
{
	const u64 ones = 0x0101010101010101ULL;
	const u8 *stop = buf + end;
	const u8 *p = buf + pos;
	u64 v, hit;

	if (end - pos >= 8) {
		do {
			v = sip_load64(p) ^ (ones * c);
			hit = (v - ones) & ~v & (ones * 0x80);
			if (hit)
				return (u32)(p - buf) + sip_ctz64(hit) / 8;
			p += 8;
		} while (p <= stop - 8);
	}
	while (p < stop && *p != c)
		p++;
	return (u32)(p - buf);
}

/* The same for the first of two bytes. */
static inline u32 sip_find_either(const u8 *buf, u32 pos, u32 end, u8 a, u8 b)
{
	const u64 ones = 0x0101010101010101ULL;
	const u8 *stop = buf + end;
	const u8 *p = buf + pos;
	u64 v, w, hit;

	for (; stop - p >= 8; p += 8) {
		v = sip_load64(p) ^ (ones * a);
		w = sip_load64(p) ^ (ones * b);
		hit = (((v - ones) & ~v) | ((w - ones) & ~w)) & (ones * 0x80);
		if (hit)
			return (u32)(p - buf) + sip_ctz64(hit) / 8;
	}
	while (p < stop && *p != a && *p != b)
		p++;
	return (u32)(p - buf);
}

/* First control character below 0x20 at or behind @pos, or @end. */
static inline u32 sip_find_ctl(const u8 *buf, u32 pos, u32 end)
{
	return sip_find_below(buf, pos, end, 0x20);
}

/* First byte at or behind @pos that is not in @class, or @end. For words of a few bytes. */
static inline u32 sip_span(const u8 *buf, u32 pos, u32 end, u32 class)
{
	const u8 *p = buf + pos;
	const u8 *stop = buf + end;

	while (p < stop && sip_is(*p, class))
		p++;
	return (u32)(p - buf);
}

/* The same for longer text: the tail of @pos in SIP_C_VALUE. */
u32 sip_span_value(const u8 *buf, u32 pos, u32 end);

/* Behind the blanks and folds at @pos. */
static inline u32 sip_skip_lws(const u8 *buf, u32 pos, u32 end)
{
	/* nothing above ' ' is a blank: most calls end here */
	while (pos < end && buf[pos] <= ' ' && sip_is(buf[pos], SIP_C_LWS))
		pos++;
	return pos;
}

/*
 * Reads host[:port] at @pos as far as the grammar goes; *@stop is the first byte behind it. With
 * @blanks LWS may surround the colon (Via). @h must be all zero before. Returns 0 or a reason.
 */
int sip_host_scan(const u8 *buf, struct sip_str s, bool blanks, struct sip_host *h, u32 *stop);

/*
 * Decimal number of exactly the slice, at most @max. False if it is empty, has another character or
 * is larger. Leading zeros are allowed; there is no limit to their number.
 */
bool sip_number(const u8 *buf, struct sip_str s, u32 max, u32 *out);

/* Dotted IPv4 address at the start of @p .. @end: bytes read, or 0; @out is then undefined. */
u32 sip_ip4_scan(const u8 *p, const u8 *end, u8 out[4]);

/* Dotted IPv4 address, exactly @len bytes; octets with leading zeros are refused. */
bool sip_ip4_parse(const u8 *p, u32 len, u8 out[4]);

/* IPv6 address without brackets and zone (RFC 4291 2.2, all three forms), exactly @len bytes. */
bool sip_ip6_parse(const u8 *p, u32 len, u8 out[16]);

/*
 * host[:port], exactly the slice; no blanks. Returns 0 or a reason (enum sip_bad); @h is written on
 * success only. RFC 3261 25.1 hostport, plus '_' in names.
 */
int sip_host_parse(const u8 *buf, struct sip_str s, struct sip_host *h);

/*
 * A lone address or name: no port, IPv6 with or without brackets. For SDP, received= and maddr=
 * (RFC 5118 4.5 shows both spellings). Returns 0 or a reason.
 */
int sip_host_lone(const u8 *buf, struct sip_str s, struct sip_host *h);

/* Same host and same port (absent is not 5060)? Names without regard to case. */
bool sip_host_equal(const u8 *a, const struct sip_host *ha, const u8 *b, const struct sip_host *hb);

#define SIP_IP4_TEXT 15  /* longest text of an IPv4 address */
#define SIP_IP6_TEXT 39  /* longest text of an IPv6 address (RFC 5952) */
#define SIP_HOST_TEXT 47 /* longest [address]:port */
#define SIP_U32_TEXT 10  /* longest text of a u32 */

/* Writers: no NUL at the end, return the number of bytes written; the buffer has the size above. */
u32 sip_u32_print(u8 *out, u32 n);
u32 sip_ip4_print(u8 *out, const u8 addr[4]);
u32 sip_ip6_print(u8 *out, const u8 addr[16]); /* canonical: RFC 5952 */

/* host[:port] for a URI or Via, IPv6 in brackets; @port 0 writes none. @kind IP4 or IP6. */
u32 sip_host_print(u8 *out, u8 kind, const u8 *addr, u16 port);

#endif /* SIP_SCAN_H */
