// SPDX-License-Identifier: BSD-2-Clause
/* Tables of names: every name finds itself, in any case, and nothing near it does. */
#include "t.h"
#include "body.h"
#include "edit.h"
#include "sdp.h"

#include <ctype.h>

#define HEADER(id, name, compact, flags) { SIP_H_##id, name, compact },
static const struct {
	u32 id;
	const char *name;
	char compact;
} headers[] = { SIP_HEADER_LIST(HEADER) };

static u32 id_of(const char *s)
{
	return sip_header_id((const u8 *)s, sip_slice(0, (u32)strlen(s)));
}

static void each_header(size_t i)
{
	char s[64];
	char letter[2] = { headers[i].compact, 0 };
	size_t k;

	strcpy(s, headers[i].name);
	T_OK(id_of(s) == headers[i].id, "%s is not found", s);
	T_OK(!strcmp(sip_header_name(headers[i].id), s), "%s has another name", s);
	for (k = 0; s[k]; k++)
		s[k] = (char)toupper((unsigned char)s[k]);
	T_OK(id_of(s) == headers[i].id, "%s is not found", s);
	for (k = 0; s[k]; k++) {
		char was = s[k];

		s[k] = was == '-' ? '_' : '-';
		T_OK(id_of(s) == SIP_H_OTHER, "%s is taken for %s", s, headers[i].name);
		s[k] = was;
	}
	strcat(s, "x");
	T_OK(id_of(s) == SIP_H_OTHER, "%s is taken for %s", s, headers[i].name);
	if (!letter[0])
		return;
	T_OK(id_of(letter) == headers[i].id, "%s is not %s", letter, headers[i].name);
	letter[0] = (char)toupper((unsigned char)letter[0]);
	T_OK(id_of(letter) == headers[i].id, "%s is not %s", letter, headers[i].name);
}

static void other_headers(void)
{
	static const char *const s[] = { "", "x-y", "viax", "vi", "g", "z", "1", "~", "C%6Fntact" };
	size_t i;
	char c[2] = "";

	for (i = 0; i < ARRAY_SIZE(s); i++) {
		bool z = !strcmp(s[i], "z") || !strcmp(s[i], "g");

		T_OK(id_of(s[i]) == SIP_H_OTHER || z, "%s is known", s[i]);
	}
	for (i = 0; i < 256; i++) {
		c[0] = (char)i;
		if (!isalpha((int)i))
			T_OK(sip_header_id((const u8 *)c, sip_slice(0, 1)) == SIP_H_OTHER,
			     "byte %zu", i);
	}
	T_OK(sip_header_flags(SIP_H_CALL_ID) & SIP_HF_ONE, "Call-ID twice");
	T_OK(!(sip_header_flags(SIP_H_VIA) & SIP_HF_ONE), "Via once");
	T_OK(!strcmp(sip_header_name(9999), "other"), "name of nothing");
}

#define METHOD(id) { SIP_M_##id, #id },
static const struct {
	u32 id;
	const char *name;
} methods[] = { SIP_METHOD_LIST(METHOD) };

static void each_method(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		struct sip_str s = sip_slice(0, (u32)strlen(methods[i].name));
		char low[16];

		T_OK(sip_method_id((const u8 *)methods[i].name, s) == methods[i].id, "%s",
		     methods[i].name);
		T_OK(!strcmp(sip_method_name(methods[i].id), methods[i].name), "%s",
		     methods[i].name);
		strcpy(low, methods[i].name);
		low[s.len - 1] |= 0x20;
		T_OK(sip_method_id((const u8 *)low, s) == SIP_M_OTHER, "%s", low);
	}
	T_OK(sip_method_id((const u8 *)"RE%47IST%45R", sip_slice(0, 12)) == SIP_M_OTHER, "escaped");
}

#define REASON(id, name, text) name,
static const char *const reasons[] = { SIP_BAD_LIST(REASON) };
#define FIELD(id, name) name,
static const char *const fields[] = { SIP_FIELD_LIST(FIELD) };

static void each_text(void)
{
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		T_OK(!strcmp(sip_bad_name(i), reasons[i]), "%s", reasons[i]);
		T_OK(sip_bad_text(i)[0], "%s has no text", reasons[i]);
		for (k = 0; k < i; k++)
			T_OK(strcmp(reasons[i], reasons[k]), "%s twice", reasons[i]);
	}
	T_OK(!strcmp(sip_bad_name(SIP_BAD_COUNT), "unknown"), "reason of nothing");
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		T_OK(!strcmp(sip_field_name(i), fields[i]), "%s", fields[i]);
}

static void one_transport(const char *s, u32 id)
{
	T_OK(sip_transport_id((const u8 *)s, sip_slice(0, (u32)strlen(s))) == id, "transport %s",
	     s);
}

static void one_attr(const char *line, u32 id, const char *value)
{
	struct sip_iter it = sip_iter(sip_slice(0, (u32)strlen(line)));
	struct sip_sdp_attr a;

	T_OK(sip_sdp_attr_next((const u8 *)line, &it, &a) && a.id == id, "attribute %s", line);
	T_OK(a.value.len == strlen(value) && !memcmp(line + a.value.off, value, a.value.len),
	     "value of %s", line);
}

int main(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(headers); i++)
		each_header(i);
	other_headers();
	each_method();
	each_text();
	one_transport("udp", SIP_T_UDP);
	one_transport("TLS-SCTP", SIP_T_TLS_SCTP);
	one_transport("wss", SIP_T_WSS);
	one_transport("UNKNOWN", SIP_T_OTHER);
	one_attr("a=rtcp:1", SIP_A_RTCP, "1");
	one_attr("a=rtcp-mux\r\n", SIP_A_RTCP_MUX, "");
	one_attr("a=rtcp-mux-only\n", SIP_A_RTCP_MUX, "");
	one_attr("a=rtcp-xr:x", SIP_A_RTCP_XR, "x");
	one_attr("a=rtcp-fb:x", SIP_A_OTHER, "x");
	one_attr("a=rtcpx:x", SIP_A_OTHER, "x");
	one_attr("a=candidate: 1 2 ", SIP_A_CANDIDATE, "1 2");
	one_attr("a=remote-candidates:1 x 2", SIP_A_REMOTE_CANDIDATES, "1 x 2");
	one_attr("a=end-of-candidates", SIP_A_END_OF_CANDIDATES, "");
	one_attr("a=ice-ufrag:x", SIP_A_ICE_UFRAG, "x");
	one_attr("a=ice-lite", SIP_A_ICE_LITE, "");
	one_attr("a=ice-pwd:x", SIP_A_OTHER, "x");
	one_attr("a=setup:active", SIP_A_SETUP, "active");
	one_attr("a=connection:new", SIP_A_CONNECTION, "new");
	one_attr("a=path:x", SIP_A_PATH, "x");
	one_attr("a=msrp-cema", SIP_A_MSRP_CEMA, "");
	one_attr("a=mid:0", SIP_A_MID, "0");
	one_attr("a=mid", SIP_A_OTHER, "");
	one_attr("a=group:BUNDLE 0", SIP_A_GROUP, "BUNDLE 0");
	one_attr("a=altc:1 IP4 h 1", SIP_A_ALTC, "1 IP4 h 1");
	one_attr("a=bundle-only", SIP_A_BUNDLE_ONLY, "");
	one_attr("a=sendrecv", SIP_A_SENDRECV, "");
	one_attr("a=sendonly", SIP_A_SENDONLY, "");
	one_attr("a=recvonly", SIP_A_RECVONLY, "");
	one_attr("a=inactive", SIP_A_INACTIVE, "");
	one_attr("a=source-filter:x", SIP_A_SOURCE_FILTER, "x");
	one_attr("a=crypto:x", SIP_A_CRYPTO, "x");
	one_attr("a=fingerprint:x", SIP_A_FINGERPRINT, "x");
	one_attr("a=rtpmap:0 PCMU/8000", SIP_A_OTHER, "0 PCMU/8000");
	one_attr("a=RTCP:1", SIP_A_OTHER, "1");
	return t_end("test_name");
}
