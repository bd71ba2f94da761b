# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""The recipes of doc/proxy: their own files and commands, with the paths and ports of a test. Behind them is a daemon that only the
proxy's socket leads to."""
import base64
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time

import client
from daemon import IS_ROOT, Daemon, free_port, handed_over, listener, scratch
from tap import Skip, check, equal, test, wait_until

RECIPES = pathlib.Path(__file__).resolve().parent.parent.parent / "doc" / "proxy"
NAME = "pi.example.org"
SECRET = "correct horse"
LINES = "LED=GPIO17 FORWARD=GPIO23,failsafe=300ms"


def _replace(text, changes):
    for old, new in changes.items():
        check(old in text, f"the recipe has {old!r}")
        text = text.replace(old, new)
    return text


def _commands(title):
    """The shell lines of a chapter of the README."""
    chapter = (RECIPES / "README.md").read_text().split(f"\n## {title}")[1].split("\n## ")[0]
    return re.search(r"```sh\n(.*?)```", chapter, re.S)[1]


def _in_shell(directory, commands):
    """Runs them there, and answers their questions for a password."""
    commands = commands.replace("openssl passwd -6", f'openssl passwd -6 "{SECRET}"')
    commands = commands.replace("pkcs12 -export", "pkcs12 -export -passout pass:x")
    done = subprocess.run(["sh", "-euc", commands], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    equal(done.returncode, 0, f"the commands run: {done.stderr.decode(errors='replace')[-500:]}")


class Site:
    """A daemon on a socket, and what is before it."""

    def __init__(self, directory, port, plain=None):
        self.directory, self.port, self.plain = directory, port, plain

    def connection(self, person=None):
        """HTTPS as a browser has it that trusts pi.crt; with the certificate of a person."""
        trust = ssl.create_default_context(cafile=self.directory / "pi.crt")
        if person:
            trust.load_cert_chain(self.directory / f"{person}.crt", self.directory / f"{person}.key")
        link = http.client.HTTPSConnection(NAME, self.port, context=trust, timeout=10)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        link.sock = trust.wrap_socket(plain, server_hostname=NAME)
        return link

    def ask(self, method="GET", target="/?ping", body=None, link=None, **fields):
        link = link or self.connection()
        with contextlib.closing(link):
            return _ask(link, method, target, body, **fields)


def _ask(link, method, target, body=None, **fields):
    """Status, body, and a function that gives a field."""
    link.request(method, target, body, {name.replace("_", "-"): value for name, value in fields.items()})
    reply = link.getresponse()
    return reply.status, reply.read(), reply.getheader


def _basic(password):
    return "Basic " + base64.b64encode(f"anna:{password}".encode()).decode()


@contextlib.contextmanager
def _program(directory, port, *command):
    """Something that serves that port."""
    if not shutil.which(command[0]):
        raise Skip(f"{command[0]} is not installed")
    with open(directory / "log", "wb") as log:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        def serves():
            check(program.poll() is None, "the proxy runs", said=(directory / "log").read_text(errors="replace")[-800:])
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                return True
            return False
        wait_until(serves, "the proxy listens", 10)
        yield
    finally:
        program.terminate()
        program.wait(10)


@contextlib.contextmanager
def _daemon(directory):
    path = str(directory / "http")
    with listener(path, socket.AF_UNIX) as unix:
        os.chmod(path, 0o666)
        with Daemon(**handed_over([unix]), LINES=LINES, HOSTS=NAME, USER="nobody" if IS_ROOT else None) as daemon:
            daemon.await_serving(path)
            yield daemon


@contextlib.contextmanager
def _nginx():
    directory = scratch()
    directory.chmod(0o755)
    port, plain = free_port(), free_port()
    _in_shell(directory, _commands("2. ") + _commands("3a. "))
    site = _replace((RECIPES / "nginx.conf").read_text(), {
        "listen 80;": f"listen 127.0.0.1:{plain};", "listen [::]:80;": "", "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "listen [::]:443 ssl;": "", "/etc/ssl/httapd/": f"{directory}/", "/run/httapd/http": f"{directory}/http"})
    whole = directory / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    whole.write_text(("user nobody nogroup;\n" if IS_ROOT else "") + f"daemon off; pid {directory}/pid; error_log stderr;\n"
                     "events {}\nhttp { access_log off;\n" + "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in kinds) +
                     site + "}\n")
    with _daemon(directory) as daemon, _program(directory, port, "nginx", "-e", "stderr", "-p", str(directory), "-c", str(whole)):
        yield Site(directory, port, plain), daemon


@contextlib.contextmanager
def _stunnel():
    directory = scratch()
    directory.chmod(0o755)
    port = free_port()
    _in_shell(directory, _commands("2. ") + _commands("3b. "))
    recipe = _replace((RECIPES / "stunnel.conf").read_text(), {
        "setuid = stunnel4": "foreground = yes", "setgid = stunnel4": "", ":::443": f"127.0.0.1:{port}",
        "/etc/ssl/httapd/": f"{directory}/", "/run/httapd/http": f"{directory}/http"})
    (directory / "stunnel.conf").write_text(recipe)
    with _daemon(directory) as daemon, _program(directory, port, "stunnel", str(directory / "stunnel.conf")):
        yield Site(directory, port), daemon


@test
def behind_nginx_who_has_no_password_moves_nothing():
    with _nginx() as (site, daemon):
        for fields in ({}, {"Authorization": _basic("wrong")}, {"Authorization": "Bearer " + SECRET}):
            for method, target in (("GET", "/"), ("GET", "/1"), ("POST", "/?LED"), ("GET", "/?events")):
                status, _, get = site.ask(method, target, "1" if method == "POST" else None, **fields)
                equal((status, get("WWW-Authenticate")), (401, 'Basic realm="httapd"'), f"{method} {target} with {fields}")
        equal(client.ask(daemon, target="/?LED").json(), {"LED": 0}, "LED")
        link = http.client.HTTPConnection("127.0.0.1", site.plain, timeout=10)
        status, _, get = _ask(link, "GET", "/car.html?a=b", Host=NAME)
        equal((status, get("Location")), (308, f"https://{NAME}/car.html?a=b"), "plain HTTP leads to HTTPS")
        link.close()


@test
def behind_nginx_a_person_with_the_password_reads_and_writes_and_a_foreign_page_does_not():
    with _nginx() as (site, _):
        who = {"Authorization": _basic(SECRET), "Host": NAME}
        equal(site.ask("GET", "/", **who)[0], 200, "the page")
        equal(site.ask("POST", "/?LED", "1", Origin=f"https://{NAME}", Sec_Fetch_Site="same-origin", **who)[1], b'{"LED":1}', "a write")
        equal(site.ask("POST", "/?LED", "0", Origin="https://evil.example", **who)[0], 403, "a write of a foreign page")
        equal(site.ask("GET", "/0", Host="evil.example", Authorization=_basic(SECRET))[0], 421, "a foreign name")
        equal(site.ask("GET", "/?LED", **who)[1], b'{"LED":1}', "the value")
        equal(site.ask("POST", "/?LED", "x" * 5000, **who)[0], 413, "a body that is too long")


@test
def behind_nginx_a_session_drives_over_many_connections_and_is_stopped_when_it_is_silent():
    with _nginx() as (site, daemon):
        who = {"Authorization": _basic(SECRET), "Host": NAME}
        _, _, get = site.ask("GET", "/?ping", **who)
        mine = {"HTTaP_Session": get("HTTaP-Session"), **who}
        for _ in range(5):
            equal(site.ask("POST", "/?FORWARD", "1", **mine)[:2], (200, b'{"FORWARD":1}'), "driving")
        status, body, _ = site.ask("POST", "/?FORWARD", "1", **who)
        equal(status, 409, f"somebody else is refused: {body}")
        wait_until(lambda: "FORWARD 1 -> 0" in daemon.said(), "the line is safe when its driver is silent")


@test
def behind_nginx_events_arrive_at_once():
    with _nginx() as (site, _):
        who = {"Authorization": _basic(SECRET), "Host": NAME}
        link = site.connection()
        with contextlib.closing(link):
            link.request("GET", "/?events", headers=who)
            events = link.getresponse()
            for value in ("0", "1", "0", "1"):  # the first is of the whole state
                began = time.monotonic()
                site.ask("POST", "/?LED", value, **who)
                while f'"LED":{value}'.encode() not in events.readline():
                    pass
                check(time.monotonic() - began < 2, f"the change to {value} came at once")


@test
def behind_stunnel_who_has_no_certificate_is_not_heard():
    with _stunnel() as (site, daemon):
        try:
            got = site.ask("GET", "/1", Host=NAME)
        except (ssl.SSLError, OSError, http.client.HTTPException):
            got = None
        equal(got, None, "what somebody without a certificate gets")
        _in_shell(site.directory, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=eve "
                                  "-keyout eve.key -out eve.crt")
        try:
            got = site.ask("GET", "/1", Host=NAME, link=site.connection("eve"))
        except (ssl.SSLError, OSError, http.client.HTTPException):
            got = None
        equal(got, None, "what somebody with a certificate of his own gets")
        equal(client.ask(daemon, target="/?LED").json(), {"LED": 0}, "LED")


@test
def behind_stunnel_a_person_with_a_certificate_drives_and_losing_the_link_stops():
    with _stunnel() as (site, daemon):
        link = site.connection("anna")
        equal(_ask(link, "GET", "/", Host=NAME)[0], 200, "the page")
        equal(_ask(link, "POST", "/?LED", "1", Host=NAME, Origin=f"https://{NAME}")[1], b'{"LED":1}', "a write")
        equal(_ask(link, "POST", "/?LED", "0", Host=NAME, Origin="https://evil.example")[0], 403, "a write of a foreign page")
        equal(_ask(link, "POST", "/?FORWARD", "1", Host=NAME)[1], b'{"FORWARD":1}', "driving")
        link.sock.close()
        wait_until(lambda: "FORWARD 1 -> 0" in daemon.said(), "the line is safe when the link ends")


@test
def each_recipe_is_described_with_the_commands_that_it_needs():
    text = (RECIPES / "README.md").read_text()
    for file in ("nginx.conf", "stunnel.conf"):
        check(f"({file})" in text, f"README.md leads to {file}")
        for path in re.findall(r"/etc/ssl/httapd/(\S+?);?$", (RECIPES / file).read_text(), re.M):
            check(path in text, f"README.md makes {path}")
