/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Slices: an offset and a length inside a message, never a pointer. The buffer may be moved or
 * reallocated at any time; whoever reads a slice names the buffer again.
 */
#ifndef SIP_STR_H
#define SIP_STR_H

#include "port.h"

struct sip_str {
	u32 off; /* from the start of the buffer */
	u32 len; /* bytes; 0 is "absent or empty" */
};

static inline u32 sip_str_end(struct sip_str s)
{
	return s.off + s.len;
}

/* The slice from @off up to, not including, @end. */
static inline struct sip_str sip_slice(u32 off, u32 end)
{
	return (struct sip_str){ .off = off, .len = end - off };
}

/* Space, tab, CR, LF: the last two stand in checked folds only. */
static inline bool sip_byte_is_blank(u8 c)
{
	return c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

/* Byte-equal? The two slices may live in different buffers. */
bool sip_str_eq(const u8 *a, struct sip_str sa, const u8 *b, struct sip_str sb);

/* Equal but for the case of ASCII letters? */
bool sip_str_ieq(const u8 *a, struct sip_str sa, const u8 *b, struct sip_str sb);

/* Are the @len bytes at @p those at @lit, which is in lower case, but for the case of letters? */
bool sip_bytes_are(const u8 *p, const char *lit, u32 len);

/* One byte, letters in either case; folds to one comparison when @lit is constant. */
static inline bool sip_byte_is(u8 c, char lit)
{
	return (u8)(c | (lit >= 'a' && lit <= 'z' ? 0x20 : 0)) == (u8)lit;
}

/*
 * Equal, but for the case of ASCII letters, to the @len bytes at @lit, which must be in lower case?
 * Use it as SIP_IS(buf, slice, "literal"): then the first bytes are compared in line.
 */
static inline bool sip_str_is(const u8 *buf, struct sip_str s, const char *lit, u32 len)
{
	const u8 *p = buf + s.off;

	if (s.len != len)
		return false;
	if ((len > 0 && !sip_byte_is(p[0], lit[0])) || (len > 1 && !sip_byte_is(p[1], lit[1])) ||
	    (len > 2 && !sip_byte_is(p[2], lit[2])))
		return false;
	return len < 4 || sip_bytes_are(p + 3, lit + 3, len - 3);
}

#define SIP_IS(buf, s, lit) sip_str_is(buf, s, lit, (u32)sizeof(lit) - 1)

/* The slice without spaces, tabs and line folds at both ends. */
static inline struct sip_str sip_str_trim(const u8 *buf, struct sip_str s)
{
	u32 off = s.off;
	u32 end = s.off + s.len;

	while (off < end && sip_byte_is_blank(buf[off]))
		off++;
	while (end > off && sip_byte_is_blank(buf[end - 1]))
		end--;
	return sip_slice(off, end);
}

#endif /* SIP_STR_H */
