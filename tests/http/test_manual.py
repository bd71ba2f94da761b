# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""The manual pages are true: httapd(5) gives each variable and each option of a line a default, a range and an example, and those are
tried; httapd(8) shows commands and drop-ins, and those are tried."""
import os
import pathlib
import re
import subprocess

from client import Client, ask
from daemon import IS_ROOT, Daemon, binary, environment, new_root, run, scratch
from tap import Skip, check, equal, test

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
DOC = TOP / "doc"
ITEM = re.compile(r"\.It (?:Ev|Cm) (\S+)(.*)\n((?:(?!\.It |\.El).*\n)*)")


def _plain(text):
    """mdoc without its macros, in one line."""
    text = re.sub(r"^\.(?:Li|Cm|Ev|Pa|Ar|Fl|Xr|Sx|Fn|Pq|Dv|No)\b *", "", text, flags=re.M)
    return " ".join(text.replace(r"\(dq", '"').split())


def _section(title):
    page = (DOC / "httapd.5").read_text()
    return re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh )", page, re.M | re.S)[1]


def _items(title):
    """Of the items of a section: name, what stands behind it, and text."""
    return [match.groups() for match in ITEM.finditer(_section(title))]


def _example(text):
    """What stands in the line .Dl, as EnvironmentFile reads it."""
    lines = re.findall(r"^\.Dl (.*)$", text, re.M)
    check(len(lines) == 1, "one example", got=lines)
    return re.sub(r'^(\w+)="(.*)"$', r"\1=\2", lines[0].replace(r"\(dq", '"'))


VARIABLES = {name: text for name, _, text in _items("DESCRIPTION")}
OPTIONS = {name: more + " " + text for name, more, text in _items("LINES")}


def _must_check(root=None, **variables):
    """--check with these variables says that they are good."""
    result = run("--check", env=environment(**{"STATICPATH": root or new_root(), **variables}))
    equal((result.returncode, result.stderr), (0, ""), f"--check takes {variables}")
    return result.stdout


def _must_refuse(variable, value):
    result = run("--check", env=environment(STATICPATH=new_root(), **{variable: value}))
    equal(result.returncode, 2, f"HTTAP_{variable}={value} is refused")
    check(f"HTTAP_{variable}" in result.stderr, "the line names the variable", got=result.stderr)


@test
def the_manual_names_every_variable_that_the_program_knows_and_no_other():
    known = {name for room in ("httap", "gpio", "daemon") for path in (TOP / room).glob("*.c")
             for name in re.findall(r'"(HTTAP_[A-Z_]+)"', path.read_text())}
    equal(set(VARIABLES), known, "variables of httapd(5)")


@test
def the_file_of_defaults_explains_every_variable_that_the_service_leaves_open():
    defaults = (TOP / "systemd/default.in").read_text()
    unit = (TOP / "systemd/httapd.service.in").read_text()
    for name in VARIABLES:
        if f"Environment={name}=" not in unit and name not in ("HTTAP_TCPPORT", "HTTAP_LISTEN"):  # those are of the socket
            check(re.search(rf"^#?{name}=", defaults, re.M), f"a line for {name}")


def _tells_everything(name, text, ranges):
    def run_test():
        plain = _plain(text)
        check("Default:" in plain or "default:" in plain, "a default", got=plain)
        check(re.search(ranges, plain), "what is allowed", got=plain)
        check(name in _example(text) or name.split()[0] in ("output",), "an example with it", got=_example(text))
    return run_test


for _name, _text in VARIABLES.items():
    test(_tells_everything(_name, _text, r"Range: |At most \d+|The name of one|the name of|A path below|the directory|: errors|errors ;"),
         name=f"httapd(5) gives {_name} a default, what is allowed, and an example")
for _name, _text in OPTIONS.items():
    test(_tells_everything(_name, _text, r"= |\| |from \d+|up to \d+|Logical 1"),
         name=f"httapd(5) gives the option {_name} a default, what is allowed, and an example")


def _ends_of_range_hold(variable, low, high):
    def run_test():
        for value in (low, high):
            _must_check(**{variable: value})
        for value in (low - 1, high + 1):
            _must_refuse(variable, value)
    return run_test


for _name, _text in VARIABLES.items():
    _range = re.search(r"^Range: (\d+) to (\d+)[.;]", _text, re.M)
    if _range:
        test(_ends_of_range_hold(_name.removeprefix("HTTAP_"), int(_range[1]), int(_range[2])),
             name=f"{_name} takes both ends of the range that httapd(5) gives, and nothing beyond")


@test
def times_of_options_take_both_ends_of_the_ranges_that_httapd_5_gives():
    units = {"ms": 1, "s": 1000}
    seen = 0
    for option, text in OPTIONS.items():
        found = re.search(r"from (\d+)(ms|s) to (\d+)(ms|s)", _plain(text))
        if not found:
            continue
        seen += 1
        low, high = int(found[1]) * units[found[2]], int(found[3]) * units[found[4]]
        lines = {"debounce": "A=GPIO1,input,debounce={}", "dead-time": "A=GPIO1,interlock=x,dead-time={} B=GPIO2,interlock=x"}
        form = lines.get(option, "A=GPIO1," + option + "={}")
        for value in (f"{low}ms", f"{high}ms"):
            _must_check(LINES=form.format(value))
        _must_refuse("LINES", form.format(f"{high + 1}ms"))
        if low:
            _must_refuse("LINES", form.format(f"{low - 1}ms"))
    equal(seen, 4, "options with a range of times")


# --- What each example does -------------------------------------------------------------------------------------------


def _served(variables, root=None):
    return Daemon(root=root, **{"LINES": "LED=GPIO17", **variables})


def _split(name):
    variable, value = _example(VARIABLES[name]).split("=", 1)
    equal(variable, name, "the example is of its variable")
    return {variable.removeprefix("HTTAP_"): value}, value


@test
def the_example_of_the_lines_reads_and_writes_its_signals():
    variables, _ = _split("HTTAP_LINES")
    with _served(variables) as daemon:
        equal(ask(daemon, target="/1").body, b"1", "/1")
        equal(ask(daemon, target="/?LED,BUTTON").json(), {"LED": 1, "BUTTON": 1}, "the values; BUTTON is pulled up")


@test
def the_examples_of_chip_port_and_addresses_are_used():
    variables, value = _split("HTTAP_GPIOCHIP")
    result = run("--check", env=environment(STATICPATH=new_root(), LINES="LED=GPIO17", **variables))
    if os.path.exists(f"/dev/{value}"):
        raise Skip(f"this machine has {value}")
    equal(result.returncode, 1, "status where that chip isn't there")
    check(value in result.stderr, "the sentence names the chip", got=result.stderr)
    for name in ("HTTAP_TCPPORT", "HTTAP_LISTEN"):
        variables, value = _split(name)
        said = _must_check(**variables)
        check(all(word in said for word in value.split()), f"--check says {value}", got=said)


@test
def the_example_of_keepalive_is_what_a_ping_tells():
    variables, value = _split("HTTAP_KEEPALIVE")
    with _served(variables) as daemon:
        equal(ask(daemon, target="/?ping").json()["Timeout"], int(value), "Timeout")


@test
def the_example_of_connections_is_how_many_are_served_at_once():
    variables, value = _split("HTTAP_CONNECTIONS")
    with _served(variables) as daemon:
        clients = [Client(daemon) for _ in range(int(value))]
        try:
            for client in clients:
                equal(client.ask().status, 200, "each is served")
        finally:
            for client in clients:
                client.close()


@test
def the_examples_of_files_are_served():
    variables, value = _split("HTTAP_ROOTPAGE")
    root = new_root()
    (root / value).parent.mkdir()
    (root / value).write_bytes(b"<!doctype html><title>start</title>\n")
    with _served(variables, root) as daemon:
        equal(ask(daemon, target="/").body, (root / value).read_bytes(), "what / answers")
    _, value = _split("HTTAP_STATICPATH")
    with _served({"STATICPATH": root}) as daemon:
        equal(ask(daemon, target="/").body, (root / "index.html").read_bytes(), "what / answers")
    check("HTTAP_STATICPATH=@" in (TOP / "systemd/httapd.service.in").read_text(), f"the unit sets it, by default to {value}")


@test
def the_examples_of_hosts_and_origins_let_in_whom_they_name():
    variables, value = _split("HTTAP_HOSTS")
    with _served(variables) as daemon:
        for host in value.split():
            with Client(daemon) as client:
                equal(client.ask(target="/?ping", host=host).status, 200, f"status under the name {host}")
    variables, value = _split("HTTAP_ORIGINS")
    with _served(variables) as daemon:
        reply = ask(daemon, "POST", "/?LED", [f"Origin: {value}"], b"1")
        equal((reply.status, reply.get("Access-Control-Allow-Origin")), (200, value), "a write of that origin")


@test
def the_examples_of_switches_switch():
    variables, _ = _split("HTTAP_GET_WRITES")
    with _served(variables) as daemon:
        equal(ask(daemon, target="/1").status, 405, "GET /1")
        equal(ask(daemon, "POST", "/1").status, 200, "POST /1")
    variables, _ = _split("HTTAP_LOOPBACK")
    with _served(variables) as daemon:
        equal(ask(daemon, "POST", "/?loopback", body=b"echo").body, b"echo", "what comes back")
    variables, _ = _split("HTTAP_LOG")
    with _served(variables) as daemon:
        ask(daemon, target="/?ping")
        daemon.stop()
        check("GET /?ping" in daemon.said(), "a line for the request", got=daemon.said())


@test
def the_examples_of_the_token_ask_for_one():
    needs, _ = _split("HTTAP_TOKEN_FOR")
    variables, path = _split("HTTAP_TOKEN_FILE")
    own = scratch() / pathlib.Path(path).name
    own.write_text("0123456789abcdef0123456789abcdef\n")
    own.chmod(0o600)
    with _served({**variables, **needs, "TOKEN_FILE": str(own)}) as daemon:
        equal(ask(daemon, target="/?ping").status, 401, "without it")
        equal(ask(daemon, target="/?ping", fields=[f"Authorization: Bearer {own.read_text().strip()}"]).status, 200, "with it")


@test
def the_examples_of_user_and_group_are_who_serves():
    if not IS_ROOT:
        raise Skip("not root")
    user, name = _split("HTTAP_USER")
    group, group_name = _split("HTTAP_GROUP")
    with _served({**user, **group}) as daemon:
        def number(file, entry):
            return re.search(rf"^{entry}:[^:]*:(\d+)", pathlib.Path(file).read_text(), re.M)[1]
        equal(set(daemon.status("Uid").split()), {number("/etc/passwd", name)}, "users")
        equal(set(daemon.status("Gid").split()), {number("/etc/group", group_name)}, "groups")


def _option_is_taken(option, told):
    def run_test():
        lines = _example(OPTIONS[option])
        if option == "dead-time":
            lines += " FORWARD=GPIO23,interlock=throttle"
        told_of = _must_check(LINES=lines).split(f"  {lines.split('=')[0]} = ")[1].splitlines()[0]
        check(told in told_of.split(", "), f"--check says {told}", got=told_of)
        with _served({"LINES": lines}) as daemon:
            equal(list(ask(daemon, target="/?list").json()), re.findall(r"(\w+)=GPIO", lines), "signals that are served")
    return run_test


# What --check says of the signal in the example.
TOLD = {"output": "input", "active-low": "active-low", "initial": "initial=keep", "safe": "safe=1", "failsafe": "failsafe=500ms",
        "max-on": "max-on=20ms", "interlock": "interlock=throttle", "dead-time": "dead-time=20ms", "debounce": "debounce=5ms",
        "bias": "bias=pull-up", "drive": "drive=open-drain"}
for _name in OPTIONS:
    test(_option_is_taken(_name, TOLD[_name]), name=f"the example of the option {_name} in httapd(5) is taken, and --check says so")


@test
def the_example_of_a_whole_file_in_httapd_5_is_one_that_serves():
    text = re.search(r"\.Bd.*?\n(.*?)\.Ed", _section("EXAMPLES"), re.S)[1]
    lines = re.search(r'HTTAP_LINES="(.*?)"', text, re.S)[1]
    rest = dict(re.findall(r"^HTTAP_(\w+)=([^\"\n]+)$", text, re.M))
    equal(set(rest), {"HOSTS", "GET_WRITES"}, "the other variables")
    with _served({"LINES": lines, **rest}) as daemon:
        equal(list(ask(daemon, target="/?list").json()), re.findall(r"^ +([A-Z.]+)=", lines, re.M), "signals")


@test
def the_commands_in_httapd_8_do_what_stands_beside_them():
    page = (DOC / "httapd.8").read_text()
    commands = [line.replace(r"\(dq", '"') for line in re.findall(r"^\.Dl \$ (.*)$", page, re.M)]
    equal(len(commands), 2, "commands that need no root")
    directory = pathlib.Path(binary()).resolve().parent
    for command in commands:
        command = command.replace("build/httapd", "httapd").replace("/usr/share/httapd/www", "www")
        env = {**environment(), "PATH": f"{directory}:{os.environ['PATH']}"}
        for name in ("HTTAP_LINES", "HTTAP_TCPPORT"):
            del env[name]
        result = subprocess.run(["timeout", "2", "sh", "-c", command], env=env, cwd=TOP, capture_output=True, check=False, text=True)
        check(result.returncode in (0, 124), "it serves until it is told to end, or has checked", got=result)
        check("LED" in result.stdout or "serving http://localhost:" in result.stdout, "what it says", got=result)
