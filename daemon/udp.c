/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE	/* recvmmsg, in6_pktinfo */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "address.h"
#include "config.h"
#include "loop.h"
#include "text.h"
#include "udp.h"
#include "udp_own.h"
#include "zone.h"

#define BATCH 32		/* datagrams of one system call */
#define BATCHES 4		/* of one turn, then others get theirs */
#define DATAGRAM 65536
/* Buffers a power of two apart would fight for the same few lines of the processor's caches. */
#define APART (DATAGRAM + 17 * 64)
#define LATE_NS 4000000000LL
#define RECEIVE_BUFFER (8 << 20)
#define OUT_MAX 512		/* datagrams that wait to be sent */
#define OUT_BYTES (1 << 20)

struct udp_socket {
	struct udp_socket *next;
	struct endpoint at;
	struct event *readable, *writable;
	int fd;
	bool any;		/* every address of the family */
	bool blocked;		/* its send buffer is full */
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct timespec)) +
		   64];
};

struct out {
	struct udp_socket *s;
	struct sip_flow flow;
	uint32_t off, len;	/* in out_bytes */
};

static struct udp_socket *sockets;
static struct event *flush_later;
static bool turns;		/* udp_turn() is called */

static struct out out[OUT_MAX];
static unsigned int n_out;
static uint8_t out_bytes[OUT_BYTES];
static uint32_t out_used;

/* ---- addresses ---- */

static bool link_local(const struct endpoint *e)
{
	return e->len == 16 && e->addr[0] == 0xfe && (e->addr[1] & 0xc0) == 0x80;
}

static socklen_t to_sockaddr(const struct endpoint *e, uint32_t ifindex, union address *a)
{
	socklen_t len = address_of(e, a);

	if (link_local(e))
		a->in6.sin6_scope_id = ifindex;
	return len;
}

/* ---- in ---- */

static struct {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	union address from[BATCH];
	union control control[BATCH];
	uint8_t bytes[BATCH][APART];
	unsigned int unused;	/* at the end, still as prepare() left them */
} in;

/* Of the first @n, as much as the last system call has filled. */
static void prepare(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		in.iov[i] = (struct iovec){ in.bytes[i], DATAGRAM };
		in.msg[i].msg_hdr = (struct msghdr){
			.msg_name = &in.from[i], .msg_namelen = sizeof(in.from[i]),
			.msg_iov = &in.iov[i], .msg_iovlen = 1,
			.msg_control = &in.control[i], .msg_controllen = sizeof(in.control[i]),
		};
	}
}

static int64_t nanoseconds(const struct timespec *t)
{
	return t->tv_sec * 1000000000LL + t->tv_nsec;
}

/* Own address, interface and age of a datagram. */
static int64_t read_control(struct msghdr *m, struct sip_flow *flow, int64_t now)
{
	struct in6_pktinfo six;
	struct in_pktinfo four;
	struct timespec at;
	int64_t age = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&four, CMSG_DATA(c), sizeof(four));
			flow->local.len = 4;
			memcpy(flow->local.addr, &four.ipi_spec_dst, 4);
			flow->ifindex = (uint32_t)four.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&six, CMSG_DATA(c), sizeof(six));
			flow->local.len = 16;
			memcpy(flow->local.addr, &six.ipi6_addr, 16);
			flow->ifindex = six.ipi6_ifindex;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&at, CMSG_DATA(c), sizeof(at));
			age = now - nanoseconds(&at);
		}
	}
	return age;
}

static void received(const struct udp_socket *s, unsigned int i, int64_t now)
{
	struct sip_flow flow = { .local = s->at, .transport = SIP_T_UDP };
	struct msghdr *m = &in.msg[i].msg_hdr;

	if (m->msg_flags & MSG_TRUNC || !address_endpoint(&in.from[i].sa, &flow.remote) ||
	    !flow.remote.port) {
		transport_counters()->bad++;
		return;
	}
	/* no interface: it came to a socket handed over that did not ask for it yet */
	if (read_control(m, &flow, now) > LATE_NS || !flow.ifindex) {
		transport_counters()->late++;
		return;
	}
	flow.zone = zone_of(config_now(), flow.ifindex, &flow.remote);
	transport_receive(&flow, in.bytes[i], in.msg[i].msg_len);
}

/* ICMP errors about what was sent before, each with a quote of it. */
static void drain_errors(const struct udp_socket *s)
{
	char control[512], quote[128];
	struct iovec iov = { quote, sizeof(quote) };
	struct msghdr m;

	for (unsigned int i = 0; i < BATCH; i++) {
		m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				     .msg_controllen = sizeof(control) };
		if (recvmsg(s->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		transport_counters()->send_failed++;
	}
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct udp_socket *s = arg;
	struct timespec now;
	int n;

	(void)what;
	for (unsigned int turn = 0; turn < BATCHES; turn++) {
		prepare(BATCH - in.unused);
		n = recvmmsg(fd, in.msg, BATCH, MSG_DONTWAIT, NULL);
		in.unused = n > 0 ? BATCH - (unsigned int)n : 0;
		if (n <= 0) {
			/* nothing to read, at once: there is an error, or was one */
			if (!turn || errno != EAGAIN)
				drain_errors(s);
			break;
		}
		clock_gettime(CLOCK_REALTIME, &now);
		for (int i = 0; i < n; i++)
			received(s, (unsigned int)i, nanoseconds(&now));
		if (n < BATCH)
			break;
	}
}

/* ---- out ---- */

/*
 * The own address of the flow as the source, unless the socket has no other; only link-local
 * ones need their interface.
 */
static void write_source(struct msghdr *m, const struct udp_socket *s, const struct sip_flow *flow)
{
	bool scoped = link_local(&flow->remote) || link_local(&flow->local);
	struct cmsghdr *c = m->msg_control;
	struct in6_pktinfo six = { .ipi6_ifindex = scoped ? flow->ifindex : 0 };
	struct in_pktinfo four = { 0 };

	if (!flow->local.len || (!scoped && (!s->any || endpoint_is_any(&flow->local)))) {
		m->msg_control = NULL;
		m->msg_controllen = 0;
	} else if (flow->local.len == 4) {
		memcpy(&four.ipi_spec_dst, flow->local.addr, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(four));
		memcpy(CMSG_DATA(c), &four, sizeof(four));
		m->msg_controllen = CMSG_SPACE(sizeof(four));
	} else {
		memcpy(&six.ipi6_addr, flow->local.addr, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(six));
		memcpy(CMSG_DATA(c), &six, sizeof(six));
		m->msg_controllen = CMSG_SPACE(sizeof(six));
	}
}

/* Up to BATCH datagrams of one socket, from queue[0] on; the number that left, or -errno. */
static int send_run(struct out *queue, unsigned int n)
{
	static struct mmsghdr msg[BATCH];
	static struct iovec iov[BATCH];
	static union address to[BATCH];
	static union control control[BATCH];
	int sent;

	for (unsigned int i = 0; i < n; i++) {
		iov[i] = (struct iovec){ out_bytes + queue[i].off, queue[i].len };
		msg[i].msg_hdr = (struct msghdr){
			.msg_name = &to[i], .msg_iov = &iov[i], .msg_iovlen = 1,
			.msg_control = &control[i],
			.msg_namelen = to_sockaddr(&queue[i].flow.remote, queue[i].flow.ifindex,
						   &to[i]),
		};
		write_source(&msg[i].msg_hdr, queue[i].s, &queue[i].flow);
	}
	do
		sent = sendmmsg(queue[0].s->fd, msg, n, MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

static unsigned int run_length(const struct out *queue, unsigned int n)
{
	unsigned int run = 1;

	while (run < n && run < BATCH && queue[run].s == queue[0].s)
		run++;
	return run;
}

/*
 * Sends a run. An error of an earlier datagram (ICMP) is reported once by a later call, which then
 * sends nothing: so the first error of a datagram means "again", the second is its own.
 */
static unsigned int send_or_skip(struct out *queue, unsigned int n)
{
	int sent = send_run(queue, n);

	if (sent < 0 && sent != -EAGAIN)
		sent = send_run(queue, n);
	if (sent == -EAGAIN) {
		queue[0].s->blocked = true;
		event_add(queue[0].s->writable, NULL);
		return 0;
	}
	if (sent < 0) {
		transport_counters()->send_failed++;
		return 1;
	}
	return (unsigned int)sent;
}

/* What waits for a full socket takes no room from the others. */
static void compact(void)
{
	out_used = 0;
	for (unsigned int i = 0; i < n_out; i++) {
		memmove(out_bytes + out_used, out_bytes + out[i].off, out[i].len);
		out[i].off = out_used;
		out_used += out[i].len;
	}
}

void udp_flush(void)
{
	unsigned int kept = 0, i = 0;

	while (i < n_out) {
		unsigned int done = 0;

		if (!out[i].s->blocked)
			done = send_or_skip(&out[i], run_length(&out[i], n_out - i));
		i += done;
		if (!done)
			out[kept++] = out[i++];
	}
	if (kept != n_out) {
		n_out = kept;
		compact();
	}
}

void udp_turn(void)
{
	turns = true;
	udp_flush();
}

static void flush_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	udp_flush();
}

static void writable(evutil_socket_t fd, short what, void *arg)
{
	struct udp_socket *s = arg;

	(void)fd;
	(void)what;
	s->blocked = false;
	udp_flush();
}

static struct udp_socket *socket_of(const struct endpoint *local, uint8_t family)
{
	struct udp_socket *found = NULL;

	for (struct udp_socket *s = sockets; s; s = s->next) {
		if (s->at.len != family || (local->port && s->at.port != local->port))
			continue;
		if (endpoint_same_host(&s->at, local))
			return s;
		if (s->any || !local->len)
			found = s;
	}
	return found;
}

int udp_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	struct udp_socket *s = socket_of(&flow->local, flow->remote.len);
	/* the length fields of UDP, and of IPv4 that counts its own header too */
	uint32_t most = flow->remote.len == 4 ? 65507 : 65527;

	if (!s || !flow->remote.port)
		return -EADDRNOTAVAIL;
	if (len > most)
		return -EMSGSIZE;
	if (n_out == OUT_MAX || out_used + len > OUT_BYTES)
		udp_flush();
	if (n_out == OUT_MAX || out_used + len > OUT_BYTES)
		return -EAGAIN;
	memcpy(out_bytes + out_used, buf, len);
	out[n_out++] = (struct out){ s, *flow, out_used, len };
	out_used += len;
	if (n_out == 1 && !turns)
		event_active(flush_later, EV_TIMEOUT, 1);
	return 0;
}

/* ---- sockets ---- */

static int explain(int err, const struct endpoint *at, char why[static 256])
{
	char where[TEXT_ENDPOINT];

	text_endpoint(at, where);
	if (err == EADDRINUSE)
		snprintf(why, 256, "UDP port %u of %s is in use by another program: stop that "
			 "(\"ss -ulpn\" names it), or change \"listen\"", at->port, where);
	else if (err == EADDRNOTAVAIL)
		snprintf(why, 256, "%s is no address of this machine: correct \"listen\"", where);
	else if (err == EACCES)
		snprintf(why, 256, "no permission for UDP port %u: start callgated as root", at->port);
	else if (err == EAFNOSUPPORT)
		snprintf(why, 256, "%s: this system has no IPv%d", where, at->len == 4 ? 4 : 6);
	else
		snprintf(why, 256, "UDP socket at %s: %s", where, strerror(err));
	return -err;
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? errno : 0;
}

static int set_options(int fd, bool six)
{
	int err = set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);

	/* more than the limit of the system needs CAP_NET_ADMIN: then as much as there is */
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER))
		set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	if (!err)
		err = six ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) :
			    set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	if (!err)
		err = six ? set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1) :
			    set(fd, IPPROTO_IP, IP_RECVERR, 1);
	/* large messages may be cut into fragments anywhere */
	if (!err)
		err = six ? set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT) :
			    set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	return err;
}

/*
 * The options come before bind(): of a datagram that is there before IP_PKTINFO was asked for, the
 * kernel knows neither the interface nor the own address, and the zone is told by them.
 */
static int new_socket(const struct endpoint *at, int *fd)
{
	union address a;
	socklen_t len = address_of(at, &a);
	int err = 0;

	*fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return errno;
	if (at->len == 16)
		err = set(*fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (!err)
		err = set_options(*fd, at->len == 16);
	if (!err && bind(*fd, &a.sa, len))
		err = errno;
	if (err)
		close(*fd);
	return err;
}

/* A socket that somebody else bound must be what we would have bound. */
static int check_given(int fd, const struct endpoint *at)
{
	union address a;
	socklen_t len = sizeof(a);
	int type = 0, v6only = 1;
	socklen_t size = sizeof(int);
	struct endpoint is;

	if (getsockname(fd, &a.sa, &len) || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size))
		return errno;
	if (a.sa.sa_family == AF_INET6)
		getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &size);
	if (type != SOCK_DGRAM || !v6only || !address_endpoint(&a.sa, &is) || is.len != at->len ||
	    is.port != at->port)
		return EINVAL;
	if (evutil_make_socket_nonblocking(fd))
		return errno;
	return set_options(fd, at->len == 16);
}

static void read_port(struct udp_socket *s)
{
	union address a;
	socklen_t len = sizeof(a);

	if (!getsockname(s->fd, &a.sa, &len))
		address_endpoint(&a.sa, &s->at);
}

static void free_socket(struct udp_socket *s)
{
	if (s->readable)
		event_free(s->readable);
	if (s->writable)
		event_free(s->writable);
	free(s);
}

static int watch(struct loop *l, struct udp_socket *s)
{
	struct event_base *base = loop_base(l);

	if (!flush_later)
		flush_later = event_new(base, -1, 0, flush_event, NULL);
	s->readable = event_new(base, s->fd, EV_READ | EV_PERSIST, readable, s);
	s->writable = event_new(base, s->fd, EV_WRITE, writable, s);
	if (!flush_later || !s->readable || !s->writable || event_add(s->readable, NULL))
		return ENOMEM;
	return 0;
}

int udp_open(struct loop *l, const struct endpoint *at, int fd, struct udp_socket **out_socket,
	     char why[static 256])
{
	struct udp_socket *s = calloc(1, sizeof(*s));
	bool given = fd >= 0;
	int err;

	if (!s)
		return explain(ENOMEM, at, why);
	s->at = *at;
	err = given ? check_given(fd, at) : new_socket(at, &fd);
	if (err)
		goto out;
	s->fd = fd;
	err = watch(l, s);
	if (err && !given)
		close(fd);
	if (err)
		goto out;
	read_port(s);
	s->any = endpoint_is_any(&s->at);
	s->next = sockets;
	sockets = s;
	*out_socket = s;
	return 0;
out:
	free_socket(s);
	return explain(err, at, why);
}

/* What waits for another socket stays. */
static void forget_queued(const struct udp_socket *s)
{
	unsigned int kept = 0;

	udp_flush();
	for (unsigned int i = 0; i < n_out; i++)
		if (out[i].s != s)
			out[kept++] = out[i];
	n_out = kept;
	compact();
}

void udp_close(struct udp_socket *s)
{
	struct udp_socket **link = &sockets;

	if (!s)
		return;
	forget_queued(s);
	while (*link && *link != s)
		link = &(*link)->next;
	if (*link)
		*link = s->next;
	close(s->fd);
	free_socket(s);
	if (!sockets && flush_later) {
		event_free(flush_later);
		flush_later = NULL;
	}
}

int udp_fd(const struct udp_socket *s)
{
	return s->fd;
}

bool udp_has(const struct endpoint *e)
{
	for (const struct udp_socket *s = sockets; s; s = s->next)
		if (s->at.port == e->port && s->at.len == e->len &&
		    (s->any ? udp_own(e) : endpoint_same_host(&s->at, e)))
			return true;
	return false;
}
