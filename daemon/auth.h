/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auth: digest authentication. RFC 3261 22, RFC 7616, RFC 8760; C28, C29.
 *
 * A nonce is stateless (auth_nonce.h): time, algorithms offered, a random part, and a MAC over
 * them, the realm and the source address. What is kept is a count window of 64 per nonce that was
 * used, bounded. The caller asks for no credentials in an ACK or CANCEL.
 *
 * An unknown user, a disabled one, one without a hash for the algorithm or the realm, and a wrong
 * password are one path: a hash of nobody is compared, and the answer is the same. What can be told
 * apart is a user with USER_MD5 where MD5 is not offered to all: after two empty retries the
 * challenge is MD5 alone.
 *
 * stale=true: the nonce is ours and the credentials are right, but it has expired, or the count
 * was used. Credentials for a nonce that is not ours (callgated was restarted, the address of the
 * phone has changed) get it too, without a look at them: whether they are right would be a way to
 * try passwords that is never counted. With a nonce of ours each wrong response counts, expired or
 * not.
 */
#ifndef AUTH_H
#define AUTH_H

#include <errno.h>
#include <string.h>

#include "auth_nonce.h"
#include "auth_parse.h"
#include "digest.h"
#include "store.h"
#include "transport.h"

enum auth_verdict {
	AUTH_OK,	/* .user is who */
	AUTH_CHALLENGE,	/* no credentials for the realm, or stale: challenge; nobody's fault */
	/* bad credentials against a nonce of ours: challenge again, counted to a ban */
	AUTH_WRONG,
	AUTH_REFUSED,	/* too many of them: 403 */
	AUTH_MALFORMED,	/* 400; .why says what */
	AUTH_BUSY,	/* the store cannot be read: 503 */
};

/* What Authentication-Info needs, kept so that it can be written when the request is gone. */
struct auth_done {
	bool qop, old;			/* the nonce is past half of its life */
	uint8_t offered;
	uint32_t nc;
	char cnonce[CNONCE_MAX + 1];
	char rspauth[DIGEST_HEX + 1];
};

struct auth {
	/* by the caller; valid as long as the configuration */
	const char *realm;
	const char *domain;	/* of the users asked for */
	bool proxy;		/* 407 and Proxy-Authorization instead of 401 */
	/* by auth_check() */
	bool stale;
	const char *why;
	uint8_t offer;		/* bits of enum digest_algorithm, for the challenge */
	struct user user;
	struct auth_done done;
};

struct store;
struct config;
/* 0, or -errno: no memory, no random numbers, or no SHA-256 in this OpenSSL. */
int auth_open(struct store *s, const struct config *c);
void auth_close(void);

/* A user of the store that was opened; as store_user(). */
int auth_user(const char *name, const char *domain, struct user *out);
int auth_user_by_id(uint64_t id, struct user *out);

/* By an address of record. */
static inline int auth_user_of(const char *aor, struct user *out)
{
	const char *at = strrchr(aor, '@');
	char name[USER_NAME + 1];
	size_t len = at ? (size_t)(at - aor) : 0;

	if (!len || len > USER_NAME)
		return -ENOENT;
	memcpy(name, aor, len);
	name[len] = '\0';
	return auth_user(name, at + 1, out);
}

enum auth_verdict auth_check(const struct rx *rx, struct auth *a);
struct reply;
/* After CHALLENGE or WRONG: adds the challenges, strongest first. */
void auth_challenge(struct reply *r, const struct auth *a);
/* After OK: adds Authentication-Info (rspauth, nextnonce when the nonce is old) to a 2xx. */
void auth_info(struct reply *r, const struct auth *a);

#endif
