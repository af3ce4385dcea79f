/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client: client transactions of requests other than INVITE (RFC 3261 17.1.2, figure 6): a request
 * of callgated's own goes out, again and again over UDP, until it is answered or 64*T1 are over.
 *
 * Bounded: CLIENT_MAX at once, CLIENT_BYTES of requests. A response is matched by the branch, which
 * nobody can guess, and by the method in its CSeq (17.1.3).
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "transport.h"

#define CLIENT_MAX 4096
#define CLIENT_BYTES (32u << 20)
#define CLIENT_BRANCH 25	/* with its NUL */

/*
 * The end, called once, but not before client_send() has returned: the first final answer; or
 * @rx NULL and 408: none came, 503: it could not be sent. @fn may begin others.
 */
typedef void client_done_fn(uint16_t code, const struct rx *rx, void *arg);

struct client_request {
	const struct sip_flow *flow;
	const void *bytes;	/* copied; its top Via has .branch */
	uint32_t len;
	uint8_t method;		/* enum sip_method */
	const char *branch;	/* of client_branch() */
	client_done_fn *done;
	void *arg;
};

/* A branch for a new request. */
void client_branch(char out[static CLIENT_BRANCH]);
/*
 * Sends. Below 0 nothing was begun: -EBUSY too many, -ENOMEM, or what transport_send() says.
 * *@id names it for client_forget(), as long as .done was not called.
 */
int client_send(const struct client_request *q, uint64_t *id);
/* Nobody wants to know any more: it is not sent again, .done is not called. */
void client_forget(uint64_t id);

/* For each response. True: it belongs to one of these, and was dealt with. */
bool client_response(const struct rx *rx);

size_t client_count(void);
void client_free_all(void);

#endif
