// SPDX-License-Identifier: BSD-2-Clause
/*
 * Parse, edit, parse. The first bytes of the input choose the edits, the rest is the message.
 * What a translator would replace is replaced by something of the same kind: the result must parse,
 * and differ exactly there. Arbitrary edits must never be taken for such ones unless they are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "edit.h"
#include "touch.h"

#define SEED 16
#define MAX  65536

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct sip_msg before, after;
static struct sip_edits edits;
static u8 out[MAX + SIP_EDIT_TEXT];
static const u8 *seed;
static u32 turn;

static u32 choose(u32 n)
{
	turn++;
	return (seed[turn % SEED] + turn / SEED * 7u) % n;
}

static void complain(const char *what)
{
	fprintf(stderr, "fuzz_edit: %s\n", what);
	abort();
}

static void put(struct sip_str at, const char *text, u8 field)
{
	struct sip_why why = { .why = 1, .field = field };
	int r = sip_edit_put(&edits, at, text, (u32)strlen(text), why);

	if (r && r != SIP_EDIT_FULL && r != SIP_EDIT_OVERLAP)
		complain("an edit inside the message is refused");
}

static void put_host(struct sip_str at, u8 field)
{
	static const char *const text[] = { "203.0.113.1:40000", "203.0.113.1",
					    "[2001:db8::1]:5060", "h",
					    "a-very-long-name-of-a-host.example.net:65535" };
	if (choose(3))
		put(at, text[choose(5)], field);
}

static void edit_headers(void)
{
	static const u8 ids[] = { SIP_H_CONTACT, SIP_H_ROUTE, SIP_H_RECORD_ROUTE, SIP_H_PATH };
	struct sip_nameaddr a;
	struct sip_walk w;
	struct sip_via v;
	u32 i;

	if (before.request && before.ruri.host.kind)
		put_host(before.ruri.host.all, SIP_FIELD_RURI);
	sip_walk_init(&w, &before, SIP_H_VIA);
	while (sip_via_next(&w, &v)) {
		put_host(v.sent_by.all, SIP_FIELD_VIA);
		if (!choose(3))
			put(sip_slice(sip_str_end(v.all), sip_str_end(v.all)), ";x=192.0.2.1",
			    SIP_FIELD_VIA);
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		sip_walk_init(&w, &before, ids[i]);
		while (sip_nameaddr_next(&w, &a))
			if (!a.star && a.uri.host.kind)
				put_host(a.uri.host.all, SIP_FIELD_CONTACT);
	}
}

static void edit_cands(struct sip_str section)
{
	struct sip_iter it = sip_iter(section);
	struct sip_sdp_attr a;
	struct sip_sdp_cand c;

	while (sip_sdp_attr_next(before.buf, &it, &a)) {
		if (a.id != SIP_A_CANDIDATE || sip_sdp_cand_parse(before.buf, a.value, &c))
			continue;
		put(c.addr, "203.0.113.9", SIP_FIELD_SDP_CANDIDATE);
		put(c.port, "7", SIP_FIELD_SDP_CANDIDATE);
	}
}

static void edit_sdp(struct sip_str body)
{
	struct sip_sdp_media m;
	struct sip_iter it;
	struct sip_sdp s;

	if (sip_sdp_parse(&s, before.buf, body, false, NULL))
		return;
	if (s.has_origin && choose(2))
		put(s.origin.addr.addr, "203.0.113.1", SIP_FIELD_SDP_O);
	if (s.conn.addr.len && choose(4))
		put(s.conn.addr, "2001:db8::1", SIP_FIELD_SDP_C);
	it = sip_sdp_iter(&s);
	while (sip_sdp_media_next(&s, &it, &m)) {
		if (choose(4))
			put(m.port, choose(2) ? "16384" : "0", SIP_FIELD_SDP_M);
		if (m.has_rtcp)
			put(m.rtcp.port, "16385", SIP_FIELD_SDP_RTCP);
		if (m.has_rtcp && m.rtcp.has_addr)
			put(m.rtcp.addr.addr, "203.0.113.1", SIP_FIELD_SDP_RTCP);
		edit_cands(m.section);
	}
}

static u32 edit_bodies(void)
{
	struct sip_body b;
	struct sip_part p;
	u32 good = 0;

	sip_body_init(&b, &before);
	while (sip_body_next_sdp(&b, &p)) {
		if (p.sealed || p.encoded)
			continue;
		edit_sdp(p.body);
		good++;
	}
	return good;
}

static u32 count_sdp(const struct sip_msg *m)
{
	struct sip_body b;
	struct sip_part p;
	struct sip_sdp s;
	u32 n = 0;

	sip_body_init(&b, m);
	while (sip_body_next_sdp(&b, &p))
		if (!p.sealed && !p.encoded && !sip_sdp_parse(&s, m->buf, p.body, false, NULL))
			n++;
	return n;
}

static void meant(void)
{
	u32 len;
	int r;

	sip_edit_init(&edits);
	edit_headers();
	edit_bodies();
	if (sip_edit_put_content_length(&edits, &before, 1))
		return;
	r = sip_edit_apply(&edits, before.buf, before.len, out, sizeof(out));
	if (r == SIP_EDIT_SPACE)
		return;
	if (r)
		complain("edits cannot be applied");
	len = sip_edit_length(&edits, before.len);
	if (sip_msg_parse(&after, out, len, SIP_DATAGRAM) != SIP_OK) {
		fprintf(stderr, "%s at %u\n", sip_bad_name(after.bad), after.bad_off);
		complain("the edited message does not parse");
	}
	if (sip_edit_verify(&edits, &before, &after))
		complain("the edited message is not what was meant");
	if (count_sdp(&before) != count_sdp(&after))
		complain("an edited SDP does not parse");
	/* The proof must see a byte that changed behind its back. */
	if (len) {
		out[choose(256) * (len - 1) / 255] ^= 0x20;
		if (sip_msg_parse(&after, out, len, SIP_DATAGRAM) == SIP_OK &&
		    !sip_edit_verify(&edits, &before, &after))
			complain("a changed byte is not seen");
	}
}

/* Edits anywhere: never a write outside, and the text of each is where it should be. */
static void arbitrary(void)
{
	u32 n = choose(20);
	u32 i;

	sip_edit_init(&edits);
	while (n--) {
		struct sip_str at = { .off = choose(256) * (before.len + 3) / 255,
				      .len = choose(40) };

		sip_edit_put(&edits, at, "0123456789abcdefghij", choose(21), SIP_WHY(OTHER, n));
	}
	for (i = 1; i < edits.n; i++)
		if (sip_str_end(edits.edit[i - 1].at) > edits.edit[i].at.off)
			complain("edits out of order");
	if (sip_edit_apply(&edits, before.buf, before.len, out, sizeof(out)))
		return;
	if (sip_msg_parse(&after, out, sip_edit_length(&edits, before.len), SIP_DATAGRAM) == SIP_OK)
		sip_edit_verify(&edits, &before, &after);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (size < SEED || size > MAX)
		return 0;
	seed = data;
	turn = 0;
	if (sip_msg_parse(&before, data + SEED, (u32)size - SEED, SIP_DATAGRAM) != SIP_OK)
		return 0;
	meant();
	arbitrary();
	return 0;
}
