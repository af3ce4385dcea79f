/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 3261 17.1.2: when a request is sent again, what ends it, and which answer is whose. */
#include <errno.h>

#include "client.h"
#include "rx.h"

/* ---- the wire ---- */

static uint64_t sent[64];	/* when */
static unsigned int n_sent;
static int wire;

int transport_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	T_OK(flow->remote.port == 4444 && len == 7 && !memcmp(buf, "request", 7), "other bytes");
	if (!wire)
		sent[n_sent++ % 64] = loop_now();
	return wire;
}

/* ---- the owner ---- */

static uint16_t code;
static unsigned int n_done;
static bool with_answer;
static uint64_t forgets;	/* in .done: a transaction, which may be the one that ended */

static void done(uint16_t c, const struct rx *rx, void *arg)
{
	T_OK(arg == &code, "another argument");
	code = c;
	with_answer = rx;
	n_done++;
	if (forgets)
		client_forget(forgets);
}

static char branch[CLIENT_BRANCH];
static uint64_t begun, id;

static int begin_by(uint8_t transport)
{
	struct sip_flow flow = rx_flow();
	struct client_request q = { .flow = &flow, .bytes = "request", .len = 7, .done = done,
				    .method = SIP_M_NOTIFY, .branch = branch, .arg = &code };

	flow.transport = transport;
	client_branch(branch);
	n_sent = n_done = 0;
	forgets = 0;
	code = 0;
	begun = loop_now();
	return client_send(&q, &id);
}

static void begin(void)
{
	int err = begin_by(SIP_T_UDP);

	T_OK(!err && n_sent == 1, "sent %u times, %d", n_sent, err);
}

static bool answer_to(const char *to, const char *status, const char *method)
{
	static struct made m;

	T_OK(rx_make(&m, "SIP/2.0 %s\nVia: SIP/2.0/UDP 192.0.2.9;branch=%s\nFrom: <sip:a@b>;tag=1\n"
		     "To: <sip:b@b>;tag=2\nCall-ID: c\nCSeq: 1 %s\n", status, to, method) == SIP_OK,
	     "not parsed");
	return client_response(&m.rx);
}

static bool answer(const char *status)
{
	return answer_to(branch, status, "NOTIFY");
}

static void expect_sent(const unsigned int *at, unsigned int n)
{
	T_OK(n_sent == n, "sent %u times, not %u", n_sent, n);
	for (unsigned int i = 0; i < n && i < n_sent; i++)
		T_OK(sent[i] - begun >= at[i] && sent[i] - begun <= at[i] + 60,
		     "%u after %llu ms, not %u", i, (unsigned long long)(sent[i] - begun), at[i]);
}

/* ---- the tests ---- */

static void never_answered(void)
{
	static const unsigned int at[] = { 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500,
					   27500, 31500 };

	begin();
	rx_wait(31990);
	T_OK(!n_done, "too early");
	rx_wait(100);
	expect_sent(at, 11);
	T_OK(n_done == 1 && code == 408 && !with_answer && !client_count(), "%u", code);
	T_OK(!answer("200 OK"), "after its end");
}

static void answered(void)
{
	begin();
	T_OK(!answer_to("z9hG4bKc0000000000000001", "200 OK", "NOTIFY"), "of another");
	T_OK(!answer_to("z9hG4bKc", "200 OK", "NOTIFY") &&
	     !answer_to("z9hG4bKcxxxxxxxxxxxxxxxx", "200 OK", "NOTIFY"), "no number");
	T_OK(!answer_to(branch, "200 OK", "SUBSCRIBE"), "to another method");
	T_OK(answer("200 OK") && n_done == 1 && code == 200 && with_answer, "%u", code);
	T_OK(answer("200 OK") && answer("481 Gone") && n_done == 1, "copies are absorbed");
	rx_wait(4900);
	T_OK(client_count() == 1, "K is T4");
	rx_wait(200);
	T_OK(!client_count() && n_sent == 1 && n_done == 1, "sent again, or told again");
}

/* After a provisional answer T2 is the interval, and F stays. */
static void proceeding(void)
{
	static const unsigned int at[] = { 0, 500, 1500, 5500, 9500, 13500, 17500, 21500, 25500,
					   29500 };

	begin();
	rx_wait(600);
	T_OK(answer("100 Trying") && !n_done, "a provisional answer is no end");
	rx_wait(31500);
	expect_sent(at, 10);
	T_OK(n_done == 1 && code == 408, "%u", code);
	begin();
	T_OK(answer("100 Trying") && answer("500 No") && code == 500 && n_done == 1, "%u", code);
	rx_wait(6000);
}

static void forgotten(void)
{
	begin();
	client_forget(id);
	client_forget(id);
	rx_wait(40000);
	T_OK(n_sent == 1 && !n_done && !client_count() && !answer("200 OK"), "not forgotten");
	begin();
	forgets = id;
	T_OK(answer("200 OK") && n_done == 1 && !client_count(), "in its own end");
	begin();
	forgets = id;
	rx_wait(32100);
	T_OK(n_done == 1 && code == 408, "in its own end by time");
}

static void cannot_be_sent(void)
{
	wire = -ENETUNREACH;
	T_OK(begin_by(SIP_T_UDP) == -ENETUNREACH && !client_count(), "begun");
	wire = 0;
	begin();
	wire = -EPERM;
	rx_wait(600);
	T_OK(n_done == 1 && code == 503 && !with_answer && !client_count(), "%u", code);
	wire = 0;
}

/* A stream delivers: nothing is sent again, and nothing waits for copies. */
static void by_stream(void)
{
	T_OK(!begin_by(SIP_T_TCP), "sent");
	rx_wait(20000);
	T_OK(n_sent == 1 && !n_done, "again");
	T_OK(answer("200 OK") && n_done == 1, "%u", code);
	rx_wait(20);
	T_OK(!client_count(), "kept");
	begin_by(SIP_T_TCP);
	rx_wait(32100);
	T_OK(n_done == 1 && code == 408, "F is for all");
}

static void bound(void)
{
	unsigned int n = 0;

	while (!begin_by(SIP_T_UDP))
		n++;
	T_OK(n == CLIENT_MAX && begin_by(SIP_T_UDP) == -EBUSY, "%u", n);
	T_OK(client_count() == n, "%zu", client_count());
	client_free_all();
	T_OK(!client_count(), "kept");
	begin();
	client_free_all();
}

int main(void)
{
	loop_set_now(1000000);
	timer_run(1000000);
	never_answered();
	answered();
	proceeding();
	forgotten();
	cannot_be_sent();
	by_stream();
	bound();
	return t_end("client");
}
