/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages made from the grammar, and ways to spoil them. */
#ifndef TESTS_UNIT_GEN_H
#define TESTS_UNIT_GEN_H

#include "port.h"

#define GEN_MAX 65536

/* A message of at most a few kilobytes; most are valid. Returns its length. */
u32 gen_message(u8 *out);

/* Changes @times places; the result is at most GEN_MAX long. Returns the new length. */
u32 gen_mutate(u8 *text, u32 len, u32 times);

/* An SDP body. */
u32 gen_sdp(u8 *out);

void gen_seed(unsigned long long seed);
unsigned int gen_rand(unsigned int n);

#endif /* TESTS_UNIT_GEN_H */
