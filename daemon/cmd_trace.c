/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate trace: messages and their edits, as they pass. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callgate.h"
#include "cmd_trace.h"
#include "json.h"
#include "reasons.h"
#include "text.h"

struct tracer {
	struct trace_wish wish;
	struct reasons *reasons;
	uint64_t id;		/* of the call wished for; 0: not known, or all */
	unsigned int left;	/* lines still to print; 0: no end */
	bool ended;
	uint64_t last;		/* number of the last message */
};

static bool wanted(const struct tracer *t, const struct trace *m)
{
	const char *call = t->wish.call;

	if (m->kind != CALLGATE_TRACE_MESSAGE && !t->wish.pinholes)
		return false;
	if (t->id && m->call == t->id)
		return true;
	if (t->wish.next)
		return false;
	return !call || (m->callid && !strncmp(m->callid, call, strlen(call)));
}

/* "INVITE sip:bob@example.org", "200 OK (INVITE)", "no SIP, 4 bytes" */
static void what(const struct trace *m, char *buf, size_t size)
{
	char *method = text_clean(m->method), *uri = text_clean(m->uri);

	if (m->status)
		snprintf(buf, size, "%u %s (%s)", m->status, uri, method);
	else if (*method)
		snprintf(buf, size, "%s %s", method, uri);
	else
		snprintf(buf, size, "%u bytes", m->size_in);
}

/* The inside is on the left, whoever sends. */
static void print_arrow(const struct trace *m, const char *text)
{
	bool in = m->dir == CALLGATE_DIR_IN;
	char left[TEXT_ENDPOINT], right[TEXT_ENDPOINT];

	text_endpoint(in ? &m->ndst : &m->src, left);
	text_endpoint(in ? &m->src : &m->ndst, right);
	printf(in ? "%-21s <-- %s --- %s" : "%-21s --- %s --> %s", left, text, right);
}

static void print_verdict(const struct trace *m)
{
	const char *reason = text_clean(m->reason), *detail = text_clean(m->detail);

	if (m->call)
		printf("  call %" PRIu64, m->call);
	if (m->verdict == CALLGATE_VERDICT_EDIT)
		printf("  edited, %u -> %u bytes\n", m->size_in, m->size_out);
	else
		printf("  %s: %s%s%s\n", m->verdict == CALLGATE_VERDICT_DROP ? "dropped" :
		       "unchanged", reason, *detail ? ", " : "", detail);
}

static void print_edits(const struct trace *m)
{
	struct edit *e = m->edits.items;

	for (size_t i = 0; i < m->edits.n; i++, e++)
		printf("%14s%-16s %s -> %s  (%s)\n", "", text_clean(e->field),
		       text_clean(e->before), text_clean(e->after), text_clean(e->reason));
	if (m->omitted)
		printf("%14sand %u more edits\n", "", m->omitted);
}

/* What looks private and stayed: the first question of everybody who reads a trace. */
static void print_kept(const struct tracer *t, const struct trace *m)
{
	struct edit *e = m->kept.items;

	for (size_t i = 0; i < m->kept.n; i++, e++) {
		const char *reason = text_clean(e->reason);
		const char *help = reasons_help(t->reasons, reason);

		printf("%14s%-16s %s left alone because: %s (%s)\n", "", text_clean(e->field),
		       text_clean(e->before), *help ? help : reason, reason);
	}
}

static void print_message(const struct tracer *t, const struct trace *m)
{
	char clock[TEXT_TIME], text[600];

	what(m, text, sizeof(text));
	printf("%s  ", text_clock(m->time, clock));
	print_arrow(m, text);
	print_verdict(m);
	print_edits(m);
	print_kept(t, m);
}

static void print_pinhole(const struct trace *m)
{
	static const char *const words[] = {
		[CALLGATE_TRACE_PIN_OPEN] = "opened", [CALLGATE_TRACE_PIN_CLOSE] = "closed",
		[CALLGATE_TRACE_PIN_REFUSED] = "refused",
	};
	char clock[TEXT_TIME], in[TEXT_ENDPOINT], pub[TEXT_ENDPOINT];

	if (m->kind >= sizeof(words) / sizeof(words[0]) || !words[m->kind])
		return;
	printf("%s  %-21s === %s port %s === %s", text_clock(m->time, clock),
	       text_endpoint(&m->pin.inside, in), model_name(&comp_names, m->pin.comp),
	       words[m->kind], text_endpoint(&m->pin.public, pub));
	if (m->call)
		printf("  call %" PRIu64, m->call);
	printf("  %s\n", text_clean(m->reason));
}

/* The call that was waited for, or the end of the one that is followed. */
static void on_event(struct tracer *t, const struct note *note)
{
	if (t->wish.next && !t->id && note->event.kind == CALLGATE_EVENT_CALL_NEW)
		t->id = note->call.id;
	if (t->wish.until_end && t->id && note->event.kind == CALLGATE_EVENT_CALL_END &&
	    note->call.id == t->id) {
		if (!t->wish.json)
			printf("the call has ended: %s\n", text_clean(note->event.reason));
		t->ended = true;
	}
}

/* A message of a call that its event has not named yet: traces may come first. */
static void name_call(struct tracer *t, const struct trace *m)
{
	if (t->wish.next && !t->id && m->call && m->kind == CALLGATE_TRACE_MESSAGE &&
	    m->method && !strcmp(m->method, "INVITE") && !m->status)
		t->id = m->call;
}

static void on_note(const struct note *note, void *arg)
{
	const struct trace *m = &note->trace;
	struct tracer *t = arg;

	if (t->ended)
		return;
	if (!note->is_trace) {
		on_event(t, note);
		return;
	}
	if (t->last && note->seq > t->last + 1)
		fprintf(stderr, "callgate trace: %" PRIu64 " messages were lost: too many\n",
			note->seq - t->last - 1);
	t->last = note->seq;
	name_call(t, m);
	if (!wanted(t, m))
		return;
	if (t->wish.json)
		json_print(json_model(&model_trace, m), true);
	else if (m->kind == CALLGATE_TRACE_MESSAGE)
		print_message(t, m);
	else
		print_pinhole(m);
	fflush(stdout);
	t->ended = t->left && !--t->left;
}

/* Until the wanted end, or the reader has gone. */
static int follow(struct kernel *k, struct tracer *t)
{
	int err = 0;

	while (!err && !t->ended && !ferror(stdout)) {
		err = kernel_wait(k, -1);
		if (err < 0)
			break;
		err = kernel_notes(k, on_note, t);
		if (err == -ENOBUFS)
			err = 0;	/* the numbers show the gap */
	}
	return err;
}

int trace_follow(const struct command *c, struct kernel *k, const struct trace_wish *wish)
{
	struct tracer t = { .wish = *wish, .left = wish->count };
	unsigned int groups = LISTEN_TRACE;
	char *end;
	int err;

	if (wish->call) {
		t.id = strtoull(wish->call, &end, 10);
		t.id = *end ? 0 : t.id;
	}
	if (wish->next || wish->until_end)
		groups |= LISTEN_EVENTS;
	err = reasons_load(k, &t.reasons);
	if (!err)
		err = kernel_listen(k, groups);
	if (!err)
		err = follow(k, &t);
	reasons_free(t.reasons);
	return err && err != -EINTR ? cmd_fail_kernel(c, k, err) : EXIT_OK;
}

int cmd_trace(const struct command *c, int argc, char **argv)
{
	struct trace_wish wish = { 0 };
	const struct opt opts[] = {
		{ "json", OPT_FLAG, &wish.json, 0, 0 },
		{ "pinholes", OPT_FLAG, &wish.pinholes, 0, 0 },
		{ "call", OPT_TEXT, &wish.call, 0, 0 },
		{ "count", OPT_NUMBER, &wish.count, 1, 1000000000 },
		{ 0 },
	};
	int n = cmd_options(c, opts, argc, argv), status;
	struct kernel *k = NULL;

	if (n < 0)
		return cmd_early(n);
	if (n)
		return cmd_fail(c, EXIT_USAGE, "'%s' is too much; usage: callgate trace %s",
				argv[0], c->args);
	status = cmd_open(c, &k);
	if (status)
		return status;
	status = trace_follow(c, k, &wish);
	kernel_close(k);
	return status;
}
