/* SPDX-License-Identifier: BSD-2-Clause */
/* push: real programs, from their start to their end; and which values they are given. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "config.h"
#include "loop.h"
#include "push.h"
#include "push_phone.h"
#include "said.h"
#include "t.h"
#include "timer.h"

static char *services[] = { (char *)"apns", (char *)"fcm" };
static struct domain domain = { .name = (char *)"office.example", .push = { services, 2 },
				.push_command = (char *)"/bin/true", .push_wait = 20 };
static struct config config = { .domains = &domain, .n_domains = 1 };

const struct config *config_now(void)
{
	return &config;
}

const struct domain *config_domain(const struct config *c, const char *name, size_t len)
{
	return strlen(c->domains[0].name) == len && !memcmp(c->domains[0].name, name, len) ?
		c->domains : NULL;
}

/* ---- values ---- */

static void values(void)
{
	static const struct {
		const char *uri, *provider, *prid, *param;	/* .provider NULL: not woken */
	} trials[] = {
		{ "sip:a@h;pn-provider=fcm;pn-prid=abc", "fcm", "abc", "" },
		{ "sip:a@h;PN-Provider=FCM;pn-PRID=aB;pn-param=x", "fcm", "aB", "x" },
		{ "sips:a@h;pn-provider=apns;pn-prid=0%3a1%2Fb:voip&b:remote;pn-param=T.org.voip",
		  "apns", "0:1/b:voip&b:remote", "T.org.voip" },
		{ "sip:a@h;pn-provider=apns;pn-prid=https%3A%2F%2Fpush.office.example%2Fw%3Ft%3D%25b", "apns",
		  "https://push.office.example/w?t=%b", "" },
		{ "sip:a@h;pn-provider=apns;pn-prid=x;pn-param", "apns", "x", "" },
		{ "sip:a@h;pn-provider=webpush;pn-prid=abc", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fc;pn-prid=abc", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider;pn-prid=abc", NULL, NULL, NULL },
		{ "sip:a@h;pn-prid=abc", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid", NULL, NULL, NULL },
		{ "sip:pn-provider=fcm;pn-prid=abc@h", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=-rf", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=%2drf", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=a%20b", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=a%0ab", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=a%00b", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=a%7fb", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=%22", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=%5c", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid='", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=$(a)", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=%60a%60", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=*", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=a%3bb", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=a%c3%a9", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=ok;pn-param=%22", NULL, NULL, NULL },
		{ "sip:a@h;pn-provider=fcm;pn-prid=ok;pn-param=-x", NULL, NULL, NULL },
	};
	static struct push_phone p;

	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		bool good = push_phone(&domain, trials[i].uri, &p);

		T_OK(good == !!trials[i].provider, "%s: %d", trials[i].uri, good);
		T_OK(!good || !trials[i].provider ||
		     (!strcmp(p.provider, trials[i].provider) && !strcmp(p.prid, trials[i].prid) &&
		      !strcmp(p.param, trials[i].param)), "%s: %s %s %s", trials[i].uri,
		     p.provider, p.prid, p.param);
	}
}

/* The longest that fits, and one more. */
static void long_values(void)
{
	static const char begin[] = "sip:a@h;pn-provider=fcm;pn-prid=";
	static char uri[sizeof(begin) + PUSH_VALUE];
	static struct push_phone p;

	memset(uri, 'x', sizeof(uri) - 1);
	memcpy(uri, begin, sizeof(begin) - 1);
	T_OK(!push_phone(&domain, uri, &p), "too long");
	uri[sizeof(uri) - 2] = 0;
	T_OK(push_phone(&domain, uri, &p) && strlen(p.prid) == PUSH_VALUE - 1, "as long as it may");
}

static void settings(void)
{
	static struct push_phone p;
	uint64_t mark = push_mark(&config);

	T_OK(push_asks(&domain, "sip:a@h;pn-provider") && push_asks(&domain, "sip:a@h;pn-provider="),
	     "asks");
	T_OK(!push_asks(&domain, "sip:a@h;pn-provider=fcm") && !push_asks(&domain, "sip:a@h"),
	     "does not ask");
	T_OK(mark && mark == push_mark(&config), "the same settings");
	domain.push.n = 1;
	T_OK(push_mark(&config) && push_mark(&config) != mark, "another service");
	domain.push_command = NULL;
	T_OK(!push_mark(&config) && !push_asks(&domain, "sip:a@h;pn-provider") &&
	     !push_phone(&domain, "sip:a@h;pn-provider=apns;pn-prid=1", &p), "no command");
	domain.push_command = (char *)"/bin/true";
	domain.push.n = 2;
}

/* ---- programs ---- */

static struct loop *loop;
static char program[] = "/tmp/test-push-XXXXXX", written[64];
static unsigned int n_good, n_bad;

static void done(bool good, void *arg)
{
	T_OK(arg == &loop, "another argument");
	n_good += good;
	n_bad += !good;
	loop_stop(loop);
}

/* @text: what the program does. It is run as push would be, of a phone. */
static int start(const char *text)
{
	static struct push_phone phone = { .provider = "fcm", .prid = "a:b", .param = "" };
	FILE *f = fopen(program, "w");

	T_OK(f, "%s", program);
	fprintf(f, "#!/bin/sh\n%s\n", text);
	fclose(f);
	return push_start(&(struct push){ program, &phone, "o'neil@office.example", "call" }, done,
			  &loop);
}

static const char *run(const char *text)
{
	static char found[8192];
	size_t n = 0;
	FILE *f;

	T_OK(!start(text), "does not start");
	loop_run(loop);
	f = fopen(written, "r");
	if (f) {
		n = fread(found, 1, sizeof(found) - 1, f);
		fclose(f);
		unlink(written);
	}
	found[n] = 0;
	return found;
}

static bool has(const char *text, const char *line)
{
	return strstr(text, line);
}

static void what_it_gets(void)
{
	const char *s = run("for a in \"$@\"; do echo \"[$a]\"; done >$0.out");

	T_OK(!strcmp(s, "[fcm]\n[a:b]\n[]\n[o'neil@office.example]\n[call]\n"), "%s", s);
	setenv("SECRET", "1", 1);
	s = run("env >$0.out");
	T_OK(has(s, "CALLGATE_PN_PROVIDER=fcm\n") && has(s, "CALLGATE_PN_PRID=a:b\n") &&
	     has(s, "CALLGATE_PN_PARAM=\n") && has(s, "CALLGATE_AOR=o'neil@office.example\n") &&
	     has(s, "CALLGATE_REASON=call\n") && has(s, "PATH=/usr/local/sbin:"), "%s", s);
	T_OK(!has(s, "SECRET") && !has(s, "HOME="), "%s", s);
	T_OK(n_good == 2 && !n_bad && !push_running(), "their ends: %u %u", n_good, n_bad);
}

/* Of a line of /proc/PID/status, without the two that the C library has for itself. */
static unsigned long long signals(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, 16) & ~0x180000000ull : ~0ull;
}

/* Descriptors that stay open over an exec, and signals that are blocked or ignored. */
static void what_it_does_not_get(void)
{
	int fds[2] = { open("/dev/zero", O_RDONLY), dup(0) };
	sigset_t set, old;
	const char *s;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	s = run("{ grep -E '^Sig(Blk|Ign)' /proc/self/status; ls -l /proc/self/fd; pwd; } >$0.out "
		"2>&1; read x && echo more >>$0.out; true");
	sigprocmask(SIG_SETMASK, &old, NULL);
	T_OK(!signals(s, "SigBlk:") && !signals(s, "SigIgn:"), "signals: %s", s);
	T_OK(!has(s, "/dev/zero") && has(s, " 0 -> /dev/null"), "files: %s", s);
	T_OK(has(s, "\n/\n") && !has(s, "more"), "folder, input: %s", s);
	close(fds[0]);
	close(fds[1]);
}

static void failures(void)
{
	char kept = program[5];

	said_begin(LOG_LEVEL_WARN);
	n_bad = 0;
	run("exit 7");
	T_OK(n_bad == 1 && has(said(), "push-command: ended with status 7"), "%s", said_text);
	run("kill -9 $$");
	T_OK(n_bad == 2 && !*said(), "a signal, and not said again: %s", said_text);
	program[5] = '-';
	T_OK(push_start(&(struct push){ program, &(struct push_phone){ .provider = "x" }, "a",
					"call" }, done, &loop) == -ENOENT, "it is not there");
	program[5] = kept;
	said_end(LOG_LEVEL_WARN);
	T_OK(n_bad == 2 && !push_running(), "nothing runs");
}

/* What it started holds our standard error as long as it lives. */
static bool all_dead(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, 10000) == 1 && read(fd, &byte, 1) <= 0;
}

static int hold_error(int *before)
{
	int fds[2];

	if (pipe(fds))
		abort();
	*before = dup(2);
	dup2(fds[1], 2);
	close(fds[1]);
	return fds[0];
}

static void release_error(int before)
{
	dup2(before, 2);
	close(before);
}

static void too_slow(void)
{
	int before, fd = hold_error(&before);

	n_bad = 0;
	T_OK(!start("sleep 1000 & sleep 1000"), "does not start");
	release_error(before);
	loop_set_now(loop_now() + PUSH_MS - 100);
	timer_run(loop_now());
	T_OK(push_running() == 1 && !n_bad, "it has time");
	loop_set_now(loop_now() + 200);
	timer_run(loop_now());
	loop_run(loop);		/* stopped already when it is over */
	T_OK(n_bad == 1 && !push_running(), "it was killed");
	T_OK(all_dead(fd), "its children live");
	close(fd);
}

/* Somebody else took its end: it is over all the same. */
static void not_ours(void)
{
	n_bad = 0;
	signal(SIGCHLD, SIG_IGN);
	T_OK(!start("true"), "does not start");
	/* when there was nothing to watch any more, its timer looks; the clock stands still here */
	loop_set_now(loop_now() + 100);
	timer_run(loop_now());
	loop_run(loop);
	T_OK(n_bad == 1 && !push_running(), "it is over");
	signal(SIGCHLD, SIG_DFL);
}

static void many(void)
{
	int before, fd = hold_error(&before);

	n_bad = 0;
	for (int i = 0; i < PUSH_RUNS; i++)
		T_OK(!start("sleep 1000 & wait"), "number %d", i);
	T_OK(start("true") == -EBUSY && push_running() == PUSH_RUNS, "one more");
	release_error(before);
	push_close();
	T_OK(!push_running() && !n_bad, "the end");
	T_OK(all_dead(fd), "they live");
	close(fd);
}

int main(void)
{
	int fd = mkstemp(program);

	close(fd);
	chmod(program, 0700);
	snprintf(written, sizeof(written), "%s.out", program);
	values();
	long_values();
	settings();
	T_OK(!loop_open(&loop) && !push_open(loop), "open");
	what_it_gets();
	what_it_does_not_get();
	failures();
	too_slow();
	not_ours();
	many();
	loop_close(loop);
	unlink(program);
	return t_end("push");
}
