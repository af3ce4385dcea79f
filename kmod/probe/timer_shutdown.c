// SPDX-License-Identifier: GPL-2.0-only
#include <linux/timer.h>
int probe(struct timer_list *t);
int probe(struct timer_list *t)
{
	return timer_shutdown_sync(t);
}
