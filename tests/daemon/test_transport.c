/* SPDX-License-Identifier: BSD-2-Clause */
/* What reaches the handler, where a response goes, and which side a peer is on. */
#include <net/if.h>

#include "config.h"
#include "log.h"
#include "rx.h"
#include "zone.h"

static struct config config;

const struct config *config_now(void)
{
	return &config;
}

static unsigned int handled;
static bool question;

static void handler(struct rx *rx)
{
	handled++;
	question = rx->question;
}

static struct made made;

static void receiving(void)
{
#define REST "Via: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: c\n"
	static const struct {
		const char *text;
		unsigned int handled;
		const char *what;
	} rows[] = {
		{ "OPTIONS sip:x SIP/2.0\n" REST "CSeq: 1 OPTIONS\n", 1, "a request" },
		{ "SIP/2.0 200 OK\n" REST "CSeq: 1 OPTIONS\n", 1, "a response" },
		{ "OPTIONS sip:x SIP/2.0\n" REST "CSeq: x\n", 1, "a bad request" },
		{ "ACK sip:x SIP/2.0\n" REST "CSeq: x\n", 0, "a bad ACK" },
		{ "SIP/2.0 200 OK\n" REST "CSeq: x\n", 0, "a bad response" },
		{ "OPTIONS sip:x SIP/2.0\nFrom: <sip:a@x>;tag=1\n", 0, "no Via" },
		{ "OPTIONS sip:x SIP/2.0\nVia: x\n", 1, "a Via that cannot be read" },
		{ "OPTIONS sip:x SIP/2.0 \n" REST "CSeq: 1 OPTIONS\n", 1, "a blank behind it" },
		{ "OPTIONS SIP/2.0\n" REST "CSeq: 1 OPTIONS\n", 1, "no Request-URI" },
		{ "OPTIONS sip:x SIP/2.0\n" REST "CSeq: 1 OPTIONS\nno name\n", 1, "a line, no name" },
		{ "OPTIONS sip:x SIP/2.0\n" REST "no name\nCSeq: 1 OPTIONS\n", 0, "CSeq not seen" },
		{ "ACK sip:x  SIP/2.0\n" REST "CSeq: 1 ACK\n", 0, "an ACK with two blanks" },
		{ "GET / HTTP/1.1\n" REST, 0, "HTTP" },
		{ "OPTIONS sip:x SIP/2.0\n" REST "CSeq: 1 OPTIONS\nContent-Length: 99\n", 1,
		  "a body that is not there" },
		{ "OPTIONS sip:x SIP/2.0\n" REST "CSeq: 1 OPTIONS\nContent-Length: -9\n", 1,
		  "a length that is none" },
	};
	struct sip_flow flow = rx_flow();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		handled = 0;
		rx_make(&made, "%s", rows[i].text);
		transport_receive(&flow, made.text, made.rx.len);
		T_OK(handled == rows[i].handled && !question, "%s: handled %u", rows[i].what,
		     handled);
	}
	transport_question(&flow, made.text, made.rx.len);
	T_OK(question, "a question is not marked");
	handled = 0;
	transport_receive(&flow, "\r\n\r\n", 4);
	transport_receive(&flow, "\0\1\0\0\x21\x12\xa4\x42", 8);
	transport_receive(&flow, "", 0);
	T_OK(!handled && transport_counters()->bad == 7, "noise was handled; bad %llu",
	     (unsigned long long)transport_counters()->bad);
}

static void response_flows(void)
{
	static const struct {
		const char *via;
		uint16_t port;
	} rows[] = {
		{ "10.0.0.1:5070;rport", 4444 },
		{ "10.0.0.1:5070", 5070 },
		{ "10.0.0.1", 5060 },
		{ "10.0.0.1;rport=99", 4444 },
		{ "10.0.0.1:5070;maddr=198.51.100.1", 5070 },
		{ "10.0.0.1:5070;received=198.51.100.1", 5070 },
	};
	struct sip_flow flow;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rx_make(&made, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK1\n"
			"From: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: c\nCSeq: 1 OPTIONS\n",
			rows[i].via);
		transport_response_flow(&made.rx, &flow);
		T_OK(flow.remote.port == rows[i].port, "%s: to port %u", rows[i].via,
		     flow.remote.port);
		T_OK(!memcmp(flow.remote.addr, made.rx.flow.remote.addr, 16) &&
		     !memcmp(&flow.local, &made.rx.flow.local, sizeof(flow.local)),
		     "%s: another address", rows[i].via);
	}
}

static uint8_t zone(uint32_t ifindex, uint8_t a, uint8_t b)
{
	struct endpoint e = { .len = 4, .addr = { a, b, 0, 1 }, .port = 5060 };

	zone_forget();
	return zone_of(&config, ifindex, &e);
}

static void zones(void)
{
	static struct prefix nets[] = { { .len = 4, .addr = { 10, 32 }, .bits = 11 } };
	char *lo = (char *)"lo", *other = (char *)"nowhere0";
	uint32_t index = if_nametoindex("lo");

	T_OK(zone(index, 127, 0) == ZONE_INSIDE, "loopback");
	T_OK(zone(999999, 127, 0) == ZONE_OUTSIDE, "an interface that is not there");
	config.outside = (struct words){ &lo, 1 };
	T_OK(zone(index, 127, 0) == ZONE_INSIDE, "loopback cannot be outside");
	config.inside = (struct words){ &other, 1 };
	config.inside_nets = (struct prefixes){ nets, 1 };
	T_OK(zone(999999, 10, 63) == ZONE_INSIDE, "10.63.0.1 is in 10.32.0.0/11");
	T_OK(zone(999999, 10, 64) == ZONE_OUTSIDE, "10.64.0.1 is not");
	T_OK(zone(999999, 11, 32) == ZONE_OUTSIDE, "11.32.0.1 is not");
	T_OK(!prefix_has(&nets[0], &(struct endpoint){ .len = 16, .addr = { 10, 32 } }), "IPv6");
}

int main(void)
{
	loop_set_now(1000000);
	log_setup(LOG_LEVEL_FATAL);
	transport_handler(handler);
	receiving();
	response_flows();
	zones();
	return t_end("transport");
}
