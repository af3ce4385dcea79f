/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls through a router, many at a time, from outside and inside, while users move between
 * any two messages: what the parties send, and what each of them must get. How a message gets
 * through, and where users are, the test says.
 */
#ifndef TESTS_DAEMON_STORIES_H
#define TESTS_DAEMON_STORIES_H

#include "places.h"
#include "sip/name.h"

#define USERS 24
#define DEVICES 32

static unsigned int n_lost, n_dup, n_crossed, n_unequal, n_wrong;
static unsigned int moves_in = 3;	/* one of so many occasions is taken */
static uint64_t state;

static inline unsigned int draw(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)((state >> 33) % n);
}

/* ---- what the test provides ---- */

/*
 * Gives a message to the router, which is for its fast path or not. What came out of it, until the
 * next call, or NULL: nothing, and it was counted.
 */
static struct sent *hop(struct endpoint peer, const char *text, bool fast);
/* The user ("user1", "user1v6") is at one device only from now on. */
static void place(const char *user, const char *uri, struct endpoint at);
/* An inside host's by its number, up to 60; an outside one's; what a peer of it calls the router. */
static struct endpoint device(unsigned int n, bool six);
static struct endpoint stranger(bool six);
static const char *router(bool six, bool outside);

/* ---- the parties ---- */

static struct where {
	char uri[128];
	struct endpoint at;
} places[USERS][2];

enum lose { LOSE_NOTHING, LOSE_ROUTE, LOSE_TOKEN, CUT_TOKEN, LOSE_BOTH, LOSES };

struct story {
	unsigned int id, user, step, cseq, back, txn;
	struct endpoint caller, called;
	bool six, fast, answered, inward;	/* inward: the caller is outside */
	enum lose lose;
	char uri[128];			/* of the device that was called, as it wrote it */
	char invite[RX_SIZE], relayed[RX_SIZE];	/* sent by the caller; as the device got it */
	char contact[2][256];		/* of caller and called, as the other one has it */
	char routes[2][2200];
};

static unsigned int calls_made;

static const char *host(const struct endpoint *e, char buf[64])
{
	uint32_t n = sip_host_print((u8 *)buf, e->len == 4 ? SIP_HOST_IP4 : SIP_HOST_IP6, e->addr,
				    e->port);

	buf[n] = 0;
	return buf;
}

static void move(unsigned int user, bool six)
{
	struct where *w = &places[user][six];
	char name[32], h[64];

	w->at = device(draw(DEVICES), six);
	snprintf(name, sizeof(name), "user%u%s", user, six ? "v6" : "");
	snprintf(w->uri, sizeof(w->uri), "sip:%s@%s;ob=%u", name, host(&w->at, h), draw(1000));
	place(name, w->uri, w->at);
}

static void move_somebody(void)
{
	if (!draw(moves_in))
		move(draw(USERS), draw(2));
}

#define FOR_US "Proxy-Authorization: Digest username=\"u\", realm=\"office.example\"\r\n"
#define FOR_OTHERS "Proxy-Authorization: Digest username=\"u\", realm=\"voip.example\"\r\n"

/*
 * Some requests carry credentials, for us and for others: not the first INVITE, which would be
 * callgated's then.
 */
static const char *credentials_of(const struct story *c, const char *method)
{
	static const char *const lines[] = { "", FOR_US, FOR_OTHERS, FOR_OTHERS FOR_US FOR_OTHERS };

	if (!c->answered && !strcmp(method, "INVITE"))
		return "";
	return lines[(c->id + c->txn) % 4];
}

/* What was for us is gone; what was for others is there. */
static bool right_credentials(const char *before, const char *after)
{
	unsigned int n = 0, m = 0;

	while (world_header(before, "Proxy-Authorization", n)[0])
		n++;
	while (world_header(after, "Proxy-Authorization", m)[0])
		m++;
	return !strstr(after, FOR_US) && m == n - !!strstr(before, FOR_US);
}

/* A request of the caller (0) or of the called (1) within the call; Lines end with CRLF. */
static void request(const struct story *c, char out[RX_SIZE], unsigned int side, const char *method)
{
	const struct endpoint *from = side ? &c->called : &c->caller;
	bool first = !c->answered;
	char h[64], uri[256];

	if (first)
		snprintf(uri, sizeof(uri), "sip:user%u%s@%s", c->user, c->six ? "v6" : "", router(c->six, c->inward));
	else
		snprintf(uri, sizeof(uri), "%s", c->contact[!side]);
	snprintf(out, RX_SIZE, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKc%ut%us%u;rport\r\n"
		 "%sMax-Forwards: 70\r\nFrom: <sip:%s>;tag=%s\r\nTo: <sip:%s>%s%s\r\n"
		 "Call-ID: %u@x\r\n%sCSeq: %u %s\r\nContact: <sip:party@%s;p=1>\r\n"
		 "Content-Length: 0\r\n\r\n", method, uri, host(from, h), c->id, c->txn, side,
		 first ? "" : c->routes[side], side ? "b@h" : "a@h", side ? "b" : "a",
		 side ? "a@h" : "b@h", first ? "" : ";tag=", first ? "" : side ? "a" : "b",
		 c->id, credentials_of(c, method), c->cseq, method, h);
}

/* What a party answers to a request as it got it. */
static void answer(const char *request, char out[RX_SIZE], int code, const struct endpoint *by)
{
	char h[64], to[256], method[32] = "";
	size_t n;

	snprintf(to, sizeof(to), "%s", world_header(request, "To", 0));
	sscanf(request, "%31s", method);
	n = (size_t)snprintf(out, RX_SIZE, "SIP/2.0 %d Said\r\n", code);
	for (unsigned int i = 0; world_header(request, "Via", i)[0]; i++)
		n += (size_t)snprintf(out + n, RX_SIZE - n, "Via: %s\r\n",
				      world_header(request, "Via", i));
	for (unsigned int i = 0; world_header(request, "Record-Route", i)[0]; i++)
		n += (size_t)snprintf(out + n, RX_SIZE - n, "Record-Route: %s\r\n",
				      world_header(request, "Record-Route", i));
	snprintf(out + n, RX_SIZE - n, "From: %s\r\nTo: %s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		 "Contact: <sip:dev@%s;d=2>\r\nContent-Length: 0\r\n\r\n",
		 world_header(request, "From", 0), to, strstr(to, "tag=") ? "" : ";tag=b",
		 world_header(request, "Call-ID", 0), world_header(request, "CSeq", 0),
		 host(by, h));
}

/* Did it reach its party, and is it of its call? */
static bool reached(const struct story *c, const struct sent *s, const struct endpoint *want)
{
	char id[32];

	if (!s)
		return false;
	snprintf(id, sizeof(id), "%u@x", c->id);
	if (endpoint_equal(&s->flow.remote, want) &&
	    !strcmp(world_header(s->text, "Call-ID", 0), id))
		return true;
	if (n_crossed++ < 5)
		printf("call %u, lose %d: crossed\n%s\n", c->id, c->lose, s->text);
	return false;
}

static void expect(bool good, const struct story *c, const char *what, const struct sent *s)
{
	if (good)
		return;
	if (n_wrong++ < 5)
		printf("call %u, lose %d: %s\n%.*s\n", c->id, c->lose, what, s ? (int)s->len : 0,
		       s ? s->text : "");
}

/* A response goes back; either of the two may see to it. */
static void respond(struct story *c, const char *request, int code, unsigned int side)
{
	const struct endpoint *by = side ? &c->called : &c->caller;
	const struct endpoint *want = side ? &c->caller : &c->called;
	char text[RX_SIZE], via[1024];
	struct sent *s;

	answer(request, text, code, by);
	snprintf(via, sizeof(via), "%s", world_header(text, "Via", 1));
	s = hop(*by, text, draw(2));
	if (!reached(c, s, want))
		return;
	expect(!strcmp(via, world_header(s->text, "Via", 0)) && !world_header(s->text, "Via", 1)[0],
	       c, "response", s);
}

/* ---- the acts of a call ---- */

static bool loses_token(const struct story *c)
{
	return c->lose == LOSE_TOKEN || c->lose == LOSE_BOTH;
}

static bool loses_route(const struct story *c)
{
	return c->lose == LOSE_ROUTE || c->lose == LOSE_BOTH;
}

/* What a party has of the other one's Contact and of the Routes, after all that it loses. */
static void learn(struct story *c, unsigned int side, const char *text, bool reverse)
{
	char *token;
	const char *contact = strchr(world_header(text, "Contact", 0), '<');
	unsigned int n = 0;

	snprintf(c->contact[!side], sizeof(c->contact[0]), "%.*s", (int)strcspn(contact + 1, ">"),
		 contact + 1);
	token = strstr(c->contact[!side], ";cg=");
	if (token && loses_token(c))
		*token = 0;
	if (token && c->lose == CUT_TOKEN)
		token[15] = 0;
	while (world_header(text, "Record-Route", n)[0])
		n++;
	c->routes[side][0] = 0;
	if (loses_route(c))
		return;
	for (unsigned int i = 0; i < n; i++) {
		size_t len = strlen(c->routes[side]);

		snprintf(c->routes[side] + len, sizeof(c->routes[0]) - len, "Route: %s\r\n",
			 world_header(text, "Record-Route", reverse ? n - 1 - i : i));
	}
}

static void begin(struct story *c)
{
	struct sent *s;

	memset(c, 0, sizeof(*c));
	c->id = ++calls_made;
	c->six = !draw(3);
	c->inward = draw(4);
	c->user = draw(USERS);
	c->cseq = 1 + draw(1000);
	c->fast = draw(2);
	c->lose = draw(3) ? LOSE_NOTHING : draw(LOSES);
	c->caller = c->inward ? stranger(c->six) : device(40 + draw(20), c->six);
	snprintf(c->uri, sizeof(c->uri), "%s", places[c->user][c->six].uri);
	c->called = places[c->user][c->six].at;
	request(c, c->invite, 0, "INVITE");
	s = hop(c->caller, c->invite, c->fast);
	if (reached(c, s, &c->called)) {
		memcpy(c->relayed, s->text, s->len + 1);
		expect(!strncmp(s->text + 7, c->uri, strlen(c->uri)), c, "INVITE's URI", s);
	}
}

static void repeat_invite(struct story *c)
{
	struct sent *s = hop(c->caller, c->invite, c->fast);

	expect(reached(c, s, &c->called) && !strcmp(s->text, c->relayed), c, "repeated INVITE", s);
}

static void cancel(struct story *c)
{
	char text[RX_SIZE], relayed[RX_SIZE];
	struct sent *s;

	request(c, text, 0, "CANCEL");
	s = hop(c->caller, text, c->fast);
	if (!reached(c, s, &c->called))
		return;
	memcpy(relayed, s->text, s->len + 1);
	expect(!strcmp(world_header(s->text, "Via", 0), world_header(c->relayed, "Via", 0)) &&
	       !strncmp(s->text + 7, c->uri, strlen(c->uri)) &&
	       right_credentials(text, s->text), c, "CANCEL", s);
	respond(c, relayed, 200, 1);
}

static void refused(struct story *c)
{
	char text[RX_SIZE];
	struct sent *s;

	respond(c, c->relayed, 487, 1);
	move_somebody();
	if (draw(2))
		respond(c, c->relayed, 487, 1);
	request(c, text, 0, "ACK");
	s = hop(c->caller, text, c->fast);
	expect(reached(c, s, &c->called) && right_credentials(text, s->text) &&
	       !strcmp(world_header(s->text, "Via", 0), world_header(c->relayed, "Via", 0)), c,
	       "ACK of a refusal", s);
}

/* The Contact that the addressee wrote; of a token that was cut the rest stays. */
static bool right_uri(const struct story *c, unsigned int side, const struct sent *s)
{
	char want[128], h[64];
	const char *at = strchr(s->text, ' ') + 1;

	snprintf(want, sizeof(want), "sip:%s@%s;%s%s", side ? "party" : "dev",
		 host(side ? &c->caller : &c->called, h), side ? "p=1" : "d=2",
		 c->lose == CUT_TOKEN ? "" : " SIP/2.0\r\n");
	return !strncmp(at, want, strlen(want));
}

/* A request within the dialog, its repetition, its answer, and the ACK when there is one. */
static void talk(struct story *c, const char *method)
{
	unsigned int side = draw(2);
	const struct endpoint *from = side ? &c->called : &c->caller;
	const struct endpoint *want = side ? &c->caller : &c->called;
	char text[RX_SIZE], relayed[RX_SIZE];
	bool fast = draw(2);
	struct sent *s;

	c->cseq++;
	c->txn++;
	request(c, text, side, method);
	s = hop(*from, text, fast);
	if (!reached(c, s, want))
		return;
	expect(right_uri(c, side, s) && right_credentials(text, s->text), c, method, s);
	memcpy(relayed, s->text, s->len + 1);
	move_somebody();
	if (!draw(3)) {
		s = hop(*from, text, fast);
		expect(s && !strcmp(s->text, relayed), c, "repeated in the dialog", s);
	}
	respond(c, relayed, 200, !side);
	if (strcmp(method, "INVITE"))
		return;
	c->txn++;
	request(c, text, side, "ACK");
	s = hop(*from, text, draw(2));
	expect(reached(c, s, want) && right_uri(c, side, s), c, "ACK of a re-INVITE", s);
}

static void accepted(struct story *c)
{
	char text[RX_SIZE];
	struct sent *s;

	answer(c->relayed, text, 200, &c->called);
	for (unsigned int i = 0; i <= draw(2); i++) {
		s = hop(c->called, text, draw(2));
		if (!reached(c, s, &c->caller))
			return;
		learn(c, 0, s->text, true);
		move_somebody();
	}
	learn(c, 1, c->relayed, false);
	c->answered = true;
	c->txn++;
	request(c, text, 0, "ACK");
	s = hop(c->caller, text, draw(2));
	expect(reached(c, s, &c->called) && right_uri(c, 0, s) &&
	       right_credentials(text, s->text), c, "ACK", s);
}

/* False: the call is over. */
static bool act(struct story *c)
{
	unsigned int what = draw(10);

	move_somebody();
	if (!c->answered && what < 3) {
		repeat_invite(c);
	} else if (!c->answered && what < 6) {
		respond(c, c->relayed, draw(2) ? 180 : 100, 1);
	} else if (!c->answered && what < 8) {
		cancel(c);
		refused(c);
		return false;
	} else if (!c->answered) {
		accepted(c);
		return c->answered;
	} else if (what < 4) {
		talk(c, "INVITE");
	} else if (what < 6) {
		talk(c, what == 4 ? "INFO" : "UPDATE");
	} else {
		talk(c, "BYE");
		return false;
	}
	return true;
}

static void move_in(void)
{
	for (unsigned int i = 0; i < 2 * USERS; i++)
		move(i / 2, i % 2);
}

#endif
