/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callgate.h"
#include "callgate_gateway.h"
#include "cmd_gateway.h"
#include "json.h"
#include "kernel.h"
#include "text.h"

/* ---- reading ---- */

static int keep_socket(const struct gateway_socket *s, void *arg)
{
	struct list *list = arg;
	struct gateway_socket *grown = reallocarray(list->items, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[list->n++] = *s;
	list->items = grown;
	return 0;
}

int gateway_read(struct kernel *k, struct gateway_view *g)
{
	int err = kernel_gateway(k, &g->gate);

	return err ? err : kernel_gateway_sockets(k, keep_socket, &g->sockets);
}

void gateway_free(struct gateway_view *g)
{
	free(g->sockets.items);
	g->sockets = (struct list){ 0 };
}

/* ---- what it means ---- */

static uint64_t counted(const struct list *reasons, const char *name)
{
	const struct reason *r = reasons->items;

	for (size_t i = 0; i < reasons->n; i++)
		if (r[i].name && !strcmp(r[i].name, name))
			return r[i].count;
	return 0;
}

/* When the sockets of a daemon that is gone are closed; 0: none waits. */
static uint64_t takeover_end(const struct gateway_view *g)
{
	const struct gateway_socket *s = g->sockets.items;
	uint64_t last = 0;

	for (size_t i = 0; !g->gate.daemon && i < g->sockets.n; i++)
		if (!s[i].claimed && s[i].until > last)
			last = s[i].until;
	return last;
}

static uint64_t gone_for(uint64_t end)
{
	uint64_t left = text_left(end);

	return left < CALLGATE_TAKEOVER_S ? CALLGATE_TAKEOVER_S - left : 0;
}

bool gateway_in_use(const struct gateway_view *g)
{
	return g->gate.daemon || g->sockets.n || g->gate.locations;
}

/* ---- as text ---- */

static void print_daemon(const struct gateway_view *g)
{
	uint64_t end = takeover_end(g);

	if (g->gate.daemon)
		puts("gateway    callgated is there, and asked for users");
	else if (end)
		printf("gateway    callgated went %" PRIu64 " s ago; its sockets wait another %"
		       PRIu64 " s for the next\n", gone_for(end), text_left(end));
	else
		puts("gateway    no callgated, and no socket of it");
}

static void print_sockets(const struct gateway_view *g)
{
	const struct gateway_socket *s = g->sockets.items;
	char at[TEXT_ENDPOINT];

	for (size_t i = 0; i < g->sockets.n; i++) {
		printf("%s%s", i ? ", " : "           sockets ", text_endpoint(&s[i].local, at));
		if (!s[i].claimed)
			printf(" (left, closed in %" PRIu64 " s)", text_left(s[i].until));
	}
	if (g->sockets.n)
		putchar('\n');
}

void gateway_print(const struct gateway_view *g, const struct list *reasons)
{
	const struct gateway *t = &g->gate;
	char bytes[TEXT_TIME];

	if (!t->has)
		return;
	if (!gateway_in_use(g)) {
		puts("gateway    not in use");
		return;
	}
	print_daemon(g);
	print_sockets(g);
	printf("           locations %u of %u, transactions %u of %u, held copies %u of %u, %s\n",
	       t->locations, t->locations_max, t->txns, t->txns_max, t->held, t->held_max,
	       text_bytes(t->memory, bytes));
	printf("           forwarded: %" PRIu64 " requests, %" PRIu64 " responses; dropped above "
	       "the rate: %" PRIu64 "\n", counted(reasons, "forwarded-request"),
	       counted(reasons, "forwarded-response"), counted(reasons, "source-too-fast"));
	printf("           asked for a user: %" PRIu64 " times, %" PRIu64 " answered, %" PRIu64
	       " not in time\n", counted(reasons, "user-asked-for"),
	       counted(reasons, "user-answered"), counted(reasons, "user-not-answered"));
}

/* ---- as JSON ---- */

static json_t *counts_json(const struct list *reasons)
{
	static const struct {
		const char *name, *reason;
	} counts[] = {
		{ "forwarded_requests", "forwarded-request" },
		{ "forwarded_responses", "forwarded-response" },
		{ "asked", "user-asked-for" }, { "answered", "user-answered" },
		{ "denied", "user-denied" }, { "late", "user-not-answered" },
		{ "rate_drops", "source-too-fast" },
	};
	json_t *j = json_object();

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(j, counts[i].name, json_integer(
			(json_int_t)counted(reasons, counts[i].reason)));
	return j;
}

static json_t *seconds(bool there, uint64_t n)
{
	return there ? json_integer((json_int_t)n) : json_null();
}

json_t *gateway_json(const struct gateway_view *g, const struct list *reasons)
{
	json_t *j, *list = json_array();
	uint64_t end = takeover_end(g);

	if (!g->gate.has) {
		json_decref(list);
		return json_null();
	}
	for (size_t i = 0; i < g->sockets.n; i++)
		json_array_append_new(list, json_model(&model_gateway_socket,
			(const struct gateway_socket *)g->sockets.items + i));
	j = json_model(&model_gateway, &g->gate);
	json_object_set_new(j, "in_use", json_boolean(gateway_in_use(g)));
	json_object_set_new(j, "daemon", json_boolean(g->gate.daemon));
	json_object_set_new(j, "gone_seconds", seconds(end, gone_for(end)));
	json_object_set_new(j, "takeover_seconds_left", seconds(end, text_left(end)));
	json_object_set_new(j, "sockets", list);
	json_object_set_new(j, "counts", counts_json(reasons));
	return j;
}

/* ---- advice ---- */

static int gone_text(char **text, const struct gateway_view *g, uint64_t end)
{
	return asprintf(text, "callgated is gone: calls to what it told the module (%u location%s) "
			"and calls that are up go on for another %" PRIu64 " s, then its ports are "
			"closed; registrations and all else wait for it: " GATEWAY_START,
			g->gate.locations, g->gate.locations == 1 ? "" : "s", text_left(end));
}

char *gateway_advice(const struct gateway_view *g, bool runs)
{
	uint64_t end = takeover_end(g);
	char *text = NULL;
	int n = 0;

	if (!g->gate.has || g->gate.daemon)
		return NULL;
	if (runs)
		n = asprintf(&text, "callgated runs, but without the module of this network "
			     "namespace: its calls get no pinholes here: its log says why");
	else if (end)
		n = gone_text(&text, g, end);
	else if (g->gate.locations)
		n = asprintf(&text, "callgated does not run, and its ports are closed: nobody can "
			     "register or be called at this router: " GATEWAY_START);
	return n < 0 ? NULL : text;
}
