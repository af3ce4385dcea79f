/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests for tests: from text to struct rx, and time that only the test moves. */
#ifndef TESTS_DAEMON_RX_H
#define TESTS_DAEMON_RX_H

#include <stdarg.h>

#include "loop.h"
#include "places.h"
#include "t.h"
#include "timer.h"
#include "transport.h"

struct made {
	struct rx rx;
	char text[RX_SIZE];
};

/* From 192.0.2.1:4444 to 192.0.2.9:5060, by UDP. */
static inline struct sip_flow rx_flow(void)
{
	return (struct sip_flow){
		.local = { .len = 4, .addr = { 192, 0, 2, 9 }, .port = 5060 },
		.remote = { .len = 4, .addr = { 192, 0, 2, 1 }, .port = 4444 },
		.ifindex = 2,
		.transport = SIP_T_UDP,
		.zone = ZONE_INSIDE,
	};
}

/* Lines end with \n in the text, with CRLF in the message; an empty line is added. */
__attribute__((format(printf, 2, 3)))
static inline int rx_make(struct made *m, const char *format, ...)
{
	char lines[RX_SIZE];
	va_list args;
	size_t n = 0;

	va_start(args, format);
	vsnprintf(lines, sizeof(lines), format, args);
	va_end(args);
	for (const char *p = lines; *p && n < RX_SIZE - 6; p++) {
		if (*p == '\n')
			m->text[n++] = '\r';
		m->text[n++] = *p;
	}
	memcpy(m->text + n, "\r\n", 3);
	n += 2;
	m->rx.flow = rx_flow();
	m->rx.buf = (const uint8_t *)m->text;
	m->rx.len = (uint32_t)n;
	m->rx.now = loop_now();
	m->rx.question = false;
	return sip_msg_parse(&m->rx.msg, m->rx.buf, m->rx.len, SIP_DATAGRAM);
}

/* In steps of the wheel's grain. */
static inline void rx_wait(uint64_t ms)
{
	uint64_t until = loop_now() + ms;

	while (loop_now() < until) {
		loop_set_now(loop_now() + 10);
		timer_run(loop_now());
	}
}

#endif
