/* SPDX-License-Identifier: BSD-2-Clause */
/* address: endpoints as the sockets of the system want them, and back; from SIP. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "model.h"
#include "sip/scan.h"

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Fills all of @a; the length for bind(), connect() and the like. The scope of IPv6 stays 0. */
socklen_t address_of(const struct endpoint *e, union address *a);
/*
 * False: NULL, or no address of IPv4 or IPv6 (nor is one of IPv4 that is mapped into IPv6); @e is
 * empty then. @sa is as long as its family says.
 */
bool address_endpoint(const struct sockaddr *sa, struct endpoint *e);
/* Without a port SIP_PORT. False, and @e untouched: absent, or a name. */
bool address_of_host(const struct sip_host *h, struct endpoint *e);

#endif
