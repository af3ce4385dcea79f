/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SUBSCRIBE and NOTIFY of RFC 6665: codes in their order, dialogs, when a NOTIFY goes out, and each
 * way in which a subscription ends. The package, the wire and who may are played here.
 */
#include <errno.h>

#include "auth.h"
#include "client.h"
#include "log.h"
#include "notifier.h"
#include "proxy.h"
#include "reply.h"
#include "rx.h"
#include "sip/token.h"
#include "txn.h"

/* ---- what surrounds it ---- */

static struct config config = {
	.subscriptions = 8, .subscriptions_user = 4, .subscription_min = 60,
};
static config_hook_fn *reloaded;

const struct config *config_now(void)
{
	return &config;
}

int config_hook(config_hook_fn *fn)
{
	reloaded = fn;
	return 0;
}

const struct sip_key *proxy_key(void)
{
	static const struct sip_key key = { .key = { "0123456789abcdef" } };

	return &key;
}

void auth_challenge(struct reply *r, const struct auth *a)
{
	(void)a;
	reply_header(r, "WWW-Authenticate", "Digest");
}

void auth_info(struct reply *r, const struct auth *a)
{
	reply_header(r, "Authentication-Info", "%s", a->user.name);
}

void transport_response_flow(const struct rx *rx, struct sip_flow *out)
{
	*out = rx->flow;
}

static char answer[RX_SIZE], notify[RX_SIZE];	/* the last of each */
static unsigned int answers, notifies;
static uint64_t notified;
static int wire;

int transport_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	bool is_answer = len > 7 && !memcmp(buf, "SIP/2.0", 7);
	char *out = is_answer ? answer : notify;

	T_OK(flow->remote.port == 4444 && len < RX_SIZE, "another flow, or %u bytes", len);
	if (wire && !is_answer)
		return wire;
	memcpy(out, buf, len);
	out[len] = '\0';
	answers += is_answer;
	notifies += !is_answer;
	if (!is_answer)
		notified = loop_now();
	return 0;
}

/* ---- the package ---- */

static struct access verdict;
static const char *login;
static bool no_memory;
static const char *review_says;
static unsigned int begun, ended, written;
static bool wrote_all;

static void admit(const struct rx *rx, const struct domain *d, struct access *a,
		  char resource[static AOR_MAX + 1])
{
	(void)rx, (void)d;
	*a = verdict;
	snprintf(a->auth.user.name, sizeof(a->auth.user.name), "%s", login);
	snprintf(a->auth.user.domain, sizeof(a->auth.user.domain), "office.example");
	strcpy(resource, "watched@office.example");
}

static struct subscription *latest;

static void *begin(struct subscription *s, const char *resource)
{
	T_OK(!strcmp(resource, "watched@office.example"), "%s", resource);
	if (no_memory)
		return NULL;
	latest = s;
	begun++;
	return &begun;
}

static uint32_t write_part(void *part, bool full, char out[static NOTIFY_BODY])
{
	T_OK(part == &begun, "another part");
	wrote_all = full;
	return (uint32_t)snprintf(out, NOTIFY_BODY, "%s %u", full ? "all" : "some", ++written);
}

static const char *review(const void *part, const char *watcher)
{
	T_OK(part == &begun && strstr(watcher, "@office.example"), "%s", watcher);
	return review_says;
}

static void end_part(void *part)
{
	T_OK(part == &begun, "another part");
	ended++;
}

static const struct notifier_package package = {
	.event = "test", .type = "text/test", .expires = 600, .expires_max = 7200,
	.admit = admit, .begin = begin, .write = write_part, .review = review, .end = end_part,
};
static const struct notifier_package others[] = {
	{ .event = "second" }, { .event = "third" }, { .event = "fourth" }, { .event = "fifth" },
};

static void fresh(void)
{
	notifier_free();
	txn_free_all();
	T_OK(!notifier_count() && begun == ended && !client_count(), "something is left");
	T_OK(!notifier_package(&package), "package");
	config.subscriptions = 8;
	config.subscriptions_user = 4;
	verdict = (struct access){ 0 };
	login = "alice";
	no_memory = false;
	review_says = NULL;
	wire = 0;
	begun = ended = written = 0;
	rx_wait(10);
}

/* ---- the subscriber ---- */

struct ask {
	const char *id;		/* of Call-ID; NULL: "c" */
	const char *tag;	/* ours, in To; NULL: none */
	const char *uri, *event, *expires, *contact, *more;
	unsigned int cseq;
};

static struct made *made(struct ask a)
{
	static struct made m;
	static unsigned int branch;
	int bad = rx_make(&m, "SUBSCRIBE %s SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:4444;rport;"
		"branch=z9hG4bK%u\nMax-Forwards: 70\nFrom: \"A\" <sip:alice@office.example>;tag=f1\n"
		"To: <sip:watched@office.example>%s%s\nCall-ID: %s\nCSeq: %u SUBSCRIBE\n"
		"Event: %s\nExpires: %s\n%s%s%sContent-Length: 0\n",
		a.uri ? a.uri : "sip:watched@office.example", ++branch, a.tag ? ";tag=" : "",
		a.tag ? a.tag : "", a.id ? a.id : "c", a.cseq ? a.cseq : 1,
		a.event ? a.event : "test", a.expires ? a.expires : "600",
		a.contact ? a.contact : "Contact: <sip:alice@192.0.2.1:4444>",
		a.contact && !*a.contact ? "" : "\n", a.more ? a.more : "");

	T_OK(bad == SIP_OK, "not parsed: %d", bad);
	return &m;
}

/* The code of the answer. */
static int ask(struct ask a)
{
	struct made *m = made(a);
	struct txn *t;

	answers = notifies = 0;
	answer[0] = notify[0] = '\0';
	if (txn_begin(&m->rx, &t) != TXN_NEW)
		return -1;
	notifier_request(&m->rx, t, NULL);
	T_OK(answers == 1, "%u answers", answers);
	return atoi(answer + 8);
}

static const char *tag_in(const char *text, const char *header)
{
	static char out[64];
	const char *at = strstr(world_header(text, header, 0), ";tag=");

	snprintf(out, sizeof(out), "%s", at ? at + 5 : "");
	return out;
}

static bool has(const char *text, const char *header, const char *value)
{
	const char *is = world_header(text, header, 0);

	if (!strcmp(is, value))
		return true;
	printf("%s: %s\n", header, is);
	return false;
}

/* The subscriber's answer to the last NOTIFY. */
static void reply_to_notify(const char *status, const char *more)
{
	static struct made m;

	T_OK(rx_make(&m, "SIP/2.0 %s\nVia: %s\nFrom: %s\nTo: <sip:a@b>;tag=f1\nCall-ID: c\n"
		     "CSeq: %s\n%sContent-Length: 0\n", status, world_header(notify, "Via", 0),
		     world_header(notify, "From", 0), world_header(notify, "CSeq", 0), more) ==
	     SIP_OK, "not parsed");
	T_OK(client_response(&m.rx), "nobody waited for it");
}

/* A subscription that is there, with its first NOTIFY answered; its tag. */
static const char *subscribed(struct ask a)
{
	static char tag[64];
	int code = ask(a);

	T_OK(code == 200 && notifies == 1, "%d, %u NOTIFYs", code, notifies);
	snprintf(tag, sizeof(tag), "%s", tag_in(answer, "To"));
	reply_to_notify("200 OK", "");
	notifies = 0;
	return tag;
}

static bool state(const char *wanted)
{
	return has(notify, "Subscription-State", wanted);
}

static const char *body(void)
{
	const char *at = strstr(notify, "\r\n\r\n");

	return at ? at + 4 : "?";
}

/* ---- the tests ---- */

static void the_dialog(void)
{
	char tag[64];

	fresh();
	T_OK(ask((struct ask){ .event = "test;x=1;id=77", .more =
	     "Record-Route: <sip:a.example;lr>, <sip:b.example;lr>\nRecord-Route: <sip:c;lr>\n" })
	     == 200, "%s", answer);
	snprintf(tag, sizeof(tag), "%s", tag_in(answer, "To"));
	T_OK(strlen(tag) == 16 && has(answer, "Expires", "600") &&
	     has(answer, "Allow-Events", "test") && has(answer, "Authentication-Info", "alice") &&
	     has(answer, "Contact", "<sip:192.0.2.9:5060>") &&
	     has(answer, "Record-Route", "<sip:a.example;lr>, <sip:b.example;lr>") &&
	     !strcmp(world_header(answer, "Record-Route", 1), "<sip:c;lr>"), "%s", answer);
	T_OK(notifies == 1 && !strncmp(notify, "NOTIFY sip:alice@192.0.2.1:4444 SIP/2.0\r\n", 41) &&
	     !strcmp(tag_in(notify, "From"), tag) && state("active;expires=600") &&
	     has(notify, "To", "\"A\" <sip:alice@office.example>;tag=f1") &&
	     has(notify, "Call-ID", "c") && has(notify, "CSeq", "1 NOTIFY") &&
	     has(notify, "Event", "test;id=77") && has(notify, "Content-Type", "text/test") &&
	     has(notify, "Contact", "<sip:192.0.2.9:5060>") && has(notify, "Content-Length", "5") &&
	     has(notify, "Route", "<sip:a.example;lr>, <sip:b.example;lr>, <sip:c;lr>"), "%s",
	     notify);
	T_OK(!strcmp(body(), "all 1") && notifier_count() == 1, "%s", notify);
	reply_to_notify("200 OK", "");
	T_OK(ask((struct ask){ .tag = tag, .cseq = 2, .event = "test" }) == 481, "another id");
	T_OK(ask((struct ask){ .tag = tag, .cseq = 2, .event = "test;id=77", .expires = "300",
			       .contact = "Contact: <sip:new@192.0.2.1>" }) == 200 &&
	     !strcmp(tag_in(answer, "To"), tag) && notifies == 1 && has(notify, "CSeq", "2 NOTIFY") &&
	     !strncmp(notify, "NOTIFY sip:new@192.0.2.1 ", 25) && state("active;expires=300") &&
	     notifier_count() == 1 && begun == 1, "%s", notify);
	reply_to_notify("200 OK", "");
	T_OK(ask((struct ask){ .tag = tag, .cseq = 3, .event = "test;id=77", .contact = "" }) == 200
	     && !strncmp(notify, "NOTIFY sip:new@192.0.2.1 ", 25), "no Contact: %s", notify);
	T_OK(ask((struct ask){ .tag = tag, .cseq = 3, .event = "test;id=77" }) == 500, "%s",
	     answer);
	login = "bob";
	T_OK(ask((struct ask){ .tag = tag, .cseq = 4, .event = "test;id=77" }) == 403 &&
	     strstr(answer, "Another User's"), "%s", answer);
}

static void the_refusals(void)
{
	fresh();
	verdict.code = 403;
	T_OK(ask((struct ask){ .event = "presence", .more = "Accept: text/plain\n" }) == 489 &&
	     has(answer, "Allow-Events", "test"), "%s", answer);
	T_OK(ask((struct ask){ .tag = "x", .expires = "1", .more = "Accept: text/plain\n" }) == 406 &&
	     has(answer, "Accept", "text/test"), "%s", answer);
	T_OK(ask((struct ask){ .tag = "x", .expires = "1" }) == 481, "%s", answer);
	T_OK(ask((struct ask){ .expires = "59" }) == 423 && has(answer, "Min-Expires", "60"), "%s",
	     answer);
	T_OK(ask((struct ask){ .contact = "" }) == 403, "%s", answer);
	verdict = (struct access){ .code = 401, .challenge = true };
	T_OK(ask((struct ask){ .contact = "" }) == 401 && has(answer, "WWW-Authenticate", "Digest"),
	     "%s", answer);
	verdict = (struct access){ .code = 404, .reason = "Nobody" };
	T_OK(ask((struct ask){ 0 }) == 404 && strstr(answer, "404 Nobody"), "%s", answer);
	verdict = (struct access){ 0 };
	for (unsigned int i = 0; i < 3; i++) {
		static const char *const bad[] = { "", "Contact: *", "Contact: <tel:1>" };

		T_OK(ask((struct ask){ .contact = bad[i] }) == 400 && strstr(answer, "Bad Contact"),
		     "%s: %s", bad[i], answer);
	}
	no_memory = true;
	T_OK(ask((struct ask){ 0 }) == 503, "%s", answer);
	T_OK(!notifier_count() && !notifies && !begun, "a subscription of a refused one");
}

static void the_types(void)
{
	static const char *const good[] = {
		"text/test", "TEXT/Test;q=0.5", "application/*", "x/y, */* ;q=0.1",
	};
	char more[64], id[8];

	fresh();
	for (unsigned int i = 0; i < 4; i++) {
		snprintf(more, sizeof(more), "Accept: %s\n", good[i]);
		snprintf(id, sizeof(id), "t%u", i);
		T_OK(ask((struct ask){ .id = id, .more = more }) == 200, "%s", good[i]);
	}
	T_OK(notifier_count() == 4, "%zu", notifier_count());
}

static void the_times(void)
{
	fresh();
	T_OK(ask((struct ask){ .id = "a", .expires = "4000000000" }) == 200 &&
	     has(answer, "Expires", "7200"), "%s", answer);
	T_OK(ask((struct ask){ .id = "b", .expires = "60" }) == 200 && has(answer, "Expires", "60"),
	     "%s", answer);
	config.subscription_min = 7200;
	T_OK(ask((struct ask){ .id = "c", .expires = "3600" }) == 200, "an hour is never too brief");
	config.subscription_min = 60;
}

static void the_limits(void)
{
	char id[8];

	fresh();
	for (unsigned int i = 0; i < 4; i++) {
		snprintf(id, sizeof(id), "a%u", i);
		subscribed((struct ask){ .id = id });
	}
	T_OK(ask((struct ask){ .id = "a5" }) == 403 && strstr(answer, "too many subscriptions"),
	     "of one user: %s", answer);
	login = "bob";
	config.subscriptions = 5;
	subscribed((struct ask){ .id = "b0" });
	T_OK(ask((struct ask){ .id = "b1" }) == 503 && has(answer, "Retry-After", "60") && !notifies,
	     "of all: %s", answer);
	T_OK(notifier_count() == 5 && begun == 5, "%zu are there", notifier_count());
	/* who is there goes on, and who goes makes room */
	T_OK(ask((struct ask){ .id = "b0", .cseq = 2 }) == 200, "%s", answer);
	reply_to_notify("200 OK", "");
	T_OK(ask((struct ask){ .id = "b0", .cseq = 3, .expires = "0" }) == 200, "%s", answer);
	reply_to_notify("200 OK", "");
	subscribed((struct ask){ .id = "b1" });
}

/* Too long a text is no memory: it is not kept. */
static void the_sizes(void)
{
	static char id[600], routes[2200];

	fresh();
	memset(id, 'i', 512);
	T_OK(ask((struct ask){ .id = id }) == 200, "a long Call-ID");
	id[512] = 'i';
	T_OK(ask((struct ask){ .id = id }) == 503, "%s", answer);
	snprintf(routes, sizeof(routes), "Record-Route: <sip:%.*s;lr>\n", 2000, "r");
	T_OK(ask((struct ask){ .id = "r", .more = routes }) == 200, "a route");
	memset(routes, 'r', sizeof(routes) - 1);
	memcpy(routes, "Record-Route: <sip:", 19);
	memcpy(routes + 2190, ";lr>\n", 6);
	T_OK(ask((struct ask){ .id = "s", .more = routes }) == 503 && !notifies, "%s", answer);
}

static void the_pace(void)
{
	uint64_t first;

	fresh();
	ask((struct ask){ 0 });
	first = notified;
	notifies = 0;
	notifier_changed(latest);
	rx_wait(6000);
	T_OK(has(notify, "CSeq", "1 NOTIFY"), "a second one beside the first: %s", notify);
	reply_to_notify("200 OK", "");
	rx_wait(20);
	T_OK(has(notify, "CSeq", "2 NOTIFY") && !strcmp(body(), "some 2") && notified >= first + 6000,
	     "behind its answer: %s", notify);
	first = notified;
	reply_to_notify("200 OK", "");
	notifies = 0;
	for (int i = 0; i < 3; i++) {
		notifier_changed(latest);
		rx_wait(100);
	}
	rx_wait(NOTIFY_EVERY - 300 - 20);
	T_OK(!notifies, "sooner than five seconds");
	rx_wait(40);
	T_OK(notifies == 1 && !strcmp(body(), "some 3"), "%u: %s", notifies, notify);
	reply_to_notify("200 OK", "");
	rx_wait(2 * NOTIFY_EVERY);
	T_OK(notifies == 1, "nothing has changed");
	notifies = 0;
	notifier_changed(latest);
	rx_wait(20);
	T_OK(notifies == 1 && !strcmp(body(), "some 4"), "after a rest at once: %s", notify);
}

/* What a SUBSCRIBE asks for waits for the NOTIFY under way, not for its time. */
static void the_refresh(void)
{
	static char first[RX_SIZE];

	fresh();
	ask((struct ask){ 0 });
	memcpy(first, notify, sizeof(first));
	T_OK(ask((struct ask){ .cseq = 2 }) == 200 && !notifies, "two at once: %s", notify);
	memcpy(notify, first, sizeof(first));
	reply_to_notify("200 OK", "");
	T_OK(notifies == 1 && has(notify, "CSeq", "2 NOTIFY") && wrote_all, "%s", notify);
	reply_to_notify("200 OK", "");
	T_OK(ask((struct ask){ .cseq = 3 }) == 200 && notifies == 1 && wrote_all, "%s", notify);
}

static void expect_end(const char *wanted, bool with_all)
{
	T_OK(notifies == 1 && state(wanted), "%u: %s", notifies, notify);
	T_OK(with_all ? !strncmp(body(), "all", 3) :
	     !*body() && !*world_header(notify, "Content-Type", 0), "%s", notify);
	reply_to_notify("481 Gone", "");
	T_OK(!notifier_count() && begun == ended, "%zu", notifier_count());
}

static void the_ends(void)
{
	const char *tag;

	fresh();
	T_OK(ask((struct ask){ .expires = "0" }) == 200 && has(answer, "Expires", "0"), "a fetch");
	expect_end("terminated;reason=timeout", true);

	tag = subscribed((struct ask){ 0 });
	T_OK(ask((struct ask){ .tag = tag, .cseq = 2, .expires = "0" }) == 200, "%s", answer);
	T_OK(ask((struct ask){ .tag = tag, .cseq = 3 }) == 481, "it has ended");
	fresh();

	subscribed((struct ask){ .expires = "60" });
	rx_wait(59900);
	T_OK(!notifies, "too early");
	rx_wait(200);
	expect_end("terminated;reason=timeout", true);

	fresh();
	subscribed((struct ask){ .expires = "60" });
	rx_wait(40000);
	T_OK(ask((struct ask){ .cseq = 2, .expires = "60" }) == 200, "%s", answer);
	reply_to_notify("200 OK", "");
	notifies = 0;
	rx_wait(40000);
	T_OK(!notifies && notifier_count() == 1, "it was renewed");
}

/* RFC 6665 4.2.2 */
static void the_failures(void)
{
	fresh();
	T_OK(ask((struct ask){ 0 }) == 200, "%s", answer);
	reply_to_notify("481 Gone", "");
	T_OK(!notifier_count(), "refused");
	T_OK(ask((struct ask){ .cseq = 2 }) == 200, "%s", answer);
	reply_to_notify("500 Error", "");
	T_OK(!notifier_count(), "an error");
	T_OK(ask((struct ask){ .cseq = 3 }) == 200, "%s", answer);
	rx_wait(31000);
	T_OK(notifier_count() == 1 && notifies > 5, "still asking");
	rx_wait(2000);
	T_OK(!notifier_count(), "never answered");
	wire = -ENETUNREACH;
	T_OK(ask((struct ask){ .cseq = 4 }) == 200 && !notifier_count(), "not sent");
}

static void wait_asked(const char *seconds, uint64_t ms)
{
	char more[64];

	notifies = 0;
	snprintf(more, sizeof(more), "Retry-After: %s\n", seconds);
	reply_to_notify("503 Busy", more);
	rx_wait(ms - 20);
	T_OK(!notifies && notifier_count() == 1, "%s: too early", seconds);
	rx_wait(40);
	T_OK(notifies == 1 && wrote_all, "%s: %u, %s", seconds, notifies, notify);
}

static void who_asks_to_wait(void)
{
	fresh();
	T_OK(ask((struct ask){ .expires = "7200" }) == 200, "%s", answer);
	wait_asked("2 (soon)", 2000);
	wait_asked("4000000000", 300000);
	reply_to_notify("200 OK", "");
	T_OK(notifier_count() == 1, "gone");
}

static void the_review(void)
{
	fresh();
	subscribed((struct ask){ 0 });
	reloaded(&config);
	T_OK(!notifies && notifier_count() == 1, "who may stays");
	review_says = "rejected";
	reloaded(&config);
	expect_end("terminated;reason=rejected", false);
	fresh();
	ask((struct ask){ 0 });
	notifies = 0;
	review_says = "noresource";
	notifier_review();
	T_OK(!notifies, "two at once");
	notifier_review();
	reply_to_notify("200 OK", "");
	expect_end("terminated;reason=noresource", false);
}

static bool wanted(struct ask a)
{
	return notifier_wants(&made(a)->rx);
}

static void whose(void)
{
	char tag[64];

	fresh();
	T_OK(wanted((struct ask){ 0 }), "its package");
	T_OK(!wanted((struct ask){ .event = "presence" }), "a phone's package");
	T_OK(!wanted((struct ask){ .event = "test.winfo" }), "a name that goes on");
	T_OK(wanted((struct ask){ .uri = "sip:office.example", .event = "presence" }), "nobody's");
	T_OK(!wanted((struct ask){ .tag = "0123456789abcdef" }), "another's dialog");
	snprintf(tag, sizeof(tag), "%s", subscribed((struct ask){ 0 }));
	T_OK(wanted((struct ask){ .tag = tag, .event = "presence" }), "our dialog");
	fresh();
	T_OK(wanted((struct ask){ .tag = tag }), "it was ours");
	T_OK(!wanted((struct ask){ .tag = tag, .id = "d" }), "with another Call-ID it was not");
	T_OK(ask((struct ask){ .tag = tag, .cseq = 2 }) == 481, "%s", answer);
}

static void the_packages(void)
{
	fresh();
	for (unsigned int i = 0; i < 4; i++)
		T_OK(notifier_package(&others[i]) == (i < 3 ? 0 : -ENOSPC), "package %u", i);
	T_OK(!strcmp(notifier_events(), "test, second, third, fourth"), "%s", notifier_events());
	notifier_free();
	T_OK(!*notifier_events(), "%s", notifier_events());
}

int main(void)
{
	log_setup(LOG_LEVEL_FATAL);
	loop_set_now(1000000);
	timer_run(1000000);
	T_OK(!notifier_open() && reloaded, "open");
	the_dialog();
	the_refusals();
	the_types();
	the_times();
	the_limits();
	the_sizes();
	the_pace();
	the_refresh();
	the_ends();
	the_failures();
	who_asks_to_wait();
	the_review();
	whose();
	the_packages();
	txn_free_all();
	return t_end("notifier");
}
