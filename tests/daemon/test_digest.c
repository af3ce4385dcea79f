// SPDX-License-Identifier: BSD-2-Clause
/* The hashes, against the examples of the RFCs and values of another implementation. */
#include "t.h"

#include "digest.h"

#define LEN(s) { s, sizeof(s) - 1 }

struct vector {
	const char *what;
	const char *who[3];	/* user, realm, password */
	struct digest_input in;
	const char *response;
};

static const char long_text[601] = { [0 ... 599] = 'x' };

#define REGISTER(algo, how) \
	{ .algorithm = algo, .qop = true, .method = LEN(how), .uri = LEN("sip:biloxi.example"), \
	  .nonce = LEN("00112233445566778899aabbccddeeff"), .nc = LEN("0000002a"), \
	  .cnonce = LEN("xyz") }
#define BOB { "bob", "biloxi.example", "zanzibar" }
#define MUFASA(algo) \
	{ .algorithm = algo, .qop = true, .method = LEN("GET"), .uri = LEN("/dir/index.html"), \
	  .nonce = LEN("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"), \
	  .nc = LEN("00000001"), \
	  .cnonce = LEN("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ") }

static const struct vector vectors[] = {
	{ "RFC 7616 3.9.1, MD5", { "Mufasa", "http-auth@example.org", "Circle of Life" },
	  MUFASA(DIGEST_MD5), "8ca523f5e9506fed4657c9700eebdbec" },
	{ "RFC 7616 3.9.1, SHA-256", { "Mufasa", "http-auth@example.org", "Circle of Life" },
	  MUFASA(DIGEST_SHA256),
	  "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
	/* the RFC prints the first half of SHA-512 here: erratum 4897 */
	{ "RFC 7616 3.9.2, SHA-512-256",
	  { "J\xc3\xa4s\xc3\xb8n Doe", "api@example.org", "Secret, or not?" },
	  { .algorithm = DIGEST_SHA512_256, .qop = true, .method = LEN("GET"),
	    .uri = LEN("/doe.json"), .nc = LEN("00000001"),
	    .nonce = LEN("5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK"),
	    .cnonce = LEN("NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v") },
	  "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5" },
	{ "RFC 2617 3.5", { "Mufasa", "testrealm@host.com", "Circle Of Life" },
	  { .algorithm = DIGEST_MD5, .qop = true, .method = LEN("GET"),
	    .uri = LEN("/dir/index.html"), .nc = LEN("00000001"), .cnonce = LEN("0a4f113b"),
	    .nonce = LEN("dcd98b7102dd2f0e8b11d0f600bfb0c093") },
	  "6629fae49393a05397450978507c4ef1" },
	/* with the response of erratum 749 */
	{ "RFC 2069 2.4", { "Mufasa", "testrealm@host.com", "CircleOfLife" },
	  { .algorithm = DIGEST_MD5, .method = LEN("GET"), .uri = LEN("/dir/index.html"),
	    .nonce = LEN("dcd98b7102dd2f0e8b11d0f600bfb0c093") },
	  "1949323746fe6a43ef61f9606e7febea" },
	{ "REGISTER, MD5", BOB, REGISTER(DIGEST_MD5, "REGISTER"),
	  "c34168f382cbaac51bb9205431d1b7ee" },
	{ "rspauth, MD5", BOB, REGISTER(DIGEST_MD5, ""),
	  "6a461bde85c4dc4353c9aae851c04ceb" },
	{ "REGISTER, SHA-256", BOB, REGISTER(DIGEST_SHA256, "REGISTER"),
	  "0b1f1c46d0b4833179ea33720ca41287db1ee9885941d4f9099dc5294d14e3fc" },
	{ "rspauth, SHA-256", BOB, REGISTER(DIGEST_SHA256, ""),
	  "ce776e8c548c3ac57f9718f5370d91a7c9367ab4e943fca1fc4f9990b63cd692" },
	{ "REGISTER, SHA-512-256", BOB, REGISTER(DIGEST_SHA512_256, "REGISTER"),
	  "6f6a4b3823207b81aeddcaf0ee0223cc72a418dc92405a85272eaf6f74305607" },
	{ "rspauth, SHA-512-256", BOB, REGISTER(DIGEST_SHA512_256, ""),
	  "5be0252a821af26d33544ca8884ab9a6ae169396a4a98a534262ed5be5ca02f4" },
	{ "longer than the buffer", BOB,
	  { .algorithm = DIGEST_SHA256, .qop = true, .method = LEN("REGISTER"),
	    .uri = LEN("sip:biloxi.example"), .nc = LEN("0000002a"),
	    .nonce = LEN("00112233445566778899aabbccddeeff"), .cnonce = { long_text, 600 } },
	  "b66df3aedb20d257adce0a00190453e4e206f1429e297c68a7d20e8f39d96590" },
};

static void check_vectors(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		uint8_t ha1[DIGEST_MAX], got[DIGEST_MAX], want[DIGEST_MAX];
		struct digest_input in = v->in;
		unsigned int size = digest_size(in.algorithm);
		char hex[DIGEST_HEX + 1] = "";

		in.ha1 = ha1;
		T_OK(!digest_ha1(in.algorithm, v->who, ha1), "%s: HA1", v->what);
		T_OK(!digest_response(&in, got), "%s: response", v->what);
		digest_hex(got, size, hex);
		T_OK(!strcmp(hex, v->response), "%s: %s, not %s", v->what, hex, v->response);
		T_OK(digest_unhex(v->response, size, want) && !memcmp(got, want, size),
		     "%s: digits are not read back", v->what);
	}
}

/* A part that is moved over a colon, or left out, gives another response. */
static void check_parts(void)
{
	struct digest_input in = vectors[1].in, other;
	uint8_t ha1[DIGEST_MAX], a[DIGEST_MAX], b[DIGEST_MAX];
	struct digest_text *const parts[] = { &other.nonce, &other.nc, &other.cnonce, &other.uri,
					      &other.method };

	digest_ha1(in.algorithm, vectors[1].who, ha1);
	in.ha1 = ha1;
	digest_response(&in, a);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		other = in;
		parts[i]->len--;
		digest_response(&other, b);
		T_OK(memcmp(a, b, 32), "part %zu is not hashed whole", i);
	}
	other = in;
	other.qop = false;
	digest_response(&other, b);
	T_OK(memcmp(a, b, 32), "qop makes no difference");
	ha1[31] ^= 1;
	digest_response(&in, b);
	T_OK(memcmp(a, b, 32), "the last byte of HA1 is not hashed");
}

static void check_names(void)
{
	static const char *const names[] = { "md5", "sha-256", "Sha-512-256" };
	static const char *const others[] = { "", "MD", "MD5-sess", "SHA-256-sess", "SHA-512",
					      "SHA256", "MD5 " };
	enum digest_algorithm a = 0;

	for (unsigned int i = 0; i < DIGEST_COUNT; i++) {
		T_OK(digest_find(names[i], strlen(names[i]), &a) && a == i, "%s", names[i]);
		T_OK(digest_find(digest_name(i), strlen(digest_name(i)), &a) && a == i,
		     "%s", digest_name(i));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		T_OK(!digest_find(others[i], strlen(others[i]), &a), "%s is known", others[i]);
	T_OK(digest_size(DIGEST_COUNT) == 0, "size of no algorithm");
	T_OK(digest_ha1(DIGEST_COUNT, vectors[0].who, (uint8_t[DIGEST_MAX]){ 0 }) < 0,
	     "HA1 of no algorithm");
}

static void check_digits(void)
{
	static const char bad[] = "/:@G`g\xff ";
	uint8_t out;
	char text[2];

	T_OK(digest_unhex("aF", 1, &out) && out == 0xaf, "aF");
	for (size_t i = 0; i < sizeof(bad); i++) {
		text[0] = '0';
		text[1] = bad[i];
		T_OK(!digest_unhex(text, 1, &out), "digit %#x behind", bad[i] & 0xff);
		text[0] = bad[i];
		text[1] = '0';
		T_OK(!digest_unhex(text, 1, &out), "digit %#x before", bad[i] & 0xff);
	}
}

int main(void)
{
	check_vectors();
	check_parts();
	check_names();
	check_digits();
	digest_close();
	/* after the end it begins again */
	check_vectors();
	digest_close();
	return t_end("digest");
}
