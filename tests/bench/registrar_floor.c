// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar_floor PORT: what no registrar can do without, in one thread: datagrams in and out, 32
 * at once, a wait between them. Nothing is parsed, checked or kept: who has an Authorization gets a
 * 200, others a 401, of the usual length. For tests/bench/registrar.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 32
#define SIZE 2048

static struct mmsghdr msg[BATCH];
static struct iovec iov[BATCH];
static struct sockaddr_in from[BATCH];
static char in[BATCH][SIZE], out[BATCH][SIZE];

static int put_line(char *to, const char *text, const char *name)
{
	const char *at = strstr(text, name);
	int len = at ? (int)strcspn(at + 2, "\r") + 2 : 0;

	memcpy(to, at ? at : "", (size_t)len);
	return len;
}

static size_t answer(const char *text, char *to)
{
	static const char ask[] = "\r\nWWW-Authenticate: Digest realm=\"bench.local\", algorithm=MD5,"
				  " nonce=\"0123456789abcdef0123456789abcdef\", qop=\"auth\"";
	int again = strstr(text, "\r\nAuthorization:") != NULL;
	int n = sprintf(to, "SIP/2.0 %s", again ? "200 OK" : "401 Unauthorized");

	n += put_line(to + n, text, "\r\nVia:");
	n += put_line(to + n, text, "\r\nFrom:");
	n += put_line(to + n, text, "\r\nTo:");
	n += put_line(to + n, text, "\r\nCall-ID:");
	n += put_line(to + n, text, "\r\nCSeq:");
	n += again ? put_line(to + n, text, "\r\nContact:") : sprintf(to + n, "%s", ask);
	n += sprintf(to + n, "\r\nServer: %0128d\r\nContent-Length: 0\r\n\r\n", 0);
	return (size_t)n;
}

static void turn(int fd)
{
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ in[i], 1024 - 1 };
		msg[i].msg_hdr = (struct msghdr){ .msg_name = &from[i], .msg_iov = &iov[i],
						  .msg_namelen = sizeof(from[i]), .msg_iovlen = 1 };
	}
	n = recvmmsg(fd, msg, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		in[i][msg[i].msg_len] = '\0';
		iov[i] = (struct iovec){ out[i], answer(in[i], out[i]) };
	}
	for (int sent = 0, k = 0; sent < n && k >= 0; sent += k)
		k = sendmmsg(fd, msg + sent, (unsigned int)(n - sent), 0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;

	a.sin_port = htons((uint16_t)(argc == 2 ? atoi(argv[1]) : 0));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (argc != 2 || bind(fd, (struct sockaddr *)&a, sizeof(a))) {
		perror("registrar_floor");
		return 2;
	}
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, -1) > 0)
			turn(fd);
	}
}
