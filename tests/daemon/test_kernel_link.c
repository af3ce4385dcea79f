/* SPDX-License-Identifier: BSD-2-Clause */
/* The line to the module; the module is played here. With the real one: cases/gateway.py. */
#include <arpa/inet.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "callgate_gateway.h"
#include "config.h"
#include "kernel.h"
#include "kernel_gate.h"
#include "kernel_link.h"
#include "kernel_sync.h"
#include "location.h"
#include "loop.h"
#include "proxy.h"
#include "said.h"
#include "t.h"
#include "udp.h"

#define KEY_1 ((const uint8_t *)"0123456789abcdef")
#define KEY_2 ((const uint8_t *)"another key here")
#define DUMPS 3		/* at the start, after a loss, and because that one failed */

/* ---- the module ---- */

static struct {
	bool there;
	unsigned int rules, attached, detached_all;
	uint32_t take;
	char realms[64];		/* the first ones, each with a blank behind */
	size_t n_realms;
	uint8_t key[16], key_old[16];
	bool has_old;
	int attach_result;
	const char *said;
	struct gate_socket left[8];
	size_t n_left;
	uint32_t detached[8];
	size_t n_detached;
	unsigned int dumped;
	int dump_result;	/* of the next dump only */
	struct { uint64_t id; uint32_t flags; } location[4];
	size_t n_locations, room;
} module = { .said = "" };
static struct loop *loop;

int gate_open(struct gate **out)
{
	if (!module.there)
		return -ENOENT;
	*out = (struct gate *)&module;
	return 0;
}

void gate_close(struct gate *g)
{
	(void)g;
}

const char *gate_said(const struct gate *g)
{
	(void)g;
	return module.said;
}

int gate_attach(struct gate *g, int fd)
{
	(void)g, (void)fd;
	module.attached++;
	return module.attach_result;
}

int gate_claim(struct gate *g, const struct endpoint *at, int *fd)
{
	(void)g, (void)at, (void)fd;
	return -ENOENT;
}

int gate_detach(struct gate *g, uint32_t id)
{
	(void)g;
	if (id)
		module.detached[module.n_detached++] = id;
	else
		module.detached_all++;
	return 0;
}

int gate_sockets(struct gate *g, gate_socket_fn *fn, void *arg)
{
	int result = 0;

	(void)g;
	for (size_t i = 0; i < module.n_left && !result; i++)
		result = fn(&module.left[i], arg);
	return result;
}

int gate_rules(struct gate *g, const struct gate_rules *r)
{
	(void)g;
	module.rules++;
	memcpy(module.key, r->key, sizeof(module.key));
	module.has_old = r->key_old;
	module.take = r->take;
	module.n_realms = r->n_realms;
	module.realms[0] = 0;
	for (size_t i = 0; i < r->n_realms && i < 4; i++) {
		strcat(module.realms, r->realms[i]);
		strcat(module.realms, " ");
	}
	if (r->key_old)
		memcpy(module.key_old, r->key_old, sizeof(module.key_old));
	return 0;
}

int gate_epoch(struct gate *g, uint64_t epoch)
{
	(void)g, (void)epoch;
	return 0;
}

int gate_status(struct gate *g, struct gate_status *s)
{
	(void)g, (void)s;
	return 0;
}

static size_t place_of(uint64_t id)
{
	size_t i = 0;

	while (i < module.n_locations && module.location[i].id != id)
		i++;
	return i;
}

int gate_location_set(struct gate *g, const struct gate_location *l)
{
	size_t i = place_of(l->id);

	(void)g;
	if (i == module.n_locations) {
		if (i == module.room)
			return -ENOSPC;
		module.n_locations++;
	}
	module.location[i].id = l->id;
	module.location[i].flags = l->flags;
	return 0;
}

int gate_location_del(struct gate *g, uint64_t id, const char *aor)
{
	size_t i = place_of(id);

	(void)g, (void)aor;
	if (i == module.n_locations)
		return -ENOENT;
	module.location[i] = module.location[--module.n_locations];
	return 0;
}

int gate_locations(struct gate *g, gate_location_fn *fn, void *arg)
{
	(void)g, (void)fn, (void)arg;
	return 0;
}

static int quiet[2];	/* a pipe: a byte is a loss of notes */

int gate_fd(const struct gate *g)
{
	(void)g;
	return quiet[0];
}

int gate_questions(struct gate *g, gate_question_fn *fn, void *arg)
{
	(void)g, (void)fn, (void)arg;
	return 0;
}

int gate_forward(struct gate *g, uint64_t question, const struct gate_location *l)
{
	(void)g, (void)question, (void)l;
	return 0;
}

int gate_keep(struct gate *g, uint64_t question)
{
	(void)g, (void)question;
	return 0;
}

int kernel_open(struct kernel **out)
{
	*out = (struct kernel *)&module;
	return 0;
}

void kernel_close(struct kernel *k)
{
	(void)k;
}

int kernel_listen(struct kernel *k, unsigned int groups)
{
	(void)k, (void)groups;
	return 0;
}

int kernel_fd(const struct kernel *k)
{
	(void)k;
	return quiet[0];
}

int kernel_bindings(struct kernel *k, kernel_binding_fn *fn, void *arg)
{
	int result = module.dump_result;

	(void)k, (void)fn, (void)arg;
	module.dump_result = 0;
	if (++module.dumped == DUMPS)
		loop_stop(loop);
	return result;
}

int kernel_notes(struct kernel *k, kernel_note_fn *fn, void *arg)
{
	char lost;

	(void)k, (void)fn, (void)arg;
	return read(quiet[0], &lost, 1) == 1 ? -ENOBUFS : 0;
}

/* ---- the tests ---- */

static struct endpoint listening[2];
static struct config config = { .refs = 2, .challenge = true, .listen = listening, .n_listen = 2 };

static struct endpoint at(const char *address, uint16_t port)
{
	struct endpoint e = { .port = port };

	e.len = strchr(address, ':') ? 16 : 4;
	T_OK(inet_pton(e.len == 16 ? AF_INET6 : AF_INET, address, e.addr) == 1, "%s", address);
	return e;
}

static void without_module(void)
{
	char why[256] = "";

	T_OK(kernel_link_open(loop, &config, why) == -ENOENT && strstr(why, "modprobe callgate"),
	     "no module: %s", why);
	T_OK(!kernel_link_up() && !module.rules, "it is up");
	module.n_left = 0;
	kernel_link_release(&config);
	T_OK(kernel_link_claim(&listening[0]) == -1, "claimed");
	T_OK(!kernel_link_attach(NULL, &listening[0]) && !module.attached, "attached");
	proxy_key_set(KEY_2, NULL);
	T_OK(!module.rules, "a key went nowhere");
	kernel_link_close();
	T_OK(!module.detached_all, "detached");
}

static void key_at_once(void)
{
	unsigned int before = module.rules;

	T_OK(before && !memcmp(module.key, KEY_1, 16) && !module.has_old, "the first key");
	proxy_key_set(KEY_2, KEY_1);
	T_OK(module.rules == before + 1 && !memcmp(module.key, KEY_2, 16) && module.has_old &&
	     !memcmp(module.key_old, KEY_1, 16), "the second one, after %u rules", module.rules);
}

/* Of main domains, each once; too many of them, and nothing in dialogs is the module's. */
static void realms(void)
{
	static char names[300][8];
	static struct domain domains[300] = {
		{ .name = "a", .realm = "one", .mode = REGISTRAR_MAIN },
		{ .name = "b", .realm = "theirs", .mode = REGISTRAR_PASSIVE },
		{ .name = "c", .realm = "one", .mode = REGISTRAR_MAIN },
		{ .name = "d", .realm = "two", .mode = REGISTRAR_MAIN },
		{ .name = "e", .realm = "pbx", .mode = REGISTRAR_RELAY },
	};

	T_OK(!module.n_realms && module.take & CALLGATE_TAKE_DIALOG, "none");
	config.domains = domains;
	config.n_domains = 5;
	proxy_key_set(KEY_2, KEY_1);
	T_OK(!strcmp(module.realms, "one two "), "realms %s", module.realms);
	for (size_t i = 5; i < 300; i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		domains[i] = (struct domain){ .name = names[i], .realm = names[i] };
	}
	config.n_domains = 259;
	proxy_key_set(KEY_2, KEY_1);
	T_OK(module.n_realms == 256 && module.take & CALLGATE_TAKE_DIALOG, "256: %zu",
	     module.n_realms);
	config.n_domains = 260;
	proxy_key_set(KEY_2, KEY_1);
	T_OK(!(module.take & CALLGATE_TAKE_DIALOG) && module.take & CALLGATE_TAKE_OUTSIDE,
	     "257: %zu", module.n_realms);
	config.n_domains = 0;
}

static void leftovers_go(void)
{
	const struct gate_socket left[] = {
		{ 1, at("0.0.0.0", 5060), false },	/* in listen: to be claimed */
		{ 2, at("127.0.0.1", 5060), false },	/* in the way of it */
		{ 3, at("0.0.0.0", 5070), true },	/* somebody has it */
		{ 4, at("::", 5060), false },		/* another family */
		{ 5, at("0.0.0.0", 5061), false },	/* another port */
		{ 6, at("::1", 5062), false },		/* in listen */
	};

	memcpy(module.left, left, sizeof(left));
	module.n_left = sizeof(left) / sizeof(left[0]);
	said();
	kernel_link_release(&config);
	T_OK(module.n_detached == 3 && module.detached[0] == 2 && module.detached[1] == 4 &&
	     module.detached[2] == 5, "%zu were let go", module.n_detached);
	T_OK(strstr(said(), "127.0.0.1:5060 of the last callgated is closed"), "said: %s", said_text);
	T_OK(!module.detached_all, "all were");
}

static void refused(struct udp_socket *s, int err, const char *words, const char *wanted)
{
	module.attach_result = err;
	module.said = words;
	said();
	T_OK(kernel_link_attach(s, &listening[0]) == err, "result of %d", err);
	T_OK(strstr(said(), "0.0.0.0:5060 is served without the module: ") &&
	     strstr(said_text, wanted) && strstr(said_text, words), "%d: %s", err, said_text);
}

static void attach_says_why_not(void)
{
	const struct endpoint here = at("127.0.0.1", 0);
	struct udp_socket *s = NULL;
	char why[256] = "";

	T_OK(!udp_open(loop, &here, -1, &s, why), "udp_open: %s", why);
	said();
	T_OK(!kernel_link_attach(s, &listening[0]) && module.attached == 1, "attached");
	T_OK(!*said(), "said: %s", said_text);
	refused(s, -EBUSY, "sk_user_data", "a tunnel");
	refused(s, -EPERM, "", "CAP_NET_ADMIN");
	refused(s, -EXDEV, "", "namespace");
	refused(s, -ENOMEM, "", "restart callgated");
	module.attach_result = 0;
	for (int i = 5; i < CALLGATE_SOCKETS_MAX; i++)
		T_OK(!kernel_link_attach(s, &listening[0]), "socket %d", i);
	said();
	module.said = "";
	T_OK(kernel_link_attach(s, &listening[0]) == -ENOSPC && module.attached == 16,
	     "17, %u attached", module.attached);
	T_OK(strstr(said(), "fewer addresses in listen"), "said: %s", said_text);
	udp_close(s);
}

static void give_up(int fd, void *arg)
{
	(void)fd, (void)arg;
	loop_stop(loop);
}

/* After a loss there is a dump, and another one when that fails. */
static void loss_is_mended(void)
{
	struct loop_watch *limit = loop_every(loop, 20000, give_up, NULL);

	T_OK(module.dumped == 1, "%u dumps at first", module.dumped);
	module.dump_result = -EIO;
	T_OK(write(quiet[1], "", 1) == 1, "write");
	loop_run(loop);
	T_OK(module.dumped == DUMPS, "%u dumps", module.dumped);
	loop_unwatch(limit);
}

static void ok(int result, void *arg)
{
	T_OK(!result, "commit: %d", result);
	(void)arg;
}

/* A contact with this id comes or, where @uri is NULL, goes. */
static void contact(uint64_t id, const char *uri)
{
	struct contact c = {
		.id = id, .until = (uint64_t)time(NULL) * 1000 + 3600000, .q = 1000,
		.uri = (char *)(uintptr_t)uri, .call_id = (char[]){ "c" },
		.flow = { .local = at("192.0.2.1", 5060), .remote = at("192.0.2.2", 5060),
			  .transport = SIP_T_UDP },
	};
	const struct location_change change = {
		.aor = "anna@office.example",
		.put = &c, .n_put = !!uri, .drop = &id, .n_drop = !uri,
	};

	T_OK(!location_commit(&change, ok, NULL), "commit");
}

static void knows(const char *what, size_t n, uint64_t id, uint32_t flags)
{
	size_t i = place_of(id);

	T_OK(module.n_locations == n && i < n && module.location[i].flags == flags,
	     "%s: %zu locations, flags %u", what, module.n_locations,
	     i < module.n_locations ? module.location[i].flags : 99);
}

/* Of two devices the module must not ring one alone, whatever it was not told of the other. */
static void all_devices_or_ours(void)
{
	char long_uri[300] = "sip:b@192.0.2.3;x=";

	memset(long_uri + strlen(long_uri), 'y', sizeof(long_uri) - strlen(long_uri) - 1);
	module.room = 1;
	contact(1, "sip:a@192.0.2.2");
	knows("one", 1, 1, 0);
	contact(2, "sip:b@192.0.2.3");
	knows("no room for the second", 1, 1, CALLGATE_LOCATION_UP);
	contact(1, "sip:a@192.0.2.2");
	knows("the first is renewed", 1, 1, CALLGATE_LOCATION_UP);
	contact(2, NULL);
	knows("the second has gone", 1, 1, 0);
	module.room = 4;
	contact(2, long_uri);
	knows("a second that is too long", 1, 1, CALLGATE_LOCATION_UP);
	contact(3, "sip:c@192.0.2.4");
	knows("a third", 2, 3, CALLGATE_LOCATION_UP);
	contact(1, NULL);
	contact(2, NULL);
	knows("the last", 1, 3, 0);
	contact(3, NULL);
	T_OK(!module.n_locations, "%zu are left", module.n_locations);
}

/* A phone that may sleep is ours, also when it becomes one by a reload. */
static void sleepers_are_ours(void)
{
	static char *services[] = { (char *)"fcm" };
	static struct domain domain = { .name = "office.example", .realm = "office.example",
					.push = { services, 1 } };
	static struct domain *by_name[] = { &domain };
	uint64_t resyncs;

	config.domains = &domain;
	config.by_name = by_name;
	config.n_domains = 1;
	kernel_sync_configured(&config);
	contact(1, "sip:a@192.0.2.2;pn-provider=fcm;pn-prid=x");
	knows("no command", 1, 1, 0);
	resyncs = kernel_link_counters()->resyncs;
	domain.push_command = (char *)"/bin/true";
	kernel_sync_configured(&config);
	knows("a command since", 1, 1, CALLGATE_LOCATION_UP);
	kernel_sync_configured(&config);
	T_OK(kernel_link_counters()->resyncs == resyncs + 1, "told again for nothing");
	contact(1, "sip:a@192.0.2.2;pn-provider=fcm;pn-prid=y");
	knows("renewed", 1, 1, CALLGATE_LOCATION_UP);
	domain.push_command = NULL;
	kernel_sync_configured(&config);
	knows("no command any more", 1, 1, 0);
	contact(1, NULL);
	config.n_domains = 0;
}

static void with_module(void)
{
	char why[256] = "";

	module.there = true;
	proxy_key_set(KEY_1, NULL);
	T_OK(!kernel_link_open(loop, &config, why), "open: %s", why);
	T_OK(kernel_link_up(), "it is down");
	key_at_once();
	realms();
	leftovers_go();
	loss_is_mended();
	attach_says_why_not();
	all_devices_or_ours();
	sleepers_are_ours();
	kernel_link_close();
	T_OK(module.detached_all == 1, "not detached");
	module.rules = 0;
	proxy_key_set(KEY_1, NULL);
	T_OK(!module.rules, "a key for a closed line");
}

int main(void)
{
	listening[0] = at("0.0.0.0", 5060);
	listening[1] = at("::1", 5062);
	if (pipe(quiet) || loop_open(&loop))
		return 1;
	said_begin(LOG_LEVEL_INFO);
	config_set(&config);
	location_load(NULL);
	without_module();
	with_module();
	location_free();
	proxy_free();
	loop_close(loop);
	said_end(LOG_LEVEL_FATAL);
	return t_end("kernel_link");
}
