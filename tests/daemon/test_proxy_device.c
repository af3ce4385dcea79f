/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices by the hash of their Contact: all that are registered, by both keys, and no other. */
#include <stdio.h>

#include "loop.h"
#include "proxy_device.h"
#include "proxy_way.h"
#include "t.h"

#define N 5000

static struct sip_key key = { .key = { "0123456789abcdef", "fedcba9876543210" } };
static uint64_t ids[N];

static void done(int result, void *arg)
{
	*(int *)arg = result;
}

static struct sip_flow flow_of(unsigned int n, uint16_t port)
{
	struct sip_flow f = { .transport = SIP_T_UDP };

	f.remote = (struct endpoint){ .len = 16, .port = port, .addr = { 0xfd, [14] = n >> 8,
									 [15] = n & 255 } };
	f.local = (struct endpoint){ .len = 16, .port = 5060, .addr = { 0xfd, 1 } };
	return f;
}

/* Host and port as device @n writes them: most IPv6, some a name, some IPv4. */
static void print_host(char out[64], unsigned int n)
{
	if (n % 10 == 3)
		snprintf(out, 64, "phone%u.example:5062", n);
	else if (n % 10 == 7)
		snprintf(out, 64, "192.0.2.%u", n & 255);
	else
		snprintf(out, 64, "[fd00::%x]:5060", n);
}

static bool is_hashed(unsigned int n)
{
	return n % 10 != 7;
}

static uint64_t hash_of(unsigned int n, uint16_t port, int which)
{
	struct sip_flow f = flow_of(n, port);
	struct sip_hop hop = way_hop(&f);
	char text[64];

	print_host(text, n);
	return sip_token_hash(key.key[which], &hop.remote, (const u8 *)text,
			      sip_slice(0, (u32)strlen(text)));
}

static void put(unsigned int n, uint16_t port)
{
	char aor[64], host[64], uri[128];
	struct contact c = { .id = ids[n], .flow = flow_of(n, port), .uri = uri,
			     .call_id = "x", .cseq = port, .since = 1, .until = UINT64_MAX / 2 };
	struct location_change change = { .aor = aor, .put = &c, .n_put = 1 };
	int result = 1;

	print_host(host, n);
	snprintf(aor, sizeof(aor), "u%u@office.example", n);
	snprintf(uri, sizeof(uri), "sip:u%u@%s;line=7", n, host);
	T_OK(!location_commit(&change, done, &result) && !result, "u%u: %d", n, result);
	ids[n] = location_find(aor, strlen(aor))->contacts->id;
}

static void drop(unsigned int n)
{
	char aor[64];
	struct location_change change = { .aor = aor, .drop = &ids[n], .n_drop = 1,
					  .why = GONE_UNREGISTERED };
	int result = 1;

	snprintf(aor, sizeof(aor), "u%u@office.example", n);
	T_OK(!location_commit(&change, done, &result) && !result, "u%u: %d", n, result);
}

static bool found(unsigned int n, uint16_t port, int which)
{
	const struct contact *c = device_find(hash_of(n, port, which));

	return c && c->id == ids[n];
}

static void test_all_are_found(void)
{
	for (unsigned int n = 0; n < N / 2; n++)
		put(n, 5060);
	T_OK(!device_key(&key), "those of before");
	for (unsigned int n = N / 2; n < N; n++)
		put(n, 5060);
	for (unsigned int n = 0; n < N; n++) {
		T_OK(found(n, 5060, 0) == is_hashed(n), "u%u", n);
		T_OK(!device_find(hash_of(n, 5061, 0)), "u%u from another port", n);
		T_OK(!device_find(hash_of(n, 5060, 1)), "u%u by a key that is not in force", n);
	}
	T_OK(device_count() == N - N / 10, "%zu", device_count());
}

static void test_what_moves_is_found_there(void)
{
	for (unsigned int n = 0; n < N; n += 2) {
		put(n, 7000);
		T_OK(found(n, 7000, 0) == is_hashed(n), "u%u", n);
		T_OK(!device_find(hash_of(n, 5060, 0)), "u%u where it was", n);
	}
	T_OK(device_count() == N - N / 10, "%zu", device_count());
}

static void test_both_keys(void)
{
	key.has_old = true;
	T_OK(!device_key(&key), "two keys");
	for (unsigned int n = 1; n < N; n += 2)
		T_OK(found(n, 5060, 0) == is_hashed(n) && found(n, 5060, 1) == is_hashed(n),
		     "u%u", n);
	T_OK(device_count() == 2 * (N - N / 10), "%zu", device_count());
}

static void test_what_goes_is_not_found(void)
{
	for (unsigned int n = 0; n < N; n++) {
		drop(n);
		T_OK(!device_find(hash_of(n, n % 2 ? 5060 : 7000, 0)), "u%u", n);
	}
	T_OK(!device_count(), "%zu", device_count());
}

int main(void)
{
	loop_set_now(1000);
	test_all_are_found();
	test_what_moves_is_found_there();
	test_both_keys();
	test_what_goes_is_not_found();
	device_free();
	location_free();
	return t_end("proxy_device");
}
