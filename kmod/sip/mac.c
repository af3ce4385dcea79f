// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * SipHash-2-4. The kernel's own takes one buffer; tokens are made of slices of a message, and both
 * worlds must agree.
 */
#include "mac.h"

static inline u64 rotate(u64 x, u32 n)
{
	return x << n | x >> (64 - n);
}

static void rounds(u64 v[4], u32 n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void word(struct sip_hash *h, u64 m)
{
	h->v[3] ^= m;
	rounds(h->v, 2);
	h->v[0] ^= m;
}

void sip_hash_init(struct sip_hash *h, const u8 key[SIP_HASH_KEY])
{
	u64 k0 = sip_load64(key);
	u64 k1 = sip_load64(key + 8);

	h->v[0] = k0 ^ 0x736f6d6570736575ULL;
	h->v[1] = k1 ^ 0x646f72616e646f6dULL;
	h->v[2] = k0 ^ 0x6c7967656e657261ULL;
	h->v[3] = k1 ^ 0x7465646279746573ULL;
	h->tail = 0;
	h->len = 0;
}

static void byte(struct sip_hash *h, u8 c)
{
	h->tail |= (u64)c << (h->len & 7) * 8;
	if ((++h->len & 7) == 0) {
		word(h, h->tail);
		h->tail = 0;
	}
}

void sip_hash_raw(struct sip_hash *h, const void *p, u32 len)
{
	const u8 *b = p;
	u32 shift;
	u64 m;

	while (len && len < 8) {
		byte(h, *b++);
		len--;
	}
	shift = (h->len & 7) * 8;
	for (; len >= 8; len -= 8, b += 8, h->len += 8) {
		m = sip_load64(b);
		word(h, h->tail | m << shift);
		h->tail = shift ? m >> (64 - shift) : 0;
	}
	while (len--)
		byte(h, *b++);
}

u64 sip_hash_final(struct sip_hash *h)
{
	word(h, h->tail | (u64)h->len << 56);
	h->v[2] ^= 0xff;
	rounds(h->v, 4);
	return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}

void sip_hash_u32(struct sip_hash *h, u32 n)
{
	u8 b[4] = { (u8)n, (u8)(n >> 8), (u8)(n >> 16), (u8)(n >> 24) };

	sip_hash_raw(h, b, 4);
}

void sip_hash_bytes(struct sip_hash *h, const void *p, u32 len)
{
	sip_hash_u32(h, len);
	sip_hash_raw(h, p, len);
}
