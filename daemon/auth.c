/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "auth.h"
#include "auth_offer.h"
#include "bans.h"
#include "config.h"
#include "log.h"
#include "loop.h"
#include "reply.h"
#include "text.h"

#define BIT(a) (1u << (a))

static struct store *users;
/* compared where there is no hash, so that the work is the same */
static uint8_t nobody[DIGEST_MAX];

int auth_open(struct store *s, const struct config *c)
{
	static const char *const try[3] = { "a", "b", "c" };
	uint8_t out[DIGEST_MAX];
	unsigned int wanted = c->algorithms_inside | c->algorithms_outside | BIT(DIGEST_SHA256);
	int err;

	users = s;
	offer_reset();
	for (unsigned int a = 0; a < DIGEST_COUNT; a++) {
		err = wanted & BIT(a) ? digest_ha1(a, try, out) : 0;
		if (err)
			return err;
	}
	if (RAND_bytes(nobody, sizeof(nobody)) != 1)
		return -EIO;
	return nonce_open();
}

void auth_close(void)
{
	nonce_close();
	digest_close();
	users = NULL;
}

int auth_user(const char *name, const char *domain, struct user *out)
{
	return store_user(users, name, domain, out);
}

int auth_user_by_id(uint64_t id, struct user *out)
{
	return store_user_by_id(users, id, out);
}

/* ---- the challenge ---- */

/* The user part of To or From, or "". */
static void named_user(const struct rx *rx, char out[USER_NAME + 1])
{
	bool to = rx->msg.method == SIP_M_REGISTER;
	struct sip_nameaddr n;
	u32 len = 0;

	if (sip_msg_nameaddr(&rx->msg, to ? SIP_H_TO : SIP_H_FROM, &n))
		len = sip_unescape(rx->buf, n.uri.user, (uint8_t *)out, USER_NAME);
	out[len <= USER_NAME ? len : 0] = 0;
}

/* @known: the source has had the right password before, so there is nothing to hide from it. */
static bool may_md5_alone(const char *name, const char *domain, bool known)
{
	struct user u;
	int err = store_user(users, name, domain, &u);

	if (!known)
		store_user_even(users, name, domain);
	return !err && !(u.flags & USER_DISABLED) && (u.flags & USER_MD5) &&
	       (u.has_ha1 & BIT(DIGEST_MD5));
}

/*
 * @empty: it came without credentials, or with such as were not asked for. @md5: with an answer by
 * MD5 to a challenge that is no longer good: it knows MD5, and perhaps nothing else. Where MD5 is
 * offered anyway, to be offered that alone says nothing about the user.
 */
static enum auth_verdict challenge(const struct rx *rx, struct auth *a, bool empty, bool md5)
{
	char name[USER_NAME + 1];
	uint64_t key;

	named_user(rx, name);
	key = offer_key(&rx->flow.remote, name, a->domain);
	if (empty)
		offer_empty(key, rx);
	a->offer = offer_zone(&rx->flow);
	if ((md5 || offer_md5_alone(key)) &&
	    ((a->offer & BIT(DIGEST_MD5)) || may_md5_alone(name, a->domain, offer_has_worked(key))))
		a->offer = BIT(DIGEST_MD5);
	return AUTH_CHALLENGE;
}

#define LITERAL(r, s) reply_raw(r, s, sizeof(s) - 1)

/* Every registration begins with it: no printf. */
static void challenge_line(struct reply *r, const struct auth *a, const char nonce[NONCE_TEXT],
			   enum digest_algorithm algorithm)
{
	if (a->proxy)
		LITERAL(r, "Proxy-Authenticate: Digest realm=\"");
	else
		LITERAL(r, "WWW-Authenticate: Digest realm=\"");
	reply_text(r, a->realm);
	LITERAL(r, "\", nonce=\"");
	reply_raw(r, nonce, NONCE_TEXT);
	LITERAL(r, "\", algorithm=");
	reply_text(r, digest_name(algorithm));
	LITERAL(r, ", qop=\"auth\"");
	if (a->stale)
		LITERAL(r, ", stale=true");
	LITERAL(r, "\r\n");
}

void auth_challenge(struct reply *r, const struct auth *a)
{
	struct nonce_owner o = { &r->rx->flow.remote, a->realm };
	char nonce[NONCE_TEXT + 1];

	nonce_make(&o, a->offer, nonce);
	for (int i = DIGEST_COUNT - 1; i >= 0; i--)
		if (a->offer & BIT(i))
			challenge_line(r, a, nonce, i);
}

/* ---- the check ---- */

/*
 * May @u use @algorithm from this zone? What was offered with the nonce is not enough: MD5 may have
 * been meant for another user of the same source.
 */
static bool may_use(const struct rx *rx, const struct auth *a, enum digest_algorithm algorithm)
{
	const struct user *u = &a->user;
	bool zone = offer_zone(&rx->flow) & BIT(algorithm);

	return !(u->flags & USER_DISABLED) && (u->has_ha1 & BIT(algorithm)) &&
	       !strcmp(u->realm, a->realm) &&
	       (zone || (algorithm == DIGEST_MD5 && (u->flags & USER_MD5)));
}

/* 1: the response is right; 0: it is not; or -errno. One path for all users. */
static int is_right(const struct rx *rx, struct auth *a, const struct credentials *c)
{
	struct digest_input in = {
		.algorithm = c->algorithm, .qop = c->qop, .nonce = c->nonce, .nc = c->nc_text,
		.cnonce = c->cnonce, .uri = c->uri,
		.method = { rx->buf + rx->msg.method_name.off, rx->msg.method_name.len },
	};
	uint8_t got[DIGEST_MAX];
	int err = store_user(users, c->user, a->domain, &a->user);
	bool known = !err;
	int differs;

	if (err && err != -ENOENT)
		return err;
	if (!known)
		memset(&a->user, 0, sizeof(a->user));
	known = may_use(rx, a, c->algorithm) && known;
	in.ha1 = known ? a->user.ha1[c->algorithm] : nobody;
	err = digest_response(&in, got);
	if (err)
		return err;
	differs = CRYPTO_memcmp(got, c->response, digest_size(c->algorithm));
	return !differs && known;
}

static enum auth_verdict wrong(const struct rx *rx, struct auth *a, const struct credentials *c)
{
	char at[TEXT_ENDPOINT];
	bool banned = rx->flow.zone != ZONE_INSIDE && bans_failed(&rx->flow.remote, c->user);

	store_user_even(users, c->user, a->domain);
	log_info("%s: wrong credentials for %s in realm %s%s",
		 text_endpoint(&rx->flow.remote, at), c->user, a->realm, banned ? ": banned" : "");
	memset(&a->user, 0, sizeof(a->user));
	challenge(rx, a, false, false);
	return banned ? AUTH_REFUSED : AUTH_WRONG;
}

/* For Authentication-Info: a response to the phone, made with what only who knows the user has. */
static int prove(struct auth *a, const struct credentials *c)
{
	struct digest_input in = {
		.algorithm = c->algorithm, .qop = true, .ha1 = a->user.ha1[c->algorithm],
		.nonce = c->nonce, .nc = c->nc_text, .cnonce = c->cnonce, .uri = c->uri,
	};
	unsigned int size = digest_size(c->algorithm);
	uint8_t got[DIGEST_MAX];
	int err = digest_response(&in, got);

	digest_hex(got, size, a->done.rspauth);
	a->done.rspauth[2 * size] = 0;
	memcpy(a->done.cnonce, c->cnonce.at, c->cnonce.len);
	a->done.cnonce[c->cnonce.len] = 0;
	a->done.nc = c->nc;
	a->done.qop = !err;
	return err;
}

static enum auth_verdict accept(const struct rx *rx, struct auth *a, const struct credentials *c,
				const struct nonce *n)
{
	char name[USER_NAME + 1];
	uint64_t age = loop_now() - n->time;

	a->done.offered = n->offered;
	a->done.old = age > config_now()->nonce_life * UINT64_C(500);
	if (c->qop && !a->proxy && prove(a, c))
		return AUTH_BUSY;
	named_user(rx, name);
	offer_worked(offer_key(&rx->flow.remote, name, a->domain), c->algorithm,
		     n->offered == BIT(DIGEST_MD5));
	bans_succeeded(&rx->flow.remote, c->user);
	return AUTH_OK;
}

static enum auth_verdict check(const struct rx *rx, struct auth *a, const struct credentials *c)
{
	struct nonce_owner o = { &rx->flow.remote, a->realm };
	uint64_t life = config_now()->nonce_life * UINT64_C(1000), now = loop_now();
	bool md5 = c->algorithm == DIGEST_MD5;
	struct nonce n;
	int right;

	if (!c->known || !c->fits)
		return challenge(rx, a, true, false);
	if (!nonce_read(&o, c->nonce.at, c->nonce.len, &n)) {
		a->stale = true;
		return challenge(rx, a, !(offer_zone(&rx->flow) & BIT(c->algorithm)), md5);
	}
	if (!(n.offered & BIT(c->algorithm)))
		return challenge(rx, a, true, false);
	if (bans_refuses(&rx->flow.remote, c->user))
		return AUTH_REFUSED;
	right = is_right(rx, a, c);
	if (right < 0)
		return AUTH_BUSY;
	if (!right)
		return wrong(rx, a, c);
	if (now > life)
		nonce_forget_before(now - life);
	if (now - n.time > life || !nonce_use(&n, c->nc)) {
		a->stale = true;
		return challenge(rx, a, false, md5);
	}
	return accept(rx, a, c, &n);
}

enum auth_verdict auth_check(const struct rx *rx, struct auth *a)
{
	uint32_t id = a->proxy ? SIP_H_PROXY_AUTHORIZATION : SIP_H_AUTHORIZATION;
	struct credentials c;

	a->stale = false;
	a->why = NULL;
	memset(&a->user, 0, sizeof(a->user));
	memset(&a->done, 0, sizeof(a->done));
	if (bans_has(&rx->flow.remote))
		return AUTH_REFUSED;
	switch (credentials_read(rx, id, a->realm, &c, &a->why)) {
	case CREDENTIALS_NONE:
		return challenge(rx, a, true, false);
	case CREDENTIALS_BAD:
		return AUTH_MALFORMED;
	case CREDENTIALS_THERE:
		break;
	}
	return check(rx, a, &c);
}

static void proof(struct reply *r, const struct auth_done *d)
{
	const uint8_t nc[4] = { (uint8_t)(d->nc >> 24), (uint8_t)(d->nc >> 16),
				(uint8_t)(d->nc >> 8), (uint8_t)d->nc };
	char hex[8];

	LITERAL(r, "qop=auth, rspauth=\"");
	reply_text(r, d->rspauth);
	LITERAL(r, "\", cnonce=\"");
	reply_text(r, d->cnonce);
	LITERAL(r, "\", nc=");
	digest_hex(nc, sizeof(nc), hex);
	reply_raw(r, hex, sizeof(hex));
}

/* RFC 7616 3.5. A proxy's has another name and is of no use to a phone whose call was relayed. */
void auth_info(struct reply *r, const struct auth *a)
{
	struct nonce_owner o = { &r->rx->flow.remote, a->realm };
	const struct auth_done *d = &a->done;
	char nonce[NONCE_TEXT + 1];

	if (a->proxy || (!d->old && !d->qop))
		return;
	LITERAL(r, "Authentication-Info: ");
	if (d->old) {
		nonce_make(&o, d->offered, nonce);
		LITERAL(r, "nextnonce=\"");
		reply_raw(r, nonce, NONCE_TEXT);
		LITERAL(r, "\"");
	}
	if (d->old && d->qop)
		LITERAL(r, ", ");
	if (d->qop)
		proof(r, d);
	LITERAL(r, "\r\n");
}
