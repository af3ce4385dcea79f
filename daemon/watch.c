/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control.h"
#include "history.h"
#include "json.h"
#include "location.h"
#include "loop.h"
#include "registrations.h"
#include "text.h"
#include "watch.h"

struct reader {
	struct reader *next;
	struct control_job *job;
	uint64_t at;		/* number of the event that he gets next */
	bool greeted;
	char aor[];		/* "": all */
};

static struct {
	struct reader *readers;
	size_t n;
	json_t *event[WATCH_EVENTS];
	uint64_t made;		/* events so far: number N is in event[N % WATCH_EVENTS] */
} ring;

/* ---- events ---- */

static void set_now(json_t *j)
{
	char buf[TEXT_TIME];

	json_object_set_new(j, "time", json_string(text_rfc3339(loop_real() * 1000000, buf)));
}

static json_t *begin(const char *name)
{
	json_t *j = json_object();

	json_object_set_new(j, "event", json_string(name));
	set_now(j);
	return j;
}

static json_t *event_of(const struct aor *a, const struct contact *was, const struct contact *now,
			enum gone why)
{
	json_t *j = begin(history_name(history_kind(was, now, why)));
	json_t *contact = registrations_contact(a, now ? now : was);

	if (!now)
		json_object_del(contact, "left");
	json_object_update(j, contact);
	json_decref(contact);
	if (was && now && (strcmp(was->uri, now->uri) ||
			   !endpoint_equal(&was->flow.remote, &now->flow.remote)))
		json_object_set_new(j, "was", json_pack("{s:o, s:o}", "contact",
							json_text(was->uri), "source",
							json_endpoint(&was->flow.remote)));
	return j;
}

static void changed(const struct aor *a, const struct contact *was, const struct contact *now,
		    enum gone why)
{
	json_t **place = &ring.event[ring.made % WATCH_EVENTS];

	json_decref(*place);
	*place = event_of(a, was, now, why);
	ring.made++;
	for (struct reader *r = ring.readers, *next; r; r = next) {
		next = r->next;
		control_wake(r->job);
	}
}

/* ---- readers ---- */

static bool wants(const struct reader *r, const json_t *event)
{
	const char *aor = json_string_value(json_object_get(event, "aor"));

	return !*r->aor || (aor && !strcmp(aor, r->aor));
}

/* What he should have read, and is not kept any more. */
static json_t *lost(struct reader *r)
{
	uint64_t first = ring.made < WATCH_EVENTS ? 0 : ring.made - WATCH_EVENTS;
	json_t *j;

	if (r->at >= first)
		return NULL;
	j = begin("lost");
	json_object_set_new(j, "n", json_integer((json_int_t)(first - r->at)));
	r->at = first;
	return j;
}

static json_t *greeting(void)
{
	json_t *j = begin("watching");

	json_object_set_new(j, "registrations", json_integer((json_int_t)location_count()));
	return j;
}

/* NULL: nothing for now. */
static json_t *next_item(struct reader *r)
{
	json_t *j;

	if (!r->greeted) {
		r->greeted = true;
		return greeting();
	}
	j = lost(r);
	while (!j && r->at < ring.made) {
		json_t *event = ring.event[r->at++ % WATCH_EVENTS];

		if (wants(r, event))
			j = json_incref(event);
	}
	return j;
}

static bool more(struct control_job *job, void *state)
{
	json_t *item = next_item(state);

	if (item)
		control_item(job, item);
	else
		control_idle(job);
	return true;
}

static void end(void *state)
{
	struct reader *r = state, **at = &ring.readers;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	free(r);
	if (--ring.n)
		return;
	location_unhook(changed);
	for (size_t i = 0; i < WATCH_EVENTS; i++) {
		json_decref(ring.event[i]);
		ring.event[i] = NULL;
	}
}

static void verb_watch(struct control_job *job, const json_t *request, void *arg)
{
	const char *aor = json_string_value(json_object_get(request, "aor"));
	struct reader *r = NULL;

	(void)arg;
	if (ring.n == WATCH_READERS) {
		control_refuse(job, -EBUSY, "%d watch already: end one of them", WATCH_READERS);
		return;
	}
	aor = aor ? aor : "";
	r = calloc(1, sizeof(*r) + strlen(aor) + 1);
	if (!r || (!ring.n && location_hook(changed))) {
		free(r);
		control_refuse(job, -ENOMEM, "no memory");
		return;
	}
	strcpy(r->aor, aor);
	r->job = job;
	r->at = ring.made;
	r->next = ring.readers;
	ring.readers = r;
	ring.n++;
	control_stream(job, more, end, r);
}

int watch_open(void)
{
	return control_verb("registrations-watch", verb_watch, NULL);
}

size_t watch_readers(void)
{
	return ring.n;
}
