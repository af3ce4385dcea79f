/* SPDX-License-Identifier: BSD-2-Clause */
/* Users and aliases, and a cache of both those that are there and those that are not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hash.h"
#include "store_sql.h"

#define SETS 8192
#define WAYS 4
#define READ_AHEAD (2 * SETS)
/* A change by another program is seen after this many seconds where nothing is written. */
#define CACHE_SECONDS 60

/* As long as its texts: a tenth of struct user. */
struct entry {
	uint64_t id;
	time_t since;
	uint32_t generation, hash;
	uint32_t flags, max_contacts;
	int result;		/* 0 or -ENOENT */
	uint16_t size;		/* of .text */
	uint8_t has_ha1;
	uint8_t ha1[3][32];
	/* name and domain as asked, perhaps an alias; and name, domain, realm, sources, group */
	char text[];
};

struct store_cache {
	uint32_t generation;
	time_t checked;		/* until then no other program had changed anything */
	bool hit;		/* the last question was answered by it */
	uint8_t next[SETS];	/* to be replaced */
	struct entry *entry[SETS][WAYS];
};

#define COLUMNS "id, name, domain, realm, flags, max_contacts, md5, sha256, sha512_256, sources," \
	" group_name"

int store_users_open(struct store *s)
{
	static const char sql[] =
		"SELECT " COLUMNS " FROM users WHERE id = coalesce("
		"(SELECT id FROM users WHERE name = ?1 AND domain = ?2),"
		"(SELECT user FROM aliases WHERE alias = ?1 AND domain = ?2))";

	s->cache = calloc(1, sizeof(*s->cache));
	if (!s->cache)
		return SQLITE_NOMEM;
	s->cache->generation = 1;
	return sqlite3_prepare_v3(s->main.db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->user, NULL);
}

static void forget(struct entry **at)
{
	if (*at)
		explicit_bzero(*at, sizeof(**at) + (*at)->size);
	free(*at);
	*at = NULL;
}

void store_users_close(struct store *s)
{
	sqlite3_finalize(s->user);
	for (unsigned int i = 0; s->cache && i < SETS * WAYS; i++)
		forget(&s->cache->entry[i / WAYS][i % WAYS]);
	free(s->cache);
}

void store_users_changed(struct store *s)
{
	s->cache->generation++;
}

void store_users_checked(struct store *s, uint64_t ns)
{
	s->cache->checked = (time_t)(ns / 1000000000);
}

/* ---- rows ---- */

static bool read_text(sqlite3_stmt *q, int at, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(q, at);
	size_t len = text ? strlen(text) : size;

	if (len >= size || len != (size_t)sqlite3_column_bytes(q, at))
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static const unsigned int ha1_size[3] = { 16, 32, 32 };

static bool read_ha1(sqlite3_stmt *q, int at, struct user *u)
{
	for (int i = 0; i < 3; i++) {
		const void *blob = sqlite3_column_blob(q, at + i);

		if (!blob)
			continue;
		if ((unsigned int)sqlite3_column_bytes(q, at + i) != ha1_size[i])
			return false;
		memcpy(u->ha1[i], blob, ha1_size[i]);
		u->has_ha1 |= (uint8_t)(1 << i);
	}
	return true;
}

/* False: a row that does not fit. It is nobody. */
static bool read_user(sqlite3_stmt *q, struct user *u)
{
	memset(u, 0, sizeof(*u));
	u->id = (uint64_t)sqlite3_column_int64(q, 0);
	u->flags = (uint32_t)sqlite3_column_int64(q, 4);
	u->max_contacts = (uint32_t)sqlite3_column_int64(q, 5);
	return read_text(q, 1, u->name, sizeof(u->name)) &&
	       read_text(q, 2, u->domain, sizeof(u->domain)) &&
	       read_text(q, 3, u->realm, sizeof(u->realm)) &&
	       read_text(q, 9, u->sources, sizeof(u->sources)) &&
	       read_text(q, 10, u->group, sizeof(u->group)) && read_ha1(q, 6, u);
}

static int bind_texts(sqlite3_stmt *q, const char *a, const char *b)
{
	int rc = sqlite3_bind_text(q, 1, a, -1, SQLITE_STATIC);

	return rc == SQLITE_OK ? sqlite3_bind_text(q, 2, b, -1, SQLITE_STATIC) : rc;
}

/* -EIO for all that is not the answer: nobody is let in, and nobody is told that he is not there */
static int look_up(struct store *s, const char *name, const char *domain, struct user *out)
{
	int rc = bind_texts(s->user, name, domain), err;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s->user);
	err = store_fail(s, rc) ? -EIO : rc == SQLITE_DONE ? -ENOENT : 0;
	if (!err && !read_user(s->user, out)) {
		memset(out, 0, sizeof(*out));
		err = -EIO;
	}
	sqlite3_reset(s->user);
	/* they point to what the caller has */
	sqlite3_clear_bindings(s->user);
	return err;
}

/* ---- the cache ---- */

static time_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec;
}

static bool is_fresh(const struct store_cache *c, const struct entry *e)
{
	time_t seen = c->checked > e->since ? c->checked : e->since;

	return e->generation == c->generation && seconds() - seen < CACHE_SECONDS;
}

static uint32_t hash_of(const char *name, size_t len, const char *domain)
{
	return (uint32_t)(hash_bytes(name, len) + 3 * hash_bytes(domain, strlen(domain)));
}

static const char *behind(const char *text)
{
	return text + strlen(text) + 1;
}

static struct entry *cached(struct store_cache *c, uint32_t hash, const char *name,
			    const char *domain)
{
	for (unsigned int i = 0; i < WAYS; i++) {
		struct entry *e = c->entry[hash % SETS][i];

		if (e && e->hash == hash && !strcmp(e->text, name) &&
		    !strcmp(behind(e->text), domain) && is_fresh(c, e))
			return e;
	}
	return NULL;
}

static void unpack(const struct entry *e, struct user *u)
{
	const char *text = behind(behind(e->text));
	char *const to[] = { u->name, u->domain, u->realm, u->sources, u->group };

	*u = (struct user){ .id = e->id, .flags = e->flags, .max_contacts = e->max_contacts,
			    .has_ha1 = e->has_ha1 };
	memcpy(u->ha1, e->ha1, sizeof(u->ha1));
	for (unsigned int i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		size_t size = strlen(text) + 1;

		memcpy(to[i], text, size);
		text += size;
	}
}

/* The @result for what was @asked for. Without memory nothing is kept. */
static void keep(struct store_cache *c, const char *const asked[2], uint32_t hash,
		 const struct user *u, int result)
{
	const char *const texts[] = { asked[0], asked[1], u->name, u->domain, u->realm,
				      u->sources, u->group };
	uint32_t set = hash % SETS;
	struct entry **at = &c->entry[set][c->next[set]++ % WAYS];
	size_t size = 0;
	char *to;

	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		size += strlen(texts[i]) + 1;
	forget(at);
	*at = malloc(sizeof(**at) + size);
	if (!*at)
		return;
	**at = (struct entry){
		.id = u->id, .since = seconds(), .generation = c->generation, .hash = hash,
		.flags = u->flags, .max_contacts = u->max_contacts, .result = result,
		.size = (uint16_t)size, .has_ha1 = u->has_ha1,
	};
	memcpy((*at)->ha1, u->ha1, sizeof(u->ha1));
	to = (*at)->text;
	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		to = stpcpy(to, texts[i]) + 1;
}

int store_user(struct store *s, const char *name, const char *domain, struct user *out)
{
	struct store_cache *c = s->cache;
	size_t len = strnlen(name, USER_NAME + 1);
	uint32_t hash;
	struct entry *hit;
	int result;

	if (len > USER_NAME || strnlen(domain, USER_DOMAIN + 1) > USER_DOMAIN)
		return -ENOENT;
	hash = hash_of(name, len, domain);
	hit = cached(c, hash, name, domain);
	c->hit = hit;
	if (hit) {
		unpack(hit, out);
		return hit->result;
	}
	memset(out, 0, sizeof(*out));
	result = look_up(s, name, domain, out);
	if (result != -EIO)
		keep(c, (const char *const[]){ name, domain }, hash, out, result);
	return result;
}

int store_user_by_id(struct store *s, uint64_t id, struct user *out)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, "SELECT " COLUMNS " FROM users WHERE id = ?1", -1,
				    &q, NULL), err;

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(q, 1, (int64_t)id);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	err = store_fail(s, rc) ? -EIO : rc == SQLITE_DONE ? -ENOENT : 0;
	if (err || !read_user(q, out)) {
		memset(out, 0, sizeof(*out));
		err = err ? err : -EIO;
	}
	sqlite3_finalize(q);
	return err;
}

void store_user_even(struct store *s, const char *name, const char *domain)
{
	struct user user;

	if (!s->cache->hit || strnlen(name, USER_NAME + 1) > USER_NAME)
		return;
	look_up(s, name, domain, &user);
	explicit_bzero(&user, sizeof(user));
}

/* After a power cut all phones come at once: the users of most places are known by then. */
void store_users_read(struct store *s)
{
	static const char sql[] = "SELECT " COLUMNS " FROM users LIMIT ?1";
	sqlite3_stmt *q = NULL;
	struct user u;

	store_writer_mark(s);
	if (sqlite3_prepare_v2(s->main.db, sql, -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_bind_int(q, 1, READ_AHEAD) == SQLITE_OK)
		while (sqlite3_step(q) == SQLITE_ROW)
			if (read_user(q, &u))
				keep(s->cache, (const char *const[]){ u.name, u.domain },
				     hash_of(u.name, strlen(u.name), u.domain), &u, 0);
	sqlite3_finalize(q);
	explicit_bzero(&u, sizeof(u));
}

/* ---- changes: each is one transaction ---- */

static int begin(struct store *s)
{
	return store_run(s->main.begin);
}

/* Commits, or rolls back for @err. Gives -errno. */
static int end(struct store *s, int err)
{
	int rc;

	if (!err) {
		rc = store_run(s->main.commit);
		err = store_fail(s, rc);
	}
	if (err && !sqlite3_get_autocommit(s->main.db))
		store_run(s->main.rollback);
	store_users_changed(s);
	return err;
}

/* Is there a row? 1, 0 or -errno. */
static int exists(struct store *s, const char *sql, const char *a, const char *b)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, sql, -1, &q, NULL), err;

	if (rc == SQLITE_OK)
		rc = bind_texts(q, a, b);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	err = store_fail(s, rc);
	sqlite3_finalize(q);
	return err ? err : rc == SQLITE_ROW;
}

static int bind_user(sqlite3_stmt *q, const struct user *u)
{
	int rc = bind_texts(q, u->name, u->domain);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(q, 3, u->realm, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(q, 4, u->flags);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(q, 5, u->max_contacts);
	for (int i = 0; i < 3 && rc == SQLITE_OK; i++)
		if (u->has_ha1 >> i & 1)
			rc = sqlite3_bind_blob(q, 6 + i, u->ha1[i], (int)ha1_size[i],
					       SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(q, 9, u->sources, -1, SQLITE_STATIC);
	return rc == SQLITE_OK ? sqlite3_bind_text(q, 10, u->group, -1, SQLITE_STATIC) : rc;
}

/* A statement about a user; -ENOENT when it changed nothing. */
static int run_user(struct store *s, const char *sql, const struct user *u)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, sql, -1, &q, NULL), err;

	if (rc == SQLITE_OK)
		rc = bind_user(q, u);
	if (rc == SQLITE_OK)
		rc = store_run(q);
	err = store_fail(s, rc);
	sqlite3_finalize(q);
	if (!err && !sqlite3_changes(s->main.db))
		err = -ENOENT;
	return err;
}

/* A statement with two texts; -ENOENT when it changed nothing. */
static int run_texts(struct store *s, const char *sql, const char *a, const char *b)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, sql, -1, &q, NULL), err;

	if (rc == SQLITE_OK)
		rc = bind_texts(q, a, b);
	if (rc == SQLITE_OK)
		rc = store_run(q);
	err = store_fail(s, rc);
	sqlite3_finalize(q);
	if (!err && !sqlite3_changes(s->main.db))
		err = -ENOENT;
	return err;
}

static const char has_user[] = "SELECT 1 FROM users WHERE name = ?1 AND domain = ?2";
static const char has_alias[] = "SELECT 1 FROM aliases WHERE alias = ?1 AND domain = ?2";

/* -EEXIST when a user or an alias has the name. */
static int is_free(struct store *s, const char *name, const char *domain)
{
	int there = exists(s, has_user, name, domain);

	if (!there)
		there = exists(s, has_alias, name, domain);
	return there > 0 ? -EEXIST : there;
}

int store_user_add(struct store *s, const struct user *u)
{
	static const char sql[] =
		"INSERT INTO users (name, domain, realm, flags, max_contacts, md5, sha256,"
		" sha512_256, sources, group_name)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
	int rc = begin(s), err = store_fail(s, rc);

	if (!err)
		err = is_free(s, u->name, u->domain);
	if (!err)
		err = run_user(s, sql, u);
	return end(s, err);
}

int store_user_change(struct store *s, const struct user *u)
{
	static const char sql[] =
		"UPDATE users SET realm = ?3, flags = ?4, max_contacts = ?5, md5 = ?6,"
		" sha256 = ?7, sha512_256 = ?8, sources = ?9, group_name = ?10"
		" WHERE name = ?1 AND domain = ?2";
	int rc = begin(s), err = store_fail(s, rc);

	if (!err)
		err = run_user(s, sql, u);
	return end(s, err);
}

int store_user_del(struct store *s, const char *name, const char *domain)
{
	int rc = begin(s), err = store_fail(s, rc);

	/* its aliases go with it */
	if (!err)
		err = run_texts(s, "DELETE FROM users WHERE name = ?1 AND domain = ?2", name,
				domain);
	return end(s, err);
}

static int insert_alias(struct store *s, const char *const alias_name_domain[3])
{
	static const char sql[] =
		"INSERT INTO aliases (alias, domain, user)"
		" SELECT ?1, ?2, id FROM users WHERE name = ?3 AND domain = ?2";
	const char *const *t = alias_name_domain;
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, sql, -1, &q, NULL), err;

	if (rc == SQLITE_OK)
		rc = bind_texts(q, t[0], t[2]);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(q, 3, t[1], -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = store_run(q);
	err = store_fail(s, rc);
	sqlite3_finalize(q);
	return !err && !sqlite3_changes(s->main.db) ? -ENOENT : err;
}

int store_alias_add(struct store *s, const char *alias, const char *name, const char *domain)
{
	int rc = begin(s), err = store_fail(s, rc);

	if (!err)
		err = is_free(s, alias, domain);
	if (!err)
		err = insert_alias(s, (const char *const[]){ alias, name, domain });
	return end(s, err);
}

int store_alias_del(struct store *s, const char *alias, const char *domain)
{
	int rc = begin(s), err = store_fail(s, rc);

	if (!err)
		err = run_texts(s, "DELETE FROM aliases WHERE alias = ?1 AND domain = ?2", alias,
				domain);
	return end(s, err);
}

/* ---- lists ---- */

int store_users(struct store *s, const char *domain, store_user_fn *fn, void *arg)
{
	static const char sql[] =
		"SELECT " COLUMNS " FROM users WHERE domain = ?1 OR ?1 IS NULL"
		" ORDER BY domain, name";
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, sql, -1, &q, NULL), err = 0;
	struct user u;

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(q, 1, domain, -1, SQLITE_STATIC);
	while (!err && rc == SQLITE_OK) {
		if (sqlite3_step(q) != SQLITE_ROW)
			break;
		err = read_user(q, &u) ? fn(&u, arg) : -EIO;
	}
	explicit_bzero(&u, sizeof(u));
	/* the error of the last step is said here */
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(q);
	if (!err)
		err = store_fail(s, rc);
	sqlite3_finalize(q);
	return err;
}

int store_aliases(struct store *s, const struct user *u, store_alias_fn *fn, void *arg)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, "SELECT alias FROM aliases WHERE user = ?1"
				    " ORDER BY alias", -1, &q, NULL), err = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(q, 1, (int64_t)u->id);
	while (!err && rc == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		err = fn((const char *)sqlite3_column_text(q, 0), arg);
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(q);
	if (!err)
		err = store_fail(s, rc);
	sqlite3_finalize(q);
	return err;
}
