/* SPDX-License-Identifier: BSD-2-Clause */
/* callgate: the command of the admin. See callgate.8. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"

#ifndef CG_VERSION
#define CG_VERSION "unknown"
#endif

#define SUB(NAME, FN, ARGS, HELP) { .name = NAME, .run = FN, .args = ARGS, .help = HELP }
static const struct command commands[] = {
	SUB("status", cmd_status, "[--json]",
	    "is it at work, for whom, what passed and why, what to do"),
	SUB("calls", cmd_calls, "[--watch] [--json] | calls end ID",
	    "the calls now, or end one of them"),
	SUB("registrations", cmd_registrations,
	    "[--json] [--watch [USER]] | registrations show USER | registrations remove USER "
	    "[CONTACT]",
	    "who is registered, here and through this router"),
	SUB("users", cmd_users, "add|change USER [OPTION]... | passwd|del|show USER | list [--json]",
	    "who may register here, and their passwords"),
	SUB("bans", cmd_bans, "[list] [--json] | bans remove ADDRESS",
	    "who guessed passwords too often, and letting one in again"),
	SUB("explain", cmd_explain, "CALL|next [--follow|--once] [--json]",
	    "one call, by id or Call-ID: its streams, and what may be wrong"),
	SUB("trace", cmd_trace, "[--call CALL] [--count N] [--pinholes] [--json]",
	    "messages as they pass, and each edit"),
	SUB("reasons", cmd_reasons, "[--json]",
	    "all reasons that status and trace can give, and their counts"),
	SUB("adopt", cmd_adopt, "[--dry-run] [--json]",
	    "drop flows that are older than the rules, so that the helper sees them"),
	SUB("mode", cmd_mode, "[off|open|translate [HOST|PREFIX] | --clear HOST|PREFIX|all] "
	    "[--runtime] [--json]",
	    "show or change what is done at most: for all, for a host"),
	SUB("providers", cmd_providers, "[set NAME HOST|PREFIX... | remove NAME|all | list] "
	    "[--runtime] [--json]",
	    "show or change hosts that are one SIP provider"),
	SUB("set", cmd_set, "[KEY VALUE | KEY=VALUE]... [--runtime] [--json]",
	    "show or change limits and ports"),
	SUB("save", cmd_save, "[--file FILE]",
	    "write down what mode, providers and set changed"),
	SUB("restore", cmd_restore, "[--file FILE]",
	    "do again what was written down"),
	SUB("check", cmd_check, "[FILE] [--json]",
	    "read the configuration of callgated and say what is wrong in it"),
	SUB("reload", cmd_reload, "[--config FILE] [--control SOCKET] [--json]",
	    "let callgated read its configuration again"),
	SUB("nft", cmd_nft, "[--lan IFACE]... [--wan IFACE] [--port N] [--open] [--json]",
	    "print a ruleset that assigns the helper"),
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fputs("usage: callgate SUBCOMMAND [OPTION]...\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].help);
	fputs("\n'callgate SUBCOMMAND --help' shows its options; callgate(8) says more.\n", out);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("callgate " CG_VERSION);
		return EXIT_OK;
	}
	c = find(argv[1]);
	if (!c) {
		fprintf(stderr, "callgate: unknown subcommand '%s'; 'callgate help' lists them\n",
			argv[1]);
		return EXIT_USAGE;
	}
	return c->run(c, argc - 1, argv + 1);
}
