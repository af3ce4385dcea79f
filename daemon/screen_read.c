/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of screen.h from the database. */
#include "screen.h"

static int add(const char *name, const char *domain, const char *caller, uint16_t code, void *arg)
{
	(void)arg;
	return screen_add(name, domain, caller, code);
}

int screen_read(struct store *s)
{
	int err = store_screens(s, add, NULL);

	if (err)
		screen_abort();
	else
		screen_commit();
	return err;
}
