/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callgate.h"
#include "callgate_gateway.h"
#include "config.h"
#include "kernel.h"
#include "kernel_gate.h"
#include "kernel_link.h"
#include "kernel_sync.h"
#include "location.h"
#include "log.h"
#include "loop.h"
#include "passive.h"
#include "proxy.h"
#include "sip/token.h"
#include "text.h"
#include "transport.h"
#include "udp.h"
#include "zone.h"

#define CHECK_MS 2000		/* is the module there, are the interfaces the same? */

/* Written by kernel_sync.c too. */
extern struct kernel_link_counters kernel_link_counts;
struct kernel_link_counters kernel_link_counts;

static struct {
	struct loop *loop;
	struct gate *gate;		/* NULL: no module */
	struct kernel *events;		/* NULL: not listening */
	struct loop_watch *questions, *notes, *check;
	struct attached {
		struct udp_socket *socket;
		struct endpoint at;
	} socket[CALLGATE_SOCKETS_MAX];
	size_t n_sockets;
	uint32_t interface[CALLGATE_INTERFACES_MAX];
	size_t n_interfaces;
	bool said;			/* that there is no module */
	bool stale;			/* the last dump of bindings failed */
} line;

const struct kernel_link_counters *kernel_link_counters(void)
{
	return &kernel_link_counts;
}

bool kernel_link_up(void)
{
	return line.gate;
}

/* ---- rules ---- */

static bool has_users(const struct domain *d)
{
	return d->mode == REGISTRAR_MAIN || d->mode == REGISTRAR_PASSIVE;
}

/* An own address stands for the first of them: a main domain, if there is one (C06). */
static size_t list_domains(const struct config *c, const char **names)
{
	size_t n = 0;

	for (unsigned int mode = REGISTRAR_MAIN; mode <= REGISTRAR_PASSIVE; mode++)
		for (size_t i = 0; i < c->n_domains; i++)
			if (has_users(&c->domains[i]) && c->domains[i].mode == mode)
				names[n++] = c->domains[i].name;
	return n;
}

static bool has_name(const char **names, size_t n, const char *name)
{
	while (n && strcmp(names[n - 1], name))
		n--;
	return n;
}

/* Where users have their passwords; each once. */
static size_t list_realms(const struct config *c, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_domains; i++)
		if (c->domains[i].mode == REGISTRAR_MAIN &&
		    !has_name(names, n, c->domains[i].realm))
			names[n++] = c->domains[i].realm;
	return n;
}

/* Of whatever is there now. */
static size_t list_inside(const struct config *c, uint32_t index[CALLGATE_INTERFACES_MAX])
{
	static const struct endpoint nobody;
	struct if_nameindex *all = if_nameindex(), *i;
	size_t n = 0;

	for (i = all; i && i->if_index && n < CALLGATE_INTERFACES_MAX; i++)
		if (zone_of(c, i->if_index, &nobody) == ZONE_INSIDE)
			index[n++] = i->if_index;
	if (all)
		if_freenameindex(all);
	return n;
}

/*
 * Users of ours who call have to prove who they are, unless nobody is challenged. Their credentials
 * come in a dialog too: what the module cannot tell from those for others, it does not forward.
 */
static uint32_t take_of(const struct config *c, size_t realms)
{
	return CALLGATE_TAKE_OUTSIDE | (realms <= CALLGATE_REALMS_MAX ? CALLGATE_TAKE_DIALOG : 0) |
	       (c->challenge ? 0 : CALLGATE_TAKE_INSIDE);
}

static int set_rules(const struct config *c)
{
	const char **names = calloc(2 * c->n_domains + 1, sizeof(*names));
	const struct sip_key *key = proxy_key();
	struct gate_rules r = {
		.key = key->key[0], .key_old = key->has_old ? key->key[1] : NULL,
		.methods = CALLGATE_METHOD_INVITE | CALLGATE_METHOD_MESSAGE |
			CALLGATE_METHOD_OPTIONS | CALLGATE_METHOD_NOTIFY |
			/* not SUBSCRIBE: it may be for callgated itself (notifier.h) */
			CALLGATE_METHOD_REFER | CALLGATE_METHOD_INFO,
		.domains = names, .inside = c->inside_nets.prefix, .n_inside = c->inside_nets.n,
		.trusted = c->trusted.prefix, .n_trusted = c->trusted.n,
		.interfaces = line.interface, .n_interfaces = line.n_interfaces,
	};
	int err;

	if (!names)
		return -ENOMEM;
	r.n_domains = list_domains(c, names);
	r.realms = names + r.n_domains;
	r.n_realms = list_realms(c, names + r.n_domains);
	r.take = take_of(c, r.n_realms);
	err = gate_rules(line.gate, &r);
	free(names);
	if (err)
		log_warn("the module does not take its settings: %s (%s)", strerror(-err),
			 gate_said(line.gate));
	return err;
}

static void configured(const struct config *c)
{
	line.n_interfaces = list_inside(c, line.interface);
	if (line.gate)
		set_rules(c);
	kernel_sync_configured(c);
}

/* What carries a branch or token of the new key must be known at once. */
static void key_changed(void)
{
	if (line.gate)
		set_rules(config_now());
}

/* ---- questions ---- */

static const struct contact *only_contact(const char *aor)
{
	const struct aor *a = location_find(aor, strlen(aor));

	return a && a->n == 1 ? a->contacts : NULL;
}

/*
 * The kernel asks only about what it may send on itself. It did not know this contact (its table
 * was full, or not filled yet): now it does.
 */
static bool answer_forward(const struct gate_question *q)
{
	const struct contact *c = only_contact(q->aor);
	struct gate_location l;

	if (!c || !kernel_sync_location(c->aor, c, &l) || l.flags ||
	    gate_forward(line.gate, q->id, &l))
		return false;
	kernel_link_counts.forwarded++;
	return true;
}

static void asked(const struct gate_question *q, void *arg)
{
	const struct config *c = config_now();
	const struct sip_flow flow = {
		.local = q->local, .remote = q->remote, .ifindex = q->ifindex,
		.transport = SIP_T_UDP, .zone = zone_of(c, q->ifindex, &q->remote),
	};

	(void)arg;
	kernel_link_counts.questions++;
	if (text_boot_now() >= q->deadline) {
		kernel_link_counts.late++;
		return;
	}
	if (answer_forward(q))
		return;
	if (gate_keep(line.gate, q->id)) {
		kernel_link_counts.late++;
		return;
	}
	kernel_link_counts.mine++;
	transport_question(&flow, q->datagram, q->len);
}

static void on_questions(int fd, void *arg)
{
	(void)fd, (void)arg;
	gate_questions(line.gate, asked, NULL);
}

/* ---- registrations seen in transit ---- */

static int on_binding(const struct binding *b, void *arg)
{
	(void)arg;
	passive_dump(b);
	return 0;
}

static void dump_bindings(void)
{
	int err;

	passive_dump_begin();
	err = kernel_bindings(line.events, on_binding, NULL);
	passive_dump_end(!err);
	line.stale = err;
}

static void on_note(const struct note *n, void *arg)
{
	(void)arg;
	passive_note(n);
}

static void on_notes(int fd, void *arg)
{
	(void)fd, (void)arg;
	if (kernel_notes(line.events, on_note, NULL) == -ENOBUFS)
		dump_bindings();
}

static int listen_to_events(void)
{
	int err = kernel_open(&line.events);

	if (!err)
		err = kernel_listen(line.events, LISTEN_EVENTS);
	if (err)
		return err;
	line.notes = loop_watch(line.loop, kernel_fd(line.events), on_notes, NULL);
	if (!line.notes)
		return -ENOMEM;
	dump_bindings();
	return 0;
}

/* ---- the line ---- */

static void go_down(void)
{
	kernel_sync_begin(NULL);
	loop_unwatch(line.questions);
	loop_unwatch(line.notes);
	line.questions = NULL;
	line.notes = NULL;
	kernel_close(line.events);
	line.events = NULL;
	gate_close(line.gate);
	line.gate = NULL;
}

/* What the admin can do about a socket that the module does not take. */
static const char *remedy(int err)
{
	switch (err) {
	case -ENOSPC:
		return "fewer addresses in listen; 0.0.0.0 and [::] stand for all of this host";
	case -EBUSY:
		return "a tunnel or the like in the kernel has it: let callgated open it itself";
	case -EXDEV:
		return "it is of another network namespace: start callgated in that one";
	case -EPERM:
	case -EACCES:
		return "give callgated CAP_NET_ADMIN";
	case -EINVAL:
		return "it must be bound and not connected: let callgated open it itself";
	default:
		return "restart callgated";
	}
}

static void say_without(const struct endpoint *at, int err, const char *said)
{
	char text[TEXT_ENDPOINT];

	log_warn("%s is served without the module: %s%s%s: %s", text_endpoint(at, text),
		 strerror(-err), *said ? ": " : "", said, remedy(err));
}

static int attach(const struct attached *a)
{
	int err = gate_attach(line.gate, udp_fd(a->socket));

	if (err)
		say_without(&a->at, err, gate_said(line.gate));
	return err;
}

/* As the sockets are there: the rules, the locations, then what comes by them. */
static int go_up(void)
{
	int err = gate_open(&line.gate);

	if (err)
		return err;
	line.questions = loop_watch(line.loop, gate_fd(line.gate), on_questions, NULL);
	err = line.questions ? set_rules(config_now()) : -ENOMEM;
	if (!err)
		err = listen_to_events();
	if (err) {
		go_down();
		return err;
	}
	kernel_sync_begin(line.gate);
	for (size_t i = 0; i < line.n_sockets; i++)
		attach(&line.socket[i]);
	return 0;
}

static bool interfaces_changed(const struct config *c)
{
	uint32_t index[CALLGATE_INTERFACES_MAX];
	size_t n = list_inside(c, index);

	if (n == line.n_interfaces && !memcmp(index, line.interface, n * sizeof(index[0])))
		return false;
	memcpy(line.interface, index, n * sizeof(index[0]));
	line.n_interfaces = n;
	return true;
}

/* Of a module that went and came again nothing of the old line is of use. */
static void check(int fd, void *arg)
{
	struct gate_status s;

	(void)fd, (void)arg;
	if (line.gate && gate_status(line.gate, &s)) {
		log_warn("the module is gone: calls go through callgated alone");
		go_down();
	}
	if (!line.gate) {
		if (!go_up())
			log_info("the module is here");
		return;
	}
	if (line.stale)
		dump_bindings();
	if (interfaces_changed(config_now()))
		set_rules(config_now());
}

int kernel_link_open(struct loop *l, const struct config *c, char why[static 256])
{
	int err;

	line.loop = l;
	line.check = loop_every(l, CHECK_MS, check, NULL);
	if (!line.check)
		return -ENOMEM;
	err = kernel_sync_open(l);
	if (!err)
		err = config_hook(configured);
	if (err)
		return err;
	proxy_key_hook(key_changed);
	configured(c);
	err = go_up();
	if (err == -ENOENT)
		snprintf(why, 256, "the module callgate is not loaded: callgated is a proxy, and "
			 "no pinholes are opened: modprobe callgate");
	else if (err)
		snprintf(why, 256, "no line to the module: %.60s: callgated is a proxy, and no "
			 "pinholes are opened: give it CAP_NET_ADMIN", strerror(-err));
	return err;
}

/* ---- sockets ---- */

static bool is_listed(const struct config *c, const struct endpoint *at)
{
	for (size_t i = 0; i < c->n_listen; i++)
		if (endpoint_equal(&c->listen[i], at))
			return true;
	return false;
}

struct leftovers {
	const struct config *config;
	struct gate_socket socket[CALLGATE_SOCKETS_MAX];
	size_t n;
};

/* One that is claimed belongs to another daemon that lives. */
static int note_leftover(const struct gate_socket *s, void *arg)
{
	struct leftovers *l = arg;

	if (!s->claimed && l->n < CALLGATE_SOCKETS_MAX && !is_listed(l->config, &s->local))
		l->socket[l->n++] = *s;
	return 0;
}

void kernel_link_release(const struct config *c)
{
	struct leftovers l = { .config = c };
	char text[TEXT_ENDPOINT];
	int err;

	if (!line.gate)
		return;
	err = gate_sockets(line.gate, note_leftover, &l);
	if (err)
		log_warn("what the last callgated left cannot be read: %s (%s): if a port is in "
			 "use, wait for two minutes", strerror(-err), gate_said(line.gate));
	for (size_t i = 0; i < l.n; i++) {
		text_endpoint(&l.socket[i].local, text);
		err = gate_detach(line.gate, l.socket[i].id);
		if (err && err != -ENOENT)
			log_warn("%s of the last callgated stays open: %s", text, strerror(-err));
		else
			log_info("%s of the last callgated is closed: it is not in listen", text);
	}
}

int kernel_link_claim(const struct endpoint *at)
{
	int fd;

	if (!line.gate || gate_claim(line.gate, at, &fd))
		return -1;
	return fd;
}

int kernel_link_attach(struct udp_socket *s, const struct endpoint *at)
{
	struct attached *a = &line.socket[line.n_sockets];

	if (line.n_sockets == CALLGATE_SOCKETS_MAX) {
		say_without(at, -ENOSPC, "");
		return -ENOSPC;
	}
	line.n_sockets++;
	*a = (struct attached){ s, *at };
	return line.gate ? attach(a) : 0;
}

void kernel_link_close(void)
{
	loop_unwatch(line.check);
	line.check = NULL;
	proxy_key_hook(NULL);
	if (line.gate)
		gate_detach(line.gate, 0);
	go_down();
	kernel_sync_close();
	line.n_sockets = 0;
}
