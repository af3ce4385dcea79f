/* SPDX-License-Identifier: BSD-2-Clause */
/* gatesip: users of a gateway, and the messages of a call to one of them. */
#ifndef GATESIP_H
#define GATESIP_H

#include <stdbool.h>

#define GATE_DOMAIN "bench.example"
#define GATE_CALLER "192.0.2.2"
#define GATE_WAN "192.0.2.1"	/* the router's addresses */
#define GATE_LAN "10.0.0.1"
#define GATE_MESSAGE 8192

struct gate_call {
	int user;
	char kind;			/* of the name it is called by: see gate_aor() */
	char id[64], ip[64];		/* ip: the phone's */
	char contact[256], routes[1024];	/* of the dialog, when there is one */
	int cseq;
};

/* User @user: "u" is the name it is registered by, any other letter another name of it. */
void gate_aor(char *out, char kind, int user);
void gate_phone(char *out, int user, bool v6);
/* With a parameter that makes it @len bytes. */
void gate_uri(char *out, int user, bool v6, int len);

/* The caller's; the length. */
int gate_request(char *out, struct gate_call *c, const char *method);
/* The phone's 200 to @asked. */
int gate_answer(char *out, const struct gate_call *c, const char *asked);
/* The dialog as the 200 in @answer says. */
void gate_dialog(struct gate_call *c, const char *answer);

#endif
