#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""cost.py HTTAPD WWW JSON: what one request over a kept connection costs: user instructions (callgrind, simulated chip) and system
calls (strace). Each program is run twice, with few requests and with many; the difference is what the requests cost, without the start.

HTTAPD is built without the sandbox, which would not let valgrind write what it counted, and is not run by root, so that it does not go
to a jail either.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from late import request

FEW, MANY = 100, 1100
PATIENCE_S = 30
NOBODY = 65534
LINES = "LED=GPIO17 FORWARD=GPIO23,failsafe=60s"
BROWSER = ("Connection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
           "Safari/537.36\r\nAccept: */*\r\nOrigin: http://localhost\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.9\r\n")


def post(target, body, fields=""):
    return request("POST", target, body, fields)


# Name, the request by its number, HTTAP_LOG, goals for instructions and system calls.
CASES = [
    ("write, log errors", lambda i: post("/?LED", str(i % 2)), "errors", 1500, 4),
    ("write, log changes", lambda i: post("/?LED", str(i % 2)), "changes", None, 4),
    ("write of a motor", lambda i: post("/?FORWARD", "1"), "errors", None, 4),
    ("write by a page", lambda i: post("/?LED", str(i % 2), BROWSER), "errors", None, 4),
    ("write, each head another", lambda i: post("/?LED", str(i % 2), f"X-Number: {i % 2}\r\n"), "errors", None, 4),
    ("read", lambda i: request("GET", "/?LED"), "errors", None, 4),
    ("small file", lambda i: request("GET", "/vcd.js"), "errors", None, 5),
    ("small file, with a tree of types", lambda i: request("GET", "/typed.js"), "errors", None, 5),
]


def reply(link):
    got = b""
    while b"\r\n\r\n" not in got:
        got += link.recv(1 << 16)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    left = int(re.search(rb"Content-Length: (\d+)", head)[1]) - len(body)
    while left > 0:
        left -= len(link.recv(1 << 16))


def connect(port):
    return socket.create_connection(("127.0.0.1", port), PATIENCE_S)


def ask(port, count, make_request, idle, listeners):
    """So many requests on one connection, beside others that have asked once and are silent, and beside some that listen."""
    with contextlib.ExitStack() as stack:
        for _ in range(idle):
            link = stack.enter_context(connect(port))
            link.sendall(request("GET", "/?LED"))
            reply(link)
        hears = []
        for _ in range(listeners):
            hears.append(stack.enter_context(connect(port)))
            hears[-1].sendall(request("GET", "/?events"))
            while b"data:" not in hears[-1].recv(1 << 16):
                pass
        link = stack.enter_context(connect(port))
        for i in range(count):
            link.sendall(make_request(i))
            reply(link)
            for hear in hears:
                hear.recv(1 << 16)


def run(tool, httapd, www, make_request, count, log="errors", lines=LINES, connections=32, idle=0, listeners=0):
    """Serves so many requests under a tool; what the tool wrote."""
    with tempfile.TemporaryDirectory() as directory:
        out, root = os.path.join(directory, "out"), os.path.join(directory, "www")
        shutil.copytree(www, root)
        os.mkdir(os.path.join(root, "..."))
        shutil.copy(os.path.join(root, "vcd.js"), os.path.join(root, "typed.js"))
        pathlib.Path(root, "...", "typed.js").write_text("text/javascript")
        httapd = shutil.copy(httapd, directory)
        if os.geteuid() == 0:
            os.chown(directory, NOBODY, NOBODY)
        env = {"HTTAP_GPIOCHIP": "sim", "HTTAP_STATICPATH": root, "HTTAP_TCPPORT": "0", "HTTAP_LOG": log, "PATH": os.environ["PATH"],
               "HTTAP_LINES": lines, "HTTAP_CONNECTIONS": str(connections), "HTTAP_KEEPALIVE": "200"}
        # valgrind lets nobody lower the number of descriptors below what it was started with: that is what httapd asks for.
        descriptors = 2 * (connections + 4) + 112
        as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
        command = ["prlimit", f"--nofile={descriptors}:{2 * descriptors + 32}"] + as_nobody + [word.format(out=out) for word in tool] + [httapd]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            port = int(re.search(r"port (\d+)$", process.stdout.readline().strip())[1])
            ask(port, count, make_request, idle, listeners)
            # strace has httapd as its child, and would only leave it; valgrind is httapd.
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(children[0]) if children else process.pid, signal.SIGTERM)
            process.communicate(timeout=PATIENCE_S)
        return pathlib.Path(out).read_text()


def instructions(httapd, www, make_request, **options):
    def total(count):
        text = run(["valgrind", "--tool=callgrind", "--callgrind-out-file={out}"], httapd, www, make_request, count, **options)
        return int(re.search(r"^(?:summary|totals): (\d+)", text, re.M)[1])
    return (total(MANY) - total(FEW)) / (MANY - FEW)


def system_calls(httapd, www, make_request, **options):
    def total(count):
        text = run(["strace", "-f", "-c", "-o", "{out}"], httapd, www, make_request, count, **options)
        return int(re.search(r"^ *100\.00 +[\d.]+ +\d* +(\d+) .*total$", text, re.M)[1])
    return (total(MANY) - total(FEW)) / (MANY - FEW)


def main():
    httapd, www, json_file = sys.argv[1:]
    results, goals = [], []
    print(f"{'one request over a kept connection':36}{'instructions':>14}{'goal':>8}{'system calls':>14}{'goal':>6}")
    for name, make_request, log, most, calls_most in CASES:
        counted = instructions(httapd, www, make_request, log=log)
        calls = system_calls(httapd, www, make_request, log=log)
        if most is not None:
            goals.append((f"{name}: instructions", round(counted), "<=", most))
        goals.append((f"{name}: system calls", round(calls, 1), "<=", calls_most))  # a line of the log now and then is less than 0.05
        print(f"{name:36}{counted:14.0f}{most or '':>8}{calls:14.2f}{calls_most:>6}", flush=True)
        results.append({"case": name, "instructions": counted, "system_calls": calls, "goals": [most, calls_most]})
    pathlib.Path(json_file).write_text(json.dumps({"cases": results, "goals": goals}, indent="\t") + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
