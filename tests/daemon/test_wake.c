/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake, wake_refresh and push_queue below the proxy: requests for phones that sleep, and what
 * becomes of them. Programs are doubles that end when the test says.
 */
#include "proxy_world.h"

#include "proxy_seen.h"
#include "push.h"
#include "push_phone.h"
#include "push_queue.h"
#include "said.h"
#include "wake.h"
#include "wake_refresh.h"

/* ---- programs ---- */

struct run {
	char prid[32], aor[64], reason[16];
	push_done_fn *done;
	void *arg;
	uint64_t at;
};
static struct run runs[4096];
static unsigned int n_runs, running;
static int start_fails;

int push_open(struct loop *l)
{
	(void)l;
	return 0;
}

int push_start(const struct push *p, push_done_fn *done, void *arg)
{
	struct run *r = &runs[n_runs];

	if (start_fails || running == PUSH_RUNS)
		return start_fails ? start_fails : -EBUSY;
	*r = (struct run){ .done = done, .arg = arg, .at = loop_now() };
	snprintf(r->prid, sizeof(r->prid), "%.31s", p->phone->prid);
	snprintf(r->aor, sizeof(r->aor), "%s", p->aor);
	snprintf(r->reason, sizeof(r->reason), "%s", p->reason);
	n_runs++;
	running++;
	return 0;
}

size_t push_running(void)
{
	return running;
}

void push_close(void)
{
	for (unsigned int i = 0; i < n_runs; i++)
		runs[i].done = NULL;
	running = 0;
}

/* Once: its argument is of no use behind that. */
static void end(unsigned int n, bool good)
{
	push_done_fn *done = runs[n].done;

	if (!done)
		return;
	running--;
	runs[n].done = NULL;
	done(good, runs[n].arg);
}

static void end_all(void)
{
	for (unsigned int i = 0; i < n_runs; i++)
		end(i, true);
	running = 0;
}

/* ---- phones ---- */

static struct endpoint provider, phone, second;
static char *services[] = { (char *)"apns", (char *)"fcm" };

/* Registers, or with the id of a contact renews it; its id. */
static uint64_t put(const char *aor, const char *uri, struct endpoint at, uint64_t id,
		    uint64_t seconds)
{
	struct contact c = { .flow = flow_of(at), .uri = (char *)uri, .call_id = "reg", .q = 1000,
			     .id = id, .until = loop_real() + seconds * 1000 };
	struct location_change change = { .aor = aor, .put = &c, .n_put = 1 };

	T_OK(!location_commit(&change, committed, NULL), "%s registers", aor);
	for (const struct contact *i = location_find(aor, strlen(aor))->contacts; i; i = i->next)
		if (!strcmp(i->uri, uri))
			return i->id;
	return 0;
}

static void drop(const char *aor, uint64_t id, enum gone why)
{
	struct location_change change = { .aor = aor, .drop = &id, .n_drop = 1, .why = why };

	T_OK(!location_commit(&change, committed, NULL), "%s goes", aor);
}

#define BOB "bob@office.example"
#define PHONE "sip:bob@192.168.1.10;pn-provider=fcm;pn-prid=one"
#define SECOND "sip:bob@192.168.1.11;pn-provider=apns;pn-prid=two"

/* Bob's phone registered, and that was long ago. */
static uint64_t sleeper(void)
{
	uint64_t id = put(BOB, PHONE, phone, 0, 3600);

	rx_wait(PUSH_AWAKE_MS + 200);
	n_runs = 0;
	return id;
}

static void nobody(void)
{
	end_all();
	while (location_find(BOB, strlen(BOB)))
		drop(BOB, location_find(BOB, strlen(BOB))->contacts->id, GONE_ADMIN);
	rx_wait(61000);		/* what was woken is forgotten */
	T_OK(!wake_count() && !wake_refresh_count() && !txn_count(), "%zu wait, %zu alarms, "
	     "%zu transactions", wake_count(), wake_refresh_count(), txn_count());
	n_runs = 0;
}

/* ---- requests ---- */

static unsigned int call;
static struct endpoint from;	/* .len 0: the provider */

/* How many messages were sent for it. */
static unsigned int send_as(const char *method, const char *uri, const char *to, const char *body)
{
	struct made m;

	rx_make(&m, "%s %s SIP/2.0\n"
		"Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKw%u;rport\n"
		"Max-Forwards: 70\nFrom: <sip:ann@voip.example>;tag=a\nTo: %s\n"
		"Call-ID: call%u@voip\nCSeq: 1 %s\nSubject: %s\nContent-Length: 0\n", method, uri,
		call, to, call, method, body);
	return world_give(from.len ? from : provider, m.text, m.rx.len);
}

static unsigned int again(const char *method)
{
	return send_as(method, "sip:" BOB, "<sip:" BOB ">", "");
}

static unsigned int ask(const char *method)
{
	call++;
	return again(method);
}

static bool went_to(const struct endpoint *e, const char *line)
{
	return endpoint_equal(&world_last()->flow.remote, e) &&
	       !strncmp(world_last()->text, line, strlen(line));
}

/* Of the last message, to the caller; and the ACK to it. */
static bool refused(int code)
{
	bool right = went_to(&provider, "SIP/2.0 ") && atoi(world_last()->text + 8) == code;
	char to[128];

	T_OK(right, "%d, not %.40s", code, world_last()->text);
	snprintf(to, sizeof(to), "%.120s", world_header(world_last()->text, "To", 0));
	send_as("ACK", "sip:" BOB, to, "");
	return right;
}

/* ---- what is there ---- */

static void first_comes(void)
{
	uint64_t id = sleeper();
	char seen[RX_SIZE];

	T_OK(!ask("INVITE") && wake_count() == 1, "it waits");
	T_OK(n_runs == 1 && !strcmp(runs[0].prid, "one") && !strcmp(runs[0].aor, BOB) &&
	     !strcmp(runs[0].reason, "call"), "%u: %s %s %s", n_runs, runs[0].prid, runs[0].aor,
	     runs[0].reason);
	T_OK(!again("INVITE") && wake_count() == 1 && txn_count() == 1, "repeated: absorbed");
	end(0, true);
	rx_wait(100);
	T_OK(wake_count() == 1, "the push was sent: it waits on");
	second = at4("192.168.1.10", 40000);
	put(BOB, PHONE, second, id, 3600);
	world_n = 0;
	T_OK(wake_count() == 1 && !world_n, "not in the turn of the REGISTER");
	rx_wait(20);
	T_OK(world_n == 1 && went_to(&second, "INVITE " PHONE " SIP"), "%s", world_last()->text);
	T_OK(!wake_count() && !txn_count(), "forgotten");
	memcpy(seen, world_last()->text, world_last()->len + 1u);
	T_OK(again("INVITE") == 1 && !strcmp(world_last()->text, seen), "repeated: the same");
	T_OK(ask("MESSAGE") == 1 && went_to(&second, "MESSAGE " PHONE), "he is awake now");
	T_OK(n_runs == 1, "one push, not %u", n_runs);
	nobody();
}

/* Who may not wait: what goes on. */
static void what_waits(void)
{
	sleeper();
	T_OK(send_as("ACK", "sip:" BOB, "<sip:" BOB ">;tag=x", "") == 1 && went_to(&phone, "ACK "),
	     "an ACK");
	T_OK(send_as("ACK", "sip:" BOB, "<sip:" BOB ">", "") == 1 && went_to(&phone, "ACK "),
	     "one without a dialog");
	T_OK(send_as("BYE", "sip:" BOB, "<sip:" BOB ">;tag=x", "") == 1 && went_to(&phone, "BYE "),
	     "in a dialog");
	call++;
	T_OK(again("CANCEL") == 1 && went_to(&phone, "CANCEL "), "a CANCEL of nothing here");
	T_OK(!n_runs && !wake_count(), "somebody was woken");
	T_OK(!ask("OPTIONS") && !ask("FANCY") && wake_count() == 2 && n_runs == 1, "others wait");
	rx_wait(20100);
	nobody();
}

static void nobody_comes(void)
{
	sleeper();
	world_domains[0].push_wait = 3;
	T_OK(!ask("INVITE"), "it waits");
	end(0, true);
	rx_wait(2900);
	T_OK(wake_count() == 1, "it still waits");
	rx_wait(200);
	T_OK(!wake_count() && atoi(world_header(world_last()->text, "Retry-After", 0)) == 60,
	     "Retry-After");
	refused(480);
	T_OK(!ask("INVITE") && n_runs == 1, "not woken twice in 5 s");
	rx_wait(3100);
	refused(480);
	T_OK(!ask("MESSAGE") && n_runs == 2, "but then");
	world_domains[0].push_wait = 20;
	rx_wait(3100);
	nobody();
}

static void push_fails(void)
{
	sleeper();
	T_OK(!ask("INVITE"), "it waits");
	end(0, false);
	T_OK(wake_count() == 1, "not in that turn");
	rx_wait(20);
	T_OK(!wake_count(), "it waits");
	refused(480);
	T_OK(ask("INVITE") == 1 && n_runs == 1, "no second try at once");
	refused(480);
	rx_wait(PUSH_AGAIN_MS);
	start_fails = -ENOENT;
	T_OK(ask("INVITE") == 1, "no program");
	refused(480);
	start_fails = 0;
	nobody();
}

/* The other may come as long as its push has not failed. */
static void two_phones(void)
{
	uint64_t id;

	second = at4("192.168.1.11", 5060);
	put(BOB, PHONE, phone, 0, 3600);
	id = put(BOB, SECOND, second, 0, 3600);
	put(BOB, "sip:bob@192.168.1.12;pn-provider=fcm;pn-prid=one", phone, 0, 3600);
	rx_wait(PUSH_AWAKE_MS + 200);
	T_OK(!ask("INVITE") && n_runs == 2 && strcmp(runs[0].prid, runs[1].prid),
	     "each service is asked once: %u", n_runs);
	end(!strcmp(runs[1].prid, "one"), false);
	rx_wait(20);
	T_OK(wake_count() == 1, "there is hope");
	put(BOB, SECOND, second, id, 3600);
	rx_wait(20);
	T_OK(!wake_count() && went_to(&second, "INVITE " SECOND), "the one that came");
	n_runs = 0;
	T_OK(ask("INVITE") == 1 && went_to(&second, "INVITE ") && !n_runs, "the one that is awake");
	nobody();
}

static void cancelled(void)
{
	uint64_t id = sleeper();
	struct txn *t;
	struct made m;

	ask("INVITE");
	rx_make(&m, "CANCEL sip:" BOB " SIP/2.0\n"
		"Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKw%u;rport\n"
		"From: <sip:ann@voip.example>;tag=a\nTo: <sip:" BOB ">\nCall-ID: call%u@voip\n"
		"CSeq: 1 CANCEL\n", call, call);
	t = txn_cancelled(&m.rx);
	T_OK(t && wake_holds(txn_id(t)), "is known");
	T_OK(!wake_cancel(txn_id(t) + 1), "another");
	T_OK(wake_cancel(txn_id(t)) && !wake_holds(txn_id(t)) && !wake_count(), "it waits");
	refused(487);
	put(BOB, PHONE, phone, id, 3600);
	world_n = 0;
	rx_wait(100);
	T_OK(!world_n, "and goes on");
	nobody();
}

/* A phone may remove what was, and come back with something new; one that is gone does not. */
static void contacts_go(void)
{
	uint64_t id = sleeper();

	ask("INVITE");
	drop(BOB, id, GONE_UNREGISTERED);
	rx_wait(100);
	T_OK(wake_count() == 1, "it waits no more");
	second = at4("192.168.1.11", 5060);
	id = put(BOB, SECOND, second, 0, 3600);
	rx_wait(20);
	T_OK(!wake_count() && went_to(&second, "INVITE " SECOND), "the new one");
	rx_wait(PUSH_AWAKE_MS + 200);
	ask("INVITE");
	T_OK(wake_count() == 1, "it sleeps");
	drop(BOB, id, GONE_ADMIN);
	rx_wait(20);
	T_OK(!wake_count(), "waits for nobody");
	refused(480);
	nobody();
	id = put(BOB, PHONE, phone, 0, 12);
	rx_wait(PUSH_AWAKE_MS + 200);
	ask("INVITE");
	rx_wait(2000);
	T_OK(!wake_count(), "an end that comes meanwhile");
	refused(480);
	nobody();
}

/* ---- bounds ---- */

static void of_one_user(void)
{
	uint64_t id = sleeper();

	for (int i = 0; i < WAKE_USER; i++)
		T_OK(!ask("MESSAGE"), "number %d", i);
	T_OK(ask("MESSAGE") == 1, "one more");
	T_OK(went_to(&provider, "SIP/2.0 480 ") && n_runs == 1, "is refused");
	world_n = 0;
	put(BOB, PHONE, phone, id, 3600);
	rx_wait(20);
	T_OK(world_n == WAKE_USER && !wake_count(), "%u went on", world_n);
	nobody();
}

static void name_of(char *aor, char *uri, unsigned int n)
{
	snprintf(aor, 64, "u%u@office.example", n);
	snprintf(uri, 128, "sip:u%u@192.168.1.10;pn-provider=fcm;pn-prid=p%u", n, n);
}

static void users(unsigned int n, uint64_t seconds)
{
	char aor[64], uri[128];

	for (unsigned int i = 0; i < n; i++) {
		name_of(aor, uri, i);
		if (seconds)
			put(aor, uri, phone, 0, seconds);
		else if (location_find(aor, strlen(aor)))
			drop(aor, location_find(aor, strlen(aor))->contacts->id, GONE_ADMIN);
	}
}

/* Large ones of many users: how many wait. */
static unsigned int hold_large(void)
{
	static char text[7000];
	char uri[64];
	unsigned int held = 0;

	memset(text, 'x', sizeof(text) - 1);
	for (; held < WAKE_MAX; held++, call++) {
		snprintf(uri, sizeof(uri), "sip:u%u@office.example", held);
		if (send_as("MESSAGE", uri, "<sip:a@b>", text))
			break;
	}
	return held;
}

static void in_all(void)
{
	char uri[64];
	unsigned int held = 0;

	users(WAKE_MAX + 1, 3600);
	rx_wait(PUSH_AWAKE_MS + 200);
	n_runs = 0;
	for (unsigned int i = 0; i <= WAKE_MAX; i++, call++) {
		snprintf(uri, sizeof(uri), "sip:u%u@office.example", i);
		held += !send_as("MESSAGE", uri, "<sip:a@b>", "");
	}
	T_OK(held == WAKE_MAX && wake_count() == WAKE_MAX, "%u wait", held);
	T_OK(n_runs == PUSH_RUNS && push_waiting() == WAKE_MAX - PUSH_RUNS, "%u run, %zu wait",
	     n_runs, push_waiting());
	end(3, true);
	T_OK(n_runs == PUSH_RUNS + 1 && !strcmp(runs[PUSH_RUNS].prid, "p16"), "the next one");
	rx_wait(20100);
	T_OK(!wake_count(), "all are refused");
	rx_wait(32000);		/* transactions */
	runs[0].at = n_runs;
	end(0, true);
	T_OK(n_runs == runs[0].at && !push_waiting(), "nobody waits for them any more");
	held = hold_large();
	T_OK(held > 100 && held < WAKE_BYTES / 7000, "%u of 7 KB wait", held);
	end_all();
	rx_wait(20100);
	users(WAKE_MAX + 1, 0);
	rx_wait(61000);
}

/* A stranger has a part of the places; another one, and whom we trust, has his own. */
static void of_a_stranger(void)
{
	static const char *const strangers[] = { "100.64.3.3", "2001:db8:7:7::1" };
	struct endpoint others[] = { at4("100.64.3.4", 5060), at6("2001:db8:7:8::1", 5060) };
	char uri[64];

	users(WAKE_STRANGER + 1, 3600);
	rx_wait(PUSH_AWAKE_MS + 200);
	for (int i = 0; i < 2; i++) {
		unsigned int held = 0;

		for (unsigned int n = 0; n <= WAKE_STRANGER; n++, call++) {
			from = i ? at6(strangers[1], 5060) : at4(strangers[0], 5060);
			from.addr[15] = i ? (uint8_t)n : 0;
			from.port = (uint16_t)(5060 + n);
			snprintf(uri, sizeof(uri), "sip:u%u@office.example", n);
			held += !send_as("MESSAGE", uri, "<sip:a@b>", "");
		}
		T_OK(held == WAKE_STRANGER, "%u of %s", held, strangers[i]);
		from = others[i];
		T_OK(!send_as("MESSAGE", "sip:u0@office.example", "<sip:a@b>", ""), "another");
		call++;
	}
	from.len = 0;
	T_OK(!send_as("MESSAGE", "sip:u1@office.example", "<sip:a@b>", ""), "the provider");
	end_all();
	rx_wait(20100);
	users(WAKE_STRANGER + 1, 0);
	rx_wait(61000);
	nobody();
}

/* Who is called again while his push waits, behind programs that take long. */
static void waits_long(void)
{
	sleeper();
	running = PUSH_RUNS;
	T_OK(!ask("INVITE") && push_waiting() == 1, "it waits for a program");
	rx_wait(40000);
	refused(480);
	T_OK(!ask("INVITE") && push_waiting() == 1 && !n_runs, "again");
	running = PUSH_RUNS - 1;
	T_OK(!ask("MESSAGE") && n_runs == 1 && !push_waiting(), "one has ended");
	rx_wait(20100);
	nobody();
}

/* ---- settings, and the end ---- */

static void without_the_command(void)
{
	sleeper();
	ask("INVITE");
	world_domains[0].push_command = NULL;
	wake_configured(&world_config);
	world_n = 0;
	rx_wait(20);
	T_OK(!wake_count() && world_n == 1 && went_to(&phone, "INVITE "), "it goes to the Contact");
	T_OK(!wake_refresh_count(), "nobody is woken to refresh");
	T_OK(ask("INVITE") == 1 && went_to(&phone, "INVITE "), "as any");
	world_domains[0].push_command = (char *)"/bin/true";
	wake_configured(&world_config);
	T_OK(wake_refresh_count() == 1, "he is again");
	nobody();
}

static void closed(void)
{
	sleeper();
	ask("INVITE");
	world_n = 0;
	wake_close();
	T_OK(!world_n && !wake_count() && !txn_count(), "it is nobody's");
	wake_open(NULL);
	T_OK(!again("INVITE") && wake_count() == 1 && n_runs == 2, "repeated: anew");
	rx_wait(20100);
	refused(480);
	nobody();
}

/* ---- refreshes ---- */

static void in_time(void)
{
	uint64_t begun, id = put(BOB, PHONE, phone, 0, 600);

	begun = loop_now();
	rx_wait(479000);
	T_OK(!n_runs, "too early");
	rx_wait(1300);
	T_OK(n_runs == 1 && !strcmp(runs[0].reason, "refresh") && !strcmp(runs[0].aor, BOB),
	     "%u at 8 minutes", n_runs);
	end(0, true);
	rx_wait(60000);
	T_OK(n_runs == 2, "again at 9");
	end(1, true);
	put(BOB, PHONE, phone, id, 60);
	rx_wait(29000);
	T_OK(n_runs == 2, "he came");
	rx_wait(1300);
	T_OK(n_runs == 3 && runs[2].at - runs[0].at < 100000 && begun < runs[0].at,
	     "a brief one at half of it");
	end(2, false);
	rx_wait(31000);
	T_OK(n_runs == 3 && !wake_refresh_count() && !location_count(), "%u: not for the end",
	     n_runs);
	nobody();
}

static void by_itself(void)
{
	struct contact c = { .flow = flow_of(phone), .uri = (char *)PHONE, .call_id = "reg",
			     .params = (char *)";a=b;+sip.pnsreg", .until = loop_real() + 60000 };
	struct location_change change = { .aor = BOB, .put = &c, .n_put = 1 };

	T_OK(!location_commit(&change, committed, NULL) && !wake_refresh_count(), "no alarm");
	rx_wait(PUSH_AWAKE_MS + 200);
	T_OK(!ask("INVITE") && n_runs == 1, "but for calls");
	end(0, false);
	rx_wait(60000);
	nobody();
}

/* A call is not behind the refreshes, and they leave room for it. */
static void calls_first(void)
{
	users(40, 60);
	sleeper();
	n_runs = 0;
	rx_wait(20000 + 3000);
	T_OK(running == PUSH_RUNS / 2 && push_waiting() == 8, "%u run, %zu wait", running,
	     push_waiting());
	T_OK(!ask("INVITE") && n_runs == PUSH_RUNS / 2 + 1 &&
	     !strcmp(runs[n_runs - 1].aor, BOB), "the call");
	users(40, 0);
	end_all();
	rx_wait(20100);
	refused(480);
	nobody();
}

/* As after a power cut: ten a second at most. */
static void not_all_at_once(void)
{
	users(2000, 60);
	T_OK(wake_refresh_count() == 2000, "%zu alarms", wake_refresh_count());
	for (int i = 0; i < 4000; i++) {	/* 40 s */
		unsigned int before = n_runs;

		rx_wait(10);
		while (before < n_runs)
			end(before++, true);
	}
	T_OK(n_runs >= 90 && n_runs <= 101, "%u in 10 s", n_runs);
	users(2000, 0);
	T_OK(!wake_refresh_count(), "%zu alarms", wake_refresh_count());
	nobody();
}

/* What is there before the start: from the store. */
static void from_the_store(void)
{
	wake_close();
	put(BOB, PHONE, phone, 0, 60);
	T_OK(!wake_refresh_count(), "closed");
	wake_open(NULL);
	T_OK(wake_refresh_count() == 1, "%zu alarms", wake_refresh_count());
	rx_wait(30200);
	T_OK(n_runs == 1, "woken");
	end(0, true);
	rx_wait(31000);
	nobody();
}

int main(void)
{
	log_setup(LOG_LEVEL_WARN);
	world_open();
	world_domains[0].push = (struct words){ services, 2 };
	world_domains[0].push_command = (char *)"/bin/true";
	world_domains[0].push_wait = 20;
	provider = at4("198.51.100.9", 5060);
	phone = at4("192.168.1.10", 5060);
	T_OK(!wake_open(NULL), "open");
	first_comes();
	what_waits();
	nobody_comes();
	push_fails();
	two_phones();
	cancelled();
	contacts_go();
	of_one_user();
	in_all();
	of_a_stranger();
	waits_long();
	without_the_command();
	closed();
	in_time();
	by_itself();
	calls_first();
	not_all_at_once();
	from_the_store();
	wake_close();
	world_close();
	return t_end("wake");
}
