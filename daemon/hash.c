/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hash.h"

static uint64_t key[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool made;

static void make_key(void)
{
	/* so few bytes come whole, or the system has no random numbers at all */
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		abort();
	atomic_store_explicit(&made, true, memory_order_release);
}

static inline uint64_t rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void mix(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v);
	v[0] ^= word;
}

uint64_t hash_bytes(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t v[4], word;
	size_t left = len;

	if (!atomic_load_explicit(&made, memory_order_acquire))
		pthread_once(&once, make_key);
	v[0] = key[0] ^ 0x736f6d6570736575ULL;
	v[1] = key[1] ^ 0x646f72616e646f6dULL;
	v[2] = key[0] ^ 0x6c7967656e657261ULL;
	v[3] = key[1] ^ 0x7465646279746573ULL;
	for (; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		absorb(v, word);
	}
	word = 0;
	memcpy(&word, at, left);
	absorb(v, word | (uint64_t)len << 56);
	v[2] ^= 0xff;
	mix(v);
	mix(v);
	mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#define PARTS_MAX 8
#define SHORT 64	/* longer ones by their own hash */

uint64_t hash_parts(const struct hash_part *parts, unsigned int n)
{
	uint8_t all[PARTS_MAX * (1 + SHORT)];
	size_t used = 0;

	for (unsigned int i = 0; i < n && i < PARTS_MAX; i++) {
		size_t len = parts[i].len;
		uint64_t hash;

		if (len <= SHORT) {
			all[used++] = (uint8_t)len;
			if (len)
				memcpy(all + used, parts[i].at, len);
			used += len;
		} else {
			hash = hash_bytes(parts[i].at, len);
			all[used++] = UINT8_MAX;
			memcpy(all + used, &hash, sizeof(hash));
			used += sizeof(hash);
		}
	}
	return hash_bytes(all, used);
}
