/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auth_offer: which algorithms whom is offered. Inside and outside networks have a set each
 * (configuration). A phone that came back empty from two challenges is offered MD5 alone, until it
 * used something stronger or took one of two: many look at the first challenge only, or stop at one
 * whose algorithm they do not know. Where MD5 is not offered, that is for users with USER_MD5 only.
 *
 * Who came back empty is remembered for OFFER_TABLE pairs of source and user; the oldest of a set
 * of four goes.
 */
#ifndef AUTH_OFFER_H
#define AUTH_OFFER_H

#include "digest.h"
#include "store.h"
#include "transport.h"

#define OFFER_TABLE 8192

void offer_reset(void);
/* Bits of enum digest_algorithm. */
uint8_t offer_zone(const struct sip_flow *flow);
/* A source and the user that its request names: by To of a REGISTER, by From of others. */
uint64_t offer_key(const struct endpoint *source, const char *user, const char *domain);
/* A request without credentials of use; its repetitions are one. */
void offer_empty(uint64_t key, const struct rx *rx);
/*
 * Two in a row are offered what the zone has, the third MD5 alone; and so on, as a phone that is
 * silent may know anything. Once MD5 alone has worked it is the other way round.
 */
bool offer_md5_alone(uint64_t key);
/* It showed credentials that were right, by this algorithm, which was offered alone or not. */
void offer_worked(uint64_t key, enum digest_algorithm a, bool alone);
/* By MD5 alone: this source knows that there is such a user. */
bool offer_has_worked(uint64_t key);

#endif
