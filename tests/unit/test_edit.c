// SPDX-License-Identifier: BSD-2-Clause
/* The edit list: order, overlap, limits, lengths; and the proof that nothing else changed. */
#include "t.h"
#include "edit.h"
#include "gen.h"

static struct sip_edits e;

static int put(u32 off, u32 len, const char *text)
{
	return sip_edit_put(&e, sip_slice(off, off + len), text, (u32)strlen(text),
			    SIP_WHY(VIA, 7));
}

static void expect(const char *in, const char *want)
{
	u8 out[256];
	u32 len = sip_edit_length(&e, (u32)strlen(in));
	int r = sip_edit_apply(&e, (const u8 *)in, (u32)strlen(in), out, sizeof(out));

	T_OK(r == SIP_EDIT_OK, "apply: %d", r);
	T_OK(len == strlen(want) && !memcmp(out, want, len), "%.*s, not %s", (int)len, out, want);
}

static void order(void)
{
	sip_edit_init(&e);
	expect("0123456789", "0123456789");
	T_OK(!put(5, 2, "B") && !put(0, 1, "AAA") && !put(10, 0, "Z") && !put(7, 0, "i"), "put");
	expect("0123456789", "AAA1234Bi789Z");
	T_OK(e.edit[0].why == 7 && e.edit[0].field == SIP_FIELD_VIA, "why");
	T_OK(put(4, 2, "x") == SIP_EDIT_OVERLAP, "overlap at the start");
	T_OK(put(6, 3, "x") == SIP_EDIT_OVERLAP, "overlap at the end");
	T_OK(put(5, 2, "x") == SIP_EDIT_OVERLAP, "the same again");
	T_OK(put(6, 0, "x") == SIP_EDIT_OVERLAP, "inside");
	T_OK(put(0, 10, "x") == SIP_EDIT_OVERLAP, "around");
	expect("0123456789", "AAA1234Bi789Z");
	T_OK(!put(5, 0, "p") && !put(5, 0, "q") && !put(7, 0, "j"), "insert");
	expect("0123456789", "AAA1234pqBij789Z");
	T_OK(!put(7, 1, "") && !put(3, 2, "--"), "delete");
	expect("0123456789", "AAA12--pqBij89Z");
}

static void limits(void)
{
	static char big[SIP_EDIT_TEXT + 1];
	u8 out[16];
	u32 i;

	memset(big, 'x', sizeof(big) - 1);
	sip_edit_init(&e);
	T_OK(put(0, 1, big) == SIP_EDIT_OK, "as much text as there is room");
	T_OK(put(2, 1, "x") == SIP_EDIT_FULL && e.n == 1, "more text");
	T_OK(put(2, 1, "") == SIP_EDIT_OK, "no text");
	T_OK(sip_edit_apply(&e, (const u8 *)"abcdef", 6, out, sizeof(out)) == SIP_EDIT_SPACE,
	     "space");
	T_OK(sip_edit_apply(&e, (const u8 *)"ab", 2, out, sizeof(out)) != SIP_EDIT_OK, "range");
	sip_edit_init(&e);
	for (i = 0; i < SIP_MAX_EDITS; i++)
		put(2 * i, 1, "y");
	T_OK(e.n == SIP_MAX_EDITS && put(9999, 1, "z") == SIP_EDIT_FULL, "too many");
	sip_edit_init(&e);
	T_OK(put(0xffffffff, 1, "x") == SIP_EDIT_RANGE, "far away");
	T_OK(put(4, 2, "x") == SIP_EDIT_OK, "put");
	T_OK(sip_edit_apply(&e, (const u8 *)"abcde", 5, out, sizeof(out)) == SIP_EDIT_RANGE,
	     "short");
}

static const char invite[] =
	"INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1\r\nFrom: <sip:a@h>;tag=1\r\n"
	"To: <sip:b@h>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.0.0.1>\r\n"
	"Content-Length: %s\r\n\r\n%s";

static struct sip_msg a, b;
static char text[1024];
static u8 out[2048];

static void message(const char *length, const char *body)
{
	int n = snprintf(text, sizeof(text), invite, length, body);

	T_OK(sip_msg_parse(&a, (const u8 *)text, (u32)n, SIP_DATAGRAM) == SIP_OK, "parse");
	sip_edit_init(&e);
}

static int prove(void)
{
	u32 len = sip_edit_length(&e, a.len);

	if (sip_edit_apply(&e, a.buf, a.len, out, sizeof(out)))
		return -1;
	if (sip_msg_parse(&b, out, len, SIP_DATAGRAM) != SIP_OK)
		return -2;
	return sip_edit_verify(&e, &a, &b);
}

static void lengths(void)
{
	message("3", "abc");
	put(a.body.off + 1, 1, "BBB");
	T_OK(!sip_edit_put_content_length(&e, &a, 1), "length");
	T_OK(prove() == SIP_EDIT_OK && b.content_length == 5, "grown: %u", b.content_length);
	message("10", "abcdefghij");
	put(a.body.off, 3, "");
	T_OK(!sip_edit_put_content_length(&e, &a, 1), "length");
	T_OK(prove() == SIP_EDIT_OK && b.content_length == 7, "shrunk: %u", b.content_length);
	message("0003", "abc");
	put(a.body.off, 1, "x");
	T_OK(!sip_edit_put_content_length(&e, &a, 1) && e.n == 1, "same length: digits stay");
	T_OK(prove() == SIP_EDIT_OK, "prove");
	message("3", "abcREST");
	put(a.body.off + 3, 0, "!");
	T_OK(!sip_edit_put_content_length(&e, &a, 1) && prove() == SIP_EDIT_OK, "rest");
	T_OK(b.rest.len == 4 && b.body.len == 4, "rest stays");
	message("3", "abcREST");
	put(a.body.off + 1, 1, "BBB");
	T_OK(prove() == SIP_EDIT_CHANGED, "body grown without Content-Length");
}

static void proofs(void)
{
	struct sip_header *h;

	message("0", "");
	put(a.via.sent_by.all.off, a.via.sent_by.all.len, "203.0.113.1:40000");
	T_OK(prove() == SIP_EDIT_OK, "an address");
	out[3] ^= 1;
	b.buf = out;
	T_OK(sip_edit_verify(&e, &a, &b) == SIP_EDIT_CHANGED, "another byte");
	message("0", "");
	put(a.via.sent_by.all.off, a.via.sent_by.all.len, "h\r\nX: y");
	T_OK(prove() == SIP_EDIT_CHANGED, "an unknown header, seen by where its neighbour ends");
	message("0", "");
	put(a.via.sent_by.all.off, a.via.sent_by.all.len, "h\r\nContact: <sip:x>");
	T_OK(prove() == SIP_EDIT_CHANGED, "a header that was not there");
	message("0", "");
	h = &a.headers[a.first[SIP_H_CONTACT]];
	put(h->off, h->end - h->off, "");
	T_OK(prove() == SIP_EDIT_CHANGED, "a header that is gone");
	message("0", "");
	put(a.cseq.method.off - 2, 1, "9");
	T_OK(prove() == SIP_EDIT_OK, "a number");
}

/* What sip_edit_check() lets pass, sip_edit_verify() must let pass too. */
static void short_proof(const char *text, int want)
{
	message("0", "");
	put(a.via.sent_by.all.off, a.via.sent_by.all.len, text);
	T_OK((prove() == SIP_EDIT_OK) >= (want == SIP_EDIT_OK), "long proof of %s", text);
	T_OK(sip_edit_check(&e, &a, out) == want, "short proof of %s", text);
}

static void short_proofs(void)
{
	short_proof("203.0.113.1:40000", SIP_EDIT_OK);
	short_proof("[2001:db8::1]:5060", SIP_EDIT_OK);
	short_proof("203.0.113.1:99999", SIP_EDIT_CHANGED);
	short_proof("203.0.113.1 ", SIP_EDIT_CHANGED);
	short_proof("", SIP_EDIT_CHANGED);
	short_proof("h;x", SIP_EDIT_CHANGED);
	short_proof("h\r\nX: y", SIP_EDIT_CHANGED);
	message("3", "abc");
	put(a.body.off, 1, "192.0.2.1");
	prove();
	T_OK(sip_edit_check(&e, &a, out) == SIP_EDIT_CHANGED, "body grown without Content-Length");
	T_OK(!sip_edit_put_content_length(&e, &a, 1), "its length");
	prove();
	T_OK(sip_edit_check(&e, &a, out) == SIP_EDIT_OK, "body grown with Content-Length");
}

int main(void)
{
	order();
	short_proofs();
	limits();
	lengths();
	proofs();
	return t_end("test_edit");
}
