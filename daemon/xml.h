/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xml: text of an XML 1.0 document, into a buffer. What peers wrote goes through xml_text() and
 * xml_attribute() alone: escaped, and '?' for each byte that is no UTF-8 or no character of XML.
 */
#ifndef XML_H
#define XML_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

struct xml {
	char *at;
	uint32_t len, cap;
	bool full;		/* something did not fit: it was left out */
};

/* As it is. */
void xml_raw(struct xml *x, const char *s);
void xml_bytes(struct xml *x, const char *s, uint32_t len);
void xml_print(struct xml *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Escaped, for content and for values in double quotes. */
void xml_text(struct xml *x, const char *s, uint32_t len);
/* ' name="value"' */
void xml_attribute(struct xml *x, const char *name, const char *value);
/* Goes back to @len, and forgets that something did not fit. */
void xml_undo(struct xml *x, uint32_t len);

#endif
