/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transport: messages in and out. udp.c has the sockets; tcp and tls join it here later.
 *
 * A flow is where a message came from and where an answer goes: transport, own and remote endpoint,
 * interface. RFC 5626 calls it that; for UDP it needs no connection, so it is a value to be copied
 * and kept with a binding.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "sip/msg.h"

struct sip_flow {
	struct endpoint local;	/* own address that the datagram was sent to, kept per datagram */
	struct endpoint remote;	/* the peer, as seen */
	uint32_t ifindex;	/* where it came in; 0: not known */
	uint8_t transport;	/* enum sip_transport: SIP_T_UDP ... (sip/name.h) */
	uint8_t zone;		/* enum zone */
};
enum zone { ZONE_INSIDE, ZONE_OUTSIDE };

/* A message that came in. Lives until the handler returns; what is kept is copied. */
struct rx {
	struct sip_flow flow;
	const uint8_t *buf;
	uint32_t len;
	uint64_t now;			/* loop_now() */
	struct sip_msg msg;		/* parsed: SIP_OK, or SIP_BAD with .framed set */
	bool question;			/* the copy that came with LOCATE: answer the kernel too */
};

/*
 * The next piece: called for each message that parses, and for requests other than ACK that do not
 * but can be answered: the header lines are known and a Via is among them. Where the start line
 * cannot be read, .buf is a copy with one that can, and .msg.bad still says SIP_BAD_START_LINE.
 * Anything else was counted and dropped by the transport.
 */
typedef void rx_fn(struct rx *rx);
void transport_handler(rx_fn *fn);

/* Parses @len bytes at @buf and hands them to the handler as if they had come over @flow. */
void transport_receive(const struct sip_flow *flow, const void *buf, uint32_t len);
/* The same for the copy of a message that came with LOCATE. */
void transport_question(const struct sip_flow *flow, const void *buf, uint32_t len);

/*
 * Sends. UDP: from flow->local, to flow->remote; queued and sent with others (sendmmsg) at the end
 * of this turn of the loop. 0 or -errno of what is known at once; -EMSGSIZE: above 65,507 bytes.
 */
int transport_send(const struct sip_flow *flow, const void *buf, uint32_t len);

/*
 * Where a response goes, from the request's top Via and its source: RFC 3261 18.2.2, RFC 3581 4
 * (received, rport). The sent-by port is used only without rport. maddr is not followed: it would
 * aim our answers at whomever the sender names.
 */
void transport_response_flow(const struct rx *rx, struct sip_flow *out);

/* The top Via of a request, which may be bad; *@used is what it took. False: cannot be read. */
static inline bool transport_top_via(const struct rx *rx, struct sip_via *v, uint32_t *used)
{
	const struct sip_header *h = sip_msg_header(&rx->msg, SIP_H_VIA);

	if (!h || rx->msg.bad)
		return h && !sip_via_parse(rx->buf, h->value, v, used);
	*v = rx->msg.via;
	*used = sip_skip_lws(rx->buf, sip_str_end(v->all), sip_str_end(h->value)) - h->value.off;
	return true;
}

/* Is it one of our own addresses with a SIP port of ours? */
bool transport_is_us(const struct endpoint *e);

struct transport_counters {
	uint64_t in, out;
	uint64_t bad;		/* came in, and was no SIP that could be read or refused */
	uint64_t dropped;	/* nobody was there to handle it, or it was only a keep-alive */
	uint64_t send_failed;	/* could not be sent, or an ICMP error came back */
	uint64_t late;		/* waited too long in the socket, or since before it was ours */
};
/* The transports write into it. */
struct transport_counters *transport_counters(void);

#endif
