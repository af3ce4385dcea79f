/* SPDX-License-Identifier: BSD-2-Clause */
/* By which address and interface of ours a peer is reached: over the loopback interface. */
#include <errno.h>
#include <net/if.h>

#include "rx.h"
#include "udp_route.h"

static struct endpoint at(const char *address)
{
	struct endpoint e = { .len = strchr(address, ':') ? 16 : 4, .port = 5060 };

	if (e.len == 4)
		sip_ip4_parse((const u8 *)address, (u32)strlen(address), e.addr);
	else
		sip_ip6_parse((const u8 *)address, (u32)strlen(address), e.addr);
	return e;
}

static void reached(const char *peer, const char *by)
{
	struct endpoint remote = at(peer), want = at(by), local;
	uint32_t ifindex = 0;
	int err;

	for (int i = 0; i < 2; i++) {
		err = udp_route(&remote, &local, &ifindex);
		T_OK(!err && local.len == want.len && !memcmp(local.addr, want.addr, want.len) &&
		     !local.port, "%s: %d", peer, err);
		T_OK(ifindex == if_nametoindex("lo"), "%s: interface %u", peer, ifindex);
		loop_set_now(loop_now() + 500);
	}
}

int main(void)
{
	struct endpoint nobody = at("0.0.0.0"), local;
	uint32_t ifindex;

	loop_set_now(1000);
	reached("127.0.0.1", "127.0.0.1");
	reached("::1", "::1");
	/* one place for many peers: each gets its own answer */
	for (int i = 2; i < 250; i++) {
		char text[20];

		snprintf(text, sizeof(text), "127.0.%d.7", i);
		reached(text, "127.0.0.1");
	}
	nobody.addr[0] = 255;
	memset(nobody.addr, 255, 4);
	T_OK(udp_route(&nobody, &local, &ifindex) < 0, "broadcast");
	return t_end("test_udp_route");
}
