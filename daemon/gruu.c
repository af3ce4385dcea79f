/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "auth.h"
#include "gruu.h"
#include "sip/aor.h"
#include "sip/token.h"
#include "siphash.h"

#define USER_BYTES 5
#define EPOCH_BYTES (GRUU_EPOCH_BITS / 8)
#define BLOCK 16		/* user, epoch, and a random number */
#define IV 12

_Static_assert(SIP_BASE32_LEN(IV + BLOCK) == GRUU_TOKEN, "what the header says");

static struct {
	uint8_t iv[16], stream[16];
	bool set;
} keys;

/* ---- keys and random numbers ---- */

void gruu_key_set(const uint8_t key[16])
{
	static const char iv[] = "gruu: synthetic IV", stream[] = "gruu: key stream";

	siphash128(key, iv, sizeof(iv), keys.iv);
	siphash128(key, stream, sizeof(stream), keys.stream);
	keys.set = true;
}

/* From the system, some at a time; none comes twice. */
static bool random_bytes(uint8_t *out, size_t len)
{
	static uint8_t pool[256];
	static size_t left;

	if (left < len) {
		if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
			return false;
		left = sizeof(pool);
	}
	left -= len;
	memcpy(out, pool + left, len);
	return true;
}

/* Without a key of main()'s there is one of this run. */
static bool has_key(void)
{
	uint8_t key[16];

	if (!keys.set && random_bytes(key, sizeof(key)))
		gruu_key_set(key);
	return keys.set;
}

/* ---- numbers ---- */

static void put_number(uint8_t *out, uint64_t n, unsigned int bytes)
{
	while (bytes--) {
		out[bytes] = (uint8_t)n;
		n >>= 8;
	}
}

static uint64_t get_number(const uint8_t *p, unsigned int bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | *p++;
	return n;
}

uint64_t gruu_epoch(void)
{
	uint8_t bytes[EPOCH_BYTES];

	return random_bytes(bytes, sizeof(bytes)) ? get_number(bytes, sizeof(bytes)) | 1 : 0;
}

bool gruu_newer(const struct contact *a, const struct contact *b)
{
	uint16_t x = (uint16_t)(a->gruu >> GRUU_EPOCH_BITS);
	uint16_t y = (uint16_t)(b->gruu >> GRUU_EPOCH_BITS);

	/* the number begins again after 65535 */
	if (x != y)
		return (int16_t)(x - y) > 0;
	return a->since != b->since ? a->since > b->since : a->id > b->id;
}

/* ---- instance IDs ---- */

size_t gruu_print_instance(const char *instance, char *out, size_t cap)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (const uint8_t *p = (const uint8_t *)instance; *p; p++) {
		if (n + 4 > cap)
			return 0;
		if (sip_is(*p, SIP_C_PARAM)) {
			out[n++] = (char)*p;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[*p >> 4];
		out[n++] = hex[*p & 15];
	}
	out[n] = '\0';
	return n;
}

/* URNs are compared without regard to case where they may be; so is a parameter. */
static bool is_instance(const uint8_t *buf, struct sip_str value, const char *instance)
{
	uint8_t text[1024];
	u32 len = sip_unescape(buf, value, text, sizeof(text));

	return len <= sizeof(text) && strlen(instance) == len &&
	       !strncasecmp(instance, (const char *)text, len);
}

/* ---- tokens ---- */

static void crypt(const uint8_t iv[IV], uint8_t block[BLOCK])
{
	uint8_t stream[BLOCK];

	siphash128(keys.stream, iv, IV, stream);
	for (int i = 0; i < BLOCK; i++)
		block[i] ^= stream[i];
}

bool gruu_print_token(const struct gruu_token *t, char out[static GRUU_TOKEN + 1])
{
	uint8_t bytes[IV + BLOCK], *block = bytes + IV, tag[16];

	put_number(block, t->user, USER_BYTES);
	put_number(block + USER_BYTES, t->epoch, EPOCH_BYTES);
	if (t->user >> 8 * USER_BYTES || !has_key() ||
	    !random_bytes(block + USER_BYTES + EPOCH_BYTES, BLOCK - USER_BYTES - EPOCH_BYTES))
		return false;
	siphash128(keys.iv, block, BLOCK, tag);
	memcpy(bytes, tag, IV);
	crypt(bytes, block);
	out[sip_base32_print((u8 *)out, bytes, sizeof(bytes))] = '\0';
	return true;
}

bool gruu_read_token(const uint8_t *buf, struct sip_str user, struct gruu_token *t)
{
	uint8_t bytes[IV + BLOCK], *block = bytes + IV, tag[16], wrong = 0;

	if (user.len != GRUU_TOKEN || !has_key() ||
	    sip_base32_read(buf, user, bytes, sizeof(bytes)) != sizeof(bytes))
		return false;
	crypt(bytes, block);
	siphash128(keys.iv, block, BLOCK, tag);
	for (int i = 0; i < IV; i++)
		wrong |= tag[i] ^ bytes[i];
	t->user = get_number(block, USER_BYTES);
	t->epoch = get_number(block + USER_BYTES, EPOCH_BYTES);
	return !wrong;
}

/* ---- where it leads ---- */

static const struct contact *newer_of(const struct contact *a, const struct contact *b)
{
	return !a || gruu_newer(b, a) ? b : a;
}

static uint16_t code_of(int err, const struct user *u)
{
	if (err && err != -ENOENT)
		return 503;
	return err || u->flags & USER_DISABLED ? 404 : 0;
}

static const struct aor *aor_of(const struct user *u)
{
	char aor[2 * USER_NAME + 2];
	int n = snprintf(aor, sizeof(aor), "%s@%s", u->name, u->domain);

	return n > 0 && n <= AOR_MAX ? location_find(aor, (size_t)n) : NULL;
}

/* At an address of ours instead of the domain it is for whichever domain its user is of. */
static uint16_t find_temporary(const uint8_t *buf, const struct sip_uri *uri,
			       const struct domain *d, const struct contact **out)
{
	struct gruu_token t;
	const struct aor *a;
	struct user user;
	uint16_t code;

	if (!gruu_read_token(buf, uri->user, &t))
		return 404;
	code = code_of(auth_user_by_id(t.user, &user), &user);
	if (code)
		return code;
	if (uri->host.kind == SIP_HOST_NAME && strcasecmp(user.domain, d->name))
		return 404;
	a = aor_of(&user);
	for (const struct contact *c = a ? a->contacts : NULL; c; c = c->next)
		if (c->gruu && (c->gruu & GRUU_EPOCH_MASK) == t.epoch)
			*out = newer_of(*out, c);
	return *out ? 0 : 404;
}

/* 5.3: it stays valid while its device is away. */
static uint16_t find_public(const uint8_t *buf, const struct sip_uri *uri,
			    const struct domain *d, const struct contact **out)
{
	char name[SIP_AOR_MAX + 1];
	struct sip_param gr;
	const struct aor *a;
	struct user user;
	uint16_t code;
	u32 len = sip_aor_print_at(buf, uri, d->name, (u32)strlen(d->name), (u8 *)name);

	if (!len || !sip_uri_param(buf, uri, "gr", &gr))
		return 404;
	name[len - strlen(d->name) - 1] = '\0';
	code = code_of(auth_user(name, d->name, &user), &user);
	if (code)
		return code;
	a = aor_of(&user);
	for (const struct contact *c = a ? a->contacts : NULL; c; c = c->next)
		if (c->instance && c->origin == ORIGIN_MAIN &&
		    is_instance(buf, gr.value, c->instance))
			*out = newer_of(*out, c);
	return *out ? 0 : 480;
}

uint16_t gruu_find(const uint8_t *buf, const struct sip_uri *uri, const struct domain *d,
		   const struct contact **out)
{
	struct sip_param gr;

	*out = NULL;
	if (!sip_uri_param(buf, uri, "gr", &gr))
		return 404;
	return gr.value.len ? find_public(buf, uri, d, out) : find_temporary(buf, uri, d, out);
}
