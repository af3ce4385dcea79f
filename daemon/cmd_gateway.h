/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_gateway: gateway use in "callgate status", asked of the module: callgated may be dead. */
#ifndef CMD_GATEWAY_H
#define CMD_GATEWAY_H

#include <jansson.h>

#include "model.h"

#define GATEWAY_START "start it (with systemd: systemctl start callgated)"

struct kernel;

struct gateway_view {
	struct gateway gate;	/* .has 0: the module is too old, or was not asked */
	struct list sockets;	/* struct gateway_socket */
};

/* 0, or -errno. */
int gateway_read(struct kernel *k, struct gateway_view *g);
void gateway_free(struct gateway_view *g);

/* Is there, or was there, a callgated here? */
bool gateway_in_use(const struct gateway_view *g);
/* @reasons: struct reason, those that were counted. */
void gateway_print(const struct gateway_view *g, const struct list *reasons);
/* An object, or null where there is nothing to tell. */
json_t *gateway_json(const struct gateway_view *g, const struct list *reasons);
/*
 * What to do, for the caller to free, or NULL: it is as it should be. @runs: callgated answers at
 * its control socket.
 */
char *gateway_advice(const struct gateway_view *g, bool runs);

#endif
