/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stun: answers to Binding requests at the SIP port, by which a phone with outbound keeps its flow
 * over UDP and learns that it still is the same one (RFC 5626 4.4.2 and 8, RFC 8489). Nothing else
 * of STUN: no credentials, no changes of address.
 */
#ifndef STUN_H
#define STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;

#define STUN_ANSWER 44

/*
 * The length of the answer, or 0: no Binding request, or one that wants what is not offered: nobody
 * is answered then. @from: where it came from.
 */
size_t stun_answer(const uint8_t *buf, size_t len, const struct endpoint *from,
		   uint8_t out[STUN_ANSWER]);

#endif
