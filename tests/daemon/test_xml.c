/* SPDX-License-Identifier: BSD-2-Clause */
/* Escapes, characters that no document may have, and the end of the buffer. */
#include "t.h"
#include "xml.h"

static const struct {
	const char *in, *out;
} rows[] = {
	{ "plain", "plain" },
	{ "<a href=\"x\">&'", "&lt;a href=&quot;x&quot;&gt;&amp;&apos;" },
	{ "]]>", "]]&gt;" },
	{ "a\tb\r\nc", "a b  c" },
	{ "\x01\x1f\x7f", "???" },
	{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\xc3", "?" },		/* cut */
	{ "\xa4x", "?x" },		/* in the middle */
	{ "\xc0\xbc", "??" },		/* '<', overlong */
	{ "\xe0\x80\xbc", "???" },
	{ "\xed\xa0\x80", "???" },	/* a surrogate */
	{ "\xef\xbf\xbe", "???" },	/* U+FFFE */
	{ "\xef\xbf\xbd", "\xef\xbf\xbd" },
	{ "\xf4\x90\x80\x80", "????" },	/* above U+10FFFF */
	{ "\xc2\x85", "??" },		/* C1 */
	{ "\xff\xfe", "??" },
};

int main(void)
{
	char out[64];
	struct xml x;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		x = (struct xml){ .at = out, .cap = sizeof(out) };
		xml_text(&x, rows[i].in, (uint32_t)strlen(rows[i].in));
		T_OK(!x.full && x.len == strlen(rows[i].out) && !memcmp(out, rows[i].out, x.len),
		     "row %zu: %.*s", i, (int)x.len, out);
	}
	x = (struct xml){ .at = out, .cap = 20 };
	xml_raw(&x, "<a");
	xml_attribute(&x, "b", "\"");
	T_OK(x.len == 13 && !memcmp(out, "<a b=\"&quot;\"", 13) && !x.full, "%.*s",
	     (int)x.len, out);
	xml_attribute(&x, "c", "too long");
	T_OK(x.full && x.len <= 20, "%u", x.len);
	xml_raw(&x, ">");
	T_OK(x.full, "it went on");
	xml_undo(&x, 13);
	xml_print(&x, "/%c", '>');
	T_OK(!x.full && x.len == 15 && !memcmp(out + 13, "/>", 2), "%.*s", (int)x.len, out);
	return t_end("xml");
}
