#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
#
# Process 1 of the guest: mounts what a Debian has mounted, makes the chip of a Raspberry Pi's header, and runs guest.py from
# RIG_DIR, a directory of the host (RIG_DIR and RIG_LIBRARY stand on the kernel's command line). The root file system is a tree of
# the host, maybe its own, and is mounted read-only: the guest writes to its tmpfs and into RIG_DIR, never anywhere else.

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# The kernel has mounted /dev itself.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t configfs configfs /sys/kernel/config
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/rig
mount -t hostfs -o "$RIG_DIR" none /run/rig
ip link set lo up

rig=/run/rig
exec >"$rig/tap" 2>"$rig/guest.err" </dev/null
cd "$rig" || exit 1

"$rig/gpio-sim" make header pinctrl-bcm2835 54
python3 -B "$rig/guest.py" "$rig/httapd" "$rig/www" "$RIG_LIBRARY"

# Debian's halt belongs to whatever init the machine has; the system call is the same everywhere.
sync
exec python3 -B -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321FEDC)'
