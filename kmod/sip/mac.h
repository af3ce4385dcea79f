/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SipHash-2-4 (Aumasson, Bernstein 2012), fed in pieces. */
#ifndef SIP_MAC_H
#define SIP_MAC_H

#include "port.h"

#define SIP_HASH_KEY 16

struct sip_hash {
	u64 v[4];
	u64 tail; /* bytes that do not make a word yet */
	u32 len;  /* so far */
};

void sip_hash_init(struct sip_hash *h, const u8 key[SIP_HASH_KEY]);
void sip_hash_raw(struct sip_hash *h, const void *p, u32 len);
u64 sip_hash_final(struct sip_hash *h);

/* With their length before them, so that two lists of texts never make one. */
void sip_hash_bytes(struct sip_hash *h, const void *p, u32 len);
void sip_hash_u32(struct sip_hash *h, u32 n);

#endif /* SIP_MAC_H */
