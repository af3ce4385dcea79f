/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auth_nonce: nonces that carry what is known of them, so that a challenge costs no memory:
 *
 *   time (6 bytes) | algorithms offered with it (1) | random (5) | MAC (12), in base64url
 *
 * The MAC covers the realm and the source's address (IPv6: its /64, as hosts change the rest by
 * themselves; never the port) too. The key is of this start of callgated and is not kept: the
 * counts of used nonces are in memory, and a nonce that outlived them could be used again. After a
 * restart a phone is told stale=true, once.
 *
 * Of a nonce that was used with right credentials the counts are kept, 64 below the highest;
 * NONCE_TABLE of them. When there are more, the one used first goes, and nonces that are not older
 * than it and not in the table are stale: none is ever accepted twice with one count.
 */
#ifndef AUTH_NONCE_H
#define AUTH_NONCE_H

#include <stdbool.h>

#include "model.h"

#define NONCE_TABLE 65536
#define NONCE_TEXT 32

/* Whom a nonce is for. */
struct nonce_owner {
	const struct endpoint *source;
	const char *realm;
};

struct nonce {
	uint64_t time;		/* loop_now() */
	uint8_t offered;	/* bits of enum digest_algorithm */
	uint8_t id[12];		/* all but the MAC */
};

int nonce_open(void);
void nonce_close(void);

void nonce_make(const struct nonce_owner *o, uint8_t offered, char out[static NONCE_TEXT + 1]);
/* False: none of ours, or of another realm, source or start. */
bool nonce_read(const struct nonce_owner *o, const void *text, size_t len, struct nonce *out);

/*
 * May it be used with this count? Notes that it was. @nc 0: a request without a count, which is
 * good for a nonce that was never used, and uses it up.
 */
bool nonce_use(const struct nonce *n, uint32_t nc);

/* Counts of nonces made before @time are of no use any more: a few of them go. */
void nonce_forget_before(uint64_t time);

#endif
