// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* SDP attributes. RFC 8866 5.13 and the RFCs named below. */
#include "sdp.h"

#include "sdpline.h"

struct attr_name {
	const char *name;
	u8 len;
	u8 id;
};

#define ATTR(name, id) { name, sizeof(name) - 1, id }
/* Sorted, so that names with the same first four bytes stand together. */
static const struct attr_name attrs[] = {
	ATTR("altc", SIP_A_ALTC),
	ATTR("bundle-only", SIP_A_BUNDLE_ONLY),
	ATTR("candidate", SIP_A_CANDIDATE),
	ATTR("connection", SIP_A_CONNECTION),
	ATTR("crypto", SIP_A_CRYPTO),
	ATTR("end-of-candidates", SIP_A_END_OF_CANDIDATES),
	ATTR("fingerprint", SIP_A_FINGERPRINT),
	ATTR("group", SIP_A_GROUP),
	ATTR("ice-lite", SIP_A_ICE_LITE),
	ATTR("ice-ufrag", SIP_A_ICE_UFRAG),
	ATTR("inactive", SIP_A_INACTIVE),
	ATTR("mid", SIP_A_MID),
	ATTR("msrp-cema", SIP_A_MSRP_CEMA),
	ATTR("path", SIP_A_PATH),
	ATTR("recvonly", SIP_A_RECVONLY),
	ATTR("remote-candidates", SIP_A_REMOTE_CANDIDATES),
	ATTR("rtcp", SIP_A_RTCP),
	ATTR("rtcp-mux", SIP_A_RTCP_MUX),
	ATTR("rtcp-mux-only", SIP_A_RTCP_MUX),
	ATTR("rtcp-xr", SIP_A_RTCP_XR),
	ATTR("sendonly", SIP_A_SENDONLY),
	ATTR("sendrecv", SIP_A_SENDRECV),
	ATTR("setup", SIP_A_SETUP),
	ATTR("source-filter", SIP_A_SOURCE_FILTER),
};

#define FOUR(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
#define GROUP(first, n) ((first) << 4 | (n))

/* Which attributes begin with these four bytes (checked by tests/unit/test_name.c). */
static u32 group(u32 four)
{
	switch (four) {
	case FOUR('a', 'l', 't', 'c'):
		return GROUP(0, 1);
	case FOUR('b', 'u', 'n', 'd'):
		return GROUP(1, 1);
	case FOUR('c', 'a', 'n', 'd'):
		return GROUP(2, 1);
	case FOUR('c', 'o', 'n', 'n'):
		return GROUP(3, 1);
	case FOUR('c', 'r', 'y', 'p'):
		return GROUP(4, 1);
	case FOUR('e', 'n', 'd', '-'):
		return GROUP(5, 1);
	case FOUR('f', 'i', 'n', 'g'):
		return GROUP(6, 1);
	case FOUR('g', 'r', 'o', 'u'):
		return GROUP(7, 1);
	case FOUR('i', 'c', 'e', '-'):
		return GROUP(8, 2);
	case FOUR('i', 'n', 'a', 'c'):
		return GROUP(10, 1);
	case FOUR('m', 'i', 'd', ':'):
		return GROUP(11, 1);
	case FOUR('m', 's', 'r', 'p'):
		return GROUP(12, 1);
	case FOUR('p', 'a', 't', 'h'):
		return GROUP(13, 1);
	case FOUR('r', 'e', 'c', 'v'):
		return GROUP(14, 1);
	case FOUR('r', 'e', 'm', 'o'):
		return GROUP(15, 1);
	case FOUR('r', 't', 'c', 'p'):
		return GROUP(16, 4);
	case FOUR('s', 'e', 'n', 'd'):
		return GROUP(20, 2);
	case FOUR('s', 'e', 't', 'u'):
		return GROUP(22, 1);
	case FOUR('s', 'o', 'u', 'r'):
		return GROUP(23, 1);
	}
	return 0;
}

/* Attribute names are case-sensitive (RFC 8866 5.13), and are all written in lower case. */
void sip_sdp_attr_scan(const u8 *buf, struct sip_str line, struct sip_sdp_attr *a)
{
	const u8 *p = buf + line.off + 2;
	u32 len = line.len - 2;
	u32 g, i;

	a->line = line;
	a->id = SIP_A_OTHER;
	if (len < 4)
		return;
	g = group(sip_load32(p));
	for (i = g >> 4; i < (g >> 4) + (g & 15); i++) {
		const struct attr_name *n = &attrs[i];

		if (len < n->len || (len > n->len && p[n->len] != ':') ||
		    memcmp(p, n->name, n->len))
			continue;
		a->id = n->id;
		a->name = sip_slice(line.off + 2, line.off + 2 + n->len);
		a->value = sip_slice(line.off + line.len, line.off + line.len);
		if (len > n->len)
			a->value = sip_str_trim(buf, sip_slice(sip_str_end(a->name) + 1,
							       line.off + line.len));
		return;
	}
}

/* An attribute that means nothing here: its name is what stands before the colon. */
static void other(const u8 *buf, struct sip_str line, struct sip_sdp_attr *a)
{
	u32 end = line.off + line.len;
	u32 pos = sip_find_byte(buf, line.off + 2, end, ':');

	a->name = sip_str_trim(buf, sip_slice(line.off + 2, pos));
	a->value = sip_slice(pos, pos);
	if (pos < end)
		a->value = sip_str_trim(buf, sip_slice(pos + 1, end));
}

bool sip_sdp_attr_next(const u8 *buf, struct sip_iter *it, struct sip_sdp_attr *a)
{
	struct sip_str line;

	while (sip_sdp_line(buf, it, &line)) {
		if (buf[line.off] != 'a')
			continue;
		sip_sdp_attr_scan(buf, line, a);
		if (a->id == SIP_A_OTHER)
			other(buf, line, a);
		return true;
	}
	return false;
}

int sip_sdp_attr_check(const u8 *buf, const struct sip_sdp_attr *a)
{
	struct sip_sdp_cand cand;
	struct sip_sdp_altc altc;
	struct sip_sdp_msrp msrp;
	struct sip_iter it;

	switch (a->id) {
	case SIP_A_CANDIDATE:
		return sip_sdp_cand_parse(buf, a->value, &cand);
	case SIP_A_ALTC:
		return sip_sdp_altc_parse(buf, a->value, &altc);
	case SIP_A_PATH:
		it = sip_iter(a->value);
		while (sip_sdp_msrp_next(buf, &it, &msrp))
			;
		return it.bad;
	}
	return 0;
}

u8 sip_sdp_setup_of(const u8 *buf, struct sip_str value)
{
	if (SIP_IS(buf, value, "active"))
		return SIP_SETUP_ACTIVE;
	if (SIP_IS(buf, value, "passive"))
		return SIP_SETUP_PASSIVE;
	if (SIP_IS(buf, value, "actpass"))
		return SIP_SETUP_ACTPASS;
	if (SIP_IS(buf, value, "holdconn"))
		return SIP_SETUP_HOLDCONN;
	return SIP_SETUP_NONE;
}

u8 sip_sdp_dir_of(u8 id)
{
	switch (id) {
	case SIP_A_SENDRECV:
		return SIP_DIR_SENDRECV;
	case SIP_A_SENDONLY:
		return SIP_DIR_SENDONLY;
	case SIP_A_RECVONLY:
		return SIP_DIR_RECVONLY;
	case SIP_A_INACTIVE:
		return SIP_DIR_INACTIVE;
	}
	return SIP_DIR_NONE;
}

static bool port_of(const u8 *buf, struct sip_str s, u16 *port)
{
	u32 n;

	if (!sip_number(buf, s, 65535, &n))
		return false;
	*port = (u16)n;
	return true;
}

/* A lone address or name; IPv6 without brackets. Whatever is no address is a name. */
static u8 addr_of(const u8 *buf, struct sip_str s, u8 bytes[16])
{
	struct sip_host h;

	memset(bytes, 0, 16);
	if (!s.len || buf[s.off] == '[' || sip_host_lone(buf, s, &h))
		return SIP_HOST_NAME;
	memcpy(bytes, h.addr, 16);
	return h.kind;
}

/* RFC 3605 2.1 */
int sip_sdp_rtcp_parse(const u8 *buf, struct sip_str value, struct sip_sdp_rtcp *r)
{
	struct sip_iter it = sip_iter(value);
	struct sip_iter rest;

	memset(r, 0, sizeof(*r));
	r->port = sip_sdp_field(buf, &it);
	if (!port_of(buf, r->port, &r->port_num))
		return SIP_BAD_SDP_ATTR;
	rest = it;
	if (!sip_sdp_field(buf, &rest).len)
		return 0;
	r->has_addr = true;
	return sip_sdp_addr_scan(buf, &it, &r->addr) ? SIP_BAD_SDP_ATTR : 0;
}

static u8 cand_type(const u8 *buf, struct sip_str s)
{
	if (SIP_IS(buf, s, "host"))
		return SIP_CAND_HOST;
	if (SIP_IS(buf, s, "srflx"))
		return SIP_CAND_SRFLX;
	if (SIP_IS(buf, s, "prflx"))
		return SIP_CAND_PRFLX;
	if (SIP_IS(buf, s, "relay"))
		return SIP_CAND_RELAY;
	return SIP_CAND_OTHER;
}

/* *( name SP value ) behind the type. */
static int cand_extensions(const u8 *buf, struct sip_iter *it, struct sip_sdp_cand *c)
{
	struct sip_str name, value;

	for (;;) {
		name = sip_sdp_field(buf, it);
		if (!name.len)
			return 0;
		value = sip_sdp_field(buf, it);
		if (SIP_IS(buf, name, "raddr")) {
			c->raddr = value;
			c->rkind = addr_of(buf, value, c->rbytes);
		} else if (SIP_IS(buf, name, "rport")) {
			c->rport = value;
			if (!port_of(buf, value, &c->rport_num))
				return SIP_BAD_SDP_ATTR;
		} else if (SIP_IS(buf, name, "tcptype")) {
			c->tcptype = value;
		}
	}
}

/* RFC 8839 5.1 */
int sip_sdp_cand_parse(const u8 *buf, struct sip_str value, struct sip_sdp_cand *c)
{
	struct sip_iter it = sip_iter(value);
	struct sip_str s;
	u32 n;

	memset(c, 0, sizeof(*c));
	c->foundation = sip_sdp_field(buf, &it);
	if (!sip_number(buf, sip_sdp_field(buf, &it), 256, &n))
		return SIP_BAD_SDP_ATTR;
	c->component = (u16)n;
	s = sip_sdp_field(buf, &it);
	if (SIP_IS(buf, s, "udp"))
		c->l4 = SIP_L4_UDP;
	else if (SIP_IS(buf, s, "tcp"))
		c->l4 = SIP_L4_TCP;
	if (!sip_number(buf, sip_sdp_field(buf, &it), 0xffffffff, &c->priority))
		return SIP_BAD_SDP_ATTR;
	c->addr = sip_sdp_field(buf, &it);
	c->port = sip_sdp_field(buf, &it);
	if (!port_of(buf, c->port, &c->port_num))
		return SIP_BAD_SDP_ATTR;
	c->kind = addr_of(buf, c->addr, c->bytes);
	s = sip_sdp_field(buf, &it);
	if (!SIP_IS(buf, s, "typ"))
		return SIP_BAD_SDP_ATTR;
	s = sip_sdp_field(buf, &it);
	if (!s.len)
		return SIP_BAD_SDP_ATTR;
	c->type = cand_type(buf, s);
	return cand_extensions(buf, &it, c);
}

/* RFC 4975 6: msrp[s]://[user@]host[:port][/session];transport */
bool sip_sdp_msrp_next(const u8 *buf, struct sip_iter *it, struct sip_sdp_msrp *m)
{
	struct sip_str s = sip_sdp_field(buf, it);
	u32 end = s.off + s.len;
	u32 pos, p;

	if (it->bad || !s.len)
		return false;
	memset(m, 0, sizeof(*m));
	m->all = s;
	pos = sip_span(buf, s.off, end, SIP_C_TOKEN);
	m->secure = SIP_IS(buf, sip_slice(s.off, pos), "msrps");
	it->bad = SIP_BAD_SDP_ATTR;
	if (!m->secure && !SIP_IS(buf, sip_slice(s.off, pos), "msrp"))
		return false;
	if (end - pos < 4 || memcmp(buf + pos, "://", 3))
		return false;
	pos += 3;
	for (p = pos; p < end && buf[p] != '/' && buf[p] != ';'; p++)
		if (buf[p] == '@')
			pos = p + 1;
	if (sip_host_parse(buf, sip_slice(pos, p), &m->host))
		return false;
	it->bad = 0;
	return true;
}

/* RFC 6947 4 */
int sip_sdp_altc_parse(const u8 *buf, struct sip_str value, struct sip_sdp_altc *a)
{
	struct sip_iter it = sip_iter(value);

	memset(a, 0, sizeof(*a));
	if (!sip_number(buf, sip_sdp_field(buf, &it), 0xffffffff, &a->num))
		return SIP_BAD_SDP_ATTR;
	a->addrtype = sip_sdp_field(buf, &it);
	a->addr = sip_sdp_field(buf, &it);
	a->port = sip_sdp_field(buf, &it);
	if (!port_of(buf, a->port, &a->port_num))
		return SIP_BAD_SDP_ATTR;
	a->kind = addr_of(buf, a->addr, a->bytes);
	return 0;
}
