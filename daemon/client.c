/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client.h"
#include "hash.h"
#include "loop.h"
#include "timer.h"

/* RFC 3261 17.1.1.1, milliseconds */
#define T1 500
#define T2 4000
#define T4 5000

#define BUCKETS 1024
/* The relay's branches have the owner's mark there (sip/token.h): 'k' or 'd'. */
#define MARK "z9hG4bKc"
#define DIGITS 16
_Static_assert(sizeof(MARK) + DIGITS == CLIENT_BRANCH, "mark, number, NUL");

/* Figure 6; TRYING is entered when it is sent. */
enum client_state { TRYING, PROCEEDING, COMPLETED, STATES };
enum client_event { ANSWER_1XX, ANSWER_FINAL, AGAIN, END, EVENTS };

struct client {
	struct client *next;
	struct timer timer;	/* E, or the end: F, K */
	uint64_t id;		/* in the branch */
	uint64_t until;		/* F, K */
	struct sip_flow flow;
	client_done_fn *done;	/* NULL: it was called */
	void *arg;
	uint32_t len;
	uint16_t interval;	/* of E */
	uint8_t state, method;
	uint8_t bytes[];
};

static struct client *buckets[BUCKETS];
static size_t count, bytes_kept;

/* ---- finding ---- */

static struct client **find(uint64_t id)
{
	struct client **at = &buckets[id % BUCKETS];

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void forget(struct client *t)
{
	*find(t->id) = t->next;
	timer_stop(&t->timer);
	bytes_kept -= t->len;
	count--;
	free(t);
}

void client_branch(char out[static CLIENT_BRANCH])
{
	static uint64_t words[2];

	/* numbers that were not used before, by a key that is nobody's but ours */
	if (!words[1] && getrandom(&words[1], sizeof(words[1]), GRND_NONBLOCK) != 8)
		words[1] = (uint64_t)(uintptr_t)&words;
	words[0]++;
	snprintf(out, CLIENT_BRANCH, MARK "%016llx",
		 (unsigned long long)hash_bytes(words, sizeof(words)));
}

/* 0: not one of ours. */
static uint64_t number_of(const uint8_t *branch, size_t len)
{
	uint64_t n = 0;

	if (len != CLIENT_BRANCH - 1 || memcmp(branch, MARK, sizeof(MARK) - 1))
		return 0;
	for (size_t i = sizeof(MARK) - 1; i < len; i++) {
		if (!sip_is(branch[i], SIP_C_HEX))
			return 0;
		n = n << 4 | sip_hex(branch[i]);
	}
	return n;
}

/* ---- the machine ---- */

static void fire(struct timer *timer);

/* Its owner is told once; the transaction may be gone afterwards. */
static void tell(struct client *t, uint16_t code, const struct rx *rx)
{
	client_done_fn *done = t->done;

	t->done = NULL;
	if (done)
		done(code, rx, t->arg);
}

static void end(struct client *t, uint16_t code)
{
	client_done_fn *done = t->done;
	void *arg = t->arg;

	forget(t);
	if (done)
		done(code, NULL, arg);
}

static void set_timer(struct client *t)
{
	uint64_t at = loop_now() + t->interval;

	timer_set(&t->timer, at < t->until ? at : t->until, fire);
}

static void proceed(struct client *t, const struct rx *rx)
{
	(void)rx;
	t->interval = T2;
}

/* K: more copies of the answer may come. A stream has none. */
static void complete(struct client *t, const struct rx *rx)
{
	t->until = loop_now() + T4;
	timer_set(&t->timer, t->until, fire);
	if (t->flow.transport != SIP_T_UDP) {
		t->until = 0;
		timer_set(&t->timer, loop_now(), fire);
	}
	tell(t, rx->msg.status, rx);
}

static void again(struct client *t, const struct rx *rx)
{
	(void)rx;
	if (transport_send(&t->flow, t->bytes, t->len)) {
		end(t, 503);
		return;
	}
	if (t->state == PROCEEDING)
		t->interval = T2;
	else
		t->interval = t->interval * 2 < T2 ? t->interval * 2 : T2;
	set_timer(t);
}

static void give_up(struct client *t, const struct rx *rx)
{
	(void)rx;
	end(t, 408);
}

static void ended(struct client *t, const struct rx *rx)
{
	(void)rx;
	forget(t);
}

/* A pair that is not here changes nothing. The action comes last: it may free the transaction. */
static const struct row {
	void (*action)(struct client *t, const struct rx *rx);
	uint8_t next;
} rows[STATES][EVENTS] = {
	[TRYING] = {
		[ANSWER_1XX] = { proceed, PROCEEDING },
		[ANSWER_FINAL] = { complete, COMPLETED },
		[AGAIN] = { again, TRYING },		/* E */
		[END] = { give_up, TRYING },		/* F */
	},
	[PROCEEDING] = {
		[ANSWER_FINAL] = { complete, COMPLETED },
		[AGAIN] = { again, PROCEEDING },	/* E */
		[END] = { give_up, PROCEEDING },	/* F */
	},
	[COMPLETED] = {
		[END] = { ended, COMPLETED },		/* K */
	},
};

static void event(struct client *t, enum client_event e, const struct rx *rx)
{
	const struct row *row = &rows[t->state][e];

	if (!row->action)
		return;
	t->state = row->next;
	row->action(t, rx);
}

static void fire(struct timer *timer)
{
	struct client *t = (struct client *)((char *)timer - offsetof(struct client, timer));

	event(t, loop_now() >= t->until ? END : AGAIN, NULL);
}

/* ---- the outside ---- */

int client_send(const struct client_request *q, uint64_t *id)
{
	struct client *t;
	int err;

	if (count >= CLIENT_MAX || q->len > CLIENT_BYTES - bytes_kept)
		return -EBUSY;
	t = calloc(1, sizeof(*t) + q->len);
	if (!t)
		return -ENOMEM;
	err = transport_send(q->flow, q->bytes, q->len);
	if (err) {
		free(t);
		return err;
	}
	t->id = number_of((const uint8_t *)q->branch, strlen(q->branch));
	t->flow = *q->flow;
	t->done = q->done;
	t->arg = q->arg;
	t->method = q->method;
	t->len = q->len;
	memcpy(t->bytes, q->bytes, q->len);
	t->until = loop_now() + 64 * T1;
	t->interval = T1;
	if (t->flow.transport == SIP_T_UDP)
		set_timer(t);
	else
		timer_set(&t->timer, t->until, fire);
	t->next = *find(t->id);
	*find(t->id) = t;
	bytes_kept += t->len;
	count++;
	*id = t->id;
	return 0;
}

void client_forget(uint64_t id)
{
	struct client *t = *find(id);

	if (t)
		forget(t);
}

bool client_response(const struct rx *rx)
{
	const struct sip_str branch = rx->msg.via.branch;
	uint64_t id = number_of(rx->buf + branch.off, branch.len);
	struct client *t = id ? *find(id) : NULL;

	if (!t || rx->msg.method != t->method)
		return false;
	event(t, rx->msg.status < 200 ? ANSWER_1XX : ANSWER_FINAL, rx);
	return true;
}

size_t client_count(void)
{
	return count;
}

void client_free_all(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (buckets[i])
			forget(buckets[i]);
}
