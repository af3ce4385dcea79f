// SPDX-License-Identifier: BSD-2-Clause
/* Limits and re-pointing of a message; a stream in pieces. */
#include "t.h"
#include "touch.h"

static struct sip_msg m;
static char text[70000];

static const char head[] = "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>\r\n"
			   "To: <sip:b@h>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n";

static int lines(const char *line, u32 n)
{
	size_t len = (size_t)sprintf(text, "%s", head);

	while (n--)
		len += (size_t)sprintf(text + len, "%s\r\n", line);
	len += (size_t)sprintf(text + len, "\r\n");
	return sip_msg_parse(&m, (const u8 *)text, (u32)len, SIP_DATAGRAM);
}

#define REPEAT(s) s s s s s s s s s s s s s s s s s s s s s s s s s s s s s s s s
#define LIST(s)	  "Contact: " REPEAT(s)

/* More sections or lines than any description has. */
static void sdp_limits(void)
{
	struct sip_sdp s;
	u32 n, len;

	for (n = SIP_SDP_MEDIA_MAX; n <= SIP_SDP_MEDIA_MAX + 1; n++) {
		u32 i;

		len = (u32)sprintf(text, "v=0\n");
		for (i = 0; i < n; i++)
			len += (u32)sprintf(text + len, "m=a 1 b\n");
		T_OK(sip_sdp_parse(&s, (const u8 *)text, sip_slice(0, len), false, NULL) ==
			     (n > SIP_SDP_MEDIA_MAX ? SIP_BAD_SDP_TOO_MANY : 0),
		     "%u sections", n);
	}
	for (n = SIP_SDP_LINES_MAX; n <= SIP_SDP_LINES_MAX + 1; n++) {
		u32 i;

		len = (u32)sprintf(text, "v=0\nm=a 1 b\n");
		for (i = 0; i < n; i++) {
			if (i == n / 2)
				len += (u32)sprintf(text + len, "m=a 1 b\n");
			len += (u32)sprintf(text + len, "a=x\n");
		}
		T_OK(sip_sdp_parse(&s, (const u8 *)text, sip_slice(0, len), false, NULL) ==
			     (n > SIP_SDP_LINES_MAX ? SIP_BAD_SDP_TOO_MANY : 0),
		     "%u lines", n);
	}
}

static void limits(void)
{
	T_OK(lines("Route: <sip:p>", SIP_MAX_HEADERS - 5) == SIP_OK, "as many as there is room");
	T_OK(m.n_headers == SIP_MAX_HEADERS && !touch_message(&m), "all of them");
	T_OK(lines("Route: <sip:p>", SIP_MAX_HEADERS - 4) == SIP_BAD && m.bad == SIP_BAD_TOO_MANY,
	     "one more");
	T_OK(lines(LIST("<sip:a@h>,"), 7) == SIP_BAD && m.bad == SIP_BAD_EMPTY, "open list");
	T_OK(lines(LIST("sip:a,") "b:c", 7) == SIP_OK && m.n_values == 3 + 7 * 33, "lists");
	T_OK(lines(LIST("sip:a,") "b:c", 8) == SIP_BAD && m.bad == SIP_BAD_TOO_MANY, "values");
	T_OK(lines("Contact: <sip:a>" REPEAT(";a"), 1) == SIP_OK, "parameters");
#define MANY REPEAT(";a") REPEAT(";a") REPEAT(";a") REPEAT(";a")
	T_OK(lines("Contact: <sip:a>" MANY ";b", 1) == SIP_BAD && m.bad == SIP_BAD_TOO_MANY,
	     "too many parameters");
	T_OK(lines("X-Unknown: y", 4000) == SIP_OK && m.n_headers == 5,
	     "unknown ones do not count");
	T_OK(sip_msg_parse(&m, (const u8 *)text, SIP_MAX_LEN + 1, 0) == SIP_BAD &&
		     m.bad == SIP_BAD_TOO_LONG,
	     "too long");
	T_OK(sip_msg_parse(&m, (const u8 *)text, 0, SIP_DATAGRAM) == SIP_BAD &&
		     m.bad == SIP_BAD_NOT_SIP,
	     "nothing");
	T_OK(sip_msg_parse(&m, (const u8 *)text, 0, 0) == SIP_MORE, "nothing yet");
}

/* The buffer moves; the views do not care. */
static void moved(void)
{
	struct sip_nameaddr a;
	struct sip_via v;
	struct sip_walk w;
	char *copy;

	lines("Contact: \"C\" <sip:c@10.0.0.1:7>", 1);
	copy = malloc(m.len);
	memcpy(copy, text, m.len);
	memset(text, '!', m.len);
	m.buf = (const u8 *)copy;
	T_OK(sip_msg_nameaddr(&m, SIP_H_CONTACT, &a) && a.uri.host.port_num == 7, "contact");
	sip_walk_init(&w, &m, SIP_H_VIA);
	T_OK(sip_via_next(&w, &v) && !sip_via_next(&w, &v) && !w.bad, "via");
	T_OK(!sip_msg_nameaddr(&m, SIP_H_REFER_TO, &a), "absent");
	T_OK(!sip_msg_header(&m, SIP_H_ROUTE), "absent");
	T_OK(!touch_message(&m), "all views");
	free(copy);
}

static void tokens(void)
{
	struct sip_walk w;
	struct sip_str s;
	u32 n = 0;

	lines("Supported: path, 100REL,,\"a, b\"\r\nk: timer", 1);
	T_OK(SIP_HAS(&m, SIP_H_SUPPORTED, "100rel") && SIP_HAS(&m, SIP_H_SUPPORTED, "timer"),
	     "has");
	T_OK(!SIP_HAS(&m, SIP_H_SUPPORTED, "100"), "has not");
	sip_walk_init(&w, &m, SIP_H_SUPPORTED);
	while (sip_token_next(&w, &s))
		n++;
	T_OK(n == 4, "%u tokens", n);
}

/* Whatever the pieces, the same messages come out. */
static void stream(void)
{
	size_t len = 0;
	u32 i, step, pos, count;

	for (i = 0; i < 5; i++) {
		len += (size_t)sprintf(text + len, "%s%s", i % 2 ? "\r\n\r\n" : "", head);
		len += (size_t)sprintf(text + len, "l: %u\r\n\r\n%.*s", i, (int)i, "body");
	}
	for (step = 1; step < 40; step++) {
		u32 have = 0;

		pos = 0;
		count = 0;
		while (pos < len) {
			int r = sip_msg_parse(&m, (const u8 *)text + pos, have - pos, 0);

			if (r == SIP_OK) {
				T_OK(m.body.len == count && m.consumed <= have - pos, "message %u",
				     count);
				pos += m.consumed;
				count++;
			} else {
				T_OK(r == SIP_MORE, "piece of %u: %s", step, sip_bad_name(m.bad));
				T_OK(!m.need || m.need > have - pos, "need %u", m.need);
				have = have + step < len ? have + step : (u32)len;
			}
		}
		T_OK(count == 5, "%u messages in pieces of %u", count, step);
	}
}

/* What is not SIP must be seen on its first bytes (performance.md: denial). */
static void not_sip(void)
{
	static const char *const s[] = { "\r\n",       "\r\n\r\n",     "\0\0\0\0",
					 "\x80 rtp",   "\x16\x03\x01", " x",
					 "\t",	       "<xml>",	       "{",
					 "INVITE\r\n", "INVITE:",      "\r" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(s); i++)
		T_OK(sip_msg_parse(&m, (const u8 *)s[i], i == 2 ? 4 : (u32)strlen(s[i]),
				   SIP_DATAGRAM) == SIP_BAD &&
			     m.bad == SIP_BAD_NOT_SIP,
		     "text %zu", i);
}

int main(void)
{
	limits();
	sdp_limits();
	moved();
	tokens();
	stream();
	not_sip();
	return t_end("test_msg");
}
