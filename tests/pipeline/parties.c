// SPDX-License-Identifier: BSD-2-Clause
/*
 * kmod/parties.c: requests of a dialog find the other party by Call-ID and tags alone, from where
 * the party is that sent them and from nowhere else; what is kept is bounded and ends in time.
 */
#include <stdio.h>
#include <string.h>

#include "../unit/count.h"
#include "shim.h"

#include "../../kmod/parties.c"

/* ---- messages ---- */

static struct cg_net net;
static struct cg_gate gate;
static struct cg_fwd f;
static char text[4096];

enum who { BOB, ALICE, EVE };
static const char *const tags[] = { "b", "a", "e" };

static struct cg_ep at(enum who who, u16 port)
{
	const u8 address[4] = { 192, 0, 2, (u8)(10 + who) };
	struct cg_ep ep;

	cg_ep_make(&ep, NFPROTO_IPV4, IPPROTO_UDP, address, port);
	return ep;
}

/* It came from there, on the interface that is number 7. */
static void parse(enum who who)
{
	f.gate = &gate;
	f.data = (const u8 *)text;
	f.len = (u32)strlen(text);
	f.in = (struct cg_flow){ .local = at(EVE + 1, 5060), .remote = at(who, 5060),
				 .ifindex = 7 };
	f.relay.from.zone = who == ALICE ? SIP_ZONE_INSIDE : SIP_ZONE_OUTSIDE;
	f.way.ntarget = 0;
	T_OK(!sip_msg_parse(&f.msg, f.data, f.len, SIP_DATAGRAM), "not valid: %s", text);
}

/* A request within the dialog of that number; @to NULL: without a tag. */
static void request(const char *method, unsigned int call, enum who who, const char *to)
{
	snprintf(text, sizeof(text), "%s sip:x@192.0.2.13 SIP/2.0\r\nVia: SIP/2.0/UDP x;branch="
		 "z9hG4bKx\r\nFrom: <sip:f@x>;tag=%s\r\nTo: <sip:t@x>%s%s\r\nCall-ID: %u\r\n"
		 "CSeq: 1 %s\r\nContact: \"A, B\" <sip:%s@x;p=1>;q=1\r\n\r\n", method, tags[who],
		 to ? ";tag=" : "", to ? to : "", call, method, tags[who]);
	parse(who);
}

/* Bob calls Alice, who is on interface 8, as sip:alice@there;ob. */
static void invite(unsigned int call)
{
	static const char uri[] = "sip:alice@there;ob";

	request("INVITE", call, BOB, NULL);
	f.way.to = (struct cg_flow){ .local = at(EVE + 2, 5060), .remote = at(ALICE, 5060),
				     .ifindex = 8 };
	f.way.zone = SIP_ZONE_INSIDE;
	f.way.ntarget = sizeof(uri) - 1;
	memcpy(f.way.target, uri, f.way.ntarget);
	cg_parties_request(&f);
}

static void respond(unsigned int call, unsigned int status, enum who who, const char *to,
		    const char *contact)
{
	snprintf(text, sizeof(text), "SIP/2.0 %u X\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\n"
		 "From: <sip:f@x>;tag=b\r\nTo: <sip:t@x>;tag=%s\r\nCall-ID: %u\r\n"
		 "CSeq: 1 INVITE\r\n%s%s%s\r\n", status, to, call, contact ? "Contact: " : "",
		 contact ? contact : "", contact ? "\r\n" : "");
	parse(who);
	cg_parties_response(&f);
}

static void answered(unsigned int call)
{
	respond(call, 200, ALICE, "a", "<sip:alice@dev;d=2>");
}

/* ---- what is found ---- */

static bool finds(enum who who, enum who whom, const char *uri)
{
	struct cg_ep want = at(whom, 5060);

	return cg_parties_find(&f) && cg_ep_equal(&f.way.to.remote, &want) &&
	       f.way.ntarget == strlen(uri) && !memcmp(f.way.target, uri, f.way.ntarget) &&
	       f.way.zone == (whom == ALICE ? SIP_ZONE_INSIDE : SIP_ZONE_OUTSIDE) &&
	       f.way.to.ifindex == (whom == ALICE ? 8 : 7) && who != whom;
}

/* In the dialog, from where that party is. */
static void from(enum who who, unsigned int call, const char *method, const char *to)
{
	request(method, call, who, to);
	f.in.ifindex = who == ALICE ? 8 : 7;
}

static bool both_find(unsigned int call)
{
	bool both;

	from(BOB, call, "INFO", "a");
	both = finds(BOB, ALICE, "sip:alice@dev;d=2");
	from(ALICE, call, "INFO", "b");
	return both && finds(ALICE, BOB, "sip:b@x;p=1");
}

static void both_ways(void)
{
	invite(1);
	from(BOB, 1, "PRACK", "a");
	T_OK(finds(BOB, ALICE, "sip:alice@there;ob"), "before the answer: as she was called");
	answered(1);
	T_OK(both_find(1), "both find the other one, as it said");
	from(BOB, 2, "INFO", "a");
	T_OK(!cg_parties_find(&f), "another Call-ID");
	from(BOB, 1, "INFO", "other");
	T_OK(!cg_parties_find(&f), "another tag of the called");
	from(ALICE, 1, "INFO", "other");
	T_OK(!cg_parties_find(&f), "another tag of the caller");
	from(BOB, 1, "ACK", NULL);
	T_OK(!cg_parties_find(&f), "no tag: of no dialog");
	from(ALICE, 1, "INFO", "b");
	f.msg.from_tag.len = 0;
	T_OK(!cg_parties_find(&f), "and none in From");
}

static void strangers(void)
{
	from(EVE, 1, "BYE", "a");
	T_OK(!cg_parties_find(&f), "a tag that is nobody's");
	for (unsigned int i = 0; i < 2; i++) {
		from(i ? ALICE : BOB, 1, "BYE", i ? "b" : "a");
		f.in.remote = at(EVE, 5060);
		T_OK(!cg_parties_find(&f), "from another address");
		f.in.remote = at(i ? ALICE : BOB, 5061);
		T_OK(!cg_parties_find(&f), "from another port");
		f.in.remote = at(i ? ALICE : BOB, 5060);
		f.in.ifindex = 9;
		T_OK(!cg_parties_find(&f), "by another interface");
		f.in.remote = at(i ? BOB : ALICE, 5060);
		f.in.ifindex = i ? 7 : 8;
		T_OK(!cg_parties_find(&f), "from where the other one is");
		cg_parties_request(&f);
	}
	T_OK(both_find(1), "none of them ended it");
	cg_parties_sweep(&gate);
	T_OK(gate.nparties == 1, "it is there");
}

static void contacts(void)
{
	char line[600];

	respond(1, 200, EVE, "a", "<sip:eve@x>");
	respond(1, 180, ALICE, "late", "<sip:late@x>");
	respond(1, 486, ALICE, "a", "<sip:busy@x>");
	respond(1, 200, ALICE, "a", NULL);
	T_OK(both_find(1),
	     "not by others, nor after the answer, nor by a refusal, nor without one");
	respond(1, 200, ALICE, "a", "<sip:moved@x>");
	from(BOB, 1, "INFO", "a");
	T_OK(finds(BOB, ALICE, "sip:moved@x"), "the latest counts");
	snprintf(line, sizeof(line), "<sip:dev@x>;x=%0400d", 1);
	respond(1, 200, ALICE, "a", line);
	from(BOB, 1, "INFO", "a");
	T_OK(finds(BOB, ALICE, "sip:dev@x"), "long parameters are not needed");
	answered(1);
	snprintf(line, sizeof(line), "<sip:%0400d@x>", 1);
	respond(1, 200, ALICE, "a", line);
	T_OK(both_find(1), "a URI that is too long is not kept");
}

static void once(void)
{
	invite(1);
	T_OK(both_find(1), "an INVITE of the same name changes nothing once it is answered");
	invite(2);
	request("INVITE", 2, BOB, NULL);
	f.in.remote = at(EVE, 5060);
	cg_parties_request(&f);
	from(BOB, 2, "PRACK", "a");
	T_OK(finds(BOB, ALICE, "sip:alice@there;ob"), "nor of somebody else before");
	request("INVITE", 2, BOB, NULL);
	f.way.to.remote = at(EVE, 5060);
	cg_parties_request(&f);
	from(BOB, 2, "PRACK", "a");
	T_OK(cg_parties_find(&f) && f.way.to.remote.addr.ip == at(EVE, 0).addr.ip,
	     "the caller itself may be sent elsewhere");
	T_OK(gate.nparties == 2, "%u dialogs", gate.nparties);
}

static void ends(void)
{
	from(BOB, 1, "BYE", "a");
	cg_parties_request(&f);
	T_OK(both_find(1), "a BYE is repeated, or refused");
	shim_sleep(1000ull * (seconds[ENDED] + 1));
	cg_parties_sweep(&gate);
	T_OK(!both_find(1) && gate.nparties == 1, "then it is over");
	shim_sleep(1000ull * (seconds[RINGING] - seconds[ENDED]));
	cg_parties_sweep(&gate);
	T_OK(!gate.nparties, "what was never answered too");
	invite(3);
	answered(3);
	shim_sleep(1000ull * (seconds[LASTING] - 1));
	cg_parties_sweep(&gate);
	answered(3);
	shim_sleep(1000ull * (2));
	cg_parties_sweep(&gate);
	T_OK(both_find(3), "a long call that is refreshed stays");
	shim_sleep(1000ull * (seconds[LASTING]));
	cg_parties_sweep(&gate);
	T_OK(!gate.nparties && !gate.parties_bytes, "%u dialogs, %llu bytes", gate.nparties,
	     (unsigned long long)gate.parties_bytes);
}

static void room(void)
{
	invite(1);
	answered(1);
	invite(2);
	answered(2);
	from(BOB, 2, "BYE", "a");
	cg_parties_request(&f);
	for (unsigned int i = 3; i <= CG_PARTIES_MAX + 1; i++)
		invite(i);
	T_OK(gate.nparties == CG_PARTIES_MAX, "%u", gate.nparties);
	T_OK(!both_find(2), "what has ended makes room first");
	invite(CG_PARTIES_MAX + 2);
	from(BOB, 3, "PRACK", "a");
	T_OK(gate.nparties == CG_PARTIES_MAX && !cg_parties_find(&f),
	     "then what rings, the oldest");
	T_OK(both_find(1), "what was answered stays");
	for (unsigned int i = 4; i <= CG_PARTIES_MAX + 2; i++)
		answered(i);
	invite(CG_PARTIES_MAX + 3);
	T_OK(gate.nparties == CG_PARTIES_MAX && !both_find(1) && both_find(4), "unless all were");
	sweep(&gate, true);
	T_OK(!gate.nparties && !gate.parties_bytes, "%u, %llu bytes", gate.nparties,
	     (unsigned long long)gate.parties_bytes);
}

static void no_memory(void)
{
	for (long n = 1; n < 4; n++) {
		shim_fail_in = n;
		invite(1);
		answered(1);
		shim_fail_in = 0;
		from(BOB, 1, "INFO", "a");
		T_OK(cg_parties_find(&f) == (n > 1), "allocation %ld", n);
		sweep(&gate, true);
	}
}

int main(void)
{
	net.counters = alloc_percpu(struct cg_counters);
	gate.cn = &net;
	net.key = (siphash_key_t){ { 1, 2 } };
	spin_lock_init(&gate.lock);
	T_OK(!cg_parties_init(&gate), "a table");
	both_ways();
	strangers();
	contacts();
	once();
	ends();
	room();
	no_memory();
	cg_parties_fini(&gate);
	free_percpu(net.counters);
	T_OK(!shim_live, "%ld allocations are left", shim_live);
	return t_end("parties");
}
