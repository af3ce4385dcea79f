// SPDX-License-Identifier: BSD-2-Clause
/* Any bytes as a datagram and as the start of a stream; every view of what is accepted. */
#include <stdio.h>
#include <stdlib.h>

#include "touch.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void complain(const char *what)
{
	fprintf(stderr, "fuzz_message: %s\n", what);
	abort();
}

static void check(const struct sip_msg *m, int r, size_t size)
{
	const char *e;

	if (r == SIP_BAD && (!m->bad || m->bad >= SIP_BAD_COUNT || m->bad_off > size))
		complain("refused without a reason");
	if (r != SIP_OK)
		return;
	if (m->consumed > size || sip_str_end(m->body) > m->consumed)
		complain("more consumed than there is");
	e = touch_message(m);
	if (e)
		complain(e);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct sip_msg m, again;
	int r;

	r = sip_msg_parse(&m, data, (u32)size, SIP_DATAGRAM);
	if (r == SIP_MORE)
		complain("a datagram that wants more");
	check(&m, r, size);
	r = sip_msg_parse(&m, data, (u32)size, 0);
	check(&m, r, size);
	/* What a stream yields is the same message when it comes alone. */
	if (r == SIP_OK && (sip_msg_parse(&again, data, m.consumed, 0) != SIP_OK ||
			    again.consumed != m.consumed || again.n_headers != m.n_headers))
		complain("a message depends on what follows it");
	/* A stream that wants more must not be refused for bytes that it already took. */
	if (r == SIP_OK && m.consumed > 1) {
		int half = sip_msg_parse(&again, data, m.consumed - 1, 0);

		if (half == SIP_BAD || (half == SIP_OK && again.consumed == m.consumed))
			complain("a message and its beginning disagree");
	}
	return 0;
}
