/* SPDX-License-Identifier: BSD-2-Clause */
/* Callers that users do not want. */
#include <errno.h>

#include "store_sql.h"

static int prepare(struct store *s, const char *sql, const struct user *u, const char *caller,
		   sqlite3_stmt **q)
{
	int rc = sqlite3_prepare_v2(s->main.db, sql, -1, q, NULL);

	if (rc == SQLITE_OK && u)
		rc = sqlite3_bind_int64(*q, 1, (int64_t)u->id);
	if (rc == SQLITE_OK && caller)
		rc = sqlite3_bind_text(*q, 2, caller, -1, SQLITE_STATIC);
	return rc;
}

/* A change is a transaction of its own. */
static int run(struct store *s, sqlite3_stmt *q, int rc)
{
	int err;

	if (rc == SQLITE_OK)
		rc = store_run(q);
	err = store_fail(s, rc);
	sqlite3_finalize(q);
	store_users_changed(s);
	return err;
}

int store_block_add(struct store *s, const struct user *u, const char *caller, uint16_t code)
{
	sqlite3_stmt *q = NULL;
	int rc = prepare(s, "INSERT INTO blocks (user, caller, code) VALUES (?1, ?2, ?3)", u,
			 caller, &q);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int(q, 3, code);
	return run(s, q, rc);
}

int store_block_del(struct store *s, const struct user *u, const char *caller)
{
	sqlite3_stmt *q = NULL;
	int rc = prepare(s, "DELETE FROM blocks WHERE user = ?1 AND caller = ?2", u, caller, &q);
	int err = run(s, q, rc);

	return !err && !sqlite3_changes(s->main.db) ? -ENOENT : err;
}

/* The end of a list: the error of the last step is said here. */
static int finish(struct store *s, sqlite3_stmt *q, int rc, int err)
{
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(q);
	if (!err)
		err = store_fail(s, rc);
	sqlite3_finalize(q);
	return err;
}

int store_blocks(struct store *s, const struct user *u, store_block_fn *fn, void *arg)
{
	sqlite3_stmt *q = NULL;
	int rc = prepare(s, "SELECT caller, code FROM blocks WHERE user = ?1 ORDER BY caller", u,
			 NULL, &q), err = 0;

	while (!err && rc == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		err = fn((const char *)sqlite3_column_text(q, 0),
			 (uint16_t)sqlite3_column_int(q, 1), arg);
	return finish(s, q, rc, err);
}

int store_screens(struct store *s, store_screen_fn *fn, void *arg)
{
	static const char sql[] =
		"WITH rules (user, caller, code) AS ("
		" SELECT id, NULL, 433 FROM users WHERE flags & 8"
		" UNION ALL SELECT user, caller, code FROM blocks)"
		" SELECT name, domain, caller, code FROM rules JOIN users ON id = user"
		" UNION ALL"
		" SELECT alias, domain, caller, code FROM rules JOIN aliases USING (user)";
	sqlite3_stmt *q = NULL;
	int rc = prepare(s, sql, NULL, NULL, &q), err = 0;

	while (!err && rc == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		err = fn((const char *)sqlite3_column_text(q, 0),
			 (const char *)sqlite3_column_text(q, 1),
			 (const char *)sqlite3_column_text(q, 2),
			 (uint16_t)sqlite3_column_int(q, 3), arg);
	return finish(s, q, rc, err);
}
