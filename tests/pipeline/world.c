// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>

#include "world.h"
#include "draw.h"
#include "tables.h"

/* of the C library; its headers do not go together with the shim */
const char *inet_ntop(int family, const void *addr, char *buf, u32 size);

struct world w;

/* ---- addresses ---- */

static void address(enum host h, const u8 *net, u32 n, u8 last)
{
	u8 a[16] = {};

	memcpy(a, net, n);
	a[w.family == NFPROTO_IPV4 ? 3 : 15] = last;
	cg_ep_make(&w.at[h], w.family, IPPROTO_UDP, a, 0);
}

static void spell(enum host h, bool odd)
{
	const u8 *a = w.at[h].addr.in6.s6_addr;
	char *t = w.lone[h];
	u32 i, n = 0;

	inet_ntop(w.family, a, t, sizeof(w.lone[h]));
	strcpy(w.canon[h], t);
	/* what is not in the canonical form of RFC 5952 is an address all the same */
	for (i = 0; odd && w.family == NFPROTO_IPV6 && i < 8; i++)
		n += (u32)snprintf(t + n, sizeof(w.lone[h]) - n, "%s%X", i ? ":" : "",
				   a[2 * i] << 8 | a[2 * i + 1]);
	snprintf(w.text[h], sizeof(w.text[h]), w.family == NFPROTO_IPV4 ? "%s" : "[%.45s]", t);
}

static void addresses(void)
{
	static const u8 in4[][3] = { { 192, 168, 1 }, { 10, 0, 0 }, { 172, 16, 5 },
				     { 100, 64, 9 }, { 10, 255, 255 } };
	static const u8 in6[][8] = { { 0xfd, 0, 0, 1 }, { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2 },
				     { 0xfd, 0xab, 0xcd, 0xef, 0xab, 0xcd, 0xef, 1 } };
	static const u8 pub4[] = { 203, 0, 113 }, far4[] = { 198, 51, 100 };
	static const u8 pub6[] = { 0x20, 1, 0xd, 0xb8, 0xff, 0xff }, far6[] = { 0x20, 1, 0xd, 0xb8,
										 0x99 };
	bool v4 = w.family == NFPROTO_IPV4;
	const u8 *in = v4 ? PICK(in4) : PICK(in6);
	u32 n = v4 ? 3 : 8, h;

	address(PHONE, in, n, (u8)(2 + draw(100)));
	address(OTHER, in, n, (u8)(102 + draw(100)));
	address(SELF, in, n, 1);
	address(PUBLIC, v4 ? pub4 : pub6, v4 ? 3 : 6, (u8)(1 + draw(200)));
	address(PEER, v4 ? far4 : far6, v4 ? 3 : 5, (u8)(1 + draw(100)));
	address(STRANGER, v4 ? far4 : far6, v4 ? 3 : 5, 200);
	for (h = 0; h < HOSTS; h++)
		spell(h, rarely(4));
	inet_ntop(w.family, &w.at[PUBLIC].addr, w.public_lone, sizeof(w.public_lone));
	snprintf(w.public_text, sizeof(w.public_text), v4 ? "%s" : "[%.45s]", w.public_lone);
	strcpy(w.lookalike, v4 ? "fd00::2" : "192.168.1.2");
	router = (struct router){ .family = w.family, .inside_bytes = (u8)n,
				  .inside = w.at[PHONE].addr,
				  .own = { w.at[SELF].addr, w.at[PUBLIC].addr } };
}

/* ---- ports ---- */

/* Services and their neighbours, the end of all ports; each of another stream. */
static u16 odd_port(u32 k)
{
	static const u16 t[STREAMS][4] = { { 3388, 8080, 1900, 1022 }, { 5899, 9100, 2048, 3306 },
					   { 8442, 27017, 1722, 5352 },
					   { 65535, 65534, 11211, 1023 } };

	return PICK(t[k]);
}

static u8 whose(void)
{
	return rarely(6) ? OTHER : rarely(10) ? PUBLIC : rarely(16) ? STRANGER : PHONE;
}

static void streams(void)
{
	u32 k;

	w.n_streams = draw(STREAMS + 1);
	for (k = 0; k < w.n_streams; k++) {
		struct stream *s = &w.stream[k];

		*s = (struct stream){ .proto = (u8)draw(10), .count = 1 };
		s->host = whose();
		s->rtcp_host = rarely(6) ? PHONE : s->host;
		s->port = (u16)(2000 + 600 * k + draw(200));
		if (rarely(12))
			s->port = (u16)(1 + draw(1023));
		else if (rarely(10))
			s->port = odd_port(k);
		/* rows of two streams must not run into each other */
		else if (rarely(12) && w.pub > 19000 && w.pub < 65000)
			s->port = (u16)(w.pub + 100 * k);
		else if (rarely(8))
			s->port = (u16)(16384 + 600 * k + draw(64));
		if (rarely(8))
			s->count = (u16)(2 + draw(3));
		s->mux = rarely(4);
		s->active = rarely(3);
		if (rarely(4))
			s->rtcp = (u16)(s->port + 210 + draw(10));
		s->rtcp_addr = rarely(2);
		if (rarely(4))
			s->candidate = (u16)(s->port + 230);
		if (rarely(8))
			s->altc = (u16)(s->port + 250);
		s->own_conn = rarely(3) || s->host != PHONE;
	}
}

/* A muxed stream needs the port of its RTCP in offers only. */
static bool blocks_growth(u16 port)
{
	const struct stream *s;

	for (s = w.stream; s < w.stream + w.n_streams; s++)
		if (s->mux && port > s->port && port < s->port + 2 * s->count)
			return true;
	return false;
}

static u16 one_of(const struct stream *s)
{
	switch (draw(4)) {
	case 0:
		return s->port;
	case 1:
		return (u16)(s->port + 1);
	case 2:
		return s->rtcp;
	default:
		return s->candidate;
	}
}

static void ports(void)
{
	static const u16 src[] = { 5060, 5062, 40000, 1024, 65535 };
	static const u16 busy[] = { 5060, 5062, 5070, 2000, 16384, 16385, 40000, 6000 };
	static const u16 low[] = { 80, 3389, 8080, 1023, 5900, 2049, 1 };
	static const u16 any[] = { 80, 6000, 2000, 40000, 8443, 5070 };
	u32 i;

	w.strict = rarely(8);
	w.use_low = w.strict || rarely(4);
	w.low = w.strict ? PICK(any) : PICK(low);
	w.src = draw(2) ? (u16)(1024 + draw(64000)) : PICK(src);
	w.pub = rarely(3) ? (u16)(1024 + draw(60000)) : w.src;
	w.peer = rarely(4) ? (u16)(1024 + draw(60000)) : 5060;
	for (i = 0; i < ARRAY_SIZE(w.spell); i++)
		w.spell[i] = (u8)draw(5);
	streams();
	for (i = 0; i < ARRAY_SIZE(router.busy); i++)
		if (rarely(6))
			router.busy[i] = rarely(2) && w.n_streams ?
				one_of(&w.stream[draw(w.n_streams)]) : PICK(busy);
	/* the flow's own port is in use by nobody else */
	for (i = 0; i < ARRAY_SIZE(router.busy); i++)
		if (router.busy[i] == w.pub || blocks_growth(router.busy[i]))
			router.busy[i] = 0;
}

/* The flow: begun by the phone, or through a port forward by the world. */
static void flow(void)
{
	struct router_ends e;
	struct cg_ep phone = w.at[PHONE], seen = w.at[PUBLIC], peer = w.at[PEER];

	phone.port = htons(w.src);
	seen.port = htons(w.pub);
	peer.port = htons(w.peer);
	if (w.mode == DNAT)
		e = (struct router_ends){ peer, seen, peer, phone };
	else
		e = (struct router_ends){ phone, peer, w.mode == SNAT ? seen : phone, peer };
	w.ct = router_flow(&e, w.open_only);
}

void world_make(void)
{
	memset(&w, 0, sizeof(w));
	w.family = rarely(4) ? NFPROTO_IPV6 : NFPROTO_IPV4;
	w.mode = rarely(8) ? ROUTED : rarely(4) ? DNAT : SNAT;
	w.open_only = rarely(12);
	addresses();
	ports();
	flow();
}

/* ---- the oracle ---- */

struct name *name_of(u8 space, u8 host, u16 port, u8 proto)
{
	struct name *n;
	u32 i;

	for (i = 0; i < w.n_names; i++) {
		n = &w.name[i];
		if (n->space == space && n->host == host && n->port == port && n->proto == proto &&
		    (space == SIGNALLING || n->owner == w.owner))
			return n;
	}
	SHIM_BUG_ON(w.n_names == NAMES);
	n = &w.name[w.n_names++];
	*n = (struct name){ .space = space, .host = host, .port = port, .proto = proto,
			    .owner = w.owner, .rows = 1 };
	return n;
}

bool name_is_own(const struct name *n)
{
	return n->space == SIGNALLING && n->host == PHONE && n->port == w.src &&
	       n->proto == IPPROTO_UDP;
}

static bool is_busy(u16 from, u16 rows)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(router.busy); i++)
		if (router.busy[i] && router.busy[i] >= from && router.busy[i] < from + rows)
			return true;
	return false;
}

/* Does another endpoint want, or have, one of its ports? */
static bool is_wanted(const struct name *n)
{
	const struct name *o;

	for (o = w.name; o < w.name + w.n_names; o++) {
		u16 has = o->pub ? o->pub : o->port;

		if (o == n || o->proto != n->proto)
			continue;
		if ((n->port < o->port + o->rows && o->port < n->port + n->rows) ||
		    (n->port < has + o->rows && has < n->port + n->rows))
			return true;
	}
	return false;
}

static const char *may_be(const struct name *n, u16 port)
{
	bool flow = n->proto == IPPROTO_UDP && w.pub >= n->port && w.pub < n->port + n->rows;
	bool must_move = n->port < 1024 || is_busy(n->port, 1);
	bool may_move = must_move || flow || is_busy(n->port, n->rows) ||
			is_wanted(n);

	if (name_is_own(n))
		return port == w.pub ? NULL : "the flow's own port was expected";
	if (n->space == MEDIA && n->host == PHONE && n->port == w.src && port == w.pub)
		return NULL;
	if (port == w.pub && n->proto == IPPROTO_UDP)
		return "the public port of the flow belongs to somebody else";
	if (port == n->port)
		return must_move && n->proto == IPPROTO_UDP ? "a port that is not free" : NULL;
	if (!may_move)
		return "the phone's own port was free and is not kept";
	if (port < 16384 || port > 24575)
		return "a port that is neither the phone's nor of the pool";
	if ((port ^ n->port) & 1)
		return "the parity of the port is lost";
	return is_busy(port, 1) ? "a port of the pool that is not free" : NULL;
}

const char *name_settle(struct name *n, u16 port)
{
	const struct name *o;
	const char *bad;

	if (n->pub)
		return n->pub == port ? NULL : "not the public port that it had before";
	bad = may_be(n, port);
	if (bad)
		return bad;
	for (o = w.name; o < w.name + w.n_names; o++)
		/* what was described outside calls does not rest when it is given up */
		if (o != n && o->proto == n->proto && o->pub == port &&
		    !(n->host == o->host && n->port == o->port &&
		      (n->space != o->space || n->owner != o->owner)))
			return "two endpoints with the same public port";
	n->pub = port;
	return NULL;
}
