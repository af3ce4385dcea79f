// SPDX-License-Identifier: BSD-2-Clause
/* Classes, numbers, addresses: against the grammar, the C library and each other. */
#include "t.h"
#include "gen.h"
#include "scan.h"

#include <arpa/inet.h>

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define MARK  "-_.!~*'()"

/* RFC 3261 25.1, spelled out; what is allowed beyond it is said. */
static const struct {
	u32 class;
	const char *chars;
} classes[] = {
	{ SIP_C_TOKEN, ALNUM "-.!%*_+`'~" },
	{ SIP_C_HOST, ALNUM "-._" }, /* '_' is not in the grammar */
	{ SIP_C_USER, ALNUM MARK "&=+$,;?/#" }, /* nor is '#' */
	{ SIP_C_PARAM, ALNUM MARK "[]/:&+$" },
	{ SIP_C_URI, ALNUM MARK ";/?:@&=+$,%#[]" },
	{ SIP_C_HEX, "0123456789abcdefABCDEF" },
	{ SIP_C_LWS, " \t\r\n" },
};

static void table(void)
{
	size_t i;
	int c;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		for (c = 0; c < 256; c++)
			T_OK(sip_is((u8)c, classes[i].class) == (c && strchr(classes[i].chars, c)),
			     "class %#x of %#x", classes[i].class, c);
	for (c = 0; c < 256; c++)
		T_OK(sip_is((u8)c, SIP_C_VALUE) ==
			     (c >= 0x80 || (c > 0x20 && c < 0x7f && !strchr(";,\"<>\\", c))),
		     "value %#x", c);
}

static void finders(void)
{
	static u8 buf[300];
	u32 i, k, from, end, want;

	for (i = 0; i < 20000; i++) {
		for (k = 0; k < sizeof(buf); k++)
			buf[k] = (u8)(gen_rand(8) ? 0x20 + gen_rand(224) : gen_rand(256));
		from = gen_rand(200);
		end = from + gen_rand(100);
		for (want = from; want < end && buf[want] >= 0x20; want++)
			;
		T_OK(sip_find_ctl(buf, from, end) == want, "control");
		for (want = from; want < end && buf[want] >= 0x21; want++)
			;
		T_OK(sip_find_below(buf, from, end, 0x21) == want, "blank");
		for (want = from; want < end && buf[want] != ':'; want++)
			;
		T_OK(sip_find_byte(buf, from, end, ':') == want, "byte");
		for (want = from; want < end && buf[want] != '"' && buf[want] != '\\'; want++)
			;
		T_OK(sip_find_either(buf, from, end, '"', '\\') == want, "one of two bytes");
		for (want = from; want < end && sip_is(buf[want], SIP_C_VALUE); want++)
			;
		T_OK(sip_span_value(buf, from, end) == want, "value");
	}
}

static void number(const char *s, u32 max, long want)
{
	u32 n = 77;
	bool ok = sip_number((const u8 *)s, sip_slice(0, (u32)strlen(s)), max, &n);

	T_OK(want < 0 ? !ok && n == 77 : ok && n == (u32)want, "number %s: %d %u", s, ok, n);
}

static void numbers(void)
{
	number("0", 0, 0);
	number("", 10, -1);
	number("4294967295", 0xffffffff, 4294967295L);
	number("4294967296", 0xffffffff, -1);
	number("18446744073709551616", 0xffffffff, -1);
	number("99999999999999999999999999999999999999", 0xffffffff, -1);
	number("000000000000000000000000000000000000007", 10, 7);
	number("256", 255, -1);
	number("-1", 255, -1);
	number("1 ", 255, -1);
	number("0x1", 255, -1);
}

static void print_u32(u32 n)
{
	char want[16];
	u8 out[SIP_U32_TEXT];
	u32 len = sip_u32_print(out, n);

	snprintf(want, sizeof(want), "%u", n);
	T_OK(len == strlen(want) && !memcmp(out, want, len), "print %u", n);
}

/* The C library is the judge; it knows no octets with leading zeros either. */
static void address(const char *s)
{
	u8 mine[16] = "", theirs[16] = "", out[64];
	char text[64];
	u32 len = (u32)strlen(s);
	bool ok;

	ok = inet_pton(AF_INET, s, theirs) == 1;
	T_OK(sip_ip4_parse((const u8 *)s, len, mine) == ok, "ip4 %s", s);
	if (ok) {
		T_OK(!memcmp(mine, theirs, 4), "ip4 %s", s);
		T_OK(sip_ip4_print(out, mine) == len && !memcmp(out, s, len), "print %s", s);
	}
	ok = inet_pton(AF_INET6, s, theirs) == 1;
	T_OK(sip_ip6_parse((const u8 *)s, len, mine) == ok, "ip6 %s", s);
	if (!ok)
		return;
	T_OK(!memcmp(mine, theirs, 16), "ip6 %s", s);
	len = sip_ip6_print(out, mine);
	T_OK(len <= SIP_IP6_TEXT, "ip6 text is long: %s", s);
	out[len] = 0;
	T_OK(inet_pton(AF_INET6, (char *)out, theirs) == 1 && !memcmp(mine, theirs, 16), "print %s",
	     out);
	/* glibc also writes ::1.2.3.4; RFC 5952 5 wants that only where a prefix says so */
	inet_ntop(AF_INET6, mine, text, sizeof(text));
	T_OK(!strcmp(text, (char *)out) || (!strncmp(text, "::", 2) && strchr(text, '.')),
	     "%s is written %s, not %s", s, out, text);
}

static void addresses(void)
{
	static const char *const s[] = { "1.2.3.4",
					 "0.0.0.0",
					 "255.255.255.255",
					 "256.1.1.1",
					 "1.2.3",
					 "1.2.3.4.5",
					 "1.2.3.04",
					 "01.2.3.4",
					 "1..3.4",
					 "1.2.3.",
					 ".1.2.3.4",
					 "1.2.3.4 ",
					 "",
					 "a",
					 "1.2.3.1000",
					 "::",
					 "::1",
					 "1::",
					 "1::8",
					 "2001:db8::1",
					 "2001:db8:0:0:1:0:0:1",
					 "2001:db8::1:0:0:1",
					 "1:2:3:4:5:6:7:8",
					 "1:2:3:4:5:6:7::",
					 "::2:3:4:5:6:7:8",
					 "1:2:3:4:5:6:7",
					 "1:2:3:4:5:6:7:8:9",
					 "1::2::3",
					 ":::",
					 ":1",
					 "1:",
					 "12345::",
					 "g::",
					 "::ffff:192.0.2.1",
					 "64:ff9b::192.0.2.33",
					 "::192.0.2.1",
					 "1:2:3:4:5:6:192.0.2.1",
					 "1:2:3:4:5:6:7:192.0.2.1",
					 "2001:db8:::192.0.2.1",
					 "::1.2.3",
					 "1:2:3:4:5:6:7:8::",
					 "::1:2:3:4:5:6:7:8",
					 "1:0:0:2:0:0:0:3",
					 "0:0:1:0:0:0:0:0",
					 "fe80::1%eth0",
					 "[::1]",
					 "::00001",
					 "ABCD:EF01::",
					 "1:2:3:4::5:6:7:8",
					 "1::2:3:4:5:6:7",
					 "0:0:0:0:0:0:0:0" };
	char r[64];
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(s); i++)
		address(s[i]);
	for (i = 0; i < 100000; i++) {
		u32 len = gen_rand(24);

		for (k = 0; k < len; k++)
			r[k] = "0123456789abcdef:::::...."[gen_rand(25)];
		r[len] = 0;
		address(r);
	}
	for (i = 0; i < 20000; i++) {
		u8 a[16];

		for (k = 0; k < 16; k++)
			a[k] = gen_rand(2) ? 0 : (u8)gen_rand(256);
		inet_ntop(AF_INET6, a, r, sizeof(r));
		address(r);
		inet_ntop(AF_INET, a, r, sizeof(r));
		address(r);
	}
}

static void host(const char *s, int bad, u8 kind, u16 port)
{
	struct sip_host h;
	int r = sip_host_parse((const u8 *)s, sip_slice(0, (u32)strlen(s)), &h);
	u8 out[SIP_HOST_TEXT];

	T_OK(r == bad, "host %s: %s", s, sip_bad_name((u32)r));
	if (r)
		return;
	T_OK(h.kind == kind && h.port_num == port && h.all.len == strlen(s), "host %s", s);
	if (kind >= SIP_HOST_IP4)
		T_OK(sip_host_print(out, h.kind, h.addr, h.port_num) == strlen(s) &&
			     !memcmp(out, s, strlen(s)),
		     "print %s", s);
}

static void lone(const char *s, int bad, u8 kind)
{
	struct sip_host h;
	int r = sip_host_lone((const u8 *)s, sip_slice(0, (u32)strlen(s)), &h);

	T_OK(r == bad && (r || h.kind == kind), "lone %s: %s", s, sip_bad_name((u32)r));
}

static void hosts(void)
{
	host("h", 0, SIP_HOST_NAME, 0);
	host("1.2.3.4:65535", 0, SIP_HOST_IP4, 65535);
	host("[2001:db8::1]:5060", 0, SIP_HOST_IP6, 5060);
	host("[2001:db8::1]", 0, SIP_HOST_IP6, 0);
	host("1.2.3.4a", 0, SIP_HOST_NAME, 0);
	host("1.2.3.4.", 0, SIP_HOST_NAME, 0);
	host("3com.example", 0, SIP_HOST_NAME, 0);
	host("h:", SIP_BAD_PORT, 0, 0);
	host("h:0", SIP_BAD_PORT, 0, 0);
	host("h:65536", SIP_BAD_PORT, 0, 0);
	host("h:5060x", SIP_BAD_HOST, 0, 0);
	host(":5060", SIP_BAD_HOST, 0, 0);
	host("", SIP_BAD_HOST, 0, 0);
	host("[::1", SIP_BAD_HOST, 0, 0);
	host("[]", SIP_BAD_HOST, 0, 0);
	host("a b", SIP_BAD_HOST, 0, 0);
	lone("2001:db8::1", 0, SIP_HOST_IP6);
	lone("[2001:db8::1]", 0, SIP_HOST_IP6);
	lone("abcd::1", 0, SIP_HOST_IP6);
	lone("1.2.3.4", 0, SIP_HOST_IP4);
	lone("::1.2.3.4", 0, SIP_HOST_IP6);
	lone("x.example", 0, SIP_HOST_NAME);
	lone("1.2.3.4:5", SIP_BAD_HOST, 0);
	lone("", SIP_BAD_HOST, 0);
}

int main(void)
{
	table();
	finders();
	numbers();
	print_u32(0);
	print_u32(10);
	print_u32(4294967295u);
	addresses();
	hosts();
	return t_end("test_scan");
}
