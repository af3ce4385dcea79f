/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp: the UDP sockets. recvmmsg in, sendmmsg out; each datagram keeps the address of ours that it
 * was sent to (IP_PKTINFO, IPV6_RECVPKTINFO), and its answer leaves from there. Datagrams that
 * waited more than 4 s in the socket (SO_TIMESTAMPNS) are counted and dropped: the successor of a
 * dead daemon must not answer what its sender has given up (design 3).
 */
#ifndef UDP_H
#define UDP_H

#include "transport.h"

struct loop;
struct udp_socket;

/*
 * @at: an address of ours, or length 4 or 16 with all bits zero: every address of that family.
 * @fd: -1, or a bound socket handed over by systemd or the kernel module. On an error @why says
 * what to do ("port 5060 of 192.0.2.1 is in use by another program: ...").
 */
int udp_open(struct loop *l, const struct endpoint *at, int fd, struct udp_socket **out,
	     char why[static 256]);
void udp_close(struct udp_socket *s);
/* The descriptor, for ATTACH. */
int udp_fd(const struct udp_socket *s);
/* Sends what is queued. It calls itself in the same turn of the loop; needed before an exit. */
void udp_flush(void);
/* The same, at the end of each turn of the loop; from then on it does not call itself. */
void udp_turn(void);
/* Queues one datagram on the socket that flow->local belongs to. For transport.c. */
int udp_send(const struct sip_flow *flow, const void *buf, uint32_t len);
/* Is a socket bound to this address and port, by itself or as one of "every address"? */
bool udp_has(const struct endpoint *e);

#endif
