// SPDX-License-Identifier: BSD-2-Clause
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cost.h"

void die(const char *what)
{
	perror(what);
	exit(1);
}

static void enter(int ns, const char *name)
{
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(name);
	close(ns);
}

static int socket_at(const char *ip, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval wait = { 1, 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, ip, &a.sin_addr);
	if (fd < 0 || bind(fd, (void *)&a, sizeof(a)))
		die(ip);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

int bound(const char *ns, const char *ip, int port)
{
	int home, fd;
	char name[64];

	if (!ns)
		return socket_at(ip, port);
	home = open("/proc/self/ns/net", O_RDONLY);
	snprintf(name, sizeof(name), "/run/netns/%s", ns);
	enter(open(name, O_RDONLY), name);
	fd = socket_at(ip, port);
	enter(home, "setns");
	return fd;
}

static int by_value(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return x < y ? -1 : x > y;
}

void report(const struct cost *c, unsigned long *v, int n)
{
	int lost = 0, i;

	qsort(v, n, sizeof(*v), by_value);
	for (i = 0; i < n; i++)
		lost += v[i] == LOST;
	printf("%s %s %s %d %lu %lu %lu %d\n", c->label, c->series, c->what, c->bytes, v[0],
	       v[n / 2], v[n * 9 / 10], lost);
	fflush(stdout);
}
