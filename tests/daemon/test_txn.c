/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server transactions against a second implementation, which follows the figures of RFC 3261 17.2
 * and RFC 6026 with one clock for each of their timers; then what matches what, and the bounds.
 */
#include "rx.h"
#include "txn.h"

#define SEQUENCES 1500
#define STEPS 60

/* ---- what was sent ---- */

static unsigned int sent;
static char last_sent[256];
static struct sip_flow last_flow;

int transport_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	sent++;
	last_flow = *flow;
	snprintf(last_sent, sizeof(last_sent), "%.*s", (int)len, (const char *)buf);
	return 0;
}

void transport_response_flow(const struct rx *rx, struct sip_flow *out)
{
	*out = rx->flow;
}

static uint64_t random_state = 88172645463325252ull;

static uint64_t rnd(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

/* ---- the second implementation ---- */

enum { OFF = 0 };	/* of a clock */

struct slow {
	enum { M_TRYING, M_PROCEEDING, M_COMPLETED, M_CONFIRMED, M_ACCEPTED, M_GONE } state;
	bool invite;
	uint64_t g, h, i, j, l, hundred;
	uint64_t interval;
	char answer[32];
	bool have_answer;
	unsigned int sent;
	char last[32];
};

static void model_send(struct slow *m, const char *what)
{
	m->sent++;
	snprintf(m->last, sizeof(m->last), "%s", what);
}

static void model_request(struct slow *m)
{
	if (m->state == M_PROCEEDING && m->have_answer)
		model_send(m, m->answer);
	else if (m->state == M_COMPLETED)
		model_send(m, m->answer);
}

static void model_ack(struct slow *m, uint64_t now)
{
	if (!m->invite || m->state != M_COMPLETED)
		return;
	m->state = M_CONFIRMED;
	m->g = OFF;
	m->h = OFF;
	m->i = now + 5000;
}

static void model_final_of_invite(struct slow *m, int code, uint64_t now)
{
	m->hundred = OFF;
	if (code < 300) {
		m->state = M_ACCEPTED;
		m->l = now + 32000;
		return;
	}
	m->state = M_COMPLETED;
	m->interval = 500;
	m->g = now + 500;
	m->h = now + 32000;
}

static void model_answer(struct slow *m, int code, const char *text, uint64_t now)
{
	bool open = m->state == M_TRYING || m->state == M_PROCEEDING;

	if (!open && !(m->state == M_ACCEPTED && code / 100 == 2))
		return;
	model_send(m, text);
	snprintf(m->answer, sizeof(m->answer), "%s", text);
	m->have_answer = true;
	if (!open)
		return;
	if (code < 200) {
		m->state = M_PROCEEDING;
		m->hundred = OFF;
	} else if (m->invite) {
		model_final_of_invite(m, code, now);
	} else {
		m->state = M_COMPLETED;
		m->j = now + 32000;
	}
}

static bool due(uint64_t clock, uint64_t now)
{
	return clock != OFF && now >= clock;
}

static void model_time(struct slow *m, uint64_t now)
{
	if (m->state == M_GONE)
		return;
	if (due(m->hundred, now)) {
		m->hundred = OFF;
		m->have_answer = true;
		snprintf(m->answer, sizeof(m->answer), "SIP/2.0 100 Trying");
		model_send(m, m->answer);
	}
	if (due(m->h, now) || due(m->i, now) || due(m->j, now) || due(m->l, now)) {
		m->state = M_GONE;
		return;
	}
	if (due(m->g, now)) {
		model_send(m, m->answer);
		m->interval = m->interval * 2 > 4000 ? 4000 : m->interval * 2;
		m->g = now + m->interval;
	}
}

/* ---- both, side by side ---- */

static void request_of(struct made *m, const char *method, const char *branch)
{
	rx_make(m, "%s sip:bob@office.example SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:4444;"
		"branch=%s\nFrom: <sip:a@office.example>;tag=f\nTo: <sip:bob@office.example>\n"
		"Call-ID: c1\nCSeq: 7 %s\nContent-Length: 0\n", method, branch, method);
}

static const char *const branches[] = { "z9hG4bKmodel", "old-branch" };

struct pair {
	struct slow model;
	struct made request, ack;
	uint64_t id;
	unsigned int sent_before;
};

static bool begin_pair(struct pair *p)
{
	const char *branch = branches[rnd(2)];
	struct txn *t;

	memset(&p->model, 0, sizeof(p->model));
	p->model.invite = rnd(3) > 0;
	p->model.state = p->model.invite ? M_PROCEEDING : M_TRYING;
	request_of(&p->request, p->model.invite ? "INVITE" : "OPTIONS", branch);
	request_of(&p->ack, "ACK", branch);
	p->sent_before = sent;
	if (txn_begin(&p->request.rx, &t) != TXN_NEW || !t)
		return false;
	p->id = txn_id(t);
	return true;
}

static void step_answer(struct pair *p)
{
	static const int codes[] = { 180, 183, 200, 202, 404, 302, 603 };
	struct txn *t = txn_by_id(p->id);
	int code = codes[rnd(7)];
	char text[32];

	if (!t)
		return;
	/* a number in it, so that a repetition is told from the next one */
	snprintf(text, sizeof(text), "SIP/2.0 %d %u", code, (unsigned int)rnd(1000000));
	txn_answer(t, text, (uint32_t)strlen(text));
	model_answer(&p->model, code, text, loop_now());
}

static void step_trying(struct pair *p)
{
	struct txn *t = txn_by_id(p->id);

	if (!t)
		return;
	txn_trying(t, "SIP/2.0 100 Trying", 18);
	if (p->model.invite && p->model.state == M_PROCEEDING && !p->model.have_answer &&
	    p->model.hundred == OFF)
		p->model.hundred = loop_now() + 200;
}

static void step_time(struct pair *p)
{
	static const uint64_t longest[] = { 20, 400, 2000, 40000 };
	uint64_t ms = 10 * (1 + rnd(longest[rnd(4)] / 10));

	for (uint64_t i = 0; i < ms; i += 10) {
		rx_wait(10);
		model_time(&p->model, loop_now());
	}
}

static void step_request(struct pair *p)
{
	struct txn *t;

	/* a transaction that ended begins anew: that is not what is tested here */
	if (p->model.state == M_GONE)
		return;
	T_OK(txn_begin(&p->request.rx, &t) == TXN_AGAIN && !t, "a retransmission went on");
	model_request(&p->model);
}

static void step_ack(struct pair *p)
{
	bool absorbed = p->model.invite && p->model.state != M_GONE &&
			p->model.state != M_ACCEPTED;
	struct txn *t;
	enum txn_seen seen;

	/* without the cookie an ACK belongs to an answer with its tag: matching() has these */
	if (!p->request.rx.msg.via.rfc3261)
		return;
	seen = txn_begin(&p->ack.rx, &t);
	T_OK(!t && seen == (absorbed ? TXN_ACK : TXN_NEW), "an ACK in state %d: %d",
	     p->model.state, seen);
	if (absorbed)
		model_ack(&p->model, loop_now());
}

static bool agree(const struct pair *p)
{
	struct txn *t = txn_by_id(p->id);
	bool there = p->model.state != M_GONE;

	if ((t != NULL) != there || sent - p->sent_before != p->model.sent)
		return false;
	if (p->model.sent && strcmp(last_sent, p->model.last))
		return false;
	return !t || txn_answered(t) == (p->model.state >= M_COMPLETED);
}

static void sequence(unsigned int n)
{
	static struct pair p;

	if (!begin_pair(&p)) {
		T_OK(false, "sequence %u: no new transaction", n);
		return;
	}
	for (unsigned int i = 0; i < STEPS; i++) {
		void (*const step[])(struct pair *) = { step_answer, step_trying, step_time,
							step_request, step_ack, step_request };
		size_t which = rnd(6);

		step[which](&p);
		T_OK(agree(&p), "sequence %u, step %u (%zu): state %d, sent %u and %u, \"%s\", "
		     "\"%s\"", n, i, which, p.model.state, sent - p.sent_before, p.model.sent,
		     last_sent, p.model.last);
	}
	if (txn_by_id(p.id))
		txn_forget(txn_by_id(p.id));
	T_OK(!txn_count(), "sequence %u left something", n);
}

/* ---- what matches ---- */

struct look {
	const char *method, *uri, *via, *call_id, *cseq, *from_tag, *to_tag;
};

static void looks(struct made *m, const struct look *l)
{
	rx_make(m, "%s %s SIP/2.0\nVia: SIP/2.0/UDP %s\nFrom: <sip:a@x.example>;tag=%s\n"
		"To: <sip:b@x.example>%s\nCall-ID: %s\nCSeq: %s %s\nContent-Length: 0\n",
		l->method, l->uri, l->via, l->from_tag, l->to_tag, l->call_id, l->cseq, l->method);
}

#define NEW_VIA "a.example;branch=z9hG4bK1"
#define OLD_VIA "a.example;branch=1"
#define COOKIE_VIA "a.example;branch=z9hG4bK"

static void matching(void)
{
	static const struct {
		struct look a, b;
		enum txn_seen seen;
		const char *what;
	} rows[] = {
#define A(via) { "INVITE", "sip:u@x", via, "c", "1", "f", "" }
		{ A(NEW_VIA), A(NEW_VIA), TXN_AGAIN, "the same" },
		{ A(NEW_VIA), { "INVITE", "sip:v@x", "A.Example;branch=z9hG4bK1;rport", "c", "1",
		  "g", "" }, TXN_AGAIN, "host in capitals, other parts: 17.2.3 does not look at them" },
		{ A(NEW_VIA), A("a.example;branch=z9hG4bK2"), TXN_NEW, "another branch" },
		{ A(NEW_VIA), A("b.example;branch=z9hG4bK1"), TXN_NEW, "another host" },
		{ A(NEW_VIA), A("a.example:5070;branch=z9hG4bK1"), TXN_NEW, "another port" },
		{ A(NEW_VIA), { "OPTIONS", "sip:u@x", NEW_VIA, "c", "1", "f", "" }, TXN_NEW,
		  "another method" },
		{ A(NEW_VIA), { "FOO", "sip:u@x", NEW_VIA, "c", "1", "f", "" }, TXN_NEW,
		  "an unknown method" },
		{ { "FOO", "sip:u@x", NEW_VIA, "c", "1", "f", "" },
		  { "BAR", "sip:u@x", NEW_VIA, "c", "1", "f", "" }, TXN_NEW,
		  "two unknown methods" },
		{ A(NEW_VIA), { "INVITE", "sip:u@x", NEW_VIA, "d", "1", "f", "" }, TXN_NEW,
		  "one branch for two calls" },
		{ A(NEW_VIA), { "INVITE", "sip:u@x", NEW_VIA, "c", "2", "f", "" }, TXN_NEW,
		  "one branch for two requests" },
		{ A(OLD_VIA), A(OLD_VIA), TXN_AGAIN, "RFC 2543: the same" },
		{ A(OLD_VIA), { "INVITE", "sip:v@x", OLD_VIA, "c", "1", "f", "" }, TXN_NEW,
		  "RFC 2543: another Request-URI" },
		{ A(OLD_VIA), { "INVITE", "sip:u@x", OLD_VIA, "c", "1", "g", "" }, TXN_NEW,
		  "RFC 2543: another From-tag" },
		{ A(OLD_VIA), { "INVITE", "sip:u@x", OLD_VIA, "c", "1", "f", ";tag=t" }, TXN_NEW,
		  "RFC 2543: another To-tag" },
		{ A(OLD_VIA), A("a.example;branch=1;x"), TXN_NEW, "RFC 2543: another Via" },
		{ A(COOKIE_VIA), A(COOKIE_VIA), TXN_AGAIN, "the cookie alone: the same" },
		{ A(COOKIE_VIA), { "INVITE", "sip:v@x", COOKIE_VIA, "c", "1", "f", "" }, TXN_NEW,
		  "the cookie alone: RFC 2543" },
#undef A
	};
	struct made a, b;
	struct txn *t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		looks(&a, &rows[i].a);
		looks(&b, &rows[i].b);
		T_OK(txn_begin(&a.rx, &t) == TXN_NEW, "%s: the first", rows[i].what);
		T_OK(txn_begin(&b.rx, &t) == rows[i].seen, "%s", rows[i].what);
		txn_free_all();
	}
}

#define ANSWER(tag)                                                                                \
	"SIP/2.0 404 Not Found\r\nVia: SIP/2.0/UDP " OLD_VIA "\r\nFrom: <sip:a@x.example>;tag=f"   \
	"\r\nTo: <sip:b@x.example>" tag "\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"                     \
	"Content-Length: 0\r\n\r\n"

/* RFC 2543: an ACK has the tag of the answer that it is for. */
static void old_ack(void)
{
	struct look look = { "INVITE", "sip:u@x", OLD_VIA, "c", "1", "f", "" };
	struct made invite, other, ack;
	struct txn *t, *none;

	looks(&invite, &look);
	look.method = "ACK";
	look.to_tag = ";tag=other";
	looks(&other, &look);
	look.to_tag = ";tag=ours";
	looks(&ack, &look);
	txn_begin(&invite.rx, &t);
	txn_answer(t, ANSWER(";tag=ours"), sizeof(ANSWER(";tag=ours")) - 1);
	T_OK(txn_begin(&other.rx, &none) == TXN_NEW, "an ACK with another tag was taken");
	T_OK(txn_begin(&ack.rx, &none) == TXN_ACK, "an ACK with our tag was not");
	txn_free_all();
}

static void cancelled(void)
{
	struct made invite, cancel, stranger;
	struct txn *t;

	request_of(&invite, "INVITE", "z9hG4bKc");
	request_of(&cancel, "CANCEL", "z9hG4bKc");
	request_of(&stranger, "CANCEL", "z9hG4bKd");
	txn_begin(&invite.rx, &t);
	T_OK(txn_cancelled(&cancel.rx) == t, "a CANCEL does not find its INVITE");
	T_OK(!txn_cancelled(&stranger.rx), "a CANCEL finds another's INVITE");
	T_OK(!txn_answered(t), "answered before any answer");
	txn_answer(t, "SIP/2.0 487 x", 13);
	T_OK(txn_cancelled(&cancel.rx) == t && txn_answered(t), "not there after its answer");
	T_OK(txn_flow(t)->remote.port == 4444 && last_flow.remote.port == 4444, "another flow");
	txn_free_all();
}

/* 8.2.2.2: the same request with another branch; its transaction was @answered so. */
static void merged(void)
{
	static const struct {
		const char *what, *from, *to;	/* written over From's tag, behind To */
		const char *answered;
		bool merged;
	} trials[] = {
		{ "being answered", "f", "", NULL, true },
		{ "answered", "f", "", "SIP/2.0 200 OK\r\n", true },
		{ "challenged", "f", "", "SIP/2.0 401 No\r\n", false },
		{ "challenged by a proxy", "f", "", "SIP/2.0 407 No\r\n", false },
		{ "another tag in From", "g", "", NULL, false },
		{ "in a dialog", "f", ";tag=x", NULL, false },
	};
	struct made one, two, other;
	struct txn *t, *u;

	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		request_of(&one, "OPTIONS", "z9hG4bKone");
		rx_make(&two, "OPTIONS sip:b@h SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:4444;branch="
			"z9hG4bKtwo\nFrom: <sip:a@office.example>;tag=%s\nTo: <sip:b@h>%s\n"
			"Call-ID: c1\nCSeq: 7 OPTIONS\n", trials[i].from, trials[i].to);
		txn_begin(&one.rx, &t);
		T_OK(!txn_is_merged(t, &one.rx), "%s: the first", trials[i].what);
		if (trials[i].answered)
			txn_answer(t, trials[i].answered, (uint32_t)strlen(trials[i].answered));
		T_OK(txn_begin(&two.rx, &u) == TXN_NEW && u != t, "%s: no other", trials[i].what);
		T_OK(txn_is_merged(u, &two.rx) == trials[i].merged, "%s", trials[i].what);
		request_of(&other, "INVITE", "z9hG4bKthree");
		txn_begin(&other.rx, &u);
		T_OK(!txn_is_merged(u, &other.rx), "%s: another method", trials[i].what);
		txn_forget(t);
		request_of(&other, "OPTIONS", "z9hG4bKfour");
		txn_begin(&other.rx, &u);
		T_OK(!txn_is_merged(u, &other.rx) || !trials[i].merged,
		     "%s: what is forgotten is not met", trials[i].what);
		txn_free_all();
	}
}

/* ---- the bounds ---- */

/* The branch ends with 8 digits that are changed in place. */
/* An answer that waits for the disk. */
static void kept(void)
{
	struct made one, invite;
	struct txn *t, *u;
	uint32_t len;

	request_of(&one, "REGISTER", "z9hG4bKone");
	txn_begin(&one.rx, &t);
	sent = 0;
	T_OK(txn_keep(t, "SIP/2.0 200 OK\r\n", 16) && !sent && !txn_answered(t), "not yet");
	T_OK(txn_begin(&one.rx, &u) == TXN_AGAIN && !sent, "nor for a retransmission");
	T_OK(txn_last(t, &len) && len == 16, "but it can be read");
	txn_give(t);
	T_OK(sent == 1 && txn_answered(t) && !strcmp(last_sent, "SIP/2.0 200 OK\r\n"), "given");
	T_OK(txn_begin(&one.rx, &u) == TXN_AGAIN && sent == 2, "and repeated");
	T_OK(!txn_keep(t, "SIP/2.0 503 No\r\n", 16) && txn_last(t, &len) && len == 16 &&
	     sent == 2, "nothing comes behind it");
	txn_forget(t);

	txn_begin(&one.rx, &t);
	txn_keep(t, "SIP/2.0 200 OK\r\n", 16);
	txn_answer(t, "SIP/2.0 503 No\r\n", 16);
	T_OK(sent == 3 && !strcmp(last_sent, "SIP/2.0 503 No\r\n"), "another one instead");
	request_of(&invite, "INVITE", "z9hG4bKtwo");
	txn_begin(&invite.rx, &t);
	T_OK(!txn_keep(t, "SIP/2.0 200 OK\r\n", 16), "not for an INVITE");
	txn_free_all();
}

static void number(struct made *m, unsigned int n)
{
	char digits[9];

	snprintf(digits, sizeof(digits), "%08x", n);
	memcpy(m->text + m->rx.msg.via.branch.off + 7, digits, 8);
}

static void bounds(void)
{
	static char answer[400] = "SIP/2.0 200 OK";
	struct made m;
	unsigned int refused = 0;
	struct txn *t, *first = NULL;
	uint64_t first_id;
	size_t each;

	request_of(&m, "OPTIONS", "z9hG4bK00000000");
	for (unsigned int i = 0; i < TXN_MAX; i++) {
		number(&m, i);
		refused += txn_begin(&m.rx, &t) != TXN_NEW;
		if (!first)
			first = t;
	}
	T_OK(!refused && txn_count() == TXN_MAX, "%u of TXN_MAX refused", refused);
	number(&m, TXN_MAX);
	T_OK(txn_begin(&m.rx, &t) == TXN_FULL && !t, "one more than TXN_MAX, all unfinished");
	first_id = txn_id(first);
	txn_answer(first, answer, sizeof(answer));
	T_OK(txn_begin(&m.rx, &t) == TXN_NEW && t, "the finished one did not make room");
	T_OK(!txn_by_id(first_id) && txn_count() == TXN_MAX, "the finished one is still there");
	number(&m, 1);
	T_OK(txn_begin(&m.rx, &t) == TXN_AGAIN, "an unfinished one went instead");
	each = txn_memory() / TXN_MAX;
	printf("%zu bytes for each transaction without an answer\n", each);
	T_OK(each <= 176, "%zu bytes for each", each);
	txn_free_all();
	T_OK(!txn_count() && !txn_memory(), "left: %zu, %zu bytes", txn_count(), txn_memory());
}

/* All are there; three are finished, the second of them is forgotten: the others make room. */
static void finished_in_the_middle(void)
{
	struct made m;
	struct txn *t, *finished[3];

	request_of(&m, "OPTIONS", "z9hG4bK00000000");
	for (unsigned int i = 0; i < TXN_MAX; i++) {
		number(&m, i);
		txn_begin(&m.rx, &t);
		if (i < 3)
			finished[i] = t;
	}
	for (unsigned int i = 0; i < 3; i++)
		txn_answer(finished[i], "SIP/2.0 200 OK", 14);
	txn_forget(finished[1]);
	for (unsigned int i = 0; i < 3; i++) {
		number(&m, TXN_MAX + i);
		T_OK(txn_begin(&m.rx, &t) == TXN_NEW, "no room for number %u", i);
	}
	number(&m, TXN_MAX + 3);
	T_OK(txn_begin(&m.rx, &t) == TXN_FULL, "an unfinished one made room");
	txn_free_all();
}

/* Answers of 60,000 bytes: the oldest go, the newest stay. */
static void bound_of_bytes(void)
{
	static char answer[60000] = "SIP/2.0 200 OK";
	struct made m;
	unsigned int n = TXN_BYTES / sizeof(answer) + 50;
	struct txn *t;

	request_of(&m, "OPTIONS", "z9hG4bK00000000");
	for (unsigned int i = 0; i < n; i++) {
		number(&m, i);
		txn_begin(&m.rx, &t);
		txn_answer(t, answer, sizeof(answer));
	}
	T_OK(txn_count() == TXN_BYTES / sizeof(answer), "%zu kept", txn_count());
	number(&m, n - 1);
	T_OK(txn_begin(&m.rx, &t) == TXN_AGAIN, "the newest is gone");
	number(&m, 0);
	T_OK(txn_begin(&m.rx, &t) == TXN_NEW, "the oldest is still there");
	txn_free_all();
}

/* A NAT that gives the phone another port; somebody else who repeats what he saw. */
static void rebound(void)
{
	static const char ok[] = "SIP/2.0 200 OK\r\n\r\n", busy[] = "SIP/2.0 486 Busy\r\n\r\n";
	struct txn *t, *first;
	struct made m;

	for (int invite = 0; invite < 2; invite++) {
		request_of(&m, invite ? "INVITE" : "OPTIONS", branches[0]);
		T_OK(txn_begin(&m.rx, &first) == TXN_NEW, "the first");
		m.rx.flow.remote.port = 5555;
		T_OK(txn_begin(&m.rx, &t) == TXN_AGAIN, "from another port");
		request_of(&m, invite ? "INVITE" : "OPTIONS", branches[0]);
		m.rx.flow.remote.addr[3] = 66;
		T_OK(txn_begin(&m.rx, &t) == TXN_AGAIN, "from another address");
		txn_answer(first, invite ? busy : ok, invite ? sizeof(busy) - 1 : sizeof(ok) - 1);
		T_OK(last_flow.remote.port == 5555 && last_flow.remote.addr[3] == 1,
		     "answered at port %u", last_flow.remote.port);
		m.rx.flow.remote.addr[3] = 1;
		m.rx.flow.remote.port = 6666;
		sent = 0;
		txn_begin(&m.rx, &t);
		T_OK(sent == 1 && last_flow.remote.port == 6666, "again at port %u",
		     last_flow.remote.port);
		txn_free_all();
	}
}

int main(void)
{
	loop_set_now(1000000);
	for (unsigned int i = 0; i < SEQUENCES; i++)
		sequence(i);
	matching();
	rebound();
	old_ack();
	cancelled();
	merged();
	kept();
	bounds();
	finished_in_the_middle();
	bound_of_bytes();
	return t_end("txn");
}
