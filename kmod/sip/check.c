// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What each header must look like before a message is trusted. RFC 3261 20 and 25.1. */
#include "bad.h"
#include "msg.h"
#include "value.h"

/* From or To: one address, which stays. */
static int check_party(struct sip_msg *m, struct sip_str s, struct sip_nameaddr *a)
{
	u32 used;
	int bad;

	bad = sip_nameaddr_parse(m->buf, s, a, &used);
	if (bad)
		return bad;
	if (++m->n_values > SIP_MAX_VALUES)
		return SIP_BAD_TOO_MANY;
	if (a->star)
		return SIP_BAD_STAR;
	return used == s.len ? 0 : SIP_BAD_NAME_ADDR;
}

static int check_from(struct sip_msg *m, struct sip_str s)
{
	int bad = check_party(m, s, &m->from);

	if (!bad)
		m->from_tag = m->from.tag;
	return bad;
}

static int check_to(struct sip_msg *m, struct sip_str s)
{
	int bad = check_party(m, s, &m->to);

	if (!bad)
		m->to_tag = m->to.tag;
	return bad;
}

/* A list of addresses, or one if @list is false. */
static int check_addr(struct sip_msg *m, u32 id, struct sip_str s)
{
	bool list = sip_header_flags(id) & SIP_HF_ADDR;
	struct sip_nameaddr a;
	bool first = true;
	u32 used;
	int bad;

	for (;;) {
		bad = sip_nameaddr_parse(m->buf, s, &a, &used);
		if (bad)
			return bad;
		if (++m->n_values > SIP_MAX_VALUES)
			return SIP_BAD_TOO_MANY;
		if (a.star && (id != SIP_H_CONTACT || !first || m->first[id] != SIP_NO_HEADER))
			return SIP_BAD_STAR;
		if (used == s.len)
			break;
		if (!list)
			return SIP_BAD_NAME_ADDR;
		first = false;
		used = sip_skip_lws(m->buf, s.off + used + 1, s.off + s.len);
		s = sip_slice(used, s.off + s.len);
	}
	return 0;
}

/* After "Contact: *" no other Contact line may follow. */
static int check_contact(struct sip_msg *m, struct sip_str s)
{
	const struct sip_header *h = sip_msg_header(m, SIP_H_CONTACT);

	if (h && m->buf[h->value.off] == '*' && h->value.len == 1)
		return SIP_BAD_STAR;
	return check_addr(m, SIP_H_CONTACT, s);
}

static int check_call_id(struct sip_msg *m, struct sip_str s)
{
	u32 end = s.off + s.len;

	if (!s.len || sip_find_below(m->buf, s.off, end, ' ' + 1) != end)
		return SIP_BAD_CALL_ID;
	m->call_id = s;
	return 0;
}

static int check_length(struct sip_msg *m, struct sip_str s)
{
	if (!sip_number(m->buf, s, 0x7fffffff, &m->content_length))
		return SIP_BAD_CONTENT_LENGTH;
	m->has_content_length = true;
	return 0;
}

static int check_expires(struct sip_msg *m, struct sip_str s)
{
	if (!sip_number(m->buf, s, 0xffffffff, &m->expires))
		return SIP_BAD_EXPIRES;
	m->has_expires = true;
	return 0;
}

static int check_max_forwards(struct sip_msg *m, struct sip_str s)
{
	if (!sip_number(m->buf, s, 255, &m->max_forwards))
		return SIP_BAD_MAX_FORWARDS;
	m->has_max_forwards = true;
	return 0;
}

static int check_rack(struct sip_msg *m, struct sip_str s)
{
	struct sip_rack r;

	return sip_rack_parse(m->buf, s, &r);
}

int sip_check_header(struct sip_msg *m, u32 id, struct sip_str value)
{
	u32 n;

	switch (id) {
	case SIP_H_VIA:
		return sip_check_vias(m, value);
	case SIP_H_CONTACT:
		return check_contact(m, value);
	case SIP_H_FROM:
		return check_from(m, value);
	case SIP_H_TO:
		return check_to(m, value);
	case SIP_H_ROUTE:
	case SIP_H_RECORD_ROUTE:
	case SIP_H_PATH:
	case SIP_H_SERVICE_ROUTE:
	case SIP_H_REFER_TO:
	case SIP_H_REFERRED_BY:
		return check_addr(m, id, value);
	case SIP_H_CALL_ID:
		return check_call_id(m, value);
	case SIP_H_CSEQ:
		return sip_cseq_parse(m->buf, value, &m->cseq);
	case SIP_H_CONTENT_LENGTH:
		return check_length(m, value);
	case SIP_H_CONTENT_TYPE:
		return sip_content_type_parse(m->buf, value, &m->ctype);
	case SIP_H_MAX_FORWARDS:
		return check_max_forwards(m, value);
	case SIP_H_EXPIRES:
		return check_expires(m, value);
	case SIP_H_MIN_EXPIRES:
	case SIP_H_RSEQ:
		return sip_number_parse(m->buf, value, 0xffffffff, &n);
	case SIP_H_RACK:
		return check_rack(m, value);
	}
	return 0;
}
