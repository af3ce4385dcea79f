/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "kernel_link.h"
#include "log.h"
#include "loop.h"
#include "nft.h"
#include "sip/scan.h"
#include "transit.h"

#define CHECK_MS 2000	/* is the module there? */
#define LOOKS 5		/* with every fifth of these: are the rules? */
#define AGAIN 10	/* with every tenth: what nft refused is tried again */

static struct nft_part part = {
	.name = "helper",
	.without = "SIP through this router is not translated",
	.chain = "transit",
	.remove = "add table inet callgate\n"
		  "add chain inet callgate transit\n"
		  "delete chain inet callgate transit\n"
		  "add chain inet callgate transit_own\n"
		  "delete chain inet callgate transit_own\n",
	.drop = "delete ct helper inet callgate transit\n",
};

static struct loop_watch *timer;
static unsigned int turns;
static bool wanted, hooked, said_tcp, failing;

/* ---- the rules ---- */

/* Where one side is not named, it is all that the other is not: every interface counts. */
static void print_interfaces(FILE *out, const struct config *c, const char *match)
{
	const struct words *const side[] = { &c->inside, &c->outside };
	const char *before = "{ ";

	if (!c->inside.n || !c->outside.n)
		return;
	fprintf(out, "%s ", match);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < side[i]->n; k++, before = ", ")
			fprintf(out, "%s\"%s\"", before, side[i]->word[k]);
	fputs(" } ", out);
}

/* What runs twice leaves the same. Names of interfaces have no quotes in them (config_schema.c). */
static char *setup_text(const struct config *c)
{
	unsigned int own = c->n_listen ? c->listen[0].port : SIP_PORT;
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("add table inet callgate\n"
	      "add ct helper inet callgate transit { type \"callgate\" protocol udp; }\n"
	      "add chain inet callgate transit { type filter hook prerouting priority -90; }\n"
	      "add chain inet callgate transit_own { type filter hook output priority -150; }\n"
	      "flush chain inet callgate transit\n"
	      "flush chain inet callgate transit_own\n"
	      "add rule inet callgate transit ", out);
	print_interfaces(out, c, "iifname");
	fputs("meta l4proto udp ct original proto-dst ", out);
	nft_print_ports(out, c, SIP_PORT);
	fputs(" fib daddr type != local ct helper set \"transit\"\n"
	      "add rule inet callgate transit_own ", out);
	print_interfaces(out, c, "oifname");
	fputs("udp sport != ", out);
	nft_print_ports(out, c, own);
	fputs(" udp dport ", out);
	nft_print_ports(out, c, SIP_PORT);
	fputs(" ct helper set \"transit\"\n", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- when ---- */

static void set(const struct config *c)
{
	char why[256];

	if (!wanted) {
		if (part.setup)
			nft_remove(&part);
		return;
	}
	if (nft_use(&part, setup_text(c), why)) {
		if (!failing)
			log_warn("helper: nft: %s: %s: give callgated CAP_NET_ADMIN, or say "
				 "\"helper = off\" and load what 'callgate nft' prints", why,
				 part.without);
		failing = true;
		return;
	}
	if (!said_tcp || failing)
		log_info("helper: SIP by UDP through this router is served; SIP by TCP passes "
			 "untouched");
	said_tcp = true;
	failing = false;
}

static void configured(const struct config *c)
{
	wanted = c->helper && kernel_link_up();
	failing = false;
	set(c);
}

/* The module comes and goes; and an admin who loads a ruleset flushes the old one. */
static void check(int fd, void *arg)
{
	const struct config *c = config_now();

	(void)fd, (void)arg;
	if (wanted != (c->helper && kernel_link_up()))
		configured(c);
	else if (!(++turns % AGAIN) && wanted && !part.setup)
		set(c);
	else if (!(turns % LOOKS))
		nft_check();
}

int transit_open(struct loop *l)
{
	int err = hooked ? 0 : config_hook(configured);

	if (err)
		return err;
	hooked = true;
	timer = loop_every(l, CHECK_MS, check, NULL);
	if (!timer)
		return -ENOMEM;
	/* what one that did not end in order left is replaced: no flow begins without the helper */
	configured(config_now());
	if (!wanted)
		nft_remove(&part);
	return 0;
}

void transit_close(void)
{
	loop_unwatch(timer);
	timer = NULL;
	wanted = false;
	if (part.setup)
		nft_remove(&part);
}
