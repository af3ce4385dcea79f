/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules: which nft and iptables rules assign a conntrack helper for SIP, and which NAT rules may
 * take a port of the router from its socket.
 *
 * Read from the programs nft, iptables-save and ip6tables-save, where they are there: their output
 * is the interface that stays.
 */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ports {
	uint8_t bits[65536 / 8];
};

static inline bool ports_has(const struct ports *p, uint16_t port)
{
	return p->bits[port / 8] >> (port % 8) & 1;
}

struct rule {
	char family[8];		/* of the table: "inet", "ip", "ip6" */
	char table[64], chain[64];
	char hook[16];		/* of a base chain; "" otherwise */
	int prio;
	char helper[32];	/* "callgate", "callgate-open", or another: "sip" */
	bool any_port;
	bool iptables;
	struct ports ports;
};

struct rules {
	struct rule *rule;
	size_t n;
	/* .helper "snat": gives what it translates the one port; "dnat": forwards the ports */
	struct rule *nat;
	size_t n_nat;
	bool nft, iptables;	/* could be read */
};

void rules_read(struct rules *r);
void rules_free(struct rules *r);
/* Is it one of callgate's helpers? */
bool rule_is_ours(const struct rule *r);
/* The ports of the rules of ours; of 5060 when there are none or one is for all ports. */
struct ports rules_ports(const struct rules *r);
/* "5060,5070-5075", "any"; cut when it does not fit. */
const char *rule_ports_text(const struct rule *r, char *buf, size_t size);

#endif
