/* SPDX-License-Identifier: BSD-2-Clause */
/* Without the module nothing is done. With it: cases/media.py. */
#include <errno.h>

#include "kernel_media.h"
#include "t.h"

static const char invite[] =
	"INVITE sip:bob@example.com SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bK1\r\n"
	"From: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
	"Call-ID: one\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
static const char options[] =
	"OPTIONS sip:bob@example.com SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bK1\r\n"
	"From: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
	"Call-ID: one\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

static struct sip_edits edits;

static int ask(const char *text, uint8_t from, uint8_t to, uint64_t now)
{
	static struct rx rx;
	struct sip_hop hop = { .zone = to, .transport = SIP_T_UDP };

	rx = (struct rx){ .buf = (const uint8_t *)text, .len = (uint32_t)strlen(text), .now = now,
			  .flow = { .zone = from, .local.len = 4, .remote.len = 4 } };
	hop.local.kind = SIP_HOST_IP4;
	hop.remote.kind = SIP_HOST_IP4;
	T_OK(sip_msg_parse(&rx.msg, rx.buf, rx.len, SIP_DATAGRAM) == SIP_OK, "not a message");
	return kernel_media(&rx, &hop, &edits);
}

int main(void)
{
	int result;

	sip_edit_init(&edits);
	sip_edit_put(&edits, sip_slice(0, 6), "invite", 6, SIP_WHY(OTHER, 0));
	T_OK(ask(options, ZONE_INSIDE, SIP_ZONE_OUTSIDE, 1) == 0, "asked about an OPTIONS");
	T_OK(ask(invite, ZONE_OUTSIDE, SIP_ZONE_OUTSIDE, 1) == 0, "asked about the outside");
	result = ask(invite, ZONE_INSIDE, SIP_ZONE_OUTSIDE, 1);
	if (result == 0 || result == -EPERM) {
		t_skipped++;
	} else {
		T_OK(result == -ENOENT || result == -EPROTONOSUPPORT, "result %d", result);
		T_OK(ask(invite, ZONE_INSIDE, SIP_ZONE_OUTSIDE, 2) == -ENOENT, "at once again");
		T_OK(ask(invite, ZONE_INSIDE, SIP_ZONE_OUTSIDE, 5000) == result, "not again");
	}
	T_OK(edits.n == 1 && !edits.delta && !memcmp(edits.text, "invite", 6), "edits changed");
	kernel_media_close();
	return t_end("kernel_media");
}
