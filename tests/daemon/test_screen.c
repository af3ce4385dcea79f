// SPDX-License-Identifier: BSD-2-Clause
/* Callers whom a user does not want: C21, RFC 3323, 3325, 5079, 8197. */
#include "rx.h"

#include <errno.h>

#include "access.h"
#include "screen.h"
#include "zone.h"

#define BOB "bob@office.example"

static bool trusted;

bool access_trusted(const struct endpoint *source)
{
	(void)source;
	return trusted;
}

static struct made m;

/* The code for this @from, and lines more. */
static uint16_t ask(const char *aor, const char *from, const char *more)
{
	T_OK(!rx_make(&m, "INVITE sip:bob@office.example SIP/2.0\n"
		      "Via: SIP/2.0/UDP 192.0.2.1:4444;branch=z9hG4bK1\nMax-Forwards: 70\n"
		      "From: %s;tag=1\nTo: <sip:bob@office.example>\nCall-ID: 1\nCSeq: 1 INVITE\n"
		      "%sContent-Length: 0\n", from, more), "%s: no message", from);
	m.rx.flow.zone = ZONE_OUTSIDE;
	return screen_request(&m.rx, aor, strlen(aor));
}

static void rules(void)
{
	static const struct { const char *name, *caller; uint16_t code; } list[] = {
		{ "zoe", "x@far.example", 603 }, { "bob", "eve@far.example", 603 },
		{ "bob", "*@spam.example", 607 }, { "bob", "+49900*", 607 },
		{ "robert", NULL, 433 }, { "amy", NULL, 433 },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		T_OK(!screen_add(list[i].name, "office.example", list[i].caller, list[i].code),
		     "add");
	screen_commit();
}

static const struct trial {
	const char *aor, *from, *more;
	uint16_t code;
	bool trusted;
} trials[] = {
	{ BOB, "<sip:eve@far.example>", "", 603, false },
	{ BOB, "Eve <sips:eve@FAR.example:5061;x=1>", "", 603, false },
	{ BOB, "<sip:eva@far.example>", "", 0, false },
	{ BOB, "<sip:eve@far.example.org>", "", 0, false },
	{ BOB, "<sip:anybody@spam.example>", "", 607, false },
	{ BOB, "<sip:anybody@no-spam.example>", "", 0, false },
	{ BOB, "<tel:+49-900-(1)23>", "", 607, false },
	{ BOB, "<sip:+49.900.123@gw.example;user=phone>", "", 607, false },
	{ BOB, "<sip:+4990@gw.example>", "", 0, false },
	{ BOB, "<sip:a@b.example>", "P-Asserted-Identity: <sip:eve@far.example>\n", 0, false },
	{ BOB, "<sip:a@b.example>", "P-Asserted-Identity: <sip:c@d.example>, "
	  "<tel:+49900123>\n", 607, true },
	{ BOB, "<sip:anonymous@anonymous.invalid>", "", 0, false },
	{ "robert@office.example", "<sip:eve@far.example>", "", 0, false },
	{ "robert@office.example", "Anonymous <sip:anonymous@anonymous.invalid>", "", 433, false },
	{ "amy@office.example", "<sip:ANONYMOUS@far.example>", "", 433, false },
	{ "amy@office.example", "<sip:a@b.example>", "Privacy: id\n", 433, false },
	{ "amy@office.example", "<sip:a@b.example>", "Privacy: header; User ;critical\n", 433,
	  false },
	{ "amy@office.example", "<sip:a@b.example>", "Privacy: none\n", 0, false },
	{ "amy@office.example", "<sip:a@b.example>", "Privacy: header;identity\n", 0, false },
	{ "am@office.example", "<sip:anonymous@anonymous.invalid>", "", 0, false },
	{ "amy@office.exampl", "<sip:anonymous@anonymous.invalid>", "", 0, false },
	{ "amy@office.example2", "<sip:anonymous@anonymous.invalid>", "", 0, false },
};

static void check_trials(void)
{
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		const struct trial *t = &trials[i];
		uint16_t code;

		trusted = t->trusted;
		code = ask(t->aor, t->from, t->more);
		T_OK(code == t->code, "%s for %s, %s: %u, not %u", t->from, t->aor, t->more, code,
		     t->code);
	}
	trusted = false;
}

/* What belongs to a dialog that is there, or ends one that begins, is let through. */
static void check_others(void)
{
	static const char *const methods[] = { "ACK", "CANCEL", "MESSAGE" };

	for (size_t i = 0; i < 4; i++) {
		const char *method = methods[i < 3 ? i : 2];
		uint16_t code;

		rx_make(&m, "%s sip:bob@office.example SIP/2.0\n"
			"Via: SIP/2.0/UDP 192.0.2.1:4444;branch=z9hG4bK1\nMax-Forwards: 70\n"
			"From: <sip:eve@far.example>;tag=1\nTo: <sip:bob@office.example>%s\n"
			"Call-ID: 1\nCSeq: 1 %s\nContent-Length: 0\n", method,
			i == 3 ? ";tag=2" : "", method);
		code = screen_request(&m.rx, BOB, strlen(BOB));
		T_OK(code == (i == 2 ? 603 : 0), "%s, %zu: %u", method, i, code);
	}
}

/* ---- changes ---- */

static char told[256];

static void note(const char *aor)
{
	strcat(strcat(told, aor), " ");
}

static void check_change(void)
{
	screen_hook(note);
	T_OK(!screen_add("carl", "office.example", NULL, 433), "add");
	screen_abort();
	T_OK(!screen_has("carl@office.example", 19) && screen_has(BOB, 18) && !*told,
	     "broken off: %s", told);
	screen_add("carl", "office.example", "a*", 603);
	screen_add("carl", "office.example", NULL, 433);
	screen_commit();
	T_OK(screen_has("carl@office.example", 19) && !screen_has(BOB, 18), "the new ones");
	T_OK(!strcmp(told, "amy@office.example bob@office.example robert@office.example "
		     "zoe@office.example carl@office.example "), "told: %s", told);
	screen_commit();
	T_OK(!screen_has("carl@office.example", 19), "none");
}

int main(void)
{
	T_OK(!screen_has(BOB, 18) && !ask(BOB, "<sip:eve@far.example>", ""), "no rules");
	rules();
	check_trials();
	check_others();
	check_change();
	screen_free();
	return t_end("screen");
}
