/* SPDX-License-Identifier: BSD-2-Clause */
/* Bindings as rows. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_sql.h"

/* A flow on disk, in network order. Its size tells the version. */
struct packed_flow {
	uint8_t transport, zone, local_len, remote_len;
	uint16_t local_port, remote_port;
	uint32_t ifindex;
	uint8_t local[16], remote[16];
};

_Static_assert(sizeof(struct packed_flow) == 44, "it is written as it is");

static void pack(const struct sip_flow *f, struct packed_flow *p)
{
	*p = (struct packed_flow){
		.transport = f->transport, .zone = f->zone,
		.local_len = f->local.len, .remote_len = f->remote.len,
		.local_port = htons(f->local.port), .remote_port = htons(f->remote.port),
		.ifindex = htonl(f->ifindex),
	};
	memcpy(p->local, f->local.addr, sizeof(p->local));
	memcpy(p->remote, f->remote.addr, sizeof(p->remote));
}

static bool unpack(const void *blob, int size, struct sip_flow *f)
{
	struct packed_flow p;

	memset(f, 0, sizeof(*f));
	if (!blob || size != sizeof(p))
		return false;
	memcpy(&p, blob, sizeof(p));
	if ((p.local_len && p.local_len != 4 && p.local_len != 16) ||
	    (p.remote_len && p.remote_len != 4 && p.remote_len != 16))
		return false;
	f->transport = p.transport;
	f->zone = p.zone;
	f->local.len = p.local_len;
	f->remote.len = p.remote_len;
	f->local.port = ntohs(p.local_port);
	f->remote.port = ntohs(p.remote_port);
	f->ifindex = ntohl(p.ifindex);
	memcpy(f->local.addr, p.local, sizeof(p.local));
	memcpy(f->remote.addr, p.remote, sizeof(p.remote));
	return true;
}

/* ---- one change ---- */

int store_contacts_prepare(struct store_link *l)
{
	static const char put[] =
		"INSERT OR REPLACE INTO contacts VALUES"
		" (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
	const char *const sql[] = {
		put,
		"DELETE FROM contacts WHERE id = ?1",
		"INSERT OR REPLACE INTO meta VALUES ('next_id', ?1)",
		"PRAGMA data_version",
	};
	sqlite3_stmt **const q[] = { &l->put, &l->drop, &l->reserve, &l->version };
	int rc = SQLITE_OK;

	for (unsigned int i = 0; i < 4 && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(l->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, q[i], NULL);
	return rc;
}

/* Text that lives until the statement was run. NULL is NULL. */
static int bind_text(sqlite3_stmt *q, int at, const char *text)
{
	return sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC);
}

static int put(sqlite3_stmt *q, const char *aor, const struct contact *c)
{
	const char *const texts[] = {
		aor, c->uri, c->call_id, c->path, c->instance, c->user_agent, c->params,
	};
	const int64_t numbers[] = {
		(int64_t)c->since, (int64_t)c->until, c->cseq, c->reg_id, c->q, c->origin,
		(int64_t)c->gruu,
	};
	struct packed_flow flow;
	int rc = sqlite3_bind_int64(q, 1, (int64_t)c->id);

	pack(&c->flow, &flow);
	for (int i = 0; i < 7 && rc == SQLITE_OK; i++)
		rc = bind_text(q, 2 + i, texts[i]);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob(q, 9, &flow, sizeof(flow), SQLITE_STATIC);
	for (int i = 0; i < 7 && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_int64(q, 10 + i, numbers[i]);
	return rc == SQLITE_OK ? store_run(q) : rc;
}

int store_contacts_apply(struct store_link *l, const struct store_change *c)
{
	int rc = SQLITE_OK;

	for (uint32_t i = 0; i < c->n_drop && rc == SQLITE_OK; i++) {
		rc = sqlite3_bind_int64(l->drop, 1, (int64_t)c->drop[i]);
		if (rc == SQLITE_OK)
			rc = store_run(l->drop);
	}
	for (uint32_t i = 0; i < c->n_put && rc == SQLITE_OK; i++)
		rc = put(l->put, c->aor, &c->put[i]);
	return rc;
}

int store_contacts_reserve(struct store_link *l, uint64_t below)
{
	int rc = sqlite3_bind_int64(l->reserve, 1, (int64_t)below);

	return rc == SQLITE_OK ? store_run(l->reserve) : rc;
}

uint64_t store_next_id(struct store *s)
{
	return s->next_id++;
}

/* ---- a copy of a change, in one block ---- */

static size_t text_size(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static size_t contact_size(const struct contact *c)
{
	return sizeof(*c) + text_size(c->uri) + text_size(c->call_id) + text_size(c->path) +
	       text_size(c->instance) + text_size(c->user_agent) + text_size(c->params);
}

static char *text_copy(char **room, const char *s)
{
	char *at = *room;

	if (!s)
		return NULL;
	*room = stpcpy(at, s) + 1;
	return at;
}

struct store_change *store_change_copy(const struct location_change *c)
{
	size_t size = sizeof(struct store_change) + c->n_drop * sizeof(c->drop[0]) +
		      text_size(c->aor);
	struct store_change *new;
	uint64_t *drop;
	char *room;

	for (uint32_t i = 0; i < c->n_put; i++)
		size += contact_size(&c->put[i]);
	new = malloc(size);
	if (!new)
		return NULL;
	*new = (struct store_change){ .size = size, .n_put = c->n_put, .n_drop = c->n_drop };
	drop = (uint64_t *)(new + 1);
	new->put = (struct contact *)(drop + c->n_drop);
	room = (char *)(new->put + c->n_put);
	if (c->n_drop)
		memcpy(drop, c->drop, c->n_drop * sizeof(*drop));
	new->drop = drop;
	new->aor = text_copy(&room, c->aor);
	for (uint32_t i = 0; i < c->n_put; i++) {
		struct contact *p = &new->put[i];

		*p = c->put[i];
		p->uri = text_copy(&room, p->uri);
		p->call_id = text_copy(&room, p->call_id);
		p->path = text_copy(&room, p->path);
		p->instance = text_copy(&room, p->instance);
		p->user_agent = text_copy(&room, p->user_agent);
		p->params = text_copy(&room, p->params);
	}
	return new;
}

/* ---- all ---- */

static char *column(sqlite3_stmt *q, int at)
{
	return (char *)(uintptr_t)sqlite3_column_text(q, at);
}

/* False: a row that callgated did not write. */
static bool read_row(sqlite3_stmt *q, struct contact *c)
{
	*c = (struct contact){
		.id = (uint64_t)sqlite3_column_int64(q, 0),
		.uri = column(q, 2), .call_id = column(q, 3), .path = column(q, 4),
		.instance = column(q, 5), .user_agent = column(q, 6), .params = column(q, 7),
		.since = (uint64_t)sqlite3_column_int64(q, 9),
		.until = (uint64_t)sqlite3_column_int64(q, 10),
		.cseq = (uint32_t)sqlite3_column_int64(q, 11),
		.reg_id = (uint32_t)sqlite3_column_int64(q, 12),
		.q = (uint16_t)sqlite3_column_int(q, 13),
		.origin = (uint8_t)sqlite3_column_int(q, 14),
		.gruu = (uint64_t)sqlite3_column_int64(q, 15),
	};
	return c->uri && c->call_id && c->id && c->q <= 1000 && c->origin <= ORIGIN_RELAYED &&
	       unpack(sqlite3_column_blob(q, 8), sqlite3_column_bytes(q, 8), &c->flow);
}

int store_contacts(struct store *s, store_contact_fn *fn, void *arg)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, "SELECT * FROM contacts", -1, &q, NULL), err = 0;

	if (rc == SQLITE_OK) {
		struct contact c;

		while (!err && (rc = sqlite3_step(q)) == SQLITE_ROW)
			err = read_row(q, &c) && column(q, 1) ? fn(column(q, 1), &c, arg) :
			      -EUCLEAN;
	}
	if (err == -EUCLEAN)
		snprintf(s->said, sizeof(s->said), "%.100s: contact %lld is not readable", s->path,
			 (long long)sqlite3_column_int64(q, 0));
	else if (!err)
		err = store_fail(s, rc);
	sqlite3_finalize(q);
	/* they were read once, for the table of locations */
	sqlite3_db_release_memory(s->main.db);
	return err;
}

/* One statement with one value; the number of rows it changed, or -errno. */
static int change_rows(struct store *s, const char *sql, const char *text, uint64_t number)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->main.db, sql, -1, &q, NULL), err;

	if (rc == SQLITE_OK)
		rc = text ? bind_text(q, 1, text) : sqlite3_bind_int64(q, 1, (int64_t)number);
	if (rc == SQLITE_OK)
		rc = store_run(q);
	err = store_fail(s, rc);
	sqlite3_finalize(q);
	return err ? err : sqlite3_changes(s->main.db);
}

int store_expire(struct store *s, uint64_t now)
{
	int n = change_rows(s, "DELETE FROM contacts WHERE until <= ?1", NULL, now);

	return n < 0 ? n : 0;
}

int store_contacts_drop(struct store *s, const char *aor)
{
	return change_rows(s, "DELETE FROM contacts WHERE aor = ?1", aor, 0);
}
