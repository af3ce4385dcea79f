// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reasons.h"

struct meaning {
	char *name, *help;
};

struct reasons {
	struct meaning *items;
	size_t n;
};

static int keep(const struct reason *reason, void *arg)
{
	struct reasons *r = arg;
	struct meaning *grown = realloc(r->items, (r->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	r->items = grown;
	grown += r->n++;
	grown->name = strdup(reason->name ? reason->name : "");
	grown->help = strdup(reason->help ? reason->help : "");
	return grown->name && grown->help ? 0 : -ENOMEM;
}

int reasons_load(struct kernel *k, struct reasons **out)
{
	int err = -ENOMEM;

	*out = calloc(1, sizeof(**out));
	if (*out)
		err = kernel_reasons(k, keep, *out);
	if (err) {
		reasons_free(*out);
		*out = NULL;
	}
	return err;
}

void reasons_free(struct reasons *r)
{
	for (size_t i = 0; r && i < r->n; i++) {
		free(r->items[i].name);
		free(r->items[i].help);
	}
	if (r)
		free(r->items);
	free(r);
}

const char *reasons_help(const struct reasons *r, const char *name)
{
	for (size_t i = 0; r && i < r->n; i++)
		if (!strcmp(r->items[i].name, name))
			return r->items[i].help;
	return "";
}
