/* SPDX-License-Identifier: BSD-2-Clause */
/* Random valid messages: everything the grammar allows, and much that looks like an address. */
#ifndef PIPELINE_GENERATE_H
#define PIPELINE_GENERATE_H

#include "message.h"

enum content { NO_BODY, ANY_BODY, SDP_BODY };

struct plan {
	const char *method;
	u16 status;                    /* a response; 0: a request */
	u32 cseq;
	bool in_dialog;                /* From and To are those of the dialog */
	u8 content;
	const struct message *request; /* a response: to what; else of the dialog, or NULL */
	const struct message *target;  /* a request: to a Contact of this message; or NULL */
	u32 target_i;
};

void generate(struct message *m, bool from_phone, const struct plan *p);

/* Of sdp.c. @own: its addresses are those of the phone, and are opened. */
void sdp_put(struct message *m, bool own);

/* Either LF or CRLF lines: 0 is CRLF. */
#define CRLF "\r\n"

#endif /* PIPELINE_GENERATE_H */
