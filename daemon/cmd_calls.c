/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate calls */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd_calls.h"
#include "json.h"
#include "kernel.h"
#include "text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define REDRAW_MS 1000		/* a terminal shows durations and counters */
#define SETTLE_MS 100		/* several events make one redraw */

/* ---- the list ---- */

static const char *const heads[] = {
	">ID", "STATE", "DIR", ">TIME", "FROM", "TO", "HOST", "PEER", "MEDIA", ">IN", ">OUT",
};

struct sums {
	uint64_t in, out;
	unsigned int live;
	bool counted;
};

static struct sums sum_pins(const struct call *call)
{
	const struct pin *pins = call->pins.items;
	struct sums s = { 0 };

	for (size_t i = 0; i < call->pins.n; i++) {
		s.in += pins[i].pkts_in;
		s.out += pins[i].pkts_out;
		s.live += pins[i].flows > 0;
		s.counted |= pins[i].pkts_in || pins[i].pkts_out;
	}
	return s;
}

static int row(struct call *call, void *arg)
{
	char id[24], host[TEXT_ENDPOINT], peer[TEXT_ENDPOINT], in[24] = "-", out[24] = "-";
	char time[TEXT_TIME], media[32];
	struct sums s = sum_pins(call);

	snprintf(id, sizeof(id), "%" PRIu64, call->id);
	snprintf(media, sizeof(media), "%u of %zu live", s.live, call->pins.n);
	if (s.counted) {
		snprintf(in, sizeof(in), "%" PRIu64, s.in);
		snprintf(out, sizeof(out), "%" PRIu64, s.out);
	}
	table_row(arg, (const char *const[]){
		id, model_name(&call_state_names, call->state), model_name(&dir_names, call->dir),
		text_duration(text_age(call->answer ? call->answer : call->start), time),
		call->from, call->to, text_endpoint(&call->host, host),
		text_endpoint(&call->peer, peer), media, in, out });
	return 0;
}

static int json_row(struct call *call, void *arg)
{
	json_array_append_new(arg, json_model(&model_call, call));
	return 0;
}

static int list_json(struct kernel *k, bool compact)
{
	json_t *list = json_array();
	int err = kernel_calls(k, 0, json_row, list);

	if (err)
		json_decref(list);
	else
		json_print(json_pack("{s:o}", "calls", list), compact);
	return err;
}

static int list_text(struct kernel *k, bool clear)
{
	struct table *t = table_new(heads, COUNT(heads));
	int err = kernel_calls(k, 0, row, t);
	size_t n = table_rows(t);

	if (clear)
		fputs("\033[H\033[2J", stdout);
	table_end(t, n || clear ? stdout : NULL);
	if (!err && !n)
		puts("no calls");
	fflush(stdout);
	return err;
}

static void ignore(const struct note *note, void *arg)
{
	(void)note;
	*(bool *)arg = true;
}

/* Waits for something to show. -ENOBUFS is something: what was lost is in the next dump. */
static int wait_event(struct kernel *k, bool tick)
{
	bool seen = false;
	int err = 0;

	while (!seen && !err) {
		int n = kernel_wait(k, tick ? REDRAW_MS : -1);

		if (n <= 0)
			return n;
		poll(NULL, 0, SETTLE_MS);
		err = kernel_notes(k, ignore, &seen);
	}
	return err == -ENOBUFS ? 0 : err;
}

static int watch(struct kernel *k, bool json)
{
	bool screen = !json && isatty(STDOUT_FILENO);
	int err = kernel_listen(k, LISTEN_EVENTS);

	while (!err) {
		err = json ? list_json(k, true) : list_text(k, screen);
		if (!err)
			err = wait_event(k, screen);
		if (!err && !screen && !json)
			putchar('\n');
	}
	return err;
}

static int end_call(const struct command *c, const char *word)
{
	struct kernel *k = NULL;
	unsigned long long id;
	int status, err;
	char *end;

	errno = 0;
	id = strtoull(word, &end, 10);
	if (errno || !*word || *end || *word == '-')
		return cmd_fail(c, EXIT_USAGE, "'%s' is not the id of a call ('callgate calls' "
				"shows them)", word);
	status = cmd_open(c, &k);
	if (status)
		return status;
	err = kernel_call_end(k, id);
	if (err == -ENOENT)
		status = cmd_fail(c, EXIT_FAILED, "no call %llu ('callgate calls' shows them)", id);
	else if (err)
		status = cmd_fail_kernel(c, k, err);
	else
		printf("call %llu ended: its ports are closed; the parties were not told\n", id);
	kernel_close(k);
	return status;
}

int cmd_calls(const struct command *c, int argc, char **argv)
{
	bool json = false, watching = false;
	const struct opt opts[] = {
		{ "json", OPT_FLAG, &json, 0, 0 },
		{ "watch", OPT_FLAG, &watching, 0, 0 },
		{ 0 },
	};
	int n = cmd_options(c, opts, argc, argv), status, err;
	struct kernel *k = NULL;

	if (n < 0)
		return cmd_early(n);
	if (n && strcmp(argv[0], "end"))
		return cmd_fail(c, EXIT_USAGE, "'%s' is not known here; usage: callgate calls %s",
				argv[0], c->args);
	if (n && (n != 2 || watching))
		return cmd_fail(c, EXIT_USAGE,
				"which call? usage: callgate calls end ID ('callgate calls' "
				"shows them)");
	if (n)
		return end_call(c, argv[1]);
	status = cmd_open(c, &k);
	if (status)
		return status;
	err = watching ? watch(k, json) : json ? list_json(k, false) : list_text(k, false);
	if (err)
		status = cmd_fail_kernel(c, k, err);
	kernel_close(k);
	return status;
}

/* ---- finding one ---- */

struct search {
	const char *word;
	size_t len;
	uint64_t number;	/* 0: not a number */
	uint64_t id;		/* found */
	unsigned int found;
	bool exact;
};

static int match(struct call *call, void *arg)
{
	struct search *s = arg;

	if ((s->number && call->id == s->number) ||
	    (call->callid && !strcmp(call->callid, s->word))) {
		s->id = call->id;
		s->exact = true;
		return 1;
	}
	if (call->callid && !strncmp(call->callid, s->word, s->len)) {
		s->id = call->id;
		s->found++;
	}
	return 0;
}

static int keep(struct call *call, void *arg)
{
	struct call *out = arg;

	/* the strings and lists move over */
	*out = *call;
	memset(call, 0, sizeof(*call));
	return 1;
}

int calls_find(const struct command *c, struct kernel *k, const char *word, struct call *out)
{
	struct search s = { .word = word, .len = strlen(word) };
	char *end;
	int err;

	s.number = strtoull(word, &end, 10);
	if (*end)
		s.number = 0;
	err = kernel_calls(k, 0, match, &s);
	if (err < 0)
		return cmd_fail_kernel(c, k, err);
	if (!s.exact && s.found > 1)
		return cmd_fail(c, EXIT_FAILED, "%u calls begin with '%s'; give the id of one",
				s.found, word);
	if (!s.exact && !s.found)
		return cmd_fail(c, EXIT_FAILED,
				"no call '%s'; 'callgate calls' shows the calls there are", word);
	err = kernel_calls(k, s.id, keep, out);
	if (err < 0)
		return cmd_fail_kernel(c, k, err);
	return err ? EXIT_OK : cmd_fail(c, EXIT_FAILED, "call %" PRIu64 " has just ended", s.id);
}
