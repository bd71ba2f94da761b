/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The jail, in the one order that works: chroot needs root; groups need root, and after setresuid they could not be changed any more;
 * the user comes last. Each step is checked, and at the end the kernel is asked what we are: a step that silently did
 * nothing must not go unseen.
 */
#include "daemon/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(struct httap_error *error, const char *step)
{
	snprintf(error->text, sizeof(error->text), "can't drop privileges: %s: %s", step, strerror(errno));
	return -1;
}

static int enter_root(int static_root, struct httap_error *error)
{
	if (fchdir(static_root) < 0)
		return fail(error, "fchdir to the static root");
	if (chroot(".") < 0)
		return fail(error, "chroot to the static root");
	/* The working directory would else be a way out, were it outside (chroot(2)); it is the same place now, by the new name. */
	if (chdir("/") < 0)
		return fail(error, "chdir in the static root");
	return 0;
}

/* The bounding set can only be lowered by who has CAP_SETPCAP; under the unit it is low already, and no_new_privs makes
 * the rest unreachable. */
static int lower_bounding_set(struct httap_error *error)
{
	for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM)
			return fail(error, "PR_CAPBSET_DROP");
	return 0;
}

static int drop_capabilities(struct httap_error *error)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	memset(data, 0, sizeof(data));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return fail(error, "PR_CAP_AMBIENT_CLEAR_ALL");
	if (syscall(SYS_capset, &header, data) < 0)
		return fail(error, "capset");
	if (syscall(SYS_capget, &header, data) < 0)
		return fail(error, "capget");
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if ((data[i].effective | data[i].permitted | data[i].inheritable) != 0) {
			errno = EPERM;
			return fail(error, "capabilities are left");
		}
	}
	return 0;
}

static int become_user(const struct config *config, struct httap_error *error)
{
	if (setgroups(0, NULL) < 0)
		return fail(error, "setgroups");
	if (setresgid(config->gid, config->gid, config->gid) < 0)
		return fail(error, "setresgid");
	if (setresuid(config->uid, config->uid, config->uid) < 0)
		return fail(error, "setresuid");
	return 0;
}

static int verify_user(const struct config *config, struct httap_error *error)
{
	uid_t uid, effective_uid, saved_uid;
	gid_t gid, effective_gid, saved_gid;

	errno = EPERM;
	if (getresuid(&uid, &effective_uid, &saved_uid) < 0 || uid != config->uid || effective_uid != config->uid ||
		saved_uid != config->uid)
		return fail(error, "the user did not change");
	if (getresgid(&gid, &effective_gid, &saved_gid) < 0 || gid != config->gid || effective_gid != config->gid ||
		saved_gid != config->gid)
		return fail(error, "the group did not change");
	if (getgroups(0, NULL) != 0)
		return fail(error, "supplementary groups are left");
	if (setuid(0) == 0 || setgid(0) == 0)
		return fail(error, "the way back to root is open");
	return 0;
}

int privilege_drop(const struct config *config, int static_root, struct httap_error *error)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(error, "PR_SET_NO_NEW_PRIVS");
	if (geteuid() != 0)
		return 0;
	if (enter_root(static_root, error) < 0 || lower_bounding_set(error) < 0)
		return -1;
	if (config->user != NULL && become_user(config, error) < 0)
		return -1;
	if (drop_capabilities(error) < 0)
		return -1;
	return config->user != NULL ? verify_user(config, error) : 0;
}
