# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Sockets handed over by a service manager, and the words to it."""
import os
import re
import select
import shutil
import signal
import socket
import subprocess

from client import Client, ask, request
from daemon import INDEX, Daemon, binary, environment, free_port, handed_over, listener, new_root, scratch
from tap import Skip, check, equal, test


def _must_refuse(sockets, word, **options):
    start = handed_over(sockets, **options)
    env = environment(STATICPATH=new_root()) | start["more_env"]
    result = subprocess.run(start["command"], env=env, pass_fds=start["pass_fds"], capture_output=True, timeout=10, check=False, text=True)
    check(result.returncode == 1 and re.fullmatch(r"httapd: [ -~]{20,}\n", result.stderr), "status 1 and one sentence",
          status=result.returncode, stderr=result.stderr, start=start["more_env"])
    check(word in result.stderr, f"it says {word}", got=result.stderr)


@test
def a_socket_handed_over_is_served_and_none_is_bound_beside_it():
    port = free_port()
    with listener() as handed, Daemon(TCPPORT=port, **handed_over([handed])) as daemon:
        daemon.await_serving(handed.getsockname())
        equal(ask(daemon, target="/").body, INDEX, "the root page")
        try:
            Client(daemon, ("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        check(False, "HTTAP_TCPPORT is not bound beside it")


@test
def several_sockets_of_all_families_are_served():
    path = str(scratch() / "s")
    with listener() as four, listener(("::1", 0), socket.AF_INET6) as six, listener(path, socket.AF_UNIX) as unix:
        with Daemon(**handed_over([four, six, unix], LISTEN_FDNAMES="four:six:unix")) as daemon:
            daemon.await_serving(four.getsockname())
            for address in (four.getsockname(), six.getsockname()[:2], path):
                with Client(daemon, address) as client:
                    client.ask("POST", "/?LED", body="toggle")
                    client.must_be_kept()
        for name in ("by 127.0.0.1 ", "by ::1 ", "by unix "):
            check(name in daemon.said(), f"the log says {name}", got=daemon.said())


@test
def a_unix_stream_socket_serves_files_keeps_connections_and_splits():
    path = str(scratch() / "s")
    with listener(path, socket.AF_UNIX) as unix, Daemon(**handed_over([unix])) as daemon:
        daemon.await_serving(path)
        (daemon.root / "big.bin").write_bytes(b"x" * 1000000)
        with Client(daemon, path) as client:
            client.send_bytewise(request())
            equal(client.reply().status, 200, "split")
            equal(len(client.ask(target="/big.bin").body), 1000000, "a large file")
            client.send(request() * 3)
            client.half_close()
            equal([client.reply().status for _ in range(3)], [200] * 3, "half-closed")
            client.must_end()


@test
def a_request_that_waited_in_the_socket_is_served_first():
    with listener() as handed:
        with socket.create_connection(handed.getsockname()) as early:
            early.sendall(request())
            with Daemon(**handed_over([handed])):
                early.settimeout(8)
                check(early.recv(20).startswith(b"HTTP/1.1 200"), "its reply")


@test
def the_sockets_of_another_process_are_ignored():
    with listener() as handed:
        port = free_port()
        for pid in ("1", "none", str(os.getpid())):
            with Daemon(TCPPORT=port, **handed_over([handed], pid=pid)) as daemon:
                daemon.await_serving(("127.0.0.1", port))


@test
def a_socket_that_can_not_be_served_is_status_1_and_a_sentence():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        _must_refuse([udp], "3")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        _must_refuse([bound], "listen")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dgram:
        dgram.bind(str(scratch() / "d"))
        _must_refuse([dgram], "3")
    with open(__file__, "rb") as file:
        _must_refuse([file], "3")
    with listener() as good, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        _must_refuse([good, udp], "4")


@test
def a_closed_descriptor_or_a_wrong_count_is_status_1_and_a_sentence():
    _must_refuse([None], "LISTEN_FDS")
    with listener() as handed:
        for count in ("0", "2", "99", "-1", "x", "99999999999999999999", "2147483647"):
            _must_refuse([handed], "LISTEN_FDS", count=count)


@test
def more_sockets_than_can_be_served_are_status_1_and_a_sentence():
    listeners = [listener() for _ in range(9)]
    _must_refuse(listeners, "11")
    with Daemon(**handed_over(listeners[:8])) as daemon:
        for one in listeners[:8]:
            daemon.await_serving(one.getsockname())
    for one in listeners:
        one.close()


@test
def systemd_socket_activate_starts_it_on_the_first_connection():
    tool = shutil.which("systemd-socket-activate")
    if tool is None:
        raise Skip("systemd-socket-activate is not installed")
    root, port = new_root(), free_port()
    env = environment(STATICPATH=root)
    pass_on = [f"--setenv={name}={value}" for name, value in env.items() if name != "PATH"]
    with subprocess.Popen([tool, "-l", f"127.0.0.1:{port}", *pass_on, binary()],
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        said = b""
        try:
            while b"Listening on" not in said:
                ready, _, _ = select.select([process.stderr], [], [], 10)
                data = os.read(process.stderr.fileno(), 4096) if ready else b""
                check(data, "it listens", said=said)
                said += data
            with Client(None, ("127.0.0.1", port)) as client:
                reply = client.ask(target="/")
                equal((reply.status, reply.body), (200, INDEX), "the first request")
                client.must_be_kept()
        finally:
            process.terminate()
            process.wait(10)
        equal(process.returncode, 0, "its end")


class Manager:
    """A notify socket."""

    def __init__(self, abstract=False):
        self.path = f"\0httapd-test-{os.getpid()}-{id(self)}" if abstract else str(scratch() / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        if not abstract:
            os.chmod(self.path, 0o777)
        self.socket.settimeout(8)

    def env(self):
        return {"NOTIFY_SOCKET": self.path.replace("\0", "@", 1)}

    def next(self):
        return self.socket.recv(4096).decode().split("\n")


@test
def ready_is_told_when_it_serves_and_stopping_when_it_ends():
    for abstract in (False, True):
        manager, port = Manager(abstract), free_port()
        with Daemon(TCPPORT=port, more_env=manager.env(), announces=False, LINES="LED=17 BUTTON=5,input,bias=pull-down") as daemon:
            daemon.address = ("127.0.0.1", port)
            said = manager.next()
            equal(said, ["READY=1", "STATUS=Serving 2 signals: LED=0 BUTTON=0"], "the first words")
            equal(ask(daemon, target="/").body, INDEX, "from then on it serves, in its jail too")
            ask(daemon, "POST", "/?LED", body="1")
            equal(manager.next(), ["STATUS=Serving 2 signals: LED=1 BUTTON=0"], "what is new is told within a second or so")
            daemon.stop()
            check("STOPPING=1" in manager.next(), "STOPPING=1")
            manager.socket.setblocking(False)
            try:
                more = manager.next()
            except BlockingIOError:
                more = None
            equal(more, None, "and nothing more")
        manager.socket.close()


@test
def ready_is_never_told_by_a_start_that_fails():
    manager = Manager()
    root = new_root()
    for variables in ({"ROOTPAGE": "nothing.html"}, {"LINES": "LED=GPIO99"}, {"TCPPORT": "x"}):
        env = environment(**{"STATICPATH": root, **variables}) | manager.env()
        result = subprocess.run([binary()], env=env, capture_output=True, timeout=10, check=False)
        check(result.returncode in (1, 2), "it fails", got=result)
    manager.socket.setblocking(False)
    words = []
    try:
        while True:
            words += manager.next()
    except BlockingIOError:
        pass
    check("READY=1" not in words, "no READY=1", got=words)


@test
def a_watchdog_is_fed_while_it_serves_and_not_while_it_hangs():
    manager, port = Manager(False), free_port()
    with Daemon(TCPPORT=port, more_env=manager.env() | {"WATCHDOG_USEC": "300000"}, announces=False) as daemon:
        daemon.address = ("127.0.0.1", port)
        for _ in range(4):
            check("WATCHDOG=1" in manager.next(), "it lives")
        daemon.process.send_signal(signal.SIGSTOP)
        manager.socket.settimeout(0.3)
        try:
            fed = [manager.next() for _ in range(3)]  # one may have been on its way
        except TimeoutError:
            fed = None
        daemon.process.send_signal(signal.SIGCONT)
        check(fed is None, "a process that is frozen is not heard", got=fed)
        manager.socket.settimeout(8)
        check("WATCHDOG=1" in manager.next(), "it lives again")


@test
def a_notify_socket_that_is_not_there_is_status_1_and_a_sentence():
    for path in ("/nonexistent/notify", "relative", "/" + "x" * 200, "@" + "x" * 200):
        env = environment(STATICPATH=new_root()) | {"NOTIFY_SOCKET": path}
        result = subprocess.run([binary()], env=env, capture_output=True, timeout=10, check=False, text=True)
        check(result.returncode == 1 and re.fullmatch(r"httapd: [ -~]*NOTIFY_SOCKET[ -~]*\n", result.stderr), path[:20], got=result)
