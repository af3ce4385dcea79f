/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel_talk: one netlink request and its answers. For kernel*.c only. */
#ifndef KERNEL_TALK_H
#define KERNEL_TALK_H

#include <stdbool.h>
#include <stdint.h>

struct nl_msg;
struct nl_sock;

struct talk {
	int result;		/* -errno of the request, or what the function returned */
	bool done;
	uint32_t seq;		/* of the request: what does not answer it is passed over */
	char said[256];		/* the kernel's words about an error, or "" */
	int (*fn)(struct nl_msg *msg, void *arg);
	void *arg;
};

/* For each answer; nonzero: the rest is ignored and this is the result. */
typedef int talk_fn(struct nl_msg *msg, void *arg);

int talk_connect(struct nl_sock *sk, int protocol);
/* talk() needs a socket that blocks. */
void talk_blocking(struct nl_sock *sk, bool on);
/* Sends the message, frees it, waits for the end of the answer. 0, -errno, or what @fn returned. */
int talk(struct talk *t, struct nl_sock *sk, struct nl_msg *msg, talk_fn *fn, void *arg);

#endif
