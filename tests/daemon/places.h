/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints and messages as text: for the tests of the proxy. */
#ifndef TESTS_DAEMON_PLACES_H
#define TESTS_DAEMON_PLACES_H

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "transport.h"

#define RX_SIZE 8192

struct sent {
	struct sip_flow flow;
	uint32_t len;
	char text[RX_SIZE];
};

static inline struct endpoint at4(const char *address, uint16_t port)
{
	struct endpoint e = { .len = 4, .port = port };

	sip_ip4_parse((const u8 *)address, (u32)strlen(address), e.addr);
	return e;
}

static inline struct endpoint at6(const char *address, uint16_t port)
{
	struct endpoint e = { .len = 16, .port = port };

	sip_ip6_parse((const u8 *)address, (u32)strlen(address), e.addr);
	return e;
}

/* The value of the n-th line of a header, from 0; "" when there is none. */
static inline const char *world_header(const char *text, const char *name, unsigned int n)
{
	static char out[4][1024];
	static unsigned int turn;
	char *at = out[turn++ % 4];
	size_t len = strlen(name);

	*at = 0;
	for (const char *line = strstr(text, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) || line[len] != ':' || n--)
			continue;
		snprintf(at, 1024, "%.*s", (int)strcspn(line + len + 2, "\r"), line + len + 2);
		break;
	}
	return at;
}

#endif
