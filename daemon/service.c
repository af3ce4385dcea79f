/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "log.h"
#include "loop.h"
#include "service.h"

#define FIRST_FD 3
#define FDS_MAX 64

static int manager = -1;
static struct loop_watch *watchdog;

/* ---- what we tell ---- */

/* A socket that is connected to the service manager's; -1: there is none. */
static int reach(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (!n || n >= sizeof(to.sun_path) || (*path != '/' && *path != '@'))
		return -1;
	memcpy(to.sun_path, path, n);
	if (*path == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0) {
		log_warn("%s: %s: the service manager cannot be told", path, strerror(errno));
		close(fd);
		fd = -1;
	}
	return fd;
}

void service_open(void)
{
	manager = reach(getenv("NOTIFY_SOCKET"));
}

void service_close(void)
{
	if (manager >= 0)
		close(manager);
	manager = -1;
}

static void tell(const char *text, size_t len)
{
	if (manager < 0 || send(manager, text, len, MSG_NOSIGNAL) >= 0)
		return;
	/* it has begun anew */
	service_close();
	service_open();
	if (manager >= 0 && send(manager, text, len, MSG_NOSIGNAL) < 0)
		log_warn("%s: the service manager was not told: %.*s", strerror(errno), (int)len,
			 text);
}

void service_notify(const char *format, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n > 0)
		tell(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void service_reloading(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	service_notify("RELOADING=1\nMONOTONIC_USEC=%llu",
		       (unsigned long long)ts.tv_sec * 1000000 + (unsigned long long)ts.tv_nsec /
		       1000);
}

/* ---- watchdog ---- */

/* A number of the environment, for this process (@owner names it, or is not there); 0: none. */
static unsigned long long variable(const char *name, const char *owner)
{
	const char *value = getenv(name), *pid = getenv(owner);

	if (!value || (pid && strtoul(pid, NULL, 10) != (unsigned long)getpid()))
		return 0;
	return strtoull(value, NULL, 10);
}

static void alive(int fd, void *arg)
{
	(void)fd, (void)arg;
	service_notify("WATCHDOG=1");
}

int service_watchdog(struct loop *l)
{
	unsigned long long ms = variable("WATCHDOG_USEC", "WATCHDOG_PID") / 2000;

	if (!ms)
		return 0;
	watchdog = loop_every(l, ms < 3600000 ? (uint32_t)ms : 3600000, alive, NULL);
	return watchdog ? 0 : -ENOMEM;
}

void service_watchdog_stop(void)
{
	loop_unwatch(watchdog);
	watchdog = NULL;
}

/* ---- sockets that are handed over ---- */

static uint64_t taken;		/* bit N: descriptor FIRST_FD + N */

static unsigned int handed_over(void)
{
	unsigned long long n = getenv("LISTEN_PID") ? variable("LISTEN_FDS", "LISTEN_PID") : 0;

	return n < FDS_MAX ? (unsigned int)n : FDS_MAX;
}

static bool bound_to(int fd, const struct endpoint *at)
{
	union address own = { .sa.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(own), type_len = sizeof(int);
	struct endpoint e;
	int type = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) && type == SOCK_DGRAM &&
	       !getsockname(fd, &own.sa, &len) && address_endpoint(&own.sa, &e) &&
	       endpoint_equal(&e, at);
}

int service_socket(const struct endpoint *at)
{
	for (unsigned int i = 0; i < handed_over(); i++) {
		if (taken >> i & 1 || !bound_to(FIRST_FD + (int)i, at))
			continue;
		taken |= 1ull << i;
		fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC);
		return FIRST_FD + (int)i;
	}
	return -1;
}

void service_sockets_done(void)
{
	for (unsigned int i = 0; i < handed_over(); i++) {
		if (taken >> i & 1)
			continue;
		log_warn("socket %u of the service manager is not among 'listen': it is closed",
			 FIRST_FD + i);
		close(FIRST_FD + (int)i);
	}
	unsetenv("LISTEN_FDS");
}
