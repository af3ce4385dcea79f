/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control: the command's line to callgated: a Unix socket (root and its group only), one JSON
 * object for each request and answer, a line each. {"do": "registrations"} gives
 * {"ok": true, "result": ...} or {"ok": false, "error": "...", "what": "ENOENT"}.
 * The verbs are a table in control.c: status, reload, registrations, registration-remove,
 * users-changed, bans, ban-remove.
 */
#ifndef CONTROL_H
#define CONTROL_H

struct loop;
int control_open(struct loop *l, const char *path, char why[static 256]);
void control_close(void);

/*
 * For the command: one request, its answer (jansson; the caller decrefs). -ECONNREFUSED: no
 * daemon.
 */
struct json_t;
int control_ask(const char *path, struct json_t *request, struct json_t **answer);

#endif
