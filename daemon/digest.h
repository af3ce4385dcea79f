/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * digest: the hashes of digest authentication, RFC 7616 3.4 with the algorithms of RFC 8760, by
 * OpenSSL. The contexts are made once and reused: for so short texts most of the cost is their
 * making. For one thread.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the weakest to the strongest; the store keeps the numbers. */
enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_SHA512_256, DIGEST_COUNT };
#define DIGEST_MAX 32			/* bytes of the longest */
#define DIGEST_HEX (2 * DIGEST_MAX)	/* its digits, without a NUL */

/* HA1 = H(user ":" realm ":" password); @out gets digest_size() bytes. 0 or -errno. */
int digest_ha1(enum digest_algorithm a, const char *const user_realm_password[3],
	       uint8_t out[DIGEST_MAX]);
unsigned int digest_size(enum digest_algorithm a);
/* "MD5", "SHA-256", "SHA-512-256" */
const char *digest_name(enum digest_algorithm a);
/* By its name in any case; false: none of ours. */
bool digest_find(const void *name, size_t len, enum digest_algorithm *out);

struct digest_text {
	const void *at;
	size_t len;
};

/* What is hashed: as it stands in the message, without the quotes. */
struct digest_input {
	enum digest_algorithm algorithm;
	const uint8_t *ha1;
	struct digest_text nonce, nc, cnonce;
	struct digest_text method;	/* empty: rspauth (RFC 7616 3.5) */
	struct digest_text uri;
	bool qop;			/* qop=auth; false: without, as RFC 2069 */
};
int digest_response(const struct digest_input *in, uint8_t out[DIGEST_MAX]);

/* Writes 2 * @len digits in lower case. */
void digest_hex(const uint8_t *bytes, size_t len, char *out);
/* Reads 2 * @len digits of either case. */
bool digest_unhex(const char *hex, size_t len, uint8_t *out);

void digest_close(void);

#endif
