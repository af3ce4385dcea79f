/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gruu: globally routable user agent URIs, RFC 5627: addresses of one device of a user.
 *
 * Public: the address of record with ";gr=" and the instance ID. It is nowhere kept: whoever has
 * the name has it.
 *
 * Temporary: TOKEN@domain;gr. The token holds the user's id, an epoch and a number that makes it
 * unlike any other; it is encrypted and authenticated with keys of its own (SIV: SipHash-2-4-128
 * makes a synthetic IV and the key stream), so that nobody can make one, or tell whether two are of
 * the same device. The epoch is kept with the contacts (struct contact): all tokens of an epoch
 * hold until the last contact of the instance has gone, or its Call-ID has changed (5.1, 5.3).
 */
#ifndef GRUU_H
#define GRUU_H

#include "config.h"
#include "location.h"

/* The keys are made from this one, which a restart does not change (keys.h). */
void gruu_key_set(const uint8_t key[16]);

/* ---- struct contact .gruu: the epoch, and above it the number of the registration ---- */

#define GRUU_EPOCH_BITS 48
#define GRUU_EPOCH_MASK ((UINT64_C(1) << GRUU_EPOCH_BITS) - 1)
/* A new one; 0, which is none: no random numbers. */
uint64_t gruu_epoch(void);
/* Was @a registered after @b? For contacts of the same instance. */
bool gruu_newer(const struct contact *a, const struct contact *b);

/* ---- the public one ---- */

/* The instance ID as the value of "gr"; its length, or 0: it does not fit with its NUL. */
size_t gruu_print_instance(const char *instance, char *out, size_t cap);

/* ---- the temporary one ---- */

struct gruu_token {
	uint64_t user, epoch;
};
#define GRUU_TOKEN 45		/* characters */
/* False: the user's id is beyond 40 bits, or there are no random numbers. */
bool gruu_print_token(const struct gruu_token *t, char out[static GRUU_TOKEN + 1]);
/* False: none that was made here. */
bool gruu_read_token(const uint8_t *buf, struct sip_str user, struct gruu_token *t);

/* ---- where it leads ---- */

/*
 * Has @uri, which is for the domain @d, the parameter "gr"? Then *@out is the contact that was
 * registered last (6.1: no forking). 404: there is no such GRUU, or there is none any more. 480: a
 * public one whose device is not registered. 503: the store cannot tell.
 */
uint16_t gruu_find(const uint8_t *buf, const struct sip_uri *uri, const struct domain *d,
		   const struct contact **out);

#endif
