/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_text: the text of a configuration file as libConfuse gets it. Comments become spaces:
 * libConfuse 3.3 counts two lines too many for each "# comment" and one for each block, and every
 * error would name a wrong line.
 */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include <stddef.h>

/*
 * libConfuse takes the end of the file for the end of an open section: this option, appended to
 * the file, is known outside of sections only.
 */
#define CONFIG_END_MARK "end-of-callgate-conf"

struct config_text {
	char *text;		/* freed by the caller */
	size_t len;
	int lines;		/* of the file itself */
	int open_comment;	/* the line where a comment begins that does not end, or 0 */
};

/* 0 or -errno: -EISDIR, -EFBIG (4 MiB), -EINVAL: no file, or bytes that are no text. */
int config_text_read(const char *file, struct config_text *out);

#endif
