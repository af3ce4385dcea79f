/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "callgate.h"
#include "kernel.h"
#include "kernel_talk.h"

#define REQUEST_SIZE 16384	/* room for a provider set */
#define LISTEN_BUFFER (4 << 20)
#define ALIVE_MS 2000		/* how often a listener looks whether the module is there */

struct kernel {
	struct nl_sock *ask;
	struct nl_sock *listen;		/* NULL: not listening */
	int family;
	struct talk talk;
};

/* ---- attributes into structures, by the tables of model.c ---- */

static void decode(const struct model *model, void *to, struct nlattr *nest);

static char *decode_string(const struct nlattr *a)
{
	return strndup(nla_data(a), (size_t)nla_len(a));
}

static void decode_endpoint(struct endpoint *e, const struct nlattr *a)
{
	size_t len = (size_t)nla_len(a);
	const uint8_t *data = nla_data(a);

	if (len != 4 + 2 && len != 16 + 2)
		return;
	e->len = (uint8_t)(len - 2);
	memcpy(e->addr, data, e->len);
	e->port = (uint16_t)(data[len - 2] << 8 | data[len - 1]);
}

static void decode_prefix(struct prefix *p, const struct nlattr *a)
{
	size_t len = (size_t)nla_len(a);
	const uint8_t *data = nla_data(a);

	if (len != 4 + 1 && len != 16 + 1)
		return;
	p->len = (uint8_t)(len - 1);
	memcpy(p->addr, data, p->len);
	p->bits = data[len - 1];
}

/* Appends: a call goes on in a second message. */
static void decode_list(const struct model *model, struct list *list, struct nlattr *nest)
{
	struct nlattr *a;
	int rest;

	nla_for_each_nested(a, nest, rest) {
		char *grown = realloc(list->items, (list->n + 1) * model->size);

		if (!grown)
			return;
		list->items = grown;
		grown += list->n++ * model->size;
		memset(grown, 0, model->size);
		decode(model, grown, a);
	}
}

/* Numbers come in the size of their member; others are ignored. */
static bool decode_number(void *at, const struct nlattr *a, size_t size)
{
	if ((size_t)nla_len(a) != size)
		return false;
	memcpy(at, nla_data(a), size);
	return true;
}

static bool decode_field(const struct field *f, void *at, struct nlattr *a)
{
	switch (f->type) {
	case F_U8: case F_BOOL: case F_ENUM: case F_PROTO:
		return decode_number(at, a, 1);
	case F_U16:
		return decode_number(at, a, 2);
	case F_U32: case F_FLAGS:
		return decode_number(at, a, 4);
	case F_U64: case F_TIME: case F_REAL:
		return decode_number(at, a, 8);
	case F_STRING:
		free(*(char **)at);
		*(char **)at = decode_string(a);
		return *(char **)at;
	case F_ENDPOINT:
		decode_endpoint(at, a);
		return ((struct endpoint *)at)->len;
	case F_PREFIX:
		decode_prefix(at, a);
		return ((struct prefix *)at)->len;
	case F_LIST:
		decode_list(f->more, at, a);
		return true;
	case F_NEST:
		decode(f->more, at, a);
		return true;
	}
	return false;
}

static void decode(const struct model *model, void *to, struct nlattr *nest)
{
	struct nlattr *a;
	int rest;

	nla_for_each_nested(a, nest, rest)
		for (size_t i = 0; i < model->nfields; i++) {
			const struct field *f = &model->fields[i];

			if (f->attr == nla_type(a) && decode_field(f, (char *)to + f->offset, a))
				*(uint64_t *)to |= 1ULL << i;
		}
}

static struct nlattr *top(struct nl_msg *msg, int attr)
{
	struct genlmsghdr *g = nlmsg_data(nlmsg_hdr(msg));

	return nla_find(genlmsg_attrdata(g, 0), genlmsg_attrlen(g, 0), attr);
}

/* ---- requests ---- */

static struct nl_msg *request(const struct kernel *k, int flags, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(REQUEST_SIZE);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, k->family, 0, flags, cmd,
				CALLGATE_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int ask(struct kernel *k, struct nl_msg *msg, talk_fn *fn, void *arg)
{
	return msg ? talk(&k->talk, k->ask, msg, fn, arg) : -ENOMEM;
}

int kernel_open(struct kernel **out)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->ask = nl_socket_alloc();
	err = k->ask ? talk_connect(k->ask, NETLINK_GENERIC) : -ENOMEM;
	if (err)
		goto fail;
	k->family = genl_ctrl_resolve(k->ask, CALLGATE_GENL_NAME);
	err = k->family < 0 ? -ENOENT : 0;
	if (err)
		goto fail;
	*out = k;
	return 0;
fail:
	kernel_close(k);
	return err;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	nl_socket_free(k->listen);
	nl_socket_free(k->ask);
	free(k);
}

const char *kernel_said(const struct kernel *k)
{
	return k ? k->talk.said : "";
}

struct status_answer {
	struct status *status;
	struct settings *settings;
};

static int on_status(struct nl_msg *msg, void *arg)
{
	struct status_answer *to = arg;
	struct nlattr *a;

	a = top(msg, CALLGATE_A_STATUS);
	if (a)
		decode(&model_status, to->status, a);
	a = top(msg, CALLGATE_A_SETTINGS);
	if (a)
		decode(&model_settings, to->settings, a);
	return 0;
}

int kernel_status(struct kernel *k, struct status *status, struct settings *settings)
{
	struct status_answer to = { status, settings };

	memset(status, 0, sizeof(*status));
	memset(settings, 0, sizeof(*settings));
	return ask(k, request(k, 0, CALLGATE_CMD_STATUS_GET), on_status, &to);
}

static int put_setting(struct nl_msg *msg, const struct field *f, const void *at)
{
	size_t size = f->type == F_U32 ? 4 : f->type == F_U16 ? 2 : 1;

	return nla_put(msg, f->attr, (int)size, at);
}

int kernel_set(struct kernel *k, const struct settings *settings)
{
	struct nl_msg *msg = request(k, 0, CALLGATE_CMD_SET);
	struct nlattr *nest;

	if (!msg)
		return -ENOMEM;
	nest = nla_nest_start(msg, CALLGATE_A_SETTINGS | NLA_F_NESTED);
	for (size_t i = 0; nest && i < model_settings.nfields; i++) {
		const struct field *f = &model_settings.fields[i];

		if (settings->has >> i & 1)
			put_setting(msg, f, (const char *)settings + f->offset);
	}
	nla_nest_end(msg, nest);
	return ask(k, msg, NULL, NULL);
}

int kernel_call_end(struct kernel *k, uint64_t id)
{
	struct nl_msg *msg = request(k, 0, CALLGATE_CMD_CALL_DEL);

	if (msg)
		nla_put_u64(msg, CALLGATE_A_ID, id);
	return ask(k, msg, NULL, NULL);
}

/* ---- dumps ---- */

struct call_dump {
	struct call call;	/* complete when the next one begins */
	kernel_call_fn *fn;
	void *arg;
	int result;
};

static int flush_call(struct call_dump *d)
{
	if (d->call.has && !d->result)
		d->result = d->fn(&d->call, d->arg);
	model_free(&model_call, &d->call);
	memset(&d->call, 0, sizeof(d->call));
	return d->result;
}

static int on_call(struct nl_msg *msg, void *arg)
{
	struct nlattr *a = top(msg, CALLGATE_A_CALL);
	struct call_dump *d = arg;
	struct call next = { 0 };
	uint32_t flags;

	if (!a)
		return 0;
	decode(&model_call, &next, a);
	if (next.flags & CALLGATE_CALL_F_CONTINUED && next.id == d->call.id) {
		/* once more, into the call that is there: lists append */
		flags = d->call.flags;
		model_free(&model_call, &next);
		decode(&model_call, &d->call, a);
		d->call.flags = flags;
		return 0;
	}
	flush_call(d);
	d->call = next;
	return d->result;
}

int kernel_calls(struct kernel *k, uint64_t id, kernel_call_fn *fn, void *arg)
{
	struct nl_msg *msg = request(k, NLM_F_DUMP, CALLGATE_CMD_CALL_GET);
	struct call_dump d = { .fn = fn, .arg = arg };
	int err;

	if (msg && id)
		nla_put_u64(msg, CALLGATE_A_ID, id);
	err = ask(k, msg, on_call, &d);
	flush_call(&d);
	return err ? err : d.result;
}

struct binding_dump {
	kernel_binding_fn *fn;
	void *arg;
};

static int on_binding(struct nl_msg *msg, void *arg)
{
	struct nlattr *a = top(msg, CALLGATE_A_BINDING);
	struct binding_dump *d = arg;
	struct binding b = { 0 };
	int result;

	if (!a)
		return 0;
	decode(&model_binding, &b, a);
	result = d->fn(&b, d->arg);
	model_free(&model_binding, &b);
	return result;
}

int kernel_bindings(struct kernel *k, kernel_binding_fn *fn, void *arg)
{
	struct binding_dump d = { fn, arg };

	return ask(k, request(k, NLM_F_DUMP, CALLGATE_CMD_BINDING_GET), on_binding, &d);
}

struct reason_dump {
	kernel_reason_fn *fn;
	void *arg;
};

static int on_reason(struct nl_msg *msg, void *arg)
{
	struct nlattr *a = top(msg, CALLGATE_A_REASON);
	struct reason_dump *d = arg;
	struct reason r = { 0 };
	int result;

	if (!a)
		return 0;
	decode(&model_reason, &r, a);
	result = d->fn(&r, d->arg);
	model_free(&model_reason, &r);
	return result;
}

int kernel_reasons(struct kernel *k, kernel_reason_fn *fn, void *arg)
{
	struct reason_dump d = { fn, arg };

	return ask(k, request(k, NLM_F_DUMP, CALLGATE_CMD_REASON_GET), on_reason, &d);
}

/* ---- modes and provider sets ---- */

struct mode_dump {
	kernel_mode_fn *fn;
	void *arg;
};

static int on_mode(struct nl_msg *msg, void *arg)
{
	struct nlattr *a = top(msg, CALLGATE_A_MODE);
	struct mode_dump *d = arg;
	struct host_mode m = { 0 };

	if (!a)
		return 0;
	decode(&model_host_mode, &m, a);
	return d->fn(&m, d->arg);
}

int kernel_modes(struct kernel *k, kernel_mode_fn *fn, void *arg)
{
	struct mode_dump d = { fn, arg };

	return ask(k, request(k, NLM_F_DUMP, CALLGATE_CMD_MODE_GET), on_mode, &d);
}

static int put_prefix(struct nl_msg *msg, const struct prefix *p)
{
	uint8_t wire[17];

	memcpy(wire, p->addr, p->len);
	wire[p->len] = p->bits;
	return nla_put(msg, CALLGATE_M_PREFIX, p->len + 1, wire);
}

int kernel_mode(struct kernel *k, const struct prefix *prefix, uint8_t mode)
{
	struct nl_msg *msg = request(k, 0, mode ? CALLGATE_CMD_MODE_SET : CALLGATE_CMD_MODE_DEL);
	struct nlattr *nest;

	if (!msg || !prefix)
		return ask(k, msg, NULL, NULL);
	nest = nla_nest_start(msg, CALLGATE_A_MODE | NLA_F_NESTED);
	if (!nest) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	put_prefix(msg, prefix);
	if (mode)
		nla_put_u8(msg, CALLGATE_M_MODE, mode);
	nla_nest_end(msg, nest);
	return ask(k, msg, NULL, NULL);
}

struct provider_dump {
	struct provider provider;	/* complete when another one begins */
	kernel_provider_fn *fn;
	void *arg;
	int result;
};

static void flush_provider(struct provider_dump *d)
{
	if (d->provider.has && !d->result)
		d->result = d->fn(&d->provider, d->arg);
	model_free(&model_provider, &d->provider);
}

static int on_provider(struct nl_msg *msg, void *arg)
{
	struct nlattr *a = top(msg, CALLGATE_A_PROVIDER);
	struct provider_dump *d = arg;
	struct nlattr *name;

	if (!a)
		return 0;
	name = nla_find(nla_data(a), nla_len(a), CALLGATE_V_NAME);
	if (name && d->provider.name && nla_strcmp(name, d->provider.name))
		flush_provider(d);
	decode(&model_provider, &d->provider, a);
	return d->result;
}

int kernel_providers(struct kernel *k, kernel_provider_fn *fn, void *arg)
{
	struct provider_dump d = { .fn = fn, .arg = arg };
	int err;

	err = ask(k, request(k, NLM_F_DUMP, CALLGATE_CMD_PROVIDER_GET), on_provider, &d);
	flush_provider(&d);
	return err ? err : d.result;
}

static int put_members(struct nl_msg *msg, const struct list *members)
{
	const struct member *m = members->items;
	struct nlattr *list = nla_nest_start(msg, CALLGATE_V_MEMBERS | NLA_F_NESTED), *item;

	for (size_t i = 0; list && i < members->n; i++) {
		item = nla_nest_start(msg, CALLGATE_LIST_ITEM | NLA_F_NESTED);
		if (!item || put_prefix(msg, &m[i].prefix))
			return -ENOSPC;
		nla_nest_end(msg, item);
	}
	if (list)
		nla_nest_end(msg, list);
	return list ? 0 : -ENOSPC;
}

int kernel_provider(struct kernel *k, const char *name, const struct list *members)
{
	struct nl_msg *msg = request(k, 0, members ? CALLGATE_CMD_PROVIDER_SET :
						     CALLGATE_CMD_PROVIDER_DEL);
	struct nlattr *nest;
	int err = 0;

	if (!msg || !name)
		return ask(k, msg, NULL, NULL);
	nest = nla_nest_start(msg, CALLGATE_A_PROVIDER | NLA_F_NESTED);
	if (nest)
		nla_put_string(msg, CALLGATE_V_NAME, name);
	if (nest && members)
		err = put_members(msg, members);
	if (!nest || err) {
		nlmsg_free(msg);
		return err ? err : -ENOMEM;
	}
	nla_nest_end(msg, nest);
	return ask(k, msg, NULL, NULL);
}

/* ---- gateway use ---- */

static int on_gateway(struct nl_msg *msg, void *arg)
{
	struct nlattr *a = top(msg, CALLGATE_A_GATE);

	if (a)
		decode(&model_gateway, arg, a);
	return 0;
}

int kernel_gateway(struct kernel *k, struct gateway *gateway)
{
	memset(gateway, 0, sizeof(*gateway));
	return ask(k, request(k, 0, CALLGATE_CMD_GATE_GET), on_gateway, gateway);
}

struct socket_dump {
	kernel_socket_fn *fn;
	void *arg;
};

static int on_socket(struct nl_msg *msg, void *arg)
{
	struct nlattr *a = top(msg, CALLGATE_A_SOCKET);
	struct socket_dump *d = arg;
	struct gateway_socket s = { 0 };

	if (!a)
		return 0;
	decode(&model_gateway_socket, &s, a);
	return d->fn(&s, d->arg);
}

int kernel_gateway_sockets(struct kernel *k, kernel_socket_fn *fn, void *arg)
{
	struct socket_dump d = { fn, arg };

	return ask(k, request(k, NLM_F_DUMP, CALLGATE_CMD_SOCKET_GET), on_socket, &d);
}

/* ---- multicast ---- */

static int join(struct kernel *k, const char *group)
{
	int id = genl_ctrl_resolve_grp(k->ask, CALLGATE_GENL_NAME, group);

	if (id < 0)
		return -ENOENT;
	if (setsockopt(nl_socket_get_fd(k->listen), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &id,
		       sizeof(id)))
		return -errno;
	return 0;
}

int kernel_listen(struct kernel *k, unsigned int groups)
{
	int err;

	k->listen = nl_socket_alloc();
	if (!k->listen)
		return -ENOMEM;
	err = talk_connect(k->listen, NETLINK_GENERIC);
	if (err)
		return err;
	nl_socket_disable_seq_check(k->listen);
	nl_socket_set_buffer_size(k->listen, LISTEN_BUFFER, 0);
	nl_socket_set_nonblocking(k->listen);
	if (groups & LISTEN_EVENTS)
		err = join(k, CALLGATE_MCGRP_EVENTS);
	if (!err && groups & LISTEN_TRACE)
		err = join(k, CALLGATE_MCGRP_TRACE);
	return err;
}

int kernel_fd(const struct kernel *k)
{
	return k->listen ? nl_socket_get_fd(k->listen) : -1;
}

/* A module that was removed says nothing; the next one has another family number. */
static bool is_gone(struct kernel *k)
{
	return genl_ctrl_resolve(k->ask, CALLGATE_GENL_NAME) != k->family;
}

int kernel_wait(struct kernel *k, int ms)
{
	struct pollfd p = { .fd = kernel_fd(k), .events = POLLIN };
	int slice = ms < 0 || ms > ALIVE_MS ? ALIVE_MS : ms, n;

	do {
		n = poll(&p, 1, slice);
		if (n < 0)
			return -errno;
		if (!n && is_gone(k))
			return -ENODEV;
	} while (!n && ms < 0);
	return n;
}

struct note_reader {
	kernel_note_fn *fn;
	void *arg;
};

static void decode_top(struct nl_msg *msg, int attr, const struct model *model, void *to)
{
	struct nlattr *a = top(msg, attr);

	if (a)
		decode(model, to, a);
}

static int on_note(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *g = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *seq = top(msg, CALLGATE_A_SEQ);
	struct note_reader *r = arg;
	struct note n = { .is_trace = g->cmd == CALLGATE_CMD_TRACE };

	if (g->cmd != CALLGATE_CMD_TRACE && g->cmd != CALLGATE_CMD_EVENT)
		return NL_OK;
	if (seq)
		n.seq = nla_get_u64(seq);
	decode_top(msg, CALLGATE_A_EVENT, &model_event, &n.event);
	decode_top(msg, CALLGATE_A_CALL, &model_call, &n.call);
	decode_top(msg, CALLGATE_A_BINDING, &model_binding, &n.binding);
	decode_top(msg, CALLGATE_A_TRACE, &model_trace, &n.trace);
	r->fn(&n, r->arg);
	model_free(&model_event, &n.event);
	model_free(&model_call, &n.call);
	model_free(&model_binding, &n.binding);
	model_free(&model_trace, &n.trace);
	return NL_OK;
}

int kernel_notes(struct kernel *k, kernel_note_fn *fn, void *arg)
{
	struct note_reader r = { fn, arg };
	bool lost = false;
	int err = 0, was;

	nl_socket_modify_cb(k->listen, NL_CB_VALID, NL_CB_CUSTOM, on_note, &r);
	/*
	 * A loss is told once, before what is older and still waits; until that is read, all that
	 * comes is lost too. Told twice it is our own memory.
	 */
	do {
		was = err;
		err = nl_recvmsgs_default(k->listen);
		lost |= err == -NLE_NOMEM;
	} while (!err || (err == -NLE_NOMEM && !was));
	if (lost)
		return -ENOBUFS;
	return err == -NLE_AGAIN ? 0 : -EIO;
}
