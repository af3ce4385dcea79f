/* SPDX-License-Identifier: BSD-2-Clause */
/* The file, its schema, and what SQLite's errors mean. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_sql.h"

#define APPLICATION 0x43476462	/* "CGdb" */
#define WHY 256
#define STRING_(x) #x
#define STRING(x) STRING_(x)

/* The schema: step N leads from version N to N + 1. A step that was released stays as it is. */
static const char *const steps[] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, domain TEXT NOT NULL,"
	" realm TEXT NOT NULL, flags INTEGER NOT NULL, max_contacts INTEGER NOT NULL,"
	" md5 BLOB, sha256 BLOB, sha512_256 BLOB, sources TEXT NOT NULL, UNIQUE (name, domain));"
	"CREATE TABLE aliases (alias TEXT NOT NULL, domain TEXT NOT NULL,"
	" user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,"
	" PRIMARY KEY (alias, domain)) WITHOUT ROWID;"
	"CREATE INDEX aliases_user ON aliases (user);",

	"CREATE TABLE contacts (id INTEGER PRIMARY KEY, aor TEXT NOT NULL, uri TEXT NOT NULL,"
	" call_id TEXT, path TEXT, instance TEXT, user_agent TEXT, params TEXT,"
	" flow BLOB NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,"
	" cseq INTEGER NOT NULL, reg_id INTEGER NOT NULL, q INTEGER NOT NULL,"
	" origin INTEGER NOT NULL);",

	"ALTER TABLE contacts ADD COLUMN gruu INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE users ADD COLUMN group_name TEXT NOT NULL DEFAULT '';",

	"CREATE TABLE blocks (user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,"
	" caller TEXT NOT NULL, code INTEGER NOT NULL, PRIMARY KEY (user, caller)) WITHOUT ROWID;"
	"CREATE INDEX users_named ON users (id) WHERE flags & 8;",
};
#define VERSION ((int)(sizeof(steps) / sizeof(steps[0])))

int store_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_TOOBIG:
		return -E2BIG;
	default:
		return -EIO;
	}
}

int store_fail(struct store *s, int rc)
{
	if (store_errno(rc))
		snprintf(s->said, sizeof(s->said), "%s", sqlite3_errmsg(s->main.db));
	return store_errno(rc);
}

const char *store_said(const struct store *s)
{
	return s->said;
}

int store_run(sqlite3_stmt *q)
{
	int rc;

	do
		rc = sqlite3_step(q);
	while (rc == SQLITE_ROW);
	/* says the same again, or in more words */
	return sqlite3_reset(q) == SQLITE_OK && rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- the file ---- */

static int check_folder(const char *path, struct stat *folder, char why[static WHY])
{
	char *copy = strdup(path);
	const char *name = copy ? dirname(copy) : ".";
	int err = 0;

	if (stat(name, folder)) {
		err = -errno;
		snprintf(why, WHY, "%.90s: %s: make the folder (mkdir -m 0750), or name another "
			 "file as 'database' in the configuration", name, strerror(-err));
	} else if (folder->st_mode & 0002 && !(folder->st_mode & S_ISVTX)) {
		err = -EPERM;
		snprintf(why, WHY, "%.90s: everybody may write in there, but a database of "
			 "passwords needs a folder of its own: chmod o-w it", name);
	}
	free(copy);
	return err;
}

/* A file that is made belongs to whom the folder does: root's command makes it for callgated. */
static int open_file(const char *path, const struct stat *folder, int *out, char why[static WHY])
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), err = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (!st.st_size && !geteuid() && fchown(fd, folder->st_uid, folder->st_gid))
		err = -errno;
	else if (st.st_mode & 0077 && fchmod(fd, 0600))
		err = -errno;
	if (err) {
		snprintf(why, WHY, "%.120s: %s: the database must be a file that this user may "
			 "write, on a disk that is not read-only", path, strerror(-err));
		if (fd >= 0)
			close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

/* @why: what SQLite's result means for the admin. */
static int explain(const struct store *s, int rc, char why[static WHY])
{
	/* a rollback has made SQLite forget what it said */
	bool knows = s->main.db && sqlite3_errcode(s->main.db) != SQLITE_OK;
	const char *said = knows ? sqlite3_errmsg(s->main.db) : sqlite3_errstr(rc);
	int err = store_errno(rc);
	const char *what =
		err == -EBUSY ? "another program holds it: end that ('fuser -v' names it)" :
		err == -ENOSPC ? "the disk is full: make room" :
		err == -EROFS ? "it cannot be written: check the rights and whether the disk is "
				"read-only" :
		err == -EUCLEAN ? "it is damaged: move it away and put a backup in its place, or "
				  "try 'sqlite3 FILE .recover'" :
		err == -ENOMEM ? "no memory" :
		"the disk does not do what it should: see the kernel's log";

	snprintf(why, WHY, "%.100s: %.60s: %s", s->path, said, what);
	return err;
}

/* ---- the schema ---- */

static int pragma(sqlite3 *db, const char *sql, int *value)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	if (rc == SQLITE_ROW && value)
		*value = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Keeps the file as it was: PATH.version-N. */
static int keep_copy(struct store *s, int version, char why[static WHY])
{
	char path[4096];
	sqlite3_stmt *q = NULL;
	int fd, rc;

	if ((size_t)snprintf(path, sizeof(path), "%s.version-%d", s->path, version) >= sizeof(path))
		return -ENAMETOOLONG;
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		snprintf(why, WHY, "%.120s: %s: no copy of the old database can be kept", path,
			 strerror(errno));
		return -errno;
	}
	rc = sqlite3_prepare_v2(s->main.db, "VACUUM INTO ?1", -1, &q, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(q, 1, path, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = store_run(q);
	sqlite3_finalize(q);
	if (rc == SQLITE_OK && fsync(fd))
		rc = SQLITE_IOERR;
	close(fd);
	return rc == SQLITE_OK ? 0 : explain(s, rc, why);
}

static int step_up(struct store *s, int version)
{
	char set[64];
	int rc = sqlite3_exec(s->main.db, steps[version], NULL, NULL, NULL);

	snprintf(set, sizeof(set), "PRAGMA user_version = %d", version + 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->main.db, set, NULL, NULL, NULL);
	return rc;
}

static int read_version(struct store *s, int *version, int *application)
{
	int rc = pragma(s->main.db, "PRAGMA user_version", version);

	return rc == SQLITE_OK ? pragma(s->main.db, "PRAGMA application_id", application) : rc;
}

/* Several programs may find an old schema at once: the one that gets the lock does the work. */
static int migrate(struct store *s)
{
	sqlite3 *db = s->main.db;
	int version = 0, application = 0;
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = read_version(s, &version, &application);
	if (rc == SQLITE_OK && !application)
		rc = sqlite3_exec(db, "PRAGMA application_id = 1128752226", NULL, NULL, NULL);
	for (; rc == SQLITE_OK && version < VERSION; version++)
		rc = step_up(s, version);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(db)) {
		int was = rc;

		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		rc = was;
	}
	return rc;
}

static int check_schema(struct store *s, char why[static WHY])
{
	int version = 0, application = 0, tables = 0;
	int rc = read_version(s, &version, &application), err = 0;

	if (rc == SQLITE_OK)
		rc = pragma(s->main.db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc != SQLITE_OK)
		return explain(s, rc, why);
	if (application != APPLICATION && (application || tables)) {
		snprintf(why, WHY, "%.120s: this is a database of another program: name another "
			 "file", s->path);
		return -EINVAL;
	}
	if (version > VERSION) {
		snprintf(why, WHY, "%.120s: made by a newer callgate (schema %d, this one knows "
			 "%d): install that version, or move the file away", s->path, version,
			 VERSION);
		return -EPROTO;
	}
	if (version == VERSION)
		return 0;
	if (version)
		err = keep_copy(s, version, why);
	if (err)
		return err;
	rc = migrate(s);
	return rc == SQLITE_OK ? 0 : explain(s, rc, why);
}

/* ---- connections ---- */

static int prepare(struct store_link *l)
{
	static const char *const sql[] = { "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK" };
	sqlite3_stmt **const q[] = { &l->begin, &l->commit, &l->rollback };
	int rc = SQLITE_OK;

	for (unsigned int i = 0; i < 3 && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(l->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, q[i], NULL);
	return rc;
}

/* Without statements: the schema may not be there yet. */
static int connect_db(const struct store *s, struct store_link *l)
{
	/* small pages: a renewal writes one, wherever it is (8.5 us of CPU; 11.3 with 4096) */
	static const char setup[] =
		"PRAGMA page_size = 1024; PRAGMA foreign_keys = ON;"
		"PRAGMA journal_size_limit = " STRING(STORE_LOG_MAX) ";"
		"PRAGMA wal_autocheckpoint = " STRING(STORE_LOG_PAGES) ";"
		"PRAGMA cache_size = -16384;";
	int keep = 1, rc;

	rc = sqlite3_open_v2(s->path, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(l->db, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(l->db, STORE_BUSY_MS);
	/* a full disk must not keep the next start from making these files again */
	if (rc == SQLITE_OK)
		sqlite3_file_control(l->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
	return rc == SQLITE_OK ? sqlite3_exec(l->db, setup, NULL, NULL, NULL) : rc;
}

void store_link_close(struct store_link *l)
{
	sqlite3_stmt *const q[] = { l->begin, l->commit, l->rollback, l->put, l->drop, l->reserve,
				    l->version };

	for (unsigned int i = 0; i < sizeof(q) / sizeof(q[0]); i++)
		sqlite3_finalize(q[i]);
	sqlite3_close(l->db);
	memset(l, 0, sizeof(*l));
}

/* Instead of SQLite's own, which empties the log within a commit. */
static int log_grew(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store_link *l = arg;

	(void)db;
	(void)name;
	l->log_pages = pages;
	return SQLITE_OK;
}

int store_link_open(const struct store *s, struct store_link *l)
{
	const char *sync = s->threaded && s->durability != STORE_STRICT ?
		"PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL";
	int rc = connect_db(s, l);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(l->db, sync, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = prepare(l);
	if (rc == SQLITE_OK)
		rc = store_contacts_prepare(l);
	if (rc == SQLITE_OK && s->threaded)
		sqlite3_wal_hook(l->db, log_grew, l);
	if (rc != SQLITE_OK)
		store_link_close(l);
	return rc;
}

/* WAL, which the file remembers. */
static int open_main(struct store *s, char why[static WHY])
{
	char mode[8] = "";
	sqlite3_stmt *q = NULL;
	int rc = connect_db(s, &s->main), err;

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(s->main.db, "PRAGMA journal_mode = WAL", -1, &q, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		snprintf(mode, sizeof(mode), "%s", (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	if (rc != SQLITE_ROW)
		return explain(s, rc, why);
	if (strcmp(mode, "wal"))
		return explain(s, SQLITE_READONLY, why);
	err = check_schema(s, why);
	if (err)
		return err;
	rc = prepare(&s->main);
	if (rc == SQLITE_OK)
		rc = store_contacts_prepare(&s->main);
	return rc == SQLITE_OK ? 0 : explain(s, rc, why);
}

/* Ids that were given before are not given again, also those of contacts that are gone. */
static int read_next_id(struct store *s)
{
	static const char sql[] =
		"SELECT max(coalesce((SELECT value FROM meta WHERE name = 'next_id'), 1),"
		" coalesce((SELECT max(id) + 1 FROM contacts), 1))";
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, sql, -1, &q, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		s->next_id = s->reserved = (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int open_locked(struct store *s, char why[static WHY])
{
	struct stat folder;
	int err = check_folder(s->path, &folder, why);

	if (!err)
		err = open_file(s->path, &folder, &s->file, why);
	if (err)
		return err;
	if (s->threaded && flock(s->file, LOCK_EX | LOCK_NB)) {
		snprintf(why, WHY, "%.120s: another callgated uses this database: stop it, or name "
			 "another file as 'database' in the configuration", s->path);
		return -EBUSY;
	}
	if (!s->threaded) {
		/* SQLite's locks go when any descriptor of the file is closed: not later, then */
		close(s->file);
		s->file = -1;
	}
	return open_main(s, why);
}

int store_open(const struct store_options *o, struct store **out, char why[static WHY])
{
	struct store *s = calloc(1, sizeof(*s));
	int err, rc;

	snprintf(why, WHY, "%.120s: no memory", o->path);
	if (!s)
		return -ENOMEM;
	/* nobody asks SQLite what it has allocated: no counting, under a lock, for each row */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	s->file = -1;
	s->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->path = strdup(o->path);
	s->durability = o->durability;
	s->warn = o->warn;
	s->threaded = !o->no_writer;
	pthread_mutex_init(&s->lock, NULL);
	err = s->event < 0 ? -errno : s->path ? 0 : -ENOMEM;
	if (!err)
		err = open_locked(s, why);
	if (err)
		goto out;
	rc = read_next_id(s);
	if (rc == SQLITE_OK)
		rc = store_users_open(s);
	err = rc == SQLITE_OK ? store_writer_start(s) : store_errno(rc);
	if (err)
		explain(s, rc == SQLITE_OK ? SQLITE_NOMEM : rc, why);
out:
	if (err) {
		store_close(s);
		s = NULL;
	} else {
		why[0] = '\0';
	}
	*out = s;
	return err;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_writer_stop(s);
	store_users_close(s);
	store_link_close(&s->own);
	store_link_close(&s->main);
	if (s->file >= 0)
		close(s->file);
	if (s->event >= 0)
		close(s->event);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}
