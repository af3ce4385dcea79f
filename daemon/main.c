/* SPDX-License-Identifier: BSD-2-Clause */
/* callgated: the start, step by step, the signals, and the way back. See callgated.8. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <jansson.h>

#include "auth.h"
#include "bans.h"
#include "config.h"
#include "control.h"
#include "control_status.h"
#include "core.h"
#include "gruu.h"
#include "history.h"
#include "json.h"
#include "kernel_link.h"
#include "keys.h"
#include "location.h"
#include "log.h"
#include "loop.h"
#include "notifier.h"
#include "passive.h"
#include "privileges.h"
#include "proxy.h"
#include "service.h"
#include "regevent.h"
#include "registrations.h"
#include "screen.h"
#include "store.h"
#include "text.h"
#include "transit.h"
#include "transport.h"
#include "txn.h"
#include "udp.h"
#include "wake.h"
#include "watch.h"
#include "zone.h"

#define WHY 256
/* For what the store has queued when callgated is stopped. */
#define DRAIN_MS 5000

static struct options {
	const char *file;
	bool check, verbose;
} options = { .file = CONFIG_FILE };

static struct loop *loop;
static struct store *store;
static struct udp_socket **sockets;
static size_t n_sockets;
static struct loop_watch *store_watch, *signals[4];

/* ---- the steps, each with its way back ---- */

static void say_lines(char *lines, bool wrong)
{
	char *at, *line;

	for (line = strtok_r(lines, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		if (wrong)
			log_fatal("%s", line);
		else
			log_warn("%s", line);
	}
	free(lines);
}

static int config_up(char why[static WHY])
{
	struct config *c;
	char *lines = NULL;
	int err = config_load(options.file, &c, &lines);

	if (lines)
		say_lines(lines, err);
	why[0] = 0;
	if (!err)
		config_set(c);
	return err;
}

static void config_down(void)
{
	config_set(NULL);
}

static void set_log(const struct config *c)
{
	log_setup(options.verbose ? LOG_LEVEL_DEBUG : (enum log_level)c->log_level);
}

static int log_up(char why[static WHY])
{
	(void)why;
	set_log(config_now());
	return config_hook(set_log);
}

static void new_zones(const struct config *c)
{
	(void)c;
	zone_forget();
}

/* As many descriptors as the system lets us have: each TCP peer will be one. */
static int limits_up(char why[static WHY])
{
	struct rlimit files;

	(void)why;
	signal(SIGPIPE, SIG_IGN);
	umask(0077);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files))
			log_debug("RLIMIT_NOFILE: %s", strerror(errno));
	}
	return 0;
}

static int manager_up(char why[static WHY])
{
	(void)why;
	service_open();
	return 0;
}

static int privileges_up(char why[static WHY])
{
	const struct config *c = config_now();

	privileges_folder(c->database, c->user, 0750);
	privileges_folder(c->control, c->user, 0755);
	return privileges_drop(c->user, why);
}

/* Answers that the store's commit lets go leave with the others. */
static void turn_ends(void)
{
	store_turn(store);
	udp_turn();
}

static int loop_up(char why[static WHY])
{
	int err = loop_open(&loop);

	(void)why;
	return err ? err : loop_at_turn_end(loop, turn_ends);
}

static void loop_down(void)
{
	loop_close(loop);
}

static void commits_done(int fd, void *arg)
{
	(void)fd;
	store_done(arg);
}

static int store_up(char why[static WHY])
{
	const struct config *c = config_now();
	const struct store_options o = {
		.path = c->database, .durability = c->durability, .warn = log_warn,
	};
	int err = store_open(&o, &store, why);

	if (err)
		return err;
	store_watch = loop_watch(loop, store_fd(store), commits_done, store);
	return store_watch ? 0 : -ENOMEM;
}

static void store_down(void)
{
	loop_unwatch(store_watch);
	store_close(store);
	passive_free();
	notifier_free();
	history_free();
	screen_free();
	location_free();
	txn_free_all();
}

static void users_changed(void)
{
	if (screen_read(store))
		log_warn("whom users do not want to call them cannot be read: %s: it is as it was; "
			 "when the disk is well, 'callgate reload'", store_said(store));
	notifier_review();
}

static int location_up(char why[static WHY])
{
	int err = location_load(store);

	if (!err)
		err = screen_read(store);
	if (err)
		snprintf(why, WHY, "%.90s: the registrations cannot be read: %.70s: put a "
			 "backup in its place, or move it away", config_now()->database,
			 store_said(store));
	else
		store_users_read(store);
	if (!err)
		err = history_open();
	if (!err)
		err = registrations_open(store);
	if (!err)
		err = watch_open();
	if (!err)
		err = regevent_open();
	if (!err)
		registrations_users_hook(users_changed);
	return err ? err : notifier_open();
}

static int keys_up(char why[static WHY])
{
	uint8_t key[KEYS_SIZE];
	int err = keys_load(config_now()->database, key, why);

	if (err)
		return err;
	proxy_key_set(key, NULL);
	gruu_key_set(key);
	return 0;
}

static int auth_up(char why[static WHY])
{
	(void)why;
	return auth_open(store, config_now());
}

/* Behind location_up(): phones that registered before this start are woken, too. */
static int wake_up(char why[static WHY])
{
	int err;

	(void)why;
	err = wake_open(loop);
	return err ? err : config_hook(wake_configured);
}

/* Behind privileges_up(): its thread has the rights of its birth. */
static int bans_up(char why[static WHY])
{
	int err = bans_control();

	return err ? err : bans_open(config_now(), why);
}

static int helper_up(char why[static WHY])
{
	(void)why;
	return transit_open(loop);
}

/* Without the module callgated is a proxy; it is found when it comes. */
static int kernel_up(char why[static WHY])
{
	int err;

	why[0] = 0;
	err = kernel_link_open(loop, config_now(), why);
	if (*why)
		log_warn("%s", why);
	why[0] = 0;
	return err == -ENOENT || err == -EPERM || err == -EACCES ? 0 : err;
}

/* The socket that the last callgated left, or that systemd opened; -1: none. */
static int inherited_socket(const struct endpoint *e)
{
	int fd = service_socket(e);

	return fd < 0 ? kernel_link_claim(e) : fd;
}

/* A system without IPv6 is no reason not to serve IPv4. */
static bool may_go_without(const struct endpoint *e, int err)
{
	return e->len == 16 && endpoint_is_any(e) && err == -EAFNOSUPPORT;
}

static int listen_up(char why[static WHY])
{
	const struct config *c = config_now();
	char at[TEXT_ENDPOINT];
	int err;

	sockets = calloc(c->n_listen, sizeof(*sockets));
	if (!sockets)
		return -ENOMEM;
	kernel_link_release(c);
	for (size_t i = 0; i < c->n_listen; i++) {
		const struct endpoint *e = &c->listen[i];

		err = udp_open(loop, e, inherited_socket(e), &sockets[n_sockets], why);
		if (may_go_without(e, err)) {
			log_warn("no IPv6 here: SIP by IPv4 alone");
			continue;
		}
		if (err)
			return err;
		err = kernel_link_attach(sockets[n_sockets++], e);
		log_info("listening at %s, UDP%s", text_endpoint(e, at),
			 err ? ", without the module" : "");
	}
	service_sockets_done();
	transport_handler(core_receive);
	return config_hook(new_zones);
}

static void listen_down(void)
{
	udp_flush();
	while (n_sockets)
		udp_close(sockets[--n_sockets]);
	free(sockets);
}

/* ---- reload and the end ---- */

static int reload(char **lines)
{
	char *copy;
	int err;

	service_reloading();
	err = config_reload(lines);
	copy = *lines ? strdup(*lines) : NULL;
	if (copy)
		say_lines(copy, false);
	if (err)
		log_warn("%s: nothing was changed", config_now()->file);
	else
		log_info("%s: read again", config_now()->file);
	users_changed();
	service_notify("READY=1");
	return err;
}

static json_t *lines_json(char *lines)
{
	json_t *list = json_array();
	char *at, *line;

	for (line = strtok_r(lines, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
		json_array_append_new(list, json_text(line));
	return list;
}

static void answer_reload(struct control_job *job, const json_t *request, void *arg)
{
	char *lines = NULL;
	int err = reload(&lines);

	(void)request, (void)arg;
	if (err)
		control_refuse(job, err, "%s", lines ? lines : strerror(-err));
	else
		control_answer(job, json_pack("{s:o, s:o}", "config", json_text(config_now()->file),
					      "warnings", lines ? lines_json(lines) :
					      json_array()));
	free(lines);
}

/* While callgated ends nothing new begins: the sender asks again, and finds the successor. */
static void let_pass(struct rx *rx)
{
	(void)rx;
}

static struct loop_watch *draining;

static void drained(int fd, void *arg)
{
	uint64_t *end = arg;
	struct store_counters c;

	(void)fd;
	store_counters(store, &c);
	if (!c.queued) {
		/* the answers to the last ones; each may let a change begin that waited for it */
		store_done(store);
		store_counters(store, &c);
	}
	if (!c.queued || loop_now() >= *end)
		loop_stop(loop);
}

/* What was promised to the store gets its answer before the sockets are closed. */
static void stop(void)
{
	static uint64_t end;

	if (end) {
		loop_stop(loop);
		return;
	}
	service_notify("STOPPING=1");
	log_info("stopping");
	transport_handler(let_pass);
	end = loop_now() + DRAIN_MS;
	drained(-1, &end);
	draining = loop_every(loop, 20, drained, &end);
	if (!draining)
		loop_stop(loop);
}

static void signalled(int signo, void *arg)
{
	char *lines = NULL;

	(void)arg;
	switch (signo) {
	case SIGHUP:
		reload(&lines);
		free(lines);
		break;
	case SIGUSR1:
		control_status_log();
		break;
	default:
		stop();
	}
}

static int signals_up(char why[static WHY])
{
	static const int numbers[] = { SIGHUP, SIGUSR1, SIGTERM, SIGINT };

	(void)why;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		signals[i] = loop_signal(loop, numbers[i], signalled, NULL);
		if (!signals[i])
			return -ENOMEM;
	}
	return 0;
}

static void signals_down(void)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		loop_unwatch(signals[i]);
	loop_unwatch(draining);
}

static int control_up(char why[static WHY])
{
	int err = control_status_open(store);

	if (!err)
		err = control_verb("reload", answer_reload, NULL);
	return err ? err : control_open(loop, config_now()->control, why);
}

static int ready_up(char why[static WHY])
{
	int err = service_watchdog(loop);

	(void)why;
	if (err)
		return err;
	log_info("ready: version " CG_VERSION ", domains: %zu, registrations: %zu",
		 config_now()->n_domains, location_count());
	service_notify("READY=1\nSTATUS=domains: %zu", config_now()->n_domains);
	return 0;
}

/* ---- the ladder ---- */

/* .status: what the exit says when it fails, sysexits(3); lack of permission has its own. */
static const struct step {
	const char *name;
	int (*up)(char why[static WHY]);
	void (*down)(void);	/* also after a failed .up: it undoes what there is */
	int status;
} steps[] = {
	{ "configuration", config_up, config_down, EX_CONFIG },
	{ "log", log_up, NULL, EX_OSERR },
	{ "limits", limits_up, NULL, EX_OSERR },
	{ "service manager", manager_up, service_close, EX_OSERR },
	{ "privileges", privileges_up, NULL, EX_NOPERM },
	{ "loop", loop_up, loop_down, EX_OSERR },
	{ "signals", signals_up, signals_down, EX_OSERR },
	{ "database", store_up, store_down, EX_IOERR },
	{ "registrations", location_up, NULL, EX_IOERR },
	{ "keys", keys_up, proxy_free, EX_IOERR },
	{ "push", wake_up, wake_close, EX_OSERR },
	{ "module", kernel_up, kernel_link_close, EX_OSERR },
	{ "listen", listen_up, listen_down, EX_UNAVAILABLE },
	{ "authentication", auth_up, auth_close, EX_OSERR },
	{ "bans", bans_up, bans_close, EX_OSERR },
	{ "helper", helper_up, transit_close, EX_OSERR },
	{ "control", control_up, control_close, EX_UNAVAILABLE },
	{ "ready", ready_up, service_watchdog_stop, EX_OSERR },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static int failed(const struct step *s, int err, const char *why)
{
	if (*why)
		log_fatal("%s: %s", s->name, why);
	else if (s->up != config_up)
		log_fatal("%s: %s", s->name, strerror(-err));
	return err == -EPERM || err == -EACCES ? EX_NOPERM : s->status;
}

static int serve(void)
{
	char why[WHY] = "";
	int status = EX_OK, err;
	size_t done = 0;

	log_setup(LOG_LEVEL_INFO);
	while (done < STEPS && status == EX_OK) {
		err = steps[done].up(why);
		if (err)
			status = failed(&steps[done], err, why);
		done++;
	}
	if (status == EX_OK) {
		err = loop_run(loop);
		if (err) {
			log_fatal("loop: %s", strerror(-err));
			status = EX_OSERR;
		}
	}
	while (done--)
		if (steps[done].down)
			steps[done].down();
	if (status == EX_OK)
		log_info("stopped");
	return status;
}

/* ---- the command line ---- */

static const char usage_text[] =
	"usage: callgated [-c FILE] [-t] [-v]\n\n"
	"  -c FILE    the configuration; without it " CONFIG_FILE "\n"
	"  -t         check the configuration and exit\n"
	"  -v         say more: log-level = debug\n"
	"  --version\n"
	"  --help\n\n"
	"It stays in the foreground and logs to standard error; callgated(8) says more.\n";

static int wrong_use(const char *what, const char *word)
{
	fprintf(stderr, "callgated: %s '%s'; callgated --help shows the options\n", what, word);
	return EX_USAGE;
}

static int print(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) ? EX_IOERR : EX_OK;
}

/* EX_OK and *go: begin; else the exit status. */
static int read_options(int argc, char **argv, bool *go)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!strcmp(word, "--help") || !strcmp(word, "-h"))
			return print(usage_text);
		if (!strcmp(word, "--version"))
			return print("callgated " CG_VERSION "\n");
		if (!strcmp(word, "-t"))
			options.check = true;
		else if (!strcmp(word, "-v"))
			options.verbose = true;
		else if (strncmp(word, "-c", 2))
			return wrong_use(*word == '-' ? "unknown option" : "surplus word", word);
		else if (word[2])
			options.file = word + 2;
		else if (++i < argc)
			options.file = argv[i];
		else
			return wrong_use("a file is missing after", word);
	}
	*go = true;
	return EX_OK;
}

static int check(void)
{
	struct config *c = NULL;
	char *lines = NULL;
	int err = config_load(options.file, &c, &lines);

	fputs(lines ? lines : "", stderr);
	free(lines);
	if (err)
		return err == -EACCES ? EX_NOPERM : EX_CONFIG;
	config_put(c);
	printf("%s: good\n", options.file);
	return EX_OK;
}

int main(int argc, char **argv)
{
	bool go = false;
	int status = read_options(argc, argv, &go);

	if (!go)
		return status;
	return options.check ? check() : serve();
}
