/* SPDX-License-Identifier: BSD-2-Clause */
/* passive: what becomes of the module's bindings, with a store that is late or fails; trunks. */
#include "callgate.h"
#include "kernel.h"
#include "passive.h"
#include "registrar_bed.h"
#include "timer.h"

#define PILOT "sip:pilot@voip.example"

/* The router has .1 on the side of each phone, lan0. */
static bool no_route;

int udp_route(const struct endpoint *remote, struct endpoint *local, uint32_t *ifindex)
{
	*local = *remote;
	local->addr[local->len - 1] = 1;
	local->port = 0;
	*ifindex = 7;
	return no_route ? -ENETUNREACH : 0;
}

uint8_t zone_of(const struct config *c, uint32_t ifindex, const struct endpoint *remote)
{
	(void)c;
	(void)remote;
	return ifindex == 7 ? ZONE_INSIDE : ZONE_OUTSIDE;
}

bool prefix_has(const struct prefix *p, const struct endpoint *e)
{
	uint8_t mask = (uint8_t)(0xff << (8 - p->bits % 8));

	return p->len == e->len && !memcmp(p->addr, e->addr, p->bits / 8) &&
	       (p->bits % 8 == 0 || !((p->addr[p->bits / 8] ^ e->addr[p->bits / 8]) & mask));
}

static struct binding binding(uint64_t id, const char *aor, const char *contact)
{
	return (struct binding){
		.has = ~0ull, .id = id, .aor = (char *)aor, .contact = (char *)contact,
		.since = loop_now() - 1000, .expires = loop_now() + 600000,
		.inside = { 4, { 192, 168, 1, 7 }, 5062 },
		.public = { 4, { 198, 51, 100, 3 }, 5060 },
		.registrar = { 4, { 203, 0, 113, 1 }, 5060 },
	};
}

static void note(unsigned int kind, struct binding b)
{
	const struct note n = { .event = { .has = ~0ull, .kind = (uint8_t)kind }, .binding = b };

	passive_note(&n);
}

static void begin(struct binding b)
{
	note(CALLGATE_EVENT_BINDING_NEW, b);
}

static void end(uint64_t id)
{
	note(CALLGATE_EVENT_BINDING_END, binding(id, PILOT, "sip:x@y"));
}

static const struct aor *find(const char *name)
{
	return location_find(name, strlen(name));
}

static void reset(void)
{
	passive_free();
	bed_reset();
	memset(&bed_domains[1].registrars, 0, sizeof(bed_domains[1].registrars));
}

static void all_done(int result)
{
	while (bed_store_done(result))
		;
}

/* ---- one binding ---- */

static void test_life(void)
{
	struct binding b = binding(1, PILOT, "sip:p@192.168.1.7:5062");
	const struct contact *c;

	reset();
	begin(b);
	c = find("pilot@voip.example") ? find("pilot@voip.example")->contacts : NULL;
	T_OK(c && c->origin == ORIGIN_PASSIVE && !strcmp(c->uri, b.contact) &&
	     c->flow.remote.port == 5062 && c->flow.transport == SIP_T_UDP, "it is a location");
	T_OK(c && c->flow.local.len == 4 && c->flow.local.addr[3] == 1 &&
	     c->flow.local.port == 5060 && c->flow.ifindex == 7 && c->flow.zone == ZONE_INSIDE,
	     "and we know how to get there");
	T_OK(c && location_left(c) > 599000 && location_left(c) <= 600000, "until its end");
	T_OK(passive_count() == 1 && bed_changes == 1, "one change");
	note(CALLGATE_EVENT_BINDING_REFRESH, b);
	T_OK(bed_changes == 1, "the same again changes nothing");
	b.expires += 300000;
	note(CALLGATE_EVENT_BINDING_REFRESH, b);
	c = find("pilot@voip.example")->contacts;
	T_OK(bed_changes == 2 && location_left(c) > 890000, "renewed");
	b.inside.port = 5099;
	note(CALLGATE_EVENT_BINDING_REFRESH, b);
	T_OK(bed_changes == 3 && find("pilot@voip.example")->contacts->flow.remote.port == 5099,
	     "moved");
	end(1);
	T_OK(!find("pilot@voip.example") && !passive_count(), "and gone");
	no_route = true;
	begin(b);
	no_route = false;
	T_OK(find("pilot@voip.example") && !find("pilot@voip.example")->contacts->flow.local.len,
	     "a phone without a route is a location, too");
	end(1);
	end(1);
	note(CALLGATE_EVENT_CALL_END, b);
	T_OK(!location_count(), "others are ignored");
}

static void test_whose(void)
{
	struct binding b = binding(1, "sip:alice@office.example", "sip:a@192.168.1.7");

	reset();
	begin(b);
	b.id = 2;
	b.aor = (char *)"sip:alice@unknown.example";
	begin(b);
	b.id = 3;
	b.aor = (char *)"sip:voip.example";
	begin(b);
	b.id = 4;
	b.aor = (char *)"tel:+49";
	begin(b);
	b.id = 5;
	b.aor = NULL;
	begin(b);
	T_OK(!location_count() && !passive_count(), "only users of passive domains");
	b.id = 6;
	b.aor = (char *)"sip:%70ilot@VOIP.example:5070;x=y";
	begin(b);
	T_OK(find("pilot@voip.example"), "the canonical name");
	bed_domains[1].mode = REGISTRAR_RELAY;
	note(CALLGATE_EVENT_BINDING_REFRESH, b);
	T_OK(!location_count() && !passive_count(), "the domain is passive no more");
	bed_domains[1].mode = REGISTRAR_PASSIVE;
}

/* The phone came back from another port: a new binding, and then the end of the old one. */
static void test_twins(void)
{
	struct binding b = binding(1, PILOT, "sip:p@192.168.1.7:5062");

	reset();
	begin(b);
	b.id = 2;
	b.inside.port = 5070;
	begin(b);
	end(1);
	T_OK(find("pilot@voip.example") &&
	     find("pilot@voip.example")->contacts->flow.remote.port == 5070, "the newer one stays");
	b.id = 3;
	b.contact = (char *)"sip:p2@192.168.1.8";
	begin(b);
	T_OK(find("pilot@voip.example")->n == 2, "another Contact is another place");
	end(2);
	T_OK(find("pilot@voip.example")->n == 1, "one of two ended");
	end(3);
	T_OK(!location_count(), "all ended");
}

/* ---- the store ---- */

static void test_late_store(void)
{
	struct binding b = binding(1, PILOT, "sip:p@192.168.1.7:5062");

	reset();
	bed_store_waits = true;
	begin(b);
	end(1);
	T_OK(bed_queued == 1 && !location_count(), "the first change is on its way");
	all_done(0);
	T_OK(!location_count() && bed_changes == 2, "ended meanwhile: %zu", location_count());
	begin(b);
	for (unsigned int i = 0; i < 5; i++) {
		b.expires += 60000;
		note(CALLGATE_EVENT_BINDING_REFRESH, b);
	}
	all_done(0);
	T_OK(bed_changes == 4 && location_count() == 1, "five refreshes are one: %u", bed_changes);
}

static void wait_ms(unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i += 10) {
		loop_set_now(loop_now() + 10);
		timer_run(loop_now());
	}
}

static void test_store_fails(void)
{
	reset();
	bed_store_result = -EIO;
	begin(binding(1, PILOT, "sip:p@192.168.1.7:5062"));
	T_OK(!location_count() && bed_changes == 1, "not kept");
	wait_ms(5100);
	T_OK(!location_count() && bed_changes == 2, "tried again: %u", bed_changes);
	bed_store_result = 0;
	bed_store_refuses = -EBUSY;
	wait_ms(5100);
	bed_store_refuses = 0;
	T_OK(!location_count() && bed_changes == 2, "refused: %u", bed_changes);
	wait_ms(5100);
	T_OK(location_count() == 1 && bed_changes == 3, "kept: %u", bed_changes);
	bed_store_result = -ENOSPC;
	end(1);
	T_OK(location_count() == 1, "a removal that failed");
	bed_store_result = 0;
	wait_ms(5100);
	T_OK(!location_count(), "is made up for");
}

/* ---- dumps ---- */

static void test_dump(void)
{
	struct binding b = binding(1, PILOT, "sip:p@192.168.1.7:5062");
	struct binding c = binding(2, "sip:two@voip.example", "sip:t@192.168.1.8:5062");
	struct binding d = binding(3, "sip:three@voip.example", "sip:t@192.168.1.9:5062");

	reset();
	begin(b);
	begin(c);
	passive_dump_begin();
	passive_dump(&c);
	passive_dump(&d);
	passive_dump_end(false);
	T_OK(location_count() == 3, "a broken dump ends nothing: %zu", location_count());
	passive_dump_begin();
	passive_dump(&c);
	passive_dump(&d);
	passive_dump_end(true);
	T_OK(location_count() == 2 && !find("pilot@voip.example"), "not named: ended");
	T_OK(bed_changes == 4, "what is the same is not written: %u", bed_changes);
	/* a new run of the daemon: the table comes from the disk, nothing is known of the module */
	passive_free();
	bed_register((struct bed_register){ .cseq = 1, .lines = "Contact: <sip:a@192.168.1.7>\r\n" });
	passive_dump_begin();
	passive_dump(&d);
	passive_dump_end(true);
	T_OK(!find("two@voip.example") && find("three@voip.example"), "ended while we were away");
	T_OK(find("alice@office.example") && passive_count() == 1, "main ones stay");
	T_OK(bed_changes == 6, "one registered, one removed: %u", bed_changes);
}

/* ---- trunks ---- */

static const struct contact *trunk(const char *uri, const char *source)
{
	static struct rx rx;
	static char text[1024];

	snprintf(text, sizeof(text),
		 "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bK1\r\nFrom: <sip:c@d>;"
		 "tag=1\r\nTo: <sip:x@y>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n", uri);
	rx.flow.remote.len = strchr(source, ':') ? 16 : 4;
	inet_pton(rx.flow.remote.len == 4 ? AF_INET : AF_INET6, source, rx.flow.remote.addr);
	rx.buf = (const uint8_t *)text;
	rx.len = (uint32_t)strlen(text);
	T_OK(sip_msg_parse(&rx.msg, rx.buf, rx.len, SIP_DATAGRAM) == SIP_OK, "%s", uri);
	return passive_trunk(&rx);
}

static void test_trunk(void)
{
	struct prefix net = { 4, { 203, 0, 113, 64 }, 26 };
	struct binding b = binding(1, PILOT, "sip:192.168.1.7:5062;bnc");

	reset();
	begin(b);
	T_OK(trunk("sip:+493012345@198.51.100.3", "203.0.113.1"), "any number");
	T_OK(trunk("sip:+493012345@198.51.100.3:5060;user=phone", "203.0.113.1"), "with its port");
	T_OK(trunk("sip:198.51.100.3", "203.0.113.1"), "no user at all");
	T_OK(!trunk("sip:+493012345@198.51.100.3:5061", "203.0.113.1"), "another port");
	T_OK(!trunk("sip:+493012345@voip.example", "203.0.113.1"), "by name: not here");
	T_OK(!trunk("sip:+493012345@198.51.100.3", "203.0.113.2"), "not from others");
	bed_domains[1].registrars = (struct prefixes){ &net, 1 };
	T_OK(trunk("sip:1@198.51.100.3", "203.0.113.100"), "the domain's list");
	T_OK(!trunk("sip:1@198.51.100.3", "203.0.113.1"), "instead of who registered");
	end(1);
	T_OK(!trunk("sip:1@198.51.100.3", "203.0.113.100"), "ended");
}

static void test_shared_address(void)
{
	const struct contact *c;

	reset();
	begin(binding(1, PILOT, "sip:line1@192.168.1.7:5062"));
	begin(binding(2, "sip:two@voip.example", "sip:line2@192.168.1.8:5062"));
	T_OK(!trunk("sip:+4930@198.51.100.3", "203.0.113.1"), "two: nobody is guessed");
	c = trunk("sip:line2@198.51.100.3", "203.0.113.1");
	T_OK(c && strstr(c->uri, "line2"), "by the user of the Contact");
	c = trunk("sip:%70ilot@198.51.100.3", "203.0.113.1");
	T_OK(c && strstr(c->uri, "line1"), "by the user's name");
}

static void test_ip6(void)
{
	struct binding b = binding(1, PILOT, "sip:p@[2001:db8:1::7]:5062");
	const struct endpoint at = { 16, { 0x20, 0x01, 0x0d, 0xb8, [15] = 3 }, 5070 };

	reset();
	b.inside = b.public = b.registrar = at;
	b.registrar.addr[15] = 9;
	begin(b);
	T_OK(trunk("sip:1@[2001:db8::3]:5070", "2001:db8::9"), "IPv6");
	T_OK(!trunk("sip:1@[2001:db8::3]", "2001:db8::9"), "port 5060 is another");
	T_OK(!trunk("sip:1@[2001:db8::3]:5070", "2001:db8::8"), "not from others");
}

/* Many at once, in two orders. */
static void test_many(void)
{
	static char aor[2000][40], contact[2000][40];

	reset();
	for (unsigned int i = 0; i < 2000; i++) {
		struct binding b;

		snprintf(aor[i], sizeof(aor[i]), "sip:u%u@voip.example", i);
		snprintf(contact[i], sizeof(contact[i]), "sip:u%u@192.168.1.7:5062", i);
		b = binding(i + 1, aor[i], contact[i]);
		b.public.port = (uint16_t)(1024 + i);
		begin(b);
	}
	T_OK(location_count() == 2000 && passive_count() == 2000, "2000");
	T_OK(trunk("sip:1@198.51.100.3:2024", "203.0.113.1") &&
	     strstr(trunk("sip:1@198.51.100.3:2024", "203.0.113.1")->uri, "u1000@"), "each its own");
	for (unsigned int i = 0; i < 2000; i++)
		end((i * 7) % 2000 + 1);
	T_OK(!location_count() && !passive_count(), "and none");
}

int main(void)
{
	bed_open();
	test_life();
	test_whose();
	test_twins();
	test_late_store();
	test_store_fails();
	test_dump();
	test_trunk();
	test_shared_address();
	test_ip6();
	test_many();
	passive_free();
	bed_close();
	return t_end("passive");
}
