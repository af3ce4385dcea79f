/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auth_parse: the credentials of a request. RFC 7616 3.4, RFC 3261 22.4, RFC 8760 2.4.
 *
 * Read with tolerance: an unquoted value where the RFC quotes and the reverse; hexadecimal digits
 * in upper case; fewer than 8 digits of nc; algorithm absent (MD5); no qop (RFC 2069). An empty
 * response or nonce is no credentials (3GPP TS 24.229 5.1.1.2.2 sends such). Not read: userhash,
 * opaque, auth-param; we do not send what they answer.
 *
 * The digest's uri must be the Request-URI: same scheme, same user (escapes resolved), and the same
 * host or another name of the same domain of ours (a phone that is configured with an outbound
 * proxy writes the address in one and the domain in the other). Passwords, parameters and headers
 * of the URIs are not compared, and a port is only when both have one: phones add ;transport= and
 * ":5060" to one of the two. For tel and other schemes RFC 3261 19.1.4 and RFC 3966 5 hold.
 */
#ifndef AUTH_PARSE_H
#define AUTH_PARSE_H

#include "digest.h"
#include "store.h"
#include "transport.h"

#define CNONCE_MAX 128

struct credentials {
	/* empty when nobody can have such a name */
	char user[USER_NAME + 1];
	bool known;			/* .algorithm is one of ours */
	bool fits;			/* .response has the length of the algorithm */
	bool qop;
	enum digest_algorithm algorithm;
	uint32_t nc;			/* 0: none, as there is no qop */
	struct digest_text nonce, nc_text, cnonce, uri;
	struct sip_str uri_at;		/* .uri in the message */
	uint8_t response[DIGEST_MAX];
};

enum credentials_found { CREDENTIALS_NONE, CREDENTIALS_THERE, CREDENTIALS_BAD };

/* Of @realm, in header @id. *@why is set when they are bad. */
enum credentials_found credentials_read(const struct rx *rx, uint32_t id, const char *realm,
					struct credentials *c, const char **why);

#endif
