/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "loop.h"
#include "timer.h"
#include "txn.h"

/* RFC 3261 17.1.1.1, milliseconds */
#define T1 500
#define T2 4000
#define T4 5000
#define TRYING_MS 200

#define CHUNK 512		/* transactions that are allocated together */
#define CHUNKS (TXN_MAX / CHUNK)
#define NONE 0		/* slots count from 1 */

/* RFC 3261 figures 7 and 8, RFC 6026 figure 5. FREE is an unused slot. */
enum txn_state { FREE, TRYING, PROCEEDING, COMPLETED, CONFIRMED, ACCEPTED, STATES };
enum txn_event { REQUEST, ACK, ANSWER_1XX, ANSWER_2XX, ANSWER_REST, AGAIN, END, EVENTS };

struct txn {
	struct timer timer;	/* of the 100, of the repetition (G), of the end (H, I, J, L) */
	uint64_t key;
	uint64_t request;	/* of txn_is_merged(); 0: it was not asked */
	uint64_t until;		/* END is due; 0: not yet */
	uint8_t *answer;	/* the last one, or a 100 that waits; NULL: none */
	struct sip_flow flow;
	uint32_t slot, generation;
	uint32_t next;		/* of the same bucket, or of the free ones */
	uint32_t next_request;	/* of the same bucket of requests */
	uint32_t older, newer;	/* among the finished ones */
	uint32_t len;		/* of answer */
	uint32_t to_tag, ack_tag; /* RFC 2543 only: of the request, of the answer */
	uint16_t interval;	/* of G */
	uint8_t state;
	bool invite;
	bool old;		/* RFC 2543 */
	bool waits;		/* .answer has not been sent yet */
};

static struct txn *chunks[CHUNKS];
static uint32_t buckets[TXN_MAX], requests[TXN_MAX];
static uint32_t n_slots, n_used, free_slots;
static uint32_t oldest, newest;
static size_t answer_bytes;

/* ---- slots ---- */

static struct txn *at(uint32_t slot)
{
	return slot == NONE ? NULL : &chunks[(slot - 1) / CHUNK][(slot - 1) % CHUNK];
}

static bool more_slots(void)
{
	struct txn *chunk;

	if (n_slots == TXN_MAX)
		return false;
	chunk = calloc(CHUNK, sizeof(*chunk));
	if (!chunk)
		return false;
	chunks[n_slots / CHUNK] = chunk;
	for (uint32_t i = CHUNK; i-- > 0;) {
		chunk[i].slot = n_slots + i + 1;
		chunk[i].next = free_slots;
		free_slots = chunk[i].slot;
	}
	n_slots += CHUNK;
	return true;
}

static uint32_t *bucket(uint64_t key)
{
	return &buckets[key % TXN_MAX];
}

static void unlink_finished(struct txn *t)
{
	if (oldest != t->slot && t->older == NONE)
		return;
	*(t->older == NONE ? &oldest : &at(t->older)->newer) = t->newer;
	*(t->newer == NONE ? &newest : &at(t->newer)->older) = t->older;
	t->older = NONE;
	t->newer = NONE;
}

static void link_finished(struct txn *t)
{
	t->older = newest;
	t->newer = NONE;
	*(newest == NONE ? &oldest : &at(newest)->newer) = t->slot;
	newest = t->slot;
}

static void drop_answer(struct txn *t)
{
	answer_bytes -= t->len;
	free(t->answer);
	t->answer = NULL;
	t->len = 0;
}

static void unlink_request(struct txn *t)
{
	uint32_t *link = &requests[t->request % TXN_MAX];

	if (!t->request)
		return;
	while (*link != t->slot)
		link = &at(*link)->next_request;
	*link = t->next_request;
	t->request = 0;
}

void txn_forget(struct txn *t)
{
	uint32_t *link = bucket(t->key);

	while (*link != t->slot)
		link = &at(*link)->next;
	*link = t->next;
	unlink_request(t);
	timer_stop(&t->timer);
	unlink_finished(t);
	drop_answer(t);
	t->state = FREE;
	t->generation++;
	t->next = free_slots;
	free_slots = t->slot;
	n_used--;
}

static struct txn *new_slot(void)
{
	struct txn *t;

	if (free_slots == NONE && !more_slots() && oldest != NONE)
		txn_forget(at(oldest));
	t = at(free_slots);
	if (!t)
		return NULL;
	free_slots = t->next;
	n_used++;
	return t;
}

/* ---- matching: 17.2.3 ---- */

static struct hash_part part(const struct rx *rx, struct sip_str s)
{
	return (struct hash_part){ rx->buf + s.off, s.len };
}

#define HOST_MAX 256

/* A host name in any case is one host; more than a name may have is no name. */
static struct hash_part host_part(const struct rx *rx, struct sip_str s, uint8_t lower[HOST_MAX])
{
	if (s.len > HOST_MAX)
		return part(rx, s);
	for (uint32_t i = 0; i < s.len; i++)
		lower[i] = sip_lower(rx->buf[s.off + i]);
	return (struct hash_part){ lower, s.len };
}

/* The cookie alone says nothing: RFC 4475 3.2.1. */
static bool is_old(const struct sip_via *v)
{
	return !v->rfc3261 || v->branch.len <= 7;
}

static uint64_t key_of(const struct rx *rx, uint8_t method)
{
	const struct sip_msg *m = &rx->msg;
	const struct { uint32_t cseq; uint16_t port; uint8_t method, old; } fixed = {
		m->cseq.num, m->via.sent_by.port_num, method, is_old(&m->via),
	};
	struct hash_part parts[6] = { { &fixed, sizeof(fixed) }, part(rx, m->call_id) };
	uint8_t lower[HOST_MAX];
	unsigned int n = 2;

	if (fixed.old) {
		parts[n++] = part(rx, m->ruri.all);
		parts[n++] = part(rx, m->via.all);
		parts[n++] = part(rx, m->from_tag);
	} else {
		parts[n++] = part(rx, m->via.branch);
		parts[n++] = host_part(rx, m->via.sent_by.host, lower);
	}
	if (method == SIP_M_OTHER)
		parts[n++] = part(rx, m->method_name);
	return hash_parts(parts, n);
}

static uint32_t tag_mark(const struct rx *rx)
{
	return (uint32_t)hash_bytes(rx->buf + rx->msg.to_tag.off, rx->msg.to_tag.len);
}

static struct txn *find(const struct rx *rx, uint64_t key, bool ack)
{
	for (struct txn *t = at(*bucket(key)); t; t = at(t->next))
		if (t->key == key &&
		    (!t->old || (ack ? t->ack_tag : t->to_tag) == tag_mark(rx)))
			return t;
	return NULL;
}

/* ---- the machine ---- */

static void send(struct txn *t)
{
	t->waits = false;
	if (t->len)
		transport_send(&t->flow, t->answer, t->len);
}

static void fire(struct timer *timer);

/* Nothing is sent, nothing changes. */
static void absorb(struct txn *t)
{
	(void)t;
}

static void trying(struct txn *t)
{
	if (t->waits)
		send(t);
}

static void resend(struct txn *t)
{
	if (!t->waits)
		send(t);
}

static void end_in(struct txn *t, uint32_t ms)
{
	t->until = loop_now() + ms;
	timer_set(&t->timer, t->until, fire);
	if (oldest != t->slot && t->older == NONE)
		link_finished(t);
}

/* H is the end; G repeats before it. */
static void send_until_ack(struct txn *t)
{
	send(t);
	end_in(t, 64 * T1);
	t->interval = T1;
	timer_set(&t->timer, loop_now() + T1, fire);
}

static void repeat(struct txn *t)
{
	uint64_t at_ms;

	send(t);
	t->interval = t->interval * 2 < T2 ? t->interval * 2 : T2;
	at_ms = loop_now() + t->interval;
	timer_set(&t->timer, at_ms < t->until ? at_ms : t->until, fire);
}

/* J of others than INVITE, L of RFC 6026. */
static void send_and_keep(struct txn *t)
{
	send(t);
	end_in(t, 64 * T1);
}

/* I */
static void acknowledged(struct txn *t)
{
	end_in(t, T4);
}

/*
 * What an event does in a state, and the next state. A pair that is not here changes nothing.
 * The last answer is what a retransmission gets; a 2xx to an INVITE is repeated by its user (6026
 * 7.1), so a retransmission of the INVITE is absorbed then.
 */
static const struct row {
	void (*action)(struct txn *t);
	uint8_t next;
} invite_rows[STATES][EVENTS] = {
	[PROCEEDING] = {
		[REQUEST] = { resend, PROCEEDING },
		[ANSWER_1XX] = { send, PROCEEDING },
		[ANSWER_2XX] = { send_and_keep, ACCEPTED },
		[ANSWER_REST] = { send_until_ack, COMPLETED },
		[AGAIN] = { trying, PROCEEDING },	/* the 100 that waited */
	},
	[COMPLETED] = {
		[REQUEST] = { resend, COMPLETED },
		[ACK] = { acknowledged, CONFIRMED },
		[AGAIN] = { repeat, COMPLETED },	/* G */
		[END] = { txn_forget, FREE },		/* H */
	},
	[CONFIRMED] = {
		[REQUEST] = { absorb, CONFIRMED },
		[ACK] = { absorb, CONFIRMED },
		[END] = { txn_forget, FREE },		/* I */
	},
	[ACCEPTED] = {
		[REQUEST] = { absorb, ACCEPTED },
		[ANSWER_2XX] = { send, ACCEPTED },
		[END] = { txn_forget, FREE },		/* L */
	},
}, other_rows[STATES][EVENTS] = {
	[TRYING] = {
		[REQUEST] = { absorb, TRYING },
		[ANSWER_1XX] = { send, PROCEEDING },
		[ANSWER_2XX] = { send_and_keep, COMPLETED },
		[ANSWER_REST] = { send_and_keep, COMPLETED },
	},
	[PROCEEDING] = {
		[REQUEST] = { resend, PROCEEDING },
		[ANSWER_1XX] = { send, PROCEEDING },
		[ANSWER_2XX] = { send_and_keep, COMPLETED },
		[ANSWER_REST] = { send_and_keep, COMPLETED },
	},
	[COMPLETED] = {
		[REQUEST] = { resend, COMPLETED },
		[END] = { txn_forget, FREE },		/* J */
	},
};

static const struct row *row_of(const struct txn *t, enum txn_event e)
{
	return t->invite ? &invite_rows[t->state][e] : &other_rows[t->state][e];
}

static void event(struct txn *t, enum txn_event e)
{
	const struct row *row = row_of(t, e);

	if (!row->action)
		return;
	if (row->next != FREE)
		t->state = row->next;
	row->action(t);
}

static void fire(struct timer *timer)
{
	struct txn *t = (struct txn *)((char *)timer - offsetof(struct txn, timer));

	event(t, t->until && loop_now() >= t->until ? END : AGAIN);
}

/* ---- requests ---- */

static struct txn *new_txn(const struct rx *rx, uint64_t key)
{
	struct txn *t = new_slot();
	uint32_t *head = bucket(key);

	if (!t)
		return NULL;
	*t = (struct txn){
		.key = key, .slot = t->slot, .generation = t->generation, .next = *head,
		.invite = rx->msg.method == SIP_M_INVITE,
		.old = is_old(&rx->msg.via),
	};
	*head = t->slot;
	t->state = t->invite ? PROCEEDING : TRYING;
	if (t->old)
		t->to_tag = tag_mark(rx);
	transport_response_flow(rx, &t->flow);
	return t;
}

static enum txn_seen begin_ack(struct rx *rx)
{
	struct txn *t = find(rx, key_of(rx, SIP_M_INVITE), true);

	/* 6026 7.1: the ACK to a 2xx is its user's, even when its branch is that of the INVITE */
	if (!t || t->state == ACCEPTED)
		return TXN_NEW;
	event(t, ACK);
	return TXN_ACK;
}

/*
 * The NAT in front of the phone has given it another port since: answers go where the repetition
 * came from. Not to another address, which may be anybody's.
 */
static void follow(struct txn *t, const struct rx *rx)
{
	const struct endpoint *now = &rx->flow.remote, *then = &t->flow.remote;

	if (now->port != then->port && endpoint_same_host(now, then))
		transport_response_flow(rx, &t->flow);
}

enum txn_seen txn_begin(struct rx *rx, struct txn **out)
{
	uint64_t key;
	struct txn *t;

	*out = NULL;
	if (rx->msg.method == SIP_M_ACK)
		return begin_ack(rx);
	key = key_of(rx, rx->msg.method);
	t = find(rx, key, false);
	if (t) {
		follow(t, rx);
		event(t, REQUEST);
		return TXN_AGAIN;
	}
	*out = new_txn(rx, key);
	return *out ? TXN_NEW : TXN_FULL;
}

struct txn *txn_cancelled(const struct rx *rx)
{
	return find(rx, key_of(rx, SIP_M_INVITE), false);
}

/* A challenge ends nothing: some phones answer it with the same CSeq. */
static bool was_challenged(const struct txn *t)
{
	return t->len > 12 && (!memcmp(t->answer + 8, "401", 3) || !memcmp(t->answer + 8, "407", 3));
}

bool txn_is_merged(struct txn *t, const struct rx *rx)
{
	const struct sip_msg *m = &rx->msg;
	const struct hash_part parts[] = {
		part(rx, m->call_id), part(rx, m->from_tag), part(rx, m->method_name),
		{ &m->cseq.num, sizeof(m->cseq.num) },
	};
	uint32_t *head;

	if (m->to_tag.len || t->request)
		return false;
	t->request = hash_parts(parts, 4);
	t->request += !t->request;
	head = &requests[t->request % TXN_MAX];
	for (struct txn *i = at(*head); i; i = at(i->next_request))
		if (i->request == t->request && !was_challenged(i)) {
			t->request = 0;
			return true;
		}
	t->next_request = *head;
	*head = t->slot;
	return false;
}

/* ---- answers ---- */

/* RFC 2543: the ACK is known by the To-tag of the answer. */
static void read_tag(struct txn *t)
{
	struct rx rx = { .buf = t->answer };

	if (sip_msg_parse(&rx.msg, t->answer, t->len, SIP_DATAGRAM) == SIP_OK)
		t->ack_tag = tag_mark(&rx);
}

static bool store(struct txn *t, const void *bytes, uint32_t len)
{
	uint8_t *copy;

	while (answer_bytes + len > TXN_BYTES && oldest != NONE && oldest != t->slot)
		txn_forget(at(oldest));
	copy = answer_bytes + len > TXN_BYTES ? NULL : malloc(len);
	if (!copy)
		return false;
	memcpy(copy, bytes, len);
	drop_answer(t);
	t->answer = copy;
	t->len = len;
	answer_bytes += len;
	if (t->old && t->invite)
		read_tag(t);
	return true;
}

static enum txn_event event_of(const uint8_t *bytes, uint32_t len)
{
	if (len < 12 || bytes[8] <= '1')
		return ANSWER_1XX;
	return bytes[8] == '2' ? ANSWER_2XX : ANSWER_REST;
}

void txn_answer(struct txn *t, const void *bytes, uint32_t len)
{
	enum txn_event e = event_of(bytes, len);

	if (!row_of(t, e)->action)
		return;
	if (store(t, bytes, len)) {
		event(t, e);
		return;
	}
	/* no memory to repeat it: it is sent once, and a retransmission begins anew */
	transport_send(&t->flow, bytes, len);
	txn_forget(t);
}

bool txn_keep(struct txn *t, const void *bytes, uint32_t len)
{
	return !t->invite && t->state == TRYING && store(t, bytes, len);
}

void txn_give(struct txn *t)
{
	event(t, event_of(t->answer, t->len));
}

void txn_trying(struct txn *t, const void *bytes, uint32_t len)
{
	if (!t->invite || t->state != PROCEEDING || t->answer || !store(t, bytes, len))
		return;
	t->waits = true;
	timer_set(&t->timer, loop_now() + TRYING_MS, fire);
}

const uint8_t *txn_last(const struct txn *t, uint32_t *len)
{
	*len = t->len;
	return t->answer;
}

bool txn_answered(const struct txn *t)
{
	return t->state >= COMPLETED;
}

/* ---- the rest ---- */

uint64_t txn_id(const struct txn *t)
{
	return (uint64_t)t->generation << 32 | t->slot;
}

struct txn *txn_by_id(uint64_t id)
{
	uint32_t slot = (uint32_t)id;
	struct txn *t = slot <= n_slots ? at(slot) : NULL;

	return t && t->state != FREE && t->generation == id >> 32 ? t : NULL;
}

const struct sip_flow *txn_flow(const struct txn *t)
{
	return &t->flow;
}

size_t txn_count(void)
{
	return n_used;
}

size_t txn_memory(void)
{
	return n_slots * sizeof(struct txn) + answer_bytes;
}

void txn_free_all(void)
{
	for (uint32_t i = 1; i <= n_slots; i++)
		if (at(i)->state != FREE)
			txn_forget(at(i));
	for (uint32_t i = 0; i < n_slots / CHUNK; i++) {
		free(chunks[i]);
		chunks[i] = NULL;
	}
	n_slots = 0;
	free_slots = NONE;
}
