/* SPDX-License-Identifier: BSD-2-Clause */
/* registrar_work: one REGISTER on its way through the files of the registrar. */
#ifndef REGISTRAR_WORK_H
#define REGISTRAR_WORK_H

#include "access.h"
#include "location.h"
#include "reply.h"
#include "txn.h"

#define REG_CONTACTS 32		/* in one request */
#define REG_URI 1024		/* bytes of a Contact URI, and of its other parameters */
#define REG_PATH 2048
#define REG_CALL_ID 512
#define REG_LATER 1		/* instead of a code: waits for another change of this AOR */
#define REG_QUERY 2		/* instead of a code: nothing is to be changed */

/* A Contact of the request. */
struct reg_contact {
	struct sip_nameaddr at;
	const struct contact *have;	/* the binding that it names, or NULL */
	struct sip_str instance;	/* without quotes and < >; empty: none that can be used */
	uint32_t expires;		/* granted; 0: to be removed */
	uint32_t reg_id;		/* 0: none, or not by RFC 5626 */
	uint16_t q;
	bool overruled;			/* by a later one with the same address */
};

struct reg {
	struct rx *rx;
	struct txn *txn;
	const struct domain *domain;
	struct access access;
	uint32_t max_contacts;
	uint64_t owner;			/* number of the user whose address of record it is */
	const struct aor *known;	/* NULL: nothing registered */
	char aor[AOR_MAX + 1];
	size_t aor_len;
	uint64_t real;			/* now, milliseconds of CLOCK_REALTIME */
	bool all;			/* Contact: * */
	bool outbound;			/* RFC 5626 is in use */
	uint32_t n;
	struct reg_contact contact[REG_CONTACTS + 1];	/* one more to write to */

	/* a refusal */
	const char *reason;		/* phrase; NULL: the usual one */
	const char *header;		/* and one header; NULL: none */
	char value[160];
};

/* Each check: 0, or the code of the refusal. */
uint16_t reg_refuse(struct reg *r, uint16_t code, const char *reason);

/* registrar_contact.c: reading, matching, and the rules of 10.3 step 6 and 7 */
uint16_t reg_contacts(struct reg *r);
uint16_t reg_order(struct reg *r);
uint16_t reg_limit(struct reg *r);
/* Does the change drop this binding? */
bool reg_drops(const struct reg *r, const struct contact *c);

/* registrar_change.c: what the request changes, as location.h wants it; strings are static */
struct reg_change {
	struct location_change c;
	struct contact put[REG_CONTACTS];
	uint64_t *drop, small[REG_CONTACTS];
};
/* 0, or -ENOMEM. To be freed with reg_change_free(). */
int reg_change(const struct reg *r, struct reg_change *out);
void reg_change_free(struct reg_change *c);

/* registrar_gruu.c: RFC 5627 */
/* The epochs of the contacts with an instance, once all else is in @out. */
void reg_gruus(const struct reg *r, struct reg_change *out);
/* pub-gruu and temp-gruu of a contact with an instance; static. "": not asked for. */
const char *reg_gruu_params(const struct reg *r, const struct contact *c);

/* registrar_answer.c: the 200 as it will be once the change is done. NULL: it does not fit. */
const uint8_t *reg_answer(const struct reg *r, const struct reg_change *c, uint32_t *len);

/* registrar_later.c: what goes on in a later turn of the loop, found by the transaction's number */
/* 0: no change of this AOR is under way. 1: it is, then reg_resume(). Below 0: -errno. */
int reg_wait(const struct reg *r);
/* Hands the change to the store; @answer is sent when it is done. Below 0: nothing was begun. */
int reg_commit(const struct reg *r, const struct reg_change *c, const uint8_t *answer,
	       uint32_t len);

/* registrar.c: begins; .access is left alone */
void reg_start(struct reg *r, struct rx *rx, struct txn *t, const struct domain *d);
/* Goes on behind the checks that were done before it waited. */
void reg_resume(struct reg *r);
/* 503 with Retry-After: for a request that cannot be kept. */
void reg_unavailable(const struct rx *rx, struct txn *t);

/* At random below @n; not for secrets. */
uint32_t reg_random(uint32_t n);

#endif
