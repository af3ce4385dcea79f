/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text: values as people read them. What came over the wire is never printed as it is: control
 * characters and bytes that are not UTF-8 become '?'.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct endpoint;
struct prefix;

#define TEXT_ENDPOINT 56	/* room for "[address]:port" */
#define TEXT_TIME 40

/* In place; returns @s, or "" for NULL. */
char *text_clean(char *s);

/* "192.0.2.1:5060", "[2001:db8::1]:5060", "-" when it is not there; returns @buf. */
const char *text_endpoint(const struct endpoint *e, char buf[static TEXT_ENDPOINT]);
/* "192.0.2.0/24", a host without its length; returns @buf. */
const char *text_prefix(const struct prefix *p, char buf[static TEXT_ENDPOINT]);
/* The other way round; false: it is none. Bits beyond its length are cleared. */
bool text_read_prefix(const char *word, struct prefix *p);
/* "2:05", "1:02:03", "3d 04:05" */
const char *text_duration(uint64_t seconds, char buf[static TEXT_TIME]);
/* "1.2 MiB" */
const char *text_bytes(uint64_t bytes, char buf[static TEXT_TIME]);

/* CLOCK_BOOTTIME in milliseconds. */
uint64_t text_boot_now(void);
/* Seconds from @since to now, and from now to @until; 0 when it is the other way round. */
uint64_t text_age(uint64_t since);
uint64_t text_left(uint64_t until);
/* RFC 3339, UTC, milliseconds; of CLOCK_REALTIME nanoseconds, or CLOCK_BOOTTIME milliseconds. */
const char *text_rfc3339(uint64_t real_ns, char buf[static TEXT_TIME]);
const char *text_rfc3339_boot(uint64_t boot_ms, char buf[static TEXT_TIME]);
/* Local time of day, "18:09:06.123". */
const char *text_clock(uint64_t real_ns, char buf[static TEXT_TIME]);

/*
 * Rows of cells, aligned. table_row() takes as many strings as there are columns; they are copied
 * and cleaned. A column whose head begins with '>' is aligned to the right.
 */
struct table;
struct table *table_new(const char *const *heads, size_t ncolumns);
void table_row(struct table *t, const char *const *cells);
size_t table_rows(const struct table *t);
/* Prints unless @out is NULL, and frees. */
void table_end(struct table *t, FILE *out);

#endif
