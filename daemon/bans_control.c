/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "bans.h"
#include "control.h"
#include "json.h"
#include "loop.h"
#include "text.h"

static json_t *ban_json(const struct ban *b)
{
	char source[TEXT_ENDPOINT], user[sizeof(b->user)];

	snprintf(user, sizeof(user), "%s", b->user);
	return json_pack("{s:s, s:o, s:b, s:I, s:I}", "source", text_prefix(&b->source, source),
			 "user", json_text(user), "one_user", b->one_user, "failures",
			 (json_int_t)b->failures, "left",
			 (json_int_t)((b->until - loop_now() + 999) / 1000));
}

static bool more(struct control_job *job, void *state)
{
	uint32_t *at = state;
	struct ban b;

	while (bans_next(at, &b))
		if (!control_item(job, ban_json(&b)))
			return true;
	return false;
}

static void verb_bans(struct control_job *job, const json_t *request, void *arg)
{
	uint32_t *at = calloc(1, sizeof(*at));

	(void)request;
	(void)arg;
	if (at)
		control_stream(job, more, free, at);
	else
		control_refuse(job, -ENOMEM, "no memory");
}

static void verb_remove(struct control_job *job, const json_t *request, void *arg)
{
	const char *word = json_string_value(json_object_get(request, "source"));
	char text[TEXT_ENDPOINT];
	struct prefix p;

	(void)arg;
	if (!word || !text_read_prefix(word, &p))
		control_refuse(job, -EINVAL, "\"source\" is no address or prefix");
	else if (bans_remove(&p))
		control_refuse(job, -ENOENT, "%s is not banned", text_prefix(&p, text));
	else
		control_answer(job, NULL);
}

int bans_control(void)
{
	int err = control_verb("bans", verb_bans, NULL);

	return err ? err : control_verb("ban-remove", verb_remove, NULL);
}
