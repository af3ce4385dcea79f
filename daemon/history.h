/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history: what happened to registrations, and the last of it that the table of locations does not
 * show: why a registration is gone, and why a REGISTER was refused. Of the last HISTORY_MAX
 * addresses of record each, in memory alone; a REGISTER that is granted leaves nothing here.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "location.h"

#define HISTORY_MAX 4096

enum happened {
	REG_REGISTERED,
	REG_REFRESHED,
	REG_SHORTENED,		/* a REGISTER came, and it ends clearly sooner than it would have */
	REG_REPLACED,		/* another Contact takes its place (RFC 5626 reg-id) */
	REG_EXPIRED,
	REG_UNREGISTERED,
	REG_REMOVED,		/* by the admin */
	REG_FLOW_LOST,
	REG_HAPPENED
};

/* The arguments of a location_hook_fn. */
enum happened history_kind(const struct contact *was, const struct contact *now, enum gone why);
const char *history_name(enum happened h);	/* "flow-lost" */

/* 0 or -errno. From here on removals are noted. */
int history_open(void);
/* A REGISTER was refused. @aor: canonical, and not believed to exist. */
void history_refused(const char *aor, const struct rx *rx, uint16_t code, const char *phrase);

struct last {
	uint64_t time;			/* loop_now(); 0: nothing is known */
	const char *text;		/* the Contact that is gone; the phrase of the refusal */
	struct endpoint source;		/* of the contact; of the request */
	uint16_t code;			/* enum happened; the status code */
};
/* Of one address of record. .text is valid until the next call of anything here. */
struct last history_removal(const char *aor);
struct last history_refusal(const char *aor);

/* Forgets all, and waits for history_open(). */
void history_free(void);

#endif
