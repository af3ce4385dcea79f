/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auth_offer: which algorithms whom is offered. Inside and outside networks have a set each
 * (configuration). A user with USER_MD5 whose phone came back empty from two challenges is offered
 * MD5 alone, until it used something stronger: many phones look at the first challenge only, and
 * say nothing when they do not know its algorithm.
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
/* A request without credentials of use: how many in a row it is. Its repetitions are one. */
uint32_t offer_empty(uint64_t key, const struct rx *rx);
uint32_t offer_count(uint64_t key);
/* It showed credentials that were right, by this algorithm. */
void offer_worked(uint64_t key, enum digest_algorithm a);
/* By MD5: this source knows that there is such a user. */
bool offer_has_worked(uint64_t key);
/* The third empty one is the second retry. */
#define OFFER_MD5_AFTER 3

#endif
