/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "rules.h"
#include "sip/scan.h"

#define PATH "PATH=/usr/sbin:/sbin:/usr/local/sbin:$PATH "

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void ports_add(struct ports *p, unsigned int first, unsigned int last)
{
	for (unsigned int i = first; i <= last && i <= 65535; i++)
		p->bits[i / 8] |= (uint8_t)(1 << i % 8);
}

static struct rule *add(struct rule **list, size_t *n)
{
	struct rule *grown = reallocarray(*list, *n + 1, sizeof(*grown));

	if (!grown)
		abort();
	*list = grown;
	grown += (*n)++;
	memset(grown, 0, sizeof(*grown));
	return grown;
}

static struct rule *add_nat(struct rules *rs, const char *kind)
{
	struct rule *r = add(&rs->nat, &rs->n_nat);

	copy(r->helper, sizeof(r->helper), kind);
	return r;
}

bool rule_is_ours(const struct rule *r)
{
	return !strcmp(r->helper, "callgate") || !strcmp(r->helper, "callgate-open");
}

/* ---- nft -j list ruleset (libnftables-json(5)) ---- */

static const char *text(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	const char *x = text(a, key), *y = text(b, key);

	return x && y && !strcmp(x, y);
}

/* The object of @kind named @name in the table that @in names. */
static const json_t *object(const json_t *all, const char *kind, const char *name,
			    const json_t *in)
{
	size_t i;
	json_t *item;

	json_array_foreach(all, i, item) {
		const json_t *o = json_object_get(item, kind);
		const char *n = text(o, "name");

		if (n && !strcmp(n, name) && same(o, in, "family") && same(o, in, "table"))
			return o;
	}
	return NULL;
}

static void ports_of(struct rule *r, const json_t *all, const json_t *in, const json_t *value);

static void ports_of_list(struct rule *r, const json_t *all, const json_t *in, const json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
		ports_of(r, all, in, item);
}

/* A number, a range, an anonymous set, or the name of a set. */
static void ports_of(struct rule *r, const json_t *all, const json_t *in, const json_t *value)
{
	const json_t *range = json_object_get(value, "range");
	const json_t *set = json_object_get(value, "set");
	const char *name = json_string_value(value);
	unsigned int port;

	if (json_is_integer(value)) {
		port = (unsigned int)json_integer_value(value);
		ports_add(&r->ports, port, port);
	} else if (json_array_size(range) == 2) {
		ports_add(&r->ports,
			  (unsigned int)json_integer_value(json_array_get(range, 0)),
			  (unsigned int)json_integer_value(json_array_get(range, 1)));
	} else if (set) {
		ports_of_list(r, all, in, set);
	} else if (name && name[0] == '@') {
		set = object(all, "set", name + 1, in);
		ports_of_list(r, all, in, json_object_get(set, "elem"));
	} else {
		r->any_port = true;
	}
}

/* "udp dport", or "ct original proto-dst" */
static bool is_port(const json_t *left)
{
	const char *field = text(json_object_get(left, "payload"), "field");
	const char *key = text(json_object_get(left, "ct"), "key");

	return (field && !strcmp(field, "dport")) || (key && !strcmp(key, "proto-dst"));
}

/* "udp dport ..." in front of what the rule does: which ports. Nothing else is understood here. */
static void read_match(struct rule *r, const json_t *all, const json_t *in, const json_t *match)
{
	const char *op = text(match, "op");

	if (!is_port(json_object_get(match, "left")))
		return;
	r->any_port = false;
	if (!op || !strcmp(op, "==") || !strcmp(op, "in"))
		ports_of(r, all, in, json_object_get(match, "right"));
	else
		r->any_port = true;
}

static void read_chain(struct rule *r, const json_t *all, const json_t *rule)
{
	const json_t *chain = object(all, "chain", text(rule, "chain"), rule);

	copy(r->family, sizeof(r->family), text(rule, "family"));
	copy(r->table, sizeof(r->table), text(rule, "table"));
	copy(r->chain, sizeof(r->chain), text(rule, "chain"));
	copy(r->hook, sizeof(r->hook), text(chain, "hook"));
	r->prio = (int)json_integer_value(json_object_get(chain, "prio"));
}

/* The type of the helper object that "ct helper set NAME" names, or NULL. */
static const char *helper_of(const json_t *all, const json_t *rule, const json_t *expr)
{
	const char *name = text(expr, "ct helper");

	return name ? text(object(all, "ct helper", name, rule), "type") : NULL;
}

static void read_matches(struct rule *r, const json_t *all, const json_t *rule)
{
	json_t *expr;
	size_t i;

	r->any_port = true;
	json_array_foreach(json_object_get(rule, "expr"), i, expr)
		if (json_object_get(expr, "match"))
			read_match(r, all, rule, json_object_get(expr, "match"));
}

static void read_rule(struct rules *rs, const json_t *all, const json_t *rule)
{
	const json_t *exprs = json_object_get(rule, "expr");
	const char *helper = NULL;
	struct rule *r;
	json_t *expr;
	size_t i;

	json_array_foreach(exprs, i, expr) {
		helper = helper_of(all, rule, expr);
		if (helper)
			break;
	}
	if (!helper)
		return;
	r = add(&rs->rule, &rs->n);
	copy(r->helper, sizeof(r->helper), helper);
	read_chain(r, all, rule);
	read_matches(r, all, rule);
}

/* "tcp dport 80", "meta l4proto tcp" */
static bool is_tcp(const json_t *rule)
{
	json_t *expr, *match, *left;
	const char *name;
	size_t i;

	json_array_foreach(json_object_get(rule, "expr"), i, expr) {
		match = json_object_get(expr, "match");
		left = json_object_get(match, "left");
		name = text(json_object_get(left, "payload"), "protocol");
		if (!name && json_object_get(left, "meta"))
			name = text(match, "right");
		if (name && !strcmp(name, "tcp"))
			return true;
	}
	return false;
}

static void read_nat(struct rules *rs, const json_t *all, const json_t *rule)
{
	const json_t *port = NULL;
	bool forwards = false;
	struct rule *r;
	json_t *expr;
	size_t i;

	json_array_foreach(json_object_get(rule, "expr"), i, expr) {
		forwards |= json_is_object(json_object_get(expr, "dnat"));
		if (!port)
			port = json_object_get(json_object_get(expr, "snat"), "port");
		if (!port)
			port = json_object_get(json_object_get(expr, "masquerade"), "port");
	}
	if (is_tcp(rule) || (!forwards && !json_is_integer(port)))
		return;
	r = add_nat(rs, forwards ? "dnat" : "snat");
	read_chain(r, all, rule);
	if (forwards)
		read_matches(r, all, rule);
	else
		ports_of(r, all, rule, port);
}

static void read_nft(struct rules *rs)
{
	FILE *f = popen(PATH "nft -j list ruleset 2>/dev/null", "r");
	json_t *root, *all, *item;
	size_t i;

	if (!f)
		return;
	root = json_loadf(f, 0, NULL);
	pclose(f);
	all = json_object_get(root, "nftables");
	rs->nft = all;
	json_array_foreach(all, i, item) {
		const json_t *rule = json_object_get(item, "rule");

		if (!rule)
			continue;
		read_rule(rs, all, rule);
		read_nat(rs, all, rule);
	}
	json_decref(root);
}

/* ---- iptables-save: "-t raw" is not asked for, it would make that table ---- */

/* The word behind @option, or NULL. */
static bool word_after(const char *line, const char *option, char *to, size_t size)
{
	const char *at = strstr(line, option);

	if (!at)
		return false;
	at += strlen(option);
	snprintf(to, size, "%.*s", (int)strcspn(at, " \n"), at);
	return true;
}

/* "5060", "5060:5062", "5060,5070:5075" */
static void read_ports(struct rule *r, char *list)
{
	char *save;

	for (char *p = strtok_r(list, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		char *colon = strchr(p, ':');
		unsigned int first = (unsigned int)atoi(p);

		ports_add(&r->ports, first, colon ? (unsigned int)atoi(colon + 1) : first);
	}
}

static void read_dports(struct rule *r, const char *line)
{
	char ports[512];

	if ((word_after(line, " --dports ", ports, sizeof(ports)) ||
	     word_after(line, " --dport ", ports, sizeof(ports))) && !strstr(line, "! --dport"))
		read_ports(r, ports);
	else
		r->any_port = true;
}

static void read_raw_line(struct rules *rs, const char *family, const char *line)
{
	char helper[32], chain[64];
	struct rule *r;

	if (!strstr(line, " -j CT ") || !word_after(line, " --helper ", helper, sizeof(helper)) ||
	    !word_after(line, "-A ", chain, sizeof(chain)))
		return;
	r = add(&rs->rule, &rs->n);
	r->iptables = true;
	copy(r->family, sizeof(r->family), family);
	copy(r->table, sizeof(r->table), "raw");
	copy(r->chain, sizeof(r->chain), chain);
	copy(r->helper, sizeof(r->helper), helper);
	/* the raw table gives its template to conntrack, so its priority is right */
	copy(r->hook, sizeof(r->hook), !strcmp(chain, "PREROUTING") ? "prerouting" :
				       !strcmp(chain, "OUTPUT") ? "output" : "");
	read_dports(r, line);
}

/* The port of "203.0.113.1:5060", "[2001:db8::1]:5060", "5060"; 0: none, or a range. */
static unsigned int one_port(const char *to, bool address)
{
	const char *at = to;

	if (address && *to == '[')
		at = strstr(to, "]:");
	else if (address)
		at = strchr(to, ':');
	if (address && !at)
		return 0;
	at += address ? 1 + (*at == ']') : 0;
	return *at && strspn(at, "0123456789") == strlen(at) ? (unsigned int)atoi(at) : 0;
}

static void read_nat_line(struct rules *rs, const char *family, const char *line)
{
	char chain[64], to[128];
	unsigned int port = 0;
	struct rule *r;

	if (!word_after(line, "-A ", chain, sizeof(chain)) || strstr(line, " -p tcp "))
		return;
	if (word_after(line, " --to-source ", to, sizeof(to)))
		port = one_port(to, true);
	else if (strstr(line, " -j MASQUERADE ") && word_after(line, " --to-ports ", to, sizeof(to)))
		port = one_port(to, false);
	else if (!strstr(line, " -j DNAT "))
		return;
	if (!port && !strstr(line, " -j DNAT "))
		return;
	r = add_nat(rs, port ? "snat" : "dnat");
	r->iptables = true;
	copy(r->family, sizeof(r->family), family);
	copy(r->table, sizeof(r->table), "nat");
	copy(r->chain, sizeof(r->chain), chain);
	if (port)
		ports_add(&r->ports, port, port);
	else
		read_dports(r, line);
}

static void read_iptables(struct rules *rs, const char *command, const char *family)
{
	FILE *f = popen(command, "r");
	char *line = NULL, table = 0;
	size_t size = 0;

	if (!f)
		return;
	while (getline(&line, &size, f) > 0) {
		rs->iptables = true;
		if (line[0] == '*')
			table = line[1];
		else if (table == 'r')
			read_raw_line(rs, family, line);
		else if (table == 'n')
			read_nat_line(rs, family, line);
	}
	free(line);
	pclose(f);
}

void rules_read(struct rules *r)
{
	memset(r, 0, sizeof(*r));
	read_nft(r);
	read_iptables(r, PATH "iptables-save 2>/dev/null", "ip");
	read_iptables(r, PATH "ip6tables-save 2>/dev/null", "ip6");
}

void rules_free(struct rules *r)
{
	free(r->rule);
	free(r->nat);
	memset(r, 0, sizeof(*r));
}

struct ports rules_ports(const struct rules *r)
{
	struct ports p = { 0 };
	bool none = true;

	for (size_t i = 0; i < r->n; i++) {
		if (!rule_is_ours(&r->rule[i]) || r->rule[i].any_port)
			continue;
		none = false;
		for (size_t b = 0; b < sizeof(p.bits); b++)
			p.bits[b] |= r->rule[i].ports.bits[b];
	}
	/* "all ports" would be every flow of the router */
	if (none)
		ports_add(&p, SIP_PORT, SIP_PORT);
	return p;
}

const char *rule_ports_text(const struct rule *r, char *buf, size_t size)
{
	size_t n = 0;

	copy(buf, size, r->any_port ? "any" : "");
	if (r->any_port)
		return buf;
	for (unsigned int p = 0; p < 65536 && n < size; p++) {
		unsigned int last = p;

		if (!ports_has(&r->ports, (uint16_t)p))
			continue;
		while (last < 65535 && ports_has(&r->ports, (uint16_t)(last + 1)))
			last++;
		n += (size_t)snprintf(buf + n, size - n, last > p ? "%s%u-%u" : "%s%u",
				      n ? "," : "", p, last);
		p = last;
	}
	return buf;
}
