/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * service: what callgated tells whoever started it, and gets from it, by the protocol of
 * sd_notify(3) and sd_listen_fds(3). Plain datagrams and variables: no library is needed, and
 * without systemd nothing happens.
 */
#ifndef SERVICE_H
#define SERVICE_H

struct loop;
struct endpoint;

/* Before privileges are dropped: it may be root's alone to connect. */
void service_open(void);
void service_close(void);

/* "READY=1", "STOPPING=1", "STATUS=..." */
void service_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "RELOADING=1" with its time. */
void service_reloading(void);
/* A sign of life from the loop, at half the interval that is asked for; 0 or -ENOMEM. */
int service_watchdog(struct loop *l);
void service_watchdog_stop(void);

/* A UDP socket that was handed over, bound to @at; -1: none is. It is given once. */
int service_socket(const struct endpoint *at);
/* Those that nobody asked for are closed, and said. */
void service_sockets_done(void);

#endif
