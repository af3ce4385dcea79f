/* SPDX-License-Identifier: BSD-2-Clause */
/* upstream: where registrars are, what is kept of requests, and what answers change. C07, C16. */
#include <inttypes.h>

#include "log.h"
#include "proxy_world.h"
#include "text.h"

#include "upstream.h"
#include "upstream_kept.h"

#define NAME "kim@voip.example"
#define MINE "sip:kim@192.168.1.10:5062"

static struct endpoint phone, registrar;
static unsigned int cseq;
static const char *call_id = "c1";

/* A REGISTER of the phone. @contacts: values; returns what the registrar gets, or "". */
static const char *ask(const char *contacts, const char *more)
{
	struct made m;
	unsigned int sent;

	rx_make(&m, "REGISTER sip:voip.example SIP/2.0\n"
		"Via: SIP/2.0/UDP 192.168.1.10:5062;branch=z9hG4bK%u\nMax-Forwards: 70\n"
		"From: <sip:kim@voip.example>;tag=a\nTo: <sip:kim@voip.example>\n"
		"Call-ID: %s\nCSeq: %u REGISTER\n%s%s%s%sContent-Length: 0\n",
		cseq + 1, call_id, cseq + 1, more ? more : "", *contacts ? "Contact: " : "",
		contacts, *contacts ? "\n" : "");
	cseq++;
	sent = world_give(phone, m.text, m.rx.len);
	return sent == 1 ? world_last()->text : "";
}

/* The registrar's answer to what it got; @contact "": no such line. */
static void answer(const char *request, int code, const char *contacts, const char *more)
{
	static const struct { const char *name; unsigned int n; const char *end; } lines[] = {
		{ "Via", 0, "" }, { "Via", 1, "" }, { "From", 0, "" }, { "To", 0, ";tag=r" },
		{ "Call-ID", 0, "" }, { "CSeq", 0, "" },
	};
	static char text[8192], list[1024];
	int n = snprintf(text, sizeof(text), "SIP/2.0 %d X\r\n", code);

	snprintf(list, sizeof(list), "%s", contacts);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s: %s%s\r\n", lines[i].name,
			      world_header(request, lines[i].name, lines[i].n), lines[i].end);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s%s%sContent-Length: 0\r\n\r\n",
		      more ? more : "", *list ? "Contact: " : "", list, *list ? "\r\n" : "");
	T_OK(world_give(registrar, text, (uint32_t)n) == 1, "%d is relayed", code);
}

static const struct aor *bound(void)
{
	return location_find(NAME, strlen(NAME));
}

static void forget(void)
{
	world_locate(NAME, NULL, phone);
	upstream_kept_free();
	call_id = "c1";
}

static bool left_about(uint64_t seconds)
{
	const struct aor *a = bound();
	uint64_t left = a ? location_left(a->contacts) : 0;

	return left <= seconds * 1000 && left + 3000 > seconds * 1000;
}

/* ---- where the registrar is ---- */

static const struct place {
	const char *name, *relay, *hosts[2];
	const char *seen;
	uint8_t len;
	const char *at;		/* NULL: not known */
} places[] = {
	{ "v.example", "sip:192.0.2.1", { 0 }, NULL, 4, "192.0.2.1:5060" },
	{ "v.example", "sip:x@[2001:db8::5]:5070;lr", { 0 }, NULL, 4, "[2001:db8::5]:5070" },
	{ "v.example", "sip:name.example;maddr=192.0.2.9", { 0 }, NULL, 4, "192.0.2.9:5060" },
	{ "v.example", "sip:name.example:5080;maddr=192.0.2.9", { 0 }, NULL, 4, "192.0.2.9:5080" },
	{ "v.example", "sip:name.example", { "192.0.2.3" }, "192.0.2.4", 4, NULL },
	{ "v.example", "sips:192.0.2.1", { 0 }, NULL, 4, NULL },
	{ "v.example", "sip:192.0.2.1;transport=TCP", { 0 }, NULL, 4, NULL },
	{ "v.example", "sip:192.0.2.1;transport=UDP", { 0 }, NULL, 4, "192.0.2.1:5060" },
	{ "192.0.2.8", NULL, { 0 }, "192.0.2.4", 4, "192.0.2.8:5060" },
	{ "v.example", NULL, { "192.0.2.3" }, "192.0.2.4", 4, "192.0.2.3:5060" },
	{ "v.example", NULL, { "192.0.2.0/24" }, "192.0.2.4", 4, "192.0.2.4:5090" },
	{ "v.example", NULL, { "192.0.2.3", "192.0.2.5" }, NULL, 4, NULL },
	{ "v.example", NULL, { "192.0.2.3", "2001:db8::3" }, NULL, 16, "[2001:db8::3]:5060" },
	{ "v.example", NULL, { "192.0.2.3", "2001:db8::3" }, NULL, 4, "192.0.2.3:5060" },
	{ "v.example", NULL, { "192.0.2.3" }, NULL, 16, "192.0.2.3:5060" },
	{ "v.example", NULL, { 0 }, "192.0.2.4", 16, "192.0.2.4:5090" },
	{ "v.example", NULL, { 0 }, NULL, 4, NULL },
};

static void where(void)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct place *p = &places[i];
		struct prefix list[2];
		struct domain d = { .name = (char *)p->name, .relay = (char *)p->relay,
				    .mode = REGISTRAR_PASSIVE, .registrars = { list, 0 } };
		char text[TEXT_ENDPOINT];
		struct endpoint e;
		bool found;

		for (; d.registrars.n < 2 && p->hosts[d.registrars.n]; d.registrars.n++)
			text_read_prefix(p->hosts[d.registrars.n], &list[d.registrars.n]);
		world_registrar = p->seen ? at4(p->seen, 5090) : (struct endpoint){ 0 };
		found = upstream_registrar(&d, p->len, &e);
		T_OK(found == !!p->at && (!found || !strcmp(text_endpoint(&e, text), p->at)),
		     "%zu: %s", i, found ? text : "not known");
	}
	world_registrar = (struct endpoint){ 0 };
}

static void who(void)
{
	struct prefix list = { 4, { 192, 0, 2 }, 24 };
	struct domain d = { .name = "v.example", .relay = "sip:198.51.100.9:5070",
			    .mode = REGISTRAR_PASSIVE };
	struct endpoint a = at4("198.51.100.9", 1), b = at4("192.0.2.77", 5060);

	T_OK(upstream_is_registrar(&d, &a) && !upstream_is_registrar(&d, &b), "itself");
	d.registrars = (struct prefixes){ &list, 1 };
	T_OK(!upstream_is_registrar(&d, &a) && upstream_is_registrar(&d, &b), "those of the list");
}

/* ---- requests ---- */

static void kept(void)
{
	char id[24];

	forget();
	ask("<" MINE ">", NULL);
	T_OK(upstream_kept_count() == 1, "is kept");
	cseq--;
	ask("<" MINE ">", NULL);
	T_OK(upstream_kept_count() == 1, "once");
	call_id = id;
	for (unsigned int i = 0; i < UPSTREAM_KEPT_MAX + 10; i++) {
		snprintf(id, sizeof(id), "n%u", i);
		ask("<" MINE ">", NULL);
	}
	T_OK(upstream_kept_count() == UPSTREAM_KEPT_MAX, "no more than so many: %zu",
	     upstream_kept_count());
	loop_set_now(loop_now() + 41000);
	ask("<" MINE ">", NULL);
	T_OK(upstream_kept_count() == UPSTREAM_KEPT_MAX - 1, "they end");
	T_OK(!bound(), "and nothing is bound by a request");
}

/* ---- answers ---- */

static void granted(void)
{
	const char *seen, *contact;
	char list[512];

	forget();
	seen = ask("<" MINE ">;q=0.25;expires=600", "User-Agent: x\nPath: <sip:192.168.1.10;lr>\n");
	contact = world_header(seen, "Contact", 0);
	T_OK(strstr(contact, "203.0.113.1:5060;cg=") && !strstr(contact, "192.168"), "%s", contact);
	snprintf(list, sizeof(list), "<sip:x@192.0.2.1>;expires=9, %s", contact);
	strcpy(strstr(list, "=600"), "=300");
	answer(seen, 200, list, NULL);
	T_OK(strstr(world_header(world_last()->text, "Contact", 0),
		    "<sip:x@192.0.2.1>;expires=9, <" MINE ">;q=0.25;expires=300"), "%s",
	     world_last()->text);
	T_OK(bound() && bound()->n == 1 && left_about(300), "for as long as the registrar says");
	T_OK(bound() && !strcmp(bound()->contacts->uri, MINE) &&
	     bound()->contacts->origin == ORIGIN_RELAYED && bound()->contacts->q == 250 &&
	     endpoint_equal(&bound()->contacts->flow.remote, &phone) &&
	     !strcmp(bound()->contacts->user_agent, "x") &&
	     !strcmp(bound()->contacts->path, "<sip:192.168.1.10;lr>"), "all that is to be known");
	answer(seen, 200, "", NULL);
	T_OK(bound() && bound()->n == 1, "only once");
}

/* What answers say that name no Contact of ours. */
static void hidden(void)
{
	static const struct {
		const char *asked, *list, *more;
		unsigned int left;	/* 0: nothing */
	} rows[] = {
		{ "<" MINE ">;expires=600", "", NULL, 600 },
		{ "<" MINE ">;expires=600", "", "Expires: 100\r\n", 100 },
		{ "<" MINE ">", "", NULL, 3600 },
		{ "<" MINE ">;expires=600", "<sip:x@192.0.2.1>;expires=50", NULL, 50 },
		{ "<" MINE ">;expires=600", "<sip:x@192.0.2.1>", "Expires: 40\r\n", 40 },
		{ "<" MINE ">;expires=600", "<sip:x@192.0.2.1>, <sip:y@192.0.2.1>", NULL, 0 },
		{ "<" MINE ">;expires=0", "", "Expires: 60\r\n", 0 },
		{ "<" MINE ">;expires=4000000000", "", NULL, 30 * 24 * 3600 },
		{ "<" MINE ">;expires=600, <sip:2@192.168.1.10>", "<sip:x@192.0.2.1>;expires=9",
		  NULL, 0 },
		{ "<sip:x@192.0.2.1>;expires=600", "", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		forget();
		answer(ask(rows[i].asked, NULL), 200, rows[i].list, rows[i].more);
		T_OK(rows[i].left ? left_about(rows[i].left) : !bound(), "%zu: %" PRIu64, i,
		     bound() ? location_left(bound()->contacts) : 0);
	}
}

static void other_codes(void)
{
	static const int codes[] = { 100, 302, 401, 407, 423, 503, 603 };
	const char *seen;

	forget();
	answer(ask("<" MINE ">;expires=600", NULL), 200, "", NULL);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		seen = ask("<" MINE ">;expires=0", NULL);
		answer(seen, codes[i], "<sip:z@192.0.2.9>;expires=1", NULL);
		T_OK(left_about(600), "%d changes nothing", codes[i]);
	}
	answer(seen, 200, "", NULL);
	T_OK(bound(), "nor does what comes behind a final answer");
	answer(ask("<" MINE ">;expires=0", NULL), 200, "", NULL);
	T_OK(!bound(), "a 200 does");
}

static void order(void)
{
	const char *contact;
	char first[4096], second[4096];

	forget();
	strcpy(first, ask("<" MINE ">;expires=600", NULL));
	strcpy(second, ask("<" MINE ">;expires=300", NULL));
	answer(second, 200, "", NULL);
	answer(first, 200, "", NULL);
	T_OK(left_about(300), "a later request counts");
	call_id = "another";
	loop_set_now(loop_now() + 10);
	strcpy(first, ask("<sip:2@192.168.1.10>;expires=600", NULL));
	contact = world_header(first, "Contact", 0);
	answer(first, 200, contact, NULL);
	T_OK(bound()->n == 1 && strstr(bound()->contacts->uri, "sip:2@"), "the list is whole");
	strcpy(first, ask("*", "Expires: 0\n"));
	answer(first, 200, "", NULL);
	T_OK(!bound(), "all removed");
}

/* IPv6 and names: the token is a hash. */
static void by_hash(void)
{
	const char *seen, *contact;

	forget();
	seen = ask("<sip:kim@phone.local;x=1>;expires=600", NULL);
	contact = world_header(seen, "Contact", 0);
	T_OK(strstr(contact, "<sip:kim@203.0.113.1:5060;x=1;cg="), "%s", contact);
	answer(seen, 200, contact, NULL);
	T_OK(!strcmp(world_header(world_last()->text, "Contact", 0),
		     "<sip:kim@phone.local;x=1>;expires=600"), "%s", world_last()->text);
	T_OK(bound() && !strcmp(bound()->contacts->uri, "sip:kim@phone.local;x=1"), "bound");
}

/* ---- three devices, and a network that loses, delays and repeats ---- */

#define RUNS 400
#define STEPS 40
#define DEVICES 3
#define DELAYED 32

/* What the registrar has: by device, as it was published and until when it counts. */
static char listed[DEVICES][512];
static unsigned int expiries[DEVICES];

static struct {
	char request[2048], list[2048];
	int code;
} delayed[DELAYED];
static unsigned int n_delayed;

static unsigned int any(unsigned int n)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)((state >> 32) % n);
}

static void write_list(char *out, size_t size)
{
	size_t n = 0;

	*out = 0;
	for (unsigned int i = 0; i < DEVICES; i++)
		if (expiries[i])
			n += (size_t)snprintf(out + n, size - n, "%s%s;expires=%u", n ? ", " : "",
					      listed[i], expiries[i]);
}

static void deliver(unsigned int i)
{
	answer(delayed[i].request, delayed[i].code, delayed[i].list, NULL);
	if (any(4))
		delayed[i] = delayed[--n_delayed];
}

/* What a device asks for, as the registrar understands it. */
enum { REGISTERS, REMOVES, QUERIES, REMOVES_ALL };

static const char *send_as(unsigned int device, unsigned int what, char id[static 16])
{
	char contact[128];

	phone.addr[3] = (uint8_t)(10 + device);
	snprintf(id, 16, "device%u", device);
	call_id = id;
	snprintf(contact, sizeof(contact), what == QUERIES ? "" : what == REMOVES_ALL ? "*" :
		 "<sip:kim@192.168.1.%u:5062>;expires=%u", 10 + device,
		 what == REGISTERS ? 300 + any(300) : 0);
	return ask(contact, what == REMOVES_ALL ? "Expires: 0\n" : NULL);
}

static void take(unsigned int device, unsigned int what, const char *seen)
{
	const char *contact = world_header(seen, "Contact", 0), *at = strstr(contact, ";expires=");

	for (unsigned int i = 0; what == REMOVES_ALL && i < DEVICES; i++)
		expiries[i] = 0;
	if (what == REMOVES)
		expiries[device] = 0;
	if (what != REGISTERS)
		return;
	snprintf(listed[device], sizeof(listed[device]), "%.*s", (int)(at - contact), contact);
	expiries[device] = (unsigned int)atoi(at + 9) - any(2) * 100;
}

/* @sure: of this device, and nothing is lost; else any of them. */
static void step(bool sure, unsigned int device)
{
	unsigned int what = sure ? REGISTERS : any(10);
	char id[16], list[2048];
	const char *seen;
	int code = sure || any(8) ? 200 : 401 + (int)any(90);

	what = what < 5 ? REGISTERS : what < 8 ? REMOVES : what == 8 ? QUERIES : REMOVES_ALL;
	seen = send_as(device, what, id);
	if (!sure && !any(8))
		return;
	if (code == 200)
		take(device, what, seen);
	write_list(list, sizeof(list));
	if (sure || any(3)) {
		answer(seen, code, list, NULL);
		if (sure || any(4) || n_delayed == DELAYED)
			return;
	}
	if (n_delayed == DELAYED)
		return;
	snprintf(delayed[n_delayed].request, sizeof(delayed[0].request), "%s", seen);
	snprintf(delayed[n_delayed].list, sizeof(delayed[0].list), "%s", list);
	delayed[n_delayed++].code = code;
}

static bool is_listed(const struct contact *c)
{
	unsigned int device = c->flow.remote.addr[3] - 10u;

	/* ends that differ by two seconds are the same, and a slow machine takes a third */
	return device < DEVICES && expiries[device] &&
	       location_left(c) < expiries[device] * 1000u + 3000 &&
	       location_left(c) + 3000 > expiries[device] * 1000u;
}

static void devices(void)
{
	for (unsigned int run = 0; run < RUNS; run++) {
		unsigned int live = 0, wrong = 0;

		forget();
		memset(expiries, 0, sizeof(expiries));
		for (unsigned int i = 0; i < STEPS; i++) {
			step(false, any(DEVICES));
			if (n_delayed && !any(3))
				deliver(any(n_delayed));
		}
		while (n_delayed)
			deliver(any(n_delayed));
		step(true, any(DEVICES));
		for (unsigned int i = 0; i < DEVICES; i++)
			live += expiries[i] > 0;
		for (const struct contact *c = bound() ? bound()->contacts : NULL; c; c = c->next)
			wrong += !is_listed(c);
		T_OK(!wrong && bound() && bound()->n <= live, "run %u: %u bound, %u of them wrong; "
		     "the registrar has %u", run, bound() ? bound()->n : 0, wrong, live);
		for (unsigned int i = 0; i < DEVICES; i++)
			step(true, i);
		T_OK(bound() && bound()->n == DEVICES, "run %u: all are bound", run);
	}
}

/* ---- scribbled on ---- */

static bool give(struct endpoint peer, const char *text, uint32_t len)
{
	static struct sip_msg m;

	if (sip_msg_parse(&m, (const uint8_t *)text, len, SIP_DATAGRAM) != SIP_OK)
		return false;
	world_give(peer, text, len);
	return true;
}

static uint32_t scribble(char *out, const char *from)
{
	static const char bits[] = "<>;:,@[]=*\"% .0aZ\r\n";
	uint32_t len = (uint32_t)strlen(from);

	memcpy(out, from, len + 1);
	for (unsigned int n = any(3); n; n--)
		out[any(len)] = bits[any(sizeof(bits) - 1)];
	return len;
}

/* Whatever comes, nothing is read or written where it should not be; the sanitizers look. */
static void scribbled(void)
{
	static char text[RX_SIZE], request[RX_SIZE];
	unsigned int taken = 0;

	forget();
	for (unsigned int i = 0; i < 10000; i++) {
		const char *seen = send_as(any(DEVICES), any(4), (char[16]){ 0 });
		uint32_t len;

		snprintf(request, sizeof(request), "%s", seen);
		answer(request, 200 + 100 * !any(5), world_header(request, "Contact", 0), NULL);
		len = scribble(text, world_last()->text);
		taken += give(registrar, text, len);
		len = scribble(text, request);
		taken += give(any(2) ? registrar : phone, text, len);
	}
	T_OK(taken > 5000, "%u could be read", taken);
}

int main(void)
{
	log_setup(LOG_LEVEL_WARN);
	world_open();
	world_domains[1].relay = "sip:198.51.100.9:5070";
	world_domains[1].max_contacts = 10;
	phone = at4("192.168.1.10", 5062);
	registrar = at4("198.51.100.9", 5070);
	where();
	who();
	kept();
	granted();
	hidden();
	other_codes();
	order();
	by_hash();
	devices();
	scribbled();
	world_close();
	return t_end("upstream");
}
