/* SPDX-License-Identifier: BSD-2-Clause */
#include <net/if.h>
#include <string.h>
#include <strings.h>

#include "sip/name.h"
#include "sources.h"
#include "text.h"

/* The transport before the colon; *word is behind it. */
static uint8_t read_transport(const char **word)
{
	static const struct {
		const char *name;
		uint8_t transport;
	} known[] = {
		{ "udp:", SIP_T_UDP }, { "tcp:", SIP_T_TCP }, { "tls:", SIP_T_TLS },
		{ "ws:", SIP_T_WS }, { "wss:", SIP_T_WSS },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncasecmp(*word, known[i].name, strlen(known[i].name))) {
			*word += strlen(known[i].name);
			return known[i].transport;
		}
	return SIP_T_NONE;
}

static bool is_interface(const char *word)
{
	size_t len = strlen(word);

	return len && len < IF_NAMESIZE && strspn(word, "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@+") == len;
}

bool source_read(const char *word, struct source *out)
{
	static const char *const places[] = { "any", "inside", "outside" };

	memset(out, 0, sizeof(*out));
	out->transport = read_transport(&word);
	for (out->place = SOURCE_ANY; out->place <= SOURCE_OUTSIDE; out->place++)
		if (!strcmp(word, places[out->place]))
			return true;
	out->place = SOURCE_NETWORK;
	if (text_read_prefix(word, &out->network))
		return true;
	out->place = SOURCE_INTERFACE;
	out->interface = word;
	return is_interface(word);
}
