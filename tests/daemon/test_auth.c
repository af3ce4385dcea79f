// SPDX-License-Identifier: BSD-2-Clause
/* Who is let in, and what is said to the others: RFC 3261 22, RFC 7616, RFC 8760. */
#include "auth_ask.h"

#include "said.h"

/* ---- challenges ---- */

static void check_challenges(void)
{
	char buf[128];

	expect("no credentials", check((struct request_text){ .zone = ZONE_INSIDE }),
	       AUTH_CHALLENGE);
	read_challenges(&auth);
	T_OK(n_challenges == 2, "inside: %u challenges", n_challenges);
	T_OK(strstr(challenges[0], "algorithm=SHA-256, qop=\"auth\"") &&
	     strstr(challenges[1], "algorithm=MD5, qop=\"auth\""), "inside: %s", challenges[0]);
	T_OK(!strstr(challenges[0], "stale"), "stale: %s", challenges[0]);
	T_OK(!strcmp(parameter(challenges[0], "realm=\"", buf), "office.example"), "%s", buf);
	T_OK(strlen(parameter(challenges[0], "nonce=\"", buf)) == NONCE_TEXT, "nonce %s", buf);
	check((struct request_text){ .zone = ZONE_OUTSIDE });
	read_challenges(&auth);
	T_OK(n_challenges == 1 && strstr(challenges[0], "SHA-256"), "outside: %u", n_challenges);
	config.algorithms_outside |= SHA512;
	check((struct request_text){ .zone = ZONE_OUTSIDE });
	read_challenges(&auth);
	T_OK(n_challenges == 2 && strstr(challenges[0], "SHA-512-256"), "%s", challenges[0]);
	config.algorithms_outside = SHA;
	auth.proxy = true;
	check((struct request_text){ .zone = ZONE_OUTSIDE });
	read_challenges(&auth);
	T_OK(n_challenges == 1, "407");
	auth.proxy = false;
}

/* ---- right and wrong ---- */

struct trial {
	const char *what;
	struct phone phone;
	enum auth_verdict verdict;
	const char *why;	/* part of it */
};

static const struct trial trials[] = {
	{ "right", { 0 }, AUTH_OK, NULL },
	{ "right, MD5", { .md5 = true }, AUTH_OK, NULL },
	{ "MD5 by default", { .md5 = true, .says = "" }, AUTH_OK, NULL },
	{ "name of the algorithm in small letters", { .says = "sha-256" }, AUTH_OK, NULL },
	{ "without qop", { .md5 = true, .qop = "" }, AUTH_OK, NULL },
	{ "nc of one digit", { .nc = "1" }, AUTH_OK, NULL },
	{ "nc with capitals", { .nc = "0000000A" }, AUTH_OK, NULL },
	{ "cnonce with a quote", { .cnonce = "a\\\"b" }, AUTH_OK, NULL },
	{ "qop with quotes", { .qop = "\"auth\"" }, AUTH_OK, NULL },
	{ "uri with a port", { .uri = "sip:office.example:5060" }, AUTH_OK, NULL },
	{ "uri with a transport", { .uri = "sip:office.example;transport=udp" }, AUTH_OK, NULL },
	{ "uri in capitals", { .uri = "SIP:Office.Example" }, AUTH_OK, NULL },
	{ "uri with our address", { .uri = "sip:192.0.2.1" }, AUTH_OK, NULL },
	{ "something more", { .extra = ", opaque=\"\", auth-param=x" }, AUTH_OK, NULL },
	{ "another domain of ours", { .uri = "sip:lab.example" }, AUTH_MALFORMED, "uri" },
	{ "another host", { .uri = "sip:elsewhere.example" }, AUTH_MALFORMED, "uri" },
	{ "another user", { .uri = "sip:bob@office.example" }, AUTH_MALFORMED, "uri" },
	{ "another scheme", { .uri = "sips:office.example" }, AUTH_MALFORMED, "uri" },
	{ "a path", { .uri = "/" }, AUTH_MALFORMED, "uri" },
	{ "wrong password", { .password = "zanzibaR" }, AUTH_WRONG, NULL },
	{ "wrong password, MD5", { .md5 = true, .password = "" }, AUTH_WRONG, NULL },
	{ "nobody", { .user = "mallory" }, AUTH_WRONG, NULL },
	{ "disabled", { .user = "carol" }, AUTH_WRONG, NULL },
	{ "alias", { .user = "sales" }, AUTH_WRONG, NULL },
	{ "no hash for MD5", { .user = "dave", .md5 = true }, AUTH_WRONG, NULL },
	{ "another method", { .method = "INVITE" }, AUTH_WRONG, NULL },
	{ "SHA-512-256 is not offered", { .sha512 = true }, AUTH_CHALLENGE, NULL },
	{ "MD5 by the name of SHA-256", { .md5 = true, .says = "SHA-256" },
	  AUTH_CHALLENGE, NULL },
	{ "SHA-256 by the name of MD5", { .says = "MD5" }, AUTH_CHALLENGE, NULL },
	{ "unknown algorithm", { .says = "SHA-256-sess" }, AUTH_CHALLENGE, NULL },
	{ "empty response", { .response = "" }, AUTH_CHALLENGE, NULL },
	{ "short response", { .response = "12" }, AUTH_MALFORMED, "response" },
	{ "response is no number", { .md5 = true,
	  .response = "0123456789abcdef0123456789abcdeg" }, AUTH_MALFORMED, "hexadecimal" },
	{ "SHA-256 without qop", { .qop = "" }, AUTH_MALFORMED, "qop" },
	{ "auth-int", { .qop = "auth-int" }, AUTH_MALFORMED, "qop" },
	{ "nc 0", { .nc = "00000000" }, AUTH_MALFORMED, "nc" },
	{ "nc of 9 digits", { .nc = "000000001" }, AUTH_MALFORMED, "nc" },
	{ "nc with a letter", { .nc = "0000000g" }, AUTH_MALFORMED, "nc" },
	{ "no cnonce", { .cnonce = "" }, AUTH_MALFORMED, "cnonce" },
	{ "nonce twice", { .extra = ", nonce=\"x\"" }, AUTH_MALFORMED, "twice" },
	{ "two names", { .extra = ", username*=UTF-8''alice" }, AUTH_MALFORMED, "username" },
	{ "another realm", { .realm = "elsewhere.example" }, AUTH_CHALLENGE, NULL },
};

static void check_trials(void)
{
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		const struct trial *t = &trials[i];
		struct phone p = t->phone;
		unsigned int before = failures;

		p.nonce = nonce_for(NULL, ZONE_INSIDE);
		expect(t->what, try_at(p, NULL, ZONE_INSIDE), t->verdict);
		T_OK(!t->why == !auth.why && (!t->why || strstr(auth.why, t->why)), "%s: %s",
		     t->what, auth.why ? auth.why : "-");
		T_OK(!auth.stale, "%s: stale", t->what);
		T_OK(failures == before, "%s: failures inside are counted", t->what);
		T_OK(t->verdict != AUTH_OK || !strcmp(auth.user.name, "alice"), "%s: is %s",
		     t->what, auth.user.name);
		T_OK(t->verdict == AUTH_OK || !auth.user.id, "%s: a user is known", t->what);
	}
}

/* What is not written by answer(). */
static void check_lines(void)
{
	static const struct {
		const char *what, *line;
		enum auth_verdict verdict;
	} lines[] = {
		{ "Basic", "Authorization: Basic YWxpY2U6eA==\r\n", AUTH_CHALLENGE },
		{ "no blank", "Authorization: Digest\r\n", AUTH_CHALLENGE },
		{ "no end of a quote", "Authorization: Digest realm=\"office.example\r\n",
		  AUTH_MALFORMED },
		{ "IMS", "Authorization: Digest username=\"alice\", realm=\"office.example\", "
		  "nonce=\"\", uri=\"sip:office.example\", response=\"\"\r\n", AUTH_CHALLENGE },
		{ "nothing but a realm", "Authorization: Digest realm=\"office.example\"\r\n",
		  AUTH_MALFORMED },
	};
	struct request_text t = { .zone = ZONE_INSIDE };
	char both[4096];
	struct phone p = { 0 };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		t.more = lines[i].line;
		expect(lines[i].what, check(t), lines[i].verdict);
	}
	/* ours is behind others */
	for (size_t i = 0; i < 3; i++) {
		p.nonce = nonce_for(NULL, ZONE_INSIDE);
		snprintf(both, sizeof(both), "%sAuthorization: Digest realm=\"x\", nonce=\"y\"\r\n"
			 "%s", lines[i].line, answer(&p));
		t.more = both;
		expect("one of several lines", check(t), AUTH_OK);
	}
	p.nonce = nonce_for(NULL, ZONE_INSIDE);
	p.says = "SHA-3";
	snprintf(both, sizeof(both), "%s", answer(&p));
	p.says = NULL;
	strncat(both, answer(&p), sizeof(both) - strlen(both) - 1);
	t.more = both;
	expect("two of one realm, the first of an unknown algorithm", check(t), AUTH_OK);
}

/* RFC 7616 3.4, RFC 8187. */
static void check_extended_names(void)
{
	static const struct {
		const char *text;
		enum auth_verdict verdict;
	} names[] = {
		{ "UTF-8''alice", AUTH_OK },
		{ "UTF-8''%61lice", AUTH_OK },
		{ "utf-8'en'alice", AUTH_OK },
		{ "UTF-8''%00", AUTH_WRONG },
		{ "UTF-8''alice%00", AUTH_WRONG },
		{ "UTF-8'alice", AUTH_WRONG },
		{ "ISO-8859-1''alice", AUTH_WRONG },
		{ "alice", AUTH_WRONG },
	};
	char line[2200], *name;
	struct request_text t = { .zone = ZONE_INSIDE, .more = line };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct phone p = { .nonce = nonce_for(NULL, ZONE_INSIDE) };

		name = strstr(answer(&p), "username=\"alice\"");
		snprintf(line, sizeof(line), "%.*susername*=%s%s", (int)(name - credentials),
			 credentials, names[i].text, name + strlen("username=\"alice\""));
		expect(names[i].text, check(t), names[i].verdict);
	}
}

/* ---- nonces ---- */

static void check_nonces(void)
{
	struct phone p = { .nonce = nonce_for("192.0.2.77", ZONE_INSIDE) };
	uint64_t now = loop_now();
	char text[64];

	stale("other source", p, "192.0.2.78");
	expect("the same", try_at(p, "192.0.2.77", ZONE_INSIDE), AUTH_OK);
	stale("again", p, "192.0.2.77");
	p.nonce = nonce_for("2001:db8::1", ZONE_INSIDE);
	stale("other network", p, "2001:db8:0:1::1");
	expect("the same network", try_at(p, "2001:db8::2", ZONE_INSIDE), AUTH_OK);
	for (size_t i = 0; i < NONCE_TEXT; i++) {
		p.nonce = text;
		snprintf(text, sizeof(text), "%s", nonce_for(NULL, ZONE_INSIDE));
		text[i] = text[i] == 'A' ? 'B' : 'A';
		stale("tampered", p, NULL);
	}
	p.nonce = "none of ours";
	stale("none of ours", p, NULL);
	p.password = "wrong";
	stale("none of ours, whatever the password", p, NULL);
	p.password = NULL;
	p.nonce = nonce_for(NULL, ZONE_INSIDE);
	loop_set_now(now + 300000);
	expect("at its end", try(p), AUTH_OK);
	p.nc = "00000002";
	loop_set_now(now + 300001);
	stale("expired", p, NULL);
	p.password = "wrong";
	expect("expired, and wrong", try(p), AUTH_WRONG);
	T_OK(!auth.stale, "expired, and wrong: stale");
	/* the time was set back: what is forgotten must not come to life again */
	config.nonce_life = 3000;
	p.password = NULL;
	p.nc = "00000001";
	stale("used, with a longer life", p, NULL);
	config.nonce_life = 300;
}

/* Of one realm: the other has the same key. */
static void check_realms(void)
{
	struct nonce_owner o = { &rx.flow.remote, "office.example" }, other = o;
	char text[NONCE_TEXT + 1];
	struct nonce n;

	nonce_make(&o, SHA, text);
	other.realm = "office.exampld";
	T_OK(nonce_read(&o, text, NONCE_TEXT, &n) && !nonce_read(&other, text, NONCE_TEXT, &n),
	     "a nonce is good for a realm of the same length");
	struct phone p = { .user = "zoe", .realm = "lab", .uri = "sip:lab.example" };
	struct request_text t = { .uri = "sip:lab.example", .zone = ZONE_INSIDE };

	p.nonce = nonce_for(NULL, ZONE_INSIDE);
	t.more = answer(&p);
	receive(t);
	auth.realm = "lab";
	auth.domain = "lab.example";
	expect("nonce of another realm", auth_check(&rx, &auth), AUTH_CHALLENGE);
	T_OK(auth.stale, "nonce of another realm: not stale");
	read_challenges(&auth);
	p.nonce = parameter(challenges[0], "nonce=\"", (char[128]){ 0 });
	t.more = answer(&p);
	receive(t);
	expect("its own", auth_check(&rx, &auth), AUTH_OK);
	/* the hashes are for a realm that it had before */
	snprintf(people[5].realm, sizeof(people[5].realm), "lab.example");
	p.nc = "00000002";
	t.more = answer(&p);
	receive(t);
	expect("hash of another realm", auth_check(&rx, &auth), AUTH_WRONG);
	snprintf(people[5].realm, sizeof(people[5].realm), "lab");
}

static void check_window(void)
{
	static const struct {
		uint32_t nc;
		bool good;
	} counts[] = {
		{ 1, true }, { 1, false }, { 3, true }, { 2, true }, { 2, false }, { 3, false },
		{ 64, true }, { 4, true }, { 65, true }, { 1, false }, { 66, true }, { 5, true },
		{ 6, true }, { 130, true }, { 67, true }, { 66, false }, { 67, false },
		{ 0x7fffffff, true }, { 131, false }, { 0x7fffffff, false },
		{ 0x7fffffc0, true }, { 0x7fffffbf, false }, { 0xffffffff, true },
		{ 0xffffffff, false }, { 0xffffffc0, true }, { 0xffffffbf, false },
	};
	struct phone p = { .nonce = nonce_for(NULL, ZONE_INSIDE) };
	char nc[16];

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		snprintf(nc, sizeof(nc), "%08x", counts[i].nc);
		p.nc = nc;
		expect(nc, try(p), counts[i].good ? AUTH_OK : AUTH_CHALLENGE);
		T_OK(auth.stale == !counts[i].good, "%s: stale %d", nc, auth.stale);
	}
	p = (struct phone){ .nonce = nonce_for(NULL, ZONE_INSIDE), .md5 = true,
			    .qop = "" };
	expect("no count", try(p), AUTH_OK);
	expect("no count, again", try(p), AUTH_CHALLENGE);
	p.qop = "auth";
	expect("a count after none", try(p), AUTH_CHALLENGE);
	p.nonce = nonce_for(NULL, ZONE_INSIDE);
	expect("a count", try(p), AUTH_OK);
	p.qop = "";
	expect("none after a count", try(p), AUTH_CHALLENGE);
}

/* 10,000 requests as they were captured, sent again: at once, in between, later. */
static void check_replay(void)
{
	static char captured[10000][512];
	struct phone p = { 0 };
	struct request_text t = { .zone = ZONE_INSIDE };
	unsigned int ok = 0, again = 0;
	uint64_t now = loop_now();
	char nc[16];

	for (size_t i = 0; i < 10000; i++) {
		if (i % 4 == 0)
			p.nonce = nonce_for(NULL, ZONE_INSIDE);
		snprintf(nc, sizeof(nc), "%08zx", i % 4 + 1);
		p.nc = nc;
		p.md5 = i & 1;
		snprintf(captured[i], sizeof(captured[i]), "%s", answer(&p));
		t.more = captured[i];
		ok += check(t) == AUTH_OK;
		t.more = captured[(i * 7919) % (i + 1)];
		again += check(t) == AUTH_OK;
		loop_set_now(now + i);
	}
	T_OK(ok == 10000, "%u of 10000 were accepted once", ok);
	for (size_t i = 0; i < 10000; i++) {
		t.more = captured[i];
		loop_set_now(now + 10000 + i * 60);
		again += check(t) == AUTH_OK;
	}
	T_OK(again == 0, "%u of 20000 replays were accepted", again);
}

/* ---- the rest ---- */

static void check_bans(void)
{
	static const char out[] = "198.51.100.30";
	struct phone p = { .password = "x" };
	unsigned int before = failures;

	said_begin(LOG_LEVEL_INFO);
	p.nonce = nonce_for(out, ZONE_OUTSIDE);
	T_OK(!*said(), "to be asked is worth a line: %s", said_text);
	expect("wrong", try_at(p, out, ZONE_OUTSIDE), AUTH_WRONG);
	T_OK(failures == before + 1, "not counted");
	T_OK(strstr(said(), ": wrong credentials for alice"), "wrong: %s", said_text);
	said_end(LOG_LEVEL_WARN);
	p.nonce = "none of ours";
	try_at(p, out, ZONE_OUTSIDE);
	p = (struct phone){ .nonce = nonce_for(out, ZONE_OUTSIDE) };
	T_OK(failures == before + 1, "credentials for another's nonce are counted");
	before = successes;
	expect("right", try_at(p, out, ZONE_OUTSIDE), AUTH_OK);
	T_OK(successes == before + 1, "success is not told");
	expect("a replay", try_at(p, out, ZONE_OUTSIDE), AUTH_CHALLENGE);
	T_OK(successes == before + 1, "a replay is a success");
	p.nc = "00000002";
	refused = true;
	expect("name is refused", try_at(p, out, ZONE_OUTSIDE), AUTH_REFUSED);
	refused = false;
	banned = true;
	expect("banned", try_at(p, out, ZONE_OUTSIDE), AUTH_REFUSED);
	banned = false;
	expect("not any more", try_at(p, out, ZONE_OUTSIDE), AUTH_OK);
}

/* Whoever it is that is not let in, the same is asked and looked up: nothing tells who is there. */
static void check_same_work(void)
{
	static const struct phone wrong[] = {
		{ .password = "x" }, { .user = "mallory" }, { .user = "carol" },
		{ .user = "carol", .password = "x" }, { .user = "sales" },
		{ .user = "dave", .md5 = true }, { .user = "bob", .password = "x" },
		{ .user = "012345678901234567890123456789012345678901234567890123456789012345678901"
			  "234567890123456789012345678901234567890123456789012345678901234567890" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct phone p = wrong[i];
		unsigned int asked, evened;

		offer_reset();
		p.nonce = nonce_for(NULL, ZONE_INSIDE);
		asked = store_asked;
		evened = store_evened;
		expect(p.user ? p.user : "alice", try(p), AUTH_WRONG);
		T_OK(store_asked == asked + 1 && store_evened == evened + 1,
		     "%s: %u and %u questions", p.user ? p.user : "alice", store_asked - asked,
		     store_evened - evened);
	}
}

static void check_store(void)
{
	struct phone p = { .nonce = nonce_for(NULL, ZONE_INSIDE) };

	store_result = -EIO;
	expect("the store cannot be read", try(p), AUTH_BUSY);
	store_result = 0;
	expect("it can", try(p), AUTH_OK);
}

static const char *info(char text[static 512])
{
	static char answered[4096];
	struct reply r;
	const uint8_t *bytes;
	const char *at, *end;
	uint32_t len;

	reply_begin(&r, &rx, 200, NULL);
	auth_info(&r, &auth);
	bytes = reply_end(&r, &len);
	memcpy(answered, bytes, len);
	answered[len] = 0;
	text[0] = 0;
	at = strstr(answered, "Authentication-Info: ");
	end = at ? strstr(at, "\r\n") : NULL;
	if (end)
		snprintf(text, 512, "%.*s", (int)(end - at), at);
	return text;
}

/* RFC 7616 3.5: the phone can see that we know it. */
static void check_info(void)
{
	struct phone p = { .nonce = nonce_for(NULL, ZONE_INSIDE), .method = "REGISTER",
			   .cnonce = "my-cnonce" };
	uint8_t out[DIGEST_MAX];
	char hex[DIGEST_HEX + 1] = "", text[512], part[128];
	struct digest_input in = {
		.algorithm = DIGEST_SHA256, .ha1 = people[0].ha1[DIGEST_SHA256], .qop = true,
		.nonce = { p.nonce, strlen(p.nonce) }, .nc = { "00000001", 8 },
		.cnonce = { "my-cnonce", 9 }, .uri = { "sip:office.example", 18 },
	};

	digest_response(&in, out);
	digest_hex(out, 32, hex);
	expect("right", try(p), AUTH_OK);
	info(text);
	T_OK(!strcmp(parameter(text, "rspauth=\"", part), hex), "%s", text);
	T_OK(strstr(text, "qop=auth") && strstr(text, "cnonce=\"my-cnonce\"") &&
	     strstr(text, "nc=00000001") && !strstr(text, "nextnonce"), "%s", text);
	loop_set_now(loop_now() + 150001);
	p.nc = "00000002";
	expect("later", try(p), AUTH_OK);
	info(text);
	p.nonce = parameter(text, "nextnonce=\"", part);
	p.nc = "00000001";
	T_OK(strlen(p.nonce) == NONCE_TEXT, "%s", text);
	expect("with the next", try(p), AUTH_OK);
	auth.proxy = true;
	T_OK(!info(text)[0], "a proxy says %s", text);
	auth.proxy = false;
	p = (struct phone){ .nonce = nonce_for(NULL, ZONE_INSIDE), .md5 = true,
			    .qop = "" };
	expect("without qop", try(p), AUTH_OK);
	T_OK(!info(text)[0], "without qop: %s", text);
}

/*
 * Nothing but the right response is accepted: random changes to a good line. What has not the same
 * parameters as the good one, read independently, must not pass.
 */
static void check_random(void)
{
	struct request_text t = { .zone = ZONE_INSIDE };
	static const char bytes[] = "\",=; \\abfz09%'*\t<>@:\x01\xff";
	unsigned int ok = 0, tried = 0;
	char line[2048], good[2048], hex[DIGEST_HEX + 1];

	srand(7);
	for (unsigned int i = 0; i < 20000; i++) {
		struct phone p = { .nonce = nonce_for(NULL, ZONE_INSIDE),
				   .md5 = rand() & 1 };
		size_t len, changes = 1 + (size_t)rand() % 8;
		char *response;

		for (unsigned int k = 0; k < (p.md5 ? 32u : 64u); k++)
			snprintf(hex + k, 2, "%x", rand() & 15);
		p.response = hex;
		snprintf(good, sizeof(good), "%s", answer(&p));
		strcpy(line, good);
		len = strlen(line) - 2;
		while (changes--) {
			size_t at = 22 + (size_t)rand() % (len - 22);

			switch (rand() % 3) {
			case 0:
				line[at] = bytes[(size_t)rand() % (sizeof(bytes) - 1)];
				break;
			case 1:
				memmove(line + at, line + at + 1, len + 2 - at);
				len--;
				break;
			case 2:
				memmove(line + at, line + (size_t)rand() % len, 1);
				break;
			}
		}
		response = strstr(line, "response=");
		tried += response != NULL;
		t.more = line;
		receive(t);
		if (rx.msg.bad)
			continue;
		ok += auth_check(&rx, &auth) == AUTH_OK;
	}
	T_OK(!ok && tried > 10000, "%u of %u random lines were accepted", ok, tried);
}

int main(void)
{
	log_setup(LOG_LEVEL_WARN);
	loop_set_now(1000000);
	make_people();
	T_OK(!auth_open(NULL, &config), "auth_open");
	check_challenges();
	check_trials();
	check_lines();
	check_extended_names();
	check_nonces();
	check_realms();
	check_window();
	check_bans();
	check_same_work();
	check_store();
	check_info();
	check_replay();
	check_random();
	auth_close();
	return t_end("auth");
}
