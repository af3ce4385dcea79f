/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What relaying may change, by reading both messages: written without a look at how relay.c does
 * it. For the property test and for fuzzing.
 */
#ifndef TESTS_UNIT_RELAYED_H
#define TESTS_UNIT_RELAYED_H

#include "relay.h"

#define RELAYED_MAX (65536 + SIP_EDIT_TEXT)

/* NULL, or what is wrong with @out, which sip_relay_request() made of @in. */
const char *relayed_request(const struct sip_relay *r, const struct sip_msg *in,
			    const struct sip_msg *out);

/* The same for a response. @sent: the request as it was relayed; its second Via comes back. */
const char *relayed_response(const struct sip_relay *r, const struct sip_msg *in,
			     const struct sip_msg *out);

/* A response to a request as the next hop would write it. Returns its length, or 0: too long. */
u32 relayed_answer(const struct sip_msg *request, u32 code, u8 *out, u32 cap);

#endif /* TESTS_UNIT_RELAYED_H */
