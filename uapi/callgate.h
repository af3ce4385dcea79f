/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * callgate: the contract between the kernel module and its programs; callgate_gateway.h has the
 * commands of gateway use
 *
 * Generic netlink family "callgate", version 1, one instance per network namespace: a request sees
 * and changes only the namespace of its socket. Every command and both multicast groups need
 * CAP_NET_ADMIN in the user namespace that owns that network namespace; without it a command gives
 * EPERM and so does joining a group.
 *
 * CONVENTIONS
 *
 *   string      NUL-terminated, bytes as seen on the wire; longer ones are cut at the length named
 *               here
 *   endpoint    binary, address then port, both in network byte order: 6 bytes is IPv4, 18 bytes is
 *               IPv6
 *   flags       u32, bits of the enum named; a reader ignores bits it does not know
 *   time        u64, milliseconds of CLOCK_BOOTTIME (the clock that goes on while the machine
 *               sleeps), or 0: not yet
 *   all other numbers are in host byte order
 *   prefix      binary, address then its length in bits: 5 bytes is IPv4, 17 bytes is IPv6
 *   nest[]      a nested attribute whose members are nested attributes, all of type 1, in order
 *   reason      string of at most 31 characters, a name from REASON_GET: programs need no table
 *
 * VERSIONS
 *
 *   In answers and events a reader skips attributes and enum values it does not know: attributes
 *   are only ever added, at the end, and never change meaning. In requests the kernel refuses what
 *   it does not know (EINVAL), so that no setting is silently without effect. CALLGATE_S_API grows
 *   with every addition; the family version stays 1.
 *
 * COMMANDS
 *
 * CALLGATE_CMD_STATUS_GET   do, no attributes. One answer, CALLGATE_CMD_STATUS_GET:
 *
 *   CALLGATE_A_SEQ          u64     number of the last event of this namespace, see ORDER
 *   CALLGATE_A_STATUS       nest
 *     CALLGATE_S_VERSION    string  version of the module, 31
 *     CALLGATE_S_API        u32     4
 *     CALLGATE_S_SINCE      time    when the module entered this namespace
 *     CALLGATE_S_CALLS      u32     entries in the tables: calls
 *     CALLGATE_S_PINHOLES   u32       pinholes, one per stream and component
 *     CALLGATE_S_BINDINGS   u32       registrations seen in transit
 *     CALLGATE_S_GHOSTS     u32       public ports in quarantine before their next use
 *     CALLGATE_S_TXNS       u32       transactions: what a response must restore
 *     CALLGATE_S_HOSTS      u32       inside hosts with a call, a pinhole or a binding
 *     CALLGATE_S_MEMORY     u64     bytes in these tables
 *     CALLGATE_S_FLOWS      u64     flows on which a helper of ours has seen a packet
 *     CALLGATE_S_SEEN       u64     packets that came to a helper of ours
 *     CALLGATE_S_EDITED     u64       sent on with edits
 *     CALLGATE_S_PASSED     u64       sent on byte-identical
 *     CALLGATE_S_DROPPED    u64     packets that the guard of the media ports dropped
 *     CALLGATE_S_REASONS    nest[]  every counter that is not zero
 *       CALLGATE_R_NAME     reason
 *       CALLGATE_R_COUNT    u64
 *       CALLGATE_R_KIND     u8      enum callgate_reason_kind: what the number counts
 *     CALLGATE_S_CHANGED    flags   bit N: SET gave the setting whose attribute is N
 *   CALLGATE_A_SETTINGS     nest    all members, see SET
 *
 * CALLGATE_CMD_SET          do. Changes the settings that are given, all of them or (on any error)
 *                           none. ERANGE or EINVAL with the attribute named in the extended
 *                           acknowledgement. A limit below the present use ends nothing: it only
 *                           refuses what is new. EPERM beyond the ceiling that namespaces of other
 *                           user namespaces have (a tenth of the table).
 *
 *   CALLGATE_A_SETTINGS          nest                                            default  range
 *     CALLGATE_C_CALLS_HOST      u32  calls at once, per inside host              1024  1 - 1000000
 *     CALLGATE_C_CALLS           u32  calls at once, in all                      65536  1 - 1000000
 *     CALLGATE_C_PINHOLES_HOST   u32  pinholes at once, per inside host           4096  1 - 1000000
 *     CALLGATE_C_PINHOLES        u32  pinholes at once, in all                  131072  1 - 4000000
 *     CALLGATE_C_BINDINGS_HOST   u32  registrations, per inside host              1024  1 - 1000000
 *     CALLGATE_C_BINDINGS        u32  registrations, in all                      65536  1 - 1000000
 *     CALLGATE_C_TXNS            u32  transactions, in all                      131072  1 - 4000000
 *     CALLGATE_C_POOL_FIRST      u16  first port of the pool, even               16384  1024-65534
 *     CALLGATE_C_POOL_LAST       u16  last port of the pool, odd, at least 63    24575  1025-65535
 *                                     after the first; give both together. Open
 *                                     pinholes keep their ports
 *     CALLGATE_C_QUARANTINE      u32  seconds a port rests before its next use     180  0 - 3600
 *     CALLGATE_C_MARK_RELATED    u8   1: mark media as RELATED, so that "ct state    1  0 - 1
 *                                     related accept" lets it through; 0: the
 *                                     admin writes a rule for it
 *     CALLGATE_C_PUBLISH         u8   1: show pinholes as conntrack expectations     1  0 - 1
 *                                     too
 *     CALLGATE_C_SILENCE         u32  seconds without media and SIP that end a       0  0 (off),
 *                                     call                                              60-604800
 *     CALLGATE_C_AGE             u32  seconds after its beginning that end a call    0  0 (off),
 *                                     without media and SIP                             60-31536000
 *     CALLGATE_C_STRICT          u8   1: a Contact port other than the one that SIP   0  0 - 1
 *                                     is sent from is never opened; 0: it is, from
 *                                     the 2xx on that confirms it
 *     CALLGATE_C_MODE            u8   enum callgate_mode, see MODE_SET                3  1 - 3
 *
 * CALLGATE_CMD_CALL_GET     dump. With CALLGATE_A_ID only that call; an unknown id gives an empty
 *                           dump. Answers, CALLGATE_CMD_CALL_GET, in the order of the ids (the
 *                           order in which calls began):
 *
 *   CALLGATE_A_SEQ          u64     number of the last event when this part was made
 *   CALLGATE_A_CALL         nest
 *     CALLGATE_CALL_ID      u64     the module's own number of the call: not used twice while the
 *                                   module is loaded
 *     CALLGATE_CALL_STATE   u8      enum callgate_call_state
 *     CALLGATE_CALL_DIR     u8      enum callgate_dir: where the first request came from
 *     CALLGATE_CALL_FLAGS   flags   enum callgate_call_flags
 *     CALLGATE_CALL_CALLID  string  Call-ID, 255
 *     CALLGATE_CALL_FROM    string  From URI, 255
 *     CALLGATE_CALL_TO      string  To URI, 255
 *     CALLGATE_CALL_FTAG    string  tag of the caller, 127
 *     CALLGATE_CALL_START   time    first request
 *     CALLGATE_CALL_ANSWER  time    first 2xx
 *     CALLGATE_CALL_DEADLINE time   end by the session timer
 *     CALLGATE_CALL_HOST    endpoint  the inside host as it sends SIP
 *     CALLGATE_CALL_PEER    endpoint  the other side of that flow
 *     CALLGATE_CALL_LEGS    nest[]  dialogs of this call
 *       CALLGATE_LEG_TAG    string  tag of the called side, 127
 *       CALLGATE_LEG_STATE  u8      enum callgate_call_state
 *     CALLGATE_CALL_PINHOLES nest[] those of another host than HOST only once both sides spoke
 *       CALLGATE_P_STREAM   u16     number of the m= line, from 0
 *       CALLGATE_P_COMP     u8      enum callgate_comp
 *       CALLGATE_P_PROTO    u8      IPPROTO_UDP or IPPROTO_TCP
 *       CALLGATE_P_SIDE     u8      enum callgate_dir: OUT: the inside address is the caller's
 *       CALLGATE_P_FLAGS    flags   enum callgate_pin_flags
 *       CALLGATE_P_INSIDE   endpoint  what the phone wrote
 *       CALLGATE_P_PUBLIC   endpoint  what the other side was told; equal to INSIDE where nothing
 *                                     is translated
 *       CALLGATE_P_PEERS    nest[]  who may send
 *         CALLGATE_PEER_ENDPOINT  endpoint
 *         CALLGATE_PEER_FLAGS     flags  enum callgate_peer_flags
 *       CALLGATE_P_FLOWS    u32     live conntrack entries
 *       CALLGATE_P_PKTS_IN  u64     packets and bytes to the inside host, then from it: of the live
 *       CALLGATE_P_BYTES_IN u64     conntrack entries. Absent where the kernel does not count them
 *       CALLGATE_P_PKTS_OUT u64     (net.netfilter.nf_conntrack_acct; flows in a flowtable need its
 *       CALLGATE_P_BYTES_OUT u64    "counter")
 *
 *   A call with more pinholes than fit in one message goes on in the next: the same
 *   CALLGATE_CALL_ID and the flag CALLGATE_CALL_F_CONTINUED, further PINHOLES, and nothing else.
 *
 * CALLGATE_CMD_CALL_DEL     do, CALLGATE_A_ID (u64). Ends that call: its pinholes and its live
 *                           media entries go, the parties are not told (the module speaks no SIP of
 *                           its own). ENOENT: no such call.
 *
 * CALLGATE_CMD_BINDING_GET  dump, no attributes. Answers, CALLGATE_CMD_BINDING_GET:
 *
 *   CALLGATE_A_SEQ          u64
 *   CALLGATE_A_BINDING      nest
 *     CALLGATE_B_ID         u64     not used twice while the module is loaded
 *     CALLGATE_B_AOR        string  address of record: the To URI of the REGISTER, 255
 *     CALLGATE_B_CONTACT    string  Contact URI as the phone wrote it, 255
 *     CALLGATE_B_INSIDE     endpoint  where requests for it go
 *     CALLGATE_B_PUBLIC     endpoint  host and port that the registrar was told
 *     CALLGATE_B_REGISTRAR  endpoint
 *     CALLGATE_B_SINCE      time    first seen
 *     CALLGATE_B_EXPIRES    time    end of the granted lifetime
 *
 * CALLGATE_CMD_REASON_GET   dump, no attributes: all reasons, counted or not. Answers,
 *                           CALLGATE_CMD_REASON_GET:
 *
 *   CALLGATE_A_REASON       nest
 *     CALLGATE_R_NAME       reason
 *     CALLGATE_R_COUNT      u64
 *     CALLGATE_R_KIND       u8      enum callgate_reason_kind
 *     CALLGATE_R_HELP       string  one line for people, 127
 *
 * CALLGATE_CMD_MODE_SET     do. The mode of an inside host or network, new or changed. What is done
 *                           with a message is the lowest of three: the mode of the rule (helper
 *                           callgate: translate; callgate-open: open), CALLGATE_C_MODE, and that
 *                           of the inside host, which is the longest prefix that has it (none:
 *                           translate). Where nothing is translated both ends are inside: the
 *                           longer of their prefixes counts, of two that are equal the lower
 *                           mode. A call goes on as it began, and so does a request with its
 *                           answer. In mode off all other messages pass untouched and make no
 *                           state; what there is already keeps its pinholes until its own end.
 *                           At most 256 in each namespace: ENOSPC.
 *
 *   CALLGATE_A_MODE         nest
 *     CALLGATE_M_PREFIX     prefix  bits beyond its length do not count
 *     CALLGATE_M_MODE       u8      enum callgate_mode
 *
 * CALLGATE_CMD_MODE_DEL     do. CALLGATE_A_MODE with CALLGATE_M_PREFIX: that one is removed
 *                           (ENOENT: there is none). Without CALLGATE_A_MODE: all of them.
 *
 * CALLGATE_CMD_MODE_GET     dump, no attributes. Answers, CALLGATE_CMD_MODE_GET: CALLGATE_A_MODE
 *                           with both members, the longest prefix first.
 *
 * CALLGATE_CMD_PROVIDER_SET do. A set of hosts that are one provider, new or replaced. To a phone
 *                           that registered at one of them, or called through it, all of them may
 *                           send SIP. Hosts in the Service-Route of its registration may do so
 *                           without a set. Never media: that comes from where SDP says. At most
 *                           64 sets and 256 members in all in each namespace: ENOSPC. EINVAL: no
 *                           member, a prefix of length 0, or a name with other characters than
 *                           letters, digits, and "._-".
 *
 *   CALLGATE_A_PROVIDER     nest
 *     CALLGATE_V_NAME       string  1 - 31
 *     CALLGATE_V_MEMBERS    nest[]
 *       CALLGATE_M_PREFIX   prefix
 *
 * CALLGATE_CMD_PROVIDER_DEL do. CALLGATE_A_PROVIDER with CALLGATE_V_NAME: that set is removed
 *                           (ENOENT: there is none). Without CALLGATE_A_PROVIDER: all of them.
 *
 * CALLGATE_CMD_PROVIDER_GET dump, no attributes. Answers, CALLGATE_CMD_PROVIDER_GET:
 *                           CALLGATE_A_PROVIDER with both members, one answer for each member of
 *                           a set; those of one set follow one another.
 *
 * MULTICAST GROUPS
 *
 * "events", CALLGATE_CMD_EVENT:
 *
 *   CALLGATE_A_SEQ          u64     its number
 *   CALLGATE_A_EVENT        nest
 *     CALLGATE_E_KIND       u8      enum callgate_event_kind
 *     CALLGATE_E_TIME       time
 *     CALLGATE_E_REASON     reason  why it ended, which limit was hit; absent where there is
 *                                   nothing to say
 *     CALLGATE_E_HOST       endpoint  LIMIT only: the inside host
 *   CALLGATE_A_CALL         nest    CALL_*: as above, without PINHOLES
 *   CALLGATE_A_BINDING      nest    BINDING_*: as above
 *
 * "trace", CALLGATE_CMD_TRACE: one for each packet that a helper of ours sees, and one for each
 * pinhole opened, closed or refused. Nothing is computed while nobody listens.
 *
 *   CALLGATE_A_SEQ          u64     number of the trace message, counted apart from the events,
 *                                   while somebody listens
 *   CALLGATE_A_TRACE        nest
 *     CALLGATE_T_KIND       u8      enum callgate_trace_kind
 *     CALLGATE_T_TIME       u64     nanoseconds of CLOCK_REALTIME
 *     CALLGATE_T_CALL       u64     id of the call; absent: belongs to none
 *     CALLGATE_T_VERDICT    u8      enum callgate_verdict
 *     CALLGATE_T_REASON     reason
 *     CALLGATE_T_DETAIL     string  the parser's reason for a bad message, 31; may be absent
 *    MESSAGE only:
 *     CALLGATE_T_DIR        u8      enum callgate_dir
 *     CALLGATE_T_SRC        endpoint  as the sender sent it
 *     CALLGATE_T_DST        endpoint
 *     CALLGATE_T_NSRC       endpoint  as it leaves the router
 *     CALLGATE_T_NDST       endpoint
 *     CALLGATE_T_METHOD     string  of the request, or that of CSeq in a response, 31
 *     CALLGATE_T_STATUS     u16     of a response
 *     CALLGATE_T_URI        string  Request-URI as it came, or the reason phrase of a response, 255
 *     CALLGATE_T_CALLID     string  255
 *     CALLGATE_T_CSEQ       u32
 *     CALLGATE_T_SIZE_IN    u32     bytes of SIP before and after
 *     CALLGATE_T_SIZE_OUT   u32
 *     CALLGATE_T_EDITS      nest[]  in the order of the message
 *       CALLGATE_X_FIELD    string  name of the header field, "request-uri", or "sdp c=" and the
 *                                   like, 31
 *       CALLGATE_X_REASON   reason
 *       CALLGATE_X_OFFSET   u32     place in the message as it came
 *       CALLGATE_X_BEFORE   string  127
 *       CALLGATE_X_AFTER    string  127
 *     CALLGATE_T_OMITTED    u32     edits that did not fit here; absent: none
 *     CALLGATE_T_KEPT       nest[]  addresses that look private and were left alone, at most 24
 *       CALLGATE_X_FIELD    string  as above; also "from", "to", "call_id", "identity"
 *       CALLGATE_X_REASON   reason  why
 *       CALLGATE_X_OFFSET   u32
 *       CALLGATE_X_BEFORE   string  127
 *    PIN_* only:
 *     CALLGATE_T_PIN        nest    CALLGATE_P_*, as above
 *
 * ORDER
 *
 *   Events of a namespace are numbered from 1 without gaps, whether somebody listens or not. To
 *   follow the state: join "events", then dump; apply the events whose number is above the
 *   CALLGATE_A_SEQ of the first part of the dump; an event about an object that the dump already
 *   shows in that state changes nothing. After a number was skipped or the socket gave ENOBUFS:
 *   dump again. A dump sees every object that exists from its beginning to its end, none of them
 *   twice; NLM_F_DUMP_INTR says that objects came or went meanwhile. Losing a trace message loses
 *   nothing else.
 *
 * ERRORS
 *
 *   EPERM, EINVAL, ERANGE, ENOENT, ENOSPC as said above; ENOMEM; EOPNOTSUPP for a command this
 *   module does not know. ENOENT for the family itself: the module is not loaded.
 */
#ifndef _UAPI_CALLGATE_H
#define _UAPI_CALLGATE_H

#define CALLGATE_GENL_NAME	"callgate"
#define CALLGATE_GENL_VERSION	1
#define CALLGATE_API		4
#define CALLGATE_MCGRP_EVENTS	"events"
#define CALLGATE_MCGRP_TRACE	"trace"

/* Room for each string, its NUL included. */
#define CALLGATE_NAME_MAX	32
#define CALLGATE_TAG_MAX	128
#define CALLGATE_TEXT_MAX	128
#define CALLGATE_URI_MAX	256

enum callgate_cmd {
	CALLGATE_CMD_UNSPEC,
	CALLGATE_CMD_STATUS_GET,
	CALLGATE_CMD_SET,
	CALLGATE_CMD_CALL_GET,
	CALLGATE_CMD_CALL_DEL,
	CALLGATE_CMD_BINDING_GET,
	CALLGATE_CMD_REASON_GET,
	CALLGATE_CMD_EVENT,		/* kernel to program only */
	CALLGATE_CMD_TRACE,		/* kernel to program only */
	CALLGATE_CMD_MODE_GET,
	CALLGATE_CMD_MODE_SET,
	CALLGATE_CMD_MODE_DEL,
	CALLGATE_CMD_PROVIDER_GET,
	CALLGATE_CMD_PROVIDER_SET,
	CALLGATE_CMD_PROVIDER_DEL,
	/* from here on: callgate_gateway.h */
	CALLGATE_CMD_ATTACH,
	CALLGATE_CMD_CLAIM,
	CALLGATE_CMD_DETACH,
	CALLGATE_CMD_SOCKET_GET,
	CALLGATE_CMD_GATE_GET,
	CALLGATE_CMD_GATE_SET,
	CALLGATE_CMD_LOCATION_GET,
	CALLGATE_CMD_LOCATION_SET,
	CALLGATE_CMD_LOCATION_DEL,
	CALLGATE_CMD_LOCATION_FLUSH,
	CALLGATE_CMD_LOCATE,
	CALLGATE_CMD_MEDIA,
	__CALLGATE_CMD_MAX
};
#define CALLGATE_CMD_MAX (__CALLGATE_CMD_MAX - 1)

/* Top level of every message. The member of a nest[] is always of type CALLGATE_LIST_ITEM. */
#define CALLGATE_LIST_ITEM 1

enum callgate_attr {
	CALLGATE_A_UNSPEC,
	CALLGATE_A_PAD,
	CALLGATE_A_SEQ,
	CALLGATE_A_ID,
	CALLGATE_A_STATUS,
	CALLGATE_A_SETTINGS,
	CALLGATE_A_CALL,
	CALLGATE_A_BINDING,
	CALLGATE_A_REASON,
	CALLGATE_A_EVENT,
	CALLGATE_A_TRACE,
	CALLGATE_A_MODE,
	CALLGATE_A_PROVIDER,
	CALLGATE_A_SOCKET,
	CALLGATE_A_GATE,
	CALLGATE_A_LOCATION,
	CALLGATE_A_LOCATE,
	CALLGATE_A_MEDIA,
	__CALLGATE_A_MAX
};
#define CALLGATE_A_MAX (__CALLGATE_A_MAX - 1)

enum callgate_status_attr {
	CALLGATE_S_UNSPEC,
	CALLGATE_S_PAD,
	CALLGATE_S_VERSION,
	CALLGATE_S_API,
	CALLGATE_S_SINCE,
	CALLGATE_S_CALLS,
	CALLGATE_S_PINHOLES,
	CALLGATE_S_BINDINGS,
	CALLGATE_S_GHOSTS,
	CALLGATE_S_TXNS,
	CALLGATE_S_HOSTS,
	CALLGATE_S_MEMORY,
	CALLGATE_S_FLOWS,
	CALLGATE_S_SEEN,
	CALLGATE_S_EDITED,
	CALLGATE_S_PASSED,
	CALLGATE_S_DROPPED,
	CALLGATE_S_REASONS,
	CALLGATE_S_CHANGED,
	__CALLGATE_S_MAX
};
#define CALLGATE_S_MAX (__CALLGATE_S_MAX - 1)

enum callgate_setting_attr {
	CALLGATE_C_UNSPEC,
	CALLGATE_C_PAD,
	CALLGATE_C_CALLS_HOST,
	CALLGATE_C_CALLS,
	CALLGATE_C_PINHOLES_HOST,
	CALLGATE_C_PINHOLES,
	CALLGATE_C_BINDINGS_HOST,
	CALLGATE_C_BINDINGS,
	CALLGATE_C_TXNS,
	CALLGATE_C_POOL_FIRST,
	CALLGATE_C_POOL_LAST,
	CALLGATE_C_QUARANTINE,
	CALLGATE_C_MARK_RELATED,
	CALLGATE_C_PUBLISH,
	CALLGATE_C_SILENCE,
	CALLGATE_C_AGE,
	CALLGATE_C_STRICT,
	CALLGATE_C_MODE,
	__CALLGATE_C_MAX
};
#define CALLGATE_C_MAX (__CALLGATE_C_MAX - 1)

enum callgate_mode_attr {
	CALLGATE_M_UNSPEC,
	CALLGATE_M_PREFIX,
	CALLGATE_M_MODE,
	__CALLGATE_M_MAX
};
#define CALLGATE_M_MAX (__CALLGATE_M_MAX - 1)

enum callgate_provider_attr {
	CALLGATE_V_UNSPEC,
	CALLGATE_V_NAME,
	CALLGATE_V_MEMBERS,
	__CALLGATE_V_MAX
};
#define CALLGATE_V_MAX (__CALLGATE_V_MAX - 1)

enum callgate_reason_attr {
	CALLGATE_R_UNSPEC,
	CALLGATE_R_PAD,
	CALLGATE_R_NAME,
	CALLGATE_R_COUNT,
	CALLGATE_R_KIND,
	CALLGATE_R_HELP,
	__CALLGATE_R_MAX
};
#define CALLGATE_R_MAX (__CALLGATE_R_MAX - 1)

enum callgate_call_attr {
	CALLGATE_CALL_UNSPEC,
	CALLGATE_CALL_PAD,
	CALLGATE_CALL_ID,
	CALLGATE_CALL_STATE,
	CALLGATE_CALL_DIR,
	CALLGATE_CALL_FLAGS,
	CALLGATE_CALL_CALLID,
	CALLGATE_CALL_FROM,
	CALLGATE_CALL_TO,
	CALLGATE_CALL_FTAG,
	CALLGATE_CALL_START,
	CALLGATE_CALL_ANSWER,
	CALLGATE_CALL_DEADLINE,
	CALLGATE_CALL_HOST,
	CALLGATE_CALL_PEER,
	CALLGATE_CALL_LEGS,
	CALLGATE_CALL_PINHOLES,
	__CALLGATE_CALL_MAX
};
#define CALLGATE_CALL_MAX (__CALLGATE_CALL_MAX - 1)

enum callgate_leg_attr {
	CALLGATE_LEG_UNSPEC,
	CALLGATE_LEG_TAG,
	CALLGATE_LEG_STATE,
	__CALLGATE_LEG_MAX
};
#define CALLGATE_LEG_MAX (__CALLGATE_LEG_MAX - 1)

enum callgate_pin_attr {
	CALLGATE_P_UNSPEC,
	CALLGATE_P_PAD,
	CALLGATE_P_STREAM,
	CALLGATE_P_COMP,
	CALLGATE_P_PROTO,
	CALLGATE_P_SIDE,
	CALLGATE_P_FLAGS,
	CALLGATE_P_INSIDE,
	CALLGATE_P_PUBLIC,
	CALLGATE_P_PEERS,
	CALLGATE_P_FLOWS,
	CALLGATE_P_PKTS_IN,
	CALLGATE_P_BYTES_IN,
	CALLGATE_P_PKTS_OUT,
	CALLGATE_P_BYTES_OUT,
	__CALLGATE_P_MAX
};
#define CALLGATE_P_MAX (__CALLGATE_P_MAX - 1)

enum callgate_peer_attr {
	CALLGATE_PEER_UNSPEC,
	CALLGATE_PEER_ENDPOINT,
	CALLGATE_PEER_FLAGS,
	__CALLGATE_PEER_MAX
};
#define CALLGATE_PEER_MAX (__CALLGATE_PEER_MAX - 1)

enum callgate_binding_attr {
	CALLGATE_B_UNSPEC,
	CALLGATE_B_PAD,
	CALLGATE_B_ID,
	CALLGATE_B_AOR,
	CALLGATE_B_CONTACT,
	CALLGATE_B_INSIDE,
	CALLGATE_B_PUBLIC,
	CALLGATE_B_REGISTRAR,
	CALLGATE_B_SINCE,
	CALLGATE_B_EXPIRES,
	__CALLGATE_B_MAX
};
#define CALLGATE_B_MAX (__CALLGATE_B_MAX - 1)

enum callgate_event_attr {
	CALLGATE_E_UNSPEC,
	CALLGATE_E_PAD,
	CALLGATE_E_KIND,
	CALLGATE_E_TIME,
	CALLGATE_E_REASON,
	CALLGATE_E_HOST,
	__CALLGATE_E_MAX
};
#define CALLGATE_E_MAX (__CALLGATE_E_MAX - 1)

enum callgate_trace_attr {
	CALLGATE_T_UNSPEC,
	CALLGATE_T_PAD,
	CALLGATE_T_KIND,
	CALLGATE_T_TIME,
	CALLGATE_T_CALL,
	CALLGATE_T_VERDICT,
	CALLGATE_T_REASON,
	CALLGATE_T_DETAIL,
	CALLGATE_T_DIR,
	CALLGATE_T_SRC,
	CALLGATE_T_DST,
	CALLGATE_T_NSRC,
	CALLGATE_T_NDST,
	CALLGATE_T_METHOD,
	CALLGATE_T_STATUS,
	CALLGATE_T_URI,
	CALLGATE_T_CALLID,
	CALLGATE_T_CSEQ,
	CALLGATE_T_SIZE_IN,
	CALLGATE_T_SIZE_OUT,
	CALLGATE_T_EDITS,
	CALLGATE_T_OMITTED,
	CALLGATE_T_PIN,
	CALLGATE_T_KEPT,
	__CALLGATE_T_MAX
};
#define CALLGATE_T_MAX (__CALLGATE_T_MAX - 1)

enum callgate_edit_attr {
	CALLGATE_X_UNSPEC,
	CALLGATE_X_FIELD,
	CALLGATE_X_REASON,
	CALLGATE_X_OFFSET,
	CALLGATE_X_BEFORE,
	CALLGATE_X_AFTER,
	__CALLGATE_X_MAX
};
#define CALLGATE_X_MAX (__CALLGATE_X_MAX - 1)

enum callgate_mode {
	CALLGATE_MODE_OFF = 1,		/* not looked at */
	CALLGATE_MODE_OPEN = 2,		/* pinholes are opened, nothing is edited */
	CALLGATE_MODE_TRANSLATE = 3,
};

enum callgate_dir {
	CALLGATE_DIR_OUT = 1,		/* from an inside host to the outside */
	CALLGATE_DIR_IN = 2,		/* from the outside to an inside host */
	CALLGATE_DIR_THROUGH = 3,	/* nothing is translated: both sides are equal to us */
};

enum callgate_call_state {
	CALLGATE_CALL_EARLY = 1,	/* no 2xx yet */
	CALLGATE_CALL_ANSWERED = 2,
	CALLGATE_CALL_ENDING = 3,	/* BYE or final refusal seen */
};

enum callgate_call_flags {
	CALLGATE_CALL_F_CONTINUED = 1 << 0,	/* further pinholes of the call before */
	CALLGATE_CALL_F_OPEN = 1 << 1,		/* helper callgate-open or mode open: not edited */
};

enum callgate_comp {
	CALLGATE_COMP_OTHER = 0,	/* T.38, MSRP, BFCP, data */
	CALLGATE_COMP_RTP = 1,
	CALLGATE_COMP_RTCP = 2,
};

enum callgate_pin_flags {
	CALLGATE_PIN_PENDING = 1 << 0,		/* offered, not answered */
	CALLGATE_PIN_COMMITTED = 1 << 1,	/* offer and answer agree on it */
	CALLGATE_PIN_PUBLISHED = 1 << 2,	/* also in the table of conntrack expectations */
	CALLGATE_PIN_BOUND = 1 << 3,		/* media came or went */
	CALLGATE_PIN_RELATCHED = 1 << 4,	/* the one change of the remote source is used up */
	CALLGATE_PIN_MUX = 1 << 5,		/* RTP and RTCP on one port */
	CALLGATE_PIN_POOL = 1 << 6,		/* public port from the pool, not the phone's own */
};

enum callgate_peer_flags {
	CALLGATE_PEER_SIGNALLED = 1 << 0,	/* from SDP */
	CALLGATE_PEER_LATCHED = 1 << 1,		/* media came from it */
	CALLGATE_PEER_ANY_PORT = 1 << 2,
	CALLGATE_PEER_ANY_ADDR = 1 << 3,
};

enum callgate_reason_kind {
	CALLGATE_REASON_PASS = 1,	/* packets sent on byte-identical */
	CALLGATE_REASON_EDIT = 2,	/* fields edited */
	CALLGATE_REASON_DROP = 3,	/* packets dropped */
	CALLGATE_REASON_PIN = 4,	/* pinholes refused, closed or changed */
	CALLGATE_REASON_CALL = 5,	/* calls begun and ended */
	CALLGATE_REASON_BINDING = 6,	/* registrations learned and ended */
	CALLGATE_REASON_LIMIT = 7,	/* limits hit */
	CALLGATE_REASON_OTHER = 8,
	CALLGATE_REASON_FORWARD = 9,	/* datagrams to our own address: who took them, and why */
};

enum callgate_event_kind {
	CALLGATE_EVENT_CALL_NEW = 1,
	CALLGATE_EVENT_CALL_ANSWERED = 2,
	CALLGATE_EVENT_CALL_CHANGED = 3,	/* an offer was answered or refused */
	CALLGATE_EVENT_CALL_END = 4,
	CALLGATE_EVENT_BINDING_NEW = 5,
	CALLGATE_EVENT_BINDING_REFRESH = 6,
	CALLGATE_EVENT_BINDING_END = 7,
	CALLGATE_EVENT_LIMIT = 8,		/* at most one each second and limit */
};

enum callgate_trace_kind {
	CALLGATE_TRACE_MESSAGE = 1,
	CALLGATE_TRACE_PIN_OPEN = 2,
	CALLGATE_TRACE_PIN_CLOSE = 3,
	CALLGATE_TRACE_PIN_REFUSED = 4,
};

enum callgate_verdict {
	CALLGATE_VERDICT_PASS = 1,
	CALLGATE_VERDICT_EDIT = 2,
	CALLGATE_VERDICT_DROP = 3,
};

#endif /* _UAPI_CALLGATE_H */
