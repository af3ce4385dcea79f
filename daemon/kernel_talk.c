/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "kernel_talk.h"

int talk_connect(struct nl_sock *sk, int protocol)
{
	int err = nl_connect(sk, protocol), on = 1;

	if (err)
		return err == -NLE_NOMEM ? -ENOMEM : -EPROTONOSUPPORT;
	/* only words are lost when the kernel is too old for these */
	setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

void talk_blocking(struct nl_sock *sk, bool on)
{
	int fd = nl_socket_get_fd(sk), flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* The kernel may say something of its own meanwhile (LOCATE). */
static int on_seq(struct nl_msg *msg, void *arg)
{
	struct talk *t = arg;

	return nlmsg_hdr(msg)->nlmsg_seq == t->seq ? NL_OK : NL_SKIP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct talk *t = arg;

	if (t->fn && !t->result)
		t->result = t->fn(msg, t->arg);
	return NL_OK;
}

static int on_end(struct nl_msg *msg, void *arg)
{
	struct talk *t = arg;

	(void)msg;
	t->done = true;
	return NL_STOP;
}

/* A dump that was disturbed is still complete for all that was there all the time. */
static int on_disturbed(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

/* The words stand behind struct nlmsgerr (NETLINK_CAP_ACK: the request does not). */
static void read_words(struct talk *t, struct nlmsgerr *e)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)((char *)e - NLMSG_HDRLEN);
	int len = nlmsg_datalen(hdr) - (int)sizeof(*e);
	struct nlattr *a;

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS) || len <= 0)
		return;
	a = nla_find((struct nlattr *)(e + 1), len, NLMSGERR_ATTR_MSG);
	if (a)
		snprintf(t->said, sizeof(t->said), "%.*s", nla_len(a), (char *)nla_data(a));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct talk *t = arg;

	(void)from;
	if (!t->result)
		t->result = e->error;
	read_words(t, e);
	t->done = true;
	return NL_STOP;
}

static struct nl_cb *callbacks(struct talk *t)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (!cb)
		return NULL;
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_seq, t);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, t);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, t);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, t);
	nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_disturbed, t);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, t);
	return cb;
}

int talk(struct talk *t, struct nl_sock *sk, struct nl_msg *msg, talk_fn *fn, void *arg)
{
	struct nl_cb *cb = NULL;
	int err = -EIO;

	*t = (struct talk){ .fn = fn, .arg = arg };
	if (nl_send_auto(sk, msg) < 0)
		goto out;
	t->seq = nlmsg_hdr(msg)->nlmsg_seq;
	cb = callbacks(t);
	err = cb ? 0 : -ENOMEM;
	while (!err && !t->done)
		if (nl_recvmsgs(sk, cb) < 0 && !t->done)
			err = -EIO;
out:
	nl_cb_put(cb);
	nlmsg_free(msg);
	return err ? err : t->result;
}
