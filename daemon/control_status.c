/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "config.h"
#include "control.h"
#include "control_status.h"
#include "core.h"
#include "json.h"
#include "kernel_link.h"
#include "location.h"
#include "log.h"
#include "loop.h"
#include "notifier.h"
#include "passive.h"
#include "proxy.h"
#include "push_queue.h"
#include "store.h"
#include "text.h"
#include "transport.h"
#include "txn.h"
#include "wake.h"

static struct store *store;
static uint64_t since;

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *transport_json(void)
{
	const struct transport_counters *c = transport_counters();

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "in", number(c->in), "out",
			 number(c->out), "bad", number(c->bad), "dropped", number(c->dropped),
			 "send_failed", number(c->send_failed), "late", number(c->late));
}

static json_t *refused_json(void)
{
	json_t *j = json_object();

	for (const struct core_count *c = core_counts(); c->name; c++)
		if (c->n)
			json_object_set_new(j, c->name, number(c->n));
	return j;
}

static json_t *proxy_json(void)
{
	json_t *j = json_object();

	for (const struct proxy_count *c = proxy_counts(); c->name; c++)
		if (c->n)
			json_object_set_new(j, c->name, number(c->n));
	return j;
}

static json_t *store_json(void)
{
	struct store_counters c = { 0 };

	if (store)
		store_counters(store, &c);
	return json_pack("{s:o, s:o, s:o, s:o}", "changes", number(c.changes), "commits",
			 number(c.commits), "failed", number(c.failed), "queued",
			 number(c.queued));
}

static json_t *kernel_json(void)
{
	const struct kernel_link_counters *c = kernel_link_counters();

	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "connected", kernel_link_up(),
			 "questions", number(c->questions), "forwarded", number(c->forwarded),
			 "mine", number(c->mine), "late", number(c->late),
			 "sets", number(c->sets), "deletions", number(c->deletions),
			 "failed", number(c->failed), "resyncs", number(c->resyncs));
}

static json_t *push_json(void)
{
	const struct push_counters *p = push_counters();
	const struct wake_counters *w = wake_counters();

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "sent", number(p->sent),
			 "failed", number(p->failed), "waiting", number(wake_count()),
			 "held", number(w->held), "woken", number(w->woken),
			 "late", number(w->late), "full", number(w->full));
}

static json_t *listen_json(const struct config *c)
{
	json_t *list = json_array();
	char at[TEXT_ENDPOINT];

	for (size_t i = 0; i < c->n_listen; i++)
		json_array_append_new(list, json_string(text_endpoint(&c->listen[i], at)));
	return list;
}

json_t *control_status_json(void)
{
	const struct config *c = config_now();
	char start[TEXT_TIME];

	return json_pack("{s:b, s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o}",
			 "helper", c->helper, "version", CG_VERSION, "pid", (int)getpid(),
			 "since", text_rfc3339_boot(since, start),
			 "seconds", number((loop_now() - since) / 1000),
			 "config", json_text(c->file), "listen", listen_json(c),
			 "registrations", json_pack("{s:o, s:o}", "all", number(location_count()),
						    "passive", number(passive_count())),
			 "subscriptions", number(notifier_count()),
			 "transactions", json_pack("{s:o, s:o}", "now", number(txn_count()),
						   "memory", number(txn_memory())),
			 "push", push_json(),
			 "kernel", kernel_json(), "transport", transport_json(), "store", store_json(),
			 "refused", refused_json(), "proxy", proxy_json(), "domains",
			 number(c->n_domains));
}

/* "transport: in 5, out 4" */
static void log_group(const char *name, const json_t *group)
{
	char line[512];
	const char *key;
	json_t *value;
	int n = snprintf(line, sizeof(line), "%s:", name);

	json_object_foreach((json_t *)group, key, value) {
		if (n >= (int)sizeof(line))
			break;
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%s %s %" JSON_INTEGER_FORMAT,
			      line[n - 1] == ':' ? "" : ",", key,
			      json_is_true(value) ? 1 : json_integer_value(value));
	}
	log_info("%s", line);
}

void control_status_log(void)
{
	json_t *status = control_status_json(), *value;
	const char *key;

	json_object_foreach(status, key, value)
		if (json_is_object(value) && json_object_size(value))
			log_group(key, value);
	json_decref(status);
}

static void answer_status(struct control_job *job, const json_t *request, void *arg)
{
	(void)request, (void)arg;
	control_answer(job, control_status_json());
}

int control_status_open(struct store *s)
{
	store = s;
	since = loop_now();
	return control_verb("status", answer_status, NULL);
}
