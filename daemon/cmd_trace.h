/* SPDX-License-Identifier: BSD-2-Clause */
/* What "trace" and "explain --follow" share: messages as they pass. */
#ifndef CMD_TRACE_H
#define CMD_TRACE_H

#include "cmd.h"
#include "kernel.h"

struct trace_wish {
	const char *call;	/* an id, or the beginning of a Call-ID; NULL: all */
	unsigned int count;	/* end after so many; 0: no end */
	bool json;
	bool pinholes;		/* also ports opened, closed and refused */
	bool next;		/* the call that begins next, and no other */
	bool until_end;		/* end with the call */
};

/* Prints until the end that was wished, or until the reader has gone. Returns the exit status. */
int trace_follow(const struct command *c, struct kernel *k, const struct trace_wish *wish);

#endif
