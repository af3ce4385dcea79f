/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake_refresh: phones that sleep are woken to refresh their registrations (RFC 8599 5.2):
 * PUSH_EARLY seconds before the end, of brief ones at half of the time; then again at half of what
 * is left, as long as that is worth it. Not who says by "sip.pnsreg" that it wakes by itself.
 *
 * However many are due at once: every WAKE_REFRESH_MS one push is begun, the earliest due first.
 */
#ifndef WAKE_REFRESH_H
#define WAKE_REFRESH_H

#include <stddef.h>

struct config;

#define WAKE_REFRESH_MS 100

/* For the contacts that are there, and for those that come. */
int wake_refresh_open(void);
/* After each change of the settings. */
void wake_refresh_configured(const struct config *c);
size_t wake_refresh_count(void);
void wake_refresh_close(void);

#endif
