// SPDX-License-Identifier: BSD-2-Clause
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "../../uapi/callgate.h"
#include "gatelink.h"

static void die(const char *what)
{
	perror(what);
	exit(1);
}

int nl_open(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval wait = { 2, 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);

	if (fd < 0 || connect(fd, (void *)&kernel, sizeof(kernel)))
		die("netlink");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

/* ---- making ---- */

static struct nlmsghdr *head(struct nlbuf *b)
{
	return (struct nlmsghdr *)(b->data + b->head);
}

static void *grow(struct nlbuf *b, unsigned int len)
{
	void *at = b->data + b->len;

	if (NLMSG_ALIGN(len) > sizeof(b->data) - b->len) {
		fprintf(stderr, "gatelink: message too long\n");
		exit(1);
	}
	memset(at, 0, NLMSG_ALIGN(len));
	b->len += NLMSG_ALIGN(len);
	head(b)->nlmsg_len = b->len - b->head;
	return at;
}

void nl_begin(struct nlbuf *b, uint16_t type, uint8_t command, uint16_t flags)
{
	struct genlmsghdr *genl;

	b->head = b->len;
	grow(b, NLMSG_HDRLEN);
	head(b)->nlmsg_type = type;
	head(b)->nlmsg_flags = NLM_F_REQUEST | flags;
	genl = grow(b, GENL_HDRLEN);
	genl->cmd = command;
	genl->version = 1;
}

void nl_put(struct nlbuf *b, uint16_t kind, const void *data, unsigned int len)
{
	struct nlattr *attr = grow(b, NLA_HDRLEN + len);

	attr->nla_type = kind;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((char *)attr + NLA_HDRLEN, data, len);
}

void nl_u32(struct nlbuf *b, uint16_t kind, uint32_t value)
{
	nl_put(b, kind, &value, sizeof(value));
}

void nl_u64(struct nlbuf *b, uint16_t kind, uint64_t value)
{
	nl_put(b, kind, &value, sizeof(value));
}

void nl_text(struct nlbuf *b, uint16_t kind, const char *text)
{
	nl_put(b, kind, text, strlen(text) + 1);
}

unsigned int nl_nest(struct nlbuf *b, uint16_t kind)
{
	unsigned int at = b->len;

	nl_put(b, kind | NLA_F_NESTED, "", 0);
	return at;
}

void nl_nest_end(struct nlbuf *b, unsigned int nest)
{
	((struct nlattr *)(b->data + nest))->nla_len = b->len - nest;
}

/* ---- talking ---- */

void nl_send(int fd, struct nlbuf *b)
{
	if (send(fd, b->data, b->len, 0) != (ssize_t)b->len)
		die("netlink: send");
}

void nl_recv(int fd, struct nlbuf *b)
{
	ssize_t n = recv(fd, b->data, sizeof(b->data), 0);

	if (n < (ssize_t)NLMSG_HDRLEN)
		die("netlink: no answer");
	b->len = n;
	b->head = 0;
}

int nl_error(const struct nlbuf *b)
{
	const struct nlmsghdr *msg = (const struct nlmsghdr *)b->data;

	if (msg->nlmsg_type != NLMSG_ERROR) {
		fprintf(stderr, "netlink: an answer that was not asked for\n");
		exit(1);
	}
	return ((const struct nlmsgerr *)NLMSG_DATA(msg))->error;
}

int nl_do(int fd, struct nlbuf *b)
{
	nl_send(fd, b);
	nl_recv(fd, b);
	return nl_error(b);
}

/* ---- reading ---- */

const void *nl_find(const void *from, unsigned int len, uint16_t kind, unsigned int *size)
{
	const struct nlattr *attr = from;

	while (len >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN && attr->nla_len <= len) {
		unsigned int step = NLA_ALIGN(attr->nla_len);

		if ((attr->nla_type & NLA_TYPE_MASK) == kind) {
			*size = attr->nla_len - NLA_HDRLEN;
			return (const char *)attr + NLA_HDRLEN;
		}
		if (step > len)
			break;
		len -= step;
		attr = (const void *)((const char *)attr + step);
	}
	return NULL;
}

const void *nl_top(const struct nlbuf *b, uint16_t kind, unsigned int *size)
{
	unsigned int begin = NLMSG_HDRLEN + GENL_HDRLEN;

	return b->len > begin ? nl_find(b->data + begin, b->len - begin, kind, size) : NULL;
}

uint16_t nl_family(int fd)
{
	static struct nlbuf b;
	const void *found;
	unsigned int size;
	uint16_t family;

	b.len = 0;
	nl_begin(&b, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	nl_text(&b, CTRL_ATTR_FAMILY_NAME, CALLGATE_GENL_NAME);
	nl_send(fd, &b);
	nl_recv(fd, &b);
	found = nl_top(&b, CTRL_ATTR_FAMILY_ID, &size);
	if (!found || size != sizeof(family)) {
		fprintf(stderr, "netlink: no family %s\n", CALLGATE_GENL_NAME);
		exit(1);
	}
	memcpy(&family, found, sizeof(family));
	return family;
}
