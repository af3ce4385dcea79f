/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access: who may do what, as tables of rules with the codes of C12, C13, C08 and design 4: who is
 * challenged, who owns a From, from where a user may register, which Contacts may be registered,
 * whom strangers reach.
 *
 * What needs no name is checked before the credentials, what does only after them: without a
 * password every name gets the same answer.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "auth.h"
#include "config.h"

struct access {
	uint16_t code;		/* 0: go on; else refuse with it (an ACK: drop it) */
	const char *reason;	/* phrase, or NULL */
	bool challenge;		/* code 401 or 407: auth_challenge() writes the header */
	/*
	 * P-Asserted-Identity names another than who proved to be somebody, or a user of ours
	 * where nobody was asked; or it was proved who asks, and there is a P-Preferred-Identity,
	 * which ends at who asked for the proof (RFC 3325 6).
	 */
	bool disowned;
	struct auth auth;	/* .user.id 0: nobody was asked for credentials */
	const struct domain *domain;
};

/*
 * May this REGISTER change @aor? Authenticates. In the order of C11: 404 the domain is not served;
 * 400, 401, 403 (guessed too often), 503 of the credentials; 403 another's address of record, or
 * from where this user may not; with "third_party", where users may register others, 404 for those
 * who do not exist.
 */
void access_register(const struct rx *rx, const char *aor, struct access *a);

/*
 * May the Contact be registered by this source? False: 403 (C13). Requests for it go to the flow
 * that its REGISTER came over, never to the host it names; so what a phone behind a NAT writes is
 * harmless, and refused is what can only mean somebody else:
 *
 *  - the source's own address, with any port: yes (IPv6: the same /64, as phones that send from a
 *    temporary address register the stable one)
 *  - callgated itself, or a domain of ours: no, it would call itself
 *  - an own address with another port, from inside: yes, what STUN told the phone
 *  - private, shared and link-local addresses: yes, from behind a NAT
 *  - addresses in the same inside network (inside_networks) as the source: yes
 *  - names that mean nothing outside of the phone's network: one label, .invalid (RFC 7118),
 *    .local, .localdomain, .lan, .home, .internal, .home.arpa: yes
 *  - other addresses and names, loopback, multicast, and schemes but sip and sips: no
 *  - maddr must be an address that would be allowed itself
 *
 * With a Path the requests go to that host first, so the top one of the Path has to pass this
 * instead of the Contact, which may then be anything but ourselves.
 */
bool access_contact(const struct rx *rx, const struct sip_nameaddr *contact);

/*
 * May this request be relayed? For what does not come along a route that the proxy made and can
 * tell. From ownership, the right "remote", whom strangers reach: 407 (400, 403, 503 of the
 * credentials), 403. ACK and CANCEL are not challenged, nor a request from inside with a tag in To:
 * a challenge to a re-INVITE might be one that a stranger wants to have answered.
 */
void access_request(const struct rx *rx, struct access *a);

/*
 * May this SUBSCRIBE watch the registrations of @aor (RFC 3680)? Authenticates. 404 the domain is
 * not ours to register at; 401, 400, 403, 503 of the credentials; 403 From is another's, or it is
 * neither the user's own address nor is the user one of the domain's "watchers".
 */
void access_watch(const struct rx *rx, const char *aor, struct access *a);
/* The last of it: 1, 0, or -errno. */
int access_may_watch(const struct user *u, const char *aor);

/* A source of the configuration's provider set. */
bool access_trusted(const struct endpoint *source);
/* From outside, and not of that set. */
static inline bool access_stranger(const struct sip_flow *flow)
{
	return flow->zone == ZONE_OUTSIDE && !access_trusted(&flow->remote);
}

#endif
