# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Calls that fail: each system call that the daemon makes, at start and while it serves, once by each error that its manual page knows;
memory that is not there; a disk that can't be read. Whatever fails, the daemon refuses to start with a sentence, or serves on, or ends
with a sentence; it never crashes, spins, loses descriptors, or leaves a line on.
"""
import collections
import contextlib
import concurrent.futures
import os
import re
import signal
import subprocess
import sys

from client import Client, ask, request
from daemon import IS_ROOT, SAID, Daemon, binary, is_sanitized, need_root, new_root, scratch
from events import Listener
from tap import Failure, Skip, check, equal, test, wait_until
from tools import preloaded

AT_ONCE = 8  # runs that mostly wait
# LAMP is on from the start, so that a start that fails behind it has something to switch off.
CAR = "FORWARD=GPIO23,failsafe=50ms LED=GPIO17 BUTTON=GPIO6,input LAMP=GPIO5,initial=1"
LARGE = 300000
CALL = re.compile(r"\d+ +(\w+)\((.*)")
# What differs between two calls that are the same: numbers, names of capabilities, bytes.
DETAIL = re.compile(r'0x[0-9a-f]+|CAP_\w+|"(?:[^"\\]|\\.)*"(?:\.\.\.)?|\d+')
# How each call can fail, by its manual page. A signal is what the kernel sends with it.
ERRORS = {
    "accept4": "EINTR EAGAIN ECONNABORTED EMFILE ENFILE ENOMEM ENOBUFS EPERM",
    "bind": "EADDRINUSE EACCES",
    "capget": "EPERM",
    "capset": "EPERM",
    "chdir": "EACCES EIO",
    "chroot": "EPERM EIO",
    "close": "EINTR EIO",
    "connect": "ECONNREFUSED EACCES",
    "epoll_create1": "EMFILE ENOMEM",
    "epoll_ctl": "ENOMEM ENOSPC",
    "epoll_wait": "EINTR EBADF",
    "eventfd2": "EMFILE ENOMEM",
    "fchdir": "EACCES EIO",
    "fcntl": "EACCES EINTR",
    "fstat": "EIO ENOMEM",
    "getgroups": "EINVAL",
    "getrandom": "EINTR EAGAIN ENOSYS",
    "getsockname": "ENOBUFS",
    "landlock_add_rule": "ENOMEM EBADFD",
    "landlock_create_ruleset": "ENOSYS EOPNOTSUPP ENOMEM",
    "landlock_restrict_self": "EPERM E2BIG",
    "listen": "EADDRINUSE",
    "lseek": "ESPIPE",
    "madvise": "EINVAL ENOMEM",
    "mmap": "ENOMEM",
    "munmap": "ENOMEM",
    "newfstatat": "EIO ENOMEM",
    "openat": "EMFILE ENFILE ENOMEM EIO EACCES",
    "openat2": "EMFILE ENFILE ENOMEM EIO EACCES EAGAIN ENOSYS EINTR",
    "poll": "EINTR ENOMEM",
    "prctl": "EPERM EINVAL",
    "pread64": "EIO EINTR",
    "prlimit64": "EPERM",
    "read": "EIO EINTR EAGAIN",
    "recvfrom": "EINTR EAGAIN ECONNRESET ENOMEM",
    "rt_sigaction": "EINVAL",
    "rt_sigprocmask": "EINVAL",
    "seccomp": "EINVAL ENOSYS ENOMEM EACCES",
    "sendfile": "EIO EINTR EAGAIN ENOMEM ECONNRESET EPIPE:signal=SIGPIPE",
    "sendto": "EINTR EAGAIN ECONNRESET ENOBUFS ENOMEM EPIPE",
    "setgid": "EAGAIN",
    "setgroups": "EPERM ENOMEM",
    "setresgid": "EPERM",
    "setresuid": "EPERM EAGAIN",
    "setsockopt": "ENOMEM ENOPROTOOPT",
    "setuid": "EAGAIN",
    "shutdown": "ENOTCONN ENOBUFS",
    "signalfd4": "EMFILE ENOMEM",
    "socket": "EMFILE ENFILE ENOBUFS ENOMEM EAFNOSUPPORT EACCES",
    "write": "EIO EINTR EAGAIN ENOSPC EPIPE:signal=SIGPIPE",
}
# brk(2) tells of no error: it returns the end of memory that there is, as the tests below have it.
NEVER_FAIL = {"brk", "exit_group", "geteuid", "getresgid", "getresuid", "uname"}

# A sanitizer makes calls of its own, and ends the daemon when they fail.
MEMORY = {"mmap", "munmap"}
BY_FILTER = "--seccomp-bpf"  # strace stops the daemon for the calls that it looks at alone

Point = collections.namedtuple("Point", "call number shape serving")


def _traced(trace, *expressions):
    """The command of a daemon whose calls strace writes down, or lets fail. It stays the daemon's process: see strace(1), -D."""
    return ["strace", "-D", "-f", "-qq", "-o", str(trace), *(word for e in expressions for word in ("-e", e)), binary()]


def _start(root, command, **variables):
    return Daemon(root=root, command=command, LINES=CAR, KEEPALIVE=3, **variables)


def _root():
    root = new_root()
    (root / "large").write_bytes(b"x" * LARGE)
    (root / "page.html").write_bytes(b"<!DOCTYPE html><title>page</title>\n" * 20)
    (root / "page.html.gz").write_bytes(b"\x1f\x8b" + b"x" * 100)
    return root


# --- A story in which all goes well, but for one call


def _may_fail(step):
    try:
        return step()
    except (OSError, Failure):
        return None


def _drive(daemon):
    with Client(daemon) as driver:
        for method, target, body in (("POST", "/?FORWARD", "1"), ("GET", "/?ping", None), ("GET", "/?list", None),
                                     ("POST", "/?LED", "pulse:20ms"), ("GET", "/index.html", None), ("GET", "/page.html", None),
                                     ("GET", "/large", None), ("POST", "/?stop", None), ("POST", "/?FORWARD", "0"), ("POST", "/?FORWARD", "1")):
            driver.send(request(method, target, body=body))
            driver.reply(seconds=4)


def _break_off(daemon):
    with Client(daemon) as client:
        client.send(b"BAD\r\n\r\n")
        client.read_to_end(4)
    with Client(daemon) as client:
        client.send(request(target="/large"))
        client.socket.recv(1000)
        client.reset()


def _serves(daemon):
    """Signals, files, and a driver who is missed."""
    equal(ask(daemon, "POST", "/?LED", body="1").json(), {"LED": 1}, "it writes")
    equal(len(ask(daemon, target="/large").body), LARGE, "it sends files")
    with Client(daemon) as driver:
        driver.ask("POST", "/?FORWARD", body="0")
        equal(driver.ask("POST", "/?FORWARD", body="1").json(), {"FORWARD": 1}, "he drives")
        wait_until(lambda: ask(daemon, target="/?FORWARD").json() == {"FORWARD": 0}, "and is missed")


def _tell(daemon):
    listener = _may_fail(lambda: Listener(daemon).begun())
    _may_fail(lambda: _drive(daemon))
    _may_fail(lambda: _break_off(daemon))
    if listener:
        listener.close()


def _must_have_dropped(daemon):
    """A step of privilege that failed may not have been passed over."""
    equal(daemon.status("NoNewPrivs"), "1", "no new privileges")
    if "without" not in daemon.said():
        equal(int(daemon.status("Seccomp_filters")), 1 + (BY_FILTER in daemon.process.args), "filters of system calls: its own, and that of strace")
    if IS_ROOT:
        equal(daemon.status("Groups"), "", "groups")
        check(set((daemon.status("Uid") + " " + daemon.status("Gid")).split()) == {"65534"}, "the user", got=daemon.status("Uid"))
        equal({daemon.status(name) for name in ("CapEff", "CapPrm", "CapInh")}, {"0" * 16}, "capabilities")
        check(os.path.samefile(f"/proc/{daemon.pid}/root", daemon.root), "its root is the static root")


def _must_be_off(said, status):
    """What was told of the lines last."""
    last = dict(re.findall(r"^httapd: (\w+) \d -> (\d)", said, re.M))
    check(set(last.values()) <= {"0"}, "every line is safe at the end", got=last, status=status, said=said)


def _must_speak(said, status):
    check(status in (1, 2), "it ends with status 1 or 2", status=status, said=said)
    check(said and all(SAID.fullmatch(line) for line in said.splitlines()), "and with a sentence", said=said, status=status)


def _must_refuse(facts):
    """The start was refused. The lines come last: of what can fail behind them is known what it says."""
    said, status = facts["stderr"], facts["status"]
    _must_speak(said, status)
    if re.search("can't (drop privileges|enter the sandbox|wait for inputs)", said):
        check("LAMP 1 -> 0: the start failed" in said, "its outputs are made safe", said=said)
    _must_be_off(said, status)


def _must_end(daemon, with_signal):
    """By itself with status 1, or when it is told to."""
    if with_signal:
        daemon.process.send_signal(signal.SIGTERM)
    status = daemon.process.wait(10)
    if status != 0 or not with_signal:
        _must_speak(daemon.said(), status)
    return status


def _has_ended(daemon):
    try:
        return daemon.process.wait(0.5) is not None
    except subprocess.TimeoutExpired:
        return False


def _must_serve(daemon, has_failed):
    """Once more when the call that fails came only now. False when the daemon has ended by it."""
    failed_before = has_failed()
    try:
        _serves(daemon)
    except (OSError, Failure):
        if _has_ended(daemon):
            return False
        if failed_before:
            raise
        _serves(daemon)
    return True


def _live_through(daemon, call, has_failed):
    try:
        _must_have_dropped(daemon)
    except OSError:
        if not _has_ended(daemon):
            raise
        return _must_end(daemon, False)  # before one could look
    _tell(daemon)
    if _has_ended(daemon) or not _must_serve(daemon, has_failed):
        return _must_end(daemon, False)
    # The kernel closes a descriptor also when it says that it could not, and strace does not (close(2), "Dealing with error returns").
    wait_until(lambda: daemon.descriptors() <= daemon.at_rest + (call == "close"), "no descriptor is lost")
    if call != "close":
        daemon.must_sleep()
    _may_fail(lambda: ask(daemon, "POST", "/?", body="LED=1&LAMP=1"))
    return _must_end(daemon, not _has_ended(daemon))


def _outcome(root, command, call=None, has_failed=lambda: False, **variables):
    try:
        daemon = _start(root, command, **variables)
    except Failure as failure:
        _must_refuse(failure.facts)
        return "refused"
    try:
        status = _live_through(daemon, call, has_failed)
        if call not in ("write", "poll"):
            _must_be_off(daemon.said(), status)
        return "served" if status == 0 else "ended"
    finally:
        daemon.kill()


# --- Every call


def _points(root):
    """The calls of the whole story: of those that are the same the first and the last, as in the nth call of that name."""
    trace = scratch() / "trace"
    equal(_outcome(root, _traced(trace, "trace=all")), "served", "when nothing fails")
    count, first, last, serving, loaded = collections.Counter(), {}, {}, False, False
    for line in trace.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        if not match:
            continue
        call, arguments = match[1], match[2].rsplit(") = ", 1)[0]
        count[call] += 1
        serving = serving or call == "epoll_wait"
        if loaded and call not in NEVER_FAIL and not (call == "write" and arguments.startswith("1,")):
            shape = (call, DETAIL.sub("", arguments)[:60], serving)
            last[shape] = Point(call, count[call], shape[1], serving)
            first.setdefault(shape, last[shape])
        loaded = loaded or call == "munmap"  # of what the dynamic linker had read: the last that is not ours
    return sorted(set(first.values()) | set(last.values()))


def _fails(root, point, error):
    """What became of it, "missed" when the call did not come, and what was wrong."""
    trace = scratch() / "trace"
    command = _traced(trace, f"trace={point.call}", f"inject={point.call}:error={error}:when={point.number}")
    command.insert(1, BY_FILTER)

    def has_failed():
        return "(INJECTED)" in trace.read_text(errors="replace")
    try:
        outcome, wrong = _outcome(root, command, point.call, has_failed), None
    except Exception as failure:  # pylint: disable=broad-except
        facts = getattr(failure, "facts", {})
        outcome, wrong = "wrong", f"{point.call} {error} at {point.number} ({point.shape}): {failure} {facts}"
    return outcome if has_failed() or wrong else "missed", wrong, point.call


def _all(runs):
    """All at the same time, as far as that goes; judged together."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = [future.result() for future in [pool.submit(_fails, *run) for run in runs]]
    outcomes = collections.Counter(outcome for outcome, _, _ in results)
    print("# of", len(results), "faults:", ", ".join(f"{outcome} {count}" for outcome, count in sorted(outcomes.items())))
    check(outcomes["wrong"] == 0, "each is lived through", **{f"fault_{i}": w for i, w in enumerate(w for _, w, _ in results if w)})
    hit = {call for outcome, _, call in results if outcome != "missed"}
    equal({point.call for _, point, _ in runs} - hit, set(), "calls that did not come again, so that none of them failed")
    return outcomes


def _need_own_calls():
    if is_sanitized():
        raise Skip("a sanitizer makes calls of its own, and ends the daemon when they fail")


def _every_fault(serving):
    root = _root()
    points = [point for point in _points(root) if point.serving == serving and not (is_sanitized() and point.call not in ERRORS.keys() - MEMORY)]
    equal({point.call for point in points} - set(ERRORS), set(), "calls of which nobody has said how they fail")
    return _all([(root, point, error) for point in points for error in ERRORS[point.call].split()])


@test
def any_call_of_the_start_may_fail_once():
    _need_own_calls()
    outcomes = _every_fault(False)
    check(outcomes["refused"] > 20, "most of the start can't be done without", got=dict(outcomes))


@test
def any_call_while_serving_may_fail_once():
    outcomes = _every_fault(True)
    check(outcomes["served"] > 20, "most are lived through", got=dict(outcomes))


@test
def a_step_of_privilege_that_only_pretends_to_be_done_is_refused():
    """The kernel is asked afterwards."""
    need_root()
    root = _root()
    for call in ("setgroups", "setresgid", "setresuid", "capset"):
        command = ["setpriv", "--groups=4,24", *_traced("/dev/null", f"trace={call}", f"inject={call}:retval=0")]
        try:
            # Whoever becomes another user has no capabilities left that capset(2) would have to take.
            _start(root, command, **({"USER": None} if call == "capset" else {})).kill()
        except Failure as failure:
            _must_refuse(failure.facts)
            check("can't drop privileges" in failure.facts["stderr"], call, said=failure.facts["stderr"])
            continue
        raise Failure("it serves, and has not dropped what it should", call=call)


# --- Readers who are gone


def _port_of(daemon):
    """Of one that could not tell it. While it starts, descriptors come and go."""
    sockets = set()
    for fd in os.listdir(f"/proc/{daemon.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            sockets.add(os.readlink(f"/proc/{daemon.pid}/fd/{fd}"))
    for table in ("tcp6", "tcp"):
        with open(f"/proc/net/{table}", encoding="ascii") as lines:
            for fields in map(str.split, lines):
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    return int(fields[1].rsplit(":", 1)[1], 16)
    return None


@test
def a_daemon_whose_output_nobody_reads_serves():
    """SIGPIPE would end it, from its first line on."""
    reader, writer = os.pipe()
    os.close(reader)
    command = ["bash", "-c", f'exec "$0" >&{writer} 2>&{writer}', binary()]
    with Daemon(root=_root(), command=command, pass_fds=[writer], stderr=writer, announces=False, LINES=CAR) as daemon:
        os.close(writer)
        daemon.await_serving(("127.0.0.1", wait_until(lambda: _port_of(daemon), "it listens")))
        daemon.at_rest = daemon.descriptors()
        _serves(daemon)
        daemon.must_sleep()


@test
def peers_who_hang_up_while_something_is_sent_to_them_end_nobody():
    with Daemon(root=_root(), LINES=CAR) as daemon:
        check(int(daemon.status("SigIgn"), 16) >> signal.SIGPIPE - 1 & 1, "SIGPIPE is ignored: sendfile(2) can't be told not to send it")
        for data in (request(target="/large") * 3, request(target="/?events"), request(target="/?list") * 200):
            for _ in range(10):
                client = Client(daemon, receive_buffer=4096)
                client.send(data)
                client.socket.recv(100)
                client.reset()
        _serves(daemon)
        daemon.must_have_descriptors()


# --- Memory


def _without(root, count, number=0, stays=False):
    """Without memory at the allocation of that number (nomemory.c), or from there on."""
    count.write_bytes(bytes(8))
    env = {"NOMEMORY_COUNT": str(count), "NOMEMORY_AT": str(number), **preloaded("nomemory")}
    if stays:
        env["NOMEMORY_STAYS"] = "1"
    return Daemon(root=root, more_env=env, LINES=CAR, KEEPALIVE=3)


def _starts_without(root, number, stays):
    try:
        daemon = _without(root, scratch() / "count", number, stays)
    except Failure as failure:
        _must_refuse(failure.facts)
        return "refused"
    try:
        _must_have_dropped(daemon)
        equal(ask(daemon, "POST", "/?LED", body="1").json(), {"LED": 1}, "it writes")
        equal(len(ask(daemon, target="/large").body), LARGE, "it sends files")
        equal(_must_end(daemon, True), 0, "its end")
        _must_be_off(daemon.said(), 0)
        return "served"
    finally:
        daemon.kill()


def _wrong_without(root, number, stays):
    try:
        return _starts_without(root, number, stays), None
    except Exception as failure:  # pylint: disable=broad-except
        return "wrong", f"allocation {number}{' and all behind it' if stays else ''}: {failure} {getattr(failure, 'facts', {})}"


def _need_own_memory():
    if is_sanitized():
        raise Skip("a sanitizer has memory of its own")


@test
def all_memory_is_there_before_the_daemon_serves():
    _need_own_memory()
    root, count = _root(), scratch() / "count"
    with _without(root, count) as daemon:
        before = count.read_bytes()
        check(int.from_bytes(before, sys.byteorder) > 0, "what is allocated is counted")
        _tell(daemon)
        _serves(daemon)
        equal(count.read_bytes(), before, "the number of allocations")


@test
def memory_may_be_missing_at_any_allocation_of_the_start():
    _need_own_memory()
    root, count = _root(), scratch() / "count"
    with _without(root, count):
        total = int.from_bytes(count.read_bytes(), sys.byteorder)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = [future.result() for future in [pool.submit(_wrong_without, root, number, stays)
                                                  for number in range(1, total + 1) for stays in (False, True)]]
    outcomes = collections.Counter(outcome for outcome, _ in results)
    print("# of", total, "allocations, each alone and with all behind it:", dict(outcomes))
    check(outcomes["wrong"] == 0, "each is lived through", **{f"fault_{i}": w for i, w in enumerate(w for _, w in results if w)})
    check(outcomes["refused"] > 10 and outcomes["served"] > 10, "some can be done without", got=dict(outcomes))
