// SPDX-License-Identifier: BSD-2-Clause
/*
 * P1: instructions per byte of the parser. Run under callgrind (tests/unit/bench-parser); the work
 * of each message happens between the two markers so that only it is counted.
 *
 * usage: bench_parser parse|sdp FILE...       one pass over each file
 *        bench_parser long BYTES              the INVITE stretched to BYTES by plain headers
 */
#include "t.h"
#include "body.h"
#include "sdp.h"

#include <valgrind/callgrind.h>

static struct sip_msg m;

static void all_sdp(void)
{
	struct sip_body b;
	struct sip_part p;
	struct sip_sdp s;
	struct sip_sdp_media media;
	struct sip_iter it;

	sip_body_init(&b, &m);
	while (sip_body_next_sdp(&b, &p)) {
		if (sip_sdp_parse(&s, m.buf, p.body, false, NULL))
			continue;
		it = sip_sdp_iter(&s);
		while (sip_sdp_media_next(&s, &it, &media))
			;
	}
}

static __attribute__((noinline)) int measured(const u8 *p, u32 len, int sdp)
{
	int r = sip_msg_parse(&m, p, len, SIP_DATAGRAM);

	if (sdp && r == SIP_OK)
		all_sdp();
	return r;
}

static void one(const unsigned char *p, size_t len, int sdp)
{
	int r;

	measured(p, (u32)len, sdp);
	CALLGRIND_ZERO_STATS;
	CALLGRIND_TOGGLE_COLLECT;
	r = measured(p, (u32)len, sdp);
	CALLGRIND_TOGGLE_COLLECT;
	CALLGRIND_DUMP_STATS;
	printf("%zu %s\n", len, r == SIP_OK ? "ok" : sip_bad_name(m.bad));
}

static size_t stretch(unsigned char *out, size_t want)
{
	static const char head[] =
		"INVITE sip:bob@voip.example SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bK776asdhds;rport\r\n"
		"From: \"Alice\" <sip:alice@voip.example>;tag=1928301774\r\n"
		"To: <sip:bob@voip.example>\r\nCall-ID: a84b4c76e66710\r\nCSeq: 1 INVITE\r\n";
	static const char line[] =
		"Record-Route: <sip:192.0.2.7:5060;lr;ftag=1928301774>\r\n"
		"X-Filler: the quick brown fox jumps over the lazy dog, and over again\r\n";
	size_t n = sizeof(head) - 1;
	unsigned int lines = 0;

	memcpy(out, head, n);
	while (n + sizeof(line) + 2 < want) {
		/* at most 100 known header lines, then unknown ones */
		size_t skip = lines++ < 100 ? 0 : 55;

		memcpy(out + n, line + skip, sizeof(line) - 1 - skip);
		n += sizeof(line) - 1 - skip;
	}
	memcpy(out + n, "\r\n", 2);
	return n + 2;
}

int main(int argc, char **argv)
{
	static unsigned char buf[70000];
	int i;

	for (i = 2; i < argc; i++) {
		if (!strcmp(argv[1], "long")) {
			one(buf, stretch(buf, (size_t)atoi(argv[i])), 0);
		} else {
			size_t len;
			unsigned char *p = t_read_file(argv[i], &len);

			if (!p)
				return 2;
			one(p, len, !strcmp(argv[1], "sdp"));
			free(p);
		}
	}
	return 0;
}
