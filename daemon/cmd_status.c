/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate status, callgate reasons */
#define _GNU_SOURCE /* vasprintf */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callgate.h"
#include "cmd.h"
#include "cmd_gateway.h"
#include "flows.h"
#include "json.h"
#include "kernel.h"
#include "rules.h"
#include "text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CONNTRACK_PRIO (-200)
#define FLOWS_SHOWN 8

struct view {
	int module;		/* 0, or -errno of why it could not be asked */
	struct status status;
	struct settings settings;
	struct rules rules;
	struct flows flows;
	int flows_err;
	struct list reasons;	/* struct reason, those that were counted */
	struct list modes;	/* struct host_mode */
	struct gateway_view gateway;
	json_t *daemon;		/* what callgated says of itself, or NULL */
	char *advice[16];
	size_t nadvice;
};

/* ---- gathering ---- */

static int keep_reason(const struct reason *r, void *arg)
{
	struct list *list = arg;
	struct reason *grown;

	if (!r->count)
		return 0;
	grown = reallocarray(list->items, list->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->n] = *r;
	grown[list->n].name = strdup(r->name ? r->name : "");
	grown[list->n++].help = strdup(r->help ? r->help : "");
	return 0;
}

static int keep_mode(const struct host_mode *m, void *arg)
{
	struct list *list = arg;
	struct host_mode *grown = reallocarray(list->items, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[list->n++] = *m;
	list->items = grown;
	return 0;
}

/* What a module that is older than this program does not have is left out. */
static int ask_module(struct view *v)
{
	struct kernel *k = NULL;
	int err = kernel_open(&k);

	if (err)
		return err;
	err = kernel_status(k, &v->status, &v->settings);
	if (!err)
		err = kernel_reasons(k, keep_reason, &v->reasons);
	if (!err)
		err = kernel_modes(k, keep_mode, &v->modes);
	if (!err)
		err = gateway_read(k, &v->gateway);
	if (err == -EOPNOTSUPP)
		err = 0;
	kernel_close(k);
	return err;
}

__attribute__((format(printf, 2, 3)))
static void advise(struct view *v, const char *format, ...)
{
	va_list ap;

	if (v->nadvice == COUNT(v->advice))
		return;
	va_start(ap, format);
	if (vasprintf(&v->advice[v->nadvice], format, ap) >= 0)
		v->nadvice++;
	va_end(ap);
}

/* In gateway use users of this router need no rule, and "helper = off" is the admin's word. */
static void advise_no_rule(struct view *v)
{
	const json_t *helper = json_object_get(v->daemon, "helper");

	if (!gateway_in_use(&v->gateway))
		advise(v, "no rule assigns the helper, so no message reaches it: "
		       "'callgate nft | nft -f -' adds rules");
	else if (!json_is_false(helper))
		advise(v, "no rule assigns the helper: users of this router are served, but SIP "
		       "through it, to outside providers, passes untouched: %s",
		       helper ? "callgated's log says why nft refused its rules" :
		       "callgated makes such rules: " GATEWAY_START);
}

static void advise_rules(struct view *v)
{
	bool ours = false, forwarded = false;

	for (size_t i = 0; i < v->rules.n; i++) {
		const struct rule *r = &v->rules.rule[i];

		if (!rule_is_ours(r)) {
			if (!strcmp(r->helper, "sip"))
				advise(v, "%s %s %s still assigns the kernel's own helper 'sip': a "
				       "flow has one helper, so remove that rule", r->family,
				       r->table, r->chain);
			continue;
		}
		ours = true;
		forwarded |= strcmp(r->hook, "output");
		if (!r->iptables && *r->hook && r->prio <= CONNTRACK_PRIO)
			advise(v, "%s %s %s has priority %d, before conntrack, so its helper rule "
			       "has no effect: use -150 (mangle)", r->family, r->table, r->chain,
			       r->prio);
	}
	if (!v->rules.nft && !v->rules.iptables)
		advise(v, "the rules could not be read: install nftables, and run this as root");
	else if (!ours)
		advise_no_rule(v);
	else if (!forwarded)
		advise(v, "the helper is assigned in output only, not for phones behind this "
		       "router: see 'callgate nft'");
}

static const struct gateway_socket *socket_of(const struct view *v, const struct rule *r)
{
	const struct gateway_socket *s = v->gateway.sockets.items;

	for (size_t i = 0; !r->any_port && i < v->gateway.sockets.n; i++)
		if (ports_has(&r->ports, s[i].local.port))
			return &s[i];
	return NULL;
}

/* Where the admin's NAT names callgated's port, it has its way. */
static void advise_nat(struct view *v)
{
	for (size_t i = 0; i < v->rules.n_nat; i++) {
		const struct rule *r = &v->rules.nat[i];
		const struct gateway_socket *s = socket_of(v, r);

		if (!s)
			continue;
		if (!strcmp(r->helper, "snat"))
			advise(v, "%s %s %s gives flows port %u, where callgated listens: what is "
			       "sent to it comes to whoever has such a flow: let the rule name a "
			       "range of ports, or none", r->family, r->table, r->chain,
			       s->local.port);
		else
			advise(v, "%s %s %s forwards port %u, where callgated listens, so that what "
			       "is sent to it does not come to callgated: remove that rule, or let "
			       "callgated listen at another port", r->family, r->table, r->chain,
			       s->local.port);
	}
}

static void advise_flows(struct view *v)
{
	size_t bare = v->flows.kind[FLOWS_BARE].n, tcp = v->flows.kind[FLOWS_TCP].n;

	if (bare)
		advise(v, "%zu live flow%s to the SIP ports %s no helper: 'callgate adopt' drops "
		       "what is older than the rules", bare, bare == 1 ? "" : "s",
		       bare == 1 ? "has" : "have");
	if (tcp)
		advise(v, "%zu TCP or TLS signalling flow%s pass%s untouched: let the phones use "
		       "UDP", tcp, tcp == 1 ? "" : "s", tcp == 1 ? "es" : "");
}

/* Somebody further out changes SIP too: what this router sends is not what the provider gets. */
static void advise_upstream(struct view *v)
{
	const struct reason *r = v->reasons.items;

	for (size_t i = 0; i < v->reasons.n; i++)
		if (r[i].name && !strcmp(r[i].name, "upstream-rewrite"))
			advise(v, "rewritten upstream: %" PRIu64 " answers came back with another "
			       "address than was sent: switch off the SIP ALG of the box between "
			       "this router and the provider, or use TLS", r[i].count);
}

static void advise_gateway(struct view *v)
{
	char *text = gateway_advice(&v->gateway, v->daemon);

	if (text)
		advise(v, "%s", text);
	free(text);
}

static void gather(struct view *v)
{
	struct ports ports;

	memset(v, 0, sizeof(*v));
	v->module = ask_module(v);
	v->daemon = cmd_daemon_status();
	rules_read(&v->rules);
	ports = rules_ports(&v->rules);
	v->flows_err = flows_read(&v->flows, &ports);
	flows_leave_out(&v->flows, &v->gateway.sockets);
	if (v->module == -ENOENT)
		advise(v, "the kernel module is not loaded: 'modprobe callgate' loads it, and so "
		       "does a rule that names the helper");
	else if (v->module == -EPERM)
		advise(v, "the module could not be asked: run this as root");
	if (!v->module && v->settings.mode == CALLGATE_MODE_OFF)
		advise(v, "the mode is off: new calls and registrations pass untouched; 'callgate "
		       "mode translate' switches it on");
	advise_gateway(v);
	advise_rules(v);
	advise_nat(v);
	advise_flows(v);
	advise_upstream(v);
}

static void release(struct view *v)
{
	for (size_t i = 0; i < v->nadvice; i++)
		free(v->advice[i]);
	for (size_t i = 0; i < v->reasons.n; i++)
		model_free(&model_reason, (struct reason *)v->reasons.items + i);
	free(v->reasons.items);
	free(v->modes.items);
	gateway_free(&v->gateway);
	json_decref(v->daemon);
	model_free(&model_status, &v->status);
	rules_free(&v->rules);
	flows_free(&v->flows);
}

/* ---- as text ---- */

static void print_module(const struct view *v)
{
	char age[TEXT_TIME];

	if (v->module == -ENOENT) {
		puts("module     not loaded");
		return;
	}
	if (v->module) {
		printf("module     loaded, but cannot be asked: %s\n", strerror(-v->module));
		return;
	}
	printf("module     callgate %s, in this network namespace for %s\n",
	       text_clean(v->status.version), text_duration(text_age(v->status.since), age));
}

static void print_modes(const struct view *v)
{
	static const char *const meaning[] = {
		[CALLGATE_MODE_OFF] = ": new calls and registrations pass untouched",
		[CALLGATE_MODE_OPEN] = ": opens ports, edits nothing",
		[CALLGATE_MODE_TRANSLATE] = ": as the rules say",
	};
	const struct host_mode *m = v->modes.items;
	uint8_t mode = v->settings.mode;
	char prefix[TEXT_ENDPOINT];

	printf("mode       %s%s\n", model_name(&mode_names, mode),
	       mode && mode < COUNT(meaning) ? meaning[mode] : "");
	for (size_t i = 0; i < v->modes.n && i < FLOWS_SHOWN; i++)
		printf("           %s for %s\n", model_name(&mode_names, m[i].mode),
		       text_prefix(&m[i].prefix, prefix));
	if (v->modes.n > FLOWS_SHOWN)
		printf("           ... and %zu more\n", v->modes.n - FLOWS_SHOWN);
}

static void print_rules(const struct view *v)
{
	char ports[200];
	size_t shown = 0;

	for (size_t i = 0; i < v->rules.n; i++) {
		const struct rule *r = &v->rules.rule[i];

		if (!rule_is_ours(r) && strcmp(r->helper, "sip"))
			continue;
		printf("%-10s %s %s %s, chain %s%s%s%s: helper %s, udp ports %s\n",
		       shown++ ? "" : "rules", r->iptables ? "iptables" : "nft", r->family,
		       r->table, r->chain, *r->hook ? " (" : "", r->hook, *r->hook ? ")" : "",
		       r->helper, rule_ports_text(r, ports, sizeof(ports)));
	}
	if (!shown)
		puts(v->rules.nft || v->rules.iptables ? "rules      none assigns the helper" :
		     "rules      could not be read");
}

static void print_flows(const struct view *v)
{
	const struct flows *f = &v->flows;
	char buf[FLOW_TEXT];

	if (v->flows_err) {
		printf("flows      could not be read: %s\n", strerror(-v->flows_err));
		return;
	}
	printf("flows      %zu with the helper, %zu without, %zu with another, %zu by TCP\n",
	       f->kind[FLOWS_HELPED].n, f->kind[FLOWS_BARE].n, f->kind[FLOWS_OTHER].n,
	       f->kind[FLOWS_TCP].n);
	for (int kind = FLOWS_BARE; kind < FLOWS_KINDS; kind++) {
		size_t n = f->kind[kind].n;

		for (size_t i = 0; i < n && i < FLOWS_SHOWN; i++)
			printf("           %s  %s\n", flow_text(&f->kind[kind].at[i], buf),
			       kind == FLOWS_BARE ? "without helper" :
			       kind == FLOWS_TCP ? "untouched" : f->kind[kind].at[i].helper);
		if (n > FLOWS_SHOWN)
			printf("           ... and %zu more\n", n - FLOWS_SHOWN);
	}
}

static void print_tables(const struct status *s, const struct settings *set)
{
	char bytes[TEXT_TIME];

	printf("packets    %" PRIu64 " seen, %" PRIu64 " edited, %" PRIu64 " passed unchanged, %"
	       PRIu64 " media packets dropped\n", s->seen, s->edited, s->passed, s->dropped);
	printf("tables     calls %u of %u, pinholes %u of %u, registrations %u of %u,\n"
	       "           transactions %u of %u, resting ports %u, inside hosts %u, %s\n",
	       s->calls, set->calls, s->pinholes, set->pinholes, s->bindings, set->bindings,
	       s->txns, set->txns, s->ghosts, s->hosts, text_bytes(s->memory, bytes));
	printf("limits     per inside host: calls %u, pinholes %u, registrations %u\n",
	       set->calls_host, set->pinholes_host, set->bindings_host);
	printf("ports      %u-%u, %u s of rest before reuse\n", set->pool_first, set->pool_last,
	       set->quarantine);
}

static void print_reasons(const struct view *v)
{
	const struct reason *r = v->reasons.items;
	struct table *t;

	if (!v->reasons.n)
		return;
	t = table_new((const char *const[]){ "KIND", "REASON", ">COUNT", "MEANING" }, 4);
	for (size_t i = 0; i < v->reasons.n; i++) {
		char count[24];

		snprintf(count, sizeof(count), "%" PRIu64, r[i].count);
		table_row(t, (const char *const[]){
			model_name(&reason_kind_names, r[i].kind), r[i].name, count, r[i].help });
	}
	putchar('\n');
	table_end(t, stdout);
}

static void print_text(const struct view *v)
{
	print_module(v);
	cmd_daemon_print(v->daemon);
	gateway_print(&v->gateway, &v->reasons);
	if (!v->module)
		print_modes(v);
	print_rules(v);
	print_flows(v);
	if (!v->module) {
		print_tables(&v->status, &v->settings);
		print_reasons(v);
	}
	if (v->nadvice)
		puts("\nwhat to do");
	for (size_t i = 0; i < v->nadvice; i++)
		printf("  - %s\n", v->advice[i]);
}

/* ---- as JSON ---- */

static json_t *rules_json(const struct rules *rs)
{
	json_t *list = json_array();
	char ports[4096];

	for (size_t i = 0; i < rs->n; i++) {
		const struct rule *r = &rs->rule[i];

		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s}",
			"source", r->iptables ? "iptables" : "nft", "family", r->family,
			"table", r->table, "chain", r->chain, "hook", r->hook, "priority", r->prio,
			"helper", r->helper, "ports", rule_ports_text(r, ports, sizeof(ports))));
	}
	return list;
}

static json_t *modes_json(const struct list *modes)
{
	const struct host_mode *m = modes->items;
	json_t *list = json_array();

	for (size_t i = 0; i < modes->n; i++)
		json_array_append_new(list, json_model(&model_host_mode, &m[i]));
	return list;
}

static json_t *flows_json(const struct flows *f, enum flow_kind kind)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->kind[kind].n; i++)
		json_array_append_new(list, flow_json(&f->kind[kind].at[i]));
	return list;
}

static void print_json(const struct view *v)
{
	json_t *j = json_model(&model_status, &v->status), *advice = json_array();
	const struct flows *f = &v->flows;

	for (size_t i = 0; i < v->nadvice; i++)
		json_array_append_new(advice, json_string(v->advice[i]));
	json_object_set_new(j, "loaded", json_boolean(v->module != -ENOENT));
	if (!v->module)
		json_object_set_new(j, "settings", json_model(&model_settings, &v->settings));
	if (!v->module)
		json_object_set_new(j, "modes", modes_json(&v->modes));
	json_object_set(j, "daemon", v->daemon ? v->daemon : json_null());
	json_object_set_new(j, "gateway", gateway_json(&v->gateway, &v->reasons));
	json_object_set_new(j, "rules", rules_json(&v->rules));
	json_object_set_new(j, "flows", json_pack("{s:i, s:o, s:o, s:o}",
		"with_helper", (int)f->kind[FLOWS_HELPED].n,
		"without_helper", flows_json(f, FLOWS_BARE),
		"other_helper", flows_json(f, FLOWS_OTHER), "tcp", flows_json(f, FLOWS_TCP)));
	json_object_set_new(j, "advice", advice);
	json_print(j, false);
}

static int too_much(const struct command *c, const char *word)
{
	return cmd_fail(c, EXIT_USAGE, "'%s' is too much; usage: callgate %s %s", word, c->name,
			c->args);
}

int cmd_status(const struct command *c, int argc, char **argv)
{
	bool json = false;
	const struct opt opts[] = { { "json", OPT_FLAG, &json, 0, 0 }, { 0 } };
	int n = cmd_options(c, opts, argc, argv), err;
	struct view v;

	if (n < 0)
		return cmd_early(n);
	if (n)
		return too_much(c, argv[0]);
	gather(&v);
	if (json)
		print_json(&v);
	else
		print_text(&v);
	err = v.module;
	release(&v);
	if (err == -ENOENT)
		return EXIT_NOT_LOADED;
	return err == -EPERM ? EXIT_NO_PERMISSION : err ? EXIT_FAILED : EXIT_OK;
}

/* ---- callgate reasons ---- */

static int reason_row(const struct reason *r, void *arg)
{
	char count[24];

	snprintf(count, sizeof(count), "%" PRIu64, r->count);
	table_row(arg, (const char *const[]){ model_name(&reason_kind_names, r->kind), r->name,
					      count, r->help });
	return 0;
}

static int reason_json(const struct reason *r, void *arg)
{
	json_array_append_new(arg, json_model(&model_reason, r));
	return 0;
}

int cmd_reasons(const struct command *c, int argc, char **argv)
{
	static const char *const heads[] = { "KIND", "REASON", ">COUNT", "MEANING" };
	bool json = false;
	const struct opt opts[] = { { "json", OPT_FLAG, &json, 0, 0 }, { 0 } };
	int n = cmd_options(c, opts, argc, argv), status, err;
	struct kernel *k = NULL;
	struct table *t;
	json_t *list;

	if (n < 0)
		return cmd_early(n);
	if (n)
		return too_much(c, argv[0]);
	status = cmd_open(c, &k);
	if (status)
		return status;
	t = table_new(heads, COUNT(heads));
	list = json_array();
	err = kernel_reasons(k, json ? reason_json : reason_row, json ? (void *)list : (void *)t);
	table_end(t, json || err ? NULL : stdout);
	if (json && !err)
		json_print(json_pack("{s:o}", "reasons", list), false);
	else
		json_decref(list);
	if (err)
		status = cmd_fail_kernel(c, k, err);
	kernel_close(k);
	return status;
}
