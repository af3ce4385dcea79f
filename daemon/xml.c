/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "xml.h"

void xml_bytes(struct xml *x, const char *s, uint32_t len)
{
	if (x->full || len > x->cap - x->len) {
		x->full = true;
		return;
	}
	memcpy(x->at + x->len, s, len);
	x->len += len;
}

void xml_raw(struct xml *x, const char *s)
{
	xml_bytes(x, s, (uint32_t)strlen(s));
}

void xml_print(struct xml *x, const char *format, ...)
{
	char text[256];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text))
		x->full = true;
	else
		xml_bytes(x, text, (uint32_t)n);
}

/* XML 1.0, 2.2: Char; without the C1 controls, which it discourages. */
static bool is_char(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= ' ' && c < 0x7f) ||
	       (c >= 0xa0 && c < 0xd800) || (c >= 0xe000 && c < 0xfffe) ||
	       (c >= 0x10000 && c < 0x110000);
}

/* Bytes of the character at @s, at most @left; 0: none that may be in a document. */
static uint32_t char_at(const uint8_t *s, uint32_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
		     s[0] < 0xf8 ? 4 : 0;
	uint32_t c = n > 1 ? s[0] & (0x7fu >> n) : s[0];

	if (!n || n > left)
		return 0;
	for (uint32_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c >= least[n] && is_char(c) ? n : 0;
}

/* Blanks other than the space would not survive in an attribute (3.3.3). */
static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\t':
	case '\n':
	case '\r':
		return " ";
	}
	return NULL;
}

void xml_text(struct xml *x, const char *s, uint32_t len)
{
	for (uint32_t i = 0, n; i < len; i += n ? n : 1) {
		const char *escape = escape_of(s[i]);

		n = char_at((const uint8_t *)s + i, len - i);
		if (escape)
			xml_raw(x, escape);
		else if (n)
			xml_bytes(x, s + i, n);
		else
			xml_raw(x, "?");
	}
}

void xml_attribute(struct xml *x, const char *name, const char *value)
{
	xml_raw(x, " ");
	xml_raw(x, name);
	xml_raw(x, "=\"");
	xml_text(x, value, (uint32_t)strlen(value));
	xml_raw(x, "\"");
}

void xml_undo(struct xml *x, uint32_t len)
{
	x->len = len;
	x->full = false;
}
