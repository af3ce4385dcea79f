/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The only place where the SIP core meets its surroundings: the kernel or a C library.
 * Nothing else in this directory includes a header of either.
 */
#ifndef SIP_PORT_H
#define SIP_PORT_H

#ifdef __KERNEL__

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#define sip_le32(x) le32_to_cpu((__force __le32)(x))
#define sip_le64(x) le64_to_cpu((__force __le64)(x))
#define sip_ctz64(x) ((u32)__ffs64(x))

#else /* a hosted C11 environment */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#ifndef static_assert
#define static_assert _Static_assert
#endif
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define sip_le32(x) __builtin_bswap32(x)
#define sip_le64(x) __builtin_bswap64(x)
#else
#define sip_le32(x) (x)
#define sip_le64(x) (x)
#endif
#define sip_ctz64(x) ((u32)__builtin_ctzll(x))

#endif /* __KERNEL__ */

/* Eight bytes as a little-endian number, from any alignment. */
static inline u64 sip_load64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return sip_le64(v);
}

static inline u32 sip_load32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return sip_le32(v);
}

#endif /* SIP_PORT_H */
