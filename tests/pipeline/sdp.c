// SPDX-License-Identifier: BSD-2-Clause
/* Session descriptions: the streams of the world, in random clothes. */
#include "generate.h"
#include "draw.h"
#include "tables.h"

struct kind {
	const char *text;
	u8 proto;          /* 0: nothing that can be opened */
	bool rtp;
};

static const struct kind kinds[] = {
	{ "RTP/AVP", IPPROTO_UDP, true },
	{ "RTP/SAVP", IPPROTO_UDP, true },
	{ "UDP/TLS/RTP/SAVPF", IPPROTO_UDP, true },
	{ "udptl", IPPROTO_UDP, false },
	{ "UDP/BFCP", IPPROTO_UDP, false },
	{ "TCP/MSRP", IPPROTO_TCP, false },
	{ "TCP/BFCP", IPPROTO_TCP, false },
	{ "UDP/DTLS/SCTP", IPPROTO_UDP, false },
	{ "sctp", 0, false },
	{ "X/Y", 0, false },
};

struct sdp {
	struct message *m;
	const char *eol;
	bool own;
	u8 conn;           /* whose address the session's c= is */
};

/* May the phone speak for that address? For itself, and for other hosts inside. */
static bool counts(const struct sdp *s, u8 host)
{
	return s->own && is_hidden(host);
}

static void put_addr(struct sdp *s, u8 host, bool edit)
{
	u32 from;

	put(s->m, w.family == NFPROTO_IPV4 ? "IN IP4 " : "IN IP6 ");
	from = s->m->len;
	put(s->m, w.lone[host]);
	if (edit)
		put_piece(s->m, ADDRESS, from, NULL);
}

static void conn(struct sdp *s, u8 host)
{
	put(s->m, "c=");
	put_addr(s, host, counts(s, host));
	put(s->m, s->eol);
}

static void number(struct sdp *s, u16 port, struct name *n)
{
	u32 from = s->m->len;

	putu(s->m, port);
	if (n)
		put_piece(s->m, PORT, from, n);
}

static struct name *row(const struct sdp *s, u8 host, u16 port, u8 proto, u32 rows)
{
	struct name *n;
	u32 i;

	/* what is only read is opened too, where its own ports are free */
	if (!s->m->edits || !(is_hidden(host) || host == PUBLIC) || is_service(port) || !proto)
		return NULL;
	/* a public port stays as it is written, but nobody else gets it (F43) */
	n = name_of(MEDIA, host, port, proto);
	/* up to the last port, and the first that is not opened */
	for (i = 1; i < rows && port + i < 65536 && !is_service(port + i); i++)
		;
	n->rows = (u16)max_t(u32, n->rows, i);
	return s->own && is_hidden(host) ? n : NULL;
}

static void candidates(struct sdp *s, const struct stream *x)
{
	u32 i;

	for (i = 0; i < 2; i++) {
		u16 port = (u16)(x->candidate + i);
		struct name *n = row(s, x->host, port, IPPROTO_UDP, 1);
		u32 from;

		put(s->m, i ? "a=candidate:1 2 UDP 2130706430 " : "a=candidate:1 1 udp 2130706431 ");
		from = s->m->len;
		put(s->m, w.lone[x->host]);
		if (n)
			put_piece(s->m, ADDRESS, from, NULL);
		put(s->m, " ");
		number(s, port, n);
		put(s->m, " typ host");
		put(s->m, s->eol);
	}
	put(s->m, "a=candidate:2 1 UDP 1694498815 198.51.100.77 9 typ srflx raddr ");
	put(s->m, w.lone[PHONE]);
	put(s->m, " rport 9");
	put(s->m, s->eol);
}

static void altc(struct sdp *s, const struct stream *x, u8 proto)
{
	struct name *n = row(s, x->host, x->altc, proto, 1);
	u32 from;

	put(s->m, w.family == NFPROTO_IPV4 ? "a=altc:1 IP4 " : "a=altc:1 IP6 ");
	from = s->m->len;
	put(s->m, w.lone[x->host]);
	if (n)
		put_piece(s->m, ADDRESS, from, NULL);
	put(s->m, " ");
	number(s, x->altc, n);
	put(s->m, s->eol);
}

static void msrp(struct sdp *s, const struct stream *x, struct name *n)
{
	u32 from;

	put(s->m, "a=path:msrp://");
	from = s->m->len;
	put(s->m, w.text[x->host]);
	put(s->m, ":");
	putu(s->m, x->port);
	if (n)
		put_piece(s->m, HOSTPORT, from, n)->had_port = true;
	put(s->m, "/x;tcp msrps://a@h.example:1/y;tcp");
	put(s->m, s->eol);
}

static void rtcp(struct sdp *s, const struct stream *x, bool refused)
{
	u8 host = x->rtcp_addr ? x->rtcp_host : x->host;
	struct name *n = refused ? NULL : row(s, host, x->rtcp, IPPROTO_UDP, 1);

	put(s->m, "a=rtcp:");
	number(s, x->rtcp, n);
	if (x->rtcp_addr) {
		put(s->m, " ");
		put_addr(s, host, n != NULL);
	}
	put(s->m, s->eol);
}

static void noise(struct sdp *s)
{
	static const char *const t[] = { "a=rtpmap:0 PCMU/8000", "a=sendonly", "a=setup:actpass",
					 "a=mid:0", "a=connection:new", "a=ptime:20", "b=AS:64",
					 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x" };

	while (rarely(3)) {
		if (rarely(4)) {
			put(s->m, rarely(2) ? "a=X-ip:" : "i=");
			put(s->m, w.lone[PHONE]);
		} else {
			put(s->m, PICK(t));
		}
		put(s->m, s->eol);
	}
}

/* Outside calls nothing rests: what was refused may get another port. */
static void give_up(const struct stream *x)
{
	struct name *n;

	for (n = w.name; n < w.name + w.n_names; n++)
		if (n->space == MEDIA && n->owner == OUTSIDE_CALLS &&
		    (u16)(n->port - x->port) < 300)
			n->pub = 0;
}

static void section(struct sdp *s, const struct stream *x, bool refused)
{
	static const char *const type[] = { "audio", "video", "image", "message", "x" };
	const struct kind *k = &kinds[x->proto];
	bool here = x->own_conn || s->conn != x->host || rarely(4);
	bool placeholder = k->proto == IPPROTO_TCP && x->active;
	u32 rows = k->rtp && !x->rtcp ? 2u * x->count : x->count;
	struct name *n = refused ? NULL : row(s, x->host, x->port, k->proto, rows);

	if (refused && w.owner == OUTSIDE_CALLS)
		give_up(x);
	put(s->m, "m=");
	put(s->m, PICK(type));
	put(s->m, " ");
	number(s, refused ? 0 : x->port, placeholder ? NULL : n);
	if (x->count > 1) {
		put(s->m, "/");
		putu(s->m, x->count);
	}
	put(s->m, " ");
	put(s->m, k->text);
	put(s->m, " 0");
	put(s->m, s->eol);
	if (here)
		conn(s, x->host);
	if (x->rtcp && k->rtp)
		rtcp(s, x, refused);
	if (x->mux && k->rtp) {
		put(s->m, "a=rtcp-mux");
		put(s->m, s->eol);
	}
	if (placeholder) {
		put(s->m, "a=setup:active");
		put(s->m, s->eol);
	} else {
		noise(s);
	}
	if (x->candidate && !refused)
		candidates(s, x);
	if (x->altc && !refused)
		altc(s, x, k->proto);
	if (!strcmp(k->text, "TCP/MSRP"))
		msrp(s, x, n);
}

static void origin(struct sdp *s)
{
	put(s->m, rarely(4) ? "o=" : "o=- 1 2 ");
	if (s->m->text[s->m->len - 1] == '=') {
		put(s->m, w.family == NFPROTO_IPV4 ? w.lone[PHONE] : "alice");
		put(s->m, " 3 4 ");
	}
	if (rarely(4))
		put(s->m, "IN IP4 pc.example");
	else
		put_addr(s, PHONE, s->own);
	put(s->m, s->eol);
}

/* The world has no streams at our public address. */
static const struct stream *side_of(const struct message *m, u32 k)
{
	static struct stream x;

	x = w.stream[k];
	if (!m->from_phone && x.host == PUBLIC)
		x.host = STRANGER;
	if (!m->from_phone && x.rtcp_host == PUBLIC)
		x.rtcp_host = STRANGER;
	return &x;
}

void sdp_put(struct message *m, bool own)
{
	struct sdp s = { .m = m, .eol = rarely(6) ? "\n" : "\r\n", .own = own };
	u32 k;

	put(m, "v=0");
	put(m, s.eol);
	origin(&s);
	put(m, "s=");
	put(m, rarely(3) ? w.text[PHONE] : "-");
	put(m, s.eol);
	s.conn = rarely(4) ? HOSTS : PHONE;
	if (s.conn == PHONE)
		conn(&s, PHONE);
	put(m, "t=0 0");
	put(m, s.eol);
	for (k = 0; k < w.n_streams; k++)
		section(&s, side_of(m, k), rarely(16) && !m->request);
}
