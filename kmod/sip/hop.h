/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Inside this directory only: one message on its way through, for the files of relay. */
#ifndef SIP_HOP_H
#define SIP_HOP_H

#include "relay.h"

/* The first edit that fails decides; all behind it do nothing. */
struct sip_work {
	struct sip_relay *r;
	const struct sip_msg *m;
	struct sip_edits *e;
	int result; /* enum sip_relay_result */
	u8 key;     /* of r->key->key[] */
};

void sip_work_put(struct sip_work *w, struct sip_str at, const void *text, u32 len, u8 field);
void sip_work_insert(struct sip_work *w, u32 off, const void *text, u32 len, u8 field);
void sip_work_erase(struct sip_work *w, u32 off, u32 end, u8 field);

/* A literal without its NUL; returns its length. */
u32 sip_work_copy(u8 *out, const char *text);

static inline const u8 *sip_work_key(const struct sip_work *w)
{
	return w->r->key->key[w->key];
}

static inline bool sip_work_is_sip(const struct sip_uri *u)
{
	return u->scheme == SIP_URI_SIP || u->scheme == SIP_URI_SIPS;
}

/* fe80::/10 */
static inline bool sip_work_is_local(const struct sip_end *e)
{
	return e->kind == SIP_HOST_IP6 && e->addr[0] == 0xfe && (e->addr[1] & 0xc0) == 0x80;
}

/* relay_via.c: what the source says about itself, and our Via; then the same off again */
bool sip_work_is_loop(struct sip_work *w);
void sip_work_push_via(struct sip_work *w);
void sip_work_pop_via(struct sip_work *w);

/* relay_route.c */
u32 sip_work_routes(const struct sip_msg *m);
void sip_work_record(struct sip_work *w);
void sip_work_pop_routes(struct sip_work *w);
void sip_work_target(struct sip_work *w);

/* relay_contact.c */
void sip_work_contacts(struct sip_work *w);

/* relay_strip.c: of a request; of any message */
void sip_work_credentials(struct sip_work *w);
void sip_work_identity(struct sip_work *w);

#endif /* SIP_HOP_H */
