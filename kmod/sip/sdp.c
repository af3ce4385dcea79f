// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* SDP: lines, session, media sections. RFC 8866. */
#include "sdp.h"

#include "sdpline.h"

/* Empty lines may end the body; nothing may follow them. */
static void only_empty(const u8 *buf, struct sip_iter *it)
{
	while (it->pos < it->end && (buf[it->pos] == '\r' || buf[it->pos] == '\n'))
		it->pos++;
	if (it->pos < it->end)
		it->bad = SIP_BAD_SDP_LINE;
}

bool sip_sdp_odd_line(const u8 *buf, struct sip_iter *it, struct sip_str *line)
{
	u32 start = it->pos;
	u32 end = it->end;
	u32 pos = start;
	u32 eol;

	if (it->bad || pos >= end)
		return false;
	for (;; pos++) {
		pos = sip_find_ctl(buf, pos, end);
		if (pos == end || buf[pos] == '\r' || buf[pos] == '\n')
			break;
		if (!buf[pos]) {
			it->bad = SIP_BAD_SDP_LINE;
			return false;
		}
	}
	eol = pos;
	if (pos < end && buf[pos] == '\r')
		pos++;
	if (pos < end && buf[pos] == '\n')
		pos++;
	else if (pos < end)
		it->bad = SIP_BAD_SDP_LINE;
	it->pos = pos;
	*line = sip_slice(start, eol);
	if (eol == start) {
		only_empty(buf, it);
		return false;
	}
	if (line->len < 2 || buf[start + 1] != '=' || (u8)(buf[start] - 'a') >= 26)
		it->bad = SIP_BAD_SDP_LINE;
	return !it->bad;
}

int sip_sdp_addr_scan(const u8 *buf, struct sip_iter *it, struct sip_sdp_addr *a)
{
	struct sip_host h;
	struct sip_str s;
	u32 slash;

	a->nettype = sip_sdp_field(buf, it);
	a->addrtype = sip_sdp_field(buf, it);
	s = sip_sdp_field(buf, it);
	slash = sip_find_byte(buf, s.off, sip_str_end(s), '/');
	a->addr = sip_slice(s.off, slash);
	a->suffix = sip_slice(slash, s.off + s.len);
	/* A name that is no host name ("o=- 1 1 IN IP4 my_pc!") is no address of ours: leave it. */
	if (!a->addr.len)
		return SIP_BAD_SDP_CONN;
	if (sip_host_lone(buf, a->addr, &h) || buf[a->addr.off] == '[') {
		h.kind = SIP_HOST_NAME;
		memset(h.addr, 0, sizeof(h.addr));
	}
	a->kind = h.kind;
	memcpy(a->bytes, h.addr, sizeof(a->bytes));
	a->multicast = (h.kind == SIP_HOST_IP4 && (h.addr[0] & 0xf0) == 0xe0) ||
		       (h.kind == SIP_HOST_IP6 && h.addr[0] == 0xff);
	a->any = h.kind != SIP_HOST_NAME && !(sip_load64(h.addr) | sip_load64(h.addr + 8));
	return 0;
}

static int origin(const u8 *buf, struct sip_str line, struct sip_sdp_origin *o)
{
	struct sip_iter it = sip_iter(sip_sdp_value(line));

	o->line = line;
	o->user = sip_sdp_field(buf, &it);
	o->id = sip_sdp_field(buf, &it);
	o->version = sip_sdp_field(buf, &it);
	return sip_sdp_addr_scan(buf, &it, &o->addr) ? SIP_BAD_SDP_ORIGIN : 0;
}

static int connection(const u8 *buf, struct sip_str line, struct sip_sdp_addr *c)
{
	struct sip_iter it = sip_iter(sip_sdp_value(line));

	return sip_sdp_addr_scan(buf, &it, c);
}

static int session_attr(struct sip_sdp *s, struct sip_str line)
{
	struct sip_sdp_attr a;
	u8 dir;

	sip_sdp_attr_scan(s->buf, line, &a);
	dir = sip_sdp_dir_of(a.id);
	if (dir)
		s->dir = dir;
	else if (a.id == SIP_A_SETUP)
		s->setup = sip_sdp_setup_of(s->buf, a.value);
	else if (a.id == SIP_A_ICE_UFRAG || a.id == SIP_A_CANDIDATE)
		s->ice = true;
	else if (a.id == SIP_A_ICE_LITE)
		s->ice_lite = true;
	else if (a.id == SIP_A_GROUP && !s->group.len)
		s->group = a.value;
	if (a.id == SIP_A_GROUP && a.value.len >= 6 &&
	    SIP_IS(s->buf, sip_slice(a.value.off, a.value.off + 6), "bundle"))
		s->bundle = true;
	return sip_sdp_attr_check(s->buf, &a);
}

static int session_line(struct sip_sdp *s, struct sip_str line)
{
	switch (s->buf[line.off]) {
	case 'v':
		return SIP_BAD_SDP_DUPLICATE; /* the first one has been read */
	case 'o':
		if (s->has_origin)
			return SIP_BAD_SDP_DUPLICATE;
		s->has_origin = true;
		return origin(s->buf, line, &s->origin);
	case 'c':
		if (s->conn.addr.len)
			return SIP_BAD_SDP_DUPLICATE;
		return connection(s->buf, line, &s->conn);
	case 'a':
		return session_attr(s, line);
	}
	return 0;
}

struct class {
	const char *name;
	u8 len;
	u8 id;
};

static u8 type_of(const u8 *buf, struct sip_str s)
{
	static const struct class types[] = {
		{ "audio", 5, SIP_SDP_AUDIO },
		{ "video", 5, SIP_SDP_VIDEO },
		{ "text", 4, SIP_SDP_TEXT },
		{ "image", 5, SIP_SDP_IMAGE },
		{ "application", 11, SIP_SDP_APPLICATION },
		{ "message", 7, SIP_SDP_MESSAGE },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (sip_str_is(buf, s, types[i].name, types[i].len))
			return types[i].id;
	return SIP_SDP_OTHER;
}

/* One word of the protocol, between slashes. The last that means something wins. */
static void proto_word(const u8 *buf, struct sip_str w, bool first, struct sip_sdp_media *m)
{
	if (first) {
		if (SIP_IS(buf, w, "tcp"))
			m->l4 = SIP_L4_TCP;
		else if (!SIP_IS(buf, w, "sctp"))
			m->l4 = SIP_L4_UDP;
	}
	if (SIP_IS(buf, w, "rtp"))
		m->proto_id = SIP_PROTO_RTP;
	else if (SIP_IS(buf, w, "udptl"))
		m->proto_id = SIP_PROTO_UDPTL;
	else if (SIP_IS(buf, w, "bfcp"))
		m->proto_id = SIP_PROTO_BFCP;
	else if (SIP_IS(buf, w, "msrp"))
		m->proto_id = SIP_PROTO_MSRP;
	else if (SIP_IS(buf, w, "sctp"))
		m->proto_id = SIP_PROTO_SCTP;
	else if (first && SIP_IS(buf, w, "tcp"))
		m->proto_id = SIP_PROTO_TCP;
	else if (first && SIP_IS(buf, w, "udp"))
		m->proto_id = SIP_PROTO_UDP;
}

static void proto_of(const u8 *buf, struct sip_sdp_media *m)
{
	u32 end = sip_str_end(m->proto);
	u32 pos = m->proto.off;
	bool first = true;
	u32 start;

	m->proto_id = SIP_PROTO_OTHER;
	m->l4 = SIP_L4_NONE;
	while (pos < end) {
		start = pos;
		while (pos < end && buf[pos] != '/')
			pos++;
		proto_word(buf, sip_slice(start, pos), first, m);
		first = false;
		pos++;
	}
	if (m->proto_id == SIP_PROTO_OTHER)
		m->l4 = SIP_L4_NONE;
}

/* type port[/count] proto fmt ... */
static int media_line(const u8 *buf, struct sip_str line, struct sip_sdp_media *m)
{
	struct sip_iter it = sip_iter(sip_sdp_value(line));
	struct sip_str s;
	u32 slash, n;

	m->line = line;
	m->type = sip_sdp_field(buf, &it);
	s = sip_sdp_field(buf, &it);
	m->proto = sip_sdp_field(buf, &it);
	m->fmt = sip_str_trim(buf, sip_slice(it.pos, it.end));
	if (!m->proto.len)
		return SIP_BAD_SDP_MEDIA;
	slash = s.off;
	while (slash < s.off + s.len && buf[slash] != '/')
		slash++;
	m->port = sip_slice(s.off, slash);
	if (!sip_number(buf, m->port, 65535, &n))
		return SIP_BAD_SDP_MEDIA;
	m->port_num = (u16)n;
	m->count_num = 1;
	if (slash < s.off + s.len) {
		m->count = sip_slice(slash + 1, s.off + s.len);
		if (!sip_number(buf, m->count, 65535, &n) || !n)
			return SIP_BAD_SDP_MEDIA;
		m->count_num = (u16)n;
	}
	m->type_id = type_of(buf, m->type);
	proto_of(buf, m);
	return 0;
}

static int media_attr(const u8 *buf, struct sip_str line, bool check, struct sip_sdp_media *m)
{
	struct sip_sdp_attr a;

	sip_sdp_attr_scan(buf, line, &a);
	switch (a.id) {
	case SIP_A_RTCP:
		if (m->has_rtcp)
			return SIP_BAD_SDP_DUPLICATE;
		m->has_rtcp = true;
		return sip_sdp_rtcp_parse(buf, a.value, &m->rtcp);
	case SIP_A_RTCP_MUX:
		m->rtcp_mux = true;
		break;
	case SIP_A_BUNDLE_ONLY:
		m->bundle_only = true;
		break;
	case SIP_A_MID:
		m->mid = a.value;
		break;
	case SIP_A_SETUP:
		m->setup = sip_sdp_setup_of(buf, a.value);
		break;
	case SIP_A_CONNECTION:
		m->conn_existing = SIP_IS(buf, a.value, "existing");
		break;
	case SIP_A_CANDIDATE:
		m->n_candidates++;
		break;
	case SIP_A_ICE_UFRAG:
		m->ice = true;
		break;
	case SIP_A_ALTC:
		m->n_altc++;
		break;
	case SIP_A_PATH:
		m->path = a.value;
		break;
	case SIP_A_SENDRECV:
	case SIP_A_SENDONLY:
	case SIP_A_RECVONLY:
	case SIP_A_INACTIVE:
		m->dir = sip_sdp_dir_of(a.id);
		break;
	}
	return check ? sip_sdp_attr_check(buf, &a) : 0;
}

/* Lines of a section up to the next m= or the end, where it->pos stays. */
static int media_lines(const u8 *buf, struct sip_iter *it, bool check, struct sip_sdp_media *m)
{
	struct sip_sdp_addr extra;
	struct sip_str line;
	u32 start;
	int bad = 0;

	for (;;) {
		start = it->pos;
		if (start < it->end && buf[start] == 'm') {
			m->section = sip_slice(m->line.off, start);
			return 0;
		}
		if (!sip_sdp_line(buf, it, &line))
			break;
		if (buf[start] == 'a')
			bad = media_attr(buf, line, check, m);
		else if (buf[start] == 'c')
			bad = connection(buf, line, m->n_conn++ ? &extra : &m->conn);
		else if (buf[start] == 'v' || buf[start] == 'o')
			bad = SIP_BAD_SDP_DUPLICATE;
		if (m->n_conn > SIP_SDP_MEDIA_MAX || ++m->n_lines > SIP_SDP_LINES_MAX)
			bad = SIP_BAD_SDP_TOO_MANY;
		if (bad) {
			it->bad = (u8)bad;
			it->pos = start;
			return bad;
		}
	}
	m->section = sip_slice(m->line.off, start);
	return it->bad;
}

static int media_section(const struct sip_sdp *s, struct sip_iter *it, bool check,
			 struct sip_sdp_media *m)
{
	struct sip_str line;
	int bad;

	memset(m, 0, sizeof(*m));
	m->conn = s->conn;
	if (!sip_sdp_line(s->buf, it, &line))
		return it->bad ? it->bad : SIP_BAD_SDP_LINE;
	bad = media_line(s->buf, line, m);
	return bad ? bad : media_lines(s->buf, it, check, m);
}

bool sip_sdp_media_next(const struct sip_sdp *s, struct sip_iter *it, struct sip_sdp_media *m)
{
	int bad;

	if (it->bad || it->pos >= it->end || s->buf[it->pos] != 'm')
		return false;
	if (it->pos == s->last_from) {
		*m = s->last;
		it->pos = s->last_to;
		return true;
	}
	bad = media_section(s, it, false, m);
	it->bad = (u8)bad;
	return !bad;
}

bool sip_sdp_conn_next(const u8 *buf, struct sip_iter *it, struct sip_sdp_addr *c)
{
	struct sip_str line;

	while (sip_sdp_line(buf, it, &line)) {
		if (buf[line.off] != 'c')
			continue;
		it->bad = (u8)connection(buf, line, c);
		return !it->bad;
	}
	return false;
}

/* The lines before the first m=. */
static int session_lines(struct sip_sdp *s, struct sip_iter *it)
{
	struct sip_str line;
	u32 start;
	int bad;

	for (;;) {
		start = it->pos;
		if (start >= it->end || s->buf[start] == 'm')
			break;
		if (!sip_sdp_line(s->buf, it, &line))
			break;
		bad = session_line(s, line);
		if (bad) {
			it->pos = start;
			return bad;
		}
	}
	s->session = sip_slice(s->body.off, start);
	return it->bad;
}

static int sdp_parse(struct sip_sdp *s, struct sip_iter *it)
{
	struct sip_str line;
	int bad;

	if (!s->fragment) {
		if (!sip_sdp_line(s->buf, it, &line) || !SIP_IS(s->buf, line, "v=0"))
			return it->bad ? it->bad : SIP_BAD_SDP_VERSION;
	}
	bad = session_lines(s, it);
	if (bad)
		return bad;
	while (it->pos < it->end && s->buf[it->pos] == 'm') {
		s->last_from = it->pos;
		bad = media_section(s, it, true, &s->last);
		if (bad)
			return bad;
		s->last_to = it->pos;
		s->n_lines += s->last.n_lines;
		if (++s->n_media > SIP_SDP_MEDIA_MAX || s->n_lines > SIP_SDP_LINES_MAX)
			return SIP_BAD_SDP_TOO_MANY;
		s->ice |= s->last.ice || s->last.n_candidates;
	}
	return it->pos < it->end ? SIP_BAD_SDP_LINE : 0;
}

int sip_sdp_parse(struct sip_sdp *s, const u8 *buf, struct sip_str body, bool frag, u32 *bad_off)
{
	struct sip_iter it = sip_iter(body);
	int bad;

	memset(s, 0, offsetof(struct sip_sdp, last));
	s->buf = buf;
	s->body = body;
	s->fragment = frag;
	bad = sdp_parse(s, &it);
	if (bad && bad_off)
		*bad_off = it.pos;
	return bad;
}
