/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notifier: SUBSCRIBE and NOTIFY of callgated's own (RFC 6665): dialogs, their ends, and what is
 * sent when. What there is to watch, and who may, is a package's: regevent.h.
 *
 * A NOTIFY at a time is under way for a subscription, and one in NOTIFY_EVERY milliseconds but for
 * those that a SUBSCRIBE asks for. A subscription ends when its NOTIFY is refused or not answered
 * (4.2.2). In memory alone: after a restart the dialog is known to have been ours by its tag, and
 * the next SUBSCRIBE in it gets 481.
 *
 * Codes, in their order: 489 the package; 406 Accept; 481 no such dialog; 423 Min-Expires; what
 * the package says; 400 Contact; 403 too many of this user; 503 too many; 500 CSeq.
 */
#ifndef NOTIFIER_H
#define NOTIFIER_H

#include "access.h"
#include "location.h"

#define NOTIFY_EVERY 5000
#define NOTIFY_BODY (48u << 10)

struct txn;
struct subscription;

struct notifier_package {
	const char *event, *type;	/* "reg", "application/reginfo+xml" */
	uint32_t expires, expires_max;	/* the default; what is granted at most */
	/*
	 * Who may watch: @d is the domain of the Request-URI. @resource: what is watched then;
	 * a->code 0: go on.
	 */
	void (*admit)(const struct rx *rx, const struct domain *d, struct access *a,
		      char resource[static AOR_MAX + 1]);
	/* It begins; returns the package's part of it. NULL: no memory. */
	void *(*begin)(struct subscription *s, const char *resource);
	/*
	 * The document of the next NOTIFY; returns its length. @full: all, not only what has
	 * changed since the last one.
	 */
	uint32_t (*write)(void *part, bool full, char out[static NOTIFY_BODY]);
	/* May it go on? NULL, or the reason for its end ("rejected", "noresource"). */
	const char *(*review)(const void *part, const char *watcher);
	void (*end)(void *part);
};

/* -ENOSPC: there are 4. @p is kept. */
int notifier_package(const struct notifier_package *p);

/*
 * Is this SUBSCRIBE, to a domain of ours or to our address, for us? One that begins a dialog: its
 * package is known, or it names nobody. One in a dialog: the dialog is or was ours.
 */
bool notifier_wants(const struct rx *rx);
void notifier_request(struct rx *rx, struct txn *t, const struct domain *d);

/* Something has changed for a subscription: a NOTIFY when it is due. For hooks, too. */
void notifier_changed(struct subscription *s);
/* Users or domains have changed: who may not watch any more is told so. */
void notifier_review(void);

/* "reg, dialog": for Allow-Events. */
const char *notifier_events(void);
size_t notifier_count(void);
/* 0 or -errno: with client.h and the configuration. */
int notifier_open(void);
void notifier_free(void);

#endif
