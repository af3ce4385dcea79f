/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Inside this directory only: the scanners that the header files share. */
#ifndef SIP_VALUE_H
#define SIP_VALUE_H

#include "hdr.h"

/* Behind the quoted string that begins at @pos, or 0 when it does not end before @end. */
u32 sip_quoted_end(const u8 *buf, u32 pos, u32 end);

/* name[=value] at *@pos, with blanks around; *@pos moves behind it. Returns 0 or a reason. */
int sip_param_scan(const u8 *buf, u32 *pos, u32 end, struct sip_param *p);

/* Checks all values of a Via line; the first of the message becomes m->via. */
int sip_check_vias(struct sip_msg *m, struct sip_str s);

/* Checks the value of header @id, first line or not, and stores what struct sip_msg holds of it. */
int sip_check_header(struct sip_msg *m, u32 id, struct sip_str value);

#endif /* SIP_VALUE_H */
