/* SPDX-License-Identifier: BSD-2-Clause */
/* GRUUs (RFC 5627): their text, who can make one, and what a REGISTER gets and keeps of them. */
#include "registrar_bed.h"

#include "gruu.h"

#define ID(n) "+sip.instance=\"<urn:uuid:0000000" n ">\""
#define PUB(n) ";pub-gruu=\"sip:alice@office.example;gr=urn:uuid:0000000" n "\""
#define GRUU "Supported: gruu, path\r\n"

/* ---- tokens ---- */

static struct sip_str whole(const char *text)
{
	return sip_slice(0, (uint32_t)strlen(text));
}

static bool read_token(const char *text, struct gruu_token *t)
{
	return gruu_read_token((const uint8_t *)text, whole(text), t);
}

static void test_tokens(void)
{
	const struct gruu_token t = { .user = 0xffffffffff, .epoch = GRUU_EPOCH_MASK };
	char one[GRUU_TOKEN + 1], two[GRUU_TOKEN + 1];
	struct gruu_token back = { 0, 0 };
	unsigned int same = 0;

	gruu_key_set((const uint8_t *)"0123456789abcdef");
	T_OK(gruu_print_token(&t, one) && strlen(one) == GRUU_TOKEN, "made: %s", one);
	T_OK(read_token(one, &back) && back.user == t.user && back.epoch == t.epoch, "read");
	T_OK(gruu_print_token(&t, two) && strcmp(one, two) && read_token(two, &back),
	     "another of the same device is another");
	for (int i = 0; i < GRUU_TOKEN; i++)
		same += one[i] == two[i];
	T_OK(same < GRUU_TOKEN / 3, "%u of %d characters in common", same, GRUU_TOKEN);
	T_OK(!gruu_print_token(&(struct gruu_token){ .user = 1ull << 40 }, two), "a large id");
	gruu_key_set((const uint8_t *)"another key here");
	T_OK(!read_token(one, &back), "of another key");
	gruu_key_set((const uint8_t *)"0123456789abcdef");
	T_OK(read_token(one, &back), "and of this one, after a restart");
}

/* Nobody makes one of another. */
static void test_forged(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	const struct gruu_token t = { .user = 1, .epoch = 5 };
	char text[GRUU_TOKEN + 2];
	struct gruu_token back;
	unsigned int read = 0;

	gruu_print_token(&t, text);
	for (unsigned int at = 0; at < GRUU_TOKEN; at++)
		for (unsigned int i = 0; i < 32; i++) {
			char was = text[at];

			text[at] = letters[i];
			read += was != letters[i] && read_token(text, &back);
			text[at] = was;
		}
	T_OK(!read, "%u changed tokens are read", read);
	T_OK(read_token(text, &back), "the right one");
	strcat(text, "a");
	T_OK(!read_token(text, &back), "a longer one");
	text[GRUU_TOKEN - 1] = '\0';
	T_OK(!read_token(text, &back) && !read_token("", &back), "a shorter one");
}

static void test_instances(void)
{
	char out[64];

	T_OK(gruu_print_instance("urn:uuid:f81d", out, sizeof(out)) &&
	     !strcmp(out, "urn:uuid:f81d"), "a URN as it is: %s", out);
	T_OK(gruu_print_instance("a;b\"%\xff", out, sizeof(out)) == 14 &&
	     !strcmp(out, "a%3Bb%22%25%FF"), "others are escaped: %s", out);
	T_OK(!gruu_print_instance("aaaaaaaaaaaa", out, 12), "too long");
}

static void test_numbers(void)
{
	struct contact a = { .gruu = 65535ull << GRUU_EPOCH_BITS, .since = 9 }, b = { .gruu = 5 };

	T_OK(gruu_newer(&b, &a) && !gruu_newer(&a, &b), "the number begins again");
	a.gruu = 5;
	T_OK(gruu_newer(&a, &b) && !gruu_newer(&b, &a), "else by time");
	T_OK(gruu_epoch() && gruu_epoch() != gruu_epoch() && gruu_epoch() <= GRUU_EPOCH_MASK,
	     "epochs");
}

/* ---- what a REGISTER gets ---- */

/* The temporary GRUU behind the Contact in the answer. */
static bool temporary(const char *contact, char out[GRUU_TOKEN + 1])
{
	const char *at = bed_answers ? strstr(bed_answer, contact) : NULL;
	const char *begin = at ? strstr(at, ";temp-gruu=\"sip:") : NULL;

	*out = '\0';
	if (!begin || begin > strstr(at, "\r\n"))
		return false;
	memcpy(out, begin + 16, GRUU_TOKEN);
	out[GRUU_TOKEN] = '\0';
	return !strncmp(begin + 16 + GRUU_TOKEN, "@office.example;gr\"", 19);
}

/* Where one leads: the Contact, or "" and the code. */
static const char *leads(const char *uri, uint16_t *code)
{
	const struct contact *c = NULL;
	struct sip_uri u;

	if (sip_uri_parse((const uint8_t *)uri, whole(uri), &u))
		return "?";
	*code = gruu_find((const uint8_t *)uri, &u, &bed_domains[0], &c);
	return *code ? "" : c->uri;
}

static const char *token_leads(const char *token, uint16_t *code)
{
	char uri[128];

	snprintf(uri, sizeof(uri), "sip:%s@office.example;gr", token);
	return leads(uri, code);
}

static void give(const char *call_id, unsigned int cseq, const char *lines)
{
	bed_register((struct bed_register){ .call_id = call_id, .cseq = cseq, .lines = lines });
}

static const struct {
	const char *name, *lines;
	int code;
	const char *has, *not;
} rows[] = {
	{ "both", GRUU "Contact: <sip:a@192.168.1.7>;" ID("1") "\r\n", 200,
	  PUB("1") ";temp-gruu=\"sip:", "Require:" },
	{ "not for who does not ask", "Contact: <sip:a@192.168.1.7>;" ID("1") "\r\n", 200, ID("1"),
	  "-gruu" },
	{ "not without an instance", GRUU "Contact: <sip:a@192.168.1.7>\r\n", 200, "sip:a@", "-gruu" },
	{ "Require", "Require: gruu\r\nContact: <sip:a@192.168.1.7>;" ID("1") "\r\n", 200, PUB("1"),
	  "Unsupported" },
	{ "not in Supported (5.2)", GRUU "Contact: <sip:a@192.168.1.7>;" ID("1") "\r\n", 200,
	  "\r\nSupported: path, outbound", "gruu\r\n" },
	{ "the phone's own are ignored", GRUU "Contact: <sip:a@192.168.1.7>;" ID("1")
	  ";pub-gruu=\"sip:x@y;gr=1\";temp-gruu=\"sip:x@y;gr\"\r\n", 200, PUB("1"), "sip:x@y" },
	{ "an instance with other signs", GRUU "Contact: <sip:a@192.168.1.7>;"
	  "+sip.instance=\"<urn:x;y z>\"\r\n", 200, ";gr=urn:x%3By%20z\"", NULL },
	{ "a device that is no SIP URI (5.1)", GRUU "Contact: <mailto:a@b.example>;" ID("1") "\r\n",
	  403, NULL, NULL },
	{ "not for all numbers of a PBX (RFC 6140)", GRUU "Contact: <sip:192.168.1.7;bnc>;" ID("1")
	  "\r\n", 200, ";bnc>;" ID("1"), "-gruu" },
	{ "with a flow", "Supported: gruu, outbound\r\nContact: <sip:a@192.168.1.7>;" ID("1")
	  ";reg-id=1\r\n", 200, PUB("1") ";temp-gruu=", NULL },
};

static void test_rows(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bed_reset();
		give("c1", 1, rows[i].lines);
		T_OK(bed_code() == rows[i].code, "%s: %d", rows[i].name, bed_code());
		T_OK(!rows[i].has || bed_has(rows[i].has), "%s: no %s in %s", rows[i].name,
		     rows[i].has, bed_answer);
		T_OK(!rows[i].not || !bed_has(rows[i].not), "%s: %s in %s", rows[i].name,
		     rows[i].not, bed_answer);
	}
}

/* All of a registration hold until its Call-ID changes or it ends. */
static void test_life(void)
{
	const char *line = GRUU "Contact: <sip:a@192.168.1.7>;" ID("1") "\r\n";
	char one[GRUU_TOKEN + 1], two[GRUU_TOKEN + 1], three[GRUU_TOKEN + 1];
	uint16_t code = 0;

	bed_reset();
	give("c1", 1, line);
	T_OK(temporary("sip:a@", one), "the first: %s", bed_answer);
	give("c1", 2, line);
	T_OK(temporary("sip:a@", two) && strcmp(one, two), "another with each REGISTER");
	T_OK(*token_leads(one, &code) && *token_leads(two, &code), "both hold: %u", code);
	give("c1", 3, GRUU "Contact: <sip:new@192.168.1.9>;" ID("1")
	     ", <sip:a@192.168.1.7>;expires=0\r\n");
	T_OK(!strcmp(token_leads(one, &code), "sip:new@192.168.1.9"), "the device has moved: %u",
	     code);
	give("c1", 4, "Contact: <sip:new@192.168.1.9>;" ID("1") "\r\n");
	T_OK(*token_leads(one, &code), "a refresh that does not ask changes nothing: %u", code);
	give("c1", 5, GRUU);
	T_OK(temporary("sip:new@", three) && *token_leads(three, &code), "a query is told one");
	give("c2", 1, GRUU "Contact: <sip:new@192.168.1.9>;" ID("1") "\r\n");
	T_OK(temporary("sip:new@", three) && *token_leads(three, &code), "another Call-ID");
	T_OK(!*token_leads(one, &code) && code == 404, "ends those before: %u", code);
	T_OK(!*token_leads(two, &code) && code == 404, "all of them: %u", code);
	give("c2", 2, "Contact: *\r\nExpires: 0\r\n");
	T_OK(!*token_leads(three, &code) && code == 404, "the end of the registration: %u", code);
	give("c2", 3, GRUU "Contact: <sip:new@192.168.1.9>;" ID("1") "\r\n");
	T_OK(!*token_leads(three, &code) && code == 404, "and its new begin: %u", code);
}

/* Two flows of a device are one: what a new Call-ID of one ends has ended for both. */
static void test_flows(void)
{
	const char *flow = "Supported: gruu, outbound\r\nContact: <sip:f%u@192.168.1.7>;" ID("1")
			   ";reg-id=%u\r\n";
	char line[256], one[GRUU_TOKEN + 1], two[GRUU_TOKEN + 1];
	uint16_t code = 0;

	bed_reset();
	snprintf(line, sizeof(line), flow, 1u, 1u);
	give("c1", 1, line);
	temporary("sip:f1@", one);
	snprintf(line, sizeof(line), flow, 2u, 2u);
	give("c2", 1, line);
	T_OK(!strcmp(token_leads(one, &code), "sip:f2@192.168.1.7"), "a second flow: the last: %u",
	     code);
	T_OK(temporary("sip:f1@", two) && *token_leads(two, &code), "each contact has one");
	snprintf(line, sizeof(line), flow, 1u, 1u);
	give("c1", 2, line);
	T_OK(!strcmp(token_leads(one, &code), "sip:f1@192.168.1.7"), "refreshed last: %u", code);
	give("c3", 1, line);
	T_OK(bed_code() == 200 && location_count() == 2, "the first flow anew");
	T_OK(temporary("sip:f1@", two) && !*token_leads(one, &code) && code == 404, "ends it: %u",
	     code);
	give("c3", 2, "Contact: <sip:f1@192.168.1.7>;expires=0\r\n");
	T_OK(!*token_leads(one, &code) && code == 404, "also when that flow has gone: %u", code);
	T_OK(!strcmp(token_leads(two, &code), "sip:f2@192.168.1.7"), "the new one is of both: %u",
	     code);
}

/* Each device its own; who shares nothing but the user gets nothing. */
static void test_devices(void)
{
	char one[GRUU_TOKEN + 1], two[GRUU_TOKEN + 1];
	uint16_t code = 0;

	bed_reset();
	give("c1", 1, GRUU "Contact: <sip:a@192.168.1.7>;q=0.1;" ID("1") "\r\n");
	temporary("sip:a@", one);
	give("c2", 1, GRUU "Contact: <sip:b@192.168.1.8>;" ID("2") "\r\n");
	T_OK(temporary("sip:b@", two), "the second");
	T_OK(!strcmp(token_leads(one, &code), "sip:a@192.168.1.7"), "the one: %u", code);
	T_OK(!strcmp(token_leads(two, &code), "sip:b@192.168.1.8"), "the other: %u", code);
	T_OK(!strcmp(leads("sip:alice@office.example;gr=urn:uuid:00000001", &code),
		     "sip:a@192.168.1.7"), "by its public one: %u", code);
	T_OK(!strcmp(leads("sip:alice@OFFICE.example;gr=URN:uuid%3A00000002", &code),
		     "sip:b@192.168.1.8"), "in other letters: %u", code);
	T_OK(!*leads("sip:alice@office.example;gr=urn:uuid:00000003", &code) && code == 480,
	     "a device that is not here: %u", code);
	T_OK(!*leads("sip:carol@office.example;gr=urn:uuid:00000001", &code) && code == 404,
	     "nobody: %u", code);
	T_OK(!*leads("sip:bob@office.example;gr=urn:uuid:00000001", &code) && code == 480,
	     "somebody else's: %u", code);
	T_OK(!*leads("sip:alice@office.example;gr", &code) && code == 404, "no token: %u", code);
	bed_user_result = -EIO;
	T_OK(!*token_leads(one, &code) && code == 503, "the store cannot tell: %u", code);
	bed_user_result = 0;
}

/* At another domain nobody has it; at our address it is known. */
static void test_domains(void)
{
	char one[GRUU_TOKEN + 1], uri[128];
	uint16_t code = 0;

	bed_reset();
	give("c1", 1, GRUU "Contact: <sip:a@192.168.1.7>;" ID("1") "\r\n");
	temporary("sip:a@", one);
	snprintf(uri, sizeof(uri), "sip:%s@192.168.1.1;gr", one);
	T_OK(*leads(uri, &code), "our address: %u", code);
	bed_domains[0].name = (char *)"other.example";
	T_OK(!*token_leads(one, &code) && code == 404, "another domain: %u", code);
	bed_domains[0].name = (char *)"office.example";
}

/* A change on its way to the disk: who waits goes on from what it left. */
static void test_turns(void)
{
	const char *line = GRUU "Contact: <sip:a@192.168.1.7>;" ID("1") "\r\n";
	char one[GRUU_TOKEN + 1], two[GRUU_TOKEN + 1];
	uint16_t code = 0;

	bed_reset();
	bed_store_waits = true;
	give("c1", 1, line);
	give("c1", 2, line);
	bed_store_done(0);
	T_OK(temporary("sip:a@", one) && *token_leads(one, &code), "the first: %u", code);
	bed_store_done(0);
	T_OK(temporary("sip:a@", two) && *token_leads(two, &code) && *token_leads(one, &code),
	     "the second is of the same registration: %u", code);
}

int main(void)
{
	bed_open();
	test_tokens();
	test_forged();
	test_instances();
	test_numbers();
	test_rows();
	test_life();
	test_flows();
	test_devices();
	test_domains();
	test_turns();
	bed_close();
	return t_end("gruu");
}
