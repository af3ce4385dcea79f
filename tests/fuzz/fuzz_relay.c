// SPDX-License-Identifier: BSD-2-Clause
/*
 * Relaying. The first bytes of the input choose the two sides and what the caller sets, the rest is
 * the message. A request that is relayed must parse and differ only where it may; its answer must
 * find back. A response of the input itself must never be taken for one of ours.
 */
#include <stdio.h>
#include <stdlib.h>

#include "relayed.h"
#include "touch.h"

#define SEED 16
#define MAX  65536

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const struct sip_key key = { .key = { "another 16 bytes" } };
static struct sip_msg before, after, answer, back;
static struct sip_edits edits;
static struct sip_relay r;
static u8 out[RELAYED_MAX], text[RELAYED_MAX], returned[RELAYED_MAX];

static void complain(const char *what)
{
	fprintf(stderr, "fuzz_relay: %s\n", what);
	abort();
}

static struct sip_end end_of(const u8 *seed, bool six)
{
	struct sip_end e = { .kind = six ? SIP_HOST_IP6 : SIP_HOST_IP4,
			     .port = (u16)(1024 + seed[0] * 64 + seed[1]) };

	e.addr[0] = six ? (seed[0] & 1 ? 0xfe : 0xfd) : 192;
	e.addr[1] = six ? 0x80 : 168;
	e.addr[3] = seed[1];
	return e;
}

static bool ours(void *arg, const u8 *buf, const struct sip_host *h)
{
	(void)buf;
	return h->kind == SIP_HOST_IP4 && (h->addr[3] ^ *(const u8 *)arg) & 1;
}

static bool own_realm(void *arg, const u8 *text, u32 len)
{
	return len && (text[0] ^ *(const u8 *)arg) & 1;
}

static bool stranger(void *arg, const struct sip_hop *hop)
{
	return (hop->remote.addr[3] ^ *(const u8 *)arg) & 1;
}

static void set_up(const u8 *seed)
{
	static const char target[] = "sip:target@192.0.2.1:5070;x=y?subject=z";

	r = (struct sip_relay){ .key = &key, .ours = ours, .arg = (void *)seed };
	r.from = (struct sip_hop){ .local = end_of(seed, seed[8] & 1),
				   .remote = end_of(seed + 2, seed[8] & 1), .ifindex = seed[9],
				   .transport = SIP_T_UDP, .zone = seed[8] >> 1 & 1 };
	r.to = (struct sip_hop){ .local = end_of(seed + 4, seed[8] >> 2 & 1),
				 .remote = end_of(seed + 6, seed[8] >> 2 & 1),
				 .ifindex = seed[10], .transport = SIP_T_UDP,
				 .zone = seed[8] >> 3 & 1 };
	r.realm = seed[8] & 0x40 ? own_realm : NULL;
	r.stranger = seed[8] & 0x80 ? stranger : NULL;
	r.disowned = seed[11] & 0x10;
	r.owner = seed[8] & 0x10 ? SIP_OWNER_KERNEL : SIP_OWNER_DAEMON;
	r.fork = seed[11] & 15;
	if (seed[8] & 0x20) {
		r.target = (const u8 *)target;
		r.target_len = sizeof(target) - 1;
	}
}

static u32 apply(const struct sip_msg *in, u8 *to)
{
	if (sip_edit_apply(&edits, in->buf, in->len, to, RELAYED_MAX))
		complain("edits cannot be applied");
	return sip_edit_length(&edits, in->len);
}

/* The answer of the next hop. */
static void and_back(void)
{
	struct sip_hop from = r.from;
	u32 len = relayed_answer(&after, 200, text, sizeof(text));
	const char *bad;

	if (!len || sip_msg_parse(&answer, text, len, SIP_DATAGRAM) != SIP_OK)
		return;
	r.from = r.to;
	r.max_len = MAX;
	sip_edit_init(&edits);
	switch (sip_relay_response(&r, &answer, &edits)) {
	case SIP_RELAY_OK:
		break;
	case SIP_RELAY_TOO_MANY_EDITS:
	case SIP_RELAY_TOO_BIG:
		return;
	default:
		complain("the answer is not forwarded");
	}
	if (memcmp(r.to.remote.addr, from.remote.addr, 16) ||
	    !sip_end_equal(&r.to.local, &from.local))
		complain("the answer goes elsewhere");
	len = apply(&answer, returned);
	if (sip_msg_parse(&back, returned, len, SIP_DATAGRAM) != SIP_OK)
		complain("the relayed answer does not parse");
	bad = relayed_response(&r, &answer, &back);
	if (bad)
		complain(bad);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const char *bad;
	u32 len;

	if (size < SEED || size > MAX)
		return 0;
	set_up(data);
	if (sip_msg_parse(&before, data + SEED, (u32)size - SEED, SIP_DATAGRAM) != SIP_OK)
		return 0;
	sip_edit_init(&edits);
	if (!before.request) {
		if (sip_relay_response(&r, &before, &edits) == SIP_RELAY_OK)
			complain("a response that we know nothing of");
		return 0;
	}
	if (sip_relay_look(&r, &before) || sip_relay_request(&r, &before, &edits))
		return 0;
	len = apply(&before, out);
	if (sip_msg_parse(&after, out, len, SIP_DATAGRAM) != SIP_OK) {
		fprintf(stderr, "%s at %u\n", sip_bad_name(after.bad), after.bad_off);
		complain("the relayed message does not parse");
	}
	bad = relayed_request(&r, &before, &after);
	if (bad)
		complain(bad);
	and_back();
	return 0;
}
