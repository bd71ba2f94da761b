# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Starting: what is refused, with which status and sentence; the commands; the addresses."""
import os
import pathlib
import re
import resource
import signal
import socket

from client import Client, ask
from daemon import INDEX, IS_ROOT, Daemon, binary, environment, free_port, need_root, new_root, run
from tap import check, equal, test

BAD = {
    "TCPPORT": ["x", "-1", "65536", "80x", " 80", "80 ", "+80", "0x50", "8e1", "99999999999999999999", "http", "１"],
    "LISTEN": ["nonsense", "127.0.0.1:80", "localhost", "300.1.1.1", "::g", "127.0.0.1,::1", "[::1", "0.0.0.0/0", "127.1",
               " ".join(["127.0.0.1"] * 9)],
    "KEEPALIVE": ["2", "201", "0", "-5", "x", "15s", "3.5", " 15", "99999999999999999999"],
    "STATICPATH": ["/nonexistent/dir", "/etc/passwd", "./nonexistent"],
    "ROOTPAGE": ["/index.html", "../index.html", "a/../index.html", ".hidden", "a//b", "a..b", ".", "dir/"],
    "USER": ["no-such-user-here", "root", "0", "65534x"],
    "GROUP": ["no-such-group-here", "root", "0"],
    "LINES": ["LED", "=GPIO17", "LED=", "led=GPIO17", "LED=GPIO17,", "LED=GPIO17,nonsense", "LED=GPIO17,initial=2", "LED=GPIO17,initial",
              "LED=GPIO17 LED=GPIO18",
              "LED=GPIO17 LAMP=GPIO17", "9LED=GPIO17", "L-D=GPIO17", "LED.=GPIO17", "LED.x=GPIO17", "LED=GPIO17,input,initial=1",
              "LED=GPIO17,input,output",
              "LED=GPIO17,bias=up", "LED=GPIO17,active-low=1", "LED=:17", "LED =GPIO17", "L" * 32 + "=GPIO17", "LED=" + "G" * 64,
              "LED=GPIO17,failsafe=soon", "LED=GPIO17,failsafe=1s,safe=keep", "LED=GPIO17,max-on=0s", "LED=GPIO17,debounce=5ms",
              "LED=GPIO17,dead-time=1s", "LED=GPIO17 LED.RED=GPIO18", "MOTOR.LEFT=GPIO18 MOTOR=GPIO17", "LED=GPIO17,interlock=x",
              " ".join(f"L{i}={i}" for i in range(65))],
    "GPIOCHIP": ["x" * 64],
    "HOSTS": ["a/b", "a:80", "http://a", "a b@c", "..", "*", "a,b", " ".join(f"h{i}" for i in range(17))],
    "ORIGINS": ["example.org", "http://", "http://a/", "http://a/b", "ftp://a", "http://a@b", "null", "http://a,http://b", "http://a:0",
                "http://*.a",
                " ".join(f"http://h{i}" for i in range(17))],
    "GET_WRITES": ["1", "on", "YES", "true", "maybe", "yes "],
    "CONNECTIONS": ["1", "0", "1025", "-1", "x", "32 ", "1e2", "99999999999999999999"],
    "LOOPBACK": ["1", "on", "No", "off", "false"],
    "LOG": ["all", "Errors", "1", "debug", "changes,requests", "requests "],
}


def _must_refuse(status, *arguments, names=(), **options):
    """The daemon ends with the status and one line on stderr, which has the names in it."""
    result = run(*arguments, **options)
    check(result.returncode == status, f"exit status {status}", got=result)
    check(re.fullmatch(r"httapd: [ -~]+\n", result.stderr), "one line on stderr, of printable ASCII", got=result.stderr)
    check(result.stdout == "", "nothing on stdout", got=result.stdout)
    for name in names:
        check(name in result.stderr, f"the line names {name}", got=result.stderr)
    check(len(result.stderr) > 30, "the line says what is wrong and what would be right", got=result.stderr)
    return result.stderr


def _refuses_bad_values(variable):
    def run_test():
        if variable in ("USER", "GROUP") and not IS_ROOT:
            variables = {"USER": "nobody"}
        else:
            variables = {}
        for value in BAD[variable]:
            for arguments in ((), ("--check",)):
                if not value.strip("x") and arguments:
                    continue
                env = environment(**{"STATICPATH": new_root(), **variables, variable: value})
                line = _must_refuse(2, *arguments, env=env, names=["HTTAP_" + variable])
                shown = [part[:20] for part in re.split(r"[^!-~]+", value) if part]
                check(not shown or any(part in line for part in shown), "the line shows the value", value=value, got=line)
                check(re.search(r"must|allowed|write|takes|twice|too many|same|at most|begins|has a|is for|give each|there is no|needs|name its|rename", line),
                      "the line says what is allowed", got=line)
    return run_test


for _variable in BAD:
    test(_refuses_bad_values(_variable), name=f"a bad HTTAP_{_variable} is refused with status 2 and one line that names it")


@test
def a_bad_value_with_line_ends_and_escapes_still_makes_one_harmless_line():
    for variable in BAD:
        for value in ("x\nhttapd: FAKE", "\x1b[31mx", "\x01x\r", "\x7f", "x\t\x07y", "ä\xff"):
            if variable == "LINES":
                value = value.replace("\n", "\x0b") + "=17"
            elif variable == "GPIOCHIP":
                value = (value * 32)[:64]
            elif variable in ("ROOTPAGE", "STATICPATH"):
                value = "/" + value
            env = environment(**{"STATICPATH": new_root(), "USER": "nobody", variable: value})
            result = run(env=env)
            check(result.returncode == 2 and result.stderr.count("\n") == 1, f"one line for {variable}={value!r}", got=result)
            check(re.fullmatch(r"httapd: [^\x00-\x1f\x7f]+\n", result.stderr), "without control characters", got=result.stderr)


@test
def a_very_long_bad_value_makes_one_line_that_says_what_is_allowed():
    for variable in BAD:
        env = environment(**{"STATICPATH": new_root(), "USER": "nobody", variable: ("/" if variable in ("ROOTPAGE",
            "STATICPATH") else "") + "x/ y" * 2000})
        result = run(env=env)
        check(result.returncode == 2 and re.fullmatch(r"httapd: [ -~]{20,400}\n", result.stderr), f"HTTAP_{variable}", got=result)
        check("HTTAP_" + variable in result.stderr, "the variable is named", got=result.stderr)


@test
def an_empty_variable_counts_as_unset():
    empty = {name: "" for name in BAD if name not in ("TCPPORT", "STATICPATH", "GPIOCHIP", "USER", "LINES")}
    with Daemon(**empty) as daemon:
        equal(ask(daemon, target="/").body, INDEX, "every default")
    result = run("--check", env=environment(TCPPORT="", STATICPATH=new_root(), LINES="", GPIOCHIP="sim"))
    check(result.returncode == 0 and "60000" in result.stdout and "signals: 0" in result.stdout, "port and lines", got=result)


@test
def a_group_without_a_user_is_not_read():
    result = run("--check", env=environment(STATICPATH=new_root(), USER=None, GROUP="no-such-group-here"))
    equal(result.returncode, 0, "--check")


@test
def a_port_in_use_is_status_1_and_one_line():
    with socket.socket(socket.AF_INET6) as taken:
        taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        taken.bind(("::", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for listen in (None, "127.0.0.1", "::1", "127.0.0.1 ::1"):
            _must_refuse(1, env=environment(STATICPATH=new_root(), TCPPORT=port, LISTEN=listen), names=[str(port), "HTTAP_TCPPORT"])


@test
def an_address_of_no_interface_is_status_1_and_one_line():
    _must_refuse(1, env=environment(STATICPATH=new_root(), LISTEN="192.0.2.1"), names=["192.0.2.1"])


@test
def a_missing_chip_is_status_1_and_is_never_simulated_silently():
    for chip in ("nosuchlabel", "gpiochip977", "/dev/gpiochip977", "SIM", "sim "):
        for arguments in ((), ("--check",), ("--safe",)):
            _must_refuse(1, *arguments, env=environment(STATICPATH=new_root(), GPIOCHIP=chip), names=[chip.strip().removeprefix("/dev/")])
    if not list(pathlib.Path("/dev").glob("gpiochip*")):
        for arguments in ((), ("--check",), ("--safe",)):
            _must_refuse(1, *arguments, env=environment(STATICPATH=new_root(), GPIOCHIP=None), names=["HTTAP_GPIOCHIP", "sim"])


@test
def a_missing_line_is_status_1_and_one_line():
    for line, name in (("GPIO54", "GPIO54"), ("54", "54"), ("NOSUCH", "NOSUCH"), ("nosuchchip:17", "nosuchchip")):
        _must_refuse(1, env=environment(STATICPATH=new_root(), LINES=f"GOOD=GPIO1 LED={line}"), names=["LED", name])
    _must_refuse(1, env=environment(STATICPATH=new_root(), LINES="A=GPIO17 B=17"), names=["A", "B"])
    _must_refuse(1, env=environment(STATICPATH=new_root(), LINES="A=sim:GPIO17 B=17"), names=["A", "B"])


@test
def a_missing_or_unservable_root_page_is_status_1_and_one_line():
    root = new_root()
    (root / "dir").mkdir()
    (root / "link.html").symlink_to("index.html")
    os.mkfifo(root / "fifo")
    for page in ("nothing.html", "dir", "link.html", "fifo", "dir/index.html"):
        for arguments in ((), ("--check",)):
            _must_refuse(1, *arguments, env=environment(STATICPATH=root, ROOTPAGE=page), names=["HTTAP_ROOTPAGE", page])
    (root / "index.html").unlink()
    _must_refuse(1, env=environment(STATICPATH=root), names=["HTTAP_ROOTPAGE", "index.html"])


@test
def a_root_page_that_the_serving_user_may_not_read_is_status_1():
    need_root()
    root = new_root()
    (root / "index.html").chmod(0o600)
    _must_refuse(1, env=environment(STATICPATH=root), names=["HTTAP_ROOTPAGE"])


@test
def a_root_that_belongs_to_somebody_else_is_status_1():
    need_root()
    root = new_root()
    os.chown(root, 12345, 12345)
    for arguments in ((), ("--check",)):
        _must_refuse(1, *arguments, env=environment(STATICPATH=root), names=["HTTAP_STATICPATH", "12345"])
    other = new_root()
    os.chown(other / "index.html", 12345, 0)
    _must_refuse(1, env=environment(STATICPATH=other), names=["HTTAP_ROOTPAGE"])


@test
def too_few_descriptors_for_the_connections_are_told_at_start():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    _must_refuse(1, env=environment(STATICPATH=new_root(), CONNECTIONS=1024), names=["HTTAP_CONNECTIONS", "1024"], preexec_fn=limit)


@test
def a_thousand_connections_raise_the_soft_limit_of_descriptors():
    with Daemon(CONNECTIONS="1024") as daemon:
        soft = int(re.search(r"Max open files +(\d+)", pathlib.Path(f"/proc/{daemon.pid}/limits").read_text())[1])
        check(soft >= 2048, "two for each connection", got=soft)
        equal(ask(daemon).status, 200, "it serves")


@test
def unknown_arguments_are_status_2_and_one_line():
    for arguments in (["--nonsense"], ["x"], ["-c"], ["--check", "--list"], ["--check", "x"], ["--check=1"], [""], ["--", "x"], ["-"],
                      ["--help", "--help", "x"], ["\x1b[2J"]):
        _must_refuse(2, *arguments, names=["--check", "--help"])


@test
def version_and_help_are_told_on_stdout_without_a_configuration():
    env = {"PATH": "/bin", "HTTAP_TCPPORT": "nonsense", "HTTAP_GPIOCHIP": "nosuchlabel"}
    for argument, pattern in (("--version", r"httapd \S+.*\n"), ("--help", r"usage: httapd (.*\n)+")):
        result = run(argument, env=env)
        check(result.returncode == 0 and re.fullmatch(pattern, result.stdout) and result.stderr == "", argument, got=result)
    for option in ("--check", "--list", "--safe", "--version", "--help"):
        check(option in run("--help", env=env).stdout, f"--help names {option}")


@test
def check_prints_what_would_be_served_and_binds_nothing():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        root = new_root()
        result = run("--check", env=environment(STATICPATH=root, TCPPORT=port, KEEPALIVE="9"))
        check(result.returncode == 0 and result.stderr == "", "status 0", got=result)
        for word in (str(port), str(root), "index.html", "LED", "GPIO17", "MOTOR.FAN.A", "active-low", "BUTTON", "input"):
            check(word in result.stdout, f"it says {word}", got=result.stdout)


@test
def list_prints_every_line_of_the_chip():
    result = run("--list", env=environment())
    check(result.returncode == 0 and result.stderr == "", "status 0", got=result)
    for line in range(54):
        check(re.search(rf"\bGPIO{line}\b", result.stdout), f"GPIO{line}", got=result.stdout[:500])


@test
def list_without_a_chip_ends_in_order():
    result = run("--list", env=environment(GPIOCHIP=None))
    check(result.returncode in (0, 1) and "Sanitizer" not in result.stderr and (result.stdout or result.stderr),
          "it says that there is none", got=result)


@test
def safe_sets_the_outputs_and_ends():
    result = run("--safe", env=environment(STATICPATH=new_root()))
    check(result.returncode == 0 and result.stderr == "", "status 0", got=result)


@test
def port_0_takes_a_free_one_and_two_daemons_take_two():
    with Daemon() as one, Daemon() as two:
        check(one.address != two.address, "two ports")
        equal((ask(one).status, ask(two).status), (200, 200), "both serve")


@test
def a_restart_on_the_same_port_works_at_once():
    with Daemon() as daemon:
        port = daemon.address[1]
        with Client(daemon) as client:
            client.ask(target="/?invalid")
    for _ in range(3):
        with Daemon(TCPPORT=port, announces=False) as again:
            again.await_serving(("127.0.0.1", port))
            ask(again, target="/?invalid")


@test
def both_ipv6_and_ipv4_are_served_by_default():
    with Daemon() as daemon:
        for address in ("127.0.0.1", "::1"):
            with Client(daemon, (address, daemon.address[1])) as client:
                equal(client.ask().status, 200, address)
                client.ask("POST", "/?LED", body="toggle")
    check("by 127.0.0.1 " in daemon.said() and "by ::1 " in daemon.said(), "and named in the log", got=daemon.said())


@test
def only_the_addresses_of_httap_listen_are_served():
    for listen, served, closed in (("127.0.0.1", ["127.0.0.1"], ["::1", "127.0.0.2"]), ("::1", ["::1"], ["127.0.0.1"]),
                                   ("[::1]", ["::1"], ["127.0.0.1"]), ("127.0.0.1 ::1", ["127.0.0.1", "::1"], ["127.0.0.2"]),
                                   ("0.0.0.0", ["127.0.0.1", "127.0.0.2"], ["::1"])):
        with Daemon(LISTEN=listen) as daemon:
            for address in served:
                with Client(daemon, (address, daemon.address[1])) as client:
                    equal(client.ask().status, 200, f"{address} of {listen}")
            for address in closed:
                try:
                    Client(daemon, (address, daemon.address[1])).close()
                except ConnectionRefusedError:
                    continue
                check(False, f"{address} is not served by HTTAP_LISTEN={listen}")


@test
def each_of_the_ending_signals_ends_it_in_order():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        daemon = Daemon()
        with Client(daemon) as client:
            client.ask("POST", "/?LED", body="1")
            daemon.stop(number)
            client.must_end()
        check("LED 1 -> 0" in daemon.said(), "outputs are safe", got=daemon.said())


@test
def a_stop_ends_even_with_connections_of_all_kinds_open():
    daemon = Daemon()
    (daemon.root / "big.bin").write_bytes(b"x" * 20000000)
    clients = [Client(daemon) for _ in range(10)]
    for number, client in enumerate(clients):
        client.send([b"", b"GET", b"GET /big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n", b"BAD\r\n\r\n"][number % 4])
    ask(daemon)
    daemon.stop()
    for client in clients:
        client.close()


@test
def closed_standard_streams_do_no_harm():
    """A descriptor 0, 1 or 2 that is free would be taken by a socket or a chip, and then written to as if it were the log."""
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        port = free_port()
        with Daemon(command=["/bin/sh", "-c", f'exec "$0" {closed}', binary()], TCPPORT=port, announces=False, LOG="requests") as daemon:
            daemon.await_serving(("127.0.0.1", port))
            with Client(daemon) as client:
                for _ in range(20):
                    equal(client.ask("POST", "/?LED", body="toggle").status, 200, f"with {closed}")


@test
def started_as_root_without_a_user_it_says_so():
    need_root()
    with Daemon(USER=None) as daemon:
        check("HTTAP_USER" in daemon.said(), "a warning", got=daemon.said())
        equal(ask(daemon, target="/").body, INDEX, "and serves")
