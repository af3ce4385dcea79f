/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <jansson.h>

#include "bans_nft.h"
#include "config.h"
#include "nft.h"
#include "sip/scan.h"

static struct nft_part part = {
	.name = "bans",
	.without = "bans act inside callgated alone",
	.chain = "bans",
	.remove = "add table inet callgate\n"
		  "add chain inet callgate bans\n"
		  "delete chain inet callgate bans\n",
};

/* ---- commands ---- */

static void print_rule(FILE *out, const struct config *c, const char *match, const char *set)
{
	fputs("add rule inet callgate bans meta l4proto { tcp, udp } th dport ", out);
	nft_print_ports(out, c, c->n_listen ? c->listen[0].port : SIP_PORT);
	fprintf(out, " fib daddr type local %s @%s counter drop\n", match, set);
}

/* What runs twice leaves the same; the elements of the sets stay. */
static char *setup_text(const struct config *c)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("add table inet callgate\n"
	      "add set inet callgate banned4 { type ipv4_addr; flags timeout; size 65536; }\n"
	      "add set inet callgate banned6 { type ipv6_addr; flags timeout; size 65536; }\n"
	      "add chain inet callgate bans { type filter hook prerouting priority -310; }\n"
	      "flush chain inet callgate bans\n", out);
	print_rule(out, c, "ip saddr", "banned4");
	print_rule(out, c, "ip6 saddr & ffff:ffff:ffff:ffff:: ==", "banned6");
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

int bans_nft_set(const struct prefix *source, uint32_t seconds)
{
	const char *set = source->len == 4 ? "banned4" : "banned6";
	char host[INET6_ADDRSTRLEN], commands[512];
	int n;

	inet_ntop(source->len == 4 ? AF_INET : AF_INET6, source->addr, host, sizeof(host));
	/* an element that is there keeps its time, and one that is not cannot be deleted */
	n = snprintf(commands, sizeof(commands),
		     "add element inet callgate %s { %s }\n"
		     "delete element inet callgate %s { %s }\n", set, host, set, host);
	if (seconds)
		snprintf(commands + n, sizeof(commands) - (size_t)n,
			 "add element inet callgate %s { %s timeout %us }\n", set, host, seconds);
	return nft_change(&part, strdup(commands));
}

/* ---- begin and end ---- */

/* {"elem": {"val": "192.0.2.1", "timeout": 3600, "expires": 3599}} */
static void read_element(const json_t *element, bans_nft_fn *fn)
{
	const json_t *e = json_object_get(element, "elem");
	const char *host = json_string_value(json_object_get(e, "val"));
	json_int_t left = json_integer_value(json_object_get(e, "expires"));
	struct prefix p = { 0 };

	if (!host || left <= 0)
		return;
	if (inet_pton(AF_INET, host, p.addr) == 1)
		p.len = 4;
	else if (inet_pton(AF_INET6, host, p.addr) == 1)
		p.len = 16;
	else
		return;
	p.bits = p.len == 4 ? 32 : 64;
	fn(&p, (uint64_t)left);
}

static void read_set(const char *command, bans_nft_fn *fn)
{
	char *text = nft_ask(command);
	json_t *all = json_loads(text ? text : "", 0, NULL), *one, *element;
	size_t i, k;

	free(text);
	json_array_foreach(json_object_get(all, "nftables"), i, one) {
		json_t *set = json_object_get(one, "set");

		json_array_foreach(json_object_get(set, "elem"), k, element)
			read_element(element, fn);
	}
	json_decref(all);
}

int bans_nft_open(const struct config *c, bans_nft_fn *fn, char why[static 256])
{
	int err;

	if (!c->ban_failures) {
		nft_remove(&part);
		return 0;
	}
	if (part.setup)
		return 0;
	err = nft_use(&part, setup_text(c), why);
	if (err)
		return err;
	read_set("list set inet callgate banned4", fn);
	read_set("list set inet callgate banned6", fn);
	return 0;
}

void bans_nft_close(void)
{
	if (part.setup)
		nft_remove(&part);
}
