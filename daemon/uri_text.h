/* SPDX-License-Identifier: BSD-2-Clause */
/* uri_text: URIs that are kept as texts: of contacts, and of the configuration. */
#ifndef URI_TEXT_H
#define URI_TEXT_H

#include <string.h>

#include "sip/uri.h"

/* The parts are places in @text. False: it is none. */
static inline bool uri_of_text(const char *text, struct sip_uri *out)
{
	return !sip_uri_parse((const u8 *)text, sip_slice(0, (u32)strlen(text)), out);
}

/* Does it name no other transport? */
static inline bool uri_by_udp(const u8 *buf, const struct sip_uri *u)
{
	struct sip_param p;

	return !sip_uri_param(buf, u, "transport", &p) || SIP_IS(buf, p.value, "udp");
}

/* Is it for all numbers of a PBX (RFC 6140 7.1)? @mark: the parameter that says so. */
static inline bool uri_is_bulk(const char *text, const struct sip_uri *u, struct sip_param *mark)
{
	return sip_uri_param((const u8 *)text, u, "bnc", mark);
}

#endif
