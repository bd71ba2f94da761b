# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""What is left to the daemon once it serves: asked of the kernel, not of the daemon."""
import grp
import os
import pathlib
import pwd

from client import Client, ask
from daemon import Daemon, binary, need_root, new_root, scratch
from tap import check, equal, test


def _ids(daemon, name):
    return [int(number) for number in daemon.status(name).split()]


@test
def as_root_it_becomes_the_user_and_keeps_nothing_of_root():
    need_root()
    user = pwd.getpwnam("nobody")
    with Daemon(command=["setpriv", "--groups=0,4,24", binary()]) as daemon:
        for _ in range(2):
            equal(_ids(daemon, "Uid"), [user.pw_uid] * 4, "real, effective, saved and file system user")
            equal(_ids(daemon, "Gid"), [user.pw_gid] * 4, "and group")
            equal(daemon.status("Groups"), "", "no further groups")
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                equal(int(daemon.status(name), 16), 0, name)
            equal(daemon.status("NoNewPrivs"), "1", "no new privileges")
            ask(daemon, "POST", "/?LED", body="1")


@test
def as_root_its_root_and_directory_are_the_static_path():
    need_root()
    root = new_root()
    with Daemon(root) as daemon:
        for name in ("root", "cwd"):
            link = pathlib.Path(f"/proc/{daemon.pid}/{name}")
            check(os.path.samefile(link, root), f"/proc/PID/{name}", got=os.readlink(link), expected=str(root))


@test
def the_group_is_the_users_own_or_the_one_that_is_named():
    need_root()
    named = next(g for g in grp.getgrall() if g.gr_gid not in (0, pwd.getpwnam("nobody").pw_gid))
    with Daemon(GROUP=named.gr_name) as daemon:
        equal(_ids(daemon, "Gid"), [named.gr_gid] * 4, "the named group")
        equal(daemon.status("Groups"), "", "and no other")


@test
def without_a_user_root_keeps_no_capability_and_is_jailed_all_the_same():
    need_root()
    root = new_root()
    with Daemon(root, USER=None) as daemon:
        check(os.path.samefile(f"/proc/{daemon.pid}/root", root), "its root")
        equal((int(daemon.status("CapEff"), 16), int(daemon.status("CapPrm"), 16), daemon.status("NoNewPrivs")), (0, 0, "1"), "its rights")


@test
def as_another_user_it_serves_without_being_root():
    need_root()
    root = new_root()
    user = pwd.getpwnam("nobody")
    for path in (root, root / "index.html"):
        os.chown(path, user.pw_uid, user.pw_gid)

    # A binary below a directory that only root may enter could not be started by somebody else.
    copy = scratch()
    copy.chmod(0o755)
    (copy / "httapd").write_bytes(pathlib.Path(binary()).read_bytes())
    (copy / "httapd").chmod(0o755)
    command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", str(copy / "httapd")]
    with Daemon(root, command=command) as daemon:
        equal(_ids(daemon, "Uid"), [user.pw_uid] * 4, "the user it was started as")
        equal(daemon.status("NoNewPrivs"), "1", "no new privileges")
        equal(ask(daemon, target="/").status, 200, "it serves files")
        equal(ask(daemon, "POST", "/?LED", body="1").status, 200, "and signals")


@test
def no_descriptor_leads_out_of_the_jail():
    """After chroot an open directory outside would be a way out."""
    with Daemon() as daemon:
        directories = []
        for fd in os.listdir(f"/proc/{daemon.pid}/fd"):
            path = f"/proc/{daemon.pid}/fd/{fd}"
            if os.path.isdir(path) and not os.path.samefile(path, daemon.root):
                directories.append(os.readlink(path))
        equal(directories, [], "directories beside the static root")


@test
def nothing_is_inherited_by_a_program_that_it_would_start():
    with Daemon() as daemon, Client(daemon) as client:
        client.ask()
        for fd in os.listdir(f"/proc/{daemon.pid}/fd"):
            if int(fd) > 2:
                flags = pathlib.Path(f"/proc/{daemon.pid}/fdinfo/{fd}").read_text().split("flags:")[1].split()[0]
                check(int(flags, 8) & 0o2000000, f"descriptor {fd} is closed on exec", target=os.readlink(f"/proc/{daemon.pid}/fd/{fd}"))
