/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sources: words that say from where somebody may register (C13): a network (192.0.2.0/24), an
 * interface (lan0), a side (inside, outside) or "any", each perhaps behind a transport and a colon
 * (tls:outside).
 */
#ifndef SOURCES_H
#define SOURCES_H

#include "model.h"

#define SOURCES_SYNTAX "a network (192.0.2.0/24), an interface, inside, outside or any, perhaps "  \
		       "behind a transport (tls:outside)"

enum source_place { SOURCE_ANY, SOURCE_INSIDE, SOURCE_OUTSIDE, SOURCE_NETWORK, SOURCE_INTERFACE };

struct source {
	uint8_t transport;	/* enum sip_transport; SIP_T_NONE: any */
	uint8_t place;		/* enum source_place */
	struct prefix network;
	const char *interface;	/* in the word that was read */
};

/* False: it is none. */
bool source_read(const char *word, struct source *out);

#endif
