/* SPDX-License-Identifier: BSD-2-Clause */
/* udp_own: the addresses of this machine, as seen at most a second ago. */
#ifndef UDP_OWN_H
#define UDP_OWN_H

#include "model.h"

/* The port does not count. */
bool udp_own(const struct endpoint *e);
void udp_own_forget(void);

#endif
