/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads every view of an accepted message: what a helper and a proxy would do, without doing it.
 * Checks that slices stay inside and that validated headers can be walked to their end.
 */
#ifndef TESTS_UNIT_TOUCH_H
#define TESTS_UNIT_TOUCH_H

#include "body.h"
#include "msg.h"
#include "sdp.h"

/* Returns NULL, or what is wrong. */
const char *touch_message(const struct sip_msg *m);
const char *touch_sdp(const u8 *buf, struct sip_str body, bool frag);

#endif /* TESTS_UNIT_TOUCH_H */
