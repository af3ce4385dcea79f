/* SPDX-License-Identifier: BSD-2-Clause */
/* gatelink: netlink by hand, many messages in a buffer: what a measurement needs of the daemon. */
#ifndef GATELINK_H
#define GATELINK_H

#include <stdbool.h>
#include <stdint.h>

struct nlbuf {
	unsigned int len, head;		/* head: where the last message begins */
	unsigned char data[65536];
};

/* A connected generic netlink socket; exits when there is none. */
int nl_open(void);
/* The number of the module's family. */
uint16_t nl_family(int fd);

/* One message after the other; a nest is what nl_nest() gave. */
void nl_begin(struct nlbuf *b, uint16_t type, uint8_t command, uint16_t flags);
void nl_put(struct nlbuf *b, uint16_t kind, const void *data, unsigned int len);
void nl_u32(struct nlbuf *b, uint16_t kind, uint32_t value);
void nl_u64(struct nlbuf *b, uint16_t kind, uint64_t value);
void nl_text(struct nlbuf *b, uint16_t kind, const char *text);
unsigned int nl_nest(struct nlbuf *b, uint16_t kind);
void nl_nest_end(struct nlbuf *b, unsigned int nest);

void nl_send(int fd, struct nlbuf *b);
/* The next message; exits when none comes. */
void nl_recv(int fd, struct nlbuf *b);
/* What an acknowledgement says: 0 or -errno. */
int nl_error(const struct nlbuf *b);
/* Sends; 0 or -errno of the acknowledgement, which the last message asks for. */
int nl_do(int fd, struct nlbuf *b);
/* The content of an attribute within @len bytes at @from, or NULL. */
const void *nl_find(const void *from, unsigned int len, uint16_t kind, unsigned int *size);
/* The content of nest @kind of the message in @b. */
const void *nl_top(const struct nlbuf *b, uint16_t kind, unsigned int *size);

#endif
