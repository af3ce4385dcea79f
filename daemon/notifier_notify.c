/* SPDX-License-Identifier: BSD-2-Clause */
/* NOTIFY: one at a time for a subscription, and what its answer means. RFC 6665 4.2.2. */
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "notifier_work.h"
#include "text.h"

#define RETRY_MAX 300		/* seconds that a subscriber may ask us to wait */

static char out[65507], body[NOTIFY_BODY];

static void due(struct timer *t)
{
	struct subscription *s = (struct subscription *)((char *)t -
							 offsetof(struct subscription, due));

	notify_now(s);
}

/* Not before its time, and not while one is under way: its answer comes back to this. */
void notifier_changed(struct subscription *s)
{
	uint64_t at = s->last + NOTIFY_EVERY, now = loop_now();

	s->changed = true;
	if (s->busy || s->reason || timer_runs(&s->due))
		return;
	timer_set(&s->due, s->last && at > now ? at : now, due);
}

static void failed(struct subscription *s, uint16_t code)
{
	char to[TEXT_ENDPOINT];

	if (!s->reason)
		log_info("%s: no more NOTIFY about %s to %s: %u", text_endpoint(&s->flow.remote, to),
			 s->resource, s->watcher, code);
	notifier_drop(s);
}

/* Seconds; 0: it does not ask to wait. */
static uint32_t retry_after(const struct rx *rx)
{
	const struct sip_header *h = rx ? sip_msg_header(&rx->msg, SIP_H_RETRY_AFTER) : NULL;
	uint32_t seconds = 0, end;

	if (!h)
		return 0;
	for (end = h->value.off; end < sip_str_end(h->value) && sip_is_digit(rx->buf[end]);)
		end++;
	sip_number(rx->buf, sip_slice(h->value.off, end), UINT32_MAX, &seconds);
	return seconds < RETRY_MAX ? seconds : RETRY_MAX;
}

static void answered(uint16_t code, const struct rx *rx, void *arg)
{
	struct subscription *s = arg;
	uint32_t wait = code / 100 == 5 ? retry_after(rx) : 0;

	s->busy = false;
	if (s->last_words) {
		notifier_drop(s);
	} else if (code / 100 != 2 && !wait) {
		failed(s, code);
	} else if (s->reason || (s->full && !wait)) {
		notify_now(s);
	} else if (wait) {
		/* what was in it is told again */
		s->full = true;
		timer_set(&s->due, loop_now() + wait * 1000, due);
	} else if (s->changed) {
		notifier_changed(s);
	}
}

static void write_state(const struct subscription *s, char text[static 64])
{
	uint64_t now = loop_now();

	if (s->reason)
		snprintf(text, 64, "terminated;reason=%s", s->reason);
	else
		snprintf(text, 64, "active;expires=%llu",
			 (unsigned long long)(s->until > now ? (s->until - now) / 1000 : 0));
}

/* Who may not watch any more is told nothing else. */
static uint32_t write_body(const struct subscription *s)
{
	if (s->reason && strcmp(s->reason, "timeout"))
		return 0;
	return s->package->write(s->part, s->full || s->reason, body);
}

/* The whole request; 0: it does not fit. */
static uint32_t write_request(const struct subscription *s, const char *branch)
{
	char us[TEXT_ENDPOINT], state[64];
	uint32_t len = write_body(s);
	int n;

	write_state(s, state);
	text_endpoint(&s->flow.local, us);
	n = snprintf(out, sizeof(out), "NOTIFY %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		     "Max-Forwards: 70\r\n%sFrom: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\n"
		     "CSeq: %u NOTIFY\r\nContact: <sip:%s>\r\nEvent: %s%s%s\r\n"
		     "Subscription-State: %s\r\nAllow-Events: %s\r\n%s%s%sContent-Length: %u\r\n\r\n",
		     s->target, us, branch, s->routes, s->from, s->tag, s->to, s->call_id, s->cseq,
		     us, s->package->event, *s->event_id ? ";id=" : "", s->event_id, state,
		     notifier_events(), len ? "Content-Type: " : "", len ? s->package->type : "",
		     len ? "\r\n" : "", len);
	if (n < 0 || (size_t)n >= sizeof(out) || len > sizeof(out) - (size_t)n)
		return 0;
	memcpy(out + n, body, len);
	return (uint32_t)n + len;
}

void notify_now(struct subscription *s)
{
	struct client_request q = { .flow = &s->flow, .bytes = out, .method = SIP_M_NOTIFY,
				    .done = answered, .arg = s };
	char branch[CLIENT_BRANCH];

	if (s->busy)
		return;
	timer_stop(&s->due);
	client_branch(branch);
	s->cseq++;
	q.branch = branch;
	q.len = write_request(s, branch);
	if (!q.len || client_send(&q, &s->client)) {
		failed(s, 503);
		return;
	}
	s->busy = true;
	s->changed = s->full = false;
	s->last = loop_now();
	s->last_words = s->reason;
}

void notify_end(struct subscription *s, const char *reason)
{
	s->reason = reason;
	timer_stop(&s->expiry);
	timer_stop(&s->due);
	notify_now(s);
}
