// SPDX-License-Identifier: BSD-2-Clause
#include "stun.h"

#include <string.h>

#include "model.h"

/* RFC 8489 5, 14, 14.2 */
#define HEADER 20
#define BINDING_REQUEST 0x0001
#define BINDING_SUCCESS 0x0101
#define XOR_MAPPED_ADDRESS 0x0020
#define OPTIONAL 0x8000		/* attributes from here on may be ignored */

static const uint8_t cookie[4] = { 0x21, 0x12, 0xa4, 0x42 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

/* Whole, and without an attribute that has to be understood. */
static bool is_plain_binding(const uint8_t *buf, size_t len)
{
	size_t pos = HEADER;

	if (len < HEADER || get16(buf) != BINDING_REQUEST || get16(buf + 2) != len - HEADER ||
	    len % 4 || memcmp(buf + 4, cookie, sizeof(cookie)))
		return false;
	while (pos < len) {
		size_t size = 4 + ((size_t)get16(buf + pos + 2) + 3) / 4 * 4;

		if (get16(buf + pos) < OPTIONAL || size > len - pos)
			return false;
		pos += size;
	}
	return true;
}

size_t stun_answer(const uint8_t *buf, size_t len, const struct endpoint *from,
		   uint8_t out[STUN_ANSWER])
{
	uint8_t *address = out + HEADER + 8;

	if (!is_plain_binding(buf, len) || (from->len != 4 && from->len != 16))
		return 0;
	put16(out, BINDING_SUCCESS);
	put16(out + 2, (uint16_t)(8 + from->len));
	memcpy(out + 4, buf + 4, HEADER - 4);
	put16(out + HEADER, XOR_MAPPED_ADDRESS);
	put16(out + HEADER + 2, (uint16_t)(4 + from->len));
	out[HEADER + 4] = 0;
	out[HEADER + 5] = from->len == 4 ? 1 : 2;
	put16(out + HEADER + 6, from->port ^ get16(cookie));
	/* cookie and transaction follow each other, as long as an IPv6 address */
	for (unsigned int i = 0; i < from->len; i++)
		address[i] = from->addr[i] ^ buf[4 + i];
	return HEADER + 8 + from->len;
}
