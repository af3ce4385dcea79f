/* SPDX-License-Identifier: BSD-2-Clause */
/* Real sockets on the loopback interface: addresses, sizes, bursts, errors, age. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>

#include "config.h"
#include "loop.h"
#include "rx.h"
#include "udp.h"
#include "udp_own.h"
#include "zone.h"

static struct config config;

const struct config *config_now(void)
{
	return &config;
}

/* What the age of a datagram is measured with: the test makes time pass. */
static int64_t later_s;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int err = (int)syscall(SYS_clock_gettime, id, ts);

	if (id == CLOCK_REALTIME)
		ts->tv_sec += later_s;
	return err;
}

/* What the system says to the next calls, and how many it takes at once. */
static unsigned int refusals, at_once = 1000;
static int refusal;

int sendmmsg(int fd, struct mmsghdr *msg, unsigned int n, int flags)
{
	if (refusals) {
		refusals--;
		errno = refusal;
		return -1;
	}
	return (int)syscall(SYS_sendmmsg, fd, msg, n < at_once ? n : at_once, flags);
}

/* ---- a peer: a plain socket ---- */

static struct loop *loop;
static unsigned int received, wanted;
static struct sip_flow flows[64];
static uint32_t lengths[64];
static bool echo;

static void handler(struct rx *rx)
{
	flows[received % 64] = rx->flow;
	lengths[received % 64] = rx->len;
	if (echo)
		transport_send(&rx->flow, rx->buf, rx->len);
	if (++received == wanted)
		loop_stop(loop);
}

static void gave_up(int fd, void *arg)
{
	(void)fd;
	*(bool *)arg = true;
	loop_stop(loop);
}

/* Runs until @n more messages came in; false: not within 5 s. */
static bool run_until(unsigned int n)
{
	bool late = false;
	struct loop_watch *w = loop_every(loop, 5000, gave_up, &late);

	wanted = received + n;
	loop_run(loop);
	udp_flush();
	loop_unwatch(w);
	return !late;
}

static int peer_socket(int family)
{
	struct timeval limit = { .tv_sec = 5 };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 4 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static struct sockaddr_in to4(const char *host, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, host, &a.sin_addr);
	return a;
}

/* A request of @len bytes with its NUL behind. */
static const char *message(size_t len)
{
	static char text[70000];
	int n = snprintf(text, sizeof(text), "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;"
			 "branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:x>\r\nCall-ID: c\r\n"
			 "CSeq: 1 OPTIONS\r\nContent-Length: ");

	n += snprintf(text + n, sizeof(text) - (size_t)n, "%06zu\r\n\r\n", len - (size_t)n - 10);
	memset(text + n, 'x', len - (size_t)n);
	text[len] = 0;
	return text;
}

static struct udp_socket *open_at(const struct endpoint *at, uint16_t *port)
{
	struct udp_socket *s = NULL;
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);
	char why[256] = "";
	int err = udp_open(loop, at, -1, &s, why);

	T_OK(!err, "udp_open: %d, %s", err, why);
	if (err)
		exit(t_end("udp"));
	getsockname(udp_fd(s), (struct sockaddr *)&a, &len);
	*port = ntohs(a.sin6_port);
	return s;
}

/* ---- */

/* Each datagram is answered from the address that it was sent to. */
static void addresses(uint16_t port)
{
	static const char *const own[] = { "127.0.0.1", "127.0.0.2", "127.8.8.8" };
	struct sockaddr_in a, from;
	socklen_t len = sizeof(from);
	char back[2000];
	int fd = peer_socket(AF_INET);

	echo = true;
	for (size_t i = 0; i < 3; i++) {
		a = to4(own[i], port);
		sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
		T_OK(run_until(1), "%s: nothing came in", own[i]);
		T_OK(!memcmp(flows[(received - 1) % 64].local.addr, &a.sin_addr, 4) &&
		     flows[(received - 1) % 64].local.port == port, "%s: another own address", own[i]);
		T_OK(recvfrom(fd, back, sizeof(back), 0, (struct sockaddr *)&from, &len) == 300,
		     "%s: no answer", own[i]);
		T_OK(from.sin_addr.s_addr == a.sin_addr.s_addr && from.sin_port == a.sin_port,
		     "%s: answered from %s", own[i], inet_ntoa(from.sin_addr));
		T_OK(flows[(received - 1) % 64].zone == ZONE_INSIDE, "loopback is not inside");
	}
	close(fd);
}

static void six(void)
{
	struct endpoint at = { .len = 16 };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four;
	struct udp_socket *s;
	uint16_t port;
	char back[2000];
	int fd = peer_socket(AF_INET6), fd4 = peer_socket(AF_INET);

	s = open_at(&at, &port);
	a.sin6_port = htons(port);
	sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	T_OK(run_until(1), "IPv6: nothing came in");
	T_OK(flows[(received - 1) % 64].remote.len == 16, "IPv6: family");
	T_OK(recv(fd, back, sizeof(back), 0) == 300, "IPv6: no answer");
	/* an IPv4 datagram to that port finds nobody */
	four = to4("127.0.0.1", port);
	if (!connect(fd4, (struct sockaddr *)&four, sizeof(four))) {
		send(fd4, message(300), 300, 0);
		T_OK(recv(fd4, back, sizeof(back), 0) < 0 && errno == ECONNREFUSED,
		     "IPv4 reaches the IPv6 socket: %s", strerror(errno));
	}
	close(fd);
	close(fd4);
	udp_close(s);
}

/* The longest datagram of IPv4, both ways; one byte more is an error that is known at once. */
static void sizes(uint16_t port)
{
	static char back[70000];
	struct sockaddr_in a = to4("127.0.0.1", port);
	int fd = peer_socket(AF_INET), size = 1 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	T_OK(sendto(fd, message(65507), 65507, 0, (struct sockaddr *)&a, sizeof(a)) == 65507, "%s",
	     strerror(errno));
	T_OK(run_until(1) && lengths[(received - 1) % 64] == 65507, "65507 bytes came as %u",
	     lengths[(received - 1) % 64]);
	T_OK(recv(fd, back, sizeof(back), 0) == 65507, "65507 bytes did not come back");
	T_OK(transport_send(&flows[(received - 1) % 64], back, 65508) == -EMSGSIZE, "65508 bytes");
	close(fd);
}

/* A peer that is gone (ICMP) costs the others nothing. */
static void errors(uint16_t port)
{
	struct sockaddr_in a = to4("127.0.0.1", port), gone = to4("127.0.0.1", 0);
	socklen_t len = sizeof(gone);
	struct sip_flow good, bad;
	unsigned int came = 0;
	char back[2000];
	int fd = peer_socket(AF_INET), dead = peer_socket(AF_INET);

	sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	run_until(1);
	recv(fd, back, sizeof(back), 0);
	good = flows[(received - 1) % 64];
	bind(dead, (struct sockaddr *)&gone, sizeof(gone));
	getsockname(dead, (struct sockaddr *)&gone, &len);
	close(dead);
	bad = good;
	bad.remote.port = ntohs(gone.sin_port);
	for (unsigned int i = 0; i < 100; i++) {
		transport_send(&bad, message(300), 300);
		udp_flush();
		transport_send(&good, message(300), 300);
		udp_flush();
	}
	while (came < 100 && recv(fd, back, sizeof(back), 0) == 300)
		came++;
	T_OK(came == 100, "%u of 100 arrived", came);
	/* the errors are read when the loop runs, and do not stop it from hearing others */
	sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	T_OK(run_until(1), "nothing comes in after errors");
	recv(fd, back, sizeof(back), 0);
	T_OK(transport_counters()->send_failed >= 1, "no error was counted");
	close(fd);
}

static void bursts(uint16_t port)
{
	struct sockaddr_in a = to4("127.0.0.1", port);
	int fd = peer_socket(AF_INET);
	unsigned int came = 0;
	char back[2000];

	for (unsigned int i = 0; i < 400; i++)
		sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	T_OK(run_until(400), "a burst of 400: not all came in");
	while (came < 400 && recv(fd, back, sizeof(back), 0) == 300)
		came++;
	T_OK(came == 400, "%u of 400 answers", came);
	/* keep-alives and noise */
	sendto(fd, "\r\n\r\n", 4, 0, (struct sockaddr *)&a, sizeof(a));
	sendto(fd, "\0\1\0\0noise", 9, 0, (struct sockaddr *)&a, sizeof(a));
	sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	T_OK(run_until(1), "nothing after noise");
	close(fd);
}

/* Sends @n, whose Call-ID is not looked at but whose length tells them apart. */
static unsigned int send_numbered(const struct sip_flow *to, unsigned int n)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < n; i++)
		taken += !transport_send(to, message(300 + i), 300 + i);
	return taken;
}

static unsigned int arrived_in_order(int fd, unsigned int n)
{
	static char back[70000];

	for (unsigned int i = 0; i < n; i++)
		if (recv(fd, back, sizeof(back), 0) != 300 + (ssize_t)i)
			return i;
	return n;
}

/* A full send buffer, one that takes a few, errors: all that can be sent arrives, in order. */
static void pressure(uint16_t port)
{
	struct sockaddr_in a = to4("127.0.0.1", port);
	uint64_t failed = transport_counters()->send_failed;
	struct sip_flow to;
	char back[2000];
	int fd = peer_socket(AF_INET);

	sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	T_OK(run_until(1), "nothing came in");
	to = flows[(received - 1) % 64];
	recv(fd, back, sizeof(back), 0);
	at_once = 3;
	T_OK(send_numbered(&to, 20) == 20, "not taken");
	udp_flush();
	T_OK(arrived_in_order(fd, 20) == 20, "three at once: some are missing");
	at_once = 1000;
	refusals = 1;
	refusal = EAGAIN;
	send_numbered(&to, 20);
	udp_flush();
	/* the queue goes out when the socket can be written, which the loop tells */
	sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	run_until(1);
	T_OK(arrived_in_order(fd, 20) == 20, "a full buffer: some are missing");
	recv(fd, back, sizeof(back), 0);
	refusals = 1000000;
	T_OK(send_numbered(&to, 600) == 512, "another number than the queue has room for");
	refusals = 0;
	sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	run_until(1);
	T_OK(arrived_in_order(fd, 512) == 512, "a full queue: some are missing");
	recv(fd, back, sizeof(back), 0);
	failed = transport_counters()->send_failed - failed;
	T_OK(failed == 600 - 512, "%llu failed", (unsigned long long)failed);
	/* one error may be about an earlier datagram, two in a row cost this one */
	refusals = 1;
	refusal = ECONNREFUSED;
	send_numbered(&to, 5);
	udp_flush();
	T_OK(arrived_in_order(fd, 5) == 5, "one error: some are missing");
	refusals = 2;
	send_numbered(&to, 5);
	udp_flush();
	T_OK(recv(fd, back, sizeof(back), 0) == 301, "two errors: not the first one alone is gone");
	close(fd);
}

/* What waited for more than 4 s in the socket is dropped, 3 s are fine. */
static void age(uint16_t port)
{
	struct sockaddr_in a = to4("127.0.0.1", port);
	uint64_t late = transport_counters()->late;
	int fd = peer_socket(AF_INET);

	echo = false;
	later_s = 3;
	sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	T_OK(run_until(1), "one of 3 s was dropped");
	later_s = 5;
	sendto(fd, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	/* the second one is fresh when it is read: the first must have been read before */
	for (unsigned int i = 0; i < 1000 && transport_counters()->late == late; i++) {
		struct loop_watch *w = loop_every(loop, 1, gave_up, &echo);

		loop_run(loop);
		loop_unwatch(w);
	}
	later_s = 0;
	T_OK(transport_counters()->late == late + 1, "one of 5 s was not counted");
	close(fd);
}

static void open_errors(uint16_t port)
{
	struct endpoint used = { .len = 4, .addr = { 127, 0, 0, 1 }, .port = port };
	struct endpoint nowhere = { .len = 4, .addr = { 192, 0, 2, 77 }, .port = 0 };
	struct udp_socket *s;
	char why[256];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	T_OK(udp_open(loop, &used, -1, &s, why) == -EADDRINUSE && strstr(why, "in use by another"),
	     "in use: %s", why);
	T_OK(udp_open(loop, &nowhere, -1, &s, why) == -EADDRNOTAVAIL &&
	     strstr(why, "192.0.2.77") && strstr(why, "no address of this machine"), "%s", why);
	T_OK(udp_open(loop, &used, fd, &s, why) < 0, "a TCP socket was taken");
	close(fd);
}

/* A socket of systemd or of the module. */
/* What came before is of no known interface: IP_PKTINFO was not asked for. It is not guessed. */
static void given(void)
{
	uint64_t late = transport_counters()->late;
	unsigned int before = received;
	struct sockaddr_in a = to4("127.0.0.1", 0);
	socklen_t len = sizeof(a);
	struct endpoint at = { .len = 4, .addr = { 127, 0, 0, 1 } };
	struct udp_socket *s;
	char why[256] = "";
	int fd = socket(AF_INET, SOCK_DGRAM, 0), peer = peer_socket(AF_INET);

	bind(fd, (struct sockaddr *)&a, sizeof(a));
	getsockname(fd, (struct sockaddr *)&a, &len);
	at.port = ntohs(a.sin_port) ^ 1;
	T_OK(udp_open(loop, &at, fd, &s, why) < 0, "a socket of another port was taken");
	at.port ^= 1;
	sendto(peer, message(400), 400, 0, (struct sockaddr *)&a, sizeof(a));
	T_OK(!udp_open(loop, &at, fd, &s, why) && udp_fd(s) == fd, "given: %s", why);
	sendto(peer, message(300), 300, 0, (struct sockaddr *)&a, sizeof(a));
	T_OK(run_until(1), "nothing from a given socket");
	T_OK(received == before + 1 && lengths[before % 64] == 300, "%u came", received - before);
	T_OK(transport_counters()->late == late + 1, "what came before is not counted");
	T_OK(flows[before % 64].ifindex, "no interface");
	T_OK(udp_has(&at), "not there");
	udp_close(s);
	T_OK(!udp_has(&at), "still there");
	close(peer);
}

static void is_us(uint16_t port)
{
	struct endpoint e = { .len = 4, .addr = { 127, 0, 0, 5 }, .port = port };

	T_OK(transport_is_us(&e), "127.0.0.5");
	e.port ^= 1;
	T_OK(!transport_is_us(&e), "another port");
	e.port ^= 1;
	memcpy(e.addr, (uint8_t[]){ 192, 0, 2, 77 }, 4);
	T_OK(!transport_is_us(&e), "a foreign address");
}

int main(void)
{
	struct endpoint any = { .len = 4 };
	struct udp_socket *s;
	uint16_t port;

	if (loop_open(&loop))
		return 1;
	transport_handler(handler);
	s = open_at(&any, &port);
	addresses(port);
	sizes(port);
	errors(port);
	bursts(port);
	pressure(port);
	six();
	is_us(port);
	open_errors(port);
	given();
	age(port);
	udp_close(s);
	udp_own_forget();
	loop_close(loop);
	return t_end("udp");
}
