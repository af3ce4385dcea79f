/* SPDX-License-Identifier: BSD-2-Clause */
/* registrar: the checks in their order with their codes and headers, and what a 200 holds. */
#include "registrar_bed.h"

#include "registrar_work.h"
#include "said.h"
#include "timer.h"

#define A "sip:alice@office.example"
#define CONTACT(user) "Contact: <sip:" user "@192.168.1.7:5062>\r\n"

/* ---- one request to an empty table ---- */

static const struct row {
	const char *name;
	struct bed_register q;
	int code;
	const char *has, *not;	/* in the answer */
} rows[] = {
	{ "a Contact", { .lines = CONTACT("a") }, 200, "Contact: <sip:a@192.168.1.7:5062>;expires=",
	  "q=" },
	{ "a query of nothing", { 0 }, 200, "Supported: path, outbound, gin\r\n", "\r\nContact" },
	{ "Date", { .lines = CONTACT("a") }, 200, "\r\nDate: ", "Service-Route" },
	{ "who was asked", { .lines = CONTACT("a") }, 200, "Authentication-Info: qop=auth\r\n", NULL },
	{ "To of another domain", { .to = "sip:alice@elsewhere.example" }, 404, NULL, NULL },
	{ "To of a passive domain", { .to = "sip:alice@voip.example" }, 404, NULL, NULL },
	{ "To of our other domain", { .to = "sip:alice@home.example" }, 404, NULL, NULL },
	{ "the same, by our address",
	  { .uri = "sip:192.168.1.1", .to = "sip:alice@home.example", .lines = CONTACT("a") }, 200,
	  "Service-Route: <sip:edge.example;lr>, <sip:core.example;lr>\r\n", NULL },
	{ "by our IPv6 address", { .uri = "sip:[2001:db8::1]", .lines = CONTACT("a") }, 200,
	  "Contact: <sip:a@", NULL },
	{ "To without a user", { .to = "sip:office.example" }, 404, NULL, NULL },
	{ "tel: To", { .to = "tel:+4930123" }, 404, NULL, NULL },
	{ "To in other letters", { .to = "sip:alice@OFFICE.Example", .lines = CONTACT("a") }, 200,
	  "Contact: <sip:a@", NULL },
	{ "nobody", { .to = "sip:carol@office.example", .lines = CONTACT("a") }, 404, NULL, NULL },
	{ "Require", { .lines = "Require: path, foo, 100rel\r\n" CONTACT("a") }, 420,
	  "Unsupported: foo, 100rel\r\n", "path" },
	{ "Require: path", { .lines = "Require: path\r\n" CONTACT("a") }, 200, NULL, NULL },
	{ "a PBX (RFC 6140)",
	  { .lines = "Require: gin\r\nProxy-Require: gin\r\nSupported: path\r\n"
		     "Contact: <sip:192.168.1.7:5062;bnc>;expires=60\r\n" }, 200,
	  "Contact: <sip:192.168.1.7:5062;bnc>;expires=60\r\n", NULL },
	{ "bnc with a user", { .lines = "Require: gin\r\nContact: <sip:a@192.168.1.7;bnc>\r\n" },
	  400, NULL, NULL },
	{ "*", { .lines = "Contact: *\r\nExpires: 0\r\n" }, 200, NULL, "\r\nContact" },
	{ "* without Expires", { .lines = "Contact: *\r\n" }, 400, NULL, NULL },
	{ "* with Expires", { .lines = "Contact: *\r\nExpires: 60\r\n" }, 400, NULL, NULL },
	{ "* and another", { .lines = "Contact: *, <sip:a@b>\r\nExpires: 0\r\n" }, 400, NULL, NULL },
	{ "another line and *", { .lines = CONTACT("a") "Contact: *\r\nExpires: 0\r\n" }, 400, NULL,
	  NULL },
	{ "too brief", { .lines = "Contact: <sip:a@192.168.1.7>;expires=59\r\n" }, 423,
	  "Min-Expires: 60\r\n", NULL },
	{ "the minimum as it is", { .lines = "Contact: <sip:a@192.168.1.7>;expires=60\r\n" }, 200,
	  ";expires=60\r\n", NULL },
	{ "removal of nothing", { .lines = "Contact: <sip:a@192.168.1.7>;expires=0\r\n" }, 200, NULL,
	  "\r\nContact" },
	{ "Expires too brief", { .lines = CONTACT("a") "Expires: 1\r\n" }, 423, "Min-Expires: 60\r\n",
	  NULL },
	{ "the parameter beats the header",
	  { .lines = "Contact: <sip:a@192.168.1.7>;expires=60\r\nExpires: 1\r\n" }, 200,
	  ";expires=60\r\n", NULL },
	{ "q", { .lines = "Contact: <sip:a@192.168.1.7>;q=0.25\r\n" }, 200, ">;q=0.250;expires=", NULL },
	{ "q=1.000", { .lines = "Contact: <sip:a@192.168.1.7>;q=1.000\r\n" }, 200, ">;expires=", NULL },
	{ "q above 1", { .lines = "Contact: <sip:a@192.168.1.7>;q=1.001\r\n" }, 400, NULL, NULL },
	{ "q of four decimals", { .lines = "Contact: <sip:a@192.168.1.7>;q=0.1234\r\n" }, 400, NULL,
	  NULL },
	{ "q without value", { .lines = "Contact: <sip:a@192.168.1.7>;q\r\n" }, 400, NULL, NULL },
	{ "other parameters", { .lines = "Contact: <sip:a@192.168.1.7>;x=\"y;z\";ob;expires=60\r\n" },
	  200, ">;x=\"y;z\";ob;expires=60\r\n", NULL },
	{ "not sip", { .lines = "Contact: <mailto:a@b.example>\r\n" }, 416, NULL, NULL },
	{ "sips", { .lines = "Contact: <sips:a@192.168.1.7>;expires=60\r\n" }, 200,
	  "Contact: <sips:a@192.168.1.7>;expires=60", NULL },
	{ "four of three", { .lines = CONTACT("a") CONTACT("b") CONTACT("c") CONTACT("d") }, 403,
	  "Warning: 399 office.example \"at most 3 contacts\"\r\n", NULL },
	{ "the same twice", { .lines = CONTACT("a") CONTACT("b") CONTACT("c") CONTACT("a") }, 200,
	  "sip:c@", NULL },
	{ "Path", { .lines = "Path: <sip:p1;lr>\r\nSupported: path\r\nPath: <sip:p2;lr>\r\n"
		    CONTACT("a") }, 200, "\r\nPath: <sip:p1;lr>, <sip:p2;lr>\r\n", NULL },
	{ "Path that the phone does not know", { .lines = "Path: <sip:p1;lr>\r\n" CONTACT("a") }, 200,
	  "\r\nPath: <sip:p1;lr>\r\n", NULL },
	{ "and a domain that wants it to",
	  { .uri = "sip:home.example", .to = "sip:bob@home.example",
	    .lines = "Path: <sip:p1;lr>\r\n" CONTACT("a") }, 421, "Require: path\r\n", NULL },
	{ "and a phone that does",
	  { .uri = "sip:home.example", .to = "sip:bob@home.example",
	    .lines = "Path: <sip:p1;lr>\r\nSupported: 100rel, path\r\n" CONTACT("a") }, 200,
	  "\r\nPath: <sip:p1;lr>\r\n", NULL },
	{ "a flow", { .lines = "Supported: path, outbound\r\nContact: <sip:a@192.168.1.7>;reg-id=1;"
		      "+sip.instance=\"<urn:uuid:1>\";expires=60\r\n" }, 200,
	  ">;+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=60\r\n", NULL },
	{ "and it is said", { .lines = "Supported: outbound\r\nContact: <sip:a@192.168.1.7>;reg-id=1;"
			      "+sip.instance=\"<urn:uuid:1>\"\r\n" }, 200, "\r\nRequire: outbound\r\n",
	  NULL },
	{ "reg-id alone", { .lines = "Supported: outbound\r\nContact: <sip:a@192.168.1.7>;reg-id=1;"
			    "expires=60\r\n" }, 200, ">;reg-id=1;expires=60\r\n", "Require" },
	{ "without outbound", { .lines = "Contact: <sip:a@192.168.1.7>;reg-id=1;"
				"+sip.instance=\"<urn:uuid:1>\";expires=60\r\n" }, 200,
	  ">;+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=60\r\n", "Require" },
	{ "a flow and another",
	  { .lines = "Supported: outbound\r\nContact: <sip:a@192.168.1.7>;reg-id=1;"
		     "+sip.instance=\"<urn:uuid:1>\", <sip:b@192.168.1.7>\r\n" }, 400, NULL, NULL },
	{ "a first hop without outbound",
	  { .lines = "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx\r\nPath: <sip:p1;lr>\r\n"
		     "Supported: outbound, path\r\nContact: <sip:a@192.168.1.7>;reg-id=1;"
		     "+sip.instance=\"<urn:uuid:1>\"\r\n" }, 439, NULL, NULL },
	{ "a first hop with it",
	  { .lines = "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx\r\n"
		     "Path: <sip:p2;lr>, <sip:p1;lr;ob>\r\n"
		     "Supported: outbound, path\r\nContact: <sip:a@192.168.1.7>;reg-id=1;"
		     "+sip.instance=\"<urn:uuid:1>\"\r\n" }, 200, "\r\nRequire: outbound\r\n", NULL },
	{ "reg-id beyond its range", { .lines = "Contact: <sip:a@b>;reg-id=2147483648\r\n" }, 400, NULL,
	  NULL },
};

static void test_rows(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *w = &rows[i];
		struct bed_register q = w->q;

		bed_reset();
		q.cseq = 1;
		bed_register(q);
		T_OK(bed_answers == 1 && bed_code() == w->code, "%s: %d, not %d", w->name,
		     bed_code(), w->code);
		T_OK(!w->has || bed_has(w->has), "%s: no %s in %s", w->name, w->has, bed_answer);
		T_OK(!w->not || !bed_has(w->not), "%s: %s in %s", w->name, w->not, bed_answer);
		T_OK(w->code == 200 || !location_count(), "%s: refused and stored", w->name);
	}
}

/* Every registration begins with a 401: that is not worth a line, what is refused is. */
static void test_said(void)
{
	bed_reset();
	said_begin(LOG_LEVEL_INFO);
	bed_access_code = 401;
	bed_register((struct bed_register){ .lines = CONTACT("a") });
	T_OK(bed_code() == 401 && !*said(), "a first 401: %s", said_text);
	bed_access_code = 403;
	bed_register((struct bed_register){ .lines = CONTACT("a") });
	T_OK(bed_code() == 403 && strstr(said(), "REGISTER of alice@office.example from "
	     "192.168.1.7:5062: 403"), "a 403: %s", said_text);
	said_end(LOG_LEVEL_FATAL);
}

/* The earlier of two offences decides. */
static void test_order(void)
{
	bed_reset();
	bed_access_code = 401;
	bed_register((struct bed_register){ .lines = "Require: x\r\nContact: *\r\n" });
	T_OK(bed_code() == 420, "Require before who: %d", bed_code());
	bed_register((struct bed_register){ .lines = "Contact: *\r\n" });
	T_OK(bed_code() == 401 && bed_has("WWW-Authenticate: "), "who before *: %d", bed_code());
	bed_register((struct bed_register){ .to = "sip:carol@office.example" });
	T_OK(bed_code() == 401, "who before whether it exists: %d", bed_code());
	bed_register((struct bed_register){ .to = "sip:carol@elsewhere.example" });
	T_OK(bed_code() == 404, "the domain before who: %d", bed_code());
	bed_access_code = 403;
	bed_register((struct bed_register){ .lines = CONTACT("a") });
	T_OK(bed_code() == 403 && !bed_has("WWW-Authenticate"), "may not: %d", bed_code());
	bed_access_code = 0;
	bed_target_refused = true;
	bed_register((struct bed_register){ .lines = CONTACT("a") });
	T_OK(bed_code() == 403, "a third host: %d", bed_code());
	bed_register((struct bed_register){ .lines = CONTACT("a") "Expires: 0\r\n" });
	T_OK(bed_code() == 200, "a third host may be removed: %d", bed_code());
	bed_register((struct bed_register){ .lines = CONTACT("a") "Expires: 5\r\n" });
	T_OK(bed_code() == 423, "too brief before the target: %d", bed_code());
}

/* ---- what follows one another ---- */

static const struct contact *only(const char *aor)
{
	const struct aor *a = location_find(aor, strlen(aor));

	return a && a->n == 1 ? a->contacts : NULL;
}

static void test_refresh(void)
{
	const struct contact *c;
	uint64_t id;

	bed_reset();
	bed_register((struct bed_register){ .cseq = 1,
		.lines = "User-Agent: x/1\r\n" CONTACT("a") });
	c = only("alice@office.example");
	T_OK(c && !strcmp(c->uri, "sip:a@192.168.1.7:5062") && !strcmp(c->call_id, "c1") &&
	     c->cseq == 1 && !strcmp(c->user_agent, "x/1") && !c->path && c->q == 1000,
	     "what is kept");
	T_OK(c && c->flow.remote.port == 5062 && c->flow.remote.addr[3] == 7, "where it came from");
	id = c ? c->id : 0;
	/* the port may be left out of neither: another address */
	bed_register((struct bed_register){ .cseq = 2,
		.lines = "Contact: \"A\" <sip:%61@192.168.1.7:5062>;q=0.5\r\n" });
	c = only("alice@office.example");
	T_OK(c && c->id == id && c->cseq == 2 && c->q == 500, "renewed by an equal URI");
	bed_register((struct bed_register){ .cseq = 2, .lines = CONTACT("a") });
	T_OK(bed_code() == 500, "the same CSeq again: %d", bed_code());
	bed_register((struct bed_register){ .cseq = 1, .lines = CONTACT("b") CONTACT("a") });
	T_OK(bed_code() == 500 && only("alice@office.example"), "all fails, nothing is added");
	bed_register((struct bed_register){ .cseq = 1, .lines = "Contact: *\r\nExpires: 0\r\n" });
	T_OK(bed_code() == 500 && only("alice@office.example"), "* is late");
	bed_register((struct bed_register){ .call_id = "c2", .cseq = 1,
		.lines = "Contact: *\r\nExpires: 0\r\n" });
	T_OK(bed_code() == 200 && !location_count(), "* of another Call-ID");
}

static void test_limit(void)
{
	bed_reset();
	bed_register((struct bed_register){ .cseq = 1,
		.lines = CONTACT("a") CONTACT("b") CONTACT("c") });
	T_OK(bed_code() == 200 && location_count() == 3, "three");
	bed_register((struct bed_register){ .cseq = 2, .lines = CONTACT("d") });
	T_OK(bed_code() == 403, "a fourth: %d", bed_code());
	bed_register((struct bed_register){ .cseq = 3, .lines =
		"Contact: <sip:d@192.168.1.7:5062>, <sip:a@192.168.1.7:5062>;expires=0\r\n" });
	T_OK(bed_code() == 200 && location_count() == 3, "one for another: %d", bed_code());
	bed_domains[0].max_contacts = 1;
	bed_register((struct bed_register){ .cseq = 4, .lines = CONTACT("b") });
	T_OK(bed_code() == 200 && location_count() == 3, "renewing is not adding: %d", bed_code());
	bed_domains[0].max_contacts = 3;
	bed_register((struct bed_register){ 0 });
	T_OK(bed_has("sip:b@") && bed_has("sip:c@") && bed_has("sip:d@"), "a query lists all");
}

static void test_flows(void)
{
	const char *flow = "Supported: outbound\r\nContact: <sip:a@192.168.1.%u>;reg-id=%u;"
			   "+sip.instance=\"<urn:uuid:%s>\"\r\n";
	const struct {
		unsigned int host, reg_id;
		const char *instance;
		size_t after;
	} steps[] = {
		{ 7, 1, "AA", 1 }, { 8, 1, "aa", 1 }, { 8, 2, "aa", 2 }, { 8, 1, "bb", 3 },
		{ 9, 2, "aa", 3 },
	};
	char line[256];

	bed_reset();
	for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
		snprintf(line, sizeof(line), flow, steps[i].host, steps[i].reg_id,
			 steps[i].instance);
		bed_register((struct bed_register){ .cseq = i + 1, .lines = line });
		T_OK(bed_code() == 200 && location_count() == steps[i].after, "flow %u: %d, %zu", i,
		     bed_code(), location_count());
	}
	T_OK(bed_has("sip:a@192.168.1.9") && !bed_has("sip:a@192.168.1.7"), "the address moved");
}

/* C12: patterns of the domain, and how many by user, group or domain. */
static void test_lists(void)
{
	static char *some[] = { (char *)"a*", (char *)"1??" };
	static struct group groups[] = {
		{ .name = (char *)"one", .max_contacts = 1 }, { .name = (char *)"any" },
	};

	bed_reset();
	bed_domains[0].allow = (struct words){ some, 2 };
	bed_register((struct bed_register){ .cseq = 1, .lines = CONTACT("a") });
	T_OK(bed_code() == 200, "alice fits: %d", bed_code());
	bed_register((struct bed_register){ .to = "sip:100@office.example", .cseq = 1,
		.lines = CONTACT("b") });
	T_OK(bed_code() == 403, "an alias counts as its user, bob: %d", bed_code());
	bed_access_code = 401;
	bed_register((struct bed_register){ .to = "sip:bob@office.example", .lines = CONTACT("b") });
	T_OK(bed_code() == 401, "who it is comes first: %d", bed_code());
	bed_access_code = 0;
	bed_domains[0].allow.n = 0;

	bed_config.groups = groups;
	bed_config.n_groups = 2;
	bed_group = "one";
	bed_register((struct bed_register){ .cseq = 2, .lines = CONTACT("b") });
	T_OK(bed_code() == 403 && bed_has("at most 1 contacts"), "the group's: %d", bed_code());
	bed_group = "any";
	bed_register((struct bed_register){ .cseq = 3, .lines = CONTACT("b") CONTACT("c") });
	T_OK(bed_code() == 200, "the domain's: %d", bed_code());
	bed_register((struct bed_register){ .cseq = 4, .lines = CONTACT("d") });
	T_OK(bed_code() == 403 && bed_has("at most 3 contacts"), "no more: %d", bed_code());
	bed_group = "";
	bed_config.n_groups = 0;
}

/* C15: 555 only where the domain says which services there are. */
static void test_push(void)
{
	static char *known[] = { (char *)"apns", (char *)"fcm" };
	static const struct {
		const char *contact;
		int none, some;		/* codes without and with a list */
	} trials[] = {
		{ "<sip:a@192.168.1.7;pn-provider=apns;pn-prid=1>", 200, 200 },
		{ "<sip:a@192.168.1.7;pn-provider=FCM;pn-prid=1>", 200, 200 },
		{ "<sip:a@192.168.1.7;pn-provider=webpush;pn-prid=1>", 200, 555 },
		{ "<sip:a@192.168.1.7;pn-provider=apn>", 200, 555 },
		{ "<sip:a@192.168.1.7;pn-provider>", 200, 200 },
		{ "<sip:a@192.168.1.7;pn-provider=webpush>;expires=0", 200, 200 },
		{ "<sip:a@192.168.1.7>;pn-provider=webpush", 200, 200 },
	};
	char line[128];

	for (size_t i = 0; i < 2 * ARRAY_SIZE(trials); i++) {
		int code = i & 1 ? trials[i / 2].some : trials[i / 2].none;

		bed_reset();
		bed_domains[0].push = (struct words){ known, i & 1 ? 2 : 0 };
		snprintf(line, sizeof(line), "Contact: %s\r\n", trials[i / 2].contact);
		bed_register((struct bed_register){ .cseq = 1, .lines = line });
		T_OK(bed_code() == code, "%s: %d", trials[i / 2].contact, bed_code());
		T_OK(code != 555 || !location_count(), "refused and stored");
		T_OK(code == 555 || !strstr(line, "pn-prid") || bed_has(";pn-prid=1>"),
		     "it stays in the Contact: %s", bed_answer);
	}
	bed_domains[0].push.n = 0;
}

/* C15: where callgated wakes phones, it says so to those that it wakes. */
static void test_feature_caps(void)
{
	static char *known[] = { (char *)"apns", (char *)"fcm" };
	static const struct {
		const char *contact, *caps;	/* NULL: none */
	} trials[] = {
		{ "<sip:a@192.168.1.7;pn-provider=FCM;pn-prid=1>", "*;+sip.pns=\"fcm\"\r\n" },
		{ "<sip:a@192.168.1.7;pn-provider=fcm;pn-prid=1>;+sip.pnsreg",
		  "*;+sip.pns=\"fcm\";+sip.pnsreg=\"121\"\r\n" },
		{ "<sip:a@192.168.1.7;pn-provider=fcm;pn-prid=1>;x=\";+sip.pnsreg\"",
		  "*;+sip.pns=\"fcm\"\r\n" },
		{ "<sip:a@192.168.1.7;pn-provider>",
		  "*;+sip.pns=\"apns\"\r\nFeature-Caps: *;+sip.pns=\"fcm\"\r\n" },
		{ "<sip:a@192.168.1.7;pn-provider=fcm;pn-prid=%22>", NULL },
		{ "<sip:a@192.168.1.7;pn-provider=fcm>", NULL },
		{ "<sip:a@192.168.1.7>", NULL },
		{ "<sip:a@192.168.1.7;pn-provider=fcm;pn-prid=1>;expires=0", NULL },
	};
	char line[128], wanted[128];

	for (size_t i = 0; i < 2 * ARRAY_SIZE(trials); i++) {
		const char *caps = i & 1 ? trials[i / 2].caps : NULL;

		bed_reset();
		bed_domains[0].push = (struct words){ known, 2 };
		bed_domains[0].push_command = i & 1 ? (char *)"/bin/true" : NULL;
		snprintf(line, sizeof(line), "Contact: %s\r\n", trials[i / 2].contact);
		bed_register((struct bed_register){ .cseq = 1, .lines = line });
		snprintf(wanted, sizeof(wanted), "\r\nFeature-Caps: %s", caps ? caps : "");
		T_OK(bed_code() == 200 && bed_has(wanted) == !!caps, "%s: %s",
		     trials[i / 2].contact, bed_answer);
	}
	bed_domains[0].push_command = NULL;
	bed_domains[0].push.n = 0;
}

static void test_alias(void)
{
	bed_reset();
	bed_register((struct bed_register){ .to = "sip:100@office.example", .cseq = 1,
		.lines = CONTACT("a") });
	T_OK(only("bob@office.example"), "an alias is its user");
	bed_register((struct bed_register){ .to = "sip:b%6Fb@office.example" });
	T_OK(bed_has("sip:a@192.168.1.7"), "and so is an escaped name");
	bed_user_result = -EIO;
	bed_register((struct bed_register){ .to = "sip:bob@office.example" });
	T_OK(bed_code() == 503 && bed_has("Retry-After: "), "the users cannot be read");
}

/* ---- the store ---- */

static void test_later(void)
{
	bed_reset();
	bed_store_waits = true;
	bed_register((struct bed_register){ .cseq = 1, .lines = CONTACT("a"), .branch = 7 });
	T_OK(!bed_answers, "no 200 before the disk");
	bed_register((struct bed_register){ .cseq = 1, .lines = CONTACT("a"), .branch = 7 });
	T_OK(!bed_answers && bed_queued == 1, "a retransmission waits");
	bed_store_done(0);
	T_OK(bed_answers == 1 && bed_code() == 200 && location_count() == 1, "then it is there");
	bed_register((struct bed_register){ .cseq = 1, .lines = CONTACT("a"), .branch = 7 });
	T_OK(bed_answers == 1 && bed_code() == 200 && !bed_queued, "and is repeated");
}

static unsigned int times(const char *text)
{
	unsigned int n = 0;

	for (const char *at = bed_answer; (at = strstr(at, text)); at++)
		n++;
	return n;
}

static void test_store_fails(void)
{
	static const struct {
		const char *text;
		unsigned int n;
	} parts[] = {
		{ "\r\nVia: ", 1 }, { ";received=192.168.1.7;rport=5062\r\n", 1 },
		{ ";received", 1 }, { ";rport", 1 }, { "\r\nFrom: ", 1 }, { "\r\nTo: ", 1 },
		{ ";tag=", 2 }, { "\r\nCall-ID: c1\r\n", 1 }, { "\r\nCSeq: 1 REGISTER\r\n", 1 },
		{ "Contact", 0 }, { "Content-Length: 0\r\n\r\n", 1 },
	};

	bed_reset();
	bed_store_waits = true;
	bed_register((struct bed_register){ .cseq = 1, .lines = CONTACT("a") });
	bed_store_done(-ENOSPC);
	T_OK(bed_code() == 503 && bed_has("Retry-After: ") && !location_count(), "disk full: %d",
	     bed_code());
	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++)
		T_OK(times(parts[i].text) == parts[i].n, "%s: %s", parts[i].text, bed_answer);
	bed_store_refuses = -EBUSY;
	bed_register((struct bed_register){ .cseq = 2, .lines = CONTACT("a") });
	T_OK(bed_code() == 503 && !location_count(), "not even begun: %d", bed_code());
	bed_store_refuses = 0;
	bed_register((struct bed_register){ .cseq = 3, .lines = CONTACT("a") });
	bed_store_done(0);
	T_OK(bed_code() == 200 && location_count() == 1, "and again when it works");
	bed_register((struct bed_register){ .cseq = 4, .lines = "Contact: *\r\nExpires: 0\r\n" });
	bed_store_done(-EIO);
	T_OK(bed_code() == 503 && location_count() == 1, "no removal that the disk does not know");
}

/* Of one address of record the second looks at what the first has done. */
static void test_turns(void)
{
	bed_reset();
	bed_store_waits = true;
	bed_register((struct bed_register){ .cseq = 1, .lines = CONTACT("a") CONTACT("b") });
	bed_register((struct bed_register){ .cseq = 1, .lines = CONTACT("a") });
	bed_register((struct bed_register){ .call_id = "c2", .cseq = 1, .lines = CONTACT("c") });
	bed_register((struct bed_register){ .call_id = "c3", .cseq = 1, .lines = CONTACT("d") });
	bed_register((struct bed_register){ .to = "sip:bob@office.example", .cseq = 1,
		.lines = CONTACT("x") });
	T_OK(bed_queued == 2 && !bed_answers, "two addresses of record: %u", bed_queued);
	bed_store_done(0);
	T_OK(bed_answers == 2 && bed_code() == 500 && bed_queued == 2, "late: %u %d %u",
	     bed_answers, bed_code(), bed_queued);
	bed_store_done(0);
	T_OK(bed_code() == 200 && bed_queued == 1, "bob does not wait");
	bed_store_done(0);
	T_OK(bed_answers == 5 && bed_code() == 403 && location_count() == 4, "the limit: %u %d",
	     bed_answers, bed_code());
	T_OK(bed_config.refs == 0, "the configuration was put back");
}

static void test_stop_while_waiting(void)
{
	bed_reset();
	bed_store_waits = true;
	for (unsigned int i = 1; i < 5; i++)
		bed_register((struct bed_register){ .cseq = i, .lines = CONTACT("a") });
	while (bed_store_done(-EIO))
		;
	T_OK(!location_count() && bed_config.refs == 0, "all refused");
}

/* ---- times ---- */

static void test_jitter(void)
{
	unsigned int low = UINT32_MAX, high = 0, n, below = 0;
	char line[128];

	bed_reset();
	for (unsigned int i = 1; i <= 400; i++) {
		snprintf(line, sizeof(line), "Contact: <sip:a@192.168.1.7>;expires=%s\r\n",
			 i % 2 ? "1000" : "99999999");
		bed_register((struct bed_register){ .cseq = i, .lines = line });
		n = (unsigned int)atoi(strstr(bed_answer, ";expires=") + 9);
		if (i % 2 == 0) {
			T_OK(n <= 7200 && n >= 5760, "shortened to %u", n);
			continue;
		}
		T_OK(n <= 1000 && n >= 800, "granted %u", n);
		low = n < low ? n : low;
		high = n > high ? n : high;
		below += n < 900;
	}
	T_OK(low < 820 && high > 980 && below > 60 && below < 140, "spread: %u to %u, %u below 900",
	     low, high, below);
	bed_register((struct bed_register){ .cseq = 1000,
		.lines = CONTACT("m") "Expires: 65\r\n" });
	n = (unsigned int)atoi(strstr(bed_answer, ";expires=") + 9);
	T_OK(n >= 60 && n <= 65, "not below the minimum: %u", n);
	bed_register((struct bed_register){ .cseq = 1001,
		.lines = "Contact: <sip:m@192.168.1.7:5062>;expires=soon\r\n" });
	n = (unsigned int)atoi(strstr(bed_answer, "sip:m@192.168.1.7:5062>;expires=") + 32);
	T_OK(n >= 2880 && n <= 3600, "a malformed one is an hour: %u", n);
}

static void test_end(void)
{
	bed_reset();
	bed_register((struct bed_register){ .cseq = 1, .lines = CONTACT("a") "Expires: 60\r\n" });
	loop_set_now(loop_now() + 59500);
	timer_run(loop_now());
	bed_register((struct bed_register){ 0 });
	T_OK(bed_has(";expires=1\r\n"), "what is left is rounded up: %s", bed_answer);
	loop_set_now(loop_now() + 1000);
	timer_run(loop_now());
	bed_register((struct bed_register){ 0 });
	T_OK(bed_code() == 200 && !bed_has("\r\nContact"), "it has ended");
}

/* ---- sizes ---- */

static void test_sizes(void)
{
	static char line[66000];
	unsigned int n = 0;

	bed_reset();
	for (unsigned int i = 0; i < REG_CONTACTS + 1; i++)
		n += (unsigned int)sprintf(line + n, "Contact: <sip:u%u@192.168.1.7>\r\n", i);
	bed_domains[0].max_contacts = 1000;
	bed_register((struct bed_register){ .cseq = 1, .lines = line });
	T_OK(bed_code() == 403 && !location_count(), "too many in one request: %d", bed_code());
	line[n - strlen("Contact: <sip:u32@192.168.1.7>\r\n")] = '\0';
	bed_register((struct bed_register){ .cseq = 2, .lines = line });
	T_OK(bed_code() == 200 && location_count() == REG_CONTACTS, "as many as may be: %d", bed_code());
	for (n = 0; n < 2; n++) {
		sprintf(line, "Contact: <sip:a@192.168.1.7;p=%0*u>\r\n", (int)(REG_URI - 20 + n), 1u);
		bed_register((struct bed_register){ .cseq = 3 + n, .lines = line });
		T_OK(bed_code() == (n ? 400 : 200), "URI of %u: %d", REG_URI + n, bed_code());
	}
	sprintf(line, CONTACT("a") "Path: <sip:p;x=%0*u>\r\n", REG_PATH, 1u);
	bed_register((struct bed_register){ .cseq = 9, .lines = line });
	T_OK(bed_code() == 400, "a long Path: %d", bed_code());
	sprintf(line, CONTACT("l") "User-Agent: %0*u\r\n", 3000, 1u);
	bed_register((struct bed_register){ .cseq = 10, .lines = line });
	T_OK(bed_code() == 200, "a long User-Agent is cut: %d", bed_code());
	bed_domains[0].max_contacts = 3;
	bed_register((struct bed_register){ .cseq = 11, .lines = "Contact: *\r\nExpires: 0\r\n" });
	T_OK(bed_code() == 200 && !location_count(), "more than fit a request go at once");
}

int main(void)
{
	bed_open();
	test_rows();
	test_said();
	test_order();
	test_refresh();
	test_limit();
	test_flows();
	test_lists();
	test_push();
	test_feature_caps();
	test_alias();
	test_later();
	test_store_fails();
	test_turns();
	test_stop_while_waiting();
	test_jitter();
	test_end();
	test_sizes();
	bed_close();
	return t_end("registrar");
}
