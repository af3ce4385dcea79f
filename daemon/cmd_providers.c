/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callgate providers: hosts that are one provider. A name is looked up once, when it is given: the
 * addresses are what the module knows and what is saved.
 */
#define _GNU_SOURCE /* reallocarray */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "callgate.h"
#include "cmd.h"
#include "cmd_save.h"
#include "json.h"
#include "kernel.h"
#include "text.h"

/* ---- showing ---- */

static int add_rows(const struct provider *p, void *arg)
{
	const struct member *m = p->members.items;
	char prefix[TEXT_ENDPOINT];

	for (size_t i = 0; i < p->members.n; i++)
		table_row(arg, (const char *const[]){ i ? "" : p->name,
						      text_prefix(&m[i].prefix, prefix) });
	return 0;
}

static int add_json(const struct provider *p, void *arg)
{
	const struct member *m = p->members.items;
	json_t *list = json_array();
	char prefix[TEXT_ENDPOINT];

	for (size_t i = 0; i < p->members.n; i++)
		json_array_append_new(list, json_string(text_prefix(&m[i].prefix, prefix)));
	json_array_append_new(arg, json_pack("{s:s, s:o}", "name", p->name, "members", list));
	return 0;
}

static int show(const struct command *c, struct kernel *k, bool json)
{
	struct table *t = table_new((const char *const[]){ "PROVIDER", "HOSTS" }, 2);
	json_t *list = json_array();
	int err;

	err = kernel_providers(k, json ? add_json : add_rows, json ? (void *)list : (void *)t);
	if (!err && !json && !table_rows(t))
		puts("no provider sets: only the host that a phone registered at, or called, may "
		     "send it SIP");
	table_end(t, json || err || !table_rows(t) ? NULL : stdout);
	if (json && !err)
		json_print(json_pack("{s:o}", "providers", list), false);
	else
		json_decref(list);
	return err ? cmd_fail_kernel(c, k, err) : EXIT_OK;
}

static int write_line(const struct provider *p, void *arg)
{
	const struct member *m = p->members.items;
	char prefix[TEXT_ENDPOINT];

	fprintf(arg, "providers set %s", p->name);
	for (size_t i = 0; i < p->members.n; i++)
		fprintf(arg, " %s", text_prefix(&m[i].prefix, prefix));
	putc('\n', arg);
	return 0;
}

int providers_write(FILE *out, struct kernel *k)
{
	return kernel_providers(k, write_line, out);
}

/* ---- changing ---- */

/* Once: several names may lead to one host. */
static int add(struct list *members, const struct prefix *p)
{
	struct member *m = members->items;

	for (size_t i = 0; i < members->n; i++)
		if (!memcmp(&m[i].prefix, p, sizeof(*p)))
			return 0;
	m = reallocarray(m, members->n + 1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m[members->n++] = (struct member){ .prefix = *p };
	members->items = m;
	return 0;
}

static int add_address(struct list *members, const struct sockaddr *sa)
{
	struct endpoint e;
	struct prefix p = { 0 };

	if (!address_endpoint(sa, &e))
		return 0;
	p.len = e.len;
	p.bits = (uint8_t)(e.len * 8);
	memcpy(p.addr, e.addr, sizeof(p.addr));
	return add(members, &p);
}

static int add_name(const struct command *c, struct list *members, const char *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;
	int err = getaddrinfo(name, NULL, &hints, &found);

	if (err)
		return cmd_fail(c, EXIT_FAILED, "'%s' is no address, and not found as a name: %s",
				name, gai_strerror(err));
	for (const struct addrinfo *a = found; a && !err; a = a->ai_next)
		err = add_address(members, a->ai_addr);
	freeaddrinfo(found);
	return err ? cmd_fail(c, EXIT_FAILED, "no memory") : EXIT_OK;
}

static int add_word(const struct command *c, struct list *members, const char *word)
{
	struct prefix p;

	if (text_read_prefix(word, &p))
		return add(members, &p) ? cmd_fail(c, EXIT_FAILED, "no memory") : EXIT_OK;
	/* a name has no length; what is made of digits and dots is a slip, no name */
	if (strchr(word, '/') || !word[strspn(word, "0123456789.")] || strchr(word, ':'))
		return cmd_fail(c, EXIT_USAGE, "'%s' is neither an address nor a network", word);
	return add_name(c, members, word);
}

struct change {
	const char *name;	/* NULL: all */
	bool remove;
	struct list members;
};

static int read_change(const struct command *c, int n, char **words, struct change *to)
{
	int status = EXIT_OK;

	memset(to, 0, sizeof(*to));
	if (n == 2 && !strcmp(words[0], "remove")) {
		to->remove = true;
		to->name = strcmp(words[1], "all") ? words[1] : NULL;
		return EXIT_OK;
	}
	if (n < 3 || strcmp(words[0], "set"))
		return cmd_fail(c, EXIT_USAGE, "usage: callgate providers %s", c->args);
	if (!strcmp(words[1], "all"))
		return cmd_fail(c, EXIT_USAGE, "'all' is not a name: it stands for all sets");
	to->name = words[1];
	for (int i = 2; i < n && !status; i++)
		status = add_word(c, &to->members, words[i]);
	return status;
}

static int change(const struct command *c, struct kernel *k, const struct change *ch)
{
	int err = kernel_provider(k, ch->name, ch->remove ? NULL : &ch->members);

	if (err == -ENOENT)
		return cmd_fail(c, EXIT_FAILED, "there is no set '%s'", ch->name);
	if (err == -ENOSPC)
		return cmd_fail(c, EXIT_FAILED, "too many: at most 64 sets and 256 members in all");
	return err ? cmd_fail_kernel(c, k, err) : EXIT_OK;
}

int cmd_providers(const struct command *c, int argc, char **argv)
{
	bool json = false, runtime = false;
	const struct opt opts[] = { { "json", OPT_FLAG, &json, 0, 0 },
				    { "runtime", OPT_FLAG, &runtime, 0, 0 }, { 0 } };
	int n = cmd_options(c, opts, argc, argv), status = EXIT_OK;
	struct change ch = { 0 };
	struct kernel *k = NULL;
	bool look;

	if (n < 0)
		return cmd_early(n);
	look = !n || (n == 1 && !strcmp(argv[0], "list"));
	if (!look)
		status = read_change(c, n, argv, &ch);
	if (!status)
		status = cmd_open(c, &k);
	if (!status && !look)
		status = change(c, k, &ch);
	if (!status && !look)
		status = cmd_keep(c, k, runtime);
	if (!status && (look || json))
		status = show(c, k, json);
	free(ch.members.items);
	kernel_close(k);
	return status;
}
