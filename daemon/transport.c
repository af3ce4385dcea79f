/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "text.h"
#include "transport.h"
#include "udp.h"

#define SIP_PORT 5060

static struct transport_counters counters;
static rx_fn *handler;

void transport_handler(rx_fn *fn)
{
	handler = fn;
}

struct transport_counters *transport_counters(void)
{
	return &counters;
}

/* Can an answer be written, and would anybody want it? RFC 3261 17.1.1.3: never to an ACK. */
static bool answerable(const struct sip_msg *m)
{
	return m->request && m->headers_end && m->via.sent_by.host.len && m->method != SIP_M_ACK;
}

/* Keep-alives of RFC 5626 and of many phones: CRLF CRLF, a NUL, nothing. */
static bool keep_alive(const uint8_t *buf, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (buf[i] && buf[i] != '\r' && buf[i] != '\n')
			return false;
	return len <= 4;
}

static void refused(const struct rx *rx)
{
	char from[TEXT_ENDPOINT];

	counters.bad++;
	if (log_wants(LOG_LEVEL_DEBUG))
		log_debug("%s: dropped %u bytes: %s", text_endpoint(&rx->flow.remote, from),
			  rx->len, sip_bad_text(rx->msg.bad));
}

static void receive(struct rx *rx, const void *buf, uint32_t len)
{
	counters.in++;
	if (!handler || keep_alive(buf, len)) {
		counters.dropped++;
		return;
	}
	rx->buf = buf;
	rx->len = len;
	rx->now = loop_now();
	if (sip_msg_parse(&rx->msg, buf, len, SIP_DATAGRAM) != SIP_OK && !answerable(&rx->msg))
		refused(rx);
	else
		handler(rx);
}

void transport_receive(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	struct rx rx;

	rx.flow = *flow;
	rx.question = false;
	receive(&rx, buf, len);
}

void transport_question(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	struct rx rx;

	rx.flow = *flow;
	rx.question = true;
	receive(&rx, buf, len);
}

int transport_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	int err = flow->transport == SIP_T_UDP ? udp_send(flow, buf, len) : -EPROTONOSUPPORT;

	if (err)
		counters.send_failed++;
	else
		counters.out++;
	return err;
}

void transport_response_flow(const struct rx *rx, struct sip_flow *out)
{
	const struct sip_via *via = &rx->msg.via;

	*out = rx->flow;
	if (rx->flow.transport == SIP_T_UDP && !via->has_rport)
		out->remote.port = via->sent_by.port_num ? via->sent_by.port_num : SIP_PORT;
}

bool transport_is_us(const struct endpoint *e)
{
	return udp_has(e);
}
