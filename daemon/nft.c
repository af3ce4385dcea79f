/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nftables/libnftables.h>

#include "config.h"
#include "log.h"
#include "nft.h"
#include "privileges.h"

#define QUEUE 1024
#define SAID 200

struct item {
	struct nft_part *part;
	char *commands;
};

static struct {
	pthread_mutex_t lock;	/* of queue, flags */
	pthread_cond_t wake;
	struct item queue[QUEUE];
	size_t n;
	bool stop, runs, check;
	pthread_t thread;
	pthread_mutex_t use;	/* of all below; never taken under lock */
	struct nft_ctx *ctx;
	struct nft_part *parts;
} nft = {
	.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER,
	.use = PTHREAD_MUTEX_INITIALIZER,
};

/* ---- one command, under nft.use ---- */

/* 0, or -1 and what it said. */
static int run(const char *commands, char said[static SAID])
{
	int err = nft_run_cmd_from_buffer(nft.ctx, commands);
	const char *text = nft_ctx_get_error_buffer(nft.ctx);

	snprintf(said, SAID, "%.*s", (int)strcspn(text, "\n"), text);
	nft_ctx_get_output_buffer(nft.ctx);
	return err ? -1 : 0;
}

static void remove_part(struct nft_part *p)
{
	char said[SAID];

	run(p->remove, said);
	if (p->drop)
		run(p->drop, said);
}

/* Said when it begins, and when it is over. */
static void report(struct nft_part *p, int err, const char *said)
{
	if (err && !p->failing)
		log_warn("%s: nft: %s: %s", p->name, said, p->without);
	else if (!err && p->failing)
		log_info("%s: nft works again", p->name);
	p->failing = err;
}

static bool is_there(const struct nft_part *p)
{
	char command[128], said[SAID];

	snprintf(command, sizeof(command), "list chain inet callgate %s", p->chain);
	return !run(command, said);
}

/* ---- the thread ---- */

/* All that is queued for the part, as one transaction; NULL: nothing. */
static char *gather(const struct nft_part *p, const struct item *items, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; out && i < n; i++)
		if (items[i].part == p)
			fputs(items[i].commands, out);
	if (out && !fclose(out) && size)
		return text;
	free(text);
	return NULL;
}

static void serve(struct nft_part *p, const struct item *items, size_t n, bool check)
{
	char said[SAID], *text = p->setup ? gather(p, items, n) : NULL;
	int err = 0;

	if (!p->setup)
		return;
	if (check && !is_there(p)) {
		err = run(p->setup, said);
		report(p, err, said);
		if (!err)
			log_info("%s: made again: somebody removed it from nft", p->name);
	}
	if (text && !err) {
		err = run(text, said);
		if (err && !run(p->setup, said))
			err = run(text, said);
		report(p, err, said);
	}
	free(text);
}

static void serve_all(const struct item *items, size_t n, bool check)
{
	pthread_mutex_lock(&nft.use);
	for (struct nft_part *p = nft.parts; p; p = p->next)
		serve(p, items, n, check);
	pthread_mutex_unlock(&nft.use);
	for (size_t i = 0; i < n; i++)
		free(items[i].commands);
}

static void *work(void *arg)
{
	static struct item taken[QUEUE];
	bool stop, check;
	size_t n;

	(void)arg;
	do {
		pthread_mutex_lock(&nft.lock);
		while (!nft.n && !nft.stop && !nft.check)
			pthread_cond_wait(&nft.wake, &nft.lock);
		n = nft.n;
		memcpy(taken, nft.queue, n * sizeof(taken[0]));
		nft.n = 0;
		check = nft.check;
		nft.check = false;
		stop = nft.stop;
		pthread_mutex_unlock(&nft.lock);
		serve_all(taken, n, check);
	} while (!stop);
	return NULL;
}

static int begin(void)
{
	if (nft.runs)
		return 0;
	nft.stop = nft.check = false;
	nft.n = 0;
	nft.runs = !pthread_create(&nft.thread, NULL, work, NULL);
	return nft.runs ? 0 : -EAGAIN;
}

/* Done with everything that is queued. */
static void end(void)
{
	if (!nft.runs)
		return;
	pthread_mutex_lock(&nft.lock);
	nft.stop = true;
	pthread_cond_signal(&nft.wake);
	pthread_mutex_unlock(&nft.lock);
	pthread_join(nft.thread, NULL);
	nft.runs = false;
}

/* ---- parts ---- */

static int open_context(void)
{
	if (nft.ctx)
		return 0;
	/* libnftables would write to standard error */
	if (!privileges_network())
		return -EPERM;
	nft.ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft.ctx)
		return -ENOMEM;
	nft_ctx_buffer_output(nft.ctx);
	nft_ctx_buffer_error(nft.ctx);
	return 0;
}

static void forget(struct nft_part *p)
{
	struct nft_part **at = &nft.parts;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	free(p->setup);
	p->setup = NULL;
	p->failing = false;
}

static void remember(struct nft_part *p, char *setup)
{
	forget(p);
	p->setup = setup;
	p->next = nft.parts;
	nft.parts = p;
}

/* Nobody uses it: neither thread nor context are needed. */
static void close_unused(void)
{
	if (nft.parts)
		return;
	end();
	if (nft.ctx)
		nft_ctx_free(nft.ctx);
	nft.ctx = NULL;
}

/* What another version left may be in the way. */
static int make(struct nft_part *p, const char *setup, char said[static SAID])
{
	if (!run(setup, said))
		return 0;
	remove_part(p);
	if (!run(setup, said))
		return 0;
	remove_part(p);
	return -EPERM;
}

static int begin_for(struct nft_part *p, char said[static SAID])
{
	int err = begin();

	if (!err)
		return 0;
	snprintf(said, SAID, "no thread");
	/* no thread, so nobody else uses the context */
	remove_part(p);
	forget(p);
	return err;
}

int nft_use(struct nft_part *p, char *setup, char why[static 256])
{
	int err = setup ? open_context() : -ENOMEM;
	char said[SAID];

	snprintf(said, sizeof(said), "%s", strerror(-err));
	pthread_mutex_lock(&nft.use);
	if (!err)
		err = make(p, setup, said);
	if (!err)
		remember(p, setup);
	else
		forget(p);
	pthread_mutex_unlock(&nft.use);
	if (err)
		free(setup);
	else
		err = begin_for(p, said);
	if (err) {
		snprintf(why, 256, "%s", said);
		close_unused();
	}
	return err;
}

void nft_remove(struct nft_part *p)
{
	/* the thread ends behind the last of what is queued; others that need it begin it again */
	end();
	if (!open_context())
		remove_part(p);
	forget(p);
	if (nft.parts)
		begin();
	close_unused();
}

int nft_change(struct nft_part *p, char *commands)
{
	int err = 0;

	if (!commands)
		return -ENOMEM;
	if (!nft.runs || !p->setup)
		err = -ENOTCONN;
	if (err) {
		free(commands);
		return err;
	}
	pthread_mutex_lock(&nft.lock);
	if (nft.n == QUEUE)
		err = -ENOBUFS;
	else
		nft.queue[nft.n++] = (struct item){ p, commands };
	pthread_cond_signal(&nft.wake);
	pthread_mutex_unlock(&nft.lock);
	if (err)
		free(commands);
	return err;
}

void nft_check(void)
{
	if (!nft.runs)
		return;
	pthread_mutex_lock(&nft.lock);
	nft.check = true;
	pthread_cond_signal(&nft.wake);
	pthread_mutex_unlock(&nft.lock);
}

char *nft_ask(const char *command)
{
	unsigned int flags;
	char *text = NULL;

	pthread_mutex_lock(&nft.use);
	if (nft.ctx) {
		flags = nft_ctx_output_get_flags(nft.ctx);
		nft_ctx_output_set_flags(nft.ctx, flags | NFT_CTX_OUTPUT_JSON);
		if (!nft_run_cmd_from_buffer(nft.ctx, command))
			text = strdup(nft_ctx_get_output_buffer(nft.ctx));
		nft_ctx_output_set_flags(nft.ctx, flags);
		nft_ctx_get_error_buffer(nft.ctx);
	}
	pthread_mutex_unlock(&nft.use);
	return text;
}

void nft_print_ports(FILE *out, const struct config *c, unsigned int first)
{
	fprintf(out, "{ %u", first);
	/* nft takes one that is there twice */
	for (size_t i = 0; i < c->n_listen; i++)
		fprintf(out, ", %u", c->listen[i].port);
	fputs(" }", out);
}
