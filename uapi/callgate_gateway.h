/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * callgate: the second part of the contract: gateway use, module and daemon
 *
 * The same family, conventions, versions and permissions as callgate.h, whose enums have the
 * commands and the attributes of the top level. CALLGATE_API 3 and above has what is here.
 *
 * WHO IS THE DAEMON
 *
 *   The netlink socket that sent the last ATTACH or CLAIM of a namespace: the questions (LOCATE) go
 *   to its port id, unicast. When that netlink socket is closed, the daemon is gone: what is asked
 *   now ends, nothing more is asked, and everything else goes on: attached sockets, locations,
 *   transactions. A message that only the daemon can answer waits in the UDP socket. All other
 *   commands may come from any socket with the permission.
 *
 * COMMANDS
 *
 * CALLGATE_CMD_ATTACH       do. Hands over a bound UDP socket of this namespace. The module takes a
 *                           reference to its file, so that it outlives the daemon, and from now on
 *                           sees each datagram before the socket does, after the firewall's INPUT
 *                           rules: it forwards what is simple, and leaves the rest to the socket.
 *                           Conntrack entries of hosts behind this router whose translation holds
 *                           the same port of ours are removed: they would hide the socket. So are
 *                           registrations of theirs that were seen in transit from that port; its
 *                           pinhole stays while a call holds it.
 *                           EBADF: no open descriptor; ENOTSOCK, EPROTONOSUPPORT: no UDP socket;
 *                           EINVAL: not bound, or connected; EXDEV: of another namespace; EBUSY: it
 *                           belongs to another user of the kernel (sk_user_data); ENOSPC: 16 are
 *                           attached. One that is attached already is claimed by this.
 *
 *   CALLGATE_A_SOCKET       nest
 *     CALLGATE_K_FD         u32     descriptor of the sender
 *
 *                           Answer, CALLGATE_CMD_ATTACH:
 *
 *   CALLGATE_A_SOCKET       nest
 *     CALLGATE_K_ID         u32     1 - 255, for as long as it is attached
 *     CALLGATE_K_LOCAL      endpoint  address (all bits zero: every one) and port it is bound to
 *
 * CALLGATE_CMD_CLAIM        do. The successor takes a socket that the last daemon left: bound to
 *                           LOCAL, unclaimed or not. It stays attached. The answer has a new
 *                           descriptor (O_CLOEXEC), open in the process that sent this. ENOENT:
 *                           there is none; EMFILE. Datagrams that wait in it may be old: what is
 *                           older than 4 s should be dropped (SO_TIMESTAMPNS).
 *
 *   CALLGATE_A_SOCKET       nest
 *     CALLGATE_K_LOCAL      endpoint
 *
 *                           Answer, CALLGATE_CMD_CLAIM: CALLGATE_A_SOCKET with ID, LOCAL, FD.
 *
 * CALLGATE_CMD_DETACH       do. With CALLGATE_A_SOCKET and its K_ID that one, without all: the
 *                           module lets go of the file; the descriptor of the daemon stays open.
 *                           ENOENT: no such socket. Also done when the daemon has been gone for
 *                           120 s (a socket keeps its namespace: that goes then at the latest), and
 *                           when the module is removed.
 *
 * CALLGATE_CMD_SOCKET_GET   dump, no attributes. Answers, CALLGATE_CMD_SOCKET_GET:
 *
 *   CALLGATE_A_SOCKET       nest
 *     CALLGATE_K_ID         u32
 *     CALLGATE_K_LOCAL      endpoint
 *     CALLGATE_K_CLAIMED    u8      1: a daemon has it; 0: it is waiting for a successor
 *     CALLGATE_K_UNTIL      time    then it is released; absent while it is claimed
 *
 * CALLGATE_CMD_GATE_SET     do. The settings that are given, all of them or (on any error) none; a
 *                           list is replaced as a whole, an empty one is an empty list. They stay
 *                           when the daemon goes. EINVAL, ERANGE with the attribute named.
 *
 *   CALLGATE_A_GATE         nest                                                default  range
 *     CALLGATE_G_KEY        binary  of branches, Record-Route and tokens          none   16 bytes
 *                                   (kmod/sip/relay.h). Without a key nothing
 *                                   is forwarded. Never told
 *     CALLGATE_G_KEY_OLD    binary  the one before: what was made with it is      none   16 bytes
 *                                   still understood
 *     CALLGATE_G_TAKE       flags   enum callgate_take: what is forwarded here;     0
 *                                   the rest goes to the socket. A transaction
 *                                   stays with whom it began; a dialog as well
 *                                   when its requests have no Route of ours, as
 *                                   nobody else knows where they go
 *     CALLGATE_G_METHODS    flags   enum callgate_method: which new requests        0
 *                                   (without a tag in To) are forwarded
 *     CALLGATE_G_DOMAINS    nest[]  domains whose users are in the table          none   256
 *       CALLGATE_D_NAME     string  lower case, 1 - 253. An address literal that
 *                                   is the one the datagram was sent to counts
 *                                   as the first of them
 *     CALLGATE_G_REALMS     nest[]  realms of their passwords (API 4): a line of   none   256
 *                                   Proxy-Authorization or Authorization for one
 *                                   is taken out of what is forwarded, also while
 *                                   the daemon is gone (RFC 3261 22.3)
 *       CALLGATE_D_REALM    string  as it is challenged with, without quotes,
 *                                   1 - 255
 *     CALLGATE_G_INSIDE     nest[]  inside networks                                none   256
 *       CALLGATE_M_PREFIX   prefix  (of callgate.h)
 *     CALLGATE_G_INTERFACES binary  u32 each: indexes of inside interfaces         none   64
 *     CALLGATE_G_TRUSTED    nest[]  never rated: the provider set                  none   256
 *       CALLGATE_M_PREFIX   prefix
 *     CALLGATE_G_RATE       u32     datagrams per second of one source             100   0 (off) -
 *                                   address (IPv6: /64), beyond which they are            100000
 *                                   dropped before they are looked at. Not rated:
 *                                   inside networks and interfaces, TRUSTED, and
 *                                   REMOTE of live locations
 *     CALLGATE_G_BURST      u32     as many at once                                200    1-100000
 *     CALLGATE_G_HEARD      u32     seconds: a location that has not been heard      0   0 (off) -
 *                                   from for longer is left to the daemon                86400
 *     CALLGATE_G_LOCATIONS  u32     locations at most                          1048576   1-4000000
 *     CALLGATE_G_TXNS       u32     transactions at most                        131072   1-4000000
 *     CALLGATE_G_HELD       u32     datagrams that wait for an answer at once      256   0 - 4096
 *     CALLGATE_G_HELD_BYTES u32     their bytes, buffers included              1048576   0 - 2^26
 *     CALLGATE_G_EPOCH      u64     the daemon's word, kept and told: which          0
 *                                   table of locations this one was made from
 *
 * CALLGATE_CMD_GATE_GET     do, no attributes. One answer, CALLGATE_CMD_GATE_GET, CALLGATE_A_GATE
 *                           with the numbers and flags above (neither keys nor lists), and:
 *
 *     CALLGATE_G_NLOCATIONS u32     entries in the tables: locations
 *     CALLGATE_G_NTXNS      u32       transactions
 *     CALLGATE_G_NHELD      u32       datagrams that wait for an answer
 *     CALLGATE_G_NDIALOGS   u32       dialogs that the kernel saw begin
 *     CALLGATE_G_MEMORY     u64     bytes in these tables
 *     CALLGATE_G_DAEMON     u32     port id of the daemon's netlink socket, 0: it is gone
 *
 *                           What happened is counted by reason (REASON_GET, STATUS_GET).
 *
 * CALLGATE_CMD_LOCATION_SET do. One contact of a user, new or changed. The latest counts: the
 *                           kernel keeps what the daemon wrote last, by ID. ENOSPC: G_LOCATIONS;
 *                           the daemon need do nothing: what is not here is asked for.
 *
 *   CALLGATE_A_LOCATION     nest
 *     CALLGATE_L_ID         u64     the daemon's number of the contact, not 0
 *     CALLGATE_L_GENERATION u64     the daemon's number of this state of it, for comparisons
 *     CALLGATE_L_AOR        string  1 - 255, canonical: "user@domain", as sip_aor_print() of
 *                                   kmod/sip/aor.h writes it. May not change while the ID stays
 *     CALLGATE_L_URI        string  1 - 255: the Contact URI as the phone wrote it; becomes the
 *                                   Request-URI
 *     CALLGATE_L_REMOTE     endpoint  where requests for it go, by UDP
 *     CALLGATE_L_LOCAL      endpoint  our address and port that they leave from; the port is that
 *                                   of an attached socket, else requests for it go to the socket
 *     CALLGATE_L_IFINDEX    u32     interface it was heard on; 0: by the routes
 *     CALLGATE_L_EXPIRES    time    from then on it is not used
 *     CALLGATE_L_HEARD      time    when it was heard from last (0: now); moved on with each
 *                                   datagram from REMOTE to the port of LOCAL
 *     CALLGATE_L_FLAGS      flags   enum callgate_location_flags
 *
 * CALLGATE_CMD_LOCATION_DEL do. CALLGATE_A_LOCATION with L_ID and L_AOR. ENOENT: there is none (it
 *                           may have ended: both sides know the time).
 *
 * CALLGATE_CMD_LOCATION_FLUSH do, no attributes. All of them; G_EPOCH becomes 0.
 *
 * CALLGATE_CMD_LOCATION_GET dump. With CALLGATE_A_LOCATION and L_AOR: the contacts of that user.
 *                           Answers, CALLGATE_CMD_LOCATION_GET, in no order: CALLGATE_A_LOCATION
 *                           with all its members. What is there from the beginning of the dump to
 *                           its end is told at least once.
 *
 *   The daemon's table and this one are equal when the dump shows the same pairs of ID and
 *   GENERATION. Nothing here is lost by an overrun of the daemon's netlink socket: changes go
 *   from the daemon to the kernel, each with its acknowledgement. After a restart of the daemon:
 *   GATE_GET; another EPOCH than it left: FLUSH, SET of all, and EPOCH last. After a restart of
 *   the module (the family came back): ATTACH and the same.
 *
 * CALLGATE_CMD_LOCATE       from the kernel to the daemon: where is this user? A new request that
 *                           would be forwarded if a location of the user were here. The datagram
 *                           waits in the kernel meanwhile; one question for each user at a time.
 *                           Not asked, but left to the socket: datagrams above 8192 bytes, what is
 *                           above G_HELD or G_HELD_BYTES, and all when the daemon is gone or its
 *                           socket is full.
 *
 *   CALLGATE_A_LOCATE       nest
 *     CALLGATE_Q_ID         u64     of the question, not used twice while the module is loaded
 *     CALLGATE_Q_AOR        string  canonical, 255
 *     CALLGATE_Q_REMOTE     endpoint  source and destination of the datagram
 *     CALLGATE_Q_LOCAL      endpoint
 *     CALLGATE_Q_IFINDEX    u32     interface it came in by
 *     CALLGATE_Q_SOCKET     u32     K_ID of the socket it was sent to
 *     CALLGATE_Q_DEADLINE   time    400 ms after it came: then the kernel frees its copy, and the
 *                                   daemon ignores a question that it reads later (UDP repeats)
 *     CALLGATE_Q_DATAGRAM   binary  the UDP payload, at most 8192 bytes
 *
 *                           The answer is a request of the daemon, do. ENOENT: no such question any
 *                           more. With FORWARD: ENOENT too when there is no such contact; the
 *                           question stays.
 *
 *   CALLGATE_A_LOCATE       nest
 *     CALLGATE_Q_ID         u64
 *     CALLGATE_Q_VERDICT    u8      enum callgate_locate_verdict
 *     CALLGATE_Q_CONTACT    u64     FORWARD: L_ID and L_AOR of a location that is set; the user may
 *     CALLGATE_Q_AOR        string  have been asked for by another name
 *   CALLGATE_A_LOCATION     nest    FORWARD, instead of these two: that of LOCATION_SET, which is
 *                                   done first, also when the question is over. On its errors the
 *                                   question stays
 *
 * CALLGATE_CMD_MEDIA        do. A message that the daemon relays, before it is sent, and again for
 *                           each copy: calls, pinholes and session descriptions are the kernel's
 *                           affair whoever relays. Nothing is sent by this. Messages that cannot
 *                           belong to a call need not be shown (sip_may_be_media() of
 *                           kmod/sip/body.h). EINVAL: not a valid message, or not whole hops.
 *
 *   CALLGATE_A_MEDIA        nest
 *     CALLGATE_W_DATAGRAM   binary  the message as it came, at most 65507 bytes
 *     CALLGATE_W_FROM       nest    where it came from
 *       CALLGATE_H_REMOTE   endpoint
 *       CALLGATE_H_LOCAL    endpoint  our address and port there
 *       CALLGATE_H_IFINDEX  u32     0: by the routes
 *       CALLGATE_H_INSIDE   u8      1: inside; 0: outside
 *     CALLGATE_W_TO         nest    where it goes to, the same members
 *
 *                           Answer, CALLGATE_CMD_MEDIA:
 *
 *   CALLGATE_A_MEDIA        nest
 *     CALLGATE_W_CALL       u64     number of its call, as in CALL_GET; 0: of no call
 *     CALLGATE_W_EDITS      nest[]  what must be replaced in DATAGRAM, by ascending offset: all of
 *                                   it or nothing. In the body, and the digits of Content-Length
 *       CALLGATE_N_OFFSET   u32
 *       CALLGATE_N_LENGTH   u32     bytes that go
 *       CALLGATE_N_TEXT     binary  bytes that come
 *
 * EVENTS
 *
 *   Kernel and daemon each end a location by its time; there is no event for that. Registrations
 *   seen in transit (passive domains) are the BINDING_* events and BINDING_GET of callgate.h; their
 *   order and what to do after a gap are there.
 */
#ifndef _UAPI_CALLGATE_GATEWAY_H
#define _UAPI_CALLGATE_GATEWAY_H

#define CALLGATE_SOCKETS_MAX	16
#define CALLGATE_KEY_SIZE	16
#define CALLGATE_DOMAINS_MAX	256
#define CALLGATE_DOMAIN_SIZE	254	/* with its NUL */
#define CALLGATE_REALMS_MAX	256
#define CALLGATE_REALM_SIZE	256	/* with its NUL */
#define CALLGATE_PREFIXES_MAX	256
#define CALLGATE_INTERFACES_MAX	64
#define CALLGATE_DATAGRAM_MAX	8192
#define CALLGATE_LOCATE_MS	400
#define CALLGATE_TAKEOVER_S	120

enum callgate_socket_attr {
	CALLGATE_K_UNSPEC,
	CALLGATE_K_PAD,
	CALLGATE_K_ID,
	CALLGATE_K_FD,
	CALLGATE_K_LOCAL,
	CALLGATE_K_CLAIMED,
	CALLGATE_K_UNTIL,
	__CALLGATE_K_MAX
};
#define CALLGATE_K_MAX (__CALLGATE_K_MAX - 1)

enum callgate_gate_attr {
	CALLGATE_G_UNSPEC,
	CALLGATE_G_PAD,
	CALLGATE_G_KEY,
	CALLGATE_G_KEY_OLD,
	CALLGATE_G_TAKE,
	CALLGATE_G_METHODS,
	CALLGATE_G_DOMAINS,
	CALLGATE_G_INSIDE,
	CALLGATE_G_INTERFACES,
	CALLGATE_G_TRUSTED,
	CALLGATE_G_RATE,
	CALLGATE_G_BURST,
	CALLGATE_G_HEARD,
	CALLGATE_G_LOCATIONS,
	CALLGATE_G_TXNS,
	CALLGATE_G_HELD,
	CALLGATE_G_HELD_BYTES,
	CALLGATE_G_EPOCH,
	CALLGATE_G_NLOCATIONS,
	CALLGATE_G_NTXNS,
	CALLGATE_G_NHELD,
	CALLGATE_G_MEMORY,
	CALLGATE_G_DAEMON,
	CALLGATE_G_NDIALOGS,
	CALLGATE_G_REALMS,
	__CALLGATE_G_MAX
};
#define CALLGATE_G_MAX (__CALLGATE_G_MAX - 1)

enum callgate_domain_attr {
	CALLGATE_D_UNSPEC,
	CALLGATE_D_NAME,
	CALLGATE_D_REALM,
	__CALLGATE_D_MAX
};
#define CALLGATE_D_MAX (__CALLGATE_D_MAX - 1)

enum callgate_location_attr {
	CALLGATE_L_UNSPEC,
	CALLGATE_L_PAD,
	CALLGATE_L_ID,
	CALLGATE_L_GENERATION,
	CALLGATE_L_AOR,
	CALLGATE_L_URI,
	CALLGATE_L_REMOTE,
	CALLGATE_L_LOCAL,
	CALLGATE_L_IFINDEX,
	CALLGATE_L_EXPIRES,
	CALLGATE_L_HEARD,
	CALLGATE_L_FLAGS,
	__CALLGATE_L_MAX
};
#define CALLGATE_L_MAX (__CALLGATE_L_MAX - 1)

enum callgate_locate_attr {
	CALLGATE_Q_UNSPEC,
	CALLGATE_Q_PAD,
	CALLGATE_Q_ID,
	CALLGATE_Q_AOR,
	CALLGATE_Q_REMOTE,
	CALLGATE_Q_LOCAL,
	CALLGATE_Q_IFINDEX,
	CALLGATE_Q_SOCKET,
	CALLGATE_Q_DEADLINE,
	CALLGATE_Q_DATAGRAM,
	CALLGATE_Q_VERDICT,
	CALLGATE_Q_CONTACT,
	__CALLGATE_Q_MAX
};
#define CALLGATE_Q_MAX (__CALLGATE_Q_MAX - 1)

enum callgate_media_attr {
	CALLGATE_W_UNSPEC,
	CALLGATE_W_PAD,
	CALLGATE_W_DATAGRAM,
	CALLGATE_W_FROM,
	CALLGATE_W_TO,
	CALLGATE_W_CALL,
	CALLGATE_W_EDITS,
	__CALLGATE_W_MAX
};
#define CALLGATE_W_MAX (__CALLGATE_W_MAX - 1)

enum callgate_hop_attr {
	CALLGATE_H_UNSPEC,
	CALLGATE_H_REMOTE,
	CALLGATE_H_LOCAL,
	CALLGATE_H_IFINDEX,
	CALLGATE_H_INSIDE,
	__CALLGATE_H_MAX
};
#define CALLGATE_H_MAX (__CALLGATE_H_MAX - 1)

enum callgate_new_attr {
	CALLGATE_N_UNSPEC,
	CALLGATE_N_OFFSET,
	CALLGATE_N_LENGTH,
	CALLGATE_N_TEXT,
	__CALLGATE_N_MAX
};
#define CALLGATE_N_MAX (__CALLGATE_N_MAX - 1)

/* Inside: from INSIDE or INTERFACES; else outside. */
enum callgate_take {
	/* new requests from outside to users here, whose From is of none of DOMAINS */
	CALLGATE_TAKE_OUTSIDE = 1 << 0,
	/* new requests from inside to users here, whatever their From: nobody is challenged */
	CALLGATE_TAKE_INSIDE = 1 << 1,
	/* what belongs to a dialog that runs through us */
	CALLGATE_TAKE_DIALOG = 1 << 2,
};

enum callgate_method {
	CALLGATE_METHOD_INVITE = 1 << 0,
	CALLGATE_METHOD_MESSAGE = 1 << 1,
	CALLGATE_METHOD_OPTIONS = 1 << 2,
	CALLGATE_METHOD_NOTIFY = 1 << 3,
	CALLGATE_METHOD_SUBSCRIBE = 1 << 4,
	CALLGATE_METHOD_REFER = 1 << 5,
	CALLGATE_METHOD_PUBLISH = 1 << 6,
	CALLGATE_METHOD_INFO = 1 << 7,
	CALLGATE_METHOD_OTHER = 1 << 8,	/* what no RFC we know names */
};

enum callgate_location_flags {
	/* all for this user goes to the daemon; here so that its source is not rated */
	CALLGATE_LOCATION_UP = 1 << 0,
	/* the same for what comes from outside */
	CALLGATE_LOCATION_NO_STRANGERS = 1 << 1,
};

enum callgate_locate_verdict {
	CALLGATE_LOCATE_FORWARD = 1,	/* send what waits to this contact */
	CALLGATE_LOCATE_MINE = 2,	/* the daemon works on the copy it got; the rest is freed */
	CALLGATE_LOCATE_DROP = 3,	/* freed; nobody answers */
};

#endif /* _UAPI_CALLGATE_GATEWAY_H */
