// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Via. RFC 3261 20.42 and 25.1 (via-parm), RFC 3581. */
#include "msg.h"

#include "value.h"

/* "SIP" SLASH "2.0" SLASH with blanks. */
static u32 odd_protocol(const u8 *buf, u32 pos, u32 end)
{
	static const char *const part[2] = { "sip", "2.0" };
	u32 i, p;

	for (i = 0; i < 2; i++) {
		p = sip_span(buf, pos, end, SIP_C_TOKEN);
		if (!sip_str_is(buf, sip_slice(pos, p), part[i], 3))
			return 0;
		p = sip_skip_lws(buf, p, end);
		if (p >= end || buf[p] != '/')
			return 0;
		pos = sip_skip_lws(buf, p + 1, end);
	}
	return pos;
}

/* The same; almost always there are none. */
static u32 protocol(const u8 *buf, u32 pos, u32 end)
{
	if (likely(end - pos > 8 && !memcmp(buf + pos, "SIP/2.0/", 8) &&
		   !sip_byte_is_blank(buf[pos + 8])))
		return pos + 8;
	return odd_protocol(buf, pos, end);
}

static bool rfc3261_branch(const u8 *buf, struct sip_str s)
{
	if (s.len < 7)
		return false;
	if (likely(!memcmp(buf + s.off, "z9hG4bK", 7)))
		return true;
	s.len = 7;
	return SIP_IS(buf, s, "z9hg4bk");
}

/* Keeps the parameters that mean something to a hop. */
static int keep(const u8 *buf, const struct sip_param *p, struct sip_via *v)
{
	u32 n;

	switch (p->name.len) {
	case 3:
		if (!SIP_IS(buf, p->name, "ttl"))
			return 0;
		if (!sip_number(buf, p->value, 255, &n))
			return SIP_BAD_NUMBER;
		v->ttl = (u16)n;
		return 0;
	case 5:
		if (SIP_IS(buf, p->name, "maddr")) {
			v->maddr = p->value;
		} else if (SIP_IS(buf, p->name, "rport")) {
			if (v->has_rport)
				return SIP_BAD_DUPLICATE;
			if (p->has_value && (!sip_number(buf, p->value, 65535, &n) || !n))
				return SIP_BAD_PORT;
			v->rport_num = p->has_value ? (u16)n : 0;
			v->rport = p->all;
			v->has_rport = true;
		}
		return 0;
	case 6:
		if (!SIP_IS(buf, p->name, "branch"))
			return 0;
		if (v->branch.len)
			return SIP_BAD_DUPLICATE;
		if (!p->has_value)
			return SIP_BAD_PARAM;
		v->branch = p->value;
		v->rfc3261 = rfc3261_branch(buf, p->value);
		return 0;
	case 8:
		if (!SIP_IS(buf, p->name, "received"))
			return 0;
		if (v->received.len)
			return SIP_BAD_DUPLICATE;
		v->received = p->value;
		return 0;
	}
	return 0;
}

static int via_params(const u8 *buf, u32 *pos, u32 end, struct sip_via *v)
{
	struct sip_param p;
	u32 i = *pos;
	u32 stop = i;
	u32 n = 0;
	int bad;

	while (i < end && buf[i] == ';') {
		if (++n > SIP_MAX_PARAMS)
			return SIP_BAD_TOO_MANY;
		i++;
		bad = sip_param_scan(buf, &i, end, &p);
		if (!bad)
			bad = keep(buf, &p, v);
		if (bad)
			return bad;
		stop = sip_str_end(p.all);
	}
	v->params = sip_slice(*pos, stop);
	*pos = i;
	return 0;
}

int sip_via_parse(const u8 *buf, struct sip_str s, struct sip_via *v, u32 *used)
{
	u32 end = s.off + s.len;
	u32 pos, i;
	int bad;

	memset(v, 0, sizeof(*v));
	v->ttl = SIP_NO_TTL;
	pos = protocol(buf, s.off, end);
	if (!pos)
		return SIP_BAD_VIA;
	i = sip_span(buf, pos, end, SIP_C_TOKEN);
	v->transport = sip_slice(pos, i);
	pos = sip_skip_lws(buf, i, end);
	if (!v->transport.len || pos == i)
		return SIP_BAD_VIA;
	v->transport_id = (u8)sip_transport_id(buf, v->transport);
	bad = sip_host_scan(buf, sip_slice(pos, end), true, &v->sent_by, &pos);
	if (bad)
		return bad;
	v->all = sip_slice(s.off, pos);
	pos = sip_skip_lws(buf, pos, end);
	if (pos < end && buf[pos] == ';') {
		bad = via_params(buf, &pos, end, v);
		if (bad)
			return bad;
		v->all = sip_slice(s.off, sip_str_end(v->params));
	}
	if (pos < end && buf[pos] != ',')
		return SIP_BAD_VIA;
	*used = pos - s.off;
	return 0;
}

int sip_check_vias(struct sip_msg *m, struct sip_str s)
{
	struct sip_via v;
	bool top = !m->via.all.len;
	u32 used;
	int bad;

	for (;;) {
		bad = sip_via_parse(m->buf, s, top ? &m->via : &v, &used);
		if (bad)
			return bad;
		if (++m->n_values > SIP_MAX_VALUES)
			return SIP_BAD_TOO_MANY;
		if (used == s.len)
			return 0;
		top = false;
		used = sip_skip_lws(m->buf, s.off + used + 1, s.off + s.len);
		s = sip_slice(used, s.off + s.len);
	}
}
