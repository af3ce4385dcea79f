// SPDX-License-Identifier: BSD-2-Clause
/* Which algorithms whom is offered: no downgrade, and phones that know MD5 alone (RFC 8760). */
#include "auth_ask.h"

#include "log.h"

static void check_downgrade(void)
{
	struct phone p = { .md5 = true };
	static const char out[] = "198.51.100.9";

	p.nonce = nonce_for(out, ZONE_OUTSIDE);
	expect("MD5 where SHA-256 alone was offered", try_at(p, out, ZONE_OUTSIDE),
	       AUTH_CHALLENGE);
	p.user = "bob";
	expect("the same, of a user with MD5", try_at(p, out, ZONE_OUTSIDE), AUTH_CHALLENGE);
	/* a nonce that was for MD5 is for who may use it */
	struct nonce_owner o = { &rx.flow.remote, "office.example" };
	char text[NONCE_TEXT + 1];

	nonce_make(&o, MD5, text);
	p.nonce = text;
	expect("who may", try_at(p, out, ZONE_OUTSIDE), AUTH_OK);
	p.nc = "00000002";
	p.user = "alice";
	expect("who may not", try_at(p, out, ZONE_OUTSIDE), AUTH_WRONG);
	p.user = "bob";
	p.md5 = false;
	expect("the stronger, not offered with it", try_at(p, out, ZONE_OUTSIDE), AUTH_CHALLENGE);
}

/* The @n-th request without credentials of @user gives one challenge, by this algorithm. */
static void empty(const char *user, const char *source, const char *algorithm)
{
	char to[128];
	struct request_text t = { .source = source, .zone = ZONE_OUTSIDE, .to = to };

	snprintf(to, sizeof(to), "<sip:%s@office.example>", user);
	expect("empty", check(t), AUTH_CHALLENGE);
	read_challenges(&auth);
	T_OK(n_challenges == 1 && strstr(challenges[0], algorithm), "%s: %u, %s", user,
	     n_challenges, challenges[0]);
}

static void check_md5_users(void)
{
	static const char out[] = "198.51.100.20";
	struct request_text t = { .source = out, .zone = ZONE_OUTSIDE,
				  .to = "<sip:bob@office.example>" };
	struct phone p = { .user = "bob", .md5 = true };
	char nonce[128];

	offer_reset();
	empty("bob", out, "SHA-256");
	/* repetitions are one request */
	for (int i = 0; i < 5; i++)
		auth_check(&rx, &auth);
	empty("bob", out, "SHA-256");
	empty("bob", out, "=MD5");
	empty("bob", "198.51.100.21", "SHA-256");
	for (int i = 0; i < 5; i++) {
		empty("alice", out, "SHA-256");
		empty("nobody", out, "SHA-256");
		empty("carol", out, "SHA-256");
	}
	empty("bob", out, "SHA-256");
	empty("bob", out, "SHA-256");
	check(t);
	read_challenges(&auth);
	p.nonce = parameter(challenges[0], "nonce=\"", nonce);
	t.more = answer(&p);
	expect("MD5", check(t), AUTH_OK);
	empty("bob", out, "=MD5");
	/* it learned better */
	struct nonce_owner o = { &rx.flow.remote, "office.example" };

	nonce_make(&o, SHA, nonce);
	p.md5 = false;
	t.more = answer(&p);
	expect("SHA-256", check(t), AUTH_OK);
	empty("bob", out, "SHA-256");
	/* a wrong name of an algorithm is as empty */
	p = (struct phone){ .user = "bob", .nonce = "x", .md5 = true,
			    .says = "SHA-256" };
	t.more = answer(&p);
	check(t);
	empty("bob", out, "=MD5");
	/* silent again: it may know anything */
	empty("bob", out, "SHA-256");
	empty("bob", out, "SHA-256");
	empty("bob", out, "=MD5");
}

/* A request without credentials, from inside: so many challenges, the last by MD5. */
static void empty_inside(const char *user, unsigned int count)
{
	char to[128];

	snprintf(to, sizeof(to), "<sip:%s@office.example>", user);
	expect(user, check((struct request_text){ .zone = ZONE_INSIDE, .to = to }), AUTH_CHALLENGE);
	read_challenges(&auth);
	T_OK(n_challenges == count && strstr(challenges[count - 1], "=MD5"), "%s: %u, not %u: %s",
	     user, n_challenges, count, challenges[n_challenges - 1]);
}

/* Where MD5 is offered, whoever does not answer is offered that alone, user or not. */
static void check_md5_inside(void)
{
	static const char *const users[] = { "alice", "bob", "carol", "nobody" };
	struct phone p = { .md5 = true };
	char nonce[128];

	offer_reset();
	for (size_t i = 0; i < 4; i++) {
		empty_inside(users[i], 2);
		empty_inside(users[i], 2);
		empty_inside(users[i], 1);
		empty_inside(users[i], 2);
		empty_inside(users[i], 2);
	}
	empty_inside("alice", 1);
	p.nonce = parameter(challenges[0], "nonce=\"", nonce);
	expect("MD5 alone", try(p), AUTH_OK);
	/* as long as that works; then everything is tried again */
	empty_inside("alice", 1);
	empty_inside("alice", 1);
	empty_inside("alice", 2);
	/* who takes it when there are two is offered two */
	offer_reset();
	for (int i = 0; i < 4; i++) {
		empty_inside("alice", 2);
		p.nonce = parameter(challenges[1], "nonce=\"", nonce);
		expect("MD5 of two", try(p), AUTH_OK);
	}
}

/* An answer that comes too late says what the phone knows. */
static void check_stale_md5(void)
{
	static const char out[] = "198.51.100.22";
	struct phone p = { .md5 = true, .nonce = "none of ours" };

	offer_reset();
	stale("MD5", p, NULL);
	T_OK(n_challenges == 1 && strstr(challenges[0], "=MD5"), "MD5: %u", n_challenges);
	p.md5 = false;
	stale("SHA-256", p, NULL);
	T_OK(n_challenges == 2, "SHA-256: %u", n_challenges);
	p.md5 = true;
	expect("outside", try_at(p, out, ZONE_OUTSIDE), AUTH_CHALLENGE);
	read_challenges(&auth);
	T_OK(n_challenges == 1 && strstr(challenges[0], "=SHA-256"), "outside: %s", challenges[0]);
}


int main(void)
{
	log_setup(LOG_LEVEL_WARN);
	loop_set_now(1000000);
	make_people();
	T_OK(!auth_open(NULL, &config), "auth_open");
	check_downgrade();
	check_md5_users();
	check_md5_inside();
	check_stale_md5();
	auth_close();
	return t_end("auth_offer");
}
