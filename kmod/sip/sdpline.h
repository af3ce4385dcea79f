/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Inside this directory only: lines and fields of SDP. */
#ifndef SIP_SDPLINE_H
#define SIP_SDPLINE_H

#include "sdp.h"

/* A line that ends or begins unusually. */
bool sip_sdp_odd_line(const u8 *buf, struct sip_iter *it, struct sip_str *line);

/*
 * The line at it->pos, without its end; it->pos moves behind it. False at the end, at an empty line
 * (only empty lines may follow it), or with it->bad set.
 */
static inline bool sip_sdp_line(const u8 *buf, struct sip_iter *it, struct sip_str *line)
{
	u32 start = it->pos;
	u32 end = it->end;
	u32 eol;

	if (it->bad || start >= end)
		return false;
	eol = sip_find_ctl(buf, start, end);
	if (unlikely(end - eol < 2 || buf[eol] != '\r' || buf[eol + 1] != '\n' || eol - start < 2 ||
		     buf[start + 1] != '=' || (u8)(buf[start] - 'a') >= 26))
		return sip_sdp_odd_line(buf, it, line);
	it->pos = eol + 2;
	*line = sip_slice(start, eol);
	return true;
}

/* Next field of a line, up to a blank; an empty slice at the end. */
static inline struct sip_str sip_sdp_field(const u8 *buf, struct sip_iter *it)
{
	const u8 *end = buf + it->end;
	const u8 *p = buf + it->pos;
	const u8 *start;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	for (start = p; p < end && *p > ' '; p++)
		;
	it->pos = (u32)(p - buf);
	return sip_slice((u32)(start - buf), it->pos);
}

/* "IN IP4 address[/ttl[/count]]". Returns 0 or SIP_BAD_SDP_CONN. */
int sip_sdp_addr_scan(const u8 *buf, struct sip_iter *it, struct sip_sdp_addr *a);

/* Value of an "x=" line. */
static inline struct sip_str sip_sdp_value(struct sip_str line)
{
	return sip_slice(line.off + 2, line.off + line.len);
}

/* Names the attribute of an "a=" line; ->name and ->value are set for the known ones only. */
void sip_sdp_attr_scan(const u8 *buf, struct sip_str line, struct sip_sdp_attr *a);

/* Attributes whose form is checked because they hold addresses. Returns 0 or SIP_BAD_SDP_ATTR. */
int sip_sdp_attr_check(const u8 *buf, const struct sip_sdp_attr *a);

/* enum sip_sdp_setup of a value. */
u8 sip_sdp_setup_of(const u8 *buf, struct sip_str value);

/* enum sip_sdp_dir of an attribute; SIP_DIR_NONE if it is no direction. */
u8 sip_sdp_dir_of(u8 attr_id);

#endif /* SIP_SDPLINE_H */
