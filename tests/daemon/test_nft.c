// SPDX-License-Identifier: BSD-2-Clause
/*
 * The parts of callgated's nft table, in a network namespace of its own: made once or twice, made
 * again after a flush, removed; one that nft refuses leaves the others alone; without rights
 * nothing breaks. What needs root is skipped without it.
 */
#define _GNU_SOURCE
#include "t.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "kernel_link.h"
#include "log.h"
#include "loop.h"
#include "nft.h"
#include "text.h"
#include "transit.h"

#define REMOVE(NAME) "add table inet callgate\nadd chain inet callgate " NAME "\n" \
		     "delete chain inet callgate " NAME "\n"
#define SETUP(NAME) "add table inet callgate\n" \
		    "add chain inet callgate " NAME " { type filter hook input priority 0; }\n" \
		    "flush chain inet callgate " NAME "\n" \
		    "add rule inet callgate " NAME " counter\n"

static struct nft_part one = { .name = "one", .without = "x", .chain = "one",
			       .remove = REMOVE("one") };
static struct nft_part two = { .name = "two", .without = "x", .chain = "two",
			       .remove = REMOVE("two"),
			       .drop = "delete set inet callgate more\n" };
static char why[256];

static bool shell(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What is queued takes a moment; ten seconds are enough for it on any machine. */
static bool becomes(const char *command)
{
	uint64_t end = text_boot_now() + 10000;

	do {
		if (shell(command))
			return true;
		poll(NULL, 0, 10);
	} while (text_boot_now() < end);
	return false;
}

static bool rules(const char *chain, const char *count)
{
	char command[200];

	snprintf(command, sizeof(command), "nft list chain inet callgate %s 2>/dev/null | "
		 "grep -c counter | grep -qx %s", chain, count);
	return becomes(command);
}

static bool gone(const char *chain)
{
	char command[200];

	snprintf(command, sizeof(command), "! nft list chain inet callgate %s >/dev/null 2>&1",
		 chain);
	return shell(command);
}

static int change(struct nft_part *p, const char *commands)
{
	return nft_change(p, strdup(commands));
}

static void check_parts(void)
{
	T_OK(change(&one, "x") == -ENOTCONN, "not in use");
	T_OK(!nft_use(&one, strdup(SETUP("one")), why), "%s", why);
	T_OK(!nft_use(&one, strdup(SETUP("one")), why), "%s", why);
	T_OK(rules("one", "1"), "twice is not once");
	T_OK(!nft_use(&two, strdup(SETUP("two") "add set inet callgate more { type mark; }\n"),
		      why), "%s", why);
	T_OK(!change(&two, "add rule inet callgate two counter\n") && rules("two", "2"), "change");
	T_OK(!change(&two, "nonsense\n"), "queued");
	T_OK(!change(&one, "add rule inet callgate one counter\n") && rules("one", "2"),
	     "another part's nonsense is in the way");
}

static void check_flush(void)
{
	char *text;

	T_OK(shell("nft flush ruleset"), "nft");
	nft_check();
	T_OK(rules("one", "1") && rules("two", "1"), "not made again by a look");
	T_OK(shell("nft flush ruleset"), "nft");
	T_OK(!change(&one, "add rule inet callgate one counter\n") && rules("one", "2"),
	     "not made again by a change");
	T_OK(gone("two"), "made without need");
	nft_check();
	T_OK(rules("two", "1") && rules("one", "2"), "one that is there is made again");
	text = nft_ask("list chain inet callgate two");
	T_OK(text && strstr(text, "\"nftables\""), "no JSON");
	free(text);
}

/* What is there cannot be changed to what is wanted: it is replaced. */
static void check_older(void)
{
	nft_remove(&one);
	T_OK(shell("nft 'add chain inet callgate one { type filter hook output priority 5; }'"),
	     "nft");
	T_OK(!nft_use(&one, strdup(SETUP("one")), why), "%s", why);
	T_OK(shell("nft list chain inet callgate one | grep -q 'hook input'") && rules("two", "1"),
	     "not replaced, or not that part alone");
	nft_remove(&one);
}

static void check_end(void)
{
	T_OK(!change(&one, "add table inet queued\n"), "queued");
	nft_remove(&one);
	T_OK(gone("one") && rules("two", "1"), "not that part alone");
	T_OK(shell("nft list table inet queued"), "what was queued is lost");
	T_OK(nft_use(&one, strdup(SETUP("one") "nonsense\n"), why) == -EPERM && why[0], "no error");
	T_OK(gone("one") && change(&one, "x") == -ENOTCONN, "half a part");
	T_OK(!nft_use(&one, strdup(SETUP("one")), why) && rules("one", "1"), "%s", why);
	T_OK(nft_use(&one, strdup("nonsense\n"), why) == -EPERM && gone("one"), "an old one stays");
	check_older();
	nft_remove(&two);
	nft_remove(&two);
	T_OK(gone("two"), "there");
	T_OK(!shell("nft list set inet callgate more >/dev/null 2>&1"), "not dropped");
	T_OK(!nft_ask("list tables"), "open");
	nft_check();
}

/* Only the module knows the helper: without it nft refuses, and what is there stays. */
static bool module;
static struct config config = { .helper = true };

bool kernel_link_up(void)
{
	return module;
}

const struct config *config_now(void)
{
	return &config;
}

int config_hook(config_hook_fn *fn)
{
	(void)fn;
	return 0;
}

static void check_transit(struct loop *l)
{
	T_OK(!nft_use(&one, strdup(SETUP("one")), why), "%s", why);
	T_OK(!transit_open(l) && gone("transit"), "rules without a module");
	transit_close();
	module = true;
	T_OK(!transit_open(l), "open");
	T_OK(gone("transit") && gone("transit_own") && rules("one", "1"), "without its helper");
	transit_close();
	nft_remove(&one);
}

static int check_without_rights(struct loop *l)
{
	if (setuid(65534))
		return 2;
	if (nft_use(&one, strdup(SETUP("one")), why) != -EPERM || !why[0])
		return 3;
	if (change(&one, "x") != -ENOTCONN)
		return 4;
	nft_remove(&one);
	module = true;
	if (transit_open(l))
		return 5;
	transit_close();
	return 0;
}

int main(void)
{
	bool alone = !unshare(CLONE_NEWNET);
	struct loop *l = NULL;
	int status = -1;

	log_setup(LOG_LEVEL_FATAL);
	if (!alone) {
		puts("not root: nft is not tried");
		t_skipped++;
		return t_end("nft");
	}
	T_OK(!loop_open(&l), "loop");
	fflush(NULL);
	if (!fork())
		_exit(check_without_rights(l));
	wait(&status);
	T_OK(WIFEXITED(status) && !WEXITSTATUS(status), "without rights: step %d",
	     WEXITSTATUS(status));
	check_parts();
	check_flush();
	check_end();
	check_transit(l);
	loop_close(l);
	return t_end("nft");
}
