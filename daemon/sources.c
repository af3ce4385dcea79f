/* SPDX-License-Identifier: BSD-2-Clause */
#include <net/if.h>
#include <string.h>

#include "sip/name.h"
#include "sources.h"
#include "text.h"

/* The transport before the colon; *word is behind it. */
static uint8_t read_transport(const char **word)
{
	size_t len = strcspn(*word, ":");
	u32 id = sip_transport_id((const u8 *)*word, sip_slice(0, (u32)len));

	if (!(*word)[len] || id == SIP_T_OTHER || id == SIP_T_SCTP || id == SIP_T_TLS_SCTP)
		return SIP_T_NONE;
	*word += len + 1;
	return (uint8_t)id;
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
