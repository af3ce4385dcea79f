// SPDX-License-Identifier: BSD-2-Clause
/* Who may register what, from where, and whom a request may reach: C08, C11 - C13, design 4. */
#include "auth_world.h"

#include <net/if.h>

#include "access.h"
#include "auth_offer.h"
#include "bans.h"
#include "location.h"
#include "log.h"
#include "udp_own.h"

static bool banned;

bool bans_failed(const struct endpoint *source, const char *user)
{
	(void)source;
	(void)user;
	return false;
}

void bans_succeeded(const struct endpoint *source, const char *user)
{
	(void)source;
	(void)user;
}

bool bans_has(const struct endpoint *source)
{
	(void)source;
	return banned;
}

bool bans_refuses(const struct endpoint *source, const char *user)
{
	(void)source;
	(void)user;
	return false;
}

/* 192.0.2.1 is in front, with SIP; 203.0.113.1 another address of this machine. */
bool udp_own(const struct endpoint *e)
{
	return e->len == 4 && ((e->addr[0] == 192 && e->addr[3] == 1 && !e->addr[1]) ||
			       (e->addr[0] == 203 && e->addr[3] == 1));
}

static struct aor *the_aor;

struct aor *location_find(const char *aor, size_t len)
{
	return the_aor && the_aor->len == len && !memcmp(the_aor->name, aor, len) ? the_aor : NULL;
}

static struct access a;

/* Sends it without credentials, then with those that the challenge asks for. */
static uint16_t request(struct request_text t, struct phone p)
{
	char nonce[128], realm[128], more[2048];

	offer_reset();
	receive(t);
	access_request(&rx, &a);
	if (!a.challenge || !p.user)
		return a.code;
	read_challenges(&a.auth);
	p.proxy = true;
	p.method = t.method;
	p.uri = t.uri;
	p.nonce = parameter(challenges[0], "nonce=\"", nonce);
	p.realm = parameter(challenges[0], "realm=\"", realm);
	snprintf(more, sizeof(more), "%s%s", answer(&p), t.more ? t.more : "");
	t.more = more;
	receive(t);
	access_request(&rx, &a);
	return a.code;
}

/* ---- requests ---- */

#define ALICE "<sip:alice@office.example>"
#define ALICE_ADDRESS "<sip:alice@192.0.2.1>"
#define ERIN "<sip:erin@office.example>"
#define PASSIVE "<sip:pat@voip.example>"
#define STRANGER "<sip:eve@elsewhere.example>"
#define ANONYMOUS "\"Anonymous\" <sip:anonymous@anonymous.invalid>"
#define LOCAL "sip:bob@office.example"
#define FOREIGN "sip:bob@far.example"
#define IN 0
#define OUT 1

static const struct rule_trial {
	const char *what;
	uint8_t zone;
	const char *method, *from, *uri, *tag;
	const char *user;		/* who answers a challenge; NULL: nobody */
	uint16_t reject, relay;		/* codes with "foreign" reject and relay */
} rule_trials[] = {
	{ "call inside", IN, "INVITE", ALICE, LOCAL, "", NULL, 407, 407 },
	{ "call inside", IN, "INVITE", ALICE, LOCAL, "", "alice", 0, 0 },
	{ "at our address", IN, "INVITE", ALICE_ADDRESS, "sip:bob@192.0.2.1", "", "alice", 0, 0 },
	{ "other user", IN, "INVITE", ALICE, LOCAL, "", "dave", 403, 403 },
	{ "nobody", IN, "INVITE", ALICE, LOCAL, "", "mallory", 407, 407 },
	{ "From of nobody", IN, "INVITE", "<sip:no@office.example>", LOCAL, "", "alice", 403, 403 },
	{ "alias", IN, "INVITE", "<sip:sales@office.example>", LOCAL, "", "alice", 0, 0 },
	{ "text", IN, "MESSAGE", ALICE, LOCAL, "", NULL, 407, 407 },
	{ "transfer", IN, "REFER", ALICE, LOCAL, "", NULL, 407, 407 },
	{ "subscription", IN, "SUBSCRIBE", ALICE, LOCAL, "", NULL, 407, 407 },
	{ "publication", IN, "PUBLISH", ALICE, LOCAL, "", NULL, 407, 407 },
	{ "options", IN, "OPTIONS", ALICE, LOCAL, "", NULL, 0, 0 },
	{ "ack", IN, "ACK", ALICE, LOCAL, ";tag=x", NULL, 0, 0 },
	{ "cancel", IN, "CANCEL", ALICE, LOCAL, "", NULL, 0, 0 },
	{ "in a dialog", IN, "INVITE", ALICE, LOCAL, ";tag=x", NULL, 0, 0 },
	{ "in a dialog, out", IN, "INVITE", ALICE, FOREIGN, ";tag=x", NULL, 0, 0 },
	{ "out", IN, "INVITE", ALICE, FOREIGN, "", NULL, 403, 407 },
	{ "out", IN, "INVITE", ALICE, FOREIGN, "", "alice", 403, 0 },
	{ "a number", IN, "INVITE", ALICE, "tel:+4930123", "", "alice", 403, 0 },
	{ "as a stranger", IN, "INVITE", STRANGER, LOCAL, "", NULL, 0, 0 },
	{ "as a stranger, out", IN, "INVITE", STRANGER, FOREIGN, "", "alice", 403, 403 },
	{ "anonymous, out", IN, "INVITE", ANONYMOUS, FOREIGN, "", NULL, 403, 407 },
	{ "anonymous, out", IN, "INVITE", ANONYMOUS, FOREIGN, "", "alice", 403, 0 },
	{ "passive, inside", IN, "INVITE", PASSIVE, LOCAL, "", NULL, 0, 0 },
	{ "passive, its domain", IN, "INVITE", PASSIVE, "sip:1@voip.example", "", NULL, 0, 0 },
	{ "passive, out", IN, "INVITE", PASSIVE, FOREIGN, "", NULL, 403, 403 },

	{ "stranger", OUT, "INVITE", STRANGER, LOCAL, "", NULL, 0, 0 },
	{ "stranger, out", OUT, "INVITE", STRANGER, FOREIGN, "", "alice", 403, 403 },
	{ "stranger, out, text", OUT, "MESSAGE", STRANGER, FOREIGN, "", NULL, 403, 403 },
	{ "stranger, out, options", OUT, "OPTIONS", STRANGER, FOREIGN, "", NULL, 403, 403 },
	{ "stranger, out, made up dialog", OUT, "INVITE", STRANGER, FOREIGN, ";tag=x", NULL, 403,
	  403 },
	{ "stranger, out, ack", OUT, "ACK", STRANGER, FOREIGN, ";tag=x", NULL, 403, 403 },
	{ "anonymous", OUT, "INVITE", ANONYMOUS, LOCAL, "", NULL, 0, 0 },
	{ "in our name", OUT, "INVITE", ALICE, LOCAL, "", NULL, 407, 407 },
	{ "in our name, made up dialog", OUT, "MESSAGE", ALICE, LOCAL, ";tag=x", NULL, 407, 407 },
	{ "at home", OUT, "INVITE", ALICE, LOCAL, "", "alice", 0, 0 },
	{ "in another's name", OUT, "INVITE", ALICE, LOCAL, "", "dave", 403, 403 },
	{ "abroad, out", OUT, "INVITE", ALICE, FOREIGN, "", "alice", 403, 403 },
	{ "abroad, out, with the right", OUT, "INVITE", ERIN, FOREIGN, "", NULL, 403, 407 },
	{ "abroad, out, with the right", OUT, "INVITE", ERIN, FOREIGN, "", "erin", 403, 0 },
	{ "the same, by another method", OUT, "OPTIONS", ERIN, FOREIGN, "", NULL, 403, 407 },
	{ "with the right of another", OUT, "INVITE", ALICE, FOREIGN, "", "erin", 403, 403 },
	{ "passive, outside", OUT, "INVITE", PASSIVE, LOCAL, "", NULL, 0, 0 },
	{ "passive, outside, out", OUT, "INVITE", PASSIVE, FOREIGN, "", "alice", 403, 403 },
};

static void check_rules(void)
{
	for (size_t i = 0; i < 2 * sizeof(rule_trials) / sizeof(rule_trials[0]); i++) {
		const struct rule_trial *r = &rule_trials[i / 2];
		uint16_t want = i & 1 ? r->relay : r->reject, code;
		char to[64];
		struct request_text t = { .method = r->method, .from = r->from, .uri = r->uri,
					  .to = to, .zone = r->zone ? ZONE_OUTSIDE : ZONE_INSIDE };
		struct phone p = { .user = r->user };

		snprintf(to, sizeof(to), "<sip:bob@office.example>%s", r->tag);
		config.foreign = i & 1 ? FOREIGN_RELAY : FOREIGN_REJECT;
		code = request(t, p);
		T_OK(code == want, "%s %s %s -> %s by %s, foreign %zu: %u, not %u (%s)", r->what,
		     r->method, r->from, r->uri, r->user ? r->user : "nobody", i & 1, code, want,
		     a.reason ? a.reason : "-");
		T_OK(a.challenge == (code == 407), "%s: %u with challenge %d", r->what, code,
		     a.challenge);
	}
	config.foreign = FOREIGN_REJECT;
}

/* What else decides: Routes, challenges off, the provider set, where one is registered. */
static void check_more_rules(void)
{
	static struct contact here, there;
	struct request_text t = { .method = "INVITE", .from = STRANGER, .uri = LOCAL,
				  .to = "<sip:bob@office.example>", .zone = ZONE_OUTSIDE };
	struct phone nobody = { 0 };

	config.foreign = FOREIGN_RELAY;
	t.more = "Route: <sip:192.0.2.1;lr>\r\n";
	T_OK(request(t, nobody) == 0, "a Route to us: %u", a.code);
	t.more = "Route: <sip:192.0.2.1;lr>, <sip:far.example;lr>\r\n";
	T_OK(request(t, nobody) == 403, "a Route to elsewhere: %u", a.code);
	t = (struct request_text){ .method = "INVITE", .from = ALICE, .uri = LOCAL };
	config.challenge = false;
	T_OK(request(t, nobody) == 0, "challenges are off: %u", a.code);
	t.uri = FOREIGN;
	T_OK(request(t, nobody) == 0, "the same, out: %u", a.code);
	t.zone = ZONE_OUTSIDE;
	T_OK(request(t, nobody) == 407, "the same, from outside: %u", a.code);
	config.challenge = true;
	t = (struct request_text){ .method = "INVITE", .from = STRANGER, .uri = FOREIGN,
				   .source = "192.0.2.200" };
	T_OK(request(t, nobody) == 0, "a PBX that is trusted: %u", a.code);
	t.zone = ZONE_OUTSIDE;
	T_OK(request(t, nobody) == 403, "a provider, out: %u", a.code);
	t = (struct request_text){ .method = "INVITE", .from = PASSIVE, .uri = FOREIGN };
	the_aor = calloc(1, sizeof(*the_aor) + 32);
	the_aor->len = (uint16_t)sprintf(the_aor->name, "pat@voip.example");
	the_aor->contacts = &there;
	there.next = &here;
	there.flow.remote = endpoint("192.0.2.99");
	here.flow.remote = endpoint("192.0.2.98");
	T_OK(request(t, nobody) == 403, "registered by another: %u", a.code);
	here.flow.remote = endpoint("192.0.2.77");
	T_OK(request(t, nobody) == 0, "registered elsewhere, by this source: %u", a.code);
	free(the_aor);
	the_aor = NULL;
	config.foreign = FOREIGN_REJECT;
}

#define ASSERTED "P-Asserted-Identity: "
#define PREFERRED "P-Preferred-Identity: "

/* RFC 3325: nobody is by another header whom From would not let him be. */
static void check_identities(void)
{
	static const struct {
		const char *what, *from, *user, *more;
		bool disowned;
	} trials[] = {
		{ "none", ALICE, "alice", "", false },
		{ "own", ALICE, "alice", ASSERTED ALICE "\r\n", false },
		{ "own, alias", ALICE, "alice", ASSERTED "sip:sales@office.example\r\n", false },
		{ "own, by our address", ALICE, "alice", ASSERTED ALICE_ADDRESS "\r\n", false },
		{ "another's", ALICE, "alice", ASSERTED "\"Boss\" <sip:dave@office.example>\r\n",
		  true },
		{ "own and another's", ALICE, "alice",
		  ASSERTED ALICE ", <sip:dave@office.example>\r\n", true },
		{ "another's in a second line", ALICE, "alice",
		  ASSERTED ALICE "\r\n" ASSERTED "<tel:+4930123>\r\n", true },
		{ "a stranger's", ALICE, "alice", ASSERTED STRANGER "\r\n", true },
		{ "not readable", ALICE, "alice", ASSERTED "<sip:alice@office.example\r\n", true },
		{ "preferred", ALICE, "alice", PREFERRED ALICE "\r\n", true },
		{ "ours by a stranger", STRANGER, NULL, ASSERTED ALICE "\r\n", true },
		{ "ours in a passive domain", PASSIVE, NULL, ASSERTED STRANGER ", " ALICE "\r\n",
		  true },
		{ "a stranger's by himself", STRANGER, NULL, ASSERTED STRANGER "\r\n", false },
		{ "passive", PASSIVE, NULL, ASSERTED PASSIVE "\r\n" PREFERRED PASSIVE "\r\n",
		  false },
	};
	struct request_text t = { .method = "INVITE", .uri = LOCAL,
				  .to = "<sip:bob@office.example>" };

	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		t.from = trials[i].from;
		t.more = trials[i].more;
		T_OK(!request(t, (struct phone){ .user = trials[i].user }), "%s: %u",
		     trials[i].what, a.code);
		T_OK(a.disowned == trials[i].disowned, "%s: disowned %d", trials[i].what,
		     a.disowned);
		config.challenge = false;
		T_OK(!request(t, (struct phone){ 0 }) && !a.disowned, "%s, nobody is asked",
		     trials[i].what);
		config.challenge = true;
	}
	t.more = ASSERTED ALICE "\r\n";
	t.source = "192.0.2.200";
	T_OK(!request(t, (struct phone){ 0 }) && !a.disowned, "a PBX that is trusted");
}

/* ---- REGISTER ---- */

static uint16_t enrol(struct request_text t, const char *aor, struct phone p)
{
	char nonce[128], realm[128];

	offer_reset();
	receive(t);
	access_register(&rx, aor, &a);
	if (!a.challenge || !p.user)
		return a.code;
	read_challenges(&a.auth);
	p.nonce = parameter(challenges[0], "nonce=\"", nonce);
	p.realm = parameter(challenges[0], "realm=\"", realm);
	t.more = answer(&p);
	receive(t);
	access_register(&rx, aor, &a);
	return a.code;
}

#define AT "@office.example"

static const struct register_trial {
	const char *what, *aor, *from, *user;
	uint16_t own, third;	/* codes without and with "third_party" */
} register_trials[] = {
	{ "own", "alice" AT, ALICE, "alice", 0, 0 },
	{ "at our address", "alice" AT, ALICE_ADDRESS, "alice", 0, 0 },
	{ "nobody asks", "alice" AT, ALICE, NULL, 401, 401 },
	{ "nobody", "mallory" AT, "<sip:mallory" AT ">", "mallory", 401, 401 },
	{ "disabled", "carol" AT, "<sip:carol" AT ">", "carol", 401, 401 },
	{ "alias", "sales" AT, "<sip:sales" AT ">", "alice", 0, 0 },
	{ "alias, From is the name", "sales" AT, ALICE, "alice", 0, 0 },
	{ "another's", "dave" AT, ALICE, "alice", 403, 0 },
	{ "another's, in his name", "dave" AT, "<sip:dave" AT ">", "alice", 403, 403 },
	{ "own, in another's name", "alice" AT, "<sip:dave" AT ">", "alice", 403, 403 },
	{ "own, in a stranger's name", "alice" AT, STRANGER, "alice", 403, 403 },
	{ "who does not exist", "mallory" AT, ALICE, "alice", 403, 404 },
	{ "who is disabled", "carol" AT, ALICE, "alice", 403, 404 },
	{ "no domain of ours", "alice@far.example", ALICE, "alice", 404, 404 },
	{ "no domain", "alice", ALICE, "alice", 404, 404 },
};

static void check_register(void)
{
	for (size_t i = 0; i < 2 * sizeof(register_trials) / sizeof(register_trials[0]); i++) {
		const struct register_trial *r = &register_trials[i / 2];
		uint16_t want = i & 1 ? r->third : r->own, code;
		struct request_text t = { .from = r->from };
		struct phone p = { .user = r->user };

		domains[0].third_party = i & 1;
		code = enrol(t, r->aor, p);
		T_OK(code == want, "%s by %s, third_party %zu: %u, not %u", r->what,
		     r->user ? r->user : "nobody", i & 1, code, want);
		T_OK(a.challenge == (code == 401), "%s: challenge", r->what);
		T_OK(code || !strcmp(a.auth.user.name, r->user), "%s: is %s", r->what,
		     a.auth.user.name);
	}
	domains[0].third_party = false;
}

static void check_codes(void)
{
	struct request_text t = { .more = "Authorization: Digest realm=\"office.example\"\r\n" };
	struct phone p = { .user = "alice" };

	receive(t);
	access_register(&rx, "alice" AT, &a);
	T_OK(a.code == 400 && a.reason && !a.challenge, "malformed: %u", a.code);
	banned = true;
	T_OK(enrol((struct request_text){ 0 }, "alice" AT, p) == 403, "banned: %u", a.code);
	banned = false;
	offer_reset();
	receive((struct request_text){ 0 });
	access_register(&rx, "alice" AT, &a);
	read_challenges(&a.auth);
	p.nonce = parameter(challenges[0], "nonce=\"", (char[128]){ 0 });
	store_result = -EIO;
	receive((struct request_text){ .more = answer(&p) });
	access_register(&rx, "alice" AT, &a);
	T_OK(a.code == 503 && !a.challenge, "no store: %u", a.code);
	store_result = 0;
}

/* The store fails at any of the questions about one registration for another: never let through. */
static void check_store_fails(void)
{
	struct phone p = { .user = "alice" };
	struct request_text t = { .from = ALICE };
	unsigned int questions;

	domains[0].third_party = true;
	store_asked = 0;
	T_OK(!enrol(t, "dave" AT, p), "it works: %u", a.code);
	questions = store_asked;
	for (unsigned int i = 0; i < questions; i++) {
		store_good = i;
		store_result = -EIO;
		T_OK(enrol(t, "dave" AT, p) == 503, "question %u of %u: %u", i, questions, a.code);
		T_OK(!store_good, "%u were not asked", store_good);
		store_result = 0;
	}
	T_OK(questions > 1, "%u", questions);
	domains[0].third_party = false;
}

/* Without credentials every name gets the same. */
static void check_names(void)
{
	static const char *const names[] = { "alice", "bob", "carol", "mallory", "sales" };

	for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); i++) {
		char aor[64], to[96], first[256];
		struct request_text t = { .to = to, .from = to, .zone = ZONE_OUTSIDE };
		struct phone wrong = { .user = names[i / 2], .password = "x" };

		offer_reset();
		snprintf(aor, sizeof(aor), "%s" AT, names[i / 2]);
		snprintf(to, sizeof(to), "<sip:%s>", aor);
		snprintf(people[0].sources, sizeof(people[0].sources), "%s", "10.9.9.9");
		T_OK(enrol(t, aor, i & 1 ? wrong : (struct phone){ 0 }) == 401, "%s: %u", aor,
		     a.code);
		people[0].sources[0] = 0;
		read_challenges(&a.auth);
		/* all but the nonce */
		memset(strstr(challenges[0], "nonce=\"") + 7, 'x', NONCE_TEXT);
		if (!i)
			memcpy(first, challenges[0], sizeof(first));
		T_OK(n_challenges == 1 && !strcmp(first, challenges[0]) && !a.reason,
		     "%s is told from others: %s", aor, challenges[0]);
	}
}

/* alice, by the interface lo */
static uint16_t enrol_at_lo(const char *from)
{
	struct request_text t = { .source = from };
	struct phone p = { .user = "alice" };
	char nonce[128];

	receive(t);
	access_register(&rx, "alice" AT, &a);
	read_challenges(&a.auth);
	p.nonce = parameter(challenges[0], "nonce=\"", nonce);
	t.more = answer(&p);
	receive(t);
	rx.flow.ifindex = if_nametoindex("lo");
	access_register(&rx, "alice" AT, &a);
	return a.code;
}

static void check_sources(void)
{
	static const struct {
		const char *sources, *from;
		uint16_t code;
	} trials[] = {
		{ "", "198.51.100.1", 0 }, { " ,", "198.51.100.1", 0 },
		{ "198.51.100.0/24", "198.51.100.1", 0 },
		{ "198.51.100.0/24", "198.51.101.1", 403 },
		{ "10.0.0.0/8, 198.51.100.1", "198.51.100.1", 0 },
		{ "10.0.0.0/8 198.51.100.2", "198.51.100.1", 403 },
		{ "2001:db8::/32", "2001:db8:1::1", 0 }, { "2001:db8::/32", "2001:db9::1", 403 },
		{ "2001:db8::/32", "198.51.100.1", 403 },
		{ "lo", "198.51.100.1", 0 }, { "lo0", "198.51.100.1", 403 },
		{ "10.0.0.0/8,lo", "198.51.100.1", 0 }, { "0.0.0.0/0", "198.51.100.1", 0 },
		{ "inside", "198.51.100.1", 0 }, { "outside", "198.51.100.1", 403 },
		{ "outside any", "198.51.100.1", 0 }, { "udp:any", "198.51.100.1", 0 },
		{ "tls:any", "198.51.100.1", 403 }, { "UDP:198.51.100.0/24", "198.51.100.1", 0 },
		{ "tls:198.51.100.1,tcp:lo", "198.51.100.1", 403 }, { "udp:lo", "198.51.100.1", 0 },
		{ "udp:2001:db8::/32", "2001:db8:1::1", 0 },
	};

	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		snprintf(people[0].sources, sizeof(people[0].sources), "%s", trials[i].sources);
		enrol_at_lo(trials[i].from);
		T_OK(a.code == trials[i].code, "\"%s\" from %s: %u", trials[i].sources,
		     trials[i].from, a.code);
	}
	people[0].sources[0] = 0;
}

/* The user's own rule, else the group's, else the domain's. */
static void check_groups(void)
{
	static char *inside[] = { (char *)"inside" }, *lo[] = { (char *)"lo" };
	static char *far[] = { (char *)"10.9.9.9" };
	static struct group groups[] = {
		{ .name = (char *)"far", .sources = { far, 1 } }, { .name = (char *)"any" },
	};
	static const struct {
		const char *user, *group;
		const struct words domain;
		uint16_t code;
	} trials[] = {
		{ "", "", { 0 }, 0 }, { "", "", { inside, 1 }, 0 }, { "", "", { lo, 1 }, 0 },
		{ "", "", { far, 1 }, 403 }, { "lo", "", { far, 1 }, 0 },
		{ "", "far", { 0 }, 403 }, { "", "far", { inside, 1 }, 403 },
		{ "inside", "far", { far, 1 }, 0 }, { "", "any", { far, 1 }, 403 },
		{ "", "any", { inside, 1 }, 0 }, { "10.9.9.9", "any", { 0 }, 403 },
		{ "", "gone", { 0 }, 403 }, { "inside", "gone", { inside, 1 }, 403 },
	};

	config.groups = groups;
	config.n_groups = 2;
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		snprintf(people[0].sources, sizeof(people[0].sources), "%s", trials[i].user);
		snprintf(people[0].group, sizeof(people[0].group), "%s", trials[i].group);
		domains[0].sources = trials[i].domain;
		T_OK(enrol_at_lo("198.51.100.1") == trials[i].code, "trial %zu: %u", i, a.code);
	}
	people[0].sources[0] = people[0].group[0] = 0;
	domains[0].sources = (struct words){ 0 };
	config.n_groups = 0;
}

/* ---- Contact ---- */

static const struct contact_trial {
	const char *contact, *source;
	uint8_t zone;
	bool allowed;
	const char *path;
} contact_trials[] = {
	{ "<sip:a@198.51.100.7>", "198.51.100.7", OUT, true, NULL },
	{ "<sip:a@198.51.100.7:40000;transport=udp>", "198.51.100.7", OUT, true, NULL },
	{ "<sips:a@198.51.100.7>", "198.51.100.7", OUT, true, NULL },
	{ "<sip:a@198.51.100.8>", "198.51.100.7", OUT, false, NULL },
	{ "<sip:a@8.8.8.8>", "192.168.1.5", IN, false, NULL },
	{ "<sip:a@192.168.1.5>", "198.51.100.7", OUT, true, NULL },
	{ "<sip:a@10.0.0.1>", "198.51.100.7", OUT, true, NULL },
	{ "<sip:a@172.31.0.1>", "198.51.100.7", OUT, true, NULL },
	{ "<sip:a@172.32.0.1>", "198.51.100.7", OUT, false, NULL },
	{ "<sip:a@100.64.0.1>", "198.51.100.7", OUT, true, NULL },
	{ "<sip:a@100.128.0.1>", "198.51.100.7", OUT, false, NULL },
	{ "<sip:a@169.254.1.1>", "198.51.100.7", OUT, true, NULL },
	{ "<sip:a@192.0.2.1>", "198.51.100.7", OUT, false, NULL },
	{ "<sip:a@192.0.2.1:5060>", "192.168.1.5", IN, false, NULL },
	{ "<sip:a@192.0.2.1:4312>", "192.168.1.5", IN, true, NULL },
	{ "<sip:a@192.0.2.1:4312>", "198.51.100.7", OUT, false, NULL },
	{ "<sip:a@203.0.113.1>", "192.168.1.5", IN, true, NULL },
	{ "<sip:a@127.0.0.1>", "198.51.100.7", OUT, false, NULL },
	{ "<sip:a@0.0.0.0>", "198.51.100.7", OUT, false, NULL },
	{ "<sip:a@224.0.0.1>", "198.51.100.7", OUT, false, NULL },
	{ "<sip:a@198.18.0.9>", "198.18.0.5", IN, true, NULL },	/* inside_networks */
	{ "<sip:a@198.18.0.9>", "192.168.1.5", IN, false, NULL },
	{ "<sip:a@[2001:db8::7]>", "2001:db8::9", OUT, true, NULL },
	{ "<sip:a@[2001:db8:0:1::7]>", "2001:db8::9", OUT, false, NULL },
	{ "<sip:a@[fd00::7]>", "2001:db8::9", OUT, true, NULL },
	{ "<sip:a@[fe80::7]>", "2001:db8::9", OUT, true, NULL },
	{ "<sip:a@[ff02::1]>", "ff02::9", OUT, false, NULL },
	{ "<sip:a@[::1]>", "2001:db8::9", OUT, false, NULL },
	{ "<sip:a@198.51.100.7>", "2001:db8::9", OUT, false, NULL },
	{ "<sip:a@x7k2.invalid;transport=ws>", "198.51.100.7", OUT, true, NULL },
	{ "<sip:a@desk>", "192.168.1.5", IN, true, NULL },
	{ "<sip:a@desk.LAN>", "192.168.1.5", IN, true, NULL },
	{ "<sip:a@desk.home.arpa.>", "192.168.1.5", IN, true, NULL },
	{ "<sip:a@gateway.pstn.example>", "192.168.1.5", IN, false, NULL },
	{ "<sip:a@lan>", "192.168.1.5", IN, true, NULL },
	{ "<sip:a@notlan.example>", "192.168.1.5", IN, false, NULL },
	{ "<sip:a@office.example>", "192.168.1.5", IN, false, NULL },
	{ "<sip:a@192.168.1.5;maddr=8.8.8.8>", "192.168.1.5", IN, false, NULL },
	{ "<sip:a@192.168.1.5;maddr=192.168.1.5>", "192.168.1.5", IN, true, NULL },
	{ "<sip:a@192.168.1.5;maddr=far.example>", "192.168.1.5", IN, false, NULL },
	{ "<tel:+4930123>", "192.168.1.5", IN, false, NULL },
	{ "<mailto:a@b>", "192.168.1.5", IN, false, NULL },
	{ "*", "198.51.100.7", OUT, true, NULL },
	/* a proxy in between is who must be the source */
	{ "<sip:a@8.8.8.8>", "198.51.100.7", OUT, true, "<sip:198.51.100.7;lr>" },
	{ "<sip:a@8.8.8.8>", "198.51.100.7", OUT, true,
	  "<sip:198.51.100.7;lr>, <sip:far.example;lr>" },
	{ "<sip:a@198.51.100.7>", "198.51.100.7", OUT, false, "<sip:far.example;lr>" },
	{ "<sip:a@198.51.100.7>", "198.51.100.7", OUT, false,
	  "<sip:far.example;lr>, <sip:198.51.100.7;lr>" },
	{ "<sip:a@192.0.2.1>", "198.51.100.7", OUT, false, "<sip:198.51.100.7;lr>" },
	{ "<sip:a@office.example>", "198.51.100.7", OUT, false, "<sip:198.51.100.7;lr>" },
};

static void check_contacts(void)
{
	for (size_t i = 0; i < sizeof(contact_trials) / sizeof(contact_trials[0]); i++) {
		const struct contact_trial *c = &contact_trials[i];
		char lines[512];
		struct request_text t = { .source = c->source, .more = lines,
					  .zone = c->zone ? ZONE_OUTSIDE : ZONE_INSIDE };
		struct sip_nameaddr n;
		struct sip_walk w;

		snprintf(lines, sizeof(lines), "Contact: %s\r\n%s%s%s", c->contact,
			 c->path ? "Path: " : "", c->path ? c->path : "", c->path ? "\r\n" : "");
		receive(t);
		sip_walk_init(&w, &rx.msg, SIP_H_CONTACT);
		T_OK(sip_nameaddr_next(&w, &n), "%s cannot be read", c->contact);
		T_OK(access_contact(&rx, &n) == c->allowed, "%s from %s%s%s is%s allowed",
		     c->contact, c->source, c->path ? " by " : "", c->path ? c->path : "",
		     c->allowed ? " not" : "");
	}
}

int main(void)
{
	log_setup(LOG_LEVEL_WARN);
	loop_set_now(1000000);
	make_people();
	text_read_prefix("192.0.2.200", &trusted_nets[0]);
	text_read_prefix("198.18.0.0/24", &inside_nets[0]);
	T_OK(!auth_open(NULL, &config), "auth_open");
	check_rules();
	check_more_rules();
	check_identities();
	check_register();
	check_codes();
	check_store_fails();
	check_names();
	check_sources();
	check_groups();
	check_contacts();
	auth_close();
	return t_end("access");
}
