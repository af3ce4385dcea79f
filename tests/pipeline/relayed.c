// SPDX-License-Identifier: BSD-2-Clause
/*
 * The media of calls that the router relays itself: kmod/relayed.c with the relay of kmod/sip, as
 * forward.c and the daemon use them together. A phone, a provider and a second phone; each answers
 * what it received.
 */
#include <stdarg.h>
#include <stdio.h>

#include "router.h"

#include "call.h"
#include "../unit/count.h"
#include "pkt.h"
#include "relayed.h"
#include "sip/relay.h"
#include "sip/sdp.h"
#include "tables.h"

int inet_pton(int family, const char *text, void *addr);

/* ---- who is where ---- */

enum who { PHONE, OTHER, PEER, SECOND };
struct party {
	const char *host;
	u8 zone;
};

/* private behind NAT, public addresses, IPv6; our address towards each zone is the last two */
static const struct party nat[] = {
	{ "192.168.1.2", SIP_ZONE_INSIDE }, { "192.168.1.3", SIP_ZONE_INSIDE },
	{ "203.0.113.10", SIP_ZONE_OUTSIDE }, { "203.0.113.11", SIP_ZONE_OUTSIDE },
	{ "192.168.1.1", SIP_ZONE_INSIDE }, { "198.51.100.1", SIP_ZONE_OUTSIDE },
};
static const struct party public[] = {
	{ "192.0.2.2", SIP_ZONE_INSIDE }, { "192.0.2.3", SIP_ZONE_INSIDE },
	{ "203.0.113.10", SIP_ZONE_OUTSIDE }, { "203.0.113.11", SIP_ZONE_OUTSIDE },
	{ "192.0.2.1", SIP_ZONE_INSIDE }, { "198.51.100.1", SIP_ZONE_OUTSIDE },
};
static const struct party six[] = {
	{ "2001:db8:1::2", SIP_ZONE_INSIDE }, { "2001:db8:1::3", SIP_ZONE_INSIDE },
	{ "2001:db8::10", SIP_ZONE_OUTSIDE }, { "2001:db8::11", SIP_ZONE_OUTSIDE },
	{ "2001:db8:1::1", SIP_ZONE_INSIDE }, { "2001:db8:2::1", SIP_ZONE_OUTSIDE },
};
/* a router that is itself behind NAT */
static const struct party twice[] = {
	{ "192.168.1.2", SIP_ZONE_INSIDE }, { "192.168.1.3", SIP_ZONE_INSIDE },
	{ "203.0.113.10", SIP_ZONE_OUTSIDE }, { "203.0.113.11", SIP_ZONE_OUTSIDE },
	{ "192.168.1.1", SIP_ZONE_INSIDE }, { "10.0.0.2", SIP_ZONE_OUTSIDE },
};

static const struct party *world;
static struct cg_net *cn;

static u8 family(void) { return strchr(world[0].host, ':') ? NFPROTO_IPV6 : NFPROTO_IPV4; }

static void end_of(struct sip_end *e, const char *host, u16 port)
{
	memset(e, 0, sizeof(*e));
	e->kind = strchr(host, ':') ? SIP_HOST_IP6 : SIP_HOST_IP4;
	SHIM_BUG_ON(inet_pton(e->kind == SIP_HOST_IP6 ? 10 : 2, host, e->addr) != 1);
	e->port = port;
}

static struct cg_ep ep(const char *host, u16 port)
{
	struct sip_end e;
	struct cg_ep r;

	end_of(&e, host, port);
	cg_ep_make(&r, e.kind == SIP_HOST_IP6 ? NFPROTO_IPV6 : NFPROTO_IPV4, IPPROTO_UDP, e.addr,
		   port);
	return r;
}

static struct sip_hop hop_of(enum who w)
{
	const struct party *p = &world[w];
	struct sip_hop h = { .zone = p->zone, .transport = SIP_T_UDP };

	end_of(&h.remote, p->host, 5060);
	end_of(&h.local, world[p->zone == SIP_ZONE_INSIDE ? 4 : 5].host, 5060);
	h.ifindex = p->zone == SIP_ZONE_INSIDE ? 2 : 3;
	return h;
}

static void begin(const struct party *w, bool hides)
{
	world = w;
	shim_random_seed(1);
	router = (struct router){ .family = family(), .hides = hides,
				  .inside = ep(w[PHONE].host, 0).addr,
				  .inside_bytes = family() == NFPROTO_IPV6 ? 6 : 3,
				  .own = { ep(w[4].host, 0).addr, ep(w[5].host, 0).addr } };
	router_begin();
	cn = cg_net_of(&init_net);
}

/* Nothing stays; the quarantine of ports passes first. */
static void finish(void)
{
	shim_sleep(4000 * 1000);
	shim_sleep(4000 * 1000);
	T_OK(!cn->ncalls && !cn->npins, "%u calls and %u pinholes are left", cn->ncalls, cn->npins);
	router_end();
}

/* ---- messages ---- */

struct text {
	u32 len;
	char s[8192];
};

static void add(struct text *t, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	t->len += (u32)vsnprintf(t->s + t->len, sizeof(t->s) - t->len, format, ap);
	va_end(ap);
	SHIM_BUG_ON(t->len >= sizeof(t->s));
}

/* What a message is made of. */
struct say {
	enum who from, to;
	const char *method;
	u32 cseq;
	u16 status;         /* 0: a request */
	u16 media;          /* port of its audio; 0: no description */
	bool forward;       /* request: the caller's */
	const char *tag;    /* the callee's; NULL: none yet */
	const char *more;   /* header lines */
	const struct text *answers;    /* response: the request as it was received */
};

static const char *net(void) { return family() == NFPROTO_IPV6 ? "IP6" : "IP4"; }

static void add_body(struct text *t, const struct say *s)
{
	struct text b = {};
	const char *h = world[s->from].host;

	if (s->media)
		add(&b, "v=0\r\no=- 1 %u IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n"
		    "m=audio %u RTP/AVP 0\r\n", s->media, net(), h, net(), h, s->media);
	if (s->media)
		add(t, "Content-Type: application/sdp\r\n");
	add(t, "Content-Length: %u\r\n\r\n%.*s", b.len, (int)b.len, b.s);
}

/* All Via lines of the request. */
static void add_vias(struct text *t, const struct text *req)
{
	const char *line = req->s, *end;

	for (; (end = strstr(line, "\r\n")) && end != line; line = end + 2)
		if (!strncmp(line, "Via:", 4))
			add(t, "%.*s\r\n", (int)(end - line), line);
}

static void write_message(struct text *t, const struct say *s)
{
	const char *at = world[s->from].host;
	bool v6 = family() == NFPROTO_IPV6;

	t->len = 0;
	if (s->status) {
		add(t, "SIP/2.0 %u Some\r\n", s->status);
		add_vias(t, s->answers);
	} else {
		add(t, "%s sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP %s%s%s:5060"
		    ";branch=z9hG4bK-%u-%s;rport\r\nMax-Forwards: 70\r\n", s->method,
		    v6 ? "[" : "", at, v6 ? "]" : "", s->cseq,
		    !strcmp(s->method, "CANCEL") ? "INVITE" : s->method);
	}
	if (s->forward)
		add(t, "From: <sip:alice@a.example>;tag=caller\r\nTo: <sip:bob@example.com>%s%s\r\n",
		    s->tag ? ";tag=" : "", s->tag ? s->tag : "");
	else
		add(t, "From: <sip:bob@example.com>;tag=%s\r\n"
		    "To: <sip:alice@a.example>;tag=caller\r\n", s->tag);
	add(t, "Call-ID: one@call\r\nCSeq: %u %s\r\nContact: <sip:u@%s%s%s:5060>\r\n%s", s->cseq,
	    s->method, v6 ? "[" : "", at, v6 ? "]" : "", s->more ? s->more : "");
	add_body(t, s);
}

static bool is_ours(void *arg, const u8 *buf, const struct sip_host *h) { return false; }

static const struct sip_key key = { .key = { "0123456789abcde" } };

/* What came out of the last message, and what was said about it. */
static struct text out;
static struct sip_msg in_msg, out_msg;
static bool edited;
static u64 call_id;

/* Relayed as forward.c does it. */
static void relay(const struct text *t, const struct sip_hop *from, const struct sip_hop *to)
{
	static struct sip_relay r;
	static struct sip_edits e;
	struct cg_relayed media = { .msg = &in_msg, .from = from, .to = &r.to, .edits = &e };
	int result;

	SHIM_BUG_ON(sip_msg_parse(&in_msg, (const u8 *)t->s, t->len, SIP_DATAGRAM) != SIP_OK);
	sip_edit_init(&e);
	r = (struct sip_relay){ .key = &key, .ours = is_ours, .from = *from, .to = *to,
				.owner = SIP_OWNER_KERNEL };
	if (in_msg.request) {
		sip_relay_look(&r, &in_msg);
		result = sip_relay_request(&r, &in_msg, &e);
	} else {
		result = sip_relay_response(&r, &in_msg, &e);
	}
	T_OK(result == SIP_RELAY_OK, "the relay says %s to\n%s", sip_relay_name((u32)result), t->s);
	edited = cg_relayed(cn, &media);
	call_id = media.call;
	out.len = sip_edit_length(&e, t->len);
	SHIM_BUG_ON(out.len >= sizeof(out.s) ||
		    sip_edit_apply(&e, (const u8 *)t->s, t->len, (u8 *)out.s, sizeof(out.s) - 1));
	out.s[out.len] = 0;
	T_OK(sip_msg_parse(&out_msg, (const u8 *)out.s, out.len, SIP_DATAGRAM) == SIP_OK &&
	     !out_msg.rest.len, "what came out is not valid:\n%s", out.s);
	T_OK(!tables_check(), "tables: %s", tables_check());
	if (!shim_bh_off)
		shim_rest();
}

static const struct text *say(const struct say *s)
{
	static struct text t, copy;
	struct sip_hop from = hop_of(s->from), to = hop_of(s->to);

	write_message(&t, s);
	relay(&t, &from, &to);
	copy = out;
	return &copy;
}

/* ---- what is expected ---- */

/* The description that came out names this host and port, everywhere. */
static void expect_sdp(const char *what, const char *host, u16 port)
{
	struct text want = {};
	const char *body = out.s + out_msg.body.off;

	add(&want, "IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %u RTP", net(), host, net(),
	    host, port);
	T_OK(out_msg.body.len && strstr(body, want.s),
	     "%s: not %s %u:\n%s", what, host, port, body);
}

static struct cg_call *only_call(void)
{
	T_OK(cn->ncalls == 1, "%u calls", cn->ncalls);
	return cn->ncalls ? list_first_entry(&cn->call_list, struct cg_call, all) : NULL;
}

static u32 pins_of(void) { return cn->ncalls ? only_call()->npins : 0; }

static bool has_pin(const char *in, const char *pub, u16 port, u16 pub_port)
{
	struct cg_ep a = ep(in, port), b = ep(pub, pub_port);
	const struct cg_call *call = only_call();

	return call && cg_pin_of_call(call, &a, &b);
}

static void expect_call(u8 dir, enum who inside, enum who peer)
{
	const struct cg_call *call = only_call();
	struct cg_ep a = ep(world[inside].host, 5060), b = ep(world[peer].host, 5060);

	T_OK(call && call->dir == dir && cg_ep_equal(&call->inside, &a) &&
	     cg_ep_equal(&call->peer, &b), "the call has other ends, or another direction");
	T_OK(call && call->id == call_id, "another call was meant");
}

/* ---- a call, step by step ---- */

static struct text invite;

static void say_invite(enum who from, enum who to, u16 media)
{
	invite = *say(&(struct say){ from, to, "INVITE", 1, .media = media, .forward = true });
}

static void say_answer(enum who from, enum who to, u16 status, u16 media)
{
	say(&(struct say){ from, to, "INVITE", 1, status, media, true, "callee",
			   .answers = &invite });
}

static void say_ack(enum who from, enum who to, u16 media)
{
	say(&(struct say){ from, to, "ACK", 1, .media = media, .forward = true, .tag = "callee" });
}

static void say_bye(enum who from, enum who to, bool by_caller)
{
	struct text bye = *say(&(struct say){ from, to, "BYE", 9, .forward = by_caller,
					      .tag = "callee" });

	T_OK(cn->ncalls == 1 && only_call()->state == CG_CALL_ENDING, "BYE does not begin the end");
	say(&(struct say){ to, from, "BYE", 9, 200, 0, by_caller, "callee", .answers = &bye });
	T_OK(!cn->ncalls, "the call goes on after BYE");
}

/* In both directions, with NAT: whose address becomes which. */
static void test_incoming(const struct party *w, bool hides)
{
	const char *w_pub, *phone;

	begin(w, hides);
	w_pub = world[5].host;
	phone = world[PHONE].host;
	say_invite(PEER, PHONE, 7000);
	T_OK(!edited, "the offer of the outside was edited");
	expect_sdp("offer", world[PEER].host, 7000);
	expect_call(CG_CALL_IN, PHONE, PEER);
	say_answer(PHONE, PEER, 180, 0);
	say_answer(PHONE, PEER, 200, 4000);
	expect_sdp("answer", w_pub, 4000);
	T_OK(edited && pins_of() == 2 && has_pin(phone, w_pub, 4000, 4000) &&
	     has_pin(phone, w_pub, 4001, 4001), "the pinholes of the answer");
	T_OK(!cn->npublished, "an expectation without a conntrack");
	say_answer(PHONE, PEER, 200, 4000);
	expect_sdp("answer again", w_pub, 4000);
	T_OK(pins_of() == 2, "the answer again: other pinholes");
	say_ack(PEER, PHONE, 0);
	T_OK(only_call()->state == CG_CALL_ANSWERED, "not answered");
	say_bye(PEER, PHONE, true);
	finish();
}

static void test_outgoing(const struct party *w, bool hides)
{
	const char *w_pub, *phone;

	begin(w, hides);
	w_pub = world[5].host;
	phone = world[PHONE].host;
	say_invite(PHONE, PEER, 4000);
	expect_sdp("offer", w_pub, 4000);
	say_invite(PHONE, PEER, 4000);
	expect_sdp("offer again", w_pub, 4000);
	T_OK(pins_of() == 2 && has_pin(phone, w_pub, 4000, 4000), "pinholes of the offer");
	expect_call(CG_CALL_OUT, PHONE, PEER);
	say_answer(PEER, PHONE, 200, 7000);
	T_OK(!edited, "the answer of the outside was edited");
	expect_sdp("answer", world[PEER].host, 7000);
	say_ack(PHONE, PEER, 0);
	say_bye(PEER, PHONE, false);
	finish();
}

/* The hooks bind media of a call without a signalling conntrack; BYE removes its entries. */
static void test_media(void)
{
	struct cg_ep peer, pub, in;
	struct nf_conn *ct;

	begin(nat, true);
	say_invite(PEER, PHONE, 7000);
	say_answer(PHONE, PEER, 200, 4000);
	say_ack(PEER, PHONE, 0);
	peer = ep(world[PEER].host, 7000);
	pub = ep(world[5].host, 4000);
	in = ep(world[PHONE].host, 4000);
	ct = router_media(&peer, &pub);
	T_OK(ct && ct->status & IPS_DST_NAT && ct->tuplehash[1].tuple.src.u.all == in.port &&
	     !memcmp(&ct->tuplehash[1].tuple.src.u3, &in.addr, sizeof(in.addr)),
	     "media of the peer does not come to the phone");
	T_OK(ct && router_media(&in, &peer) == ct, "the phone's media is another flow");
	pub = ep(world[5].host, 4002);
	peer = ep(world[SECOND].host, 7000);
	ct = router_media(&peer, &pub);
	T_OK(!ct || !(ct->status & IPS_DST_NAT), "a stranger came in");
	say_bye(PHONE, PEER, false);
	finish();
}

static void test_refused(void)
{
	const char *w_pub, *phone;
	struct text again;

	begin(nat, true);
	w_pub = world[5].host;
	phone = world[PHONE].host;
	say_invite(PHONE, PEER, 4000);
	say_answer(PEER, PHONE, 200, 7000);
	say_ack(PHONE, PEER, 0);
	again = *say(&(struct say){ PHONE, PEER, "INVITE", 2, .media = 4100, .forward = true,
				    .tag = "callee" });
	expect_sdp("new offer", w_pub, 4100);
	T_OK(pins_of() == 4 && has_pin(phone, w_pub, 4100, 4100), "pinholes of the new offer");
	say(&(struct say){ PEER, PHONE, "INVITE", 2, 488, 0, true, "callee", .answers = &again });
	T_OK(pins_of() == 2 && has_pin(phone, w_pub, 4000, 4000) &&
	     !has_pin(phone, w_pub, 4100, 4100), "488 does not bring the old pinholes back");
	again = *say(&(struct say){ PHONE, PEER, "UPDATE", 3, .media = 4200, .forward = true,
				    .tag = "callee" });
	expect_sdp("UPDATE", w_pub, 4200);
	say(&(struct say){ PEER, PHONE, "UPDATE", 3, 200, 7100, true, "callee",
			   .answers = &again });
	T_OK(pins_of() == 2 && has_pin(phone, w_pub, 4200, 4200), "UPDATE did not replace them");
	say_bye(PHONE, PEER, true);
	finish();
}

static void test_late_offer(void)
{
	begin(nat, true);
	say_invite(PEER, PHONE, 0);
	T_OK(only_call(), "no call without a description");
	say_answer(PHONE, PEER, 200, 4000);
	expect_sdp("late offer", world[5].host, 4000);
	say_ack(PEER, PHONE, 7000);
	T_OK(!edited && pins_of() == 2, "the answer in ACK");
	say_bye(PHONE, PEER, false);
	finish();
	begin(nat, true);
	say_invite(PHONE, PEER, 0);
	say_answer(PEER, PHONE, 200, 7000);
	say_ack(PHONE, PEER, 4000);
	expect_sdp("answer in ACK", world[5].host, 4000);
	T_OK(pins_of() == 2, "pinholes of the ACK");
	say_bye(PHONE, PEER, true);
	finish();
}

/* PRACK carries an answer, and its 200 ends nothing. */
static void test_prack(void)
{
	struct text prack;

	begin(nat, true);
	say_invite(PEER, PHONE, 0);
	say_answer(PHONE, PEER, 183, 4000);
	expect_sdp("offer in 183", world[5].host, 4000);
	prack = *say(&(struct say){ PEER, PHONE, "PRACK", 2, .media = 7000, .forward = true,
				    .tag = "callee", .more = "RAck: 1 1 INVITE\r\n" });
	say(&(struct say){ PHONE, PEER, "PRACK", 2, 200, 0, true, "callee", .answers = &prack });
	T_OK(pins_of() == 2 && only_call()->state == CG_CALL_EARLY, "after PRACK");
	say_answer(PHONE, PEER, 200, 0);
	T_OK(pins_of() == 2 && only_call()->state == CG_CALL_ANSWERED, "after 200");
	say_bye(PHONE, PEER, false);
	finish();
}

static void test_ends_early(void)
{
	struct text cancel;

	begin(nat, true);
	say_invite(PHONE, PEER, 4000);
	say_answer(PEER, PHONE, 180, 0);
	cancel = *say(&(struct say){ PHONE, PEER, "CANCEL", 1, .forward = true });
	say(&(struct say){ PEER, PHONE, "CANCEL", 1, 200, 0, true, "callee", .answers = &cancel });
	T_OK(cn->ncalls == 1, "CANCEL ends the call before its 487");
	say_answer(PEER, PHONE, 487, 0);
	T_OK(!cn->ncalls, "487 does not end the call");
	finish();
	begin(nat, true);
	say_invite(PEER, PHONE, 7000);
	say_answer(PHONE, PEER, 486, 0);
	T_OK(!cn->ncalls, "486 does not end the call");
	finish();
	begin(nat, true);
	say_invite(PHONE, PEER, 4000);
	say_answer(PEER, PHONE, 407, 0);
	T_OK(cn->ncalls == 1, "407 ends the call");
	invite = *say(&(struct say){ PHONE, PEER, "INVITE", 2, .media = 4000, .forward = true });
	expect_sdp("with credentials", world[5].host, 4000);
	T_OK(pins_of() == 2, "another port with credentials");
	finish();
}

/* One INVITE to two targets: a branch of its own each, whatever the request's was. */
static void test_fork(void)
{
	struct text first, second;

	begin(public, false);
	say_invite(PEER, PHONE, 7000);
	first = invite;
	say_invite(PEER, OTHER, 7000);
	second = invite;
	say(&(struct say){ PHONE, PEER, "INVITE", 1, 486, 0, true, "one", .answers = &first });
	T_OK(cn->ncalls == 1, "one fork's end ended all of them");
	say(&(struct say){ OTHER, PEER, "INVITE", 1, 486, 0, true, "two", .answers = &second });
	T_OK(!cn->ncalls, "the last fork's end did not end the call");
	finish();
	begin(nat, true);
	say_invite(PEER, PHONE, 7000);
	say_invite(PEER, OTHER, 7000);
	T_OK(cn->ncalls == 2, "each hidden target has a call of its own");
	finish();
}

static void test_routed(const struct party *w)
{
	const char *phone;

	begin(w, false);
	phone = world[PHONE].host;
	say_invite(PEER, PHONE, 7000);
	expect_call(CG_CALL_IN, PHONE, PEER);
	say_answer(PHONE, PEER, 200, 4000);
	T_OK(!edited && has_pin(phone, phone, 4000, 4000),
	     "a reachable phone needs pinholes alone");
	expect_sdp("answer", phone, 4000);
	say_ack(PEER, PHONE, 0);
	say_bye(PHONE, PEER, false);
	finish();
	begin(w, false);
	say_invite(PHONE, PEER, 4000);
	T_OK(!edited && has_pin(phone, phone, 4000, 4000), "the same the other way round");
	expect_call(CG_CALL_OUT, PHONE, PEER);
	say_answer(PEER, PHONE, 200, 7000);
	say_ack(PHONE, PEER, 0);
	say_bye(PEER, PHONE, false);
	finish();
}

/* Two phones here; and the NAT of what goes outside does not concern them. */
static void test_inside(void)
{
	const char *a, *b;

	begin(nat, true);
	a = world[PHONE].host;
	b = world[OTHER].host;
	say_invite(PHONE, OTHER, 4000);
	T_OK(!edited && has_pin(a, a, 4000, 4000), "the offer between two phones");
	expect_call(CG_CALL_THROUGH, PHONE, OTHER);
	say_answer(OTHER, PHONE, 200, 4000);
	T_OK(!edited && has_pin(b, b, 4000, 4000), "the answer between two phones");
	say_ack(PHONE, OTHER, 0);
	say_bye(OTHER, PHONE, false);
	finish();
}

static void test_nothing(void)
{
	struct sip_hop from, to;
	struct text t;

	begin(nat, true);
	say_invite(PEER, SECOND, 7000);
	T_OK(!cn->ncalls && !edited, "a call from outside to outside");
	say(&(struct say){ PHONE, PEER, "REGISTER", 1, .forward = true });
	say(&(struct say){ PHONE, PEER, "OPTIONS", 2, .forward = true });
	say(&(struct say){ PHONE, PEER, "BYE", 3, .forward = true, .tag = "callee" });
	T_OK(!cn->ncalls && !cn->ntxns, "what is no call made state");
	from = hop_of(PHONE);
	to = hop_of(PEER);
	write_message(&t, &(struct say){ PHONE, PEER, "INVITE", 4, .media = 4000,
					 .forward = true });
	end_of(&to.remote, "2001:db8::10", 5060);
	end_of(&to.local, "2001:db8:2::1", 5060);
	relay(&t, &from, &to);
	T_OK(!cn->ncalls && !edited && cn->counters->reason[CG_R_TWO_FAMILIES] == 1,
	     "between IPv4 and IPv6");
	finish();
}

static void test_modes(void)
{
	begin(nat, true);
	cn->set.mode = CALLGATE_MODE_OFF;
	cn->capped = true;
	say_invite(PHONE, PEER, 4000);
	T_OK(!edited && !cn->ncalls, "mode off");
	cn->set.mode = CALLGATE_MODE_OPEN;
	say_invite(PHONE, PEER, 4000);
	T_OK(!edited && cn->ncalls == 1, "mode open");
	expect_sdp("mode open", world[PHONE].host, 4000);
	finish();
}

/* The port is taken: another one of the pool; and a session that is not refreshed ends. */
static void test_pool_and_session(void)
{
	const struct cg_pin *pin;

	begin(nat, true);
	router.busy[0] = 4000;
	say_invite(PHONE, PEER, 4000);
	pin = list_first_entry(&only_call()->pins, struct cg_pin, owner);
	expect_sdp("another port", world[5].host, ntohs(pin->pub.port));
	T_OK(pin->pub.port != htons(4000), "a port that is not free");
	say(&(struct say){ PEER, PHONE, "INVITE", 1, 200, 7000, true, "callee",
			   .more = "Session-Expires: 90;refresher=uac\r\n", .answers = &invite });
	say_ack(PHONE, PEER, 0);
	shim_sleep(100 * 1000);
	T_OK(cn->ncalls == 1, "ended within its grace");
	shim_sleep(120 * 1000);
	T_OK(!cn->ncalls, "a session that nobody refreshed goes on");
	finish();
}

/* A hook within a hook has no context of its own: untouched, and counted. */
static void test_busy(void)
{
	struct cg_pkt *p;

	begin(nat, true);
	p = cg_pkt_get();
	say_invite(PHONE, PEER, 4000);
	T_OK(!edited && !cn->ncalls && cn->counters->reason[CG_R_RELAY_BUSY] == 1, "busy");
	cg_pkt_put(p);
	finish();
}

int main(void)
{
	test_incoming(nat, true);
	/* no rule says so, but nothing could come back to a private address */
	test_incoming(nat, false);
	/* a public address that a rule hides all the same */
	test_incoming(public, true);
	test_incoming(twice, true);
	test_incoming(six, true);
	test_outgoing(nat, true);
	test_outgoing(nat, false);
	test_outgoing(public, true);
	test_outgoing(twice, false);
	test_outgoing(six, true);
	test_media();
	test_refused();
	test_late_offer();
	test_prack();
	test_ends_early();
	test_fork();
	test_routed(public);
	test_routed(six);
	test_inside();
	test_nothing();
	test_modes();
	test_pool_and_session();
	test_busy();
	return t_end("relayed");
}
