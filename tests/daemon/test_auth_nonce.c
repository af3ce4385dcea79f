// SPDX-License-Identifier: BSD-2-Clause
/* Nonces by themselves: what they are bound to, and that none is accepted twice with one count. */
#include "t.h"

#include "auth_nonce.h"
#include "loop.h"

static struct endpoint source = { .len = 4, .addr = { 192, 0, 2, 7 }, .port = 5060 };
static const struct nonce_owner owner = { &source, "office.example" };

static struct nonce make(void)
{
	char text[NONCE_TEXT + 1];
	struct nonce n = { 0 };

	nonce_make(&owner, 2, text);
	if (!nonce_read(&owner, text, NONCE_TEXT, &n))
		T_OK(false, "%s is not read", text);
	return n;
}

static void check_text(void)
{
	char text[NONCE_TEXT + 2] = "", other[NONCE_TEXT + 2];
	struct nonce n;
	unsigned int bad = 0;

	nonce_make(&owner, 5, text);
	T_OK(strlen(text) == NONCE_TEXT && nonce_read(&owner, text, NONCE_TEXT, &n), "%s", text);
	T_OK(n.time == loop_now() && n.offered == 5, "time or algorithms");
	T_OK(!nonce_read(&owner, text, NONCE_TEXT - 1, &n), "too short");
	T_OK(!nonce_read(&owner, text, NONCE_TEXT + 1, &n), "too long");
	/* every bit of it counts: any other byte at any place makes it none of ours */
	for (size_t i = 0; i < NONCE_TEXT; i++)
		for (int c = 0; c < 256; c++) {
			memcpy(other, text, sizeof(other));
			other[i] = (char)c;
			bad += nonce_read(&owner, other, NONCE_TEXT, &n) != (other[i] == text[i]);
		}
	T_OK(!bad, "%u changes were not noticed", bad);
	nonce_make(&owner, 5, other);
	T_OK(strcmp(text, other), "two are the same");
}

static void check_owners(void)
{
	struct endpoint e = source;
	struct nonce_owner other = { &e, "office.example" };
	char text[NONCE_TEXT + 1];
	struct nonce n;

	nonce_make(&owner, 2, text);
	e.port = 5061;
	T_OK(nonce_read(&other, text, NONCE_TEXT, &n), "the port counts");
	e.addr[3]++;
	T_OK(!nonce_read(&other, text, NONCE_TEXT, &n), "the address does not count");
	e = source;
	other.realm = "office.exampld";
	T_OK(!nonce_read(&other, text, NONCE_TEXT, &n), "the realm does not count");
	other.realm = "office.example";
	e.len = 16;
	T_OK(!nonce_read(&other, text, NONCE_TEXT, &n), "the family does not count");
	nonce_make(&other, 2, text);
	e.addr[15] = 9;
	T_OK(nonce_read(&other, text, NONCE_TEXT, &n), "IPv6: the host counts");
	e.addr[7] ^= 1;
	T_OK(!nonce_read(&other, text, NONCE_TEXT, &n), "IPv6: the network does not count");
	/* another start has another key */
	nonce_make(&owner, 2, text);
	nonce_close();
	T_OK(!nonce_open() && !nonce_read(&owner, text, NONCE_TEXT, &n), "the same key again");
}

/* Against a list of all counts that were used. */
static void check_window(void)
{
	static uint8_t used[100000];
	unsigned int bad = 0;

	srand(11);
	for (int round = 0; round < 50; round++) {
		struct nonce n = make();
		uint32_t top = 0;

		memset(used, 0, sizeof(used));
		for (int i = 0; i < 2000; i++) {
			uint32_t jump = (uint32_t)rand() % (rand() % 50 ? 70 : 300);
			uint32_t nc = top + 5 > jump ? top + 5 - jump : 1;
			bool good;

			nc = nc ? nc : 1;
			good = nc > top || (top - nc < 64 && !used[nc]);
			bad += nonce_use(&n, nc) != good;
			used[nc] = 1;
			top = nc > top ? nc : top;
		}
	}
	T_OK(!bad, "%u of 100000 counts", bad);
}

/* More nonces than there is room for: what is forgotten is stale, and never accepted. */
static void check_table(void)
{
	uint64_t now = loop_now() + 1000000;
	struct nonce n = { 0 }, kept, first[64];
	unsigned int bad = 0, i;

	loop_set_now(now);
	kept = make();
	for (i = 0; i < NONCE_TABLE + 64; i++) {
		loop_set_now(now + i / 64);
		n = make();
		bad += !nonce_use(&n, 1);
		if (i < 64)
			first[i] = n;
	}
	T_OK(!bad, "%u of %u nonces were not good once", bad, i);
	for (i = 0; i < 64; i++)
		bad += nonce_use(&first[i], 1) || nonce_use(&first[i], 2) ||
		       nonce_use(&first[i], 0);
	T_OK(!bad, "%u uses of forgotten nonces were accepted", bad);
	T_OK(!nonce_use(&n, 1) && nonce_use(&n, 2), "the last one is not known");
	T_OK(!nonce_use(&kept, 1), "one as old as those forgotten was accepted");
	n = make();
	T_OK(nonce_use(&n, 1), "a new one was not");
}

static void check_forgetting(void)
{
	struct nonce old, young;

	loop_set_now(loop_now() + 1000000);
	old = make();
	nonce_use(&old, 1);
	loop_set_now(loop_now() + 1000);
	young = make();
	nonce_use(&young, 1);
	for (int i = 0; i < NONCE_TABLE; i++)
		nonce_forget_before(loop_now());
	T_OK(!nonce_use(&old, 1) && !nonce_use(&old, 2), "one that was forgotten is good");
	T_OK(!nonce_use(&young, 1) && nonce_use(&young, 2), "one that was not is");
}

int main(void)
{
	loop_set_now(1000000);
	T_OK(!nonce_open(), "nonce_open");
	check_text();
	check_owners();
	check_window();
	check_table();
	check_forgetting();
	nonce_close();
	return t_end("auth_nonce");
}
