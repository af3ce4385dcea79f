/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of auth have in common: bans that are counted, and a phone that asks. */
#ifndef TESTS_DAEMON_AUTH_ASK_H
#define TESTS_DAEMON_AUTH_ASK_H

#include "auth_world.h"

#include "auth_offer.h"
#include "bans.h"

static unsigned int failures, successes;
static bool banned, refused;

bool bans_failed(const struct endpoint *source, const char *user)
{
	(void)source;
	(void)user;
	failures++;
	return banned;
}

void bans_succeeded(const struct endpoint *source, const char *user)
{
	(void)source;
	(void)user;
	successes++;
}

bool bans_has(const struct endpoint *source)
{
	(void)source;
	return banned;
}

bool bans_refuses(const struct endpoint *source, const char *user)
{
	(void)source;
	return refused && !strcmp(user, "alice");
}

static struct auth auth;

static enum auth_verdict check(struct request_text t)
{
	receive(t);
	auth.realm = "office.example";
	auth.domain = "office.example";
	return auth_check(&rx, &auth);
}

/* A nonce for this source, by the first empty request that was ever seen. */
static const char *nonce_for(const char *source, uint8_t zone)
{
	static char nonces[16][128];
	static unsigned int n;
	struct request_text t = { .source = source, .zone = zone };

	offer_reset();
	check(t);
	read_challenges(&auth);
	return parameter(challenges[0], "nonce=\"", nonces[n++ % 16]);
}

static enum auth_verdict try_at(struct phone p, const char *source, uint8_t zone)
{
	struct request_text t = { .source = source, .zone = zone, .more = answer(&p) };

	return check(t);
}

static enum auth_verdict try(struct phone p)
{
	return try_at(p, NULL, ZONE_INSIDE);
}

static void expect(const char *what, enum auth_verdict got, enum auth_verdict want)
{
	T_OK(got == want, "%s: %d, not %d%s%s", what, got, want, auth.why ? ": " : "",
	     auth.why ? auth.why : "");
}

static void stale(const char *what, struct phone p, const char *source)
{
	expect(what, try_at(p, source, ZONE_INSIDE), AUTH_CHALLENGE);
	T_OK(auth.stale, "%s: not stale", what);
	read_challenges(&auth);
	T_OK(strstr(challenges[0], ", stale=true"), "%s: %s", what, challenges[0]);
}

#endif
