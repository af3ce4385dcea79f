/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd: what the subcommands of callgate share. */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stddef.h>

struct kernel;

enum exit_status {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* not found, or the system refused */
	EXIT_USAGE = 2,
	EXIT_NOT_LOADED = 3,	/* the module */
	EXIT_NO_PERMISSION = 4,
	EXIT_NO_DAEMON = 5,
};

struct command {
	const char *name;
	int (*run)(const struct command *c, int argc, char **argv);
	const char *args;	/* behind the name, as the usage shows them */
	const char *help;	/* one line */
	const char *at;		/* "FILE:LINE: " of the words; NULL: they were typed */
};

/* An option of a subcommand: --name or --name VALUE. A list ends with name NULL. */
enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_NUMBER, OPT_TEXTS };
struct opt {
	const char *name;
	enum opt_kind kind;
	void *to;		/* bool, const char *, unsigned int, struct texts */
	unsigned int min, max;	/* of a number */
};
struct texts {
	const char *at[16];
	size_t n;
};

/*
 * Takes the options out of argv and leaves the rest, at most @max words; argv[0] is the name of the
 * subcommand. Returns the number of words left, or -EXIT_USAGE after a line on stderr, or
 * -1000 when help was asked for and printed.
 */
int cmd_options(const struct command *c, const struct opt *opts, int argc, char **argv);
#define CMD_HELPED (-1000)
/* The exit status when cmd_options() returned below 0. */
int cmd_early(int result);

/* One line: "callgate NAME: text". Returns @status. */
int cmd_fail(const struct command *c, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for a result of kernel.h below 0: what, and what to do. */
int cmd_fail_kernel(const struct command *c, const struct kernel *k, int err);
/* Opens the way to the kernel, or says why not and returns the exit status. */
int cmd_open(const struct command *c, struct kernel **k);

struct json_t;
struct place;
/*
 * A request to callgated, which is taken over; *@result is its result (the caller decrefs). Says
 * what went wrong, and returns the exit status.
 */
int cmd_ask(const struct command *c, const struct place *p, struct json_t *request,
	    struct json_t **result);
/*
 * What came of asking callgated, as one line or several when it is no success: @err of control.h,
 * or what @answer says. @without: what to do, or what else there is, when it does not run. Returns
 * the exit status.
 */
int cmd_said(const struct command *c, const struct place *p, int err, const struct json_t *answer,
	     const char *without);
#define CMD_START "start it (with systemd: systemctl start callgated)"
/* What an object of an answer has: "-", or 0, when it is not there. */
const char *cmd_word(const struct json_t *item, const char *key);
long long cmd_number(const struct json_t *item, const char *key);
/* callgated's status, or NULL: it does not answer. As lines of "callgate status". */
struct json_t *cmd_daemon_status(void);
void cmd_daemon_print(const struct json_t *daemon);

int cmd_check(const struct command *c, int argc, char **argv);
int cmd_reload(const struct command *c, int argc, char **argv);
int cmd_status(const struct command *c, int argc, char **argv);
int cmd_calls(const struct command *c, int argc, char **argv);
int cmd_registrations(const struct command *c, int argc, char **argv);
int cmd_users(const struct command *c, int argc, char **argv);
int cmd_bans(const struct command *c, int argc, char **argv);
int cmd_explain(const struct command *c, int argc, char **argv);
int cmd_trace(const struct command *c, int argc, char **argv);
int cmd_reasons(const struct command *c, int argc, char **argv);
int cmd_adopt(const struct command *c, int argc, char **argv);
int cmd_nft(const struct command *c, int argc, char **argv);
int cmd_set(const struct command *c, int argc, char **argv);
int cmd_mode(const struct command *c, int argc, char **argv);
int cmd_providers(const struct command *c, int argc, char **argv);
int cmd_save(const struct command *c, int argc, char **argv);
int cmd_restore(const struct command *c, int argc, char **argv);

/*
 * After a change: what was changed so far is written down for the next start of the module,
 * unless @runtime, or in another network namespace than that of the system. Returns the exit
 * status.
 */
int cmd_keep(const struct command *c, struct kernel *k, bool runtime);

#endif
