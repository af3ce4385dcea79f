/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <jansson.h>
#include <nftables/libnftables.h>

#include "bans_nft.h"
#include "config.h"
#include "log.h"

#define QUEUE 1024
#define SIP_PORT 5060

struct change {
	struct prefix source;
	uint32_t seconds;
};

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct change queue[QUEUE];
	size_t n;
	bool stop, runs;
	struct nft_ctx *nft;
	char *setup;		/* the commands that make table, sets and chain */
	bool failing;
} nft = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

static const char remove_chain[] =
	"add table inet callgate\n"
	"add chain inet callgate bans\n"
	"delete chain inet callgate bans\n";

/* ---- commands ---- */

static void print_ports(FILE *out, const struct config *c)
{
	fprintf(out, "{ %u", c->n_listen ? c->listen[0].port : SIP_PORT);
	/* nft takes one that is there twice */
	for (size_t i = 1; i < c->n_listen; i++)
		fprintf(out, ", %u", c->listen[i].port);
	fputs(" }", out);
}

static void print_rule(FILE *out, const struct config *c, const char *match, const char *set)
{
	fputs("add rule inet callgate bans meta l4proto { tcp, udp } th dport ", out);
	print_ports(out, c);
	fprintf(out, " fib daddr type local %s @%s counter drop\n", match, set);
}

/* What runs twice leaves the same; the elements of the sets stay. */
static char *setup_text(const struct config *c)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("add table inet callgate\n"
	      "add set inet callgate banned4 { type ipv4_addr; flags timeout; size 65536; }\n"
	      "add set inet callgate banned6 { type ipv6_addr; flags timeout; size 65536; }\n"
	      "add chain inet callgate bans { type filter hook prerouting priority -310; }\n"
	      "flush chain inet callgate bans\n", out);
	print_rule(out, c, "ip saddr", "banned4");
	print_rule(out, c, "ip6 saddr & ffff:ffff:ffff:ffff:: ==", "banned6");
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static const char *first_line(const char *text, char out[static 200])
{
	snprintf(out, 200, "%.*s", (int)strcspn(text, "\n"), text);
	return out;
}

/* 0, or -1 and what it said. Asked for nothing else, it says nothing when all is well. */
static int run(const char *commands, char said[static 200])
{
	int err = nft_run_cmd_from_buffer(nft.nft, commands);

	first_line(nft_ctx_get_error_buffer(nft.nft), said);
	nft_ctx_get_output_buffer(nft.nft);
	return err ? -1 : 0;
}

static void print_change(FILE *out, const struct change *c)
{
	const char *set = c->source.len == 4 ? "banned4" : "banned6";
	char host[INET6_ADDRSTRLEN];

	inet_ntop(c->source.len == 4 ? AF_INET : AF_INET6, c->source.addr, host, sizeof(host));
	/* an element that is there keeps its time, and one that is not cannot be deleted */
	fprintf(out, "add element inet callgate %s { %s }\n", set, host);
	fprintf(out, "delete element inet callgate %s { %s }\n", set, host);
	if (c->seconds)
		fprintf(out, "add element inet callgate %s { %s timeout %us }\n", set, host,
			c->seconds);
}

static void apply(const struct change *changes, size_t n)
{
	char said[200], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int err = -1;

	for (size_t i = 0; out && i < n; i++)
		print_change(out, &changes[i]);
	if (out && !fclose(out)) {
		err = run(text, said);
		/* somebody flushed the ruleset */
		if (err && !run(nft.setup, said))
			err = run(text, said);
		if (err && !nft.failing)
			log_warn("bans: nft: %s: bans act inside callgated alone", said);
		nft.failing = err;
	}
	free(text);
}

/* ---- the thread ---- */

static void *work(void *arg)
{
	static struct change taken[QUEUE];
	bool stop;
	size_t n;

	(void)arg;
	do {
		pthread_mutex_lock(&nft.lock);
		while (!nft.n && !nft.stop)
			pthread_cond_wait(&nft.wake, &nft.lock);
		n = nft.n;
		memcpy(taken, nft.queue, n * sizeof(taken[0]));
		nft.n = 0;
		stop = nft.stop;
		pthread_mutex_unlock(&nft.lock);
		if (n)
			apply(taken, n);
	} while (!stop);
	return NULL;
}

int bans_nft_set(const struct prefix *source, uint32_t seconds)
{
	int err = 0;

	if (!nft.runs)
		return -ENOTCONN;
	pthread_mutex_lock(&nft.lock);
	if (nft.n == QUEUE)
		err = -ENOBUFS;
	else
		nft.queue[nft.n++] = (struct change){ *source, seconds };
	pthread_cond_signal(&nft.wake);
	pthread_mutex_unlock(&nft.lock);
	return err;
}

/* ---- begin and end ---- */

/* {"elem": {"val": "192.0.2.1", "timeout": 3600, "expires": 3599}} */
static void read_element(const json_t *element, bans_nft_fn *fn)
{
	const json_t *e = json_object_get(element, "elem");
	const char *host = json_string_value(json_object_get(e, "val"));
	json_int_t left = json_integer_value(json_object_get(e, "expires"));
	struct prefix p = { 0 };

	if (!host || left <= 0)
		return;
	if (inet_pton(AF_INET, host, p.addr) == 1)
		p.len = 4;
	else if (inet_pton(AF_INET6, host, p.addr) == 1)
		p.len = 16;
	else
		return;
	p.bits = p.len == 4 ? 32 : 64;
	fn(&p, (uint64_t)left);
}

static void read_set(const char *command, bans_nft_fn *fn)
{
	unsigned int flags = nft_ctx_output_get_flags(nft.nft);
	json_t *all, *part, *element;
	size_t i, k;
	int err;

	nft_ctx_output_set_flags(nft.nft, flags | NFT_CTX_OUTPUT_JSON);
	err = nft_run_cmd_from_buffer(nft.nft, command);
	all = json_loads(err ? "" : nft_ctx_get_output_buffer(nft.nft), 0, NULL);
	nft_ctx_output_set_flags(nft.nft, flags);
	json_array_foreach(json_object_get(all, "nftables"), i, part) {
		json_t *set = json_object_get(part, "set");

		json_array_foreach(json_object_get(set, "elem"), k, element)
			read_element(element, fn);
	}
	json_decref(all);
}

static int fail(int err, char why[static 256], const char *said)
{
	snprintf(why, 256, "%s", said);
	free(nft.setup);
	if (nft.nft)
		nft_ctx_free(nft.nft);
	nft.setup = NULL;
	nft.nft = NULL;
	return err;
}

int bans_nft_open(const struct config *c, bans_nft_fn *fn, char why[static 256])
{
	char said[200];

	nft.n = 0;
	nft.stop = nft.failing = false;
	nft.setup = setup_text(c);
	nft.nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft.setup || !nft.nft)
		return fail(-ENOMEM, why, "no memory");
	nft_ctx_buffer_output(nft.nft);
	nft_ctx_buffer_error(nft.nft);
	if (run(c->ban_failures ? nft.setup : remove_chain, said))
		return fail(-EPERM, why, said);
	if (!c->ban_failures)
		return fail(0, why, "");
	read_set("list set inet callgate banned4", fn);
	read_set("list set inet callgate banned6", fn);
	if (pthread_create(&nft.thread, NULL, work, NULL))
		return fail(-EAGAIN, why, "no thread");
	nft.runs = true;
	return 0;
}

void bans_nft_close(void)
{
	char said[200], why[256];

	if (!nft.runs)
		return;
	pthread_mutex_lock(&nft.lock);
	nft.stop = true;
	pthread_cond_signal(&nft.wake);
	pthread_mutex_unlock(&nft.lock);
	pthread_join(nft.thread, NULL);
	nft.runs = false;
	run(remove_chain, said);
	fail(0, why, "");
}
