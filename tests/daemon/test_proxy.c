/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a request goes, with which answer it does not, and what comes back: C06, C08, C20, C21. */
#include "proxy_world.h"

#include "proxy_dialog.h"
#include "proxy_seen.h"
#include "said.h"

static struct endpoint provider, phone, other;
static unsigned int call;

/* A request as the provider writes it; NULL: the usual. Lines end with \n. */
struct ask {
	const char *method, *uri, *to, *extra;
	struct endpoint from;
	unsigned int cseq;
	const char *branch;
};

static unsigned int ask(const struct ask *a)
{
	struct made m;
	unsigned int cseq = a->cseq ? a->cseq : 1;

	rx_make(&m, "%s %s SIP/2.0\n"
		"Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK%s%u;rport\n"
		"Max-Forwards: 70\nFrom: <sip:ann@voip.example>;tag=a\nTo: %s\n"
		"Call-ID: call%u@voip\nCSeq: %u %s\n%sContent-Length: 0\n",
		a->method, a->uri, a->branch ? a->branch : "x", call, a->to ? a->to : "<sip:b@h>",
		call, cseq, a->method, a->extra ? a->extra : "");
	return world_give(a->from.len ? a->from : provider, m.text, m.rx.len);
}

static unsigned int invite(const char *uri)
{
	call++;
	return ask(&(struct ask){ .method = "INVITE", .uri = uri });
}

static int code(void)
{
	return atoi(world_last()->text + 8);
}

static bool is_reply(int n)
{
	return !strncmp(world_last()->text, "SIP/2.0 ", 8) && code() == n &&
	       endpoint_equal(&world_last()->flow.remote, &provider);
}

static bool went_to(const struct endpoint *e, const char *line)
{
	return endpoint_equal(&world_last()->flow.remote, e) &&
	       !strncmp(world_last()->text, line, strlen(line));
}

/* ---- C21, C06: users ---- */

static void users(void)
{
	T_OK(invite("sip:bob@203.0.113.1") == 1 && is_reply(480), "nowhere: 480, not %d", code());
	T_OK(world_header(world_last()->text, "Retry-After", 0)[0], "Retry-After");
	T_OK(invite("sip:nobody@203.0.113.1") == 1 && is_reply(404), "nobody: 404");
	T_OK(invite("sip:carol@office.example") == 1 && is_reply(404), "switched off: 404");
	T_OK(invite("sip:dave@office.example") == 1 && is_reply(503), "store in trouble: 503");
	T_OK(invite("sip:203.0.113.1") == 1 && is_reply(404), "no user at all: 404");
	world_locate("bob@office.example", "sip:bob@192.168.1.10:5062;line=3", phone);
	T_OK(invite("sip:bob@203.0.113.1") == 1 &&
	     went_to(&phone, "INVITE sip:bob@192.168.1.10:5062;line=3 SIP/2.0\r\n"), "by address");
	T_OK(endpoint_equal(&world_last()->flow.local,
			    &(struct endpoint){ 4, { 192, 168, 1, 1 }, 5060 }),
	     "from the address of ours that it registered at");
	T_OK(invite("sip:bob@Office.Example;user=phone") == 1 && went_to(&phone, "INVITE sip:bob@"),
	     "by domain");
	T_OK(invite("sip:robert@office.example") == 1 && went_to(&phone, "INVITE sip:bob@"),
	     "by alias");
	T_OK(invite("sip:b%6Fb@203.0.113.1:5060") == 1 && went_to(&phone, "INVITE sip:bob@"),
	     "by an escaped name");
	T_OK(invite("sips:bob@203.0.113.1") == 1 && is_reply(480), "sips is not downgraded");
	world_locate("sue@office.example", "SIPS:sue@192.168.1.11", other);
	T_OK(invite("sip:sue@203.0.113.1") == 1 && is_reply(480), "a Contact with sips, neither");
	world_locate("sue@office.example", NULL, other);
	world_locate("+4930123@office.example", "sip:+4930123@192.168.1.11", other);
	T_OK(invite("tel:+49-30-1.23") == 1 && went_to(&other, "INVITE sip:+4930123@"), "tel");
	T_OK(invite("tel:+49-30-1.24") == 1 && is_reply(404), "another number: 404");
	world_locate("+4930123@office.example", NULL, other);
}

/* RFC 6140: the numbers of a PBX are aliases of its user; it is called by the one that was. */
static void bulk(void)
{
	world_locate("bob@office.example", "sip:192.168.1.10:5062;x=1;bnc;y", phone);
	T_OK(invite("sip:robert@office.example;user=phone") == 1 &&
	     went_to(&phone, "INVITE sip:robert@192.168.1.10:5062;x=1;y SIP/2.0\r\n"), "an alias");
	T_OK(invite("sip:bob@203.0.113.1") == 1 &&
	     went_to(&phone, "INVITE sip:bob@192.168.1.10:5062;x=1;y SIP"), "its own name");
	world_locate("bob@office.example", "sip:192.168.1.10:5062;BNC", phone);
	T_OK(invite("sip:robert@office.example") == 1 &&
	     went_to(&phone, "INVITE sip:robert@192.168.1.10:5062 SIP"), "no other parameter");
	world_locate("bob@office.example", "sip:bob@192.168.1.10:5062;line=3", phone);
}

/* C16: of a passive domain we know who registered, and nobody else. */
static void passive(void)
{
	struct ask a = { .method = "INVITE", .uri = "sip:kim@voip.example" };

	world_locate("kim@voip.example", "sip:kim@192.168.1.11", other);
	T_OK(invite(a.uri) == 1 && went_to(&other, "INVITE sip:kim@192.168.1.11 "), "registered");
	world_locate("kim@voip.example", NULL, other);
	T_OK(invite(a.uri) == 1 && is_reply(480), "not registered: %d", code());
	call++;
	a.from = phone;
	T_OK(ask(&a) == 1 && code() == 404 &&
	     strstr(world_header(world_last()->text, "Warning", 0), "399 "),
	     "from inside: to its registrar, whose name is not looked up: %d", code());
}

static void uniform(void)
{
	struct endpoint stranger = at4("100.64.3.3", 5060);

	world_config.uniform = true;
	call++;
	world_locate("bob@office.example", NULL, phone);
	ask(&(struct ask){ .method = "INVITE", .uri = "sip:bob@203.0.113.1", .from = stranger });
	T_OK(code() == 480, "absent: %d", code());
	call++;
	ask(&(struct ask){ .method = "INVITE", .uri = "sip:no@203.0.113.1", .from = stranger });
	T_OK(code() == 480, "missing: %d", code());
	T_OK(invite("sip:no@203.0.113.1") == 1 && is_reply(404), "who is trusted is told");
	world_config.uniform = false;
	world_locate("bob@office.example", "sip:bob@192.168.1.10:5062;line=3", phone);
}

/* ---- C08: others ---- */

static void foreign(void)
{
	T_OK(invite("sip:x@192.0.2.55") == 1 && is_reply(403), "not for others: 403");
	T_OK(invite("sip:x@elsewhere.example") == 1 && is_reply(403), "not for others: 403");
	call++;
	ask(&(struct ask){ .method = "INVITE", .uri = "sip:bob@office.example",
			   .extra = "Route: <sip:192.0.2.55;lr>\n" });
	T_OK(is_reply(403), "nor by a Route: %d", code());
	world_config.foreign = FOREIGN_RELAY;
	T_OK(invite("sip:x@192.0.2.55") == 1 &&
	     went_to(&(struct endpoint){ 4, { 192, 0, 2, 55 }, 5060 }, "INVITE sip:x@192.0.2.55 "),
	     "by policy");
	T_OK(invite("sip:x@elsewhere.example") == 1 && is_reply(404) &&
	     strstr(world_header(world_last()->text, "Warning", 0), "399 "), "no resolver: 404");
	T_OK(invite("sips:x@192.0.2.55") == 1 && is_reply(416), "sips: 416, not %d", code());
	T_OK(invite("sip:x@192.0.2.55;transport=tcp") == 1 && is_reply(503), "TCP: %d", code());
	T_OK(invite("sip:x@far.example:5070;maddr=192.0.2.56;transport=UDP") == 1 &&
	     went_to(&(struct endpoint){ 4, { 192, 0, 2, 56 }, 5070 }, "INVITE sip:x@far."),
	     "maddr");
	world_no_route = true;
	T_OK(invite("sip:x@192.0.2.55") == 1 && is_reply(503), "no route: 503, not %d", code());
	world_no_route = false;
	T_OK(invite("sip:bob@192.168.1.1:5060;maddr=1.2.3.4") == 1 && went_to(&phone, "INVITE "),
	     "what is ours is ours");
	world_config.foreign = FOREIGN_REJECT;
	T_OK(invite("sip:x@pbx.example") == 1 &&
	     went_to(&(struct endpoint){ 4, { 192, 168, 1, 200 }, 5070 }, "INVITE sip:x@pbx.ex"),
	     "a domain of another server");
}

static void policy(void)
{
	unsigned int asked = world_asked;

	world_access = 403;
	T_OK(invite("sip:bob@203.0.113.1") == 1 && is_reply(403), "policy");
	call++;
	T_OK(!ask(&(struct ask){ .method = "ACK", .uri = "sip:bob@203.0.113.1" }),
	     "an ACK is not answered");
	world_access = 0;
	T_OK(world_asked == asked + 2, "was asked");
}

/* Every call of a user of ours begins with a 407: that is not worth a line, a refusal is. */
static void what_is_said(void)
{
	said_begin(LOG_LEVEL_INFO);
	world_access = 407;
	T_OK(invite("sip:bob@203.0.113.1") == 1 && is_reply(407) && !*said(), "a 407: %s",
	     said_text);
	world_access = 403;
	T_OK(invite("sip:bob@203.0.113.1") == 1 && is_reply(403) &&
	     strstr(said(), "INVITE sip:bob@203.0.113.1 refused: 403"), "a 403: %s", said_text);
	world_access = 0;
	said_end(LOG_LEVEL_WARN);
}

static unsigned int told;

static void count_key(void)
{
	told++;
}

/* Whoever has a copy of the key is told. */
static void key_hook(void)
{
	proxy_key_hook(count_key);
	proxy_key_set((const uint8_t *)"0123456789abcdef", NULL);
	T_OK(told == 1, "told %u times", told);
	proxy_key_hook(NULL);
	proxy_key_set((const uint8_t *)"0123456789abcdef", NULL);
	T_OK(told == 1, "told %u times", told);
}

/* ---- the message ---- */

static const char asserted[] =
	"P-Asserted-Identity: <sip:boss@office.example>\nX-Mine: 1\n"
	"P-Asserted-Identity: <tel:+491>\n";

static void identity(void)
{
	struct ask a = { .method = "INVITE", .uri = "sip:bob@203.0.113.1", .extra = asserted };

	call++;
	T_OK(ask(&a) == 1 && strstr(world_last()->text, "P-Asserted-Identity: <tel:+491>"),
	     "who is trusted");
	call++;
	a.from = at4("100.64.3.3", 5060);
	T_OK(ask(&a) == 1 && !strstr(world_last()->text, "P-Asserted-Identity") &&
	     strstr(world_last()->text, "X-Mine: 1\r\n"), "who is not");
	call++;
	a.from = other;
	T_OK(ask(&a) == 1 && strstr(world_last()->text, "P-Asserted-Identity"), "from inside");
	call++;
	world_disowned = true;
	T_OK(ask(&a) == 1 && !strstr(world_last()->text, "P-Asserted-Identity"), "not his own");
	world_disowned = false;
	T_OK(ask(&a) == 1 && !strstr(world_last()->text, "P-Asserted-Identity"),
	     "nor in the repetition");
}

/* Those of main domains are ours; the users of the others have their passwords elsewhere. */
static void credentials(void)
{
	struct ask a = { .method = "INVITE", .uri = "sip:bob@203.0.113.1", .extra =
		"Proxy-Authorization: Digest username=\"a\", realm=\"office.example\", response=\"1\"\n"
		"Proxy-Authorization: Digest username=\"a\", realm=\"voip.example\"\n"
		"Authorization: Digest username=\"a\", realm=\"office.example\", response=\"2\"\n"
		"Authorization: Digest username=\"a\", realm=\"pbx.example\"\n" };

	call++;
	T_OK(ask(&a) == 1 && !strstr(world_last()->text, "realm=\"office.example"), "ours: %s",
	     world_last()->text);
	T_OK(strstr(world_last()->text, "\r\nProxy-Authorization: Digest username=\"a\", "
		    "realm=\"voip.example\"\r\n") &&
	     strstr(world_last()->text, "\r\nAuthorization: Digest username=\"a\", "
		    "realm=\"pbx.example\"\r\n"), "theirs: %s", world_last()->text);
	world_config.n_domains = 0;
	call++;
	a.uri = "sip:bob@198.51.100.77";
	world_config.foreign = FOREIGN_RELAY;
	T_OK(ask(&a) == 1 && strstr(world_last()->text, "realm=\"office.example"),
	     "of nobody here: %s", world_last()->text);
	world_config.foreign = FOREIGN_REJECT;
	world_config.n_domains = 3;
}

static void loops(void)
{
	char again[RX_SIZE];
	uint32_t len;

	world_config.foreign = FOREIGN_RELAY;
	T_OK(invite("sip:x@192.0.2.55") == 1, "first");
	len = world_last()->len;
	memcpy(again, world_last()->text, len);
	T_OK(world_give(provider, again, len) == 1 && code() == 482, "the same again: %d", code());
	world_config.foreign = FOREIGN_REJECT;
	world_locate("eve@office.example", "sip:eve@203.0.113.1", at4("203.0.113.1", 5060));
	T_OK(invite("sip:eve@203.0.113.1") == 1 && is_reply(482), "located at us: 482");
	world_locate("eve@office.example", NULL, phone);
}

/* ---- one way for all of a transaction ---- */

static void same_way(void)
{
	struct ask a = { .method = "INVITE", .uri = "sip:bob@203.0.113.1" };
	char first[RX_SIZE], via[1024];

	call++;
	T_OK(ask(&a) == 1 && went_to(&phone, "INVITE "), "INVITE");
	memcpy(first, world_last()->text, sizeof(first));
	snprintf(via, sizeof(via), "%s", world_header(first, "Via", 0));
	world_locate("bob@office.example", "sip:bob@192.168.1.11", other);
	T_OK(ask(&a) == 1 && went_to(&phone, "INVITE ") && !strcmp(world_last()->text, first),
	     "again: the same, though he has moved");
	a.method = "CANCEL";
	T_OK(ask(&a) == 1 && went_to(&phone, "CANCEL sip:bob@192.168.1.10:5062;line=3 ") &&
	     !strcmp(world_header(world_last()->text, "Via", 0), via), "CANCEL goes after it");
	a.method = "ACK";
	T_OK(ask(&a) == 1 && went_to(&phone, "ACK sip:bob@192.168.1.10:5062;line=3 ") &&
	     !strcmp(world_header(world_last()->text, "Via", 0), via), "and the ACK of a refusal");
	proxy_key_set((const uint8_t *)"another key here", (const uint8_t *)"0123456789abcdef");
	a.method = "INVITE";
	T_OK(ask(&a) == 1 && !strcmp(world_last()->text, first), "the key has changed");
	T_OK(invite("sip:bob@203.0.113.1") == 1 && went_to(&other, "INVITE "), "a new one");
	rx_wait(601000);
	call--;
	T_OK(ask(&a) == 1 && went_to(&other, "INVITE "), "the old one after all that time");
	proxy_key_set((const uint8_t *)"0123456789abcdef", NULL);
	call++;
	a.method = "CANCEL";
	world_locate("bob@office.example", NULL, phone);
	call += 1000;
	T_OK(ask(&a) == 1 && is_reply(481), "a CANCEL that leads nowhere: %d", code());
	world_locate("bob@office.example", "sip:bob@192.168.1.10:5062;line=3", phone);
	call++;
	T_OK(ask(&a) == 1 && went_to(&phone, "CANCEL "), "a CANCEL of what is not known here");
}

/* ---- dialogs ---- */

/* A call of the provider to bob; the 200 as the provider gets it. */
static void answered(char out[RX_SIZE], const char *contact)
{
	struct made m;

	call++;
	ask(&(struct ask){ .method = "INVITE", .uri = "sip:bob@203.0.113.1",
			   .to = "<sip:bob@office.example>",
			   .extra = "Contact: <sip:ann@198.51.100.9>\n" });
	T_OK(went_to(&phone, "INVITE "), "INVITE");
	rx_make(&m, "SIP/2.0 200 OK\nVia: %s\nVia: %s\nRecord-Route: %s\nRecord-Route: %s\n"
		"From: <sip:ann@voip.example>;tag=a\nTo: <sip:bob@office.example>;tag=b\n"
		"Call-ID: call%u@voip\nCSeq: 1 INVITE\nContact: %s\nContent-Length: 0\n",
		world_header(world_last()->text, "Via", 0),
		world_header(world_last()->text, "Via", 1),
		world_header(world_last()->text, "Record-Route", 0),
		world_header(world_last()->text, "Record-Route", 1), call, contact);
	T_OK(world_give(phone, m.text, m.rx.len) == 1 && went_to(&provider, "SIP/2.0 200 "),
	     "200");
	memcpy(out, world_last()->text, RX_SIZE);
}

/* What stands between < and >. */
static const char *uri_in(const char *value)
{
	static char out[1024];
	const char *at = strchr(value, '<');

	snprintf(out, sizeof(out), "%.*s", (int)strcspn(at + 1, ">"), at + 1);
	return out;
}

/* To whom called bob, by his tag, and without a Route: from here. */
static bool reaches_caller(struct endpoint from, const char *branch)
{
	struct made m;

	rx_make(&m, "INFO sip:203.0.113.1 SIP/2.0\nVia: SIP/2.0/UDP h:5060;branch=z9hG4bK%s;rport\n"
		"Max-Forwards: 70\nFrom: <sip:bob@office.example>;tag=b\n"
		"To: <sip:ann@voip.example>;tag=a\nCall-ID: call%u@voip\nCSeq: 7 INFO\n"
		"Content-Length: 0\n", branch, call);
	return world_give(from, m.text, m.rx.len) == 1 &&
	       went_to(&provider, "INFO sip:ann@198.51.100.9 ");
}

static void dialogs(void)
{
	char ok[RX_SIZE], routes[2200], cut[1024];
	unsigned int asked;
	struct ask a = { .method = "BYE", .to = "<sip:bob@office.example>;tag=b", .cseq = 2,
			 .branch = "bye" };

	answered(ok, "<sip:bob@192.168.1.10:5062;line=3>");
	snprintf(routes, sizeof(routes), "Route: %s\nRoute: %s\n",
		 world_header(ok, "Record-Route", 1), world_header(ok, "Record-Route", 0));
	a.uri = uri_in(world_header(ok, "Contact", 0));
	T_OK(!strncmp(a.uri, "sip:bob@203.0.113.1:5060;line=3;cg=", 35), "hidden: %s", a.uri);
	/* he has moved: the dialog has not */
	world_locate("bob@office.example", "sip:bob@192.168.1.11", other);
	asked = world_asked;
	a.extra = routes;
	T_OK(ask(&a) == 1 && went_to(&phone, "BYE sip:bob@192.168.1.10:5062;line=3 SIP/2.0\r\n") &&
	     !strstr(world_last()->text, "\r\nRoute:"), "token and Route: %s", world_last()->text);
	T_OK(world_asked == asked, "what has our Route for this Call-ID is let in");
	a.extra = "";
	a.branch = "bye2";
	T_OK(ask(&a) == 1 && went_to(&phone, "BYE sip:bob@192.168.1.10:5062;line=3 "), "token");
	snprintf(cut, sizeof(cut), "%.40s", a.uri);
	a.uri = cut;
	a.branch = "bye3";
	a.extra = routes;
	T_OK(ask(&a) == 1 && went_to(&phone, "BYE "), "Route, and a token cut short: %s",
	     world_last()->text);
	a.uri = "sip:bob@203.0.113.1";
	a.branch = "bye4";
	T_OK(ask(&a) == 1 && went_to(&phone, "BYE sip:bob@192.168.1.10:5062 "),
	     "Route alone: %s", world_last()->text);
	a.extra = "";
	a.branch = "bye5";
	T_OK(ask(&a) == 1 && went_to(&phone, "BYE sip:bob@192.168.1.10:5062;line=3 "),
	     "neither: by Call-ID and tags: %s", world_last()->text);
	T_OK(reaches_caller(phone, "i1"), "the other way: %s", world_last()->text);
	T_OK(!reaches_caller(at4("192.0.2.66", 5060), "i2"), "no stranger is led to the caller");
	T_OK(reaches_caller(provider, "i3"), "who is trusted is");
	dialog_free();
	a.branch = "bye6";
	T_OK(ask(&a) == 1 && went_to(&other, "BYE "), "nothing at all: by location");
	world_locate("bob@office.example", "sip:bob@192.168.1.10:5062;line=3", phone);
}

/* From the one who was called, by the Route set that he has. */
static void back(void)
{
	char ok[RX_SIZE];
	struct made m;
	static const char *const lines[] = { "Route: %s\nRoute: %s\n", "" };

	for (unsigned int i = 0; i < 2; i++) {
		char routes[2200];

		answered(ok, "<sip:bob@192.168.1.10:5062;line=3>");
		snprintf(routes, sizeof(routes), "Route: %s\nRoute: %s\n",
			 world_header(ok, "Record-Route", 0), world_header(ok, "Record-Route", 1));
		rx_make(&m, "BYE %s SIP/2.0\n"
			"Via: SIP/2.0/UDP 192.168.1.10:5062;branch=z9hG4bKback%u\nMax-Forwards: 70\n"
			"%sFrom: <sip:bob@office.example>;tag=b\nTo: <sip:ann@voip.example>;tag=a\n"
			"Call-ID: call%u@voip\nCSeq: 1 BYE\nContent-Length: 0\n",
			i ? "sip:ann@203.0.113.1" : "sip:ann@198.51.100.9", call,
			lines[i][0] ? routes : "", call);
		T_OK(world_give(phone, m.text, m.rx.len) == 1 &&
		     went_to(&provider, "BYE sip:ann@198.51.100.9 SIP/2.0\r\n") &&
		     !strstr(world_last()->text, "\r\nRoute"), "%u: %s", i, world_last()->text);
	}
}

/*
 * A caller outside says that he is at an inside address. His Contact is hidden behind a token; who
 * brings it back without our Route reaches him, and never the host that he named.
 */
static void far(void)
{
	struct endpoint liar = at4("100.64.3.3", 40000);
	char contact[1024];
	struct made m;

	for (unsigned int i = 0; i < 2; i++) {
		call++;
		ask(&(struct ask){ .method = "INVITE", .uri = "sip:bob@203.0.113.1", .from = liar,
				   .extra = "Contact: <sip:x@192.168.1.50:5060>\n" });
		snprintf(contact, sizeof(contact), "%s",
			 uri_in(world_header(world_last()->text, "Contact", 0)));
		T_OK(went_to(&phone, "INVITE ") &&
		     !strncmp(contact, "sip:x@192.168.1.1:5060;cg=", 26), "hidden: %s", contact);
		if (i)
			dialog_free();
		rx_make(&m, "BYE %s SIP/2.0\n"
			"Via: SIP/2.0/UDP 192.168.1.10:5062;branch=z9hG4bKfar%u\n"
			"Max-Forwards: 70\nFrom: <sip:b@h>;tag=b\nTo: <sip:ann@voip.example>;tag=a\n"
			"Call-ID: call%u@voip\nCSeq: 1 BYE\nContent-Length: 0\n", contact, i, call);
		T_OK(world_give(phone, m.text, m.rx.len) == 1, "BYE");
		T_OK(i ? code() == 404 : went_to(&liar, "BYE sip:x@192.168.1.50:5060 "), "%u: %s",
		     i, world_last()->text);
	}
}

/* ---- Path, trunks ---- */

static void paths(void)
{
	struct contact c = { .flow = flow_of(phone), .uri = "sip:pat@10.9.9.9", .call_id = "r",
			     .path = "<sip:edge@192.168.1.10:5062;lr>, <sip:in;lr>", .q = 1000,
			     .until = ((uint64_t)time(NULL) + 3600) * 1000 };
	struct location_change change = { .aor = "pat@office.example", .put = &c, .n_put = 1 };

	T_OK(!location_commit(&change, committed, NULL), "pat");
	T_OK(invite("sip:pat@203.0.113.1") == 1 && went_to(&phone, "INVITE sip:pat@10.9.9.9 ") &&
	     !strcmp(world_header(world_last()->text, "Route", 0), c.path), "Path: %s",
	     world_last()->text);
	world_locate("pat@office.example", NULL, phone);
}

static void trunks(void)
{
	struct contact c = { .flow = flow_of(phone), .uri = "sip:192.168.1.10:5062;bnc" };

	world_trunk = &c;
	T_OK(invite("sip:+4912345;ext=7@203.0.113.1:5060;user=phone") == 1 &&
	     went_to(&phone, "INVITE sip:+4912345;ext=7@192.168.1.10:5062;user=phone SIP/2.0"),
	     "user and parameters are kept: %s", world_last()->text);
	world_trunk = NULL;
}

/* ---- responses ---- */

static void responses(void)
{
	char ok[RX_SIZE], text[RX_SIZE];
	uint32_t len;

	answered(ok, "<sip:bob@192.168.1.10:5062>");
	T_OK(strstr(ok, "Via: SIP/2.0/UDP 198.51.100.9:5060;") && !strstr(ok, "192.168.1.10"),
	     "nothing of inside: %s", ok);
	len = (uint32_t)strlen(ok);
	T_OK(!world_give(phone, ok, len), "a response to us, not through us");
	memcpy(text, ok, len);
	T_OK(!world_give(provider, text, len), "again");
}

/* Never more than there is room for; the oldest goes. */
static void bounded(void)
{
	static struct way w;
	uint32_t generation;

	seen_free();
	for (uint64_t i = 1; i <= SEEN_MAX + 10; i++)
		seen_add(i, &w, 7, false);
	T_OK(seen_count() == SEEN_MAX, "%zu", seen_count());
	T_OK(!seen_find(10, &w, &generation) && seen_find(11, &w, &generation) && generation == 7,
	     "which of them");
	rx_wait(33000);
	T_OK(!seen_find(SEEN_MAX, &w, &generation), "after their time");
	seen_add(1, &w, 7, false);
	T_OK(seen_count() < SEEN_MAX, "they go, some with each that comes");
	seen_free();
}

int main(void)
{
	provider = at4("198.51.100.9", 5060);
	phone = at4("192.168.1.10", 5062);
	other = at4("192.168.1.11", 5060);
	log_setup(LOG_LEVEL_WARN);
	world_open();
	users();
	bulk();
	passive();
	uniform();
	foreign();
	policy();
	what_is_said();
	key_hook();
	identity();
	credentials();
	loops();
	same_way();
	dialogs();
	back();
	far();
	paths();
	trunks();
	responses();
	T_OK(seen_count() > 0 && seen_count() < SEEN_MAX, "%zu targets", seen_count());
	bounded();
	world_close();
	T_OK(!seen_count() && !dialog_count(), "nothing is left");
	return t_end("test_proxy");
}
