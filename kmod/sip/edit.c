// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The edit list: kept in order, applied in one pass, proved afterwards. */
#include "edit.h"

#define FIELD_NAME(id, name) [SIP_FIELD_##id] = name,
static const char *const field_names[SIP_FIELD_COUNT] = { SIP_FIELD_LIST(FIELD_NAME) };

const char *sip_field_name(u32 field)
{
	return field < SIP_FIELD_COUNT ? field_names[field] : field_names[SIP_FIELD_OTHER];
}

/* Where an edit of @at belongs; an insertion goes before a replacement that begins there. */
static u32 place(const struct sip_edits *e, struct sip_str at)
{
	u32 i = e->n;

	while (i && (e->edit[i - 1].at.off > at.off ||
		     (e->edit[i - 1].at.off == at.off && e->edit[i - 1].at.len && !at.len)))
		i--;
	return i;
}

int sip_edit_put(struct sip_edits *e, struct sip_str at, const void *text, u32 len,
		 struct sip_why why)
{
	struct sip_edit *new;
	u32 i;

	if (e->n == SIP_MAX_EDITS || len > SIP_EDIT_TEXT - e->used)
		return SIP_EDIT_FULL;
	if (at.off > SIP_MAX_LEN || at.len > SIP_MAX_LEN)
		return SIP_EDIT_RANGE;
	i = place(e, at);
	if (i && sip_str_end(e->edit[i - 1].at) > at.off)
		return SIP_EDIT_OVERLAP;
	if (i < e->n && sip_str_end(at) > e->edit[i].at.off)
		return SIP_EDIT_OVERLAP;
	new = &e->edit[i];
	memmove(new + 1, new, (e->n - i) * sizeof(*new));
	new->at = at;
	new->text = (u16)e->used;
	new->text_len = (u16)len;
	new->why = why.why;
	new->field = why.field;
	if (len)
		memcpy(e->text + e->used, text, len);
	e->used += len;
	e->n++;
	e->delta += (int)len - (int)at.len;
	return SIP_EDIT_OK;
}

int sip_edit_put_u32(struct sip_edits *e, struct sip_str at, u32 n, struct sip_why why)
{
	u8 digits[SIP_U32_TEXT];

	return sip_edit_put(e, at, digits, sip_u32_print(digits, n), why);
}

int sip_edit_put_content_length(struct sip_edits *e, const struct sip_msg *m, u16 why)
{
	const struct sip_header *h = sip_msg_header(m, SIP_H_CONTENT_LENGTH);
	u32 end = sip_str_end(m->body);
	int delta = 0;
	u32 i;

	if (!h || !m->has_content_length)
		return SIP_EDIT_OK;
	for (i = 0; i < e->n; i++)
		if (e->edit[i].at.off >= m->body.off && e->edit[i].at.off <= end)
			delta += (int)e->edit[i].text_len - (int)e->edit[i].at.len;
	if (!delta)
		return SIP_EDIT_OK;
	if (delta < -(int)m->body.len)
		return SIP_EDIT_RANGE;
	return sip_edit_put_u32(e, h->value, (u32)((int)m->content_length + delta),
				SIP_WHY(CONTENT_LENGTH, why));
}

u32 sip_edit_body_length(const struct sip_edits *e, const struct sip_msg *m)
{
	u32 len = m->body.len;
	u32 i;

	for (i = 0; i < e->n; i++)
		if (e->edit[i].at.off >= m->body.off &&
		    e->edit[i].at.off <= sip_str_end(m->body))
			len += e->edit[i].text_len - e->edit[i].at.len;
	return len;
}

int sip_edit_apply(const struct sip_edits *e, const u8 *in, u32 inlen, u8 *out, u32 cap)
{
	const struct sip_edit *x;
	u32 from = 0;
	u32 to = 0;
	u32 i;

	if (e->delta < -(int)SIP_MAX_LEN || inlen > SIP_MAX_LEN)
		return SIP_EDIT_RANGE;
	if ((int)inlen + e->delta < 0)
		return SIP_EDIT_RANGE;
	if (sip_edit_length(e, inlen) > cap || sip_edit_length(e, inlen) > SIP_MAX_LEN)
		return SIP_EDIT_SPACE;
	if (e->n && sip_str_end(e->edit[e->n - 1].at) > inlen)
		return SIP_EDIT_RANGE;
	for (i = 0; i < e->n; i++) {
		x = &e->edit[i];
		memcpy(out + to, in + from, x->at.off - from);
		to += x->at.off - from;
		memcpy(out + to, e->text + x->text, x->text_len);
		to += x->text_len;
		from = sip_str_end(x->at);
	}
	memcpy(out + to, in + from, inlen - from);
	return SIP_EDIT_OK;
}

/* Walks the edits along ascending offsets of the old message. */
struct shift {
	const struct sip_edits *e;
	u32 i;
	int delta;
};

/* Where the byte at @off has gone: the text of edits before it counts, insertions at it do not. */
static u32 shifted(struct shift *s, u32 off)
{
	const struct sip_edit *x;

	while (s->i < s->e->n && s->e->edit[s->i].at.off < off) {
		x = &s->e->edit[s->i++];
		s->delta += (int)x->text_len - (int)x->at.len;
	}
	return (u32)((int)off + s->delta);
}

/* Every header line where it should be, and its body, nothing more and nothing less. */
static bool same_shape(const struct sip_edits *e, const struct sip_msg *a, const struct sip_msg *b)
{
	struct shift s = { .e = e };
	u32 i;

	if (a->request != b->request || a->method != b->method || a->status != b->status ||
	    a->n_headers != b->n_headers || a->start != b->start)
		return false;
	if (shifted(&s, a->headers_off) != b->headers_off)
		return false;
	for (i = 0; i < a->n_headers; i++) {
		const struct sip_header *x = &a->headers[i];
		const struct sip_header *y = &b->headers[i];

		if (x->id != y->id || x->name_len != y->name_len ||
		    shifted(&s, x->off) != y->off || shifted(&s, x->end) != y->end)
			return false;
	}
	return shifted(&s, a->headers_end) == b->headers_end &&
	       shifted(&s, a->body.off) == b->body.off;
}

int sip_edit_verify(const struct sip_edits *e, const struct sip_msg *before,
		    const struct sip_msg *after)
{
	const struct sip_edit *x;
	u32 from = 0;
	u32 to = 0;
	u32 i;

	if ((int)before->len + e->delta < 0 || after->len != sip_edit_length(e, before->len))
		return SIP_EDIT_CHANGED;
	if (e->n && sip_str_end(e->edit[e->n - 1].at) > before->len)
		return SIP_EDIT_RANGE;
	for (i = 0; i < e->n; i++) {
		x = &e->edit[i];
		if (memcmp(after->buf + to, before->buf + from, x->at.off - from))
			return SIP_EDIT_CHANGED;
		to += x->at.off - from;
		if (memcmp(after->buf + to, e->text + x->text, x->text_len))
			return SIP_EDIT_CHANGED;
		to += x->text_len;
		from = sip_str_end(x->at);
	}
	if (memcmp(after->buf + to, before->buf + from, before->len - from))
		return SIP_EDIT_CHANGED;
	/* What lies behind Content-Length must stay there, or the two lengths do not agree. */
	if (before->rest.len != after->rest.len || !same_shape(e, before, after))
		return SIP_EDIT_CHANGED;
	return SIP_EDIT_OK;
}

/* How a new value must read. */
enum {
	READ_HOSTPORT, READ_SENT_BY, READ_ADDRESS, READ_NUMBER, READ_ADDRESS_OR_NUMBER,
	READ_LENGTH, READ_NOT,
};

static const u8 reading[SIP_FIELD_COUNT] = {
	[SIP_FIELD_OTHER] = READ_NOT,
	[SIP_FIELD_VIA] = READ_SENT_BY,
	[SIP_FIELD_MAX_FORWARDS] = READ_NUMBER,
	[SIP_FIELD_CONTENT_LENGTH] = READ_LENGTH,
	[SIP_FIELD_SDP_O] = READ_ADDRESS,
	[SIP_FIELD_SDP_C] = READ_ADDRESS,
	[SIP_FIELD_SDP_M] = READ_NUMBER,
	[SIP_FIELD_SDP_RTCP] = READ_ADDRESS_OR_NUMBER,
	[SIP_FIELD_SDP_CANDIDATE] = READ_ADDRESS_OR_NUMBER,
	[SIP_FIELD_SDP_ALTC] = READ_ADDRESS_OR_NUMBER,
	[SIP_FIELD_HEADER] = READ_NOT,
	[SIP_FIELD_FROM] = READ_NOT,
	[SIP_FIELD_TO] = READ_NOT,
	[SIP_FIELD_CALL_ID] = READ_NOT,
	[SIP_FIELD_IDENTITY] = READ_NOT,
};

static bool is_number(const u8 *out, struct sip_str s, u32 max)
{
	u32 n;

	return sip_number(out, s, max, &n);
}

static bool is_address(const u8 *out, struct sip_str s)
{
	struct sip_host h;

	return !sip_host_lone(out, s, &h) && h.kind != SIP_HOST_NAME;
}

static bool reads_well(const u8 *out, struct sip_str s, u32 field, u32 body_len)
{
	struct sip_host h;
	u32 n;

	switch (reading[field]) {
	case READ_HOSTPORT:
		return !sip_host_parse(out, s, &h);
	case READ_SENT_BY:
		/* blanks may stand around its colon (RFC 3261 25.1) */
		return !sip_host_scan(out, s, true, &h, &n) && n == sip_str_end(s);
	case READ_ADDRESS:
		return is_address(out, s);
	case READ_NUMBER:
		return is_number(out, s, 65535);
	case READ_ADDRESS_OR_NUMBER:
		return is_number(out, s, 65535) || is_address(out, s);
	case READ_LENGTH:
		return sip_number(out, s, SIP_MAX_LEN, &n) && n == body_len;
	default:
		return false;
	}
}

static bool has_field(const struct sip_edits *e, u32 field)
{
	u32 i;

	for (i = 0; i < e->n; i++)
		if (e->edit[i].field == field)
			return true;
	return false;
}

/* The same text as the one before, as in o= and c=: it reads the same too. */
static bool is_repeat(const struct sip_edits *e, const struct sip_edit *x)
{
	const struct sip_edit *last = x - 1;

	return x > e->edit && reading[x->field] == reading[last->field] &&
	       x->text_len == last->text_len &&
	       !memcmp(e->text + x->text, e->text + last->text, x->text_len);
}

int sip_edit_check(const struct sip_edits *e, const struct sip_msg *before, const u8 *out)
{
	u32 body_len = before->body.len;
	int moved = 0;
	u32 i;

	for (i = 0; i < e->n; i++)
		if (e->edit[i].at.off >= before->body.off)
			body_len += e->edit[i].text_len - e->edit[i].at.len;
	for (i = 0; i < e->n; i++) {
		const struct sip_edit *x = &e->edit[i];
		struct sip_str now = { .off = (u32)((int)x->at.off + moved), .len = x->text_len };

		if (memcmp(out + now.off, e->text + x->text, now.len) ||
		    (!is_repeat(e, x) && !reads_well(out, now, x->field, body_len)))
			return SIP_EDIT_CHANGED;
		moved += (int)x->text_len - (int)x->at.len;
	}
	/* a length that should have followed the body and did not */
	if (before->has_content_length && body_len != before->body.len &&
	    !has_field(e, SIP_FIELD_CONTENT_LENGTH))
		return SIP_EDIT_CHANGED;
	return SIP_EDIT_OK;
}
