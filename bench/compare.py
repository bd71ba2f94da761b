#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""compare.py BUILD SECONDS ROUNDS JSON: httapd beside a bare loop of recv and send (the limit) and beside other servers that answer
the same bytes, each of them one process and one thread. All of them run at the same time and are asked one after the other, round by
round; a figure is the median of its rounds. BUILD has httapd and the programs of this directory.
"""
import contextlib
import json
import os
import pathlib
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from late import request

WORD = '{"LED":1}'
LIMIT, OURS = "bare loop", "httapd"
PATIENCE_S = 10
LISTENERS = (1, 8, 31)
FANOUT_ROUNDS = 200
STARTS = 9
KILOBYTE, LARGE = 1024, 10 << 20

# Name, options of load, connections, target, body; who can't be asked that; goals: ratio to the limit, to the best peer, to nginx.
WRITE = ("/?LED", "1")
STATIC = ("lighttpd",)  # answers a POST by a file only to close the connection behind it
CASES = [
    ("write, 1 connection", [], 1, *WRITE, STATIC, {}),
    ("write, 4 connections", [], 4, *WRITE, STATIC, {}),
    ("write, 16 connections", [], 16, *WRITE, STATIC, {"limit": 0.95, "best peer": 1.0}),
    ("write, 32 connections", [], 32, *WRITE, STATIC, {}),
    ("read, 16 connections", [], 16, "/?LED", None, (), {}),
    ("16 writes at once, 4 connections", ["-p", "16"], 4, *WRITE, (LIMIT, *STATIC), {"best peer, one at a time": 3.0}),
    ("file of 1 kB, 16 connections", [], 16, "/1k", None, (LIMIT,), {}),
    ("file of 10 MB, 2 connections", [], 2, "/10M", None, (LIMIT,), {"nginx": 0.95}),
    ("a connection for each read", ["-c"], 16, "/?LED", None, (), {}),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def reply_of(port, bytes_out):
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as link:
        link.sendall(bytes_out)
        got = b""
        while b"\r\n\r\n" not in got or not got.endswith(WORD.encode()):
            more = link.recv(65536)
            assert more, got
            got += more
        return got


def until_served(port):
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return reply_of(port, request("GET", "/?LED"))
        except OSError:
            assert time.monotonic() < end, f"nobody serves port {port}"
            time.sleep(0.001)


def files(directory):
    root = directory / "www"
    root.mkdir()
    (root / "index.html").write_text(WORD)
    (root / "1k").write_bytes(b"k" * KILOBYTE)
    (root / "10M").write_bytes(b"m" * LARGE)
    for path in (directory, root, *root.iterdir()):
        os.chmod(path, 0o755)
    return root


def commands(build, directory, root):
    """Name, port, command and environment of each server."""
    ports = {name: free_port() for name in (LIMIT, OURS, "nginx", "lighttpd", "libmicrohttpd", "libevent")}
    user = "user nobody nogroup;" if os.geteuid() == 0 else ""
    (directory / "nginx.conf").write_text(f"""{user} daemon off; pid {directory}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 2048; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=10;
{"".join(f"{kind}_temp_path {directory}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))}
server {{ listen 127.0.0.1:{ports["nginx"]} backlog=1024; root {root};
location = / {{ default_type application/json; return 200 '{WORD}'; }} }} }}
""")
    (directory / "lighttpd.conf").write_text(f"""server.document-root = "{root}"
server.bind = "127.0.0.1"
server.port = {ports["lighttpd"]}
server.max-keep-alive-requests = 1000000000
server.max-fds = 4096
index-file.names = ( "index.html" )
mimetype.assign = ( ".html" => "application/json" )
""")
    (directory / "reply").write_bytes(b"")
    env = {"HTTAP_GPIOCHIP": "sim", "HTTAP_STATICPATH": str(root), "HTTAP_LOG": "errors", "HTTAP_LINES": "LED=GPIO17,initial=1",
           "HTTAP_TCPPORT": str(ports[OURS]), "HTTAP_CONNECTIONS": "40"}  # 32, and some that have not quite left
    if os.geteuid() == 0:
        env["HTTAP_USER"] = "nobody"
    word = [WORD, str(root)]
    lines = {
        OURS: [str(build / "httapd")],
        LIMIT: [str(build / "bare"), str(ports[LIMIT]), str(directory / "reply")],
        "nginx": ["nginx", "-p", str(directory), "-c", str(directory / "nginx.conf")],
        "lighttpd": ["lighttpd", "-D", "-f", str(directory / "lighttpd.conf")],
        "libmicrohttpd": [str(build / "micro"), str(ports["libmicrohttpd"]), *word],
        "libevent": [str(build / "event"), str(ports["libevent"]), *word],
    }
    return {name: (ports[name], line, env if name == OURS else {"PATH": os.environ["PATH"]}) for name, line in lines.items()}


@contextlib.contextmanager
def serving(server):
    port, line, env = server
    with subprocess.Popen(line, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def measure(build, port, case, seconds):
    _, options, connections, target, body, _, _ = case
    line = [str(build / "load"), *options, str(port), str(connections), str(seconds), target] + ([body] if body is not None else [])
    run = subprocess.run(line, check=False, stdout=subprocess.PIPE, text=True)
    assert run.returncode == 0, line
    return json.loads(run.stdout.split("\n")[1])


def median_of(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def throughput(build, servers, seconds, rounds):
    results = {}
    for case in CASES:
        asked = [name for name in servers if name not in case[5]]
        runs = {name: [] for name in asked}
        for number in range(rounds):
            for name in asked if number % 2 == 0 else reversed(asked):
                runs[name].append(measure(build, servers[name][0], case, seconds))
        results[case[0]] = {name: median_of(found) for name, found in runs.items()}
        print_case(case, results)
    return results


def ratios(case, results):
    """Each goal's name with the ratio that was measured, and the goal."""
    row = {name: figures["requests_per_s"] for name, figures in results[case[0]].items()}
    def best(figures):
        return max(value for name, value in figures.items() if name not in (LIMIT, OURS))
    against = {"limit": row.get(LIMIT), "best peer": best(row), "nginx": row["nginx"]}
    if "best peer, one at a time" in case[6]:
        against["best peer, one at a time"] = best(
            {name: figures["requests_per_s"] for name, figures in results["write, 4 connections"].items()})
    return {name: (row[OURS] / value, case[6].get(name)) for name, value in against.items() if value}


def print_case(case, results):
    row = results[case[0]]
    print(f"\n{case[0]:34} requests/s   p50 us   p99 us p99.9 us   to httapd")
    for name, figures in sorted(row.items(), key=lambda item: -item[1]["requests_per_s"]):
        print(f"  {name:32} {figures['requests_per_s']:10.0f} {figures['p50_us']:8.0f} {figures['p99_us']:8.0f} {figures['p999_us']:8.0f}"
              f" {figures['requests_per_s'] / row[OURS]['requests_per_s']:11.2f}")
    for name, (ratio, goal) in ratios(case, results).items():
        if goal:
            print(f"  httapd is {ratio:.2f} of {name}; goal {goal:.2f}{'' if ratio >= goal else ': MISSED'}", flush=True)


def fan_out(port):
    """Milliseconds until the last listener has a change, from before the write that makes it."""
    found = {}
    for count in LISTENERS:
        with contextlib.ExitStack() as stack:
            writer = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
            waiting = stack.enter_context(selectors.EpollSelector())
            listeners = [stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_S)) for _ in range(count)]
            for listener in listeners:
                listener.sendall(request("GET", "/?events"))
                while b"data:" not in listener.recv(65536):
                    pass
                waiting.register(listener, selectors.EVENT_READ)
            times = []
            for i in range(FANOUT_ROUNDS):
                heard = 0
                began = time.monotonic()
                writer.sendall(request("POST", "/?LED", str(i % 2)))
                while heard < count:
                    for key, _ in waiting.select(PATIENCE_S):
                        heard += b"data:" in key.fileobj.recv(65536)
                times.append((time.monotonic() - began) * 1000)
                writer.recv(65536)
            found[count] = round(statistics.median(times), 3)
    return found


def private_kb(process):
    """Of a server and its children: memory that is nobody else's."""
    pids = [process.pid, *map(int, pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())]
    return sum(int(size) for pid in pids
               for size in re.findall(r"^Private_(?:Clean|Dirty): +(\d+) kB", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M))


def start_ms(server):
    times = []
    for _ in range(STARTS):
        began = time.monotonic()
        with serving(server):
            until_served(server[0])
            times.append((time.monotonic() - began) * 1000)
    return round(statistics.median(times), 1)


def text_bytes(program):
    said = subprocess.run(["size", "-A", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(re.search(r"^\.text +(\d+)", said, re.M)[1])


def main(build, seconds, rounds, path):
    build = pathlib.Path(build).resolve()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = pathlib.Path(name)
        servers = commands(build, directory, files(directory))
        starts = {name: start_ms(server) for name, server in servers.items() if name != LIMIT}
        processes = {OURS: stack.enter_context(serving(servers[OURS]))}
        (directory / "reply").write_bytes(until_served(servers[OURS][0]))
        for name, server in servers.items():
            if name != OURS:
                processes[name] = stack.enter_context(serving(server))
                until_served(server[0])
        results = throughput(build, servers, seconds, rounds)
        memory = {name: private_kb(process) for name, process in processes.items()}
        listeners = fan_out(servers[OURS][0])
    sizes = {OURS: text_bytes(str(build / "httapd"))} | {name: text_bytes(shutil.which(name)) for name in ("nginx", "lighttpd")}
    print("\n" + " " * 32 + "".join(f"{name:>15}" for name in memory))
    print(f"{'private memory, after that, kB':32}" + "".join(f"{memory[name]:15}" for name in memory))
    print(f"{'from start to first reply, ms':32}" + "".join(f"{starts.get(name, ''):>15}" for name in memory))
    print(f"{'.text of the program, bytes':32}" + "".join(f"{sizes.get(name, ''):>15}" for name in memory))
    print("\na change until the last of so many listeners has it, ms: " +
          ", ".join(f"{count}: {found:.2f}" for count, found in listeners.items()))
    missed = [f"{case[0]}: {ratio:.2f} of {name}, goal {goal}" for case in CASES for name, (ratio, goal) in ratios(case, results).items()
              if goal and ratio < goal]
    missed += [f"{what}: {found}, goal {goal}" for what, found, goal in (
        (f"to {LISTENERS[-1]} listeners in ms", listeners[LISTENERS[-1]], 1), ("private memory in kB", memory[OURS], 1000),
        (".text in bytes", sizes[OURS], 65536)) if found > goal]
    pathlib.Path(path).write_text(json.dumps({"throughput": results, "private_kb": memory, "start_ms": starts, "text_bytes": sizes,
                                              "fan_out_ms": listeners, "missed": missed}, indent="\t") + "\n")
    for line in missed:
        print(f"goal missed: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
