/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration files and what is said about them; the options against their manual page. */
#define _GNU_SOURCE /* memmem */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "auth.h"
#include "config_schema.h"
#include "log.h"
#include "t.h"

static char dir[] = "/tmp/callgate-config-XXXXXX", path[64], *lines;

/* A double: this router has one address. */
bool transport_is_us(const struct endpoint *e)
{
	return e->len == 4 && !memcmp(e->addr, "\xc0\x00\x02\x01", 4) && e->port == 5062;
}

static void write_file(const char *name, const char *text)
{
	char file[96];
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	f = fopen(file, "w");
	if (!f || fputs(text, f) < 0 || fclose(f)) {
		perror(file);
		exit(2);
	}
}

static struct config *load(const char *text)
{
	struct config *c = NULL;

	free(lines);
	write_file("conf", text);
	if (config_load(path, &c, &lines) && c)
		T_OK(0, "a configuration and an error");
	return c;
}

/* ---- what is accepted ---- */

static void defaults(void)
{
	struct config *c = load("");

	T_OK(c && !lines, "an empty file: %s", lines);
	if (!c)
		return;
	T_OK(!c->inside.n && !c->outside.n && !c->inside_nets.n && !c->trusted.n, "lists");
	T_OK(c->n_listen == 2 && c->listen[0].len == 4 && c->listen[0].port == 5060 &&
	     c->listen[1].len == 16 && c->listen[1].port == 5060, "listen");
	T_OK(!strcmp(c->database, "/var/lib/callgate/callgate.db") && !c->user &&
	     !strcmp(c->control, "/run/callgate/control.sock"), "paths");
	T_OK(c->durability == STORE_STRICT && c->log_level == LOG_LEVEL_INFO, "durability, log");
	T_OK(c->algorithms_inside == (1 << DIGEST_MD5 | 1 << DIGEST_SHA256) &&
	     c->algorithms_outside == 1 << DIGEST_SHA256, "algorithms");
	T_OK(c->nonce_life == 300 && c->ban_failures == 10 && c->ban_window == 600 &&
	     c->ban_time == 3600 && c->max_message == 65535, "numbers");
	T_OK(c->challenge && !c->uniform && c->foreign == FOREIGN_REJECT, "switches");
	T_OK(!c->n_domains && !config_domain(c, "a.example", 9), "no domain");
	T_OK(!strcmp(c->file, path), "file %s", c->file);
	config_put(c);
}

/* As design and manual page show it. */
static void office(void)
{
	struct config *c = load(
		"# an office\n"
		"inside  = { \"lo\" }   # default: every interface that is not outside\n"
		"outside = { \"wan0-is-none\" }\n"
		"domain \"office.example\" { registrar = main  realm = \"office.example\" }\n"
		"domain \"voip.example\"   { registrar = passive }\n"
		"route default { proxy = \"sip:voip.example\" }\n");
	const struct domain *d;

	T_OK(c, "refused: %s", lines);
	if (!c)
		return;
	T_OK(strstr(lines, "conf:3: outside: warning: there is no interface 'wan0-is-none'"),
	     "about the interface: %s", lines);
	T_OK(strstr(lines, "conf:6: route: warning: calls to the outside are not routed yet"),
	     "about the route: %s", lines);
	T_OK(c->inside.n == 1 && !strcmp(c->inside.word[0], "lo"), "inside");
	T_OK(!strcmp(c->default_proxy, "sip:voip.example"), "proxy");
	T_OK(c->n_domains == 2, "%zu domains", c->n_domains);
	d = config_domain(c, "OFFICE.Example", 14);
	T_OK(d == &c->domains[0] && d->mode == REGISTRAR_MAIN && d->expires_min == 60 &&
	     d->expires_default == 3600 && d->expires_max == 7200 && d->max_contacts == 10 &&
	     !d->third_party && d->path && !strcmp(d->realm, "office.example"), "office.example");
	d = config_domain(c, "voip.example", 12);
	T_OK(d == &c->domains[1] && d->mode == REGISTRAR_PASSIVE &&
	     !strcmp(d->realm, "voip.example"), "voip.example");
	config_put(c);
}

static void everything(void)
{
	struct config *c = load(
		"inside-networks = { 10.1.2.3/8, 2001:db8::/32 }\n"
		"trusted = { 192.0.2.1 }\ntrusted += { 192.0.2.2 }\n"
		"listen = { 192.0.2.1:5062, \"[2001:db8::1]:5070\", 2001:db8::2, 192.0.2.9 }\n"
		"user = root database = /d control = '/c' durability = 1s log-level = debug\n"
		"challenge = no algorithms-inside = { sha-512-256 } nonce-life = 10\n"
		"ban-failures = 0 ban-window = 1 ban-time = 31536000 uniform = on\n"
		"foreign = relay max-message = 1500\n"
		"domain Sip.Example { realm = \"two words\" expires-min = 1 expires-default = 2\n"
		"  expires-max = 3 max-contacts = 1000 third-party = true path = off\n"
		"  service-route = { \"sip:a.example;lr\", \"sips:b.example\" } }\n"
		"domain r.example { registrar = relay relay = \"sip:192.0.2.7\" }\n"
		"domain p.example { registrar = passive registrars = { 198.51.100.0/24 } }\n"
		"/* the end */ // of it");
	const struct domain *d = c ? c->domains : NULL;

	T_OK(c && !lines, "refused: %s", lines);
	if (!c)
		return;
	T_OK(c->inside_nets.n == 2 && c->inside_nets.prefix[0].bits == 8 &&
	     c->inside_nets.prefix[0].addr[1] == 0 && c->trusted.n == 2, "networks");
	T_OK(c->n_listen == 4 && c->listen[0].port == 5062 && c->listen[1].port == 5070 &&
	     c->listen[2].port == 5060 && c->listen[2].len == 16 && c->listen[3].port == 5060,
	     "listen");
	T_OK(!strcmp(c->user, "root") && !strcmp(c->database, "/d") && !strcmp(c->control, "/c") &&
	     c->durability == STORE_1S && c->log_level == LOG_LEVEL_DEBUG, "service");
	T_OK(!c->challenge && c->algorithms_inside == 1 << DIGEST_SHA512_256 &&
	     c->nonce_life == 10 && !c->ban_failures && c->ban_window == 1 &&
	     c->ban_time == 31536000 && c->uniform && c->foreign == FOREIGN_RELAY &&
	     c->max_message == 1500, "authentication");
	T_OK(!strcmp(d[0].name, "sip.example") && !strcmp(d[0].realm, "two words") &&
	     d[0].expires_min == 1 && d[0].expires_default == 2 && d[0].expires_max == 3 &&
	     d[0].max_contacts == 1000 && d[0].third_party && !d[0].path &&
	     d[0].service_route.n == 2, "a domain");
	T_OK(d[1].mode == REGISTRAR_RELAY && !strcmp(d[1].relay, "sip:192.0.2.7"), "relay");
	T_OK(d[2].mode == REGISTRAR_PASSIVE && d[2].registrars.n == 1, "passive");
	/* an address of ours is the first main domain */
	T_OK(config_domain(c, "192.0.2.1", 9) == d, "an address of ours");
	T_OK(!config_domain(c, "192.0.2.3", 9), "an address that is not ours");
	T_OK(!config_domain(c, "sip.exampl", 10) && !config_domain(c, "sip.example2", 12) &&
	     !config_domain(c, "sip.example\0x", 13) && !config_domain(c, "", 0), "no domain");
	config_put(c);
}

static void includes(void)
{
	struct config *c;

	write_file("more", "trusted += { 192.0.2.2 }\n\ndomain in.example { }\nnonce-life = 20\n");
	c = load("trusted = { 192.0.2.1 }\ninclude(\"more\")\nban-time = 5\n");
	T_OK(c && !lines && c->trusted.n == 2 && c->n_domains == 1 && c->nonce_life == 20 &&
	     c->ban_time == 5, "an include: %s", lines);
	config_put(c);
	write_file("more", "\n\nnonce-life = long\n");
	T_OK(!load("include(more)\nuniform = maybe\n"), "accepted");
	T_OK(strstr(lines, "more:3: nonce-life: 'long'") && strstr(lines, "conf:2: uniform:"),
	     "both files: %s", lines);
	write_file("more", "nonce-life = 20\ndomain A.example { }\n");
	T_OK(!load("nonce-life = 20\ninclude(more)\ndomain a.example { }"), "accepted");
	T_OK(strstr(lines, "more:1: nonce-life: set before, at") && strstr(lines, "conf:1: remove")
	     && strstr(lines, "more:2: domain: 'A.example' is there twice"), "%s", lines);
	write_file("more", "include(\"more\")\n");
	T_OK(!load("include(\"more\")\n") && strstr(lines, "more:1: include: "), "%s", lines);
	/* an error in an include leaves nothing behind that spoils the next run */
	for (int i = 0; i < 30; i++) {
		write_file("more", "colour = blue\n");
		T_OK(!load("include(more)\n") && strstr(lines, "more:1: colour:"), "%s", lines);
	}
	write_file("more", "nonce-life = 20\n");
	c = load("include(more)\n");
	T_OK(c && c->nonce_life == 20, "refused: %s", lines);
	config_put(c);
}

/* ---- what is refused ---- */

static const struct {
	const char *text, *says;
} refused[] = {
	/* the grammar */
	{ "\ncolour = blue\n", ":2: colour: unknown option: remove it" },
	{ "nonce_life = 3\n", ":1: nonce_life: unknown option: is 'nonce-life' meant?" },
	{ "nonse-life = 3\n", ":1: nonse-life: unknown option: is 'nonce-life' meant?" },
	{ "realm = x\n", ":1: realm: not known here: it belongs into domain NAME { ... }" },
	{ "domain a.b { uniform = on }", ":1: uniform: not known in a section: put it before" },
	{ "nonce-life 3\n", ":1: nonce-life: no '=' behind it: write nonce-life = VALUE" },
	{ "\n\nuser = \"root\n", "syntax: the file ends too early" },
	{ "nonce-life = \n", ":1: syntax: the file ends too early" },
	{ "inside = { lo\n", ":1: syntax: the file ends too early" },
	{ "# a\n/* b\nc", ":2: syntax: a comment is not closed" },
	/* lines behind comments and in strings */
	{ "# a\n // b\n/* c\n\n*/ nonce-life = a\n", ":5: nonce-life: 'a' is not" },
	{ "# \"a\n user = 'root' # '\n nonce-life = a#\n", ":3: nonce-life: 'a' is not" },
	{ "domain a.b { realm = '#\\'//\"/*' }\nnonce-life=a", ":1: realm: '#'//\"/*' cannot" },
	{ "\n\"\" = 1\n", ":2: syntax: not understood" },
	{ "\n${CALLGATE_NONE} = 1\n", ":2: syntax: not understood" },
	{ "user = a//b", "there is no user 'a//b'" },
	{ "user = root\r\nnonce-life = a\r\n", ":2: nonce-life: 'a' is not" },
	{ "domain { }\n", ":1: domain: it has no name: write domain NAME { ... }" },
	{ "domain a.b registrar = main\n", ":1: domain: no '{' behind it" },
	{ "domain a.b { registrar = main\n", ":1: domain \"a.b\": the file ends inside of it: add" },
	{ "domain a.b { }\n}\n", ":2: syntax: a '}' without its '{'" },
	{ "nonce-life = { 3, 4 }\n", ":1: syntax: '{' cannot be here" },
	{ "inside = { a b }\n", ":1: syntax: 'b' cannot be here" },
	{ "nonce-life += 3\n", ":1: nonce-life: takes one value: write = instead of +=" },
	{ "nonce-life = 20\n\nnonce-life = 30", "conf:1: remove one of them" },
	{ "domain a.b { realm = x realm = y }", ":1: realm: set before, at" },
	{ "domain a.b { }\ndomain a.b { }\n", ":2: a.b: there twice" },
	{ "domain a.b { }\ndomain A.B { }\n", ":2: domain: 'A.B' is there twice" },
	{ "\ninclude(\"none\")\n", ":2: include: " },
	{ "include(\"/\")\n", ":1: include: /: Is a directory" },
	{ "include(a, b)\n", ":1: include: takes one file" },
	{ "include = a\n", ":1: include: no '(' behind it: write include(\"FILE\")" },
	/* values */
	{ "nonce-life = 5m", ":1: nonce-life: '5m' is not a number from 10 to 86400: give one" },
	{ "nonce-life = 9", "'9' is not a number from 10 to 86400" },
	{ "nonce-life = -10", "'-10' is not a number" },
	{ "nonce-life = 99999999999999999999", "is not a number" },
	{ "nonce-life = ''", "'' is not a number" },
	{ "\nchallenge = maybe", ":2: challenge: 'maybe' is neither on nor off" },
	{ "durability = sometimes", "'sometimes' is not known: give strict or 1s or none" },
	{ "algorithms-outside = { MD4 }", "'MD4' is not known: give MD5 or SHA-256 or SHA-512-256" },
	{ "trusted = { provider.example }", "'provider.example' is no address or network" },
	{ "trusted = { 192.0.2.0/33 }", "'192.0.2.0/33' is no address or network" },
	{ "listen = { sip.example }", "'sip.example' is no address with a port" },
	{ "listen = { 192.0.2.1:0 }", "'192.0.2.1:0' is no address with a port" },
	{ "listen = { 192.0.2.1:65536 }", "is no address with a port" },
	{ "listen = { 192.0.2.1/24 }", "is no address with a port" },
	{ "listen = { \"[2001:db8::1\" }", "is no address with a port" },
	{ "listen = { \"[::1]x\" }", "is no address with a port" },
	{ "listen = { 0.0.0.0, 192.0.2.1:5060 }", "are the same port of the same address" },
	{ "listen = { ::1, ::1 }", "are the same port of the same address" },
	{ "inside = { a/b }", "cannot be the name of an interface" },
	{ "inside = { interface-too-long }", "cannot be the name of an interface" },
	{ "inside = { lo }\noutside = { lo }", ":1: inside: 'lo' is in outside too" },
	{ "database = callgate.db", "does not begin with '/'" },
	{ "user = nobody-has-this-name", "there is no user 'nobody-has-this-name': create it" },
	/* domains and routes */
	{ "domain \"a b\" { }", "domain: 'a b' is no name of a domain" },
	{ "domain \"\" { }", "domain: '' is no name of a domain" },
	{ "domain \"a.b:5060\" { }", "is no name of a domain" },
	{ "domain a.b {\nrealm = 'a\"b' }", ":2: realm: 'a\"b' cannot be a realm" },
	{ "domain a.b {\n\nexpires-min = 4000 }", ":3: expires-min: 4000 is above" },
	{ "domain a.b {\nexpires-max = 100 }", ":2: expires-max: 100 is below expires-default" },
	{ "domain a.b {\nregistrar = relay }", ":2: relay: missing: with registrar = relay" },
	{ "domain a.b {\nrelay = 'sip:x.y' }", ":2: relay: without effect" },
	{ "domain a.b { registrar = relay relay = x.y }", "'x.y' is no SIP URI" },
	{ "domain a.b {\nregistrars = { ::1 } }", ":2: registrars: without effect" },
	{ "domain a.b { service-route = { 'tel:123' } }", "'tel:123' is no SIP URI" },
	{ "route mobile { proxy = 'sip:x.y' }", "route: 'mobile' is not known" },
	{ "route default { proxy = 'x y' }", "'x y' is no SIP URI" },
};

static void refusals(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct config *c = load(refused[i].text);

		T_OK(!c, "accepted: %s", refused[i].text);
		T_OK(lines && strstr(lines, refused[i].says), "%s\n  not /%s/ but %s",
		     refused[i].text, refused[i].says, lines);
		T_OK(!lines || !strncmp(lines, dir, strlen(dir)), "no file: %s", lines);
		config_put(c);
	}
}

/* All errors at once, and not without end. */
static void many(void)
{
	char text[8192] = "", *at = text;
	unsigned int n = 0;

	T_OK(!load("nonce-life = a\nban-time = b\ndomain x.y { path = c }\n"), "accepted");
	T_OK(strstr(lines, ":1:") && strstr(lines, ":2:") && strstr(lines, ":3:"), "%s", lines);
	for (int i = 0; i < 120; i++)
		at += sprintf(at, "domain d%d.example { path = c }\n", i);
	T_OK(!load(text), "accepted");
	for (const char *s = lines; *s; s++)
		n += *s == '\n';
	T_OK(n == 51 && strstr(lines, "70 more errors"), "%u lines", n);
}

static void files(void)
{
	struct config *c;

	free(lines);
	T_OK(config_load("/nowhere/callgate.conf", &c, &lines) == -ENOENT &&
	     strstr(lines, "/nowhere/callgate.conf: No such file"), "%s", lines);
	free(lines);
	T_OK(config_load("/", &c, &lines) == -EISDIR, "%s", lines);
	free(lines);
	T_OK(config_load("/dev/zero", &c, &lines) == -EINVAL, "%s", lines);
}

/* ---- reload ---- */

static unsigned int hooked;

static void hook(const struct config *c)
{
	hooked += c == config_now();
}

static void reloads(void)
{
	struct config *held;

	config_set(load("nonce-life = 20\nlisten = { 192.0.2.1 }\nuser = root\n"));
	T_OK(!config_hook(hook), "no hook");
	held = config_get((struct config *)config_now());
	write_file("conf", "nonce-life = none\n");
	free(lines);
	T_OK(config_reload(&lines) == -EINVAL && strstr(lines, "conf:1: nonce-life"), "%s", lines);
	T_OK(config_now() == held && !hooked, "a bad file changed something");
	write_file("conf", "nonce-life = 30\nlisten = { 192.0.2.2, ::1 }\ndatabase = /x\n"
		   "durability = none\ncontrol = /c\n");
	free(lines);
	T_OK(!config_reload(&lines), "refused: %s", lines);
	T_OK(config_now() != held && config_now()->nonce_life == 30 && hooked == 1, "as it was");
	T_OK(config_now()->n_listen == 1 && config_now()->listen[0].addr[3] == 1, "listen");
	T_OK(!strcmp(config_now()->user, "root") && !strcmp(config_now()->database,
	     "/var/lib/callgate/callgate.db") && config_now()->durability == STORE_STRICT,
	     "what takes a restart");
	for (const char *const *name = (const char *const[]){ "listen", "database", "control",
	     "durability", "user", NULL }; *name; name++) {
		char line[64];

		snprintf(line, sizeof(line), "conf: warning: %s: it was changed", *name);
		T_OK(strstr(lines, line), "nothing about %s: %s", *name, lines);
	}
	T_OK(held->nonce_life == 20, "one that is held has changed");
	config_put(held);
	write_file("conf", "listen = { 192.0.2.1 }\nuser = root\n");
	free(lines);
	T_OK(!config_reload(&lines) && !lines, "%s", lines);
	config_set(NULL);
}

/* ---- groups ---- */

static void groups(void)
{
	struct config *c = load("domain a.example { sources = { inside, \"tls:outside\" }\n"
				" allow = { \"1*\", alice }  push-services = { apns } }\n"
				"group phones { sources = { 192.0.2.0/24, lan0 }  max-contacts = 2 }\n"
				"group staff { }\n");
	const struct group *g = c ? config_group(c, "phones") : NULL;

	T_OK(g && g->sources.n == 2 && !strcmp(g->sources.word[1], "lan0") &&
	     g->max_contacts == 2, "a group: %s", lines);
	T_OK(c && c->n_groups == 2 && !config_group(c, "staff")->max_contacts &&
	     !config_group(c, "Phones"), "another");
	T_OK(c && c->domains[0].sources.n == 2 && c->domains[0].allow.n == 2 &&
	     c->domains[0].push.n == 1, "the domain's lists");
	config_put(c);
	T_OK(!load("group phones { }\ngroup phones { }\n") && strstr(lines, "there twice"),
	     "twice: %s", lines);
	T_OK(!load("group \"a b\" { }\n") && strstr(lines, "conf:1: group: 'a b'"),
	     "a blank: %s", lines);
	T_OK(!load("group a { sources = { \"sctp:lan0\" } }\n") &&
	     strstr(lines, "conf:1: sources: 'sctp:lan0' is no source: give a network"),
	     "no transport of ours: %s", lines);
	T_OK(!load("domain a.example { sources = { \"lan0/24\" } }\n"), "no network");
	T_OK(!load("group a { max-contacts = 0 }\n"), "no contacts");
	write_file("more", "group a { }\n");
	T_OK(!load("group a { }\ninclude(\"more\")\n") && strstr(lines, "'a' is there twice"),
	     "in two files: %s", lines);
}

/* ---- push ---- */

static bool push_is_refused(const char *command, const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "domain a.example {\n push-services = { fcm }\n"
		 " push-command = \"%s\"\n}\n", command);
	return !load(text) && lines && strstr(lines, "conf:3: push-command: ") &&
	       strstr(lines, why);
}

static void push(void)
{
	char program[96], text[256];
	struct config *c;

	snprintf(program, sizeof(program), "%s/push", dir);
	write_file("push", "#!/bin/sh\n");
	chmod(program, 0644);
	T_OK(push_is_refused("push", "does not begin with '/'"), "not a path: %s", lines);
	T_OK(push_is_refused("/nowhere/push", "No such file"), "not there: %s", lines);
	T_OK(push_is_refused(dir, "no program"), "a folder: %s", lines);
	T_OK(push_is_refused(program, "chmod +x"), "not to be run: %s", lines);
	chmod(program, 0757);
	T_OK(push_is_refused(program, "chmod o-w"), "anybody's: %s", lines);
	chmod(program, 0755);
	snprintf(text, sizeof(text), "domain a.example { push-services = { fcm }"
		 " push-command = \"%s\" }\n", program);
	c = load(text);
	T_OK(c && !lines && !strcmp(c->domains[0].push_command, program) &&
	     c->domains[0].push_wait == 20, "good: %s", lines);
	config_put(c);
	snprintf(text, sizeof(text), "domain a.example {\n push-command = \"%s\" }\n", program);
	T_OK(!load(text) && strstr(lines, "conf:2: push-command: there are no push-services"),
	     "no services: %s", lines);
	snprintf(text, sizeof(text), "domain a.example { registrar = passive\n"
		 " push-services = { fcm }\n push-command = \"%s\" }\n", program);
	T_OK(!load(text) && strstr(lines, "conf:3: push-command: without effect"),
	     "not registered here: %s", lines);
	T_OK(!load("domain a.example { push-wait = 31 }\n") && strstr(lines, "push-wait: '31'"),
	     "too long: %s", lines);
	unlink(program);
}

/* ---- the manual page ---- */

/* The paragraph of an option: from its .It to the next. */
static const char *paragraph(const char *page, const struct config_option *o, size_t *len)
{
	static const char *const heads[] = { "\n.Sh DOMAINS", "\n.Sh ROUTES", "\n.Sh GROUPS" };
	const char *begin = !*o->section ? page :
		strstr(page, heads[*o->section == 'r' ? 1 : *o->section == 'g' ? 2 : 0]);
	char item[64];
	const char *end;

	snprintf(item, sizeof(item), "\n.It Ic %s No = ", o->name);
	begin = begin ? strstr(begin, item) : NULL;
	end = begin ? strstr(begin + 1, "\n.It ") : NULL;
	if (begin && (!end || strstr(begin + 1, "\n.El") < end))
		end = strstr(begin + 1, "\n.El");
	*len = end ? (size_t)(end - begin) : 0;
	return begin;
}

static void manual_page(void)
{
	size_t n;
	char *page = (char *)t_read_file("daemon/callgate.conf.5", &n);

	T_OK(page, "no manual page here");
	if (!page)
		return;
	page[n] = 0;
	for (size_t i = 0; i < config_options_n; i++) {
		const struct config_option *o = &config_options[i];
		const char *text = paragraph(page, o, &n), *word;
		char buf[128] = "", range[40];

		T_OK(text && n, "no paragraph for %s %s", o->section, o->name);
		if (!text)
			continue;
		snprintf(range, sizeof(range), "from %u to %u", o->min, o->max);
		T_OK(!o->max || memmem(text, n, range, strlen(range)), "%s: not '%s'", o->name,
		     range);
		snprintf(buf, sizeof(buf), "%s", o->fallback ? o->fallback : "");
		for (word = strtok(buf, " "); word; word = strtok(NULL, " "))
			T_OK(memmem(text, n, word, strlen(word)) && memmem(text, n, "Default:", 8),
			     "%s: not its default, %s", o->name, word);
		for (size_t w = 0; o->words && o->words[w]; w++)
			T_OK(memmem(text, n, o->words[w], strlen(o->words[w])), "%s: not %s",
			     o->name, o->words[w]);
	}
	free(page);
}

/* The one that is installed is valid as it is, and with all that it shows. */
static void example(void)
{
	size_t n;
	char *text = (char *)t_read_file("packaging/callgate.conf", &n);
	struct config *c;

	T_OK(text, "no example here");
	if (!text)
		return;
	text[n] = 0;
	c = load(text);
	T_OK(c && !lines, "refused: %s", lines);
	config_put(c);
	/* what is switched off by a bare '#' is switched on */
	for (char *s = text; (s = strstr(s, "\n#")); s++)
		if (s[2] != ' ' && s[2] != '\n')
			s[1] = ' ';
	memcpy(strstr(text, "\"callgate\""), "\"root\"    ", 10);
	c = load(text);
	T_OK(c && c->n_domains == 2 && c->inside.n == 1, "refused: %s", lines);
	config_put(c);
	free(text);
}

int main(void)
{
	char command[64];

	if (!mkdtemp(dir))
		return 2;
	snprintf(path, sizeof(path), "%s/conf", dir);
	defaults();
	office();
	everything();
	includes();
	refusals();
	many();
	files();
	reloads();
	groups();
	push();
	manual_page();
	example();
	free(lines);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	T_OK(!system(command), "the folder stays");
	return t_end("config");
}
