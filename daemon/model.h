/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model: what the kernel tells, as C structures, and one table for each that says what it is made
 * of. kernel.c fills them by the tables, json.c prints them by the tables. Units and meanings are
 * those of uapi/callgate.h.
 *
 * Each structure begins with .has: bit N is set when field N of its table is there. Strings and
 * lists belong to the structure; model_free() frees what is in it, not the structure itself.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct endpoint {
	uint8_t len;		/* of the address: 4, 16, or 0: not there */
	uint8_t addr[16];
	uint16_t port;		/* host order */
};

static inline bool endpoint_same_host(const struct endpoint *a, const struct endpoint *b)
{
	return a->len == b->len && !memcmp(a->addr, b->addr, a->len);
}

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && endpoint_same_host(a, b);
}

/* 0.0.0.0 or ::, or not there. */
static inline bool endpoint_is_any(const struct endpoint *e)
{
	static const uint8_t any[16];

	return !memcmp(e->addr, any, e->len);
}

struct prefix {
	uint8_t len;		/* of the address: 4, 16, or 0: not there */
	uint8_t addr[16];
	uint8_t bits;
};

struct list {
	void *items;
	size_t n;
};

enum field_type {
	F_U8, F_U16, F_U32, F_U64,
	F_BOOL,			/* uint8_t */
	F_TIME,			/* uint64_t, milliseconds of CLOCK_BOOTTIME, 0: not yet */
	F_REAL,			/* uint64_t, nanoseconds of CLOCK_REALTIME */
	F_STRING,		/* char * */
	F_ENDPOINT,
	F_PREFIX,
	F_ENUM,			/* uint8_t; .more: struct names */
	F_FLAGS,		/* uint32_t; .more: names by bit, NULL at the end */
	F_PROTO,		/* uint8_t, IPPROTO_* */
	F_LIST,			/* struct list; .more: its struct model */
	F_NEST,			/* a structure; .more: its struct model */
};

struct field {
	const char *name;	/* in JSON */
	const void *more;
	uint16_t attr;		/* in netlink */
	uint16_t offset;
	uint8_t type;
};

struct model {
	const struct field *fields;
	size_t nfields;
	size_t size;
};

struct reason {
	uint64_t has;
	char *name, *help;
	uint64_t count;
	uint8_t kind;
};

struct status {
	uint64_t has;
	char *version;
	uint32_t api, calls, pinholes, bindings, ghosts, txns, hosts;
	uint64_t since, memory, flows, seen, edited, passed, dropped;
	struct list reasons;	/* struct reason */
	uint32_t changed;	/* bit per CALLGATE_C_* */
};

struct settings {
	uint64_t has;
	uint32_t calls_host, calls, pinholes_host, pinholes, bindings_host, bindings, txns;
	uint32_t quarantine, silence, age;
	uint16_t pool_first, pool_last;
	uint8_t mark_related, publish, strict, mode;
};

/* The mode of one inside host or network. */
struct host_mode {
	uint64_t has;
	struct prefix prefix;
	uint8_t mode;
};

struct member {
	uint64_t has;
	struct prefix prefix;
};

struct provider {
	uint64_t has;
	char *name;
	struct list members;	/* struct member */
};

struct leg {
	uint64_t has;
	char *tag;
	uint8_t state;
};

struct peer {
	uint64_t has;
	struct endpoint endpoint;
	uint32_t flags;
};

struct pin {
	uint64_t has;
	uint16_t stream;
	uint8_t comp, proto, side;
	uint32_t flags, flows;
	struct endpoint inside, public;
	struct list peers;	/* struct peer */
	uint64_t pkts_in, bytes_in, pkts_out, bytes_out;
};

struct call {
	uint64_t has;
	uint64_t id, start, answer, deadline;
	uint32_t flags;
	uint8_t state, dir;
	char *callid, *from, *to, *ftag;
	struct endpoint host, peer;
	struct list legs;	/* struct leg */
	struct list pins;	/* struct pin */
};

struct binding {
	uint64_t has;
	uint64_t id, since, expires;
	char *aor, *contact;
	struct endpoint inside, public, registrar;
};

struct event {
	uint64_t has;
	uint64_t time;
	uint8_t kind;
	char *reason;
	struct endpoint host;
};

struct edit {
	uint64_t has;
	char *field, *reason, *before, *after;
	uint32_t offset;
};

struct trace {
	uint64_t has;
	uint64_t time, call;
	uint8_t kind, verdict, dir;
	uint16_t status;
	uint32_t cseq, size_in, size_out, omitted;
	char *reason, *detail, *method, *uri, *callid;
	struct endpoint src, dst, nsrc, ndst;
	struct list edits;	/* struct edit */
	struct list kept;	/* struct edit, without .after */
	struct pin pin;
};

/* Gateway use: a socket of callgated, and its settings and tables (callgate_gateway.h). */
struct gateway_socket {
	uint64_t has;
	uint64_t until;
	struct endpoint local;
	uint32_t id;
	uint8_t claimed;
};

struct gateway {
	uint64_t has;
	uint64_t memory, epoch;
	uint32_t take, methods, rate, burst, heard;
	uint32_t locations, locations_max, txns, txns_max, held, held_max, held_bytes_max;
	uint32_t daemon;	/* port id, 0: it is gone */
};

extern const struct model model_reason, model_status, model_settings, model_call, model_binding;
extern const struct model model_event, model_trace, model_host_mode, model_provider;
extern const struct model model_gateway, model_gateway_socket;

/* Names of an enum by value; NULL: none. */
struct names {
	const char *const *name;
	size_t n;
};
extern const struct names call_state_names, dir_names, comp_names, event_names, trace_names;
extern const struct names verdict_names, reason_kind_names, mode_names;
/* Or "?": the kernel may be newer than this program. */
const char *model_name(const struct names *names, unsigned int value);
/* The value of a name; 0: none has it. */
uint8_t model_value(const struct names *names, const char *name);

/* Does the structure have the field whose JSON name this is? */
bool model_has(const struct model *model, const void *object, const char *name);
void model_free(const struct model *model, void *object);

#endif
