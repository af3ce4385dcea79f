/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "digest.h"
#include "sip/scan.h"

static const struct algorithm {
	const char *name;	/* in SIP */
	const char *openssl;
	unsigned int size;
} algorithms[DIGEST_COUNT] = {
	[DIGEST_MD5] = { "MD5", "MD5", 16 },
	[DIGEST_SHA256] = { "SHA-256", "SHA2-256", 32 },
	[DIGEST_SHA512_256] = { "SHA-512-256", "SHA2-512/256", 32 },
};

/* A context that has its algorithm is begun again far cheaper than a new one is made. */
static EVP_MD_CTX *contexts[DIGEST_COUNT];

/* Short texts are collected, so that a hash is one or two calls of OpenSSL. */
struct hash {
	EVP_MD_CTX *ctx;
	bool failed;
	size_t n;
	uint8_t buf[512];
};

unsigned int digest_size(enum digest_algorithm a)
{
	return a < DIGEST_COUNT ? algorithms[a].size : 0;
}

const char *digest_name(enum digest_algorithm a)
{
	return a < DIGEST_COUNT ? algorithms[a].name : "?";
}

bool digest_find(const void *name, size_t len, enum digest_algorithm *out)
{
	for (unsigned int a = 0; a < DIGEST_COUNT; a++) {
		if (len != strlen(algorithms[a].name) ||
		    strncasecmp(name, algorithms[a].name, len))
			continue;
		*out = a;
		return true;
	}
	return false;
}

static EVP_MD_CTX *make_context(enum digest_algorithm a)
{
	EVP_MD *md = EVP_MD_fetch(NULL, algorithms[a].openssl, NULL);
	EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;

	if (ctx && !EVP_DigestInit_ex2(ctx, md, NULL)) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_MD_free(md);	/* the context has a reference of its own */
	contexts[a] = ctx;
	return ctx;
}

static int hash_begin(struct hash *h, enum digest_algorithm a)
{
	if (a >= DIGEST_COUNT)
		return -EINVAL;
	h->ctx = contexts[a] ? contexts[a] : make_context(a);
	h->n = 0;
	h->failed = !h->ctx || !EVP_DigestInit_ex2(h->ctx, NULL, NULL);
	return h->failed ? -ENOTSUP : 0;
}

/* Makes room for @len bytes, if there can be so much. */
static void hash_spill(struct hash *h, size_t len)
{
	if (len <= sizeof(h->buf) - h->n)
		return;
	h->failed |= !EVP_DigestUpdate(h->ctx, h->buf, h->n);
	h->n = 0;
}

static void hash_add(struct hash *h, const void *bytes, size_t len)
{
	hash_spill(h, len);
	if (len > sizeof(h->buf)) {
		h->failed |= !EVP_DigestUpdate(h->ctx, bytes, len);
	} else if (len) {
		memcpy(h->buf + h->n, bytes, len);
		h->n += len;
	}
}

static void hash_colon(struct hash *h, struct digest_text t)
{
	hash_spill(h, 1);
	h->buf[h->n++] = ':';
	hash_add(h, t.at, t.len);
}

static void hash_hex(struct hash *h, const uint8_t *bytes, size_t len)
{
	hash_spill(h, 2 * len);
	digest_hex(bytes, len, (char *)h->buf + h->n);
	h->n += 2 * len;
}

static int hash_end(struct hash *h, uint8_t out[DIGEST_MAX])
{
	h->failed |= !EVP_DigestUpdate(h->ctx, h->buf, h->n) ||
		     !EVP_DigestFinal_ex(h->ctx, out, NULL);
	return h->failed ? -EIO : 0;
}

int digest_ha1(enum digest_algorithm a, const char *const urp[3], uint8_t out[DIGEST_MAX])
{
	struct hash h;
	int err = hash_begin(&h, a);

	if (err)
		return err;
	hash_add(&h, urp[0], strlen(urp[0]));
	for (int i = 1; i < 3; i++)
		hash_colon(&h, (struct digest_text){ urp[i], strlen(urp[i]) });
	err = hash_end(&h, out);
	OPENSSL_cleanse(h.buf, sizeof(h.buf));
	return err;
}

/*
 * The hashes of the last A2s, which are no secret: the phones of a domain all send the same few.
 */
#define A2_MAX 128
static struct known {
	uint8_t algorithm, size;	/* 0: nothing is here */
	char text[A2_MAX];
	uint8_t hash[DIGEST_MAX];
} known[64];	/* place_of() gives six bits */

/* A2: RFC 7616 3.4.3, qop=auth. */
static int hash_a2(const struct digest_input *in, uint8_t out[DIGEST_MAX])
{
	struct hash h;
	int err = hash_begin(&h, in->algorithm);

	if (err)
		return err;
	hash_add(&h, in->method.at, in->method.len);
	hash_colon(&h, in->uri);
	return hash_end(&h, out);
}

/* Whoever makes two texts fall together gains nothing. */
static unsigned int place_of(const char *text, size_t len)
{
	uint64_t hash = len, word;

	for (; len >= 8; len -= 8, text += 8) {
		memcpy(&word, text, 8);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	}
	word = 0;
	memcpy(&word, text, len);
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash >> 58;
}

static int digest_ha2(const struct digest_input *in, uint8_t out[DIGEST_MAX])
{
	size_t method = in->method.len, uri = in->uri.len, all;
	char text[A2_MAX];
	struct known *k;
	int err;

	if (method >= A2_MAX || uri >= A2_MAX - method)
		return hash_a2(in, out);
	if (method)
		memcpy(text, in->method.at, method);
	text[method] = ':';
	if (uri)
		memcpy(text + method + 1, in->uri.at, uri);
	all = method + 1 + uri;
	k = &known[place_of(text, all)];
	if (k->size == all && k->algorithm == in->algorithm && !memcmp(k->text, text, all)) {
		memcpy(out, k->hash, digest_size(in->algorithm));
		return 0;
	}
	err = hash_a2(in, out);
	if (err)
		return err;
	k->algorithm = (uint8_t)in->algorithm;
	k->size = (uint8_t)all;
	memcpy(k->text, text, all);
	memcpy(k->hash, out, digest_size(in->algorithm));
	return 0;
}

/* RFC 7616 3.4.1; without qop RFC 2069 2.1.2. */
int digest_response(const struct digest_input *in, uint8_t out[DIGEST_MAX])
{
	unsigned int size = digest_size(in->algorithm);
	struct hash h;
	int err = digest_ha2(in, out);

	if (err)
		return err;
	err = hash_begin(&h, in->algorithm);
	if (err)
		return err;
	hash_hex(&h, in->ha1, size);
	hash_colon(&h, in->nonce);
	if (in->qop) {
		hash_colon(&h, in->nc);
		hash_colon(&h, in->cnonce);
		hash_add(&h, ":auth", 5);
	}
	hash_add(&h, ":", 1);
	hash_hex(&h, out, size);
	return hash_end(&h, out);
}

/* Both digits of a byte. */
#define ROW(h) h "0" h "1" h "2" h "3" h "4" h "5" h "6" h "7" \
	       h "8" h "9" h "a" h "b" h "c" h "d" h "e" h "f"
static const char pairs[] = ROW("0") ROW("1") ROW("2") ROW("3") ROW("4") ROW("5") ROW("6") ROW("7")
			    ROW("8") ROW("9") ROW("a") ROW("b") ROW("c") ROW("d") ROW("e") ROW("f");
#undef ROW

void digest_hex(const uint8_t *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		memcpy(out + 2 * i, pairs + 2 * bytes[i], 2);
}

bool digest_unhex(const char *hex, size_t len, uint8_t *out)
{
	const uint8_t *at = (const uint8_t *)hex;
	uint8_t classes = SIP_C_HEX;

	for (size_t i = 0; i < len; i++, at += 2) {
		classes &= sip_class[at[0]] & sip_class[at[1]];
		out[i] = (uint8_t)(sip_hex(at[0]) << 4 | sip_hex(at[1]));
	}
	return classes;
}

void digest_close(void)
{
	for (unsigned int a = 0; a < DIGEST_COUNT; a++) {
		EVP_MD_CTX_free(contexts[a]);
		contexts[a] = NULL;
	}
}
