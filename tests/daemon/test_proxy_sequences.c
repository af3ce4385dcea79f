/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls, eight at a time, from one provider and from inside, while users move between any
 * two messages and while kernel and daemon take turns: each transaction belongs to one of them, a
 * response is dealt with by either. Here the kernel is a small model of its forward: the shared
 * code, a table of ways, the locations. Whatever it can do is done by both: their bytes are the
 * same but for the owner's mark. Nothing may be lost, sent twice, or reach another call's party.
 *
 * usage: test_proxy_sequences [CALLS [SEED]]
 */
#include "proxy_world.h"

#include "log.h"
#include "proxy_way.h"
#include "sip/aor.h"

#define CALLS 10000
#define ACTIVE 8
#define USERS 24
#define DEVICES 32
#define KERNEL_TXNS 4096

static uint64_t state;
static unsigned int n_sent, n_lost, n_dup, n_crossed, n_unequal, n_wrong, n_kernel, n_daemon;

static unsigned int draw(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)((state >> 33) % n);
}

/* ---- the kernel ---- */

static struct kernel_txn {
	uint64_t key;
	struct sip_hop to;
	uint32_t len;
	char target[WAY_URI];
} txns[KERNEL_TXNS];
static unsigned int next_txn;

static const uint8_t secret[SIP_HASH_KEY] = "table of ways";
static struct sip_relay relay;
static struct sip_edits edits;
static struct sip_msg msg;
static char kernel_out[RX_SIZE];
static uint32_t kernel_len;

static struct kernel_txn *kernel_find(uint64_t key)
{
	for (unsigned int i = 0; i < KERNEL_TXNS; i++)
		if (txns[i].key == key)
			return &txns[i];
	return NULL;
}

/* By location, or in a dialog by the token or to the host of the Request-URI. */
static bool kernel_way(struct rx *rx, struct kernel_txn *t)
{
	const struct sip_relay_look *l = &relay.look;
	struct sip_end peer;
	struct sip_flow flow;
	char name[SIP_AOR_MAX];
	const struct aor *a;

	t->len = 0;
	if (l->has_next)
		return false;
	if (!l->has_contact && !msg.to_tag.len && way_ours(rx, rx->buf, &l->ruri.host)) {
		a = location_find(name, sip_aor_print_at(rx->buf, &l->ruri, "office.example", 14,
							 (u8 *)name));
		if (!a)
			return false;
		t->to = way_hop(&a->contacts->flow);
		t->len = (uint32_t)strlen(a->contacts->uri);
		memcpy(t->target, a->contacts->uri, t->len);
		return true;
	}
	if (l->lost)
		peer = l->route.end;
	else if (l->has_contact)
		peer = l->contact.end;
	else if (!l->dialog || !sip_end_of(&l->ruri.host, &peer) ||
		 way_ours(rx, rx->buf, &l->ruri.host))
		return false;
	if (peer.kind == SIP_HOST_NONE)
		return false;
	flow = flow_of((struct endpoint){ .len = peer.kind == SIP_HOST_IP4 ? 4 : 16,
					  .port = peer.port });
	memcpy(flow.remote.addr, peer.addr, flow.remote.len);
	flow = flow_of(flow.remote);
	t->to = way_hop(&flow);
	t->to.ifindex = 0;
	return true;
}

static bool kernel_request(struct rx *rx)
{
	uint64_t key = sip_relay_txn(secret, &msg, &relay.from);
	struct kernel_txn *t = kernel_find(key), new = { .key = key };

	if (sip_relay_look(&relay, &msg))
		return false;
	if (!t && !kernel_way(rx, &new))
		return false;
	if (!t) {
		t = &txns[next_txn++ % KERNEL_TXNS];
		*t = new;
	}
	relay.to = t->to;
	relay.target = t->len ? (const u8 *)t->target : NULL;
	relay.target_len = t->len;
	return !sip_relay_request(&relay, &msg, &edits);
}

/* True: it would be forwarded by the kernel, as kernel_out. */
static bool kernel(struct endpoint peer, const char *text, uint32_t len)
{
	struct sip_flow flow = flow_of(peer);
	struct rx rx = { .flow = flow, .buf = (const u8 *)text, .len = len };

	if (sip_msg_parse(&msg, (const u8 *)text, len, SIP_DATAGRAM))
		return false;
	relay = (struct sip_relay){ .key = proxy_key(), .ours = way_ours, .arg = &rx,
				    .from = way_hop(&flow), .owner = SIP_OWNER_KERNEL };
	sip_edit_init(&edits);
	if (msg.request ? !kernel_request(&rx) : sip_relay_response(&relay, &msg, &edits))
		return false;
	kernel_len = sip_edit_length(&edits, len);
	return !sip_edit_apply(&edits, (const u8 *)text, len, (u8 *)kernel_out, sizeof(kernel_out));
}

/* ---- the hop: whose transaction it is ---- */

/* The same but for the mark of the first branch? */
static bool equal_but_mark(const struct sent *s)
{
	static char copy[RX_SIZE];
	char *mark;

	if (s->len != kernel_len)
		return false;
	memcpy(copy, s->text, s->len);
	copy[s->len] = 0;
	mark = strncmp(copy, "SIP/2.0", 7) ? strstr(copy, ";branch=z9hG4bKd") : NULL;
	if (mark)
		mark[15] = 'k';
	return !memcmp(copy, kernel_out, kernel_len);
}

/*
 * Gives a message to the router. Its output, or NULL. With @by_kernel the kernel's bytes go on, if
 * it can; the daemon is asked as well, and has to agree.
 */
static struct sent *hop(struct endpoint peer, const char *text, bool by_kernel)
{
	uint32_t len = (uint32_t)strlen(text);
	bool can = kernel(peer, text, len);
	unsigned int n = world_give(peer, text, len);
	struct sent *s = world_last();

	n_sent++;
	if (n != 1) {
		n_lost += !n;
		n_dup += n > 1;
		return NULL;
	}
	if (!can) {
		n_daemon++;
		return s;
	}
	n_unequal += !equal_but_mark(s);
	n_kernel += by_kernel;
	n_daemon += !by_kernel;
	if (by_kernel) {
		memcpy(s->text, kernel_out, kernel_len);
		s->len = kernel_len;
	}
	return s;
}

/* ---- the parties ---- */

enum lose { LOSE_NOTHING, LOSE_ROUTE, LOSE_TOKEN, CUT_TOKEN, LOSE_BOTH, LOSES };

struct story {
	unsigned int id, user, step, cseq, back, txn;
	struct endpoint caller, called;
	bool six, kernel, answered, inward;	/* inward: the caller is outside */
	enum lose lose;
	char uri[128];			/* of the device that was called, as it wrote it */
	char invite[RX_SIZE], relayed[RX_SIZE];	/* sent by the caller; as the device got it */
	char contact[2][256];		/* of caller and called, as the other one has it */
	char routes[2][2200];
};

static unsigned int calls_made;

static struct endpoint device(unsigned int n, bool six)
{
	char text[40];

	if (six) {
		snprintf(text, sizeof(text), "fd00::%x", 16 + n);
		return at6(text, (uint16_t)(5060 + n % 3));
	}
	snprintf(text, sizeof(text), "192.168.1.%u", 16 + n);
	return at4(text, (uint16_t)(5060 + n % 3));
}

static const char *host(const struct endpoint *e, char buf[64])
{
	uint32_t n = sip_host_print((u8 *)buf, e->len == 4 ? SIP_HOST_IP4 : SIP_HOST_IP6, e->addr,
				    e->port);

	buf[n] = 0;
	return buf;
}

static void move(unsigned int user, bool six)
{
	struct endpoint at = device(draw(DEVICES), six);
	char aor[64], uri[128], h[64];

	snprintf(aor, sizeof(aor), "user%u%s@office.example", user, six ? "v6" : "");
	snprintf(uri, sizeof(uri), "sip:user%u%s@%s;ob=%u", user, six ? "v6" : "", host(&at, h),
		 draw(1000));
	world_locate(aor, uri, at);
}

static void move_somebody(void)
{
	if (!draw(3))
		move(draw(USERS), draw(2));
}

static const char *own(const struct story *c)
{
	if (c->six)
		return c->inward ? "[2001:db8::1]" : "[fd00::1]";
	return c->inward ? "203.0.113.1" : "192.168.1.1";
}

/* A request of the caller (0) or of the called (1) within the call; Lines end with CRLF. */
static void request(const struct story *c, char out[RX_SIZE], unsigned int side, const char *method)
{
	const struct endpoint *from = side ? &c->called : &c->caller;
	bool first = !c->answered;
	char h[64], uri[256];

	if (first)
		snprintf(uri, sizeof(uri), "sip:user%u%s@%s", c->user, c->six ? "v6" : "", own(c));
	else
		snprintf(uri, sizeof(uri), "%s", c->contact[!side]);
	snprintf(out, RX_SIZE, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKc%ut%us%u;rport\r\n"
		 "%sMax-Forwards: 70\r\nFrom: <sip:%s>;tag=%s\r\nTo: <sip:%s>%s%s\r\n"
		 "Call-ID: %u@x\r\nCSeq: %u %s\r\nContact: <sip:party@%s;p=1>\r\n"
		 "Content-Length: 0\r\n\r\n", method, uri, host(from, h), c->id, c->txn, side,
		 first ? "" : c->routes[side], side ? "b@h" : "a@h", side ? "b" : "a",
		 side ? "a@h" : "b@h", first ? "" : ";tag=", first ? "" : side ? "a" : "b",
		 c->id, c->cseq, method, h);
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
	if (same_at(&s->flow.remote, want) && !strcmp(world_header(s->text, "Call-ID", 0), id))
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

/* What a party has of the other one's Contact and of the Routes, after all that it loses. */
static void learn(struct story *c, unsigned int side, const char *text, bool reverse)
{
	char *token;
	const char *contact = strchr(world_header(text, "Contact", 0), '<');
	unsigned int n = 0;

	snprintf(c->contact[!side], sizeof(c->contact[0]), "%.*s", (int)strcspn(contact + 1, ">"),
		 contact + 1);
	token = strstr(c->contact[!side], ";cg=");
	if (token && (c->lose == LOSE_TOKEN || c->lose == LOSE_BOTH))
		*token = 0;
	if (token && c->lose == CUT_TOKEN)
		token[15] = 0;
	while (world_header(text, "Record-Route", n)[0])
		n++;
	c->routes[side][0] = 0;
	if (c->lose == LOSE_ROUTE || c->lose == LOSE_BOTH)
		return;
	for (unsigned int i = 0; i < n; i++) {
		size_t len = strlen(c->routes[side]);

		snprintf(c->routes[side] + len, sizeof(c->routes[0]) - len, "Route: %s\r\n",
			 world_header(text, "Record-Route", reverse ? n - 1 - i : i));
	}
}

static void begin(struct story *c)
{
	static const struct endpoint none;
	struct sent *s;
	char aor[64];
	const struct aor *a;

	memset(c, 0, sizeof(*c));
	c->id = ++calls_made;
	c->six = !draw(3);
	c->inward = draw(4);
	c->user = draw(USERS);
	c->cseq = 1 + draw(1000);
	c->kernel = draw(2);
	c->lose = draw(3) ? LOSE_NOTHING : draw(LOSES);
	c->caller = none;
	if (c->inward)
		c->caller = c->six ? at6("2001:db8:9::9", 5060) : at4("198.51.100.9", 5060);
	else
		c->caller = device(40 + draw(20), c->six);
	snprintf(aor, sizeof(aor), "user%u%s@office.example", c->user, c->six ? "v6" : "");
	a = location_find(aor, strlen(aor));
	snprintf(c->uri, sizeof(c->uri), "%s", a->contacts->uri);
	c->called = a->contacts->flow.remote;
	request(c, c->invite, 0, "INVITE");
	s = hop(c->caller, c->invite, c->kernel);
	if (reached(c, s, &c->called)) {
		memcpy(c->relayed, s->text, s->len + 1);
		expect(!strncmp(s->text + 7, c->uri, strlen(c->uri)), c, "INVITE's URI", s);
	}
}

static void repeat_invite(struct story *c)
{
	struct sent *s = hop(c->caller, c->invite, c->kernel);

	expect(reached(c, s, &c->called) && !strcmp(s->text, c->relayed), c, "repeated INVITE", s);
}

static void cancel(struct story *c)
{
	char text[RX_SIZE], relayed[RX_SIZE];
	struct sent *s;

	request(c, text, 0, "CANCEL");
	s = hop(c->caller, text, c->kernel);
	if (!reached(c, s, &c->called))
		return;
	memcpy(relayed, s->text, s->len + 1);
	expect(!strcmp(world_header(s->text, "Via", 0), world_header(c->relayed, "Via", 0)) &&
	       !strncmp(s->text + 7, c->uri, strlen(c->uri)), c, "CANCEL", s);
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
	s = hop(c->caller, text, c->kernel);
	expect(reached(c, s, &c->called) &&
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
	bool by_kernel = draw(2);
	struct sent *s;

	c->cseq++;
	c->txn++;
	request(c, text, side, method);
	s = hop(*from, text, by_kernel);
	if (!reached(c, s, want))
		return;
	expect(right_uri(c, side, s), c, method, s);
	memcpy(relayed, s->text, s->len + 1);
	move_somebody();
	if (!draw(3)) {
		s = hop(*from, text, by_kernel);
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
	expect(reached(c, s, &c->called) && right_uri(c, 0, s), c, "ACK", s);
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

int main(int argc, char **argv)
{
	unsigned int calls = argc > 1 ? (unsigned int)atoi(argv[1]) : CALLS;
	static struct story active[ACTIVE];
	unsigned int i;

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 20261123;
	log_setup(LOG_LEVEL_WARN);
	world_open();
	for (i = 0; i < 2 * USERS; i++)
		move(i / 2, i % 2);
	for (i = 0; i < ACTIVE; i++)
		begin(&active[i]);
	while (calls_made < calls) {
		struct story *c = &active[draw(ACTIVE)];

		if (!draw(20))
			rx_wait(1000);
		if (!act(c))
			begin(c);
	}
	printf("%u calls, %u messages: %u by the kernel's model, %u by the daemon\n", calls_made,
	       n_sent, n_kernel, n_daemon);
	T_OK(n_kernel > calls && n_daemon > calls, "both had their share");
	T_OK(!n_lost, "%u of %u lost", n_lost, n_sent);
	T_OK(!n_dup, "%u sent twice", n_dup);
	T_OK(!n_crossed, "%u crossed", n_crossed);
	T_OK(!n_unequal, "%u differ between kernel and daemon", n_unequal);
	T_OK(!n_wrong, "%u are not as they should be", n_wrong);
	world_close();
	return t_end("test_proxy_sequences");
}
