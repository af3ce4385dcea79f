/* SPDX-License-Identifier: BSD-2-Clause */
/* stun: the vectors of RFC 5769 for the mapped address, and what is not answered. */
#include "model.h"
#include "stun.h"
#include "t.h"

static const uint8_t id[12] = { 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
				0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae };
static uint8_t request[64];
static struct t_guard guard;

/* A Binding request with these attributes. */
static size_t build(const void *attributes, size_t len)
{
	static const uint8_t head[8] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };

	memcpy(request, head, 8);
	memcpy(request + 8, id, 12);
	request[3] = (uint8_t)len;
	memcpy(request + 20, attributes, len);
	return 20 + len;
}

static size_t answer(size_t len, const struct endpoint *from, uint8_t *out)
{
	return stun_answer(t_guard_put(&guard, request, len), len, from, out);
}

static void test_addresses(void)
{
	/* RFC 5769 2.2 and 2.3 */
	static const struct endpoint four = { 4, { 192, 0, 2, 1 }, 32853 };
	static const struct endpoint six = {
		16, { 0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78, 0x00, 0x11, 0x22, 0x33,
		      0x44, 0x55, 0x66, 0x77 }, 32853,
	};
	static const uint8_t mapped4[] = {
		0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
	};
	static const uint8_t mapped6[] = {
		0, 0x20, 0, 0x14, 0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
		0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
	};
	uint8_t out[STUN_ANSWER];

	T_OK(answer(build("", 0), &four, out) == 32 && !memcmp(out, "\1\1\0\14\x21\x12\xa4\x42", 8) &&
	     !memcmp(out + 8, id, 12) && !memcmp(out + 20, mapped4, sizeof(mapped4)), "IPv4");
	T_OK(answer(build("", 0), &six, out) == 44 && out[3] == 24 &&
	     !memcmp(out + 20, mapped6, sizeof(mapped6)), "IPv6");
	T_OK(answer(build("\x80\x22\0\3abc\0", 8), &four, out) == 32, "SOFTWARE is ignored");
}

static void test_silence(void)
{
	static const struct endpoint from = { 4, { 192, 0, 2, 1 }, 5060 };
	uint8_t out[STUN_ANSWER];
	size_t len = build("", 0);

	for (size_t i = 0; i < len; i++)
		T_OK(!answer(i, &from, out), "cut to %zu", i);
	for (size_t i = 0; i < 8; i++) {
		request[i] ^= 0x40;
		T_OK(!answer(len, &from, out), "byte %zu", i);
		request[i] ^= 0x40;
	}
	T_OK(!answer(build("\0\3\0\4\0\0\0\6", 8), &from, out), "CHANGE-REQUEST is not offered");
	T_OK(!answer(build("\x80\x22\0\5abc\0", 8), &from, out), "an attribute beyond the end");
	T_OK(!answer(build("\x80\x22\xff\xff", 4), &from, out), "one far beyond it");
	T_OK(!answer(build("\x80", 1), &from, out), "no whole words");
}

int main(void)
{
	t_guard_init(&guard, sizeof(request));
	test_addresses();
	test_silence();
	return t_end("stun");
}
