/* SPDX-License-Identifier: BSD-2-Clause */
/* control_status: what callgated counts, as JSON for the command and as lines for the log. */
#ifndef CONTROL_STATUS_H
#define CONTROL_STATUS_H

struct store;
struct json_t;

/* The verb "status"; @s is counted, too. */
int control_status_open(struct store *s);
struct json_t *control_status_json(void);
/* A line for each group. */
void control_status_log(void);

#endif
