/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages that are measured: a phone behind NAT, and its provider's answers. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>

#define CLIENT "10.0.0.2"
#define SERVER "192.0.2.2"
#define MESSAGE_MAX 70000

/* the value is the CSeq number too */
enum method { OPTIONS = 1, REGISTER, INVITE, ACK, BYE };

enum { WITH_SDP = 1, WITH_CONTACTS = 2 };

struct party {
	int port;		/* the phone's, for SIP */
	int media, far_media;	/* its own for audio, and the other side's */
	int serial;		/* of the call: in Call-ID, tags and branch */
	int pad;		/* an INVITE's length to reach, or 0 */
	bool pad_sdp;		/* by lines in the SDP, not by header lines */
};

int request(char *out, const struct party *p, enum method method);
/* to the request @asked, as the server got it; @with: WITH_... */
int answer(char *out, const struct party *p, const char *asked, const char *status,
	   unsigned int with);

#endif
