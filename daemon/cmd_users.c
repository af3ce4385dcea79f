/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callgate users: who may register. The database is changed directly, callgated or not; when it
 * runs it is told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_password.h"
#include "cmd_place.h"
#include "digest.h"
#include "config.h"
#include "json.h"
#include "screen.h"
#include "sources.h"
#include "text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct users {
	const struct command *c;
	struct place place;
	struct store *store;
	struct who who;
	struct texts aliases, no_aliases, sources, blocks, no_blocks;
	const char *realm, *group;
	unsigned int max_contacts;
	bool disabled, enabled, md5, no_md5, remote, no_remote, any_source, no_group;
	bool no_max_contacts;
	bool anonymous, no_anonymous;
	bool from_stdin, json;
};

/* ---- what was wished ---- */

static int add_source(const struct users *u, const char *word, struct user *out)
{
	size_t used = strlen(out->sources), len = strlen(word);
	struct source source;

	if (!source_read(word, &source))
		return cmd_fail(u->c, EXIT_USAGE, "--source '%s' is none: give " SOURCES_SYNTAX,
				word);
	if (used + len + 2 > sizeof(out->sources))
		return cmd_fail(u->c, EXIT_USAGE, "too many --source: %zu characters are the limit",
				sizeof(out->sources) - 1);
	snprintf(out->sources + used, sizeof(out->sources) - used, "%s%s", used ? "," : "", word);
	return EXIT_OK;
}

static int set_group(const struct users *u, struct user *out)
{
	if (!u->place.config || !config_group(u->place.config, u->group))
		return cmd_fail(u->c, EXIT_USAGE, "--group '%s' is not in the configuration: write "
				"group %s { ... } first", u->group, u->group);
	snprintf(out->group, sizeof(out->group), "%s", u->group);
	return EXIT_OK;
}

static void set_flag(struct user *out, uint32_t flag, bool on, bool off)
{
	out->flags = (out->flags | (on ? flag : 0)) & ~(off ? flag : 0);
}

/* The options on top of what is there. */
static int apply(const struct users *u, struct user *out)
{
	int status = EXIT_OK;

	if ((u->disabled && u->enabled) || (u->md5 && u->no_md5) || (u->remote && u->no_remote) ||
	    (u->any_source && u->sources.n) || (u->group && u->no_group) ||
	    (u->anonymous && u->no_anonymous) || (u->max_contacts && u->no_max_contacts))
		return cmd_fail(u->c, EXIT_USAGE, "two options say opposite things");
	set_flag(out, USER_DISABLED, u->disabled, u->enabled);
	set_flag(out, USER_MD5, u->md5, u->no_md5);
	set_flag(out, USER_REMOTE, u->remote, u->no_remote);
	set_flag(out, USER_NAMED, u->no_anonymous, u->anonymous);
	if (u->max_contacts || u->no_max_contacts)
		out->max_contacts = u->max_contacts;
	if (u->no_group)
		out->group[0] = '\0';
	if (u->group)
		status = set_group(u, out);
	if (u->sources.n || u->any_source)
		out->sources[0] = '\0';
	for (size_t i = 0; i < u->sources.n && !status; i++)
		status = add_source(u, u->sources.at[i], out);
	return status;
}

/* Hashes for all algorithms: which are offered is the configuration's, and may change. */
static int set_password(const struct users *u, struct user *out)
{
	char password[PASSWORD_SIZE];
	int status = password_read(u->c, u->from_stdin, password), err = 0;

	if (status)
		return status;
	out->has_ha1 = 0;
	for (unsigned int a = 0; a < DIGEST_COUNT && !err; a++) {
		err = digest_ha1(a, (const char *const[]){ out->name, out->realm, password },
				 out->ha1[a]);
		out->has_ha1 |= (uint8_t)(1 << a);
	}
	explicit_bzero(password, sizeof(password));
	if (err)
		return cmd_fail(u->c, EXIT_FAILED, "the hashes cannot be made: %s",
				strerror(-err));
	return EXIT_OK;
}

/* ---- aliases ---- */

static int alias_name(const struct users *u, const char *word, struct who *out)
{
	struct place place = u->place;
	int status;

	place.domain = u->who.domain;
	status = place_who(u->c, &place, word, out);
	if (!status && strcmp(out->domain, u->who.domain))
		return cmd_fail(u->c, EXIT_USAGE, "the alias '%s' is of another domain than %s",
				word, u->who.aor);
	return status;
}

static int check_aliases(const struct users *u, const struct texts *t)
{
	struct who w;
	int status = EXIT_OK;

	for (size_t i = 0; i < t->n && !status; i++)
		status = alias_name(u, t->at[i], &w);
	return status;
}

static int change_alias(struct users *u, const char *word, bool add)
{
	struct who w;
	int status = alias_name(u, word, &w), err;

	if (status)
		return status;
	err = add ? store_alias_add(u->store, w.name, u->who.name, u->who.domain) :
		    store_alias_del(u->store, w.name, u->who.domain);
	if (err == -EEXIST)
		return cmd_fail(u->c, EXIT_FAILED, "'%s' is taken, by a user or as an alias: the "
				"rest was done", word);
	if (err == -ENOENT)
		return cmd_fail(u->c, EXIT_FAILED, "there is no alias '%s': the rest was done",
				word);
	return err ? place_fail(u->c, &u->place, u->store, err) : EXIT_OK;
}

static int change_aliases(struct users *u)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < u->no_aliases.n && !status; i++)
		status = change_alias(u, u->no_aliases.at[i], false);
	for (size_t i = 0; i < u->aliases.n && !status; i++)
		status = change_alias(u, u->aliases.at[i], true);
	return status;
}

/* ---- callers that are not wanted ---- */

struct block {
	char caller[SCREEN_CALLER + 1];
	uint16_t code;
};

/* CALLER or CALLER=CODE; a scheme before it means nothing. */
static int read_block(const struct users *u, const char *word, struct block *b)
{
	const char *from = strncasecmp(word, "sip:", 4) && strncasecmp(word, "tel:", 4) ?
			   word : word + 4;
	size_t len = strcspn(from, "=");
	const char *code = from[len] ? from + len + 1 : "603";
	unsigned int stars = 0;		/* each multiplies the work of a comparison */

	b->code = (uint16_t)(!strcmp(code, "603") ? 603 : !strcmp(code, "607") ? 607 : 0);
	if (!b->code)
		return cmd_fail(u->c, EXIT_USAGE, "--block '%s': the code is 603 (declined) or 607 "
				"(unwanted, also later)", word);
	for (size_t i = 0; i < len; i++)
		stars += from[i] == '*';
	if (!len || len > SCREEN_CALLER || strcspn(from, " \t,;<>\"") < len || stars > 3)
		return cmd_fail(u->c, EXIT_USAGE, "'%s' is no caller: give an address, a number, or "
				"a pattern such as *@example.net or +49900*", word);
	memcpy(b->caller, from, len);
	b->caller[len] = '\0';
	return EXIT_OK;
}

static int check_blocks(const struct users *u)
{
	struct block b;
	int status = EXIT_OK;

	for (size_t i = 0; i < u->blocks.n && !status; i++)
		status = read_block(u, u->blocks.at[i], &b);
	for (size_t i = 0; i < u->no_blocks.n && !status; i++)
		status = read_block(u, u->no_blocks.at[i], &b);
	return status;
}

static int change_block(struct users *u, const struct user *user, const char *word, bool add)
{
	struct block b;
	int status = read_block(u, word, &b), err;

	if (status)
		return status;
	err = add ? store_block_add(u->store, user, b.caller, b.code) :
		    store_block_del(u->store, user, b.caller);
	if (err == -EEXIST)
		return cmd_fail(u->c, EXIT_FAILED, "'%s' is blocked already: the rest was done",
				b.caller);
	if (err == -ENOENT)
		return cmd_fail(u->c, EXIT_FAILED, "'%s' is not blocked: the rest was done",
				b.caller);
	return err ? place_fail(u->c, &u->place, u->store, err) : EXIT_OK;
}

/* Of the user as it is in the database now. */
static int change_blocks(struct users *u)
{
	struct user user;
	int status = EXIT_OK, err;

	if (!u->blocks.n && !u->no_blocks.n)
		return EXIT_OK;
	err = store_user(u->store, u->who.name, u->who.domain, &user);
	if (err)
		return place_fail(u->c, &u->place, u->store, err);
	for (size_t i = 0; i < u->no_blocks.n && !status; i++)
		status = change_block(u, &user, u->no_blocks.at[i], false);
	for (size_t i = 0; i < u->blocks.n && !status; i++)
		status = change_block(u, &user, u->blocks.at[i], true);
	explicit_bzero(&user, sizeof(user));
	return status;
}

/* ---- callgated ---- */

static int tell(const struct users *u)
{
	json_t *answer = NULL;
	int status = place_ask(u->c, &u->place, json_pack("{s:s}", "do", "users-changed"),
			       &answer);

	json_decref(answer);
	return status;
}

/* *@gone: their number, when callgated runs; -1: it does not. */
static int ask_removal(const struct users *u, const char *aor, int *gone)
{
	json_t *answer = NULL;
	int status = place_ask(u->c, &u->place, json_pack("{s:s, s:s}", "do",
			       "registration-remove", "aor", aor), &answer);

	*gone = -1;
	if (status || !answer)
		return status;
	*gone = (int)json_integer_value(json_object_get(json_object_get(answer, "result"),
							"removed"));
	if (!json_is_true(json_object_get(answer, "ok")) &&
	    strcmp(json_string_value(json_object_get(answer, "what")) ?: "", "ENOENT"))
		status = cmd_fail(u->c, EXIT_FAILED, "the user was deleted, but not what is "
				  "registered: %s",
				  json_string_value(json_object_get(answer, "error")) ?: "?");
	json_decref(answer);
	return status;
}

static int remove_bindings(const struct users *u, const char *aor)
{
	int gone, status = ask_removal(u, aor, &gone);

	if (status || gone >= 0)
		return status;
	gone = store_contacts_drop(u->store, aor);
	return gone < 0 ? place_fail(u->c, &u->place, u->store, gone) : EXIT_OK;
}

/* ---- subcommands ---- */

static int find(struct users *u, struct user *out)
{
	int err = store_user(u->store, u->who.name, u->who.domain, out);

	if (err == -ENOENT)
		return cmd_fail(u->c, EXIT_FAILED, "there is no user %s ('callgate users list' "
				"shows them)", u->who.aor);
	if (err)
		return place_fail(u->c, &u->place, u->store, err);
	if (strcmp(out->name, u->who.name))
		return cmd_fail(u->c, EXIT_FAILED, "%s is an alias of %s@%s", u->who.aor, out->name,
				out->domain);
	return EXIT_OK;
}

static int finish(struct users *u, const char *what)
{
	int status = tell(u);

	if (!status)
		printf("user %s %s\n", u->who.aor, what);
	return status;
}

static int add(struct users *u)
{
	struct user user = { 0 };
	int err = store_user(u->store, u->who.name, u->who.domain, &user), status;

	if (!err)
		return cmd_fail(u->c, EXIT_FAILED, "%s is there already%s", u->who.aor,
				strcmp(user.name, u->who.name) ? ", as an alias" : "");
	memset(&user, 0, sizeof(user));
	strcpy(user.name, u->who.name);
	strcpy(user.domain, u->who.domain);
	snprintf(user.realm, sizeof(user.realm), "%s", u->realm ? u->realm : u->who.realm);
	status = apply(u, &user);
	if (!status)
		status = check_aliases(u, &u->aliases);
	if (!status)
		status = check_blocks(u);
	if (!status)
		status = set_password(u, &user);
	if (status)
		return status;
	err = store_user_add(u->store, &user);
	explicit_bzero(&user, sizeof(user));
	if (err)
		return place_fail(u->c, &u->place, u->store, err);
	status = change_aliases(u);
	if (!status)
		status = change_blocks(u);
	return status ? status : finish(u, "added");
}

static int change(struct users *u)
{
	struct user user;
	int status = find(u, &user), err;

	if (!status)
		status = apply(u, &user);
	if (!status)
		status = check_aliases(u, &u->aliases);
	if (!status)
		status = check_blocks(u);
	if (status)
		return status;
	err = store_user_change(u->store, &user);
	explicit_bzero(&user, sizeof(user));
	if (err)
		return place_fail(u->c, &u->place, u->store, err);
	status = change_aliases(u);
	if (!status)
		status = change_blocks(u);
	return status ? status : finish(u, "changed");
}

static int passwd(struct users *u)
{
	struct user user;
	int status = find(u, &user), err;

	if (status)
		return status;
	snprintf(user.realm, sizeof(user.realm), "%s", u->realm ? u->realm : u->who.realm);
	status = set_password(u, &user);
	if (status)
		return status;
	err = store_user_change(u->store, &user);
	explicit_bzero(&user, sizeof(user));
	return err ? place_fail(u->c, &u->place, u->store, err) : finish(u, "has a new password");
}

struct alias_list {
	char name[64][USER_NAME + 1];
	size_t n;
};

static int note_alias(const char *alias, void *arg)
{
	struct alias_list *l = arg;

	if (l->n < COUNT(l->name))
		snprintf(l->name[l->n++], USER_NAME + 1, "%s", alias);
	return 0;
}

/* Whoever registers under an alias is registered under that. */
static int del(struct users *u)
{
	struct alias_list list = { .n = 0 };
	char aor[AOR_MAX + 2];
	struct user user;
	int status = find(u, &user), err;

	if (status)
		return status;
	err = store_aliases(u->store, &user, note_alias, &list);
	if (!err)
		err = store_user_del(u->store, user.name, user.domain);
	if (err)
		return place_fail(u->c, &u->place, u->store, err);
	/* told first: nobody may register again in between */
	status = tell(u);
	if (!status)
		status = remove_bindings(u, u->who.aor);
	for (size_t i = 0; i < list.n && !status; i++) {
		snprintf(aor, sizeof(aor), "%s@%s", list.name[i], user.domain);
		status = remove_bindings(u, aor);
	}
	if (!status)
		printf("user %s deleted\n", u->who.aor);
	return status;
}

/* ---- lists ---- */

static json_t *words(const char *list)
{
	json_t *j = json_array();
	size_t len;

	for (; *list; list += len + (list[len] != '\0')) {
		len = strcspn(list, ", \t");
		if (len)
			json_array_append_new(j, json_stringn(list, len));
	}
	return j;
}

static int alias_json(const char *alias, void *arg)
{
	json_array_append_new(arg, json_text(alias));
	return 0;
}

static int block_json(const char *caller, uint16_t code, void *arg)
{
	json_array_append_new(arg, json_pack("{s:o, s:i}", "caller", json_text(caller), "code",
					     code));
	return 0;
}

static json_t *user_json(struct store *s, const struct user *u)
{
	json_t *j = json_object(), *aliases = json_array(), *algorithms = json_array();
	json_t *blocked = json_array();

	store_aliases(s, u, alias_json, aliases);
	store_blocks(s, u, block_json, blocked);
	for (unsigned int a = 0; a < DIGEST_COUNT; a++)
		if (u->has_ha1 >> a & 1)
			json_array_append_new(algorithms, json_string(digest_name(a)));
	json_object_set_new(j, "name", json_text(u->name));
	json_object_set_new(j, "domain", json_text(u->domain));
	json_object_set_new(j, "realm", json_text(u->realm));
	json_object_set_new(j, "disabled", json_boolean(u->flags & USER_DISABLED));
	json_object_set_new(j, "md5", json_boolean(u->flags & USER_MD5));
	json_object_set_new(j, "remote", json_boolean(u->flags & USER_REMOTE));
	json_object_set_new(j, "anonymous", json_boolean(!(u->flags & USER_NAMED)));
	json_object_set_new(j, "blocked", blocked);
	json_object_set_new(j, "max_contacts", json_integer(u->max_contacts));
	json_object_set_new(j, "sources", words(u->sources));
	json_object_set_new(j, "group", *u->group ? json_text(u->group) : json_null());
	json_object_set_new(j, "aliases", aliases);
	json_object_set_new(j, "algorithms", algorithms);
	return j;
}

/* "a, b" of a list of texts, or @none. */
static const char *joined(const json_t *list, const char *none, char *buf, size_t size)
{
	size_t i, used = 0;
	json_t *word;

	snprintf(buf, size, "%s", none);
	json_array_foreach((json_t *)(uintptr_t)list, i, word) {
		int n = snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
				 json_string_value(word));

		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
	}
	return buf;
}

#define FLAGS_TEXT 48
static const char *flags_text(const struct user *u, char buf[FLAGS_TEXT])
{
	snprintf(buf, FLAGS_TEXT, "%s%s%s%s", u->flags & USER_DISABLED ? "disabled " : "",
		 u->flags & USER_MD5 ? "md5 " : "", u->flags & USER_REMOTE ? "remote " : "",
		 u->flags & USER_NAMED ? "no-anonymous " : "");
	if (*buf)
		buf[strlen(buf) - 1] = '\0';
	return *buf ? buf : "-";
}

static void show_blocks(const json_t *list)
{
	size_t i;
	json_t *b;

	json_array_foreach((json_t *)(uintptr_t)list, i, b)
		printf("%-13s %s, %lld\n", i ? "" : "blocked",
		       json_string_value(json_object_get(b, "caller")),
		       (long long)json_integer_value(json_object_get(b, "code")));
}

static int show(struct users *u)
{
	char buf[512], flags[FLAGS_TEXT];
	struct user user;
	int status = find(u, &user);
	json_t *j;

	if (status)
		return status;
	j = user_json(u->store, &user);
	if (u->json) {
		json_print(j, false);
		return EXIT_OK;
	}
	printf("user          %s\n", u->who.aor);
	printf("realm         %s\n", text_clean(user.realm));
	printf("flags         %s\n", flags_text(&user, flags));
	if (user.max_contacts)
		printf("contacts      at most %u\n", user.max_contacts);
	else
		printf("contacts      as many as its %s allows\n", *user.group ? "group" : "domain");
	printf("group         %s\n", *user.group ? text_clean(user.group) : "-");
	printf("from          %s\n", joined(json_object_get(j, "sources"), *user.group ?
					    "where its group may" : "where its domain may", buf,
					    sizeof(buf)));
	printf("aliases       %s\n", joined(json_object_get(j, "aliases"), "-", buf, sizeof(buf)));
	show_blocks(json_object_get(j, "blocked"));
	printf("password      %s\n", joined(json_object_get(j, "algorithms"), "none", buf,
					    sizeof(buf)));
	json_decref(j);
	return EXIT_OK;
}

struct listing {
	struct store *store;
	struct table *table;
	json_t *list;
};

static int list_one(const struct user *u, void *arg)
{
	struct listing *l = arg;
	char contacts[16] = "-", flags[FLAGS_TEXT], buf[512];
	json_t *j;

	if (l->list) {
		json_array_append_new(l->list, user_json(l->store, u));
		return 0;
	}
	j = user_json(l->store, u);
	if (u->max_contacts)
		snprintf(contacts, sizeof(contacts), "%u", u->max_contacts);
	table_row(l->table, (const char *const[]){
		u->name, u->domain, flags_text(u, flags), contacts,
		u->sources[0] ? u->sources : *u->group ? u->group : "anywhere",
		joined(json_object_get(j, "aliases"), "-", buf, sizeof(buf)) });
	json_decref(j);
	return 0;
}

static int list(struct users *u)
{
	static const char *const heads[] = {
		"USER", "DOMAIN", "FLAGS", ">CONTACTS", "FROM", "ALIASES",
	};
	struct listing l = { .store = u->store, .list = u->json ? json_array() : NULL };
	int err;

	l.table = u->json ? NULL : table_new(heads, COUNT(heads));
	err = store_users(u->store, u->place.domain, list_one, &l);
	if (u->json) {
		if (err)
			json_decref(l.list);
		else
			json_print(json_pack("{s:o}", "users", l.list), false);
	} else {
		if (!err && !table_rows(l.table))
			puts("no users");
		table_end(l.table, !err && table_rows(l.table) ? stdout : NULL);
	}
	return err ? place_fail(u->c, &u->place, u->store, err) : EXIT_OK;
}

/* ---- words ---- */

static const struct {
	const char *name;
	int (*run)(struct users *u);
	bool named;	/* takes the name of a user */
} verbs[] = {
	{ "add", add, true }, { "passwd", passwd, true }, { "change", change, true },
	{ "del", del, true }, { "show", show, true }, { "list", list, false },
};

static int run(struct users *u, size_t verb, const char *name)
{
	int status = place_open(u->c, &u->place);

	if (!status && name)
		status = place_who(u->c, &u->place, name, &u->who);
	if (!status)
		status = place_store(u->c, &u->place, &u->store);
	if (!status)
		status = verbs[verb].run(u);
	store_close(u->store);
	place_close(&u->place);
	digest_close();
	return status;
}

int cmd_users(const struct command *c, int argc, char **argv)
{
	struct users u = { .c = c };
	const struct opt opts[] = {
		PLACE_OPTS(&u.place),
		{ "alias", OPT_TEXTS, &u.aliases, 0, 0 },
		{ "no-alias", OPT_TEXTS, &u.no_aliases, 0, 0 },
		{ "source", OPT_TEXTS, &u.sources, 0, 0 },
		{ "any-source", OPT_FLAG, &u.any_source, 0, 0 },
		{ "realm", OPT_TEXT, &u.realm, 0, 0 },
		{ "group", OPT_TEXT, &u.group, 0, 0 }, { "no-group", OPT_FLAG, &u.no_group, 0, 0 },
		{ "max-contacts", OPT_NUMBER, &u.max_contacts, 1, 1000 },
		{ "no-max-contacts", OPT_FLAG, &u.no_max_contacts, 0, 0 },
		{ "disabled", OPT_FLAG, &u.disabled, 0, 0 },
		{ "enabled", OPT_FLAG, &u.enabled, 0, 0 },
		{ "md5", OPT_FLAG, &u.md5, 0, 0 }, { "no-md5", OPT_FLAG, &u.no_md5, 0, 0 },
		{ "block", OPT_TEXTS, &u.blocks, 0, 0 },
		{ "unblock", OPT_TEXTS, &u.no_blocks, 0, 0 },
		{ "anonymous", OPT_FLAG, &u.anonymous, 0, 0 },
		{ "no-anonymous", OPT_FLAG, &u.no_anonymous, 0, 0 },
		{ "remote", OPT_FLAG, &u.remote, 0, 0 },
		{ "no-remote", OPT_FLAG, &u.no_remote, 0, 0 },
		{ "stdin", OPT_FLAG, &u.from_stdin, 0, 0 },
		{ "json", OPT_FLAG, &u.json, 0, 0 },
		{ 0 },
	};
	size_t v = 0;
	int n;

	place_words(argc, argv);
	n = cmd_options(c, opts, argc, argv);
	if (n < 0)
		return cmd_early(n);
	while (n && v < COUNT(verbs) && strcmp(argv[0], verbs[v].name))
		v++;
	if (!n || v == COUNT(verbs))
		return cmd_fail(c, EXIT_USAGE, "%s%s%s; usage: callgate users %s",
				n ? "'" : "what to do?", n ? argv[0] : "", n ? "' is not known" : "",
				c->args);
	if (n != (verbs[v].named ? 2 : 1))
		return cmd_fail(c, EXIT_USAGE, "%s; usage: callgate users %s",
				n == 1 ? "which user?" : "a word too much (a password is never "
				"an argument)", c->args);
	if (u.realm && (!*u.realm || strlen(u.realm) > USER_DOMAIN || strpbrk(u.realm, "\"\\")))
		return cmd_fail(c, EXIT_USAGE, "--realm '%s' cannot be a realm: 1 to %d characters,"
				" no quotes", u.realm, USER_DOMAIN);
	return run(&u, v, n == 2 ? argv[1] : NULL);
}
