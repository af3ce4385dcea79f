/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* setresuid */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"

#define BIT(cap) (1u << (cap))
#define NETWORK (BIT(CAP_NET_ADMIN) | BIT(CAP_NET_BIND_SERVICE))
#define FILES (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_CHOWN))

/* The C library has no functions for these; libcap would be one more library for two calls. */
static int keep(uint32_t wanted)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].permitted &= wanted;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	memset(&data[1], 0, sizeof(data[1]));
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

bool privileges_network(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	return !syscall(SYS_capget, &head, data) && data[0].effective & BIT(CAP_NET_ADMIN);
}

static int become(const struct passwd *pw)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || initgroups(pw->pw_name, pw->pw_gid) ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		return -errno;
	return prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) ? -errno : 0;
}

int privileges_drop(const char *user, char why[static 256])
{
	const struct passwd *pw = user ? getpwnam(user) : NULL;
	uint32_t wanted = NETWORK;
	int err = 0;

	if (user && !pw) {
		snprintf(why, 256, "there is no user '%.64s': create it with 'useradd --system'",
			 user);
		return -ENOENT;
	}
	if (pw && pw->pw_uid != geteuid())
		err = become(pw);
	if (!geteuid())
		wanted |= FILES;
	if (!err)
		err = keep(wanted);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (err)
		snprintf(why, 256, "cannot become user '%.64s': %s: start it as root, or as that "
			 "user", user ? user : "root", strerror(-err));
	return err;
}

void privileges_folder(const char *file, const char *user, unsigned int mode)
{
	const struct passwd *pw = user ? getpwnam(user) : NULL;
	const char *slash = strrchr(file, '/');
	char *folder = slash && slash > file ? strndup(file, (size_t)(slash - file)) : NULL;

	if (folder && !mkdir(folder, mode)) {
		log_info("made the folder %s", folder);
		if (pw && chown(folder, pw->pw_uid, pw->pw_gid))
			log_warn("%s: %s: it should belong to %s", folder, strerror(errno), user);
	}
	/* what is missing is said by whoever opens the file */
	free(folder);
}
