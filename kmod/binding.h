/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * binding: registrations seen in transit (the passive registrar, C16).
 *
 * Born from a 2xx to a REGISTER only, with the lifetime that the registrar
 * granted (RFC 3261 10.3); 401, 407, 423 and the like change nothing. Each
 * holds the signalling pinhole of its Contact open. Under cn->lock.
 */
#ifndef _CG_BINDING_H
#define _CG_BINDING_H

#include "pinhole.h"

struct cg_pkt;
struct cg_txn;

#define CG_AOR_TEXT 96
#define CG_REG_CONTACTS 16	/* Contacts of one REGISTER; more: the first ones */

/* A Contact of a REGISTER under way. */
struct cg_contact {
	struct cg_text wrote;	/* hostport as the phone wrote it */
	struct cg_ep in, pub;
	u64 user;		/* hash of scheme and user part */
	u32 expires;		/* asked for */
	bool ours;		/* the registrar sees @pub in it; else a name, or foreign */
	u8 nuri;
	u8 uri[CG_AOR_TEXT];	/* the Contact URI, for people */
};

/* What a REGISTER asked for; hangs on its transaction. */
struct cg_reg {
	u64 aor;		/* hash of the To URI */
	u8 naor;
	u8 aor_text[CG_AOR_TEXT];
	bool star;		/* Contact: * with Expires: 0 */
	u8 ncontacts;
	struct cg_contact contact[];
};

struct cg_binding {
	struct hlist_node node;		/* cn->binding_hash by aor */
	struct list_head all;		/* cn->binding_list */
	struct list_head of_pin;	/* pin->bindings */
	struct cg_timer timer;
	struct cg_net *cn;
	struct cg_pin *pin;
	struct cg_host *host;
	u64 id;
	u64 aor, user;
	struct cg_ep registrar;
	u8 nroutes;
	struct cg_ep route[CG_PIN_PEERS - 1];	/* hosts of its Service-Route (RFC 3608) */
	u64 since;			/* cg_ms() */
	u8 nuri;
	u8 uri[CG_AOR_TEXT];		/* Contact URI as written */
	u8 naor;
	u8 aor_text[CG_AOR_TEXT];
};

int cg_binding_init(struct cg_net *cn);
void cg_binding_fini(struct cg_net *cn);

/*
 * A REGISTER: remembers what it asks for (p->contact[], filled by translate)
 * on its transaction. A 2xx to one: bindings are made, refreshed, removed.
 */
void cg_binding_message(struct cg_pkt *p);

void cg_binding_remove(struct cg_binding *b, enum cg_reason why);
void cg_binding_expire(struct cg_binding *b);
void cg_binding_flush(struct cg_net *cn, enum cg_reason why);

/* The live binding that was published as @pub, or NULL. */
struct cg_binding *cg_binding_of_public(struct cg_net *cn, const struct cg_ep *pub);

#endif
