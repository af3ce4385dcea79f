/* SPDX-License-Identifier: BSD-2-Clause */
/* Do the tables of the module agree with one another? */
#ifndef PIPELINE_TABLES_H
#define PIPELINE_TABLES_H

/*
 * Lists, counts and limits; every pinhole belongs to a live call, to the signalling or to the
 * quarantine, and is in both its tables. NULL, or what does not fit.
 */
const char *tables_check(void);

/* Below 1024, or a service that no message may open (a list of its own, not the module's). */
bool is_service(unsigned int port);

#endif /* PIPELINE_TABLES_H */
