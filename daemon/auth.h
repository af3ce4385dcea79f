/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auth: digest authentication. RFC 3261 22, RFC 7616, RFC 8760; C28, C29.
 *
 * A nonce is stateless: time, a random part, and a MAC over them, the realm and the source address.
 * What is kept is a count window of 64 per nonce that was used, bounded. No challenge to ACK or
 * CANCEL. Answers and time of an unknown user and of a wrong password are the same.
 */
#ifndef AUTH_H
#define AUTH_H

#include "digest.h"
#include "store.h"
#include "transport.h"

enum auth_verdict {
	AUTH_OK,	/* .user is who */
	AUTH_CHALLENGE,	/* no credentials for the realm, or stale: challenge; nobody's fault */
	/* bad credentials against a valid nonce: challenge again, counts to a ban */
	AUTH_WRONG,
	AUTH_REFUSED,	/* too many: 403 */
	AUTH_MALFORMED,	/* 400; .why says what */
	AUTH_BUSY,	/* the store cannot be read: 503 */
};

struct auth {
	const char *realm;
	const char *domain;	/* of the users asked for */
	bool proxy;		/* 407 and Proxy-Authorization instead of 401 */
	bool stale;
	const char *why;
	struct user user;
};

struct store;
struct config;
int auth_open(struct store *s, const struct config *c);
void auth_close(void);

enum auth_verdict auth_check(const struct rx *rx, struct auth *a);
struct reply;
/* Adds the challenges, strongest first, for the zone of the source and the user that it names. */
void auth_challenge(struct reply *r, const struct auth *a);
/* Adds Authentication-Info (rspauth, nextnonce when the nonce is old) to a 2xx after AUTH_OK. */
void auth_info(struct reply *r, const struct auth *a);

#endif
