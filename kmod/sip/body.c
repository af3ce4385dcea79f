// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The parts of a body. RFC 2046 5.1, RFC 5621. */
#include "body.h"

/* Behind the CRLF of the line at @pos, or @end + 1 when there is none. */
static u32 after_crlf(const u8 *buf, u32 pos, u32 end)
{
	while (pos < end) {
		pos = sip_find_ctl(buf, pos, end);
		if (end - pos >= 2 && buf[pos] == '\r' && buf[pos + 1] == '\n')
			return pos + 2;
		pos++;
	}
	return end + 1;
}

/* Is there "--boundary" at @pos, and nothing that would make it a longer one? */
static bool delimiter_at(const u8 *buf, u32 pos, u32 end, struct sip_str boundary)
{
	u32 need = boundary.len + 2;
	u8 c;

	if (end - pos < need || buf[pos] != '-' || buf[pos + 1] != '-' ||
	    memcmp(buf + pos + 2, buf + boundary.off, boundary.len))
		return false;
	if (end - pos == need)
		return true;
	c = buf[pos + need];
	return c == '-' || sip_is(c, SIP_C_LWS);
}

/* The first delimiter at the start of a line, at or behind @pos; @end when there is none. */
static u32 find_delimiter(const u8 *buf, u32 pos, u32 end, struct sip_str boundary)
{
	while (pos < end) {
		if (delimiter_at(buf, pos, end, boundary))
			return pos;
		pos = after_crlf(buf, pos, end);
	}
	return end;
}

/* Identity or nothing; for transfers also the three that change no byte (RFC 2045 6.2). */
static bool plain(const u8 *buf, struct sip_str v)
{
	return !v.len || SIP_IS(buf, v, "identity") || SIP_IS(buf, v, "binary") ||
	       SIP_IS(buf, v, "8bit") || SIP_IS(buf, v, "7bit");
}

static int part_header(const u8 *buf, u32 id, struct sip_str value, struct sip_part *p)
{
	switch (id) {
	case SIP_H_CONTENT_TYPE:
		if (p->ctype.type.len)
			return SIP_BAD_DUPLICATE;
		return sip_content_type_parse(buf, value, &p->ctype);
	case SIP_H_CONTENT_DISPOSITION:
		return sip_disposition_parse(buf, value, &p->disp);
	case SIP_H_CONTENT_ENCODING:
	case SIP_H_CONTENT_TRANSFER_ENCODING:
		if (!plain(buf, value))
			p->encoded = true;
		return 0;
	}
	return 0;
}

/* The end of a MIME header line with its folds: the CR; @end when there is none. */
static u32 folded_end(const u8 *buf, u32 pos, u32 end)
{
	for (;;) {
		pos = after_crlf(buf, pos, end);
		if (pos > end)
			return end;
		if (pos == end || (buf[pos] != ' ' && buf[pos] != '\t'))
			return pos - 2;
	}
}

/* MIME headers from @pos to the empty line; *@content is behind it. */
static int part_headers(const u8 *buf, u32 pos, u32 end, struct sip_part *p, u32 *content)
{
	u32 start = pos;
	u32 name_end, eol, i;
	int bad;

	for (;;) {
		if (end - pos >= 2 && buf[pos] == '\r' && buf[pos + 1] == '\n')
			break;
		name_end = sip_span(buf, pos, end, SIP_C_TOKEN);
		for (i = name_end; i < end && (buf[i] == ' ' || buf[i] == '\t'); i++)
			;
		eol = folded_end(buf, i, end);
		if (name_end == pos || i >= end || buf[i] != ':' || eol == end || eol <= i)
			return SIP_BAD_BOUNDARY;
		bad = part_header(buf, sip_header_id(buf, sip_slice(pos, name_end)),
				  sip_str_trim(buf, sip_slice(i + 1, eol)), p);
		if (bad)
			return bad;
		pos = eol + 2;
	}
	p->headers = sip_slice(start, pos);
	*content = pos + 2;
	return 0;
}

static bool fail(struct sip_body *b, int bad)
{
	b->bad = (u8)bad;
	return false;
}

static bool container(const u8 *buf, const struct sip_part *p)
{
	return SIP_IS(buf, p->ctype.type, "multipart") && !p->encoded &&
	       (p->ctype.class == SIP_MEDIA_MULTI || p->ctype.class == SIP_MEDIA_SIGNED);
}

/* Goes into a multipart: its first delimiter must be there. */
static bool enter(struct sip_body *b, const struct sip_part *p)
{
	const u8 *buf = b->msg->buf;
	u32 end = sip_str_end(p->body);
	u32 pos;

	if (!p->ctype.boundary.len)
		return fail(b, SIP_BAD_BOUNDARY);
	if (b->depth == SIP_BODY_DEPTH)
		return fail(b, SIP_BAD_DEPTH);
	pos = find_delimiter(buf, p->body.off, end, p->ctype.boundary);
	if (pos == end)
		return fail(b, SIP_BAD_BOUNDARY);
	b->level[b->depth].boundary = p->ctype.boundary;
	b->level[b->depth].pos = pos;
	b->level[b->depth].end = end;
	b->level[b->depth].sealed = p->sealed;
	b->depth++;
	return true;
}

/* The part behind the delimiter of the innermost level. 1: closed, that level is done. */
static int next_part(struct sip_body *b, struct sip_part *p)
{
	const u8 *buf = b->msg->buf;
	u32 d = b->depth - 1u;
	struct sip_str boundary = b->level[d].boundary;
	u32 end = b->level[d].end;
	u32 pos = b->level[d].pos + 2 + boundary.len;
	u32 content, delimiter;
	int bad;

	if (end - pos >= 2 && buf[pos] == '-' && buf[pos + 1] == '-')
		return 1;
	while (pos < end && (buf[pos] == ' ' || buf[pos] == '\t'))
		pos++;
	if (end - pos < 2 || buf[pos] != '\r' || buf[pos + 1] != '\n')
		return -SIP_BAD_BOUNDARY;
	pos += 2;
	memset(p, 0, sizeof(*p));
	delimiter = find_delimiter(buf, pos, end, boundary);
	if (delimiter == end)
		return -SIP_BAD_BOUNDARY;
	bad = part_headers(buf, pos, delimiter, p, &content);
	if (bad)
		return -bad;
	if (content > delimiter)
		return -SIP_BAD_BOUNDARY;
	b->level[d].pos = delimiter;
	/* The CRLF before a delimiter belongs to the delimiter; an empty part may lack it. */
	p->body = sip_slice(content, delimiter - content < 2 ? content : delimiter - 2);
	p->depth = b->depth;
	p->sealed = b->level[d].sealed || p->ctype.class == SIP_MEDIA_SIGNED;
	return 0;
}

/* The message body itself, as if it were a part. */
static int whole_body(struct sip_body *b, struct sip_part *p)
{
	static const u8 ids[] = { SIP_H_CONTENT_DISPOSITION, SIP_H_CONTENT_ENCODING,
				  SIP_H_CONTENT_TRANSFER_ENCODING };
	const struct sip_msg *m = b->msg;
	const struct sip_header *h;
	u32 i;

	memset(p, 0, sizeof(*p));
	p->body = m->body;
	p->ctype = m->ctype;
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		for (h = sip_msg_header(m, ids[i]); h; h = sip_msg_next(m, h))
			part_header(m->buf, ids[i], h->value, p);
	p->sealed = p->ctype.class == SIP_MEDIA_SIGNED;
	return 0;
}

void sip_body_init(struct sip_body *b, const struct sip_msg *msg)
{
	memset(b, 0, sizeof(*b));
	b->msg = msg;
}

bool sip_body_next(struct sip_body *b, struct sip_part *p)
{
	int bad;

	if (b->bad || (!b->begun && !b->msg->body.len))
		return false;
	if (!b->begun) {
		b->begun = true;
		whole_body(b, p);
		if (!container(b->msg->buf, p))
			return true;
		if (!enter(b, p))
			return false;
	}
	while (b->depth) {
		bad = next_part(b, p);
		if (bad < 0)
			return fail(b, -bad);
		if (bad > 0) {
			b->depth--;
			continue;
		}
		if (!container(b->msg->buf, p))
			return true;
		if (!enter(b, p))
			return false;
	}
	return false;
}

bool sip_body_next_sdp(struct sip_body *b, struct sip_part *p)
{
	while (sip_body_next(b, p))
		if (p->ctype.class == SIP_MEDIA_SDP || p->ctype.class == SIP_MEDIA_FRAG)
			return true;
	return false;
}
