// SPDX-License-Identifier: BSD-2-Clause
/* registrar_users FILE COUNT: a database of callgated with the users u0000000 ... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "store.h"

static int add(struct store *s, long n)
{
	struct user u = { .domain = "bench.local", .realm = "bench.local" };
	const char *words[] = { u.name, u.realm, "pw" };

	snprintf(u.name, sizeof(u.name), "u%07ld", n);
	for (int a = 0; a < DIGEST_COUNT; a++) {
		if (digest_ha1(a, words, u.ha1[a]))
			return -1;
		u.has_ha1 |= (uint8_t)(1 << a);
	}
	return store_user_add(s, &u);
}

int main(int argc, char **argv)
{
	struct store_options o = { .path = argv[1], .durability = STORE_NONE, .no_writer = true };
	char why[256] = "";
	struct store *s;
	int err = 0;

	if (argc != 3 || store_open(&o, &s, why)) {
		fprintf(stderr, "registrar_users: %s\n", why);
		return 1;
	}
	for (long i = 0; i < atol(argv[2]) && !err; i++)
		err = add(s, i);
	store_close(s);
	return err ? 1 : 0;
}
