// SPDX-License-Identifier: BSD-2-Clause
/* Any bytes as SDP, in the middle of a buffer; every view of what is accepted. */
#include <stdio.h>
#include <stdlib.h>

#include "touch.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u32 skip = size > 2 ? data[0] % 3u : 0;
	const char *e;

	e = touch_sdp(data, sip_slice(skip, (u32)size), false);
	if (!e)
		e = touch_sdp(data, sip_slice(skip, (u32)size), true);
	if (e) {
		fprintf(stderr, "fuzz_sdp: %s\n", e);
		abort();
	}
	return 0;
}
