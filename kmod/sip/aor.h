/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The name of a user: "user@domain", the key of every table of locations. RFC 3261 10.3, step 5.
 *
 * Escapes that need not be are resolved, the others have capitals; the domain is in lower case and
 * without a dot at its end. Scheme, password, port and parameters are no part of it.
 */
#ifndef SIP_AOR_H
#define SIP_AOR_H

#include "uri.h"

#define SIP_AOR_MAX 255

/* Returns the length, no NUL; 0: no user, neither sip nor sips, or longer than SIP_AOR_MAX. */
u32 sip_aor_print(const u8 *buf, const struct sip_uri *uri, u8 out[SIP_AOR_MAX]);

/* The same user at another domain, which is copied as it is. */
u32 sip_aor_print_at(const u8 *buf, const struct sip_uri *uri, const char *domain, u32 len,
		     u8 out[SIP_AOR_MAX]);

#endif /* SIP_AOR_H */
