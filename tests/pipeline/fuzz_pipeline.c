// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any datagrams through the whole pipeline, in both directions and over time. The byte 0xff
 * separates them (no SIP message has it); the byte behind it says about the next one:
 *
 *   bit 0      from the world, not from the phone
 *   bits 1-2   time before it: none, a second, 40 seconds, 700 seconds
 *   bit 3      media before it, to and from every pinhole
 *   bits 4-6   which allocation fails, 0: none
 *
 * A first 0xff is followed by a byte about the flow: bits 0-1 mode, bit 2 IPv6,
 * bit 3 callgate-open, bit 4 another public port, bit 5 little room.
 */
#include <stdio.h>

#include "router.h"

#include "call.h"
#include "sip/msg.h"
#include "tables.h"

#define MAX 60000

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct datagram {
	const u8 *data;
	u32 len;
	u8 control;
};

static struct nf_conn *ct;
static bool edits, forwarded;

static void complain(const char *what)
{
	shim_say("fuzz_pipeline: %s\n", what);
	shim_bug(__FILE__, __LINE__, "see above");
}

/* ---- the flow ---- */

static void ep(struct cg_ep *e, bool v6, const char *v4, u16 port)
{
	static const u8 net[3][8] = { { 0xfd, 0, 0, 1 }, { 0x20, 1, 0xd, 0xb8, 0xff, 0xff },
				      { 0x20, 1, 0xd, 0xb8, 0x99 } };
	u8 a[16] = {};

	if (v6) {
		memcpy(a, net[v4[0] == 'i' ? 0 : v4[0] == 'p' ? 1 : 2], 8);
		a[15] = 2;
	} else {
		memcpy(a, v4[0] == 'i' ? "\xc0\xa8\x01\x02" : v4[0] == 'p' ? "\xcb\x00\x71\x01" :
		       "\xc6\x33\x64\x0a", 4);
	}
	cg_ep_make(e, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4, IPPROTO_UDP, a, port);
}

static void begin(u8 control)
{
	struct cg_ep phone, pub, peer;
	bool v6 = control & 4;
	u8 mode = control & 3;
	struct router_ends e;
	struct cg_net *cn;

	ep(&phone, v6, "inside", 5060);
	ep(&pub, v6, "public", control & 16 ? 40000 : 5060);
	ep(&peer, v6, "world", 5060);
	router = (struct router){ .family = phone.family, .inside = phone.addr,
				  .inside_bytes = v6 ? 8 : 3, .own = { {}, pub.addr },
				  .busy = { 5004, 16384, 30001 } };
	router_begin();
	cn = cg_net_of(&init_net);
	if (control & 32) {
		cn->set.host_calls = cn->set.calls = 2;
		cn->set.host_pins = 6;
		cn->set.pins = 8;
		cn->set.host_bindings = cn->set.bindings = 2;
		cn->set.txns = 4;
	}
	edits = mode < 2 && !(control & 8);
	forwarded = mode == 1;
	e = forwarded ? (struct router_ends){ peer, pub, peer, phone } :
	    (struct router_ends){ phone, peer, mode ? phone : pub, peer };
	ct = router_flow(&e, control & 8);
}

/* ---- media ---- */

/* Each pinhole's peer, or somebody, sends to it; it sends to its peer. */
static void media_of(const struct cg_pin *pin)
{
	struct cg_ep from, in = pin->in, pub = pin->pub;
	struct nf_conn *c;

	if (pin->call && pin->call->nfar)
		from = pin->call->far[0].ep;
	else
		ep(&from, pub.family == NFPROTO_IPV6, "world", 7000);
	if (from.family != pub.family)
		return;
	from.proto = pub.proto;
	c = router_media(&from, &pub);
	if (c && !cg_ep_equal(&in, &pub) && pin->call && c->status & IPS_DST_NAT &&
	    c->tuplehash[1].tuple.src.u.all != in.port)
		complain("media goes to another port than the phone's");
	router_media(&in, &from);
}

static void media(void)
{
	struct cg_net *cn = cg_net_of(&init_net);
	struct cg_pin *pin, *next;
	struct cg_call *call;

	list_for_each_entry(call, &cn->call_list, all)
		list_for_each_entry_safe(pin, next, &call->pins, owner)
			media_of(pin);
	list_for_each_entry_safe(pin, next, &cn->sig_list, owner)
		media_of(pin);
}

/* ---- one datagram ---- */

struct counts {
	u32 calls, pins, txns, bindings;
};

static struct counts counts(void)
{
	const struct cg_net *cn = cg_net_of(&init_net);

	return (struct counts){ cn->ncalls, cn->npins, cn->ntxns, cn->nbindings };
}

static void send(const struct datagram *d)
{
	static struct sip_msg m;
	struct counts before = counts(), after;
	struct router_out out;
	bool same, valid;

	valid = sip_msg_parse(&m, d->data, d->len, SIP_DATAGRAM) == SIP_OK;
	shim_fail_in = d->control >> 4 & 7;
	router_sip(ct, forwarded != (d->control & 1), d->data, d->len, &out);
	shim_fail_in = 0;
	after = counts();
	same = out.len == d->len && !memcmp(out.data, d->data, d->len);
	if (!out.sums_ok)
		complain("lengths or checksums are wrong");
	if (!same && (!valid || !edits))
		complain("a datagram that must not be edited was");
	if (!valid && memcmp(&before, &after, sizeof(before)))
		complain("what is not SIP made state");
	if (!same && sip_msg_parse(&m, out.data, out.len, SIP_DATAGRAM) != SIP_OK)
		complain("what came out is not valid");
}

static void step(const struct datagram *d)
{
	static const u32 wait[] = { 0, 1000, 40000, 700000 };
	const char *bad;

	if (d->control & 6)
		shim_sleep(wait[d->control >> 1 & 3]);
	if (d->control & 8)
		media();
	if (d->len)
		send(d);
	bad = tables_check();
	if (bad)
		complain(bad);
}

/* Up to the next separator; false: no more. */
static bool next(const u8 **p, const u8 *end, struct datagram *d)
{
	const u8 *stop;

	if (*p >= end)
		return false;
	stop = memchr(*p, 0xff, (size_t)(end - *p));
	d->data = *p;
	d->len = (u32)((stop ? stop : end) - *p);
	*p = stop ? stop + 1 : end;
	return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const u8 *p = data, *end = data + size;
	struct datagram d = {};
	u32 steps = 0;

	if (size > MAX)
		return 0;
	shim_random_seed(1);
	if (size > 1 && *p == 0xff) {
		begin(p[1]);
		p += 2;
	} else {
		begin(0);
	}
	while (steps++ < 64 && next(&p, end, &d)) {
		step(&d);
		d.control = p < end ? *p++ : 0;
	}
	/* nothing may hold on for ever but a call that nobody ended */
	shim_sleep(4000 * 1000);
	shim_sleep(4000 * 1000);
	router_end();
	return 0;
}
