/* SPDX-License-Identifier: BSD-2-Clause */
/* address: to the system's form and back, and what is an address in SIP. */
#include <arpa/inet.h>

#include "address.h"
#include "t.h"

static void dirty(void *p, size_t len)
{
	memset(p, 0xa5, len);
}

static void there_and_back(const char *text, uint8_t len, uint16_t port)
{
	struct endpoint e = { .len = len, .port = port }, back;
	union address a;
	socklen_t used;

	dirty(&a, sizeof(a));
	dirty(&back, sizeof(back));
	T_OK(inet_pton(len == 4 ? AF_INET : AF_INET6, text, e.addr) == 1, "%s", text);
	used = address_of(&e, &a);
	T_OK(used == (len == 4 ? sizeof(a.in) : sizeof(a.in6)), "%s: length %u", text, used);
	T_OK(address_endpoint(&a.sa, &back) && back.len == len && back.port == port &&
	     !memcmp(back.addr, e.addr, sizeof(e.addr)), "%s: another one", text);
}

static void no_address(const struct sockaddr *sa, const char *what)
{
	struct endpoint e;

	dirty(&e, sizeof(e));
	T_OK(!address_endpoint(sa, &e) && !e.len && !e.port, "%s is an address", what);
}

/* @want: as inet_pton() takes it; NULL: not an address. */
static void in_sip(const char *text, const char *want, uint16_t port)
{
	struct sip_str s = { .off = 0, .len = (u32)strlen(text) };
	uint8_t addr[16] = { 0 };
	struct sip_host h = { 0 };
	struct endpoint e;
	bool found;

	dirty(&e, sizeof(e));
	T_OK(!s.len || !sip_host_parse((const u8 *)text, s, &h), "%s: no host", text);
	found = address_of_host(&h, &e);
	T_OK(found == !!want, "'%s' is%s an address", text, found ? "" : " not");
	if (!want) {
		T_OK(e.len == 0xa5 && e.port == 0xa5a5, "'%s': written to", text);
		return;
	}
	inet_pton(strchr(want, ':') ? AF_INET6 : AF_INET, want, addr);
	T_OK(e.len == (strchr(want, ':') ? 16 : 4) && e.port == port &&
	     !memcmp(e.addr, addr, sizeof(addr)), "'%s': another one, port %u", text, e.port);
}

int main(void)
{
	union address a;

	there_and_back("192.0.2.1", 4, 5060);
	there_and_back("255.255.255.255", 4, 65535);
	there_and_back("2001:db8::1", 16, 1);
	there_and_back("::1", 16, 0);

	no_address(NULL, "nothing");
	memset(&a, 0, sizeof(a));
	a.sa.sa_family = AF_UNIX;
	no_address(&a.sa, "a path");
	a.in6.sin6_family = AF_INET6;
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &a.in6.sin6_addr);
	no_address(&a.sa, "a mapped one");

	in_sip("192.0.2.1", "192.0.2.1", 5060);
	in_sip("192.0.2.1:5062", "192.0.2.1", 5062);
	in_sip("[2001:db8::1]", "2001:db8::1", 5060);
	in_sip("[2001:db8::1]:65535", "2001:db8::1", 65535);
	in_sip("phone.example", NULL, 0);
	in_sip("phone.example:5060", NULL, 0);
	in_sip("192.0.2.001", NULL, 0);		/* octal or not: nobody knows */
	in_sip("", NULL, 0);
	return t_end("test_address");
}
