/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE	/* memmem */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "stun.h"
#include "text.h"
#include "transport.h"
#include "udp.h"

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

/* All that an answer copies; where reading stopped early, more may have been behind. */
static bool has_all(const struct sip_msg *m)
{
	return sip_msg_header(m, SIP_H_FROM) && sip_msg_header(m, SIP_H_TO) &&
	       sip_msg_header(m, SIP_H_CALL_ID) && sip_msg_header(m, SIP_H_CSEQ);
}

/* Can an answer be written, and would anybody want it? RFC 3261 17.1.1.3: never to an ACK. */
static bool answerable(const struct sip_msg *m)
{
	return m->request && m->method != SIP_M_ACK && sip_msg_header(m, SIP_H_VIA) &&
	       (m->headers_end || has_all(m));
}

/*
 * "OPTIONS sip:a b SIP/2.0": what of the rest is needed for an answer is read behind a start line
 * of the same method.
 */
static bool read_without_start_line(struct rx *rx)
{
	static uint8_t copy[65536 + 64];
	const struct sip_msg *m = &rx->msg;
	uint32_t method = sip_span(rx->buf, m->start, rx->len, SIP_C_TOKEN) - m->start;
	const uint8_t *line = rx->buf + m->start, *end = memchr(line, '\r', rx->len - m->start);
	int n;

	if (!method || method > 32 || !end || rx->len > 65536 ||
	    !memmem(line, (size_t)(end - line), " SIP/", 5))
		return false;
	n = snprintf((char *)copy, 64, "%.*s sip:x SIP/2.0", (int)method, line);
	rx->len -= (uint32_t)(end - rx->buf);
	memcpy(copy + n, end, rx->len);
	rx->len += (uint32_t)n;
	rx->buf = copy;
	sip_msg_parse(&rx->msg, copy, rx->len, SIP_DATAGRAM);
	rx->msg.bad = SIP_BAD_START_LINE;
	rx->msg.bad_off = 0;
	return answerable(m);
}

/* Can the next piece do something with it? */
static bool readable(struct rx *rx)
{
	if (sip_msg_parse(&rx->msg, rx->buf, rx->len, SIP_DATAGRAM) == SIP_OK)
		return true;
	if (rx->msg.bad == SIP_BAD_START_LINE)
		return read_without_start_line(rx);
	return answerable(&rx->msg);
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

/* The keep-alive of RFC 5626 over UDP is answered from the address that it was sent to. */
static bool is_stun(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	uint8_t answer[STUN_ANSWER];
	size_t n = stun_answer(buf, len, &flow->remote, answer);

	if (n)
		transport_send(flow, answer, (uint32_t)n);
	return n > 0;
}

static void receive(struct rx *rx, const void *buf, uint32_t len)
{
	counters.in++;
	if (!handler || keep_alive(buf, len) || is_stun(&rx->flow, buf, len)) {
		counters.dropped++;
		return;
	}
	rx->buf = buf;
	rx->len = len;
	rx->now = loop_now();
	if (readable(rx))
		handler(rx);
	else
		refused(rx);
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
	struct sip_via via;
	uint32_t used;

	*out = rx->flow;
	if (rx->flow.transport == SIP_T_UDP && transport_top_via(rx, &via, &used) && !via.has_rport)
		out->remote.port = via.sent_by.port_num ? via.sent_by.port_num : SIP_PORT;
}

bool transport_is_us(const struct endpoint *e)
{
	return udp_has(e);
}
