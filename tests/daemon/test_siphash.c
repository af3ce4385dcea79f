// SPDX-License-Identifier: BSD-2-Clause
/* SipHash-2-4-128: the first vectors of its authors, then against the one of OpenSSL. */
#include "t.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "siphash.h"

static void vector(size_t len, const char *expected)
{
	uint8_t key[16], data[64], out[16];
	char hex[33];

	for (uint8_t i = 0; i < sizeof(data); i++)
		data[i] = i;
	memcpy(key, data, sizeof(key));
	siphash128(key, data, len, out);
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", out[i]);
	T_OK(!strcmp(hex, expected), "%zu bytes: %s", len, hex);
}

int main(void)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	unsigned int size = 16;
	OSSL_PARAM params[] = { OSSL_PARAM_uint(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_END };
	uint8_t key[16], data[300], out[16], other[16];
	size_t n = 0;

	vector(0, "a3817f04ba25a8e66df67214c7550293");
	vector(1, "da87c1d86b99af44347659119b22fc45");
	srand(1);
	for (size_t len = 0; mac && len < sizeof(data); len++) {
		EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

		for (size_t i = 0; i < sizeof(key); i++)
			key[i] = (uint8_t)rand();
		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)rand();
		siphash128(key, data, len, out);
		T_OK(EVP_MAC_init(ctx, key, sizeof(key), params) &&
		     EVP_MAC_update(ctx, data, len) && EVP_MAC_final(ctx, other, &n, 16) &&
		     n == 16 && !memcmp(out, other, 16), "%zu bytes differ from OpenSSL", len);
		EVP_MAC_CTX_free(ctx);
	}
	if (!mac)
		t_skipped++;
	EVP_MAC_free(mac);
	return t_end("siphash");
}
