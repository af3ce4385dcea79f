/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "auth_nonce.h"
#include "loop.h"
#include "siphash.h"

#define ID 12
#define MAC 12
#define BYTES (ID + MAC)
#define REALM_MAX 255	/* a longer realm counts by its first bytes */
#define NONE UINT32_MAX

static_assert(BYTES % 3 == 0 && BYTES / 3 * 4 == NONCE_TEXT, "base64 without padding");

struct used {
	uint8_t id[ID];
	uint32_t top;		/* the highest count seen */
	uint64_t seen;		/* bit N: top - N was */
	uint32_t chain;		/* next of the bucket; of the free ones */
	uint32_t newer;		/* used first after this one */
};

static struct {
	uint8_t mac[16], random[16];
} keys;
static uint64_t issued;

static struct used *used;
static uint32_t *buckets;
static uint32_t n_touched, first_free = NONE, oldest = NONE, newest = NONE;
/* the time of the youngest nonce that was forgotten, plus 1; 0: none was */
static uint64_t horizon;

/* ---- text and bytes ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(const uint8_t in[BYTES], char *out)
{
	for (unsigned int i = 0; i < BYTES; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16 | in[i + 1] << 8 | in[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = digits[v >> shift & 63];
	}
	*out = 0;
}

#define NO_DIGIT 0x80
static uint8_t values[256];	/* of digits; made by nonce_open() */

static void make_values(void)
{
	memset(values, NO_DIGIT, sizeof(values));
	for (uint8_t i = 0; i < 64; i++)
		values[(uint8_t)digits[i]] = i;
}

static bool decode(const uint8_t *text, uint8_t out[BYTES])
{
	uint8_t all = 0;

	for (unsigned int i = 0; i < NONCE_TEXT; i += 4) {
		uint32_t v = 0;

		for (unsigned int k = 0; k < 4; k++) {
			uint8_t d = values[text[i + k]];

			all |= d;
			v = v << 6 | d;
		}
		*out++ = (uint8_t)(v >> 16);
		*out++ = (uint8_t)(v >> 8);
		*out++ = (uint8_t)v;
	}
	return !(all & NO_DIGIT);
}

/* ---- begin and end ---- */

int nonce_open(void)
{
	used = calloc(NONCE_TABLE, sizeof(*used));
	buckets = malloc(NONCE_TABLE * sizeof(*buckets));
	if (!used || !buckets) {
		nonce_close();
		return -ENOMEM;
	}
	memset(buckets, 0xff, NONCE_TABLE * sizeof(*buckets));
	make_values();
	n_touched = 0;
	first_free = oldest = newest = NONE;
	horizon = 0;
	return RAND_bytes((uint8_t *)&keys, sizeof(keys)) == 1 ? 0 : -EIO;
}

void nonce_close(void)
{
	free(used);
	free(buckets);
	used = NULL;
	buckets = NULL;
	OPENSSL_cleanse(&keys, sizeof(keys));
}

/* ---- nonces ---- */

static void make_mac(const struct nonce_owner *o, const uint8_t id[ID], uint8_t mac[16])
{
	uint8_t text[ID + 1 + 16 + REALM_MAX] = { 0 };
	size_t realm = strnlen(o->realm, REALM_MAX);

	memcpy(text, id, ID);
	text[ID] = o->source->len;
	memcpy(text + ID + 1, o->source->addr, o->source->len == 16 ? 8 : 4);
	memcpy(text + ID + 1 + 16, o->realm, realm);
	siphash128(keys.mac, text, ID + 1 + 16 + realm, mac);
}

void nonce_make(const struct nonce_owner *o, uint8_t offered, char out[static NONCE_TEXT + 1])
{
	uint8_t bytes[ID + 16], random[16];
	uint64_t now = loop_now();

	for (int i = 0; i < 6; i++)
		bytes[i] = (uint8_t)(now >> 8 * i);
	bytes[6] = offered;
	/* unique, and tells nobody how many there were */
	issued++;
	siphash128(keys.random, &issued, sizeof(issued), random);
	memcpy(bytes + 7, random, ID - 7);
	make_mac(o, bytes, bytes + ID);
	encode(bytes, out);
}

bool nonce_read(const struct nonce_owner *o, const void *text, size_t len, struct nonce *out)
{
	uint8_t bytes[BYTES], mac[16];

	if (len != NONCE_TEXT || !decode(text, bytes))
		return false;
	make_mac(o, bytes, mac);
	if (CRYPTO_memcmp(mac, bytes + ID, MAC))
		return false;
	memcpy(out->id, bytes, ID);
	out->offered = bytes[6];
	out->time = 0;
	for (int i = 5; i >= 0; i--)
		out->time = out->time << 8 | bytes[i];
	return true;
}

/* ---- counts ---- */

static uint64_t id_time(const uint8_t id[ID])
{
	uint64_t t = 0;

	for (int i = 5; i >= 0; i--)
		t = t << 8 | id[i];
	return t;
}

/* The random part is ours: nobody can choose it to fill one bucket. */
static uint32_t *bucket(const uint8_t id[ID])
{
	uint32_t h;

	memcpy(&h, id + 7, sizeof(h));
	return &buckets[h % NONCE_TABLE];
}

static struct used *find(const uint8_t id[ID])
{
	for (uint32_t i = *bucket(id); i != NONE; i = used[i].chain)
		if (!memcmp(used[i].id, id, ID))
			return &used[i];
	return NULL;
}

static void forget_oldest(void)
{
	uint32_t i = oldest, *at = bucket(used[i].id);

	while (*at != i)
		at = &used[*at].chain;
	*at = used[i].chain;
	if (id_time(used[i].id) >= horizon)
		horizon = id_time(used[i].id) + 1;
	oldest = used[i].newer;
	if (oldest == NONE)
		newest = NONE;
	used[i].chain = first_free;
	first_free = i;
}

static struct used *add(const uint8_t id[ID])
{
	uint32_t i, *at;

	if (first_free == NONE && n_touched == NONCE_TABLE)
		forget_oldest();
	i = first_free;
	if (i != NONE)
		first_free = used[i].chain;
	else
		i = n_touched++;
	at = bucket(id);
	memset(&used[i], 0, sizeof(used[i]));
	memcpy(used[i].id, id, ID);
	used[i].chain = *at;
	used[i].newer = NONE;
	*at = i;
	if (newest == NONE)
		oldest = i;
	else
		used[newest].newer = i;
	newest = i;
	return &used[i];
}

static bool count(struct used *u, uint32_t nc)
{
	uint32_t below = u->top - nc;

	if (nc > u->top) {
		u->seen = nc - u->top > 63 ? 1 : u->seen << (nc - u->top) | 1;
		u->top = nc;
		return true;
	}
	if (below > 63 || u->seen >> below & 1)
		return false;
	u->seen |= (uint64_t)1 << below;
	return true;
}

void nonce_forget_before(uint64_t time)
{
	for (int i = 0; i < 4 && oldest != NONE && id_time(used[oldest].id) < time; i++)
		forget_oldest();
}

bool nonce_use(const struct nonce *n, uint32_t nc)
{
	struct used *u = find(n->id);

	if (u)
		return nc && count(u, nc);
	if (n->time < horizon)
		return false;
	u = add(n->id);
	if (nc)
		return count(u, nc);
	u->top = UINT32_MAX;
	u->seen = UINT64_MAX;
	return true;
}
