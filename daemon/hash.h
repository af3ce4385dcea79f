/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash: SipHash-1-3 with a key of this run, for tables whose keys peers choose: nobody outside can
 * aim at one bucket.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t len);

/* Of several byte strings, at most 8: where one ends and the next begins is hashed, too. */
struct hash_part {
	const void *at;
	size_t len;
};
uint64_t hash_parts(const struct hash_part *parts, unsigned int n);

#endif
