// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Headers with one small value: numbers, CSeq, RAck, timers, MIME types. */
#include "value.h"

#include "bad.h"

int sip_number_parse(const u8 *buf, struct sip_str s, u32 max, u32 *out)
{
	return sip_number(buf, s, max, out) ? 0 : SIP_BAD_NUMBER;
}

/* The digits at the start of @s, then LWS; *@pos moves behind both. */
static int leading_number(const u8 *buf, u32 *pos, u32 end, u32 max, u32 *out)
{
	u32 p = *pos;
	u64 n = 0;

	for (; p < end && sip_is_digit(buf[p]); p++) {
		n = n * 10 + (u64)(buf[p] - '0');
		if (unlikely(n > max))
			return SIP_BAD_NUMBER;
	}
	if (p == *pos || p == end || !sip_byte_is_blank(buf[p]))
		return SIP_BAD_NUMBER;
	*out = (u32)n;
	*pos = sip_skip_lws(buf, p, end);
	return 0;
}

int sip_cseq_parse(const u8 *buf, struct sip_str s, struct sip_cseq *c)
{
	u32 end = s.off + s.len;
	u32 pos = s.off;
	u32 stop;

	if (leading_number(buf, &pos, end, 0x7fffffff, &c->num))
		return SIP_BAD_CSEQ;
	stop = sip_span(buf, pos, end, SIP_C_TOKEN);
	if (stop == pos || stop != end)
		return SIP_BAD_CSEQ;
	c->method = sip_slice(pos, end);
	c->method_id = (u8)sip_method_id(buf, c->method);
	return 0;
}

int sip_rack_parse(const u8 *buf, struct sip_str s, struct sip_rack *r)
{
	u32 end = s.off + s.len;
	u32 pos = s.off;
	int bad;

	bad = leading_number(buf, &pos, end, 0xffffffff, &r->rseq);
	return bad ? bad : sip_cseq_parse(buf, sip_slice(pos, end), &r->cseq);
}

/* Number, then parameters; *@params begins with ';' or is empty. */
static int number_params(const u8 *buf, struct sip_str s, u32 *out, struct sip_str *params)
{
	u32 end = s.off + s.len;
	u32 p = s.off;

	while (p < end && sip_is_digit(buf[p]))
		p++;
	if (!sip_number(buf, sip_slice(s.off, p), 0xffffffff, out))
		return SIP_BAD_NUMBER;
	p = sip_skip_lws(buf, p, end);
	if (p < end && buf[p] != ';')
		return SIP_BAD_NUMBER;
	*params = sip_slice(p, end);
	return 0;
}

int sip_session_expires_parse(const u8 *buf, struct sip_str s, struct sip_session_expires *e)
{
	struct sip_str params;
	struct sip_param p;
	int bad;

	bad = number_params(buf, s, &e->seconds, &params);
	if (bad)
		return bad;
	e->refresher = SIP_REFRESHER_NONE;
	if (!sip_param_find(buf, params, "refresher", &p))
		return 0;
	if (SIP_IS(buf, p.value, "uac"))
		e->refresher = SIP_REFRESHER_UAC;
	else if (SIP_IS(buf, p.value, "uas"))
		e->refresher = SIP_REFRESHER_UAS;
	return 0;
}

static u8 multipart_class(const u8 *buf, struct sip_str sub)
{
	if (SIP_IS(buf, sub, "mixed") || SIP_IS(buf, sub, "alternative") ||
	    SIP_IS(buf, sub, "related"))
		return SIP_MEDIA_MULTI;
	if (SIP_IS(buf, sub, "signed") || SIP_IS(buf, sub, "encrypted"))
		return SIP_MEDIA_SIGNED;
	return SIP_MEDIA_OTHER;
}

static u8 media_class(const u8 *buf, const struct sip_content_type *t)
{
	if (SIP_IS(buf, t->type, "multipart"))
		return multipart_class(buf, t->subtype);
	if (!SIP_IS(buf, t->type, "application"))
		return SIP_MEDIA_OTHER;
	if (SIP_IS(buf, t->subtype, "sdp"))
		return SIP_MEDIA_SDP;
	if (SIP_IS(buf, t->subtype, "trickle-ice-sdpfrag"))
		return SIP_MEDIA_FRAG;
	if (SIP_IS(buf, t->subtype, "pkcs7-mime") || SIP_IS(buf, t->subtype, "x-pkcs7-mime") ||
	    SIP_IS(buf, t->subtype, "cms"))
		return SIP_MEDIA_SIGNED;
	return SIP_MEDIA_OTHER;
}

int sip_content_type_parse(const u8 *buf, struct sip_str s, struct sip_content_type *t)
{
	u32 end = s.off + s.len;
	struct sip_param p;
	struct sip_iter it;
	u32 pos;

	memset(t, 0, sizeof(*t));
	if (likely(s.len == 15 && !memcmp(buf + s.off, "application/sdp", 15))) {
		t->type = sip_slice(s.off, s.off + 11);
		t->subtype = sip_slice(s.off + 12, end);
		t->params = sip_slice(end, end);
		t->class = SIP_MEDIA_SDP;
		return 0;
	}
	pos = sip_span(buf, s.off, end, SIP_C_TOKEN);
	t->type = sip_slice(s.off, pos);
	pos = sip_skip_lws(buf, pos, end);
	if (!t->type.len || pos >= end || buf[pos] != '/')
		return SIP_BAD_CONTENT_TYPE;
	pos = sip_skip_lws(buf, pos + 1, end);
	t->subtype = sip_slice(pos, sip_span(buf, pos, end, SIP_C_TOKEN));
	if (!t->subtype.len)
		return SIP_BAD_CONTENT_TYPE;
	t->params = sip_slice(sip_skip_lws(buf, sip_str_end(t->subtype), end), end);
	t->class = media_class(buf, t);
	it = sip_iter(t->params);
	while (sip_param_next(buf, &it, &p)) {
		if (!SIP_IS(buf, p.name, "boundary"))
			continue;
		t->boundary = p.value;
		if (p.value.len >= 2 && buf[p.value.off] == '"')
			t->boundary = sip_slice(p.value.off + 1, sip_str_end(p.value) - 1);
	}
	return it.bad ? SIP_BAD_CONTENT_TYPE : 0;
}

int sip_disposition_parse(const u8 *buf, struct sip_str s, struct sip_disposition *d)
{
	u32 end = s.off + s.len;
	struct sip_param p;
	u32 pos;

	pos = sip_span(buf, s.off, end, SIP_C_TOKEN);
	d->type = sip_slice(s.off, pos);
	if (!d->type.len)
		return SIP_BAD_TOKEN;
	d->params = sip_slice(sip_skip_lws(buf, pos, end), end);
	d->optional = sip_param_find(buf, d->params, "handling", &p) &&
		      SIP_IS(buf, p.value, "optional");
	return 0;
}

bool sip_contact_expires(const u8 *buf, const struct sip_nameaddr *contact, u32 *seconds)
{
	struct sip_param p;

	return sip_param_find(buf, contact->params, "expires", &p) &&
	       sip_number(buf, p.value, 0xffffffff, seconds);
}
