/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch: what happens to registrations, as it happens, for the command:
 *
 * {"do": "registrations-watch"}, or with "aor" of one user: an answer that goes on, of items
 * {"event": "watching", "time", "registrations": N} first; then one for each change: "event"
 * (history.h: "registered" ...), "time", and the contact as in {"do": "registrations"};
 * with "was": {"contact", "source"} when it had another of one of them before; and
 * {"event": "lost", "time", "n"} where the reader was so slow that N changes, of any user, are
 * missing.
 *
 * The last WATCH_EVENTS are kept for all readers, WATCH_READERS of them at most. Without a reader
 * nothing is made, and nothing is asked of the table of locations.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stddef.h>

#define WATCH_EVENTS 1024
#define WATCH_READERS 16

/* Registers the verb. 0 or -errno. */
int watch_open(void);
size_t watch_readers(void);

#endif
