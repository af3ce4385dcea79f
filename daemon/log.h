/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log: three levels of blame. fatal: callgated cannot go on (our fault, or nothing left to do);
 * warn: the surroundings (a disk, a network, a file) need the admin; info: what a peer did, with
 * its address and the reason. debug is off unless asked for.
 *
 * To standard error, one line each, with systemd's "<N>" prefix when it reads us. Text of peers is
 * cleaned (text_clean). log_info() about peers is rated: 20 lines a second, then the number of
 * lines left out; it is for the loop's thread alone, the others may be called from any.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_FATAL, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above @level are left out. May be called again. */
void log_setup(enum log_level level);
bool log_wants(enum log_level level);
void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
