// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "aor.h"

/* The user and "@"; the length, or 0. */
static u32 print_user(const u8 *buf, const struct sip_uri *uri, u8 out[SIP_AOR_MAX])
{
	static const char hex[] = "0123456789ABCDEF";
	u32 pos = uri->user.off;
	u32 end = sip_str_end(uri->user);
	u32 n = 0;
	u8 c;

	if (!uri->user.len || (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS))
		return 0;
	while (pos < end) {
		if (n + 3 >= SIP_AOR_MAX)
			return 0;
		c = buf[pos++];
		if (c != '%') {
			out[n++] = c;
			continue;
		}
		/* the parser has seen two digits */
		c = (u8)(sip_hex(buf[pos]) << 4 | sip_hex(buf[pos + 1]));
		pos += 2;
		if (sip_is(c, SIP_C_USER)) {
			out[n++] = c;
			continue;
		}
		out[n++] = '%';
		out[n++] = (u8)hex[c >> 4];
		out[n++] = (u8)hex[c & 15];
	}
	out[n++] = '@';
	return n;
}

u32 sip_aor_print(const u8 *buf, const struct sip_uri *uri, u8 out[SIP_AOR_MAX])
{
	const struct sip_host *h = &uri->host;
	u32 len = h->host.len;
	u32 n = print_user(buf, uri, out);
	u32 i;

	if (h->kind == SIP_HOST_NAME && len && buf[h->host.off + len - 1] == '.')
		len--;
	if (!n || !len || len > SIP_AOR_MAX - n)
		return 0;
	for (i = 0; i < len; i++)
		out[n++] = sip_lower(buf[h->host.off + i]);
	return n;
}

u32 sip_aor_print_at(const u8 *buf, const struct sip_uri *uri, const char *domain, u32 len,
		     u8 out[SIP_AOR_MAX])
{
	u32 n = print_user(buf, uri, out);

	if (!n || !len || len > SIP_AOR_MAX - n)
		return 0;
	memcpy(out + n, domain, len);
	return n + len;
}
