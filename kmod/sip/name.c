// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tables of names and their look-up: by length, then by comparing the names themselves. */
#include "name.h"

#include "bad.h"
#include "scan.h"

struct name {
	const char *text;
	u8 len;
	char compact;
	u8 flags;
};

#define HEADER_NAME(id, name, compact, flags)                                                      \
	[SIP_H_##id] = { name, sizeof(name) - 1, compact, flags },
static const struct name headers[SIP_H_COUNT] = {
	[SIP_H_OTHER] = { "other", 0, 0, 0 },
	SIP_HEADER_LIST(HEADER_NAME)
};

/* First header of each length; the list is sorted by length (checked by tests/unit/name.c). */
#define LONGEST 25
static const u8 by_length[LONGEST + 2] = {
	[2] = SIP_H_TO,
	[3] = SIP_H_VIA,
	[4] = SIP_H_CSEQ,
	[5] = SIP_H_ALLOW,
	[6] = SIP_H_ACCEPT,
	[7] = SIP_H_CALL_ID,
	[8] = SIP_H_IDENTITY,
	[9] = SIP_H_CALL_INFO,
	[10] = SIP_H_ALERT_INFO,
	[11] = SIP_H_MIN_EXPIRES,
	[12] = SIP_H_ALLOW_EVENTS,
	[13] = SIP_H_AUTHORIZATION,
	[14] = SIP_H_ACCEPT_CONTACT,
	[15] = SIP_H_ACCEPT_ENCODING,
	[16] = SIP_H_CONTENT_ENCODING,
	[17] = SIP_H_SUBSCRIPTION_STATE,
	[18] = SIP_H_SUBSCRIPTION_STATE,
	[19] = SIP_H_AUTHENTICATION_INFO,
	[20] = SIP_H_P_PREFERRED_IDENTITY,
	[21] = SIP_H_CONTENT_TRANSFER_ENCODING,
	[22] = SIP_H_CONTENT_TRANSFER_ENCODING,
	[23] = SIP_H_CONTENT_TRANSFER_ENCODING,
	[24] = SIP_H_CONTENT_TRANSFER_ENCODING,
	[25] = SIP_H_CONTENT_TRANSFER_ENCODING,
	[26] = SIP_H_COUNT,
};

/* Compact forms, by letter. */
static const u8 by_letter[26] = {
	['a' - 'a'] = SIP_H_ACCEPT_CONTACT,
	['b' - 'a'] = SIP_H_REFERRED_BY,
	['c' - 'a'] = SIP_H_CONTENT_TYPE,
	['d' - 'a'] = SIP_H_REQUEST_DISPOSITION,
	['e' - 'a'] = SIP_H_CONTENT_ENCODING,
	['f' - 'a'] = SIP_H_FROM,
	['i' - 'a'] = SIP_H_CALL_ID,
	['j' - 'a'] = SIP_H_REJECT_CONTACT,
	['k' - 'a'] = SIP_H_SUPPORTED,
	['l' - 'a'] = SIP_H_CONTENT_LENGTH,
	['m' - 'a'] = SIP_H_CONTACT,
	['o' - 'a'] = SIP_H_EVENT,
	['r' - 'a'] = SIP_H_REFER_TO,
	['s' - 'a'] = SIP_H_SUBJECT,
	['t' - 'a'] = SIP_H_TO,
	['u' - 'a'] = SIP_H_ALLOW_EVENTS,
	['v' - 'a'] = SIP_H_VIA,
	['x' - 'a'] = SIP_H_SESSION_EXPIRES,
	['y' - 'a'] = SIP_H_IDENTITY,
};

/*
 * Names hold letters and '-' only, so setting bit 5 of a token's bytes makes no two names equal.
 * Whole words from both ends, which may overlap; nothing outside the name is read.
 */
static bool same(const u8 *p, const struct name *n)
{
	const u64 bit5 = 0x2020202020202020ULL;
	const u8 *t = (const u8 *)n->text;
	u32 len = n->len;
	u32 i;

	if (len >= 8) {
		for (i = 0; i + 8 < len; i += 8)
			if ((sip_load64(p + i) | bit5) != sip_load64(t + i))
				return false;
		return (sip_load64(p + len - 8) | bit5) == sip_load64(t + len - 8);
	}
	if (len >= 4)
		return (sip_load32(p) | 0x20202020u) == sip_load32(t) &&
		       (sip_load32(p + len - 4) | 0x20202020u) == sip_load32(t + len - 4);
	for (i = 0; i < len; i++)
		if ((p[i] | 0x20) != t[i])
			return false;
	return true;
}

u32 sip_header_id(const u8 *buf, struct sip_str name)
{
	const u8 *p = buf + name.off;
	u32 id, end;

	if (name.len == 1) {
		u8 letter = (u8)((p[0] | 0x20) - 'a');

		return letter < 26 ? by_letter[letter] : SIP_H_OTHER;
	}
	if (name.len < 2 || name.len > LONGEST)
		return SIP_H_OTHER;
	end = by_length[name.len + 1];
	for (id = by_length[name.len]; id < end; id++)
		if ((p[0] | 0x20) == (u8)headers[id].text[0] && same(p, &headers[id]))
			return id;
	return SIP_H_OTHER;
}

const char *sip_header_name(u32 id)
{
	return id < SIP_H_COUNT ? headers[id].text : headers[SIP_H_OTHER].text;
}

u32 sip_header_flags(u32 id)
{
	return id < SIP_H_COUNT ? headers[id].flags : 0;
}

#define METHOD_NAME(id) [SIP_M_##id] = { #id, sizeof(#id) - 1, 0, 0 },
static const struct name methods[SIP_M_COUNT] = {
	[SIP_M_NONE] = { "NONE", 0, 0, 0 },
	[SIP_M_OTHER] = { "OTHER", 0, 0, 0 },
	SIP_METHOD_LIST(METHOD_NAME)
};

u32 sip_method_id(const u8 *buf, struct sip_str name)
{
	const u8 *p = buf + name.off;
	u32 first, id;

	if (name.len < 3)
		return SIP_M_OTHER;
	/* no two methods agree in length and the first three bytes */
	first = (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16;
	for (id = SIP_M_OTHER + 1; id < SIP_M_COUNT; id++) {
		const u8 *t = (const u8 *)methods[id].text;

		if (methods[id].len == name.len &&
		    first == ((u32)t[0] | (u32)t[1] << 8 | (u32)t[2] << 16))
			return memcmp(p, t, name.len) ? SIP_M_OTHER : id;
	}
	return SIP_M_OTHER;
}

const char *sip_method_name(u32 id)
{
	return id < SIP_M_COUNT ? methods[id].text : methods[SIP_M_NONE].text;
}

#define TRANSPORT_NAME(id, name) [SIP_T_##id] = { name, sizeof(name) - 1, 0, 0 },
static const struct name transports[SIP_T_COUNT] = {
	[SIP_T_NONE] = { "none", 0, 0, 0 },
	[SIP_T_OTHER] = { "other", 0, 0, 0 },
	SIP_TRANSPORT_LIST(TRANSPORT_NAME)
};

u32 sip_transport_id(const u8 *buf, struct sip_str name)
{
	u32 id;

	for (id = SIP_T_OTHER + 1; id < SIP_T_COUNT; id++)
		if (sip_str_is(buf, name, transports[id].text, transports[id].len))
			return id;
	return SIP_T_OTHER;
}

#define BAD_NAME(id, name, text) [SIP_BAD_##id] = name,
static const char *const bad_names[SIP_BAD_COUNT] = { SIP_BAD_LIST(BAD_NAME) };

#define BAD_TEXT(id, name, text) [SIP_BAD_##id] = text,
static const char *const bad_texts[SIP_BAD_COUNT] = { SIP_BAD_LIST(BAD_TEXT) };

const char *sip_bad_name(u32 bad)
{
	return bad < SIP_BAD_COUNT ? bad_names[bad] : "unknown";
}

const char *sip_bad_text(u32 bad)
{
	return bad < SIP_BAD_COUNT ? bad_texts[bad] : "unknown";
}
