// SPDX-License-Identifier: BSD-2-Clause
/* One user has one name: escapes, case, dots; and what is no user. */
#include "t.h"
#include "aor.h"

static void is(const char *text, const char *want)
{
	struct sip_uri u;
	u8 out[SIP_AOR_MAX];
	int bad = sip_uri_parse((const u8 *)text, sip_slice(0, (u32)strlen(text)), &u);
	u32 n = bad ? 0 : sip_aor_print((const u8 *)text, &u, out);

	T_OK(n == strlen(want) && !memcmp(out, want, n), "%s: %.*s, not %s", text, (int)n, out,
	     want);
}

static void of_length(u32 user, u32 want)
{
	char text[600];
	struct sip_uri u;
	u8 *out = malloc(SIP_AOR_MAX);
	u32 n;

	n = (u32)snprintf(text, sizeof(text), "sip:%0*d@a.example", (int)user, 0);
	T_OK(out && !sip_uri_parse((const u8 *)text, sip_slice(0, n), &u), "parses");
	T_OK(sip_aor_print((const u8 *)text, &u, out) == want, "a user of %u", user);
	n = (u32)snprintf(text, sizeof(text), "sip:%%7f%0*d@a.example", (int)user - 3, 0);
	T_OK(!sip_uri_parse((const u8 *)text, sip_slice(0, n), &u), "parses");
	T_OK(sip_aor_print((const u8 *)text, &u, out) == want, "an escape and a user of %u", user);
	free(out);
}

int main(void)
{
	struct sip_uri u;
	u8 out[SIP_AOR_MAX];
	const char *at = "sip:Al%69ce:pw@192.0.2.1:5061";

	is("sip:alice@Office.Example", "alice@office.example");
	is("SIPS:alice@office.example.:5061;transport=tcp?a=b", "alice@office.example");
	is("sip:Al%69ce:secret@a", "Alice@a");
	is("sip:%e4%40%2b1@a", "%E4%40+1@a");
	is("sip:+1-2;x=y@[2001:DB8::1]", "+1-2;x=y@2001:db8::1");
	is("sip:office.example", "");
	is("tel:+12", "");
	of_length(244, 254);
	of_length(246, 0);
	T_OK(!sip_uri_parse((const u8 *)at, sip_slice(0, (u32)strlen(at)), &u), "parses");
	T_OK(sip_aor_print_at((const u8 *)at, &u, "a.example", 9, out) == 15 &&
	     !memcmp(out, "Alice@a.example", 15), "at another domain");
	return t_end("aor");
}
