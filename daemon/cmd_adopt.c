/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callgate adopt: a helper is assigned to the first packet of a flow only. A flow that is older
 * than the rule, kept alive by keep-alives, would stay without it for ever: it is dropped, and its
 * next packet begins a new one.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd.h"
#include "cmd_gateway.h"
#include "flows.h"
#include "json.h"
#include "rules.h"

struct outcome {
	size_t dropped, gone, failed;
	json_t *list;		/* NULL: as text */
};

static int adopt_one(const struct flow *f, bool dry, struct outcome *o)
{
	int err = dry ? 0 : kernel_flow_delete(f);
	char buf[FLOW_TEXT];

	if (err == -ENOENT) {
		o->gone++;
		return 0;
	}
	if (err) {
		o->failed++;
		return err;
	}
	o->dropped++;
	if (o->list)
		json_array_append_new(o->list, flow_json(f));
	else
		printf("%s %s\n", dry ? "would drop" : "dropped", flow_text(f, buf));
	return 0;
}

static void summary(const struct flows *f, bool dry, struct outcome *o)
{
	if (o->list) {
		json_print(json_pack("{s:b, s:o, s:i, s:i}", "dry_run", dry, "dropped", o->list,
				     "failed", (int)o->failed, "already_helped",
				     (int)f->kind[FLOWS_HELPED].n), false);
		return;
	}
	if (!o->dropped && !o->failed)
		printf("nothing to adopt: %zu flows have the helper, none is without one\n",
		       f->kind[FLOWS_HELPED].n);
	else if (!dry && o->dropped)
		printf("%zu flow%s dropped; the next packet of each gets the helper\n", o->dropped,
		       o->dropped == 1 ? "" : "s");
}

/* Without the module there are none. */
static void leave_own(struct flows *f)
{
	struct gateway_view g = { 0 };
	struct kernel *k = NULL;

	if (kernel_open(&k))
		return;
	if (!gateway_read(k, &g))
		flows_leave_out(f, &g.sockets);
	gateway_free(&g);
	kernel_close(k);
}

int cmd_adopt(const struct command *c, int argc, char **argv)
{
	bool json = false, dry = false, ours = false, readable;
	const struct opt opts[] = {
		{ "json", OPT_FLAG, &json, 0, 0 },
		{ "dry-run", OPT_FLAG, &dry, 0, 0 },
		{ 0 },
	};
	int n = cmd_options(c, opts, argc, argv), err, last = 0;
	struct outcome o = { 0 };
	struct rules rules;
	struct ports ports;
	struct flows flows;

	if (n < 0)
		return cmd_early(n);
	if (n)
		return cmd_fail(c, EXIT_USAGE, "'%s' is too much; usage: callgate adopt %s",
				argv[0], c->args);
	rules_read(&rules);
	for (size_t i = 0; i < rules.n; i++)
		ours |= rule_is_ours(&rules.rule[i]);
	ports = rules_ports(&rules);
	readable = rules.nft || rules.iptables;
	rules_free(&rules);
	if (!readable)
		return cmd_fail(c, EXIT_FAILED, "the rules could not be read: install nftables, "
				"and run this as root");
	if (!ours)
		return cmd_fail(c, EXIT_FAILED, "no rule assigns the helper, so dropping flows "
				"would not help; 'callgate nft' prints rules");
	err = flows_read(&flows, &ports);
	if (err)
		return cmd_fail_kernel(c, NULL, err);
	leave_own(&flows);
	o.list = json ? json_array() : NULL;
	for (size_t i = 0; i < flows.kind[FLOWS_BARE].n; i++) {
		err = adopt_one(&flows.kind[FLOWS_BARE].at[i], dry, &o);
		last = err ? err : last;
	}
	summary(&flows, dry, &o);
	flows_free(&flows);
	return last ? cmd_fail_kernel(c, NULL, last) : EXIT_OK;
}
