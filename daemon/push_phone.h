/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * push_phone: contacts of phones that sleep, and that callgated wakes through their push service
 * (RFC 8599): the domain has push-command, the URI names one of its push-services (pn-provider)
 * and what that service calls the phone (pn-prid).
 *
 * The values go to a program of the admin's, often a script that puts them into a command line or
 * into JSON. So only what such names consist of is taken: letters, digits and -_.~:/?&=+@,%#
 * (tokens, and the URLs of web push), no "-" at the beginning, which would be an option. A contact
 * with other values is one that callgated does not wake: no Feature-Caps, its phone stays awake.
 */
#ifndef PUSH_PHONE_H
#define PUSH_PHONE_H

#include "config.h"

#define PUSH_VALUE 1024		/* as long as a Contact URI may be */
#define PUSH_AWAKE_MS 10000	/* so long after its REGISTER a phone listens */
#define PUSH_EARLY 120		/* seconds before its end a registration is to be refreshed */

struct push_phone {
	const char *provider;	/* as the domain writes it */
	char prid[PUSH_VALUE], param[PUSH_VALUE];	/* "": there is none */
};

/* What a Contact URI says. False: not one that callgated wakes. @out is written in any case. */
bool push_phone(const struct domain *d, const char *uri, struct push_phone *out);

/* Does the URI ask which services there are: pn-provider without a value (RFC 8599 4.1.5)? */
bool push_asks(const struct domain *d, const char *uri);

struct contact;
/* The phone says that it refreshes its registration without being woken: "+sip.pnsreg". */
bool push_not_needed(const struct contact *c);
/* The domain whose push-command wakes this contact, or NULL. */
const struct domain *push_domain(const struct contact *c);
/* It is such a contact, and its last REGISTER is not recent or was before this start. */
bool push_asleep(const struct contact *c);

/* Another number: other contacts may be such ones. 0: none is. */
uint64_t push_mark(const struct config *c);

#endif
