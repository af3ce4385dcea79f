/* SPDX-License-Identifier: BSD-2-Clause */
/* notifier_work: a subscription, for the files of the notifier. Nobody else includes it. */
#ifndef NOTIFIER_WORK_H
#define NOTIFIER_WORK_H

#include "client.h"
#include "notifier.h"
#include "timer.h"

#define SUB_URI 1024		/* bytes of the Contact */
#define SUB_TEXT 512		/* of Call-ID, From, To, id= of Event */
#define SUB_ROUTE 2048		/* of all Record-Routes */
#define SUB_TAG 17

struct subscription {
	struct subscription *chain;
	const struct notifier_package *package;
	void *part;			/* the package's */
	struct timer expiry, due;	/* its end; the next NOTIFY */
	uint64_t key;			/* of Call-ID and the subscriber's tag */
	uint64_t until, last;		/* loop_now(): its end; the last NOTIFY */
	uint64_t client;		/* .busy: the NOTIFY under way */
	struct sip_flow flow;		/* that the last SUBSCRIBE came over */
	uint32_t cseq, remote_cseq;
	const char *reason;		/* of its end; NULL: it is active */
	bool busy, changed, full;	/* .full: the next NOTIFY has all */
	bool last_words;		/* the NOTIFY of its end was sent */
	char tag[SUB_TAG];		/* ours */
	char watcher[AOR_MAX + 1], resource[AOR_MAX + 1];
	char *target;			/* Contact of the subscriber */
	/* in one block: From and To as we write them, without our tag; "Route: ...\r\n" or "" */
	char *call_id, *from, *to, *event_id, *routes;
	char texts[];
};

/* notifier.c */
/* What is told is told; it is gone afterwards. */
void notifier_drop(struct subscription *s);

/* notifier_notify.c */
/* Sends one now, unless one is under way: then behind that. @s may be gone afterwards. */
void notify_now(struct subscription *s);
/* It ends, and the subscriber is told so. @s may be gone afterwards. */
void notify_end(struct subscription *s, const char *reason);

/* notifier_dialog.c */
struct subscription *dialog_new(const struct rx *rx, const char tag[SUB_TAG]);
/* A SUBSCRIBE in it, or the first: where the next NOTIFY goes. 0, or the code of the refusal. */
uint16_t dialog_target(struct subscription *s, const struct rx *rx);
void dialog_dispose(struct subscription *s);
/* Our tag for a dialog that this SUBSCRIBE would begin; and is the one in its To such a one? */
void dialog_tag(const struct rx *rx, const uint8_t key[16], char out[static SUB_TAG]);
bool dialog_was_ours(const struct rx *rx);
uint64_t dialog_key(const struct rx *rx);
/* The id= of Event; empty: none. */
struct sip_str dialog_event_id(const struct rx *rx);
struct sip_str dialog_event(const struct rx *rx);

#endif
