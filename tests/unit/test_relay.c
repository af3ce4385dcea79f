// SPDX-License-Identifier: BSD-2-Clause
/*
 * Relaying. Literal messages of FOLDER/relay*.md are relayed as they say (see the README there);
 * then messages made from the grammar, there and back; then branches and Vias that were tampered
 * with: none may be forwarded.
 *
 * usage: test_relay [-v] FOLDER      -v prints what comes out
 */
#include "gen.h"
#include "relayed.h"
#include "t.h"

#include <dirent.h>

#define RANDOM 200000
#define TAMPERED 150000

static const struct sip_key keys = { .key = { "0123456789abcdef", "fedcba9876543210" } };

static struct sip_relay relay;
static struct sip_edits edits;
static struct sip_msg before, after;
static u8 made[RELAYED_MAX];
static u32 made_len;
static int verbose;

/* ---- the router ---- */

static struct sip_end end_at(const char *text)
{
	struct sip_host h;
	struct sip_end e = { 0 };

	if (!sip_host_parse((const u8 *)text, sip_slice(0, (u32)strlen(text)), &h))
		sip_end_of(&h, &e);
	return e;
}

/* The addresses of ours, and one name. */
static bool ours(void *arg, const u8 *buf, const struct sip_host *h)
{
	static const char *const own[] = { "192.168.1.1", "203.0.113.1", "[fd00::1]",
					   "[2001:db8::1]" };
	struct sip_end e, mine;
	u32 i;

	(void)arg;
	if (!sip_end_of(h, &e))
		return SIP_IS(buf, h->host, "office.example");
	for (i = 0; i < ARRAY_SIZE(own); i++) {
		mine = end_at(own[i]);
		if (sip_end_equal(&mine, &e))
			return true;
	}
	return false;
}

static bool own_realm(void *arg, const u8 *text, u32 len)
{
	static const char realm[] = "office.example";

	(void)arg;
	return len == sizeof(realm) - 1 && !memcmp(text, realm, len);
}

/* 100.64.0.0/16 */
static bool stranger(void *arg, const struct sip_hop *hop)
{
	(void)arg;
	return hop->remote.kind == SIP_HOST_IP4 && hop->remote.addr[0] == 100;
}

static struct sip_hop hop_of(const char *local, const char *remote, u8 zone)
{
	return (struct sip_hop){ .local = end_at(local), .remote = end_at(remote), .zone = zone,
				 .transport = SIP_T_UDP, .ifindex = 7 };
}

/* Relays .before; the result is in made[] and, parsed, in .after. */
static int pass(void)
{
	int r = 0;

	sip_edit_init(&edits);
	if (before.request)
		r = sip_relay_look(&relay, &before);
	if (!r)
		r = before.request ? sip_relay_request(&relay, &before, &edits) :
				     sip_relay_response(&relay, &before, &edits);
	if (r)
		return r;
	made_len = sip_edit_length(&edits, before.len);
	T_OK(!sip_edit_apply(&edits, before.buf, before.len, made, sizeof(made)), "apply");
	T_OK(sip_msg_parse(&after, made, made_len, SIP_DATAGRAM) == SIP_OK,
	     "does not parse: %s\n%.*s", sip_bad_text(after.bad), (int)made_len, made);
	return 0;
}

/* ---- vectors ---- */

struct section {
	char title[128];
	char hop[2048], in[8192], out[8192];
	u32 in_len, out_len;
};

static char target[1024];

/* "from PEER via OWN SIDE" */
static void read_hop(char *line, struct sip_hop *hop)
{
	char peer[80] = "", own[80] = "", side[16] = "";

	sscanf(line, "%*s %79s via %79s %15s", peer, own, side);
	*hop = hop_of(own, peer, side[0] == 'o' ? SIP_ZONE_OUTSIDE : SIP_ZONE_INSIDE);
}

static int read_result(const char *name)
{
	u32 i;

	for (i = 0; i < SIP_RELAY_COUNT; i++)
		if (!strcmp(name, sip_relay_name(i)))
			return (int)i;
	return -1;
}

static void check_to(const struct section *s, const struct sip_hop *want)
{
	if (before.request || want->remote.kind == SIP_HOST_NONE)
		return;
	T_OK(sip_end_equal(&relay.to.remote, &want->remote) &&
	     sip_end_equal(&relay.to.local, &want->local) && relay.to.zone == want->zone,
	     "%s: it goes elsewhere", s->title);
}

static void run(struct section *s)
{
	struct sip_hop want = { 0 };
	int expected = SIP_RELAY_OK, got;
	char *line, *rest = s->hop;

	relay = (struct sip_relay){ .key = &keys, .ours = ours, .realm = own_realm,
				    .stranger = stranger, .owner = SIP_OWNER_KERNEL };
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "from ", 5))
			read_hop(line, &relay.from);
		else if (!strncmp(line, "to ", 3))
			read_hop(line, &want);
		else if (!strncmp(line, "result ", 7))
			expected = read_result(line + 7);
		else if (sscanf(line, "target %1023s", target) == 1)
			relay.target = (u8 *)target;
		else if (!strcmp(line, "disowned"))
			relay.disowned = true;
		else if (!strcmp(line, "believed"))
			relay.believed = true;
		else if (!strncmp(line, "max ", 4))
			relay.max_len = (u32)atoi(line + 4);
		else
			T_OK(!*line, "%s: what is '%s'?", s->title, line);
	}
	relay.to = want;
	relay.target_len = relay.target ? (u32)strlen(target) : 0;
	T_OK(!sip_msg_parse(&before, (u8 *)s->in, s->in_len, SIP_DATAGRAM), "%s: %s", s->title,
	     sip_bad_text(before.bad));
	got = pass();
	T_OK(got == expected, "%s: %s", s->title, sip_relay_name((u32)got));
	if (verbose && !got)
		printf("## %s\n%.*s\n", s->title, (int)made_len, made);
	if (got || expected)
		return;
	check_to(s, &want);
	T_OK(made_len == s->out_len && !memcmp(made, s->out, made_len), "%s: got\n%.*s", s->title,
	     (int)made_len, made);
	if (before.request)
		T_OK(!relayed_request(&relay, &before, &after), "%s: %s", s->title,
		     relayed_request(&relay, &before, &after));
}

static u32 crlf(const char *line, char *out)
{
	u32 n = (u32)strcspn(line, "\n");

	memcpy(out, line, n);
	memcpy(out + n, "\r\n", 2);
	return n + 2;
}

static void read_file(const char *path)
{
	static struct section s;
	char line[4096], kind[16] = "";
	FILE *f = fopen(path, "r");

	T_OK(f, "%s", path);
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "## ", 3)) {
			memset(&s, 0, sizeof(s));
			snprintf(s.title, sizeof(s.title), "%.*s", (int)strcspn(line + 3, "\n"),
				 line + 3);
		} else if (!strncmp(line, "```", 3)) {
			bool is_end = kind[0];

			if (is_end && (!strcmp(kind, "out") || strstr(s.hop, "result ")))
				if (s.in_len)
					run(&s);
			snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(line + 3, "\n"),
				 line + 3);
		} else if (!strcmp(kind, "hop")) {
			strncat(s.hop, line, sizeof(s.hop) - strlen(s.hop) - 1);
		} else if (!strcmp(kind, "in")) {
			s.in_len += crlf(line, s.in + s.in_len);
		} else if (!strcmp(kind, "out")) {
			s.out_len += crlf(line, s.out + s.out_len);
		}
	}
	if (f)
		fclose(f);
}

static void vectors(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char path[1024];
	u32 n = 0;

	while (d && (e = readdir(d))) {
		if (!strstr(e->d_name, ".md"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		read_file(path);
		n++;
	}
	if (d)
		closedir(d);
	T_OK(n, "%s: no vectors", folder);
}

/* ---- messages from the grammar ---- */

static struct sip_hop any_hop(void)
{
	static const struct { const char *local, *remote; u8 zone; } hops[] = {
		{ "192.168.1.1:5060", "192.168.1.2:5060", SIP_ZONE_INSIDE },
		{ "192.168.1.1:5060", "10.0.0.1:40000", SIP_ZONE_INSIDE },
		{ "203.0.113.1:5060", "198.51.100.9:5060", SIP_ZONE_OUTSIDE },
		{ "[fd00::1]:5060", "[fd00::10]:5062", SIP_ZONE_INSIDE },
		{ "[2001:db8::1]:5060", "[2001:db8::9:1]:5060", SIP_ZONE_OUTSIDE },
		{ "[fe80::1]:5060", "[fe80::2]:5060", SIP_ZONE_INSIDE },
	};
	u32 i = gen_rand(ARRAY_SIZE(hops));

	return hop_of(hops[i].local, hops[i].remote, hops[i].zone);
}

/* The response to what was sent comes back to where the request came from. */
static const char *and_back(void)
{
	static u8 sent[RELAYED_MAX], text[RELAYED_MAX];
	static struct sip_msg request;
	struct sip_hop from = relay.from;
	struct sip_walk w;
	struct sip_via v;
	u32 len;

	memcpy(sent, made, made_len);
	if (sip_msg_parse(&request, sent, made_len, SIP_DATAGRAM))
		return "parse";
	len = relayed_answer(&request, gen_rand(2) ? 200 : 486, text, sizeof(text));
	if (!len || sip_msg_parse(&before, text, len, SIP_DATAGRAM))
		return NULL;
	relay.from = relay.to;
	memset(&relay.to, 0, sizeof(relay.to));
	if (pass())
		return "the response is not forwarded";
	if (memcmp(relay.to.remote.addr, from.remote.addr, 16) ||
	    !sip_end_equal(&relay.to.local, &from.local) || relay.to.zone != from.zone)
		return "the response goes elsewhere";
	sip_walk_init(&w, &after, SIP_H_VIA);
	if (!sip_via_next(&w, &v))
		return "no Via";
	if (relay.to.remote.port != (v.has_rport ? from.remote.port :
				     v.sent_by.port_num ? v.sent_by.port_num : 5060))
		return "the response goes to another port";
	return relayed_response(&relay, &before, &after);
}

/* Some of the phone's own Contacts, some of others. */
static bool registers(void *arg, const struct sip_nameaddr *contact)
{
	(void)arg;
	return contact->uri.user.len != 3;
}

static void random_messages(void)
{
	static u8 text[GEN_MAX];
	u32 relayed = 0, returned = 0, refused = 0, i, len;
	const char *bad;
	int got;

	for (i = 0; i < RANDOM; i++) {
		len = gen_message(text);
		if (sip_msg_parse(&before, text, len, SIP_DATAGRAM) || !before.request)
			continue;
		relay = (struct sip_relay){ .key = &keys, .ours = ours, .from = any_hop(),
					    .to = any_hop(), .owner = SIP_OWNER_DAEMON,
					    .registers = gen_rand(2) ? registers : NULL };
		got = pass();
		if (got) {
			refused++;
			T_OK(got == SIP_RELAY_BAD_ROUTE || got == SIP_RELAY_TOO_MANY_HOPS,
			     "%s: %.*s", sip_relay_name((u32)got), (int)len, text);
			continue;
		}
		relayed++;
		bad = relayed_request(&relay, &before, &after);
		T_OK(!bad, "%s:\n%.*s\n=>\n%.*s", bad, (int)len, text, (int)made_len, made);
		bad = and_back();
		returned++;
		T_OK(!bad, "%s:\n%.*s\n=>\n%.*s", bad, (int)before.len, before.buf, (int)made_len,
		     made);
	}
	printf("%u relayed, %u returned, %u refused\n", relayed, returned, refused);
	T_OK(relayed > RANDOM / 4 && refused > 100, "not enough of each");
}

/* A registrar outside learns where a phone can be reached, and nothing of who else it names. */
static void registration(void)
{
	static const char text[] =
		"REGISTER sip:voip.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKabc\r\n"
		"From: <sip:a@x>;tag=1\r\nTo: <sip:a@x>\r\nCall-ID: cc@x\r\nCSeq: 1 REGISTER\r\n"
		"Contact: <sip:1@192.168.1.2:5062>;expires=60, sip:22@192.168.1.2\r\n"
		"Contact: <sip:333@192.168.1.2>\r\nContent-Length: 0\r\n\r\n";
	int i;

	for (i = 0; i < 2; i++) {
		relay = (struct sip_relay){
			.key = &keys, .ours = ours, .registers = i ? registers : NULL,
			.from = hop_of("192.168.1.1:5060", "192.168.1.2:5060", SIP_ZONE_INSIDE),
			.to = hop_of("203.0.113.1:5060", "198.51.100.9:5060", SIP_ZONE_OUTSIDE),
		};
		sip_msg_parse(&before, (const u8 *)text, sizeof(text) - 1, SIP_DATAGRAM);
		T_OK(!pass() && !relayed_request(&relay, &before, &after), "is relayed");
		made[made_len] = 0;
		T_OK(!strstr((char *)made, "Record-Route"), "makes no dialog");
		T_OK(!strstr((char *)made, "<sip:1@203.0.113.1:5060;cg=") == !i, "bracketed: %s", made);
		T_OK(!strstr((char *)made, ", <sip:22@203.0.113.1:5060;cg=") == !i, "bare: %s", made);
		T_OK(strstr((char *)made, "Contact: <sip:333@192.168.1.2>\r\n"), "another's: %s", made);
	}
}

/* ---- tampering ---- */

static const char request_text[] =
	"INVITE sip:bob@203.0.113.1 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKabc;rport\r\n"
	"From: <sip:a@x>;tag=1\r\nTo: <sip:bob@203.0.113.1>\r\nCall-ID: cc@x\r\n"
	"CSeq: 17 INVITE\r\nContent-Length: 0\r\n\r\n";

/* Offset and length of what decides: our branch, the next Via's values, Call-ID, CSeq. */
static struct sip_str part(const struct sip_msg *m, u32 which)
{
	struct sip_via v;
	struct sip_walk w;

	sip_walk_init(&w, m, SIP_H_VIA);
	sip_via_next(&w, &v);
	switch (which) {
	case 0:
		return sip_slice(v.branch.off + 8, sip_str_end(v.branch));
	case 1:
		return v.sent_by.all;
	}
	sip_via_next(&w, &v);
	switch (which) {
	case 2:
		return v.sent_by.all;
	case 3:
		return v.branch;
	case 4:
		return v.received;
	case 5:
		return v.rport;
	case 6:
		return m->call_id;
	}
	return sip_msg_header(m, SIP_H_CSEQ)->value;
}

static void tampered(void)
{
	static u8 text[RELAYED_MAX], copy[RELAYED_MAX];
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	static struct sip_msg answer;
	u32 len, i, forwarded = 0, tried = 0;
	struct sip_str at;
	u8 *byte, was;

	relay = (struct sip_relay){ .key = &keys, .ours = ours, .owner = SIP_OWNER_KERNEL };
	relay.from = hop_of("203.0.113.1:5060", "198.51.100.9:5060", SIP_ZONE_OUTSIDE);
	relay.to = hop_of("192.168.1.1:5060", "192.168.1.2:5060", SIP_ZONE_INSIDE);
	sip_msg_parse(&before, (const u8 *)request_text, sizeof(request_text) - 1, SIP_DATAGRAM);
	T_OK(!pass(), "pass");
	len = relayed_answer(&after, 200, text, sizeof(text));
	T_OK(!sip_msg_parse(&answer, text, len, SIP_DATAGRAM), "%s", sip_bad_text(answer.bad));
	before = answer;
	T_OK(!pass(), "as it is");
	for (i = 0; i < TAMPERED; i++) {
		memcpy(copy, text, len);
		at = part(&answer, i % 8);
		byte = copy + at.off + gen_rand(at.len);
		was = *byte;
		*byte = (u8)digits[gen_rand(36)];
		if (*byte == was || sip_msg_parse(&before, copy, len, SIP_DATAGRAM))
			continue;
		/* the method of CSeq alone says nothing about the way */
		if (i % 8 == 7 && before.cseq.num == answer.cseq.num)
			continue;
		tried++;
		sip_edit_init(&edits);
		if (!sip_relay_response(&relay, &before, &edits)) {
			forwarded++;
			T_OK(false, "forwarded: %.*s", (int)len, copy);
		}
	}
	printf("%u tampered, %u forwarded\n", tried, forwarded);
	T_OK(tried >= 100000, "only %u were tampered with", tried);
}

/* ---- the same for both, and the keys ---- */

static void owners(void)
{
	static u8 first[RELAYED_MAX];
	u32 len, i, differ = 0;

	relay = (struct sip_relay){ .key = &keys, .ours = ours, .owner = SIP_OWNER_KERNEL };
	relay.from = hop_of("203.0.113.1:5060", "198.51.100.9:5060", SIP_ZONE_OUTSIDE);
	relay.to = hop_of("192.168.1.1:5060", "192.168.1.2:5060", SIP_ZONE_INSIDE);
	sip_msg_parse(&before, (const u8 *)request_text, sizeof(request_text) - 1, SIP_DATAGRAM);
	T_OK(!pass() && sip_relay_owner(&after) == SIP_OWNER_KERNEL, "kernel");
	len = made_len;
	memcpy(first, made, len);
	relay.owner = SIP_OWNER_DAEMON;
	T_OK(!pass() && sip_relay_owner(&after) == SIP_OWNER_DAEMON, "daemon");
	T_OK(len == made_len, "lengths");
	for (i = 0; i < len; i++)
		differ += first[i] != made[i];
	T_OK(differ == 1, "%u bytes differ", differ);
	T_OK(sip_relay_owner(&before) == SIP_OWNER_NONE, "nobody");
}

static void key_changes(void)
{
	static u8 text[RELAYED_MAX], first[RELAYED_MAX];
	struct sip_key later = { .has_old = true };
	u32 len;

	memcpy(later.key[0], "a new key, today", 16);
	memcpy(later.key[1], keys.key[0], 16);
	owners();
	memcpy(first, made, made_len);
	len = relayed_answer(&after, 200, text, sizeof(text));
	relay.key = &later;
	relay.old_key = true;
	T_OK(!pass() && !memcmp(first, made, made_len), "a transaction of yesterday");
	sip_msg_parse(&before, text, len, SIP_DATAGRAM);
	T_OK(!pass(), "its response");
	later.has_old = false;
	T_OK(pass() == SIP_RELAY_FORGED, "a key that is forgotten");
}

static void transactions(void)
{
	static const struct { const char *text; bool same; } row[] = {
		{ "CANCEL sip:bob@203.0.113.1 SIP/2.0\r\n"
		  "Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKabc;rport\r\n"
		  "From: <sip:a@x>;tag=1\r\nTo: <sip:bob@203.0.113.1>\r\nCall-ID: cc@x\r\n"
		  "CSeq: 17 CANCEL\r\n\r\n", true },
		{ "ACK sip:bob@203.0.113.1 SIP/2.0\r\nMax-Forwards: 3\r\n"
		  "Via: SIP/2.0/UDP 198.51.100.9:5060;rport;branch=z9hG4bKabc\r\n"
		  "From: <sip:a@x>;tag=1\r\nTo: <sip:bob@203.0.113.1>;tag=2\r\nCall-ID: cc@x\r\n"
		  "CSeq: 17 ACK\r\n\r\n", true },
		{ "ACK sip:bob@203.0.113.1 SIP/2.0\r\n"
		  "Via: SIP/2.0/UDP 198.51.100.9:5060;rport;branch=z9hG4bKabcd\r\n"
		  "From: <sip:a@x>;tag=1\r\nTo: <sip:bob@203.0.113.1>;tag=2\r\nCall-ID: cc@x\r\n"
		  "CSeq: 17 ACK\r\n\r\n", false },
		{ "INVITE sip:bob@203.0.113.1 SIP/2.0\r\n"
		  "Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKabc;rport\r\n"
		  "From: <sip:a@x>;tag=1\r\nTo: <sip:bob@203.0.113.1>\r\nCall-ID: cc@x\r\n"
		  "CSeq: 18 INVITE\r\n\r\n", false },
	};
	struct sip_hop from = hop_of("203.0.113.1", "198.51.100.9", SIP_ZONE_OUTSIDE);
	struct sip_hop other = hop_of("203.0.113.1", "198.51.100.8", SIP_ZONE_OUTSIDE);
	char branch[2][128];
	u64 key;
	u32 i;

	relay = (struct sip_relay){ .key = &keys, .ours = ours, .from = from };
	relay.to = hop_of("192.168.1.1:5060", "192.168.1.2:5060", SIP_ZONE_INSIDE);
	sip_msg_parse(&before, (const u8 *)request_text, sizeof(request_text) - 1, SIP_DATAGRAM);
	key = sip_relay_txn(keys.key[1], &before, &from);
	T_OK(key != sip_relay_txn(keys.key[1], &before, &other), "of another source");
	T_OK(!pass(), "pass");
	snprintf(branch[0], sizeof(branch[0]), "%.*s", (int)after.via.branch.len,
		 made + after.via.branch.off);
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		sip_msg_parse(&before, (const u8 *)row[i].text, (u32)strlen(row[i].text),
			      SIP_DATAGRAM);
		T_OK((sip_relay_txn(keys.key[1], &before, &from) == key) == row[i].same, "%u", i);
		T_OK(!pass(), "pass %u", i);
		snprintf(branch[1], sizeof(branch[1]), "%.*s", (int)after.via.branch.len,
			 made + after.via.branch.off);
		T_OK(!strcmp(branch[0], branch[1]) == row[i].same, "branch %u", i);
	}
}

int main(int argc, char **argv)
{
	verbose = argc > 2 && !strcmp(argv[1], "-v");
	if (argc < 2) {
		fprintf(stderr, "usage: test_relay [-v] FOLDER\n");
		return 2;
	}
	gen_seed(7);
	vectors(argv[argc - 1]);
	random_messages();
	registration();
	tampered();
	owners();
	key_changes();
	transactions();
	return t_end("test_relay");
}
