/* SPDX-License-Identifier: BSD-2-Clause */
/* flows: the live flows to SIP ports, and which of them no helper sees. */
#ifndef FLOWS_H
#define FLOWS_H

#include <jansson.h>

#include "kernel.h"
#include "rules.h"

enum flow_kind {
	FLOWS_HELPED,	/* UDP, with a helper of callgate */
	FLOWS_BARE,	/* UDP, without any helper */
	FLOWS_OTHER,	/* UDP, with another helper */
	FLOWS_TCP,	/* signalling by TCP or TLS: passes untouched */
	FLOWS_KINDS
};

struct flows {
	struct {
		struct flow *at;
		size_t n;
	} kind[FLOWS_KINDS];
};

/* 0 or -errno. */
int flows_read(struct flows *f, const struct ports *ports);
/* Those of callgated's own sockets (struct gateway_socket) need no helper: not FLOWS_BARE. */
void flows_leave_out(struct flows *f, const struct list *sockets);
void flows_free(struct flows *f);
/* "udp 192.0.2.1:5060 -> 203.0.113.1:5060" */
#define FLOW_TEXT 128
const char *flow_text(const struct flow *f, char buf[static FLOW_TEXT]);
json_t *flow_json(const struct flow *f);

#endif
