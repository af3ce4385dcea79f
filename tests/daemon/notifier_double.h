/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of the notifier and of client transactions: every SUBSCRIBE with an Event is wanted. */
#ifndef TESTS_DAEMON_NOTIFIER_DOUBLE_H
#define TESTS_DAEMON_NOTIFIER_DOUBLE_H

#include "client.h"
#include "notifier.h"
#include "reply.h"

static const struct domain *notified_in;
static bool client_wants;

bool client_response(const struct rx *rx)
{
	(void)rx;
	return client_wants;
}

bool notifier_wants(const struct rx *rx)
{
	return sip_msg_header(&rx->msg, SIP_H_EVENT);
}

void notifier_request(struct rx *rx, struct txn *t, const struct domain *d)
{
	notified_in = d;
	reply_simple(rx, t, 200, "Allow-Events", notifier_events());
}

const char *notifier_events(void)
{
	return "reg";
}

#endif
