/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate nft: a ruleset that assigns the helper, to be read by "nft -f -". */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "json.h"

#define SIP_PORT "5060"
#define IFNAME_MAX 15

struct ask {
	struct texts lan, ports;
	const char *wan;
	bool open;
};

/* The object in the ruleset has the same name: nft's errors show it. */
static const char *helper_of(const struct ask *a)
{
	return a->open ? "callgate-open" : "callgate";
}

/* Names go into quotes: no quote, blank or control character in them. */
static bool good_ifname(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!isgraph((unsigned char)s[i]) || strchr("\"\\/", s[i]))
			return false;
	return n && n <= IFNAME_MAX;
}

/* "5060" or "5060-5070" */
static bool good_port(const char *s)
{
	unsigned int first, last;
	char end;
	int n = sscanf(s, "%5u-%5u%c", &first, &last, &end);

	if (strspn(s, "0123456789-") != strlen(s) || (n != 1 && n != 2))
		return false;
	if (n == 1)
		return !strchr(s, '-') && first >= 1 && first <= 65535;
	return first >= 1 && first < last && last <= 65535;
}

static void print_list(const char *before, const struct texts *t, bool quote)
{
	const char *q = quote ? "\"" : "";

	printf("%s", before);
	if (t->n > 1)
		printf("{ ");
	for (size_t i = 0; i < t->n; i++)
		printf("%s%s%s%s", i ? ", " : "", q, t->at[i], q);
	printf(t->n > 1 ? " } " : " ");
}

static void print_rule(const char *match, const struct texts *names, const struct ask *a)
{
	printf("\t\t");
	if (names->n)
		print_list(match, names, true);
	print_list("udp dport ", &a->ports, false);
	printf("ct helper set \"%s\"\n", helper_of(a));
}

#define PREROUTING "\t\ttype filter hook prerouting priority mangle; policy accept;\n"
#define OUTPUT "\t\ttype filter hook output priority mangle; policy accept;\n"

static void print_head(const struct ask *a)
{
	printf("#!/usr/sbin/nft -f\n"
	       "# SIP through this router: callgate nft ... | nft -f -\n"
	       "# Once more after a change: its own two chains are filled anew; what callgated has\n"
	       "# in this table stays.\n"
	       "table inet callgate {\n"
	       "\tchain prerouting {\n" PREROUTING "\t}\n"
	       "\tchain output {\n" OUTPUT "\t}\n"
	       "}\n"
	       "flush chain inet callgate prerouting\n"
	       "flush chain inet callgate output\n\n"
	       "table inet callgate {\n"
	       "\t# %s\n"
	       "\tct helper %s {\n"
	       "\t\ttype \"%s\" protocol udp;\n"
	       "\t}\n\n",
	       a->open ? "opens the ports of media, never edits a message" :
			 "translates addresses and opens the ports of media",
	       helper_of(a), helper_of(a));
}

static void print_chains(const struct ask *a)
{
	struct texts wan = { .at = { a->wan }, .n = a->wan ? 1 : 0 };
	struct texts none = { .n = 0 };

	printf("\t# A flow gets its helper from its first packet, after conntrack (-200) saw it.\n"
	       "\tchain prerouting {\n" PREROUTING);
	if (a->lan.n) {
		print_rule("iifname ", &a->lan, a);
		if (a->wan)
			print_rule("iifname ", &wan, a);
	} else {
		print_rule("", &none, a);
	}
	printf("\t}\n\n"
	       "\t# SIP programs on the router itself\n"
	       "\tchain output {\n" OUTPUT);
	print_rule(a->wan ? "oifname " : "", &wan, a);
	printf("\t}\n}\n\n");
}

static void print_hints(const struct ask *a)
{
	const char *wan = a->wan ? a->wan : "WAN", *lan = a->lan.n ? a->lan.at[0] : "LAN";

	printf("# What the rest of the ruleset needs, if it is not there already:\n"
	       "#   in forward:      ct state established,related accept\n"
	       "#                    iifname \"%s\" oifname \"%s\" accept\n"
	       "#   in postrouting:  oifname \"%s\" masquerade\n"
	       "# Remove rules with the kernel's own helper \"sip\": a flow has one helper.\n"
	       "# Afterwards: callgate adopt (drops flows that are older than these rules).\n",
	       lan, wan, wan);
}

/* ---- the same for "nft -j -f -" (libnftables-json(5)) ---- */

static json_t *names_json(const struct texts *t)
{
	json_t *set = json_array();

	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(set, json_string(t->at[i]));
	return json_pack("{s:o}", "set", set);
}

static json_t *ports_json(const struct texts *t)
{
	json_t *set = json_array();
	unsigned int first, last;

	for (size_t i = 0; i < t->n; i++) {
		int n = sscanf(t->at[i], "%5u-%5u", &first, &last);

		json_array_append_new(set, n == 1 ? json_integer((json_int_t)first) :
			json_pack("{s:[i, i]}", "range", (int)first, (int)last));
	}
	return json_pack("{s:o}", "set", set);
}

static void add(json_t *list, const char *kind, json_t *object)
{
	json_object_set_new(object, "family", json_string("inet"));
	if (strcmp(kind, "table"))
		json_object_set_new(object, "table", json_string("callgate"));
	json_array_append_new(list, json_pack("{s:{s:o}}", "add", kind, object));
}

static void add_chain(json_t *list, const char *name)
{
	add(list, "chain", json_pack("{s:s, s:s, s:s, s:i, s:s}", "name", name, "type", "filter",
				     "hook", name, "prio", -150, "policy", "accept"));
	json_array_append_new(list, json_pack("{s:{s:{s:s, s:s, s:s}}}", "flush", "chain",
					      "family", "inet", "table", "callgate", "name", name));
}

static void add_rule(json_t *list, const char *chain, const struct texts *names,
		     const struct ask *a)
{
	const char *key = strcmp(chain, "output") ? "iifname" : "oifname";
	json_t *expr = json_array();

	if (names->n)
		json_array_append_new(expr, json_pack("{s:{s:s, s:{s:{s:s}}, s:o}}", "match",
						      "op", "==", "left", "meta", "key", key,
						      "right", names_json(names)));
	json_array_append_new(expr, json_pack("{s:{s:s, s:{s:{s:s, s:s}}, s:o}}", "match",
					      "op", "==", "left", "payload", "protocol", "udp",
					      "field", "dport", "right", ports_json(&a->ports)));
	json_array_append_new(expr, json_pack("{s:s}", "ct helper", helper_of(a)));
	add(list, "rule", json_pack("{s:s, s:o}", "chain", chain, "expr", expr));
}

static void print_json(const struct ask *a)
{
	struct texts wan = { .at = { a->wan }, .n = a->wan ? 1 : 0 };
	struct texts none = { .n = 0 };
	json_t *list = json_array();

	add(list, "table", json_pack("{s:s}", "name", "callgate"));
	add(list, "ct helper", json_pack("{s:s, s:s, s:s}", "name", helper_of(a),
					 "type", helper_of(a), "protocol", "udp"));
	add_chain(list, "prerouting");
	add_chain(list, "output");
	add_rule(list, "prerouting", a->lan.n ? &a->lan : &none, a);
	if (a->lan.n && a->wan)
		add_rule(list, "prerouting", &wan, a);
	add_rule(list, "output", &wan, a);
	json_print(json_pack("{s:o}", "nftables", list), false);
}

static int check(const struct command *c, const struct ask *a)
{
	for (size_t i = 0; i < a->lan.n; i++)
		if (!good_ifname(a->lan.at[i]))
			return cmd_fail(c, EXIT_USAGE, "--lan '%s' is not the name of an interface",
					a->lan.at[i]);
	if (a->wan && !good_ifname(a->wan))
		return cmd_fail(c, EXIT_USAGE, "--wan '%s' is not the name of an interface",
				a->wan);
	for (size_t i = 0; i < a->ports.n; i++)
		if (!good_port(a->ports.at[i]))
			return cmd_fail(c, EXIT_USAGE,
					"--port '%s' is neither a port nor a range FIRST-LAST",
					a->ports.at[i]);
	return EXIT_OK;
}

int cmd_nft(const struct command *c, int argc, char **argv)
{
	struct ask a = { 0 };
	bool json = false;
	const struct opt opts[] = {
		{ "lan", OPT_TEXTS, &a.lan, 0, 0 },
		{ "wan", OPT_TEXT, &a.wan, 0, 0 },
		{ "port", OPT_TEXTS, &a.ports, 0, 0 },
		{ "open", OPT_FLAG, &a.open, 0, 0 },
		{ "json", OPT_FLAG, &json, 0, 0 },
		{ 0 },
	};
	int n = cmd_options(c, opts, argc, argv), status;

	if (n < 0)
		return cmd_early(n);
	if (n)
		return cmd_fail(c, EXIT_USAGE, "'%s' is too much; usage: callgate nft %s", argv[0],
				c->args);
	if (!a.ports.n)
		a.ports.at[a.ports.n++] = SIP_PORT;
	status = check(c, &a);
	if (status)
		return status;
	if (json) {
		print_json(&a);
		return EXIT_OK;
	}
	print_head(&a);
	print_chains(&a);
	print_hints(&a);
	return EXIT_OK;
}
