/* SPDX-License-Identifier: BSD-2-Clause */
/* Users and aliases: what is kept, what is refused, and what the cache may not hide. */
#include <errno.h>
#include <poll.h>
#include <sqlite3.h>

#include "store.h"
#include "t.h"

static char folder[64] = "/tmp/callgate-users-XXXXXX";
static char path[128];
static struct store *s;

static void sql(const char *text)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open(path, &db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	T_OK(rc == SQLITE_OK, "%s: %s", text, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static struct user alice(void)
{
	struct user u = {
		.name = "alice", .domain = "office.example", .realm = "Office",
		.flags = USER_MD5 | USER_REMOTE, .max_contacts = 3, .has_ha1 = 1 << 0 | 1 << 1,
		.sources = "192.0.2.0/24,lan0", .group = "phones",
	};

	memset(u.ha1[0], 0x11, 16);
	memset(u.ha1[1], 0x22, 32);
	return u;
}

static int get(const char *name, const char *domain, struct user *u)
{
	memset(u, 0xff, sizeof(*u));
	return store_user(s, name, domain, u);
}

static void test_kept(void)
{
	struct user u = alice(), got;

	T_OK(!store_user_add(s, &u), "add");
	for (int i = 0; i < 2; i++) {
		T_OK(!get("alice", "office.example", &got), "found, %d", i);
		T_OK(got.id && !strcmp(got.name, "alice") && !strcmp(got.domain, "office.example"),
		     "its name");
		T_OK(!strcmp(got.realm, "Office") && !strcmp(got.sources, u.sources) &&
		     !strcmp(got.group, "phones"), "its texts");
		T_OK(got.flags == u.flags && got.max_contacts == 3, "its numbers");
		T_OK(got.has_ha1 == 3 && !memcmp(got.ha1[0], u.ha1[0], 16) &&
		     !memcmp(got.ha1[1], u.ha1[1], 32), "its hashes");
	}
	T_OK(!store_user_by_id(s, got.id, &u) && !memcmp(&u, &got, sizeof(u)), "by its number");
	T_OK(store_user_by_id(s, got.id + 1, &u) == -ENOENT && !u.id, "nobody has that number");
	T_OK(get("alice", "home.example", &got) == -ENOENT, "another domain");
	T_OK(get("Alice", "office.example", &got) == -ENOENT, "another case");
	T_OK(get("", "", &got) == -ENOENT, "no name");
	T_OK(get("alice' OR '1'='1", "office.example", &got) == -ENOENT, "quotes");
	T_OK(get("ali%", "office.example", &got) == -ENOENT, "a pattern");
}

static void test_names(void)
{
	struct user u = alice(), got;
	char name[200];

	T_OK(store_user_add(s, &u) == -EEXIST, "twice");
	memset(name, 'n', sizeof(name));
	name[USER_NAME] = '\0';
	strcpy(u.name, name);
	T_OK(!store_user_add(s, &u) && !get(name, "office.example", &got), "the longest name");
	name[USER_NAME] = 'n';
	name[USER_NAME + 1] = '\0';
	T_OK(get(name, "office.example", &got) == -ENOENT, "one that is longer");
	strcpy(u.name, "nobody");
	T_OK(store_user_change(s, &u) == -ENOENT, "change of nobody");
	T_OK(store_user_del(s, "nobody", "office.example") == -ENOENT, "nobody goes");
}

static unsigned int n_seen;
static char seen[256];

static int see_alias(const char *alias, void *arg)
{
	(void)arg;
	n_seen++;
	snprintf(seen, sizeof(seen), "%s", alias);
	return 0;
}

static int see_user(const struct user *u, void *arg)
{
	n_seen++;
	snprintf(seen, sizeof(seen), "%s@%s", u->name, u->domain);
	return arg ? *(int *)arg : 0;
}

static void test_aliases(void)
{
	struct user u = alice(), got;

	T_OK(get("100", "office.example", &got) == -ENOENT, "not yet");
	T_OK(!store_alias_add(s, "100", "alice", "office.example"), "alias");
	T_OK(!get("100", "office.example", &got) && !strcmp(got.name, "alice"), "by the alias");
	T_OK(store_alias_add(s, "100", "alice", "office.example") == -EEXIST, "twice");
	T_OK(store_alias_add(s, "alice", "alice", "office.example") == -EEXIST, "a user's name");
	T_OK(store_alias_add(s, "101", "nobody", "office.example") == -ENOENT, "of nobody");
	T_OK(store_alias_add(s, "101", "alice", "home.example") == -ENOENT, "of another domain");
	strcpy(u.name, "100");
	T_OK(store_user_add(s, &u) == -EEXIST, "a user with an alias's name");
	n_seen = 0;
	T_OK(!get("alice", "office.example", &got) && !store_aliases(s, &got, see_alias, NULL) &&
	     n_seen == 1 && !strcmp(seen, "100"), "the list");
	T_OK(!store_alias_del(s, "100", "office.example"), "goes");
	T_OK(store_alias_del(s, "100", "office.example") == -ENOENT, "is gone");
	T_OK(get("100", "office.example", &got) == -ENOENT, "and not found");
	T_OK(!store_alias_add(s, "102", "alice", "office.example"), "another");
}

static int see_block(const char *caller, uint16_t code, void *arg)
{
	(void)arg;
	n_seen++;
	snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s=%u ", caller, code);
	return 0;
}

static int see_screen(const char *name, const char *domain, const char *caller, uint16_t code,
		      void *arg)
{
	(void)arg;
	snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s@%s:%s=%u ", name, domain,
		 caller ? caller : "-", code);
	return 0;
}

/* Callers that are not wanted: by user, and of all users under each of their names. */
static void test_blocks(void)
{
	struct user got;

	T_OK(!get("alice", "office.example", &got), "alice");
	*seen = 0;
	T_OK(!store_screens(s, see_screen, NULL) && !*seen, "none: %s", seen);
	T_OK(!store_block_add(s, &got, "eve@far.example", 603), "block");
	T_OK(!store_block_add(s, &got, "*@spam.example", 607), "another");
	T_OK(store_block_add(s, &got, "eve@far.example", 607) == -EEXIST, "twice");
	n_seen = 0;
	T_OK(!store_blocks(s, &got, see_block, NULL) && n_seen == 2 &&
	     !strcmp(seen, "*@spam.example=607 eve@far.example=603 "), "the list: %s", seen);
	T_OK(!store_block_del(s, &got, "*@spam.example"), "goes");
	T_OK(store_block_del(s, &got, "*@spam.example") == -ENOENT, "is gone");
	got.flags |= USER_NAMED;
	T_OK(!store_user_change(s, &got), "no anonymous callers");
	*seen = 0;
	T_OK(!store_screens(s, see_screen, NULL), "all");
	T_OK(!strcmp(seen, "alice@office.example:-=433 alice@office.example:eve@far.example=603 "
		     "102@office.example:-=433 102@office.example:eve@far.example=603 "),
	     "all: %s", seen);
}

static void test_list(void)
{
	struct user u = alice();
	int stop = 7;

	strcpy(u.name, "zoe");
	strcpy(u.domain, "home.example");
	T_OK(!store_user_add(s, &u), "add");
	n_seen = 0;
	T_OK(!store_users(s, NULL, see_user, NULL) && n_seen == 3, "all: %u", n_seen);
	n_seen = 0;
	T_OK(!store_users(s, "home.example", see_user, NULL) && n_seen == 1 &&
	     !strcmp(seen, "zoe@home.example"), "of a domain: %s", seen);
	T_OK(store_users(s, NULL, see_user, &stop) == 7, "the result of the function");
}

static void test_cache(void)
{
	struct user u = alice(), got;

	/* own changes are seen at once */
	u.flags = USER_DISABLED;
	u.has_ha1 = 1 << 2;
	T_OK(!store_user_change(s, &u) && !get("alice", "office.example", &got) &&
	     got.flags == USER_DISABLED && got.has_ha1 == 4, "changed");
	/* those of others when it is said; nobody is remembered as nobody, too */
	T_OK(get("new", "office.example", &got) == -ENOENT, "not yet");
	sql("UPDATE users SET flags = 0 WHERE name = 'alice';"
	    "INSERT INTO users (name, domain, realm, flags, max_contacts, sources)"
	    " VALUES ('new', 'office.example', 'r', 0, 0, '')");
	T_OK(!get("alice", "office.example", &got) && got.flags == USER_DISABLED, "from the cache");
	T_OK(get("new", "office.example", &got) == -ENOENT, "nobody, from the cache");
	store_users_changed(s);
	T_OK(!get("alice", "office.example", &got) && !got.flags, "read again");
	T_OK(!get("new", "office.example", &got) && !got.has_ha1, "is there");
	T_OK(!get("102", "office.example", &got) && !store_user_del(s, "alice", "office.example") &&
	     get("102", "office.example", &got) == -ENOENT, "the aliases go with the user");
	T_OK(get("alice", "office.example", &got) == -ENOENT, "and the user");
}

static void changed(int result, void *arg)
{
	*(int *)arg = result;
}

/* A registration is written: what others did before is seen then, although nobody has said so. */
static void write_something(void)
{
	const uint64_t nobody = UINT64_MAX >> 1;
	const struct location_change c = { .aor = "x@y", .drop = &nobody, .n_drop = 1 };
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };
	int result = 1;

	T_OK(!store_change(s, &c, changed, &result), "a change");
	T_OK(poll(&p, 1, 10000) == 1, "is done");
	store_done(s);
	T_OK(!result, "and kept");
}

static void test_others(void)
{
	struct user u = alice(), got;

	T_OK(!store_user_add(s, &u), "add");
	write_something();
	T_OK(!get("alice", "office.example", &got) && got.max_contacts == 3, "read");
	sql("UPDATE users SET max_contacts = 4 WHERE name = 'alice'");
	T_OK(!get("alice", "office.example", &got) && got.max_contacts == 3, "from the cache");
	write_something();
	T_OK(!get("alice", "office.example", &got) && got.max_contacts == 4, "read again");
	T_OK(!store_user_del(s, "alice", "office.example"), "removed");
}

static void write_contact(void)
{
	struct contact put = { .uri = (char *)"sip:a@192.0.2.1", .call_id = (char *)"c",
			       .id = store_next_id(s) };
	const struct location_change c = { .aor = "a@b", .put = &put, .n_put = 1 };
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };
	int result = 1;

	T_OK(!store_change(s, &c, changed, &result) && poll(&p, 1, 10000) == 1, "a contact");
	store_done(s);
	T_OK(!result, "is kept");
}

/* What was read before anybody asked lasts over our own changes, and not over those of others. */
static void test_read_ahead(void)
{
	struct user u = alice(), got;

	T_OK(!store_user_add(s, &u), "add");
	store_users_read(s);
	write_contact();
	sql("UPDATE users SET max_contacts = 5 WHERE name = 'alice'");
	T_OK(!get("alice", "office.example", &got) && got.max_contacts == 3 &&
	     got.has_ha1 == u.has_ha1 && !memcmp(got.ha1, u.ha1, sizeof(u.ha1)) &&
	     !strcmp(got.sources, u.sources), "known without having been asked for");
	write_contact();
	T_OK(!get("alice", "office.example", &got) && got.max_contacts == 5, "read again");
	T_OK(!store_user_del(s, "alice", "office.example"), "removed");
}

/* More names than the cache holds. */
static void test_many(void)
{
	struct user got;
	char name[32];
	unsigned int wrong = 0;

	sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 29999)"
	    "INSERT INTO users (name, domain, realm, flags, max_contacts, sources)"
	    " SELECT 'm' || i, 'many.example', 'r', 0, i, '' FROM n");
	for (unsigned int i = 0; i < 60000; i++) {
		unsigned int n = i * 7919 % 30000;

		snprintf(name, sizeof(name), "m%u", n);
		wrong += get(name, "many.example", &got) || got.max_contacts != n;
		snprintf(name, sizeof(name), "x%u", n);
		wrong += get(name, "many.example", &got) != -ENOENT;
	}
	T_OK(!wrong, "%u wrong answers", wrong);
}

/* What callgated did not write is nobody, and not an answer either. */
static void test_odd_rows(void)
{
	struct user got;

	sql("UPDATE users SET md5 = x'00' WHERE name = 'm1'");
	sql("UPDATE users SET sources = printf('%.300c', 'x') WHERE name = 'm2'");
	sql("UPDATE users SET realm = printf('%.128c', 'x') WHERE name = 'm3'");
	sql("UPDATE users SET realm = x'720073' WHERE name = 'm4'");
	store_users_changed(s);
	T_OK(get("m1", "many.example", &got) == -EIO && !got.id, "a hash of one byte");
	T_OK(get("m2", "many.example", &got) == -EIO, "sources that are too long");
	T_OK(get("m3", "many.example", &got) == -EIO, "a realm that is too long");
	T_OK(get("m4", "many.example", &got) == -EIO, "a realm with a NUL");
	T_OK(store_users(s, "many.example", see_user, NULL) == -EIO, "the list says so");
	sql("DROP TABLE aliases");
	T_OK(get("m5", "many.example", &got) == -EIO && *store_said(s), "no table: %s",
	     store_said(s));
}

int main(void)
{
	struct store_options o = { .path = path };
	char why[256];

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/callgate.db", folder);
	if (store_open(&o, &s, why)) {
		printf("%s\n", why);
		return 1;
	}
	test_kept();
	test_names();
	test_aliases();
	test_blocks();
	test_list();
	test_cache();
	test_others();
	test_read_ahead();
	test_many();
	test_odd_rows();
	store_close(s);
	unlink(path);
	snprintf(path, sizeof(path), "%s/callgate.db-wal", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/callgate.db-shm", folder);
	unlink(path);
	rmdir(folder);
	return t_end("users");
}
