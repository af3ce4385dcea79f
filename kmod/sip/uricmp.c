// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* When two URIs are the same. RFC 3261 19.1.4, RFC 3966 5. */
#include "uri.h"

#include "hdr.h"

/* More parameters than this are compared byte by byte only: the cost must not be quadratic. */
#define MANY 32

/*
 * One character of escaped text: 0-255 as such, +256 when it is a reserved character that was
 * written as an escape (those differ from the bare character).
 */
static u32 next_char(const u8 *buf, u32 *pos, u32 end)
{
	static const char reserved[] = ";/?:@&=+$,";
	u32 p = *pos;
	u32 c = buf[p++];
	u32 i;

	if (c == '%' && end - p >= 2 && sip_is(buf[p], SIP_C_HEX) &&
	    sip_is(buf[p + 1], SIP_C_HEX)) {
		c = (u32)sip_hex(buf[p]) << 4 | sip_hex(buf[p + 1]);
		p += 2;
		for (i = 0; i < sizeof(reserved) - 1; i++)
			if (c == (u8)reserved[i])
				c |= 256;
	}
	*pos = p;
	return c;
}

static bool text_equal(const u8 *a, struct sip_str sa, const u8 *b, struct sip_str sb)
{
	u32 pa = sa.off;
	u32 pb = sb.off;
	u32 ea = sa.off + sa.len;
	u32 eb = sb.off + sb.len;

	while (pa < ea && pb < eb)
		if (next_char(a, &pa, ea) != next_char(b, &pb, eb))
			return false;
	return pa == ea && pb == eb;
}

static bool text_equal_nocase(const u8 *a, struct sip_str sa, const u8 *b, struct sip_str sb)
{
	u32 pa = sa.off;
	u32 pb = sb.off;
	u32 ea = sa.off + sa.len;
	u32 eb = sb.off + sb.len;

	while (pa < ea && pb < eb) {
		u32 ca = next_char(a, &pa, ea);
		u32 cb = next_char(b, &pb, eb);

		if ((ca | cb) < 256 ? sip_lower((u8)ca) != sip_lower((u8)cb) : ca != cb)
			return false;
	}
	return pa == ea && pb == eb;
}

/* Parameters that differ even when only one side has them (examples of 19.1.4: transport too). */
static bool significant(const u8 *buf, struct sip_str name)
{
	return SIP_IS(buf, name, "user") || SIP_IS(buf, name, "ttl") ||
	       SIP_IS(buf, name, "method") || SIP_IS(buf, name, "maddr") ||
	       SIP_IS(buf, name, "transport");
}

enum strict { LOOSE, STRICT };

/* Does everything in @sa agree with @sb? STRICT: and is everything in @sb at all? */
static bool list_within(const u8 *a, struct sip_str sa, const u8 *b, struct sip_str sb,
			enum strict strict)
{
	struct sip_iter ia = sip_iter(sa);
	struct sip_param pa, pb;
	u32 n = 0;

	while (sip_uri_param_next(a, &ia, &pa)) {
		struct sip_iter ib = sip_iter(sb);
		bool found = false;
		u32 k = 0;

		if (++n > MANY)
			return false;
		while (!found && sip_uri_param_next(b, &ib, &pb)) {
			if (++k > MANY)
				return false;
			found = text_equal_nocase(a, pa.name, b, pb.name);
		}
		if (found && !text_equal_nocase(a, pa.value, b, pb.value))
			return false;
		if (!found && (strict == STRICT || significant(a, pa.name)))
			return false;
	}
	return true;
}

static bool list_equal(const u8 *a, struct sip_str sa, const u8 *b, struct sip_str sb,
		       enum strict strict)
{
	return sip_str_eq(a, sa, b, sb) ||
	       (list_within(a, sa, b, sb, strict) && list_within(b, sb, a, sa, strict));
}

static bool separator(u8 c)
{
	return c == '-' || c == '.' || c == '(' || c == ')';
}

static u32 skip_separators(const u8 *buf, u32 pos, u32 end)
{
	while (pos < end && separator(buf[pos]))
		pos++;
	return pos;
}

/* RFC 3966 5: visual separators do not count. */
static bool number_equal(const u8 *a, struct sip_str sa, const u8 *b, struct sip_str sb)
{
	u32 ea = sa.off + sa.len;
	u32 eb = sb.off + sb.len;
	u32 pa = sa.off;
	u32 pb = sb.off;

	for (;;) {
		pa = skip_separators(a, pa, ea);
		pb = skip_separators(b, pb, eb);
		if (pa == ea || pb == eb)
			return pa == ea && pb == eb;
		if (sip_lower(a[pa++]) != sip_lower(b[pb++]))
			return false;
	}
}

bool sip_uri_equal(const u8 *a, const struct sip_uri *ua, const u8 *b, const struct sip_uri *ub)
{
	if (ua->scheme != ub->scheme)
		return false;
	if (ua->scheme == SIP_URI_OTHER || ua->scheme == SIP_URI_NONE)
		return sip_str_eq(a, ua->all, b, ub->all);
	if (ua->scheme == SIP_URI_TEL)
		return number_equal(a, ua->user, b, ub->user) &&
		       list_equal(a, ua->params, b, ub->params, STRICT);
	return ua->has_user == ub->has_user && text_equal(a, ua->user, b, ub->user) &&
	       text_equal(a, ua->password, b, ub->password) &&
	       sip_host_equal(a, &ua->host, b, &ub->host) &&
	       list_equal(a, ua->params, b, ub->params, LOOSE) &&
	       list_equal(a, ua->headers, b, ub->headers, STRICT);
}
