// SPDX-License-Identifier: BSD-2-Clause
/* Comparison of URIs: the pairs of RFC 3261 19.1.4 and RFC 3966 5, parameters, escapes. */
#include "t.h"
#include "hdr.h"

static bool parse(const char *s, struct sip_uri *u)
{
	return !sip_uri_parse((const u8 *)s, sip_slice(0, (u32)strlen(s)), u);
}

static void equal(const char *a, const char *b, bool want)
{
	struct sip_uri ua, ub;

	T_OK(parse(a, &ua) && parse(b, &ub), "%s or %s does not parse", a, b);
	T_OK(sip_uri_equal((const u8 *)a, &ua, (const u8 *)b, &ub) == want, "%s and %s", a, b);
	T_OK(sip_uri_equal((const u8 *)b, &ub, (const u8 *)a, &ua) == want, "%s and %s", b, a);
}

static void pairs(void)
{
	equal("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true);
	equal("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true);
	equal("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true);
	equal("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
	      "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true);
	equal("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
	      "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true);
	equal("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false);
	equal("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false);
	equal("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false);
	equal("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false);
	equal("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false);
	equal("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false);
	equal("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false);
	equal("sip:a@h", "sips:a@h", false);
	equal("sip:a:b@h", "sip:a@h", false);
	equal("sip:a@h", "sip:h", false);
	equal("sip:a%40b@h", "sip:a%40b@h", true);
	equal("sip:a%3Bb@h", "sip:a;b@h", false);
	equal("sip:[2001:db8::1]", "sip:[2001:0DB8:0::1]", true);
	equal("sip:a@h;user=phone", "sip:a@h", false);
	equal("sip:a@h;maddr=1.2.3.4", "sip:a@h", false);
	equal("tel:+1-201-555-0123", "tel:+1(201)555.0123", true);
	equal("tel:+12015550123;ext=1", "tel:+12015550123", false);
	equal("tel:123;phone-context=example.com", "tel:123;phone-context=EXAMPLE.com", true);
	equal("urn:service:sos", "urn:service:sos", true);
	equal("urn:service:sos", "urn:service:sos.fire", false);
}

/* Many parameters: only equal bytes are equal then; the time must not grow with the square. */
static void many(void)
{
	static char a[60000], b[60000];
	size_t n = 0;

	n += (size_t)sprintf(a, "sip:h");
	while (n < 59000)
		n += (size_t)sprintf(a + n, ";p%zu=v", n);
	strcpy(b, a);
	equal(a, b, true);
	b[strlen(b) - 1] = 'w';
	equal(a, b, false);
}

static void params(void)
{
	static const char s[] = "sip:a@h;lr;transport=tcp;x%41=%42";
	struct sip_param p;
	struct sip_uri u;
	u8 out[4];

	T_OK(parse(s, &u), "parse");
	T_OK(sip_uri_param((const u8 *)s, &u, "lr", &p) && !p.has_value, "lr");
	T_OK(sip_uri_param((const u8 *)s, &u, "transport", &p) &&
		     SIP_IS((const u8 *)s, p.value, "tcp"),
	     "transport");
	T_OK(!sip_uri_param((const u8 *)s, &u, "tran", &p), "tran");
	T_OK(sip_unescape((const u8 *)"a%00b", sip_slice(0, 5), out, 4) == 3 && !out[1],
	     "unescape");
	T_OK(sip_unescape((const u8 *)"abcde", sip_slice(0, 5), out, 4) == 5, "no space");
	T_OK(sip_unescape((const u8 *)"%4", sip_slice(0, 2), out, 4) == 2, "half an escape");
}

static void quoted(void)
{
	static const char s[] = ";a=\"x\\\"y;z\";b=\"\";c=d , e";
	const u8 *p = (const u8 *)s;
	struct sip_param v;
	u8 out[16];

	T_OK(sip_param_find(p, sip_slice(0, 20), "a", &v), "a");
	T_OK(sip_unquote(p, v.value, out, sizeof(out)) == 5 && !memcmp(out, "x\"y;z", 5),
	     "unquote");
	T_OK(sip_unquote(p, v.value, out, 4) == 5, "no space");
	T_OK(sip_param_find(p, sip_slice(0, 20), "b", &v) && sip_unquote(p, v.value, out, 4) == 0,
	     "b");
	T_OK(sip_param_find(p, sip_slice(0, 20), "c", &v) && v.value.len == 1, "c");
	T_OK(!sip_param_find(p, sip_slice(0, 20), "e", &v), "e");
}

static void values(void)
{
	static const u8 se[] = "1800 ; refresher=UAS";
	static const u8 auth[] = "Digest realm=\"a,b\", qop=\"auth,auth-int\",, nonce=x";
	static const u8 rack[] = "776656 1 INVITE";
	struct sip_session_expires e;
	struct sip_param p;
	struct sip_auth a;
	struct sip_rack r;

	T_OK(!sip_session_expires_parse(se, sip_slice(0, sizeof(se) - 1), &e) &&
		     e.seconds == 1800 && e.refresher == SIP_REFRESHER_UAS,
	     "Session-Expires");
	T_OK(sip_session_expires_parse(se, sip_slice(5, sizeof(se) - 1), &e), "no number");
	T_OK(!sip_auth_parse(auth, sip_slice(0, sizeof(auth) - 1), &a) && a.digest, "auth");
	T_OK(sip_auth_find(auth, &a, "nonce", &p) && SIP_IS(auth, p.value, "x"), "nonce");
	T_OK(sip_auth_find(auth, &a, "qop", &p) && p.value.len == 15, "qop");
	T_OK(!sip_auth_find(auth, &a, "b", &p), "inside quotes");
	T_OK(!sip_rack_parse(rack, sip_slice(0, sizeof(rack) - 1), &r) && r.rseq == 776656 &&
		     r.cseq.num == 1 && r.cseq.method_id == SIP_M_INVITE,
	     "RAck");
	T_OK(sip_rack_parse(rack, sip_slice(0, 8), &r), "half a RAck");
}

int main(void)
{
	pairs();
	many();
	params();
	quoted();
	values();
	return t_end("test_uri");
}
