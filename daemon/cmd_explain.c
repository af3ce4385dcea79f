/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate explain: one call, its streams, and what may be wrong with it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "callgate.h"
#include "cmd_calls.h"
#include "cmd_trace.h"
#include "json.h"
#include "kernel.h"
#include "text.h"

#define EARLY_LONG 180		/* seconds of ringing that are worth a word */

static void line(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void line(const char *name, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	printf("%-12s %s\n", name, text_clean(text));
}

static const char *direction(const struct call *call)
{
	switch (call->dir) {
	case CALLGATE_DIR_OUT: return "from an inside host to the outside";
	case CALLGATE_DIR_IN: return "from the outside to an inside host";
	default: return "through the router, nothing is translated";
	}
}

static void print_call(const struct call *call)
{
	char host[TEXT_ENDPOINT], peer[TEXT_ENDPOINT], age[TEXT_TIME], more[TEXT_TIME];
	const struct leg *leg = call->legs.items;

	printf("call %" PRIu64 "\n", call->id);
	line("Call-ID", "%s", call->callid ? call->callid : "");
	line("from", "%s", call->from ? call->from : "");
	line("to", "%s", call->to ? call->to : "");
	line("direction", "%s", direction(call));
	line("state", "%s, began %s ago", model_name(&call_state_names, call->state),
	     text_duration(text_age(call->start), age));
	if (call->answer)
		line("answered", "%s ago", text_duration(text_age(call->answer), age));
	if (call->deadline)
		line("session", "ends in %s unless it is refreshed (RFC 4028)",
		     text_duration(text_left(call->deadline), more));
	line("signalling", "%s and %s", text_endpoint(&call->host, host),
	     text_endpoint(&call->peer, peer));
	for (size_t i = 0; i < call->legs.n; i++)
		line(i ? "" : "dialogs", "to-tag %s: %s", leg[i].tag ? leg[i].tag : "",
		     model_name(&call_state_names, leg[i].state));
	if (call->flags & CALLGATE_CALL_F_OPEN)
		line("mode", "open: nothing is edited");
}

static void print_peers(const struct pin *pin)
{
	const struct peer *peer = pin->peers.items;
	char buf[TEXT_ENDPOINT];

	for (size_t i = 0; i < pin->peers.n; i++)
		printf("               %s %s\n", text_endpoint(&peer[i].endpoint, buf),
		       peer[i].flags & CALLGATE_PEER_LATCHED ? "sends" : "was named in SDP");
}

static void print_pin(const struct pin *pin)
{
	char in[TEXT_ENDPOINT], pub[TEXT_ENDPOINT];

	printf("  stream %u %-5s %s is %s outside%s%s%s%s\n", pin->stream,
	       model_name(&comp_names, pin->comp), text_endpoint(&pin->inside, in),
	       text_endpoint(&pin->public, pub),
	       pin->flags & CALLGATE_PIN_COMMITTED ? "" : ", not agreed yet",
	       pin->flags & CALLGATE_PIN_POOL ? ", port from the pool" : "",
	       pin->flags & CALLGATE_PIN_RELATCHED ? ", source changed once" : "",
	       pin->flags & CALLGATE_PIN_PUBLISHED ? ", in conntrack -L expect" : "");
	print_peers(pin);
	if (pin->pkts_in || pin->pkts_out)
		printf("               %" PRIu64 " packets in, %" PRIu64 " out\n", pin->pkts_in,
		       pin->pkts_out);
}

/* ---- what may be wrong ---- */

struct findings {
	json_t *list;
};

static void find(struct findings *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void find(struct findings *f, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	json_array_append_new(f->list, json_text(text));
}

static bool counts_packets(const struct call *call)
{
	const struct pin *pin = call->pins.items;

	for (size_t i = 0; i < call->pins.n; i++)
		if (pin[i].pkts_in || pin[i].pkts_out)
			return true;
	return false;
}

static void judge_pin(struct findings *f, const struct call *call, const struct pin *pin)
{
	char in[TEXT_ENDPOINT], pub[TEXT_ENDPOINT];
	bool answered = call->state == CALLGATE_CALL_ANSWERED;

	text_endpoint(&pin->inside, in);
	text_endpoint(&pin->public, pub);
	if (pin->comp == CALLGATE_COMP_RTCP || !answered)
		return;
	if (!pin->flows)
		find(f, "stream %u: no media now, neither to %s nor from %s", pin->stream, pub, in);
	else if (pin->pkts_in && !pin->pkts_out)
		find(f, "stream %u: media comes in, but %s sends none: muted, or it does not get "
		     "to this router", pin->stream, in);
	else if (!pin->pkts_in && pin->pkts_out)
		find(f, "stream %u: %s sends media, but none comes to %s: look at the other side, "
		     "and for a firewall in front of this router", pin->stream, in, pub);
}

static struct findings judge(const struct call *call)
{
	struct findings f = { json_array() };
	const struct pin *pin = call->pins.items;
	unsigned int live = 0;

	for (size_t i = 0; i < call->pins.n; i++) {
		judge_pin(&f, call, &pin[i]);
		live += pin[i].flows;
	}
	if (call->state == CALLGATE_CALL_ANSWERED && !call->pins.n)
		find(&f, "no media port is open: no session description was understood; "
		     "'callgate trace --call %" PRIu64 "' shows why with the next messages",
		     call->id);
	if (call->state == CALLGATE_CALL_EARLY && text_age(call->start) > EARLY_LONG)
		find(&f, "it rings since more than %u minutes", EARLY_LONG / 60);
	if (live && !counts_packets(call))
		find(&f, "packets are not counted: 'sysctl net.netfilter.nf_conntrack_acct=1' "
		     "counts those of new flows");
	return f;
}

static void print_text(const struct call *call, const struct findings *f)
{
	const struct pin *pin = call->pins.items;
	json_t *finding;
	size_t i;

	print_call(call);
	puts(call->pins.n ? "media" : "media        none");
	for (i = 0; i < call->pins.n; i++)
		print_pin(&pin[i]);
	puts(json_array_size(f->list) ? "what stands out" : "nothing stands out");
	json_array_foreach(f->list, i, finding)
		printf("  - %s\n", json_string_value(finding));
}

static int print_found(const struct command *c, struct kernel *k, const char *word, bool json,
		       uint64_t *id)
{
	struct call call = { 0 };
	struct findings f;
	int status = calls_find(c, k, word, &call);

	if (status)
		return status;
	*id = call.id;
	f = judge(&call);
	if (json)
		json_print(json_pack("{s:o, s:O}", "call", json_model(&model_call, &call),
				     "findings", f.list), false);
	else
		print_text(&call, &f);
	fflush(stdout);
	json_decref(f.list);
	model_free(&model_call, &call);
	return EXIT_OK;
}

/* Message by message until its end: what was edited, what was left alone, and why. */
static int follow(const struct command *c, struct kernel *k, uint64_t id, bool json)
{
	struct trace_wish wish = {
		.json = json, .pinholes = true, .next = !id, .until_end = true,
	};
	char word[24];

	snprintf(word, sizeof(word), "%" PRIu64, id);
	if (id)
		wish.call = word;
	if (!json)
		puts(id ? "its messages from now on" : "waiting for the next call");
	fflush(stdout);
	return trace_follow(c, k, &wish);
}

int cmd_explain(const struct command *c, int argc, char **argv)
{
	bool json = false, more = false, once = false, next;
	const struct opt opts[] = {
		{ "json", OPT_FLAG, &json, 0, 0 },
		{ "follow", OPT_FLAG, &more, 0, 0 },
		{ "once", OPT_FLAG, &once, 0, 0 },
		{ 0 },
	};
	int n = cmd_options(c, opts, argc, argv), status;
	struct kernel *k = NULL;
	uint64_t id = 0;

	if (n < 0)
		return cmd_early(n);
	if (n != 1)
		return cmd_fail(c, EXIT_USAGE, "%s; usage: callgate explain %s",
				n ? "one call at a time" : "which call?", c->args);
	if (more && once)
		return cmd_fail(c, EXIT_USAGE, "--follow or --once, not both");
	next = !strcmp(argv[0], "next");
	if (next && once)
		return cmd_fail(c, EXIT_USAGE, "the next call can only be followed");
	status = cmd_open(c, &k);
	if (status)
		return status;
	if (!next)
		status = print_found(c, k, argv[0], json, &id);
	if (!status && !once && (more || next || isatty(STDOUT_FILENO)))
		status = follow(c, k, id, json);
	kernel_close(k);
	return status;
}
