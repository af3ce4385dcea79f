/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "callgate.h"
#include "callgate_gateway.h"
#include "kernel_gate.h"
#include "kernel_talk.h"

#define SMALL 1024
#define LARGE 131072		/* 256 domains of 253 bytes */
#define QUESTION_BUFFER (4 << 20)

struct gate {
	struct nl_sock *ask;		/* requests */
	struct nl_sock *daemon;		/* ATTACH and CLAIM, and the questions */
	int family;
	struct talk talk;
	gate_question_fn *fn;		/* of gate_questions() */
	void *arg;
};

/* ---- messages ---- */

static struct nl_msg *request(const struct gate *g, size_t size, int flags, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(size);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, g->family, 0, flags, cmd,
				CALLGATE_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* A request with one nest; NULL: no memory. */
static struct nl_msg *request_nest(const struct gate *g, size_t size, uint8_t cmd, int attr,
				   struct nlattr **nest)
{
	struct nl_msg *msg = request(g, size, 0, cmd);

	*nest = msg ? nla_nest_start(msg, attr | NLA_F_NESTED) : NULL;
	if (*nest)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static int ask(struct gate *g, struct nl_msg *msg, talk_fn *fn, void *arg)
{
	return msg ? talk(&g->talk, g->ask, msg, fn, arg) : -ENOMEM;
}

static int put_endpoint(struct nl_msg *msg, int attr, const struct endpoint *e)
{
	uint8_t wire[18];

	memcpy(wire, e->addr, e->len);
	wire[e->len] = (uint8_t)(e->port >> 8);
	wire[e->len + 1] = (uint8_t)e->port;
	return nla_put(msg, attr, e->len + 2, wire);
}

static void read_endpoint(struct endpoint *e, const struct nlattr *a)
{
	const uint8_t *wire;
	int len;

	memset(e, 0, sizeof(*e));
	if (!a)
		return;
	len = nla_len(a) - 2;
	if (len != 4 && len != 16)
		return;
	wire = nla_data(a);
	e->len = (uint8_t)len;
	memcpy(e->addr, wire, e->len);
	e->port = (uint16_t)(wire[len] << 8 | wire[len + 1]);
}

/* The nest of an answer, as a table of @max + 1; false: it is not there. */
static bool open_nest(struct nl_msg *msg, int attr, struct nlattr **tb, int max)
{
	struct genlmsghdr *h = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *a = nla_find(genlmsg_attrdata(h, 0), genlmsg_attrlen(h, 0), attr);

	return a && !nla_parse_nested(tb, max, a, NULL);
}

static uint64_t read_u64(const struct nlattr *a)
{
	return a && nla_len(a) == 8 ? nla_get_u64(a) : 0;
}

static uint32_t read_u32(const struct nlattr *a)
{
	return a && nla_len(a) == 4 ? nla_get_u32(a) : 0;
}

/* Strings of the kernel end with NUL. */
static const char *read_string(const struct nlattr *a)
{
	if (!a || nla_len(a) < 1 || ((const char *)nla_data(a))[nla_len(a) - 1])
		return NULL;
	return nla_data(a);
}

/* ---- the line ---- */

static int connect_to(struct nl_sock **sk)
{
	*sk = nl_socket_alloc();
	return *sk ? talk_connect(*sk, NETLINK_GENERIC) : -ENOMEM;
}

int gate_open(struct gate **out)
{
	struct gate *g = calloc(1, sizeof(*g));
	struct gate_status s;
	int err;

	if (!g)
		return -ENOMEM;
	err = connect_to(&g->ask);
	if (!err)
		err = connect_to(&g->daemon);
	if (err)
		goto fail;
	nl_socket_disable_seq_check(g->daemon);
	nl_socket_set_buffer_size(g->daemon, QUESTION_BUFFER, 0);
	g->family = genl_ctrl_resolve(g->ask, CALLGATE_GENL_NAME);
	err = g->family < 0 ? -ENOENT : gate_status(g, &s);
	if (err)
		goto fail;
	*out = g;
	return 0;
fail:
	gate_close(g);
	return err == -EOPNOTSUPP ? -ENOENT : err;
}

void gate_close(struct gate *g)
{
	if (!g)
		return;
	nl_socket_free(g->daemon);
	nl_socket_free(g->ask);
	free(g);
}

const char *gate_said(const struct gate *g)
{
	return g->talk.said;
}

/* ---- questions ---- */

static int on_question(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *h = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *tb[CALLGATE_Q_MAX + 1];
	struct gate *g = arg;
	struct gate_question q;

	if (h->cmd != CALLGATE_CMD_LOCATE || !g->fn ||
	    !open_nest(msg, CALLGATE_A_LOCATE, tb, CALLGATE_Q_MAX))
		return NL_OK;
	q.id = read_u64(tb[CALLGATE_Q_ID]);
	q.deadline = read_u64(tb[CALLGATE_Q_DEADLINE]);
	q.aor = read_string(tb[CALLGATE_Q_AOR]);
	q.ifindex = read_u32(tb[CALLGATE_Q_IFINDEX]);
	read_endpoint(&q.remote, tb[CALLGATE_Q_REMOTE]);
	read_endpoint(&q.local, tb[CALLGATE_Q_LOCAL]);
	if (!tb[CALLGATE_Q_DATAGRAM] || !q.aor || !q.remote.len || !q.local.len)
		return NL_OK;
	q.datagram = nla_data(tb[CALLGATE_Q_DATAGRAM]);
	q.len = (uint32_t)nla_len(tb[CALLGATE_Q_DATAGRAM]);
	g->fn(&q, g->arg);
	return NL_OK;
}

int gate_fd(const struct gate *g)
{
	return nl_socket_get_fd(g->daemon);
}

int gate_questions(struct gate *g, gate_question_fn *fn, void *arg)
{
	int err;

	g->fn = fn;
	g->arg = arg;
	nl_socket_modify_cb(g->daemon, NL_CB_VALID, NL_CB_CUSTOM, on_question, g);
	nl_socket_set_nonblocking(g->daemon);
	do {
		err = nl_recvmsgs_default(g->daemon);
	} while (err >= 0);
	if (err == -NLE_AGAIN)
		return 0;
	return err == -NLE_NOMEM ? -ENOBUFS : -EIO;
}

/* ---- sockets ---- */

/* By the socket of the questions; what is asked meanwhile is lost and comes again. */
static int ask_as_daemon(struct gate *g, struct nl_msg *msg, talk_fn *fn, void *arg)
{
	int err;

	if (!msg)
		return -ENOMEM;
	talk_blocking(g->daemon, true);
	err = talk(&g->talk, g->daemon, msg, fn, arg);
	talk_blocking(g->daemon, false);
	return err;
}

static int on_socket(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[CALLGATE_K_MAX + 1];
	int *fd = arg;

	if (open_nest(msg, CALLGATE_A_SOCKET, tb, CALLGATE_K_MAX) && tb[CALLGATE_K_FD])
		*fd = (int)read_u32(tb[CALLGATE_K_FD]);
	return 0;
}

int gate_attach(struct gate *g, int fd)
{
	struct nlattr *nest;
	struct nl_msg *msg = request_nest(g, SMALL, CALLGATE_CMD_ATTACH, CALLGATE_A_SOCKET, &nest);

	if (!msg)
		return -ENOMEM;
	nla_put_u32(msg, CALLGATE_K_FD, (uint32_t)fd);
	nla_nest_end(msg, nest);
	return ask_as_daemon(g, msg, NULL, NULL);
}

int gate_claim(struct gate *g, const struct endpoint *at, int *fd)
{
	struct nlattr *nest;
	struct nl_msg *msg = request_nest(g, SMALL, CALLGATE_CMD_CLAIM, CALLGATE_A_SOCKET, &nest);
	int err;

	if (!msg)
		return -ENOMEM;
	put_endpoint(msg, CALLGATE_K_LOCAL, at);
	nla_nest_end(msg, nest);
	*fd = -1;
	err = ask_as_daemon(g, msg, on_socket, fd);
	return !err && *fd < 0 ? -EPROTO : err;
}

int gate_detach(struct gate *g, uint32_t id)
{
	struct nlattr *nest;
	struct nl_msg *msg;

	if (!id)
		return ask(g, request(g, SMALL, 0, CALLGATE_CMD_DETACH), NULL, NULL);
	msg = request_nest(g, SMALL, CALLGATE_CMD_DETACH, CALLGATE_A_SOCKET, &nest);
	if (!msg)
		return -ENOMEM;
	nla_put_u32(msg, CALLGATE_K_ID, id);
	nla_nest_end(msg, nest);
	return ask(g, msg, NULL, NULL);
}

struct socket_dump {
	gate_socket_fn *fn;
	void *arg;
};

static int on_listed(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[CALLGATE_K_MAX + 1];
	struct socket_dump *d = arg;
	struct gate_socket s;

	if (!open_nest(msg, CALLGATE_A_SOCKET, tb, CALLGATE_K_MAX))
		return 0;
	s.id = read_u32(tb[CALLGATE_K_ID]);
	read_endpoint(&s.local, tb[CALLGATE_K_LOCAL]);
	s.claimed = tb[CALLGATE_K_CLAIMED] && nla_len(tb[CALLGATE_K_CLAIMED]) == 1 &&
		    nla_get_u8(tb[CALLGATE_K_CLAIMED]);
	return s.id && s.local.len ? d->fn(&s, d->arg) : 0;
}

int gate_sockets(struct gate *g, gate_socket_fn *fn, void *arg)
{
	struct socket_dump d = { fn, arg };

	return ask(g, request(g, SMALL, NLM_F_DUMP, CALLGATE_CMD_SOCKET_GET), on_listed, &d);
}

/* ---- rules ---- */

/* An empty list says that there is none; without the attribute the module keeps what it had. */
static void end_list(struct nl_msg *msg, struct nlattr *list)
{
	if (list)
		nla_nest_end_keep_empty(msg, list);
}

static void put_prefixes(struct nl_msg *msg, int attr, const struct prefix *p, size_t n)
{
	struct nlattr *list = nla_nest_start(msg, attr | NLA_F_NESTED), *item;
	uint8_t wire[17];

	for (size_t i = 0; list && i < n && i < CALLGATE_PREFIXES_MAX; i++) {
		item = nla_nest_start(msg, CALLGATE_LIST_ITEM | NLA_F_NESTED);
		memcpy(wire, p[i].addr, p[i].len);
		wire[p[i].len] = p[i].bits;
		nla_put(msg, CALLGATE_M_PREFIX, p[i].len + 1, wire);
		nla_nest_end(msg, item);
	}
	end_list(msg, list);
}

struct name_list {
	int list, item;			/* CALLGATE_G_*, CALLGATE_D_* */
	const char *const *name;
	size_t n, max, size;		/* of a name, with its NUL */
};

static void put_names(struct nl_msg *msg, const struct name_list *names)
{
	struct nlattr *list = nla_nest_start(msg, names->list | NLA_F_NESTED), *item;

	for (size_t i = 0; list && i < names->n && i < names->max; i++) {
		if (strlen(names->name[i]) >= names->size)
			continue;
		item = nla_nest_start(msg, CALLGATE_LIST_ITEM | NLA_F_NESTED);
		nla_put_string(msg, names->item, names->name[i]);
		nla_nest_end(msg, item);
	}
	end_list(msg, list);
}

int gate_rules(struct gate *g, const struct gate_rules *r)
{
	size_t n = r->n_interfaces < CALLGATE_INTERFACES_MAX ? r->n_interfaces :
							       CALLGATE_INTERFACES_MAX;
	struct nlattr *nest;
	struct nl_msg *msg = request_nest(g, LARGE, CALLGATE_CMD_GATE_SET, CALLGATE_A_GATE, &nest);

	if (!msg)
		return -ENOMEM;
	nla_put(msg, CALLGATE_G_KEY, CALLGATE_KEY_SIZE, r->key);
	if (r->key_old)
		nla_put(msg, CALLGATE_G_KEY_OLD, CALLGATE_KEY_SIZE, r->key_old);
	nla_put_u32(msg, CALLGATE_G_TAKE, r->take);
	nla_put_u32(msg, CALLGATE_G_METHODS, r->methods);
	nla_put(msg, CALLGATE_G_INTERFACES, (int)(n * sizeof(uint32_t)), r->interfaces);
	put_prefixes(msg, CALLGATE_G_INSIDE, r->inside, r->n_inside);
	put_prefixes(msg, CALLGATE_G_TRUSTED, r->trusted, r->n_trusted);
	put_names(msg, &(struct name_list){ CALLGATE_G_DOMAINS, CALLGATE_D_NAME, r->domains,
					r->n_domains, CALLGATE_DOMAINS_MAX,
					CALLGATE_DOMAIN_SIZE });
	put_names(msg, &(struct name_list){ CALLGATE_G_REALMS, CALLGATE_D_REALM, r->realms,
					r->n_realms, CALLGATE_REALMS_MAX, CALLGATE_REALM_SIZE });
	nla_nest_end(msg, nest);
	return ask(g, msg, NULL, NULL);
}

int gate_epoch(struct gate *g, uint64_t epoch)
{
	struct nlattr *nest;
	struct nl_msg *msg = request_nest(g, SMALL, CALLGATE_CMD_GATE_SET, CALLGATE_A_GATE, &nest);

	if (!msg)
		return -ENOMEM;
	nla_put_u64(msg, CALLGATE_G_EPOCH, epoch);
	nla_nest_end(msg, nest);
	return ask(g, msg, NULL, NULL);
}

struct status_answer {
	struct gate_status *status;
	uint32_t portid;
};

static int on_status(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[CALLGATE_G_MAX + 1];
	struct status_answer *to = arg;

	if (!open_nest(msg, CALLGATE_A_GATE, tb, CALLGATE_G_MAX))
		return 0;
	to->status->epoch = read_u64(tb[CALLGATE_G_EPOCH]);
	to->status->memory = read_u64(tb[CALLGATE_G_MEMORY]);
	to->status->locations = read_u32(tb[CALLGATE_G_NLOCATIONS]);
	to->status->txns = read_u32(tb[CALLGATE_G_NTXNS]);
	to->status->held = read_u32(tb[CALLGATE_G_NHELD]);
	to->status->ours = read_u32(tb[CALLGATE_G_DAEMON]) == to->portid;
	return 0;
}

int gate_status(struct gate *g, struct gate_status *s)
{
	struct status_answer to = { s, nl_socket_get_local_port(g->daemon) };

	memset(s, 0, sizeof(*s));
	return ask(g, request(g, SMALL, 0, CALLGATE_CMD_GATE_GET), on_status, &to);
}

/* ---- locations ---- */

static void put_location(struct nl_msg *msg, const struct gate_location *l)
{
	nla_put_u64(msg, CALLGATE_L_ID, l->id);
	nla_put_u64(msg, CALLGATE_L_GENERATION, l->generation);
	nla_put_string(msg, CALLGATE_L_AOR, l->aor);
	nla_put_string(msg, CALLGATE_L_URI, l->uri);
	put_endpoint(msg, CALLGATE_L_REMOTE, &l->remote);
	put_endpoint(msg, CALLGATE_L_LOCAL, &l->local);
	nla_put_u32(msg, CALLGATE_L_IFINDEX, l->ifindex);
	nla_put_u64(msg, CALLGATE_L_EXPIRES, l->expires);
	nla_put_u32(msg, CALLGATE_L_FLAGS, l->flags);
}

int gate_location_set(struct gate *g, const struct gate_location *l)
{
	struct nlattr *nest;
	struct nl_msg *msg = request_nest(g, SMALL, CALLGATE_CMD_LOCATION_SET,
					  CALLGATE_A_LOCATION, &nest);

	if (!msg)
		return -ENOMEM;
	put_location(msg, l);
	nla_nest_end(msg, nest);
	return ask(g, msg, NULL, NULL);
}

int gate_location_del(struct gate *g, uint64_t id, const char *aor)
{
	struct nlattr *nest;
	struct nl_msg *msg = request_nest(g, SMALL, CALLGATE_CMD_LOCATION_DEL,
					  CALLGATE_A_LOCATION, &nest);

	if (!msg)
		return -ENOMEM;
	nla_put_u64(msg, CALLGATE_L_ID, id);
	nla_put_string(msg, CALLGATE_L_AOR, aor);
	nla_nest_end(msg, nest);
	return ask(g, msg, NULL, NULL);
}

struct dump {
	gate_location_fn *fn;
	void *arg;
};

static int on_location(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[CALLGATE_L_MAX + 1];
	struct gate_location l;
	struct dump *d = arg;

	if (!open_nest(msg, CALLGATE_A_LOCATION, tb, CALLGATE_L_MAX))
		return 0;
	l.id = read_u64(tb[CALLGATE_L_ID]);
	l.generation = read_u64(tb[CALLGATE_L_GENERATION]);
	l.aor = read_string(tb[CALLGATE_L_AOR]);
	l.uri = read_string(tb[CALLGATE_L_URI]);
	l.expires = read_u64(tb[CALLGATE_L_EXPIRES]);
	l.ifindex = read_u32(tb[CALLGATE_L_IFINDEX]);
	l.flags = read_u32(tb[CALLGATE_L_FLAGS]);
	read_endpoint(&l.remote, tb[CALLGATE_L_REMOTE]);
	read_endpoint(&l.local, tb[CALLGATE_L_LOCAL]);
	return l.aor && l.uri ? d->fn(&l, d->arg) : 0;
}

int gate_locations(struct gate *g, gate_location_fn *fn, void *arg)
{
	struct dump d = { fn, arg };

	return ask(g, request(g, SMALL, NLM_F_DUMP, CALLGATE_CMD_LOCATION_GET), on_location, &d);
}

/* ---- answers ---- */

static int answer(struct gate *g, uint64_t question, uint8_t verdict,
		  const struct gate_location *l)
{
	struct nlattr *nest;
	struct nl_msg *msg = request_nest(g, SMALL, CALLGATE_CMD_LOCATE, CALLGATE_A_LOCATE, &nest);

	if (!msg)
		return -ENOMEM;
	nla_put_u64(msg, CALLGATE_Q_ID, question);
	nla_put_u8(msg, CALLGATE_Q_VERDICT, verdict);
	nla_nest_end(msg, nest);
	nest = l ? nla_nest_start(msg, CALLGATE_A_LOCATION | NLA_F_NESTED) : NULL;
	if (nest) {
		put_location(msg, l);
		nla_nest_end(msg, nest);
	}
	return ask(g, msg, NULL, NULL);
}

int gate_forward(struct gate *g, uint64_t question, const struct gate_location *l)
{
	return answer(g, question, CALLGATE_LOCATE_FORWARD, l);
}

int gate_keep(struct gate *g, uint64_t question)
{
	return answer(g, question, CALLGATE_LOCATE_MINE, NULL);
}
