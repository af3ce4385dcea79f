/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * push_queue: phones to be woken, in turn: of each contact one push at a time, and the next not
 * before PUSH_AGAIN_MS; calls before refreshes, which leave half of the programs to them. What has
 * waited longer than any request would is forgotten. Bounded: PUSH_QUEUE_MAX contacts, with those
 * whose push was sent lately.
 */
#ifndef PUSH_QUEUE_H
#define PUSH_QUEUE_H

#include <stdint.h>

#include "push.h"

#define PUSH_QUEUE_MAX 1024
#define PUSH_AGAIN_MS 5000

struct contact;

enum push_reason { PUSH_CALL, PUSH_REFRESH };
enum push_state {
	PUSH_NONE,	/* nothing is known of it */
	PUSH_WAITS,	/* for a program to end */
	PUSH_STARTED,
	PUSH_SENT,	/* the phone may come */
	PUSH_FAILED,
};

/*
 * Wakes the phone of @c, a contact with push_domain(), unless it was or is being woken. What has
 * become of it at once; PUSH_FAILED also when there is no room.
 */
enum push_state push_wake(const struct contact *c, enum push_reason why);
/* By the id of the contact. */
enum push_state push_state(uint64_t id);
/* How many wait for a program to end. */
size_t push_waiting(void);

/*
 * @fn: a push for this address of record has failed. It takes note of that, and wakes nobody. There
 * is one.
 */
typedef void push_failed_fn(const char *aor);
void push_failed_hook(push_failed_fn *fn);

struct push_counters {
	uint64_t sent, failed;
};
const struct push_counters *push_counters(void);

/* After push_close(). */
void push_queue_free(void);

#endif
