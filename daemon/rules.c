/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "rules.h"

#define SIP_PORT 5060
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

static struct rule *add(struct rules *r)
{
	struct rule *grown = reallocarray(r->rule, r->n + 1, sizeof(*grown));

	if (!grown)
		abort();
	r->rule = grown;
	grown += r->n++;
	memset(grown, 0, sizeof(*grown));
	return grown;
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

/* "udp dport ..." in front of "ct helper set": which ports. Nothing else is understood here. */
static void read_match(struct rule *r, const json_t *all, const json_t *in, const json_t *match)
{
	const json_t *left = json_object_get(match, "left");
	const json_t *payload = json_object_get(left, "payload");
	const char *field = text(payload, "field"), *op = text(match, "op");

	if (!field || strcmp(field, "dport"))
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
	r = add(rs);
	r->any_port = true;
	copy(r->helper, sizeof(r->helper), helper);
	read_chain(r, all, rule);
	json_array_foreach(exprs, i, expr)
		if (json_object_get(expr, "match"))
			read_match(r, all, rule, json_object_get(expr, "match"));
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
	json_array_foreach(all, i, item)
		if (json_object_get(item, "rule"))
			read_rule(rs, all, json_object_get(item, "rule"));
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

static void read_iptables_line(struct rules *rs, const char *family, const char *line)
{
	char helper[32], chain[64], ports[512];
	struct rule *r;

	if (!strstr(line, " -j CT ") || !word_after(line, " --helper ", helper, sizeof(helper)) ||
	    !word_after(line, "-A ", chain, sizeof(chain)))
		return;
	r = add(rs);
	r->iptables = true;
	copy(r->family, sizeof(r->family), family);
	copy(r->table, sizeof(r->table), "raw");
	copy(r->chain, sizeof(r->chain), chain);
	copy(r->helper, sizeof(r->helper), helper);
	/* the raw table gives its template to conntrack, so its priority is right */
	copy(r->hook, sizeof(r->hook), !strcmp(chain, "PREROUTING") ? "prerouting" :
				       !strcmp(chain, "OUTPUT") ? "output" : "");
	if ((word_after(line, " --dports ", ports, sizeof(ports)) ||
	     word_after(line, " --dport ", ports, sizeof(ports))) && !strstr(line, "! --dport"))
		read_ports(r, ports);
	else
		r->any_port = true;
}

static void read_iptables(struct rules *rs, const char *command, const char *family)
{
	FILE *f = popen(command, "r");
	bool raw = false;
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return;
	while (getline(&line, &size, f) > 0) {
		rs->iptables = true;
		if (line[0] == '*')
			raw = !strcmp(line, "*raw\n");
		else if (raw)
			read_iptables_line(rs, family, line);
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
