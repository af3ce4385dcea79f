/* SPDX-License-Identifier: BSD-2-Clause */
/* The store's file and its bindings: what is kept, in which order, and what is refused at open. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store.h"
#include "t.h"

static char folder[64] = "/tmp/callgate-store-XXXXXX";
static char path[128];

static void clean(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".version-1", ".version-2",
					    ".version-3", ".version-4" };
	char name[160];

	for (unsigned int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

static unsigned int warnings;

static void __attribute__((format(printf, 1, 2))) warn(const char *format, ...)
{
	warnings += strstr(format, "registrations") != NULL;
}

static struct store *open_store(uint8_t durability, bool no_writer)
{
	const struct store_options o = {
		.path = path, .durability = durability, .no_writer = no_writer, .warn = warn,
	};
	struct store *s = NULL;
	char why[256];
	int err = store_open(&o, &s, why);

	T_OK(!err && s && !*why, "open: %d %s", err, why);
	if (!s)
		exit(1);
	return s;
}

/* Fails with @want, and says something with @word in it. */
static void refused(int want, const char *word)
{
	const struct store_options o = { .path = path };
	struct store *s = NULL;
	char why[256];
	int err = store_open(&o, &s, why);

	T_OK(err == want && !s, "gives %d, not %d", err, want);
	T_OK(strstr(why, word) && strstr(why, folder) && !strchr(why, '\n'), "says: %s", why);
	store_close(s);
}

static void sql(const char *text)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open(path, &db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	T_OK(rc == SQLITE_OK, "%s: %s", text, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int number(const char *text)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *q = NULL;
	int n = -1;

	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, text, -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return n;
}

/* ---- changes ---- */

static struct contact full(uint64_t id)
{
	struct contact c = {
		.uri = (char *)"sip:alice@192.0.2.7:5062;transport=udp", .call_id = (char *)"c1@h",
		.path = (char *)"<sip:p1.example;lr>,<sip:p2.example;lr>",
		.instance = (char *)"urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF",
		.user_agent = (char *)"Phone/1.0", .params = (char *)";methods=\"INVITE\"",
		.id = id, .since = 1700000000123, .until = 4000000000456, .cseq = 4294967295u,
		.reg_id = 2147483647, .q = 700, .origin = ORIGIN_PASSIVE,
		.gruu = 0xfedcba9876543210,
	};

	c.flow = (struct sip_flow){
		.local = { .len = 4, .addr = { 192, 0, 2, 1 }, .port = 5060 },
		.remote = { .len = 16, .addr = { 0x20, 1, 0xd, 0xb8, [15] = 9 }, .port = 65535 },
		.ifindex = 70000, .transport = 3, .zone = ZONE_OUTSIDE,
	};
	return c;
}

static unsigned int ended;
static int last_result;

static void done(int result, void *arg)
{
	unsigned int *seen = arg;

	ended++;
	last_result = result;
	if (seen)
		*seen = ended;
}

/* Until @n changes more have ended. */
static void finish(struct store *s, unsigned int n)
{
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };

	for (n += ended; ended < n;) {
		if (poll(&p, 1, 10000) != 1) {
			T_OK(0, "no answer of the writer");
			return;
		}
		store_done(s);
	}
}

static int put(struct store *s, const struct contact *c, unsigned int *seen)
{
	const struct location_change change = {
		.aor = "alice@office.example", .put = c, .n_put = 1,
	};

	return store_change(s, &change, done, seen);
}

static struct contact seen;
static char seen_aor[64], seen_text[256];
static unsigned int n_seen;

static int see(const char *aor, const struct contact *c, void *arg)
{
	snprintf(seen_aor, sizeof(seen_aor), "%s", aor);
	snprintf(seen_text, sizeof(seen_text), "%s|%s|%s|%s|%s|%s", c->uri, c->call_id, c->path,
		 c->instance, c->user_agent, c->params);
	seen = *c;
	n_seen++;
	return arg ? *(int *)arg : 0;
}

static void test_contact(bool no_writer)
{
	struct store *s = open_store(STORE_STRICT, no_writer);
	struct contact c = full(store_next_id(s)), bare;
	char text[256];
	int stop = 42;

	n_seen = 0;
	T_OK(c.id == 1, "the first id is %llu", (unsigned long long)c.id);
	T_OK(!put(s, &c, NULL), "queued");
	if (!no_writer)
		finish(s, 1);
	T_OK(ended && !last_result, "done");
	store_close(s);
	s = open_store(STORE_STRICT, no_writer);
	T_OK(!store_contacts(s, see, NULL) && n_seen == 1, "one contact");
	snprintf(text, sizeof(text), "%s|%s|%s|%s|%s|%s", c.uri, c.call_id, c.path, c.instance,
		 c.user_agent, c.params);
	T_OK(!strcmp(seen_aor, "alice@office.example") && !strcmp(seen_text, text), "its texts");
	T_OK(!memcmp(&seen.flow, &c.flow, sizeof(c.flow)), "its flow");
	T_OK(seen.id == c.id && seen.since == c.since && seen.until == c.until, "id and times");
	T_OK(seen.cseq == c.cseq && seen.reg_id == c.reg_id && seen.q == c.q, "numbers");
	T_OK(seen.origin == ORIGIN_PASSIVE && seen.gruu == c.gruu, "origin, GRUUs");
	T_OK(store_contacts(s, see, &stop) == 42, "the result of the function");
	T_OK(store_next_id(s) > c.id, "the next id is new");
	bare = (struct contact){ .id = c.id, .uri = c.uri, .call_id = c.call_id };
	T_OK(!put(s, &bare, NULL), "renewed with less");
	if (!no_writer)
		finish(s, 1);
	T_OK(!store_contacts(s, see, NULL), "read again");
	T_OK(!seen.path && !seen.params && !seen.until && !seen.flow.local.len && !seen.gruu,
	     "left out");
	T_OK(store_contacts_drop(s, "nobody@office.example") == 0, "nothing to drop");
	T_OK(store_contacts_drop(s, "alice@office.example") == 1, "dropped");
	store_close(s);
	clean();
}

/* A contact that went before the restart keeps its id for itself. */
static void test_ids(void)
{
	struct store *s = open_store(STORE_STRICT, false);
	struct contact c = full(0);
	uint64_t drop;
	struct location_change change = { .aor = "a@b", .drop = &drop, .n_drop = 1 };

	for (int i = 0; i < 1500; i++) {
		c.id = store_next_id(s);
		put(s, &c, NULL);
	}
	finish(s, 1500);
	drop = c.id;
	T_OK(!store_change(s, &change, done, NULL), "drop the newest");
	finish(s, 1);
	store_close(s);
	T_OK(number("SELECT count(*) FROM contacts") == 1499, "1499 stay");
	s = open_store(STORE_STRICT, false);
	T_OK(store_next_id(s) > c.id, "an id is given twice");
	store_close(s);
	clean();
}

static void test_order(uint8_t durability)
{
	struct store *s = open_store(durability, false);
	unsigned int at[300], wrong = 0, base = ended;
	struct store_counters n;
	struct contact c = full(7);

	for (unsigned int i = 0; i < 300; i++) {
		c.cseq = i;
		T_OK(!put(s, &c, &at[i]), "queued");
	}
	finish(s, 300);
	for (unsigned int i = 0; i < 300; i++)
		wrong += at[i] != base + i + 1;
	T_OK(!wrong, "%u answers out of order", wrong);
	store_counters(s, &n);
	T_OK(n.changes == 300 && !n.failed && !n.queued, "%llu changes",
	     (unsigned long long)n.changes);
	T_OK(n.commits && n.commits < 150, "%llu commits for 300 changes",
	     (unsigned long long)n.commits);
	n_seen = 0;
	store_contacts(s, see, NULL);
	T_OK(n_seen == 1 && seen.cseq == 299, "the last one stays");
	store_close(s);
	clean();
}

/* What is queued at the close is kept, and answered. */
static void test_close(void)
{
	struct store *s = open_store(STORE_1S, false);
	unsigned int before = ended;
	struct contact c = full(0);

	for (unsigned int i = 0; i < 1000; i++) {
		c.id = store_next_id(s);
		put(s, &c, NULL);
	}
	store_close(s);
	T_OK(ended == before + 1000, "%u answers", ended - before);
	T_OK(number("SELECT count(*) FROM contacts") == 1000, "all are there");
	clean();
}

static void test_full_queue(void)
{
	struct store *s = open_store(STORE_STRICT, false);
	struct contact c = full(1);
	unsigned int n = 0;
	sqlite3 *db = NULL;
	int err = 0;

	/* a lock of another program keeps the writer waiting */
	T_OK(sqlite3_open(path, &db) == SQLITE_OK &&
	     sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, "lock");
	for (; !err && n < 100000; n++)
		err = put(s, &c, NULL);
	T_OK(err == -EBUSY && n > 60000 && n < 70000, "%d after %u", err, n);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	finish(s, n - 1);
	T_OK(!last_result && !put(s, &c, NULL), "there is room again");
	store_close(s);
	clean();
}

/* Another program that does not let go: said so after a bounded time, and over when it is. */
static void test_locked(void)
{
	struct store *s = open_store(STORE_STRICT, false);
	struct contact c = full(1);
	sqlite3 *db = NULL;

	warnings = 0;
	T_OK(sqlite3_open(path, &db) == SQLITE_OK &&
	     sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, "lock");
	put(s, &c, NULL);
	finish(s, 1);
	T_OK(last_result == -EBUSY && warnings == 1, "gives %d", last_result);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	put(s, &c, NULL);
	finish(s, 1);
	T_OK(!last_result && warnings == 2, "gives %d", last_result);
	store_close(s);
	clean();
}

/* One change that cannot be kept does not fail its neighbours. */
static void test_bad_neighbour(void)
{
	struct store *s = open_store(STORE_STRICT, false);
	struct contact c = full(0);
	unsigned int at = ended;

	sql("CREATE TRIGGER no BEFORE INSERT ON contacts WHEN NEW.cseq = 13"
	    " BEGIN SELECT raise(ABORT, 'no'); END");
	for (unsigned int i = 0; i < 40; i++) {
		c.id = store_next_id(s);
		c.cseq = i % 20;
		put(s, &c, NULL);
	}
	finish(s, 40);
	T_OK(ended == at + 40, "all answered");
	store_close(s);
	T_OK(number("SELECT count(*) FROM contacts") == 38, "%d of 38 kept",
	     number("SELECT count(*) FROM contacts"));
	clean();
}

static void test_expire(void)
{
	struct store *s = open_store(STORE_STRICT, true);
	struct contact c = full(1);

	put(s, &c, NULL);
	c.id = 2;
	c.until = 1000;
	put(s, &c, NULL);
	T_OK(!store_expire(s, 1000), "expire");
	n_seen = 0;
	store_contacts(s, see, NULL);
	T_OK(n_seen == 1 && seen.id == 1, "the one that has not ended");
	store_close(s);
	clean();
}

/* ---- the file ---- */

static mode_t mode_of(const char *end)
{
	char name[160];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, end);
	return stat(name, &st) ? 0 : st.st_mode & 0777;
}

static void test_modes(void)
{
	struct store *s;
	mode_t was = umask(0);

	s = open_store(STORE_STRICT, false);
	T_OK(mode_of("") == 0600 && mode_of("-wal") == 0600 && mode_of("-shm") == 0600,
	     "others may read: %o", mode_of(""));
	store_close(s);
	chmod(path, 0644);
	store_close(open_store(STORE_STRICT, false));
	T_OK(mode_of("") == 0600, "a file that others may read stays so");
	umask(was);
	clean();
}

static off_t log_size(void)
{
	char name[160];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", path);
	return stat(name, &st) ? -1 : st.st_size;
}

/* The log grows once for many commits; what is behind its end is no change. */
static void test_log(void)
{
	struct store *s = open_store(STORE_STRICT, false);
	off_t first, last = 0;
	unsigned int grown = 0;

	for (uint64_t i = 1; i <= 2000; i++) {
		struct contact c = full(i % 50 + 1);

		c.cseq = (uint32_t)i;
		T_OK(!put(s, &c, NULL), "put");
		finish(s, 1);
		first = last;
		last = log_size();
		grown += last > first;
	}
	T_OK(grown > 1 && grown < 10 && last > 2000 * 1024, "grown %u times, to %lld bytes", grown,
	     (long long)last);
	T_OK(number("SELECT count(*) FROM contacts WHERE cseq > 1950") == 50, "all is there");
	store_close(s);
	T_OK(number("SELECT count(*) FROM contacts WHERE cseq > 1950") == 50, "and stays");
	clean();
}

static void test_folder(void)
{
	char good[sizeof(path)];

	strcpy(good, path);
	snprintf(path, sizeof(path), "%s/none/callgate.db", folder);
	refused(-ENOENT, "make the folder");
	snprintf(path, sizeof(path), "%s", folder);
	refused(-EISDIR, "must be a file");
	strcpy(path, good);
	chmod(folder, 0777);
	refused(-EPERM, "everybody may write");
	chmod(folder, 0700);
	T_OK(!symlink("/etc/passwd", path), "link");
	refused(-ELOOP, "must be a file");
	unlink(path);
}

/* A file that callgated may not write. In a child without rights: root may. */
static void test_read_only(void)
{
	int status = 0;
	pid_t pid;

	store_close(open_store(STORE_STRICT, false));
	if (geteuid()) {
		t_skipped++;
		return;
	}
	T_OK(!chown(folder, 65534, 65534) && !chown(path, 65534, 65534) && !chmod(path, 0400),
	     "a file of nobody's");
	pid = fork();
	if (!pid) {
		t_failed = 0;
		if (setgid(65534) || setuid(65534))
			_exit(2);
		refused(-EACCES, "may write");
		_exit(t_failed != 0);
	}
	T_OK(waitpid(pid, &status, 0) == pid && !status, "it says so");
	T_OK(!chown(folder, 0, 0), "back");
	clean();
}

static void test_foreign(void)
{
	int fd;

	sql("CREATE TABLE t (x)");
	refused(-EINVAL, "another program");
	clean();
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	T_OK(write(fd, "this is no database, but it is long enough to be looked at as if it "
		   "were one, for its first hundred bytes at least", 114) == 114, "write");
	close(fd);
	refused(-EUCLEAN, "damaged");
	clean();
}

static void test_newer(void)
{
	store_close(open_store(STORE_STRICT, false));
	sql("PRAGMA user_version = 99");
	refused(-EPROTO, "newer callgate (schema 99");
	T_OK(number("PRAGMA user_version") == 99, "it was changed");
	clean();
}

static void test_migration(void)
{
	struct store *s;
	char copy[160];

	/* version 1 had users only */
	store_close(open_store(STORE_STRICT, false));
	sql("DROP TABLE blocks; DROP INDEX users_named; DROP TABLE contacts;"
	    "ALTER TABLE users DROP COLUMN group_name;"
	    "PRAGMA user_version = 1;"
	    "INSERT INTO users (name, domain, realm, flags, max_contacts, sources)"
	    " VALUES ('old', 'office.example', 'r', 0, 0, '')");
	s = open_store(STORE_STRICT, false);
	n_seen = 0;
	T_OK(!store_contacts(s, see, NULL), "the new table");
	T_OK(mode_of(".version-1") == 0600, "a copy is kept, for us alone");
	store_close(s);
	T_OK(number("SELECT count(*) FROM users") == 1, "the user is there");
	T_OK(number("PRAGMA user_version") == 4, "the new version");
	snprintf(copy, sizeof(copy), "%s", path);
	strcat(path, ".version-1");
	T_OK(number("PRAGMA user_version") == 1 && number("SELECT count(*) FROM users") == 1,
	     "the copy is the old one");
	strcpy(path, copy);
	clean();
	/* a new file leaves no copy */
	store_close(open_store(STORE_STRICT, false));
	T_OK(!mode_of(".version-1") && !mode_of(".version-2") && !mode_of(".version-0"), "a copy");
	clean();
}

/* Version 2 had neither GRUUs nor groups: what it kept is read as it was. */
static void test_migration_2(void)
{
	struct store *s = open_store(STORE_STRICT, false);
	struct contact c = full(store_next_id(s));
	struct user u = { .id = 0 };

	T_OK(!put(s, &c, NULL), "queued");
	finish(s, 1);
	store_close(s);
	sql("DROP TABLE blocks; DROP INDEX users_named;"
	    "ALTER TABLE contacts DROP COLUMN gruu; ALTER TABLE users DROP COLUMN group_name;"
	    "PRAGMA user_version = 2;"
	    "INSERT INTO users (name, domain, realm, flags, max_contacts, sources)"
	    " VALUES ('old', 'office.example', 'r', 0, 7, 'lan0')");
	s = open_store(STORE_STRICT, false);
	n_seen = 0;
	T_OK(!store_contacts(s, see, NULL) && n_seen == 1, "the contact");
	T_OK(seen.id == c.id && seen.until == c.until && seen.origin == c.origin && !seen.gruu &&
	     !memcmp(&seen.flow, &c.flow, sizeof(c.flow)), "as it was, without GRUUs");
	T_OK(!store_user(s, "old", "office.example", &u) && u.max_contacts == 7 && !*u.group &&
	     !strcmp(u.sources, "lan0"), "the user, without a group");
	T_OK(mode_of(".version-2") == 0600, "a copy is kept, for us alone");
	T_OK(!put(s, &c, NULL), "and now with them");
	finish(s, 1);
	store_close(s);
	T_OK(number("PRAGMA user_version") == 4 &&
	     number("SELECT count(*) FROM contacts WHERE gruu != 0") == 1, "the new version");
	clean();
}

/* One database, one callgated. In a child, as a program's own locks do not stop it. */
static void test_two(void)
{
	struct store *s = open_store(STORE_STRICT, false);
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		t_failed = 0;
		refused(-EBUSY, "another callgated");
		_exit(t_failed != 0);
	}
	T_OK(waitpid(pid, &status, 0) == pid && !status, "a second callgated");
	pid = fork();
	if (!pid) {
		t_failed = 0;
		store_close(open_store(STORE_STRICT, true));
		_exit(t_failed != 0);
	}
	T_OK(waitpid(pid, &status, 0) == pid && !status, "the command beside callgated");
	store_close(s);
	clean();
}

/* Damage in the middle of the file is seen when the contacts are read, and said. */
static void test_corrupt(void)
{
	struct store *s = open_store(STORE_STRICT, false);
	struct contact c = full(0);
	char garbage[4096];
	int fd;

	for (unsigned int i = 0; i < 2000; i++) {
		c.id = store_next_id(s);
		put(s, &c, NULL);
	}
	finish(s, 2000);
	store_close(s);
	memset(garbage, 0xa5, sizeof(garbage));
	fd = open(path, O_WRONLY);
	for (int i = 20; i < 60; i++)
		T_OK(pwrite(fd, garbage, sizeof(garbage), i * 4096l) == 4096, "write");
	close(fd);
	s = open_store(STORE_STRICT, false);
	T_OK(store_contacts(s, see, NULL) == -EUCLEAN && *store_said(s), "says '%s'",
	     store_said(s));
	store_close(s);
	clean();
	/* a row that does not make sense */
	s = open_store(STORE_STRICT, true);
	put(s, &c, NULL);
	store_close(s);
	sql("UPDATE contacts SET flow = x'0011'");
	s = open_store(STORE_STRICT, false);
	T_OK(store_contacts(s, see, NULL) == -EUCLEAN && strstr(store_said(s), "not readable"),
	     "says '%s'", store_said(s));
	store_close(s);
	clean();
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/callgate.db", folder);
	test_contact(false);
	test_contact(true);
	test_ids();
	test_order(STORE_STRICT);
	test_order(STORE_1S);
	test_order(STORE_NONE);
	test_close();
	test_full_queue();
	test_locked();
	test_bad_neighbour();
	test_expire();
	test_modes();
	test_log();
	test_folder();
	test_read_only();
	test_foreign();
	test_newer();
	test_migration();
	test_migration_2();
	test_two();
	test_corrupt();
	rmdir(folder);
	return t_end("store");
}
