/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * registrations: what the command asks callgated about locations and users:
 *
 * {"do": "registrations"}: items, one for each contact; with "aor" those of one.
 * {"do": "registration-last", "aor": A}: what is known beyond the contacts of one: "removed", why
 * and when the last one went; "result", code and phrase of the last REGISTER. Each may be missing.
 * {"do": "registration-remove", "aor": A}: {"removed": N}; with "contact" (an id, or the URI) that
 * one. The answer comes when the disk has it.
 * {"do": "users-changed"}: another program changed users.
 */
#ifndef REGISTRATIONS_H
#define REGISTRATIONS_H

struct store;

/* Registers the verbs. 0 or -errno. */
int registrations_open(struct store *s);

/* @fn after each change of users. There is one. */
void registrations_users_hook(void (*fn)(void));

struct aor;
struct contact;
/* One contact as an item of the list. */
struct json_t *registrations_contact(const struct aor *a, const struct contact *c);

#endif
