/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access: who may do what, as tables of rules with the codes of C12, C13, C08 and design 4: who is
 * challenged, who owns a From, from where a user may register, which Contacts may be registered,
 * whom strangers reach.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "auth.h"
#include "config.h"

struct access {
	uint16_t code;		/* 0: go on; else refuse with it */
	const char *reason;	/* phrase, or NULL */
	bool challenge;		/* code 401 or 407: auth_challenge() writes the header */
	struct auth auth;
	const struct domain *domain;
};

/* May this REGISTER change @aor? Authenticates. The order of checks and codes of C11. */
void access_register(const struct rx *rx, const char *aor, struct access *a);
/* May the Contact @uri be registered by this source? 403: a third host. */
bool access_contact(const struct rx *rx, const struct sip_nameaddr *contact);
/* May this request be relayed or answered? From ownership, remote right, strangers. */
void access_request(const struct rx *rx, struct access *a);

#endif
