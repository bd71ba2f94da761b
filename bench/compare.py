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
    ("read, 1 connection", [], 1, "/?LED", None, STATIC, {}),  # and any connection behind its 65,535th request
    ("read, 4 connections", [], 4, "/?LED", None, (), {}),
    ("read, 16 connections", [], 16, "/?LED", None, (), {}),
    ("read, 32 connections", [], 32, "/?LED", None, (), {}),
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
server.max-keep-alive-requests = 65535
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
    others = [name for name in row if name not in (LIMIT, OURS)]
    print(f"\n{case[0]:34} requests/s   p50 us   p99 us p99.9 us   to limit" + "".join(f" {'to ' + name[:10]:>13}" for name in others))
    for name, figures in sorted(row.items(), key=lambda item: -item[1]["requests_per_s"]):
        rate = figures["requests_per_s"]
        print(f"  {name:32} {rate:10.0f} {figures['p50_us']:8.0f} {figures['p99_us']:8.0f} {figures['p999_us']:8.0f}"
              f" {rate / row[LIMIT]['requests_per_s'] if LIMIT in row else float('nan'):10.2f}".replace("nan", "  -") +
              "".join(f" {rate / row[other]['requests_per_s']:13.2f}" for other in others))
    for name, (ratio, goal) in ratios(case, results).items():
        if goal:
            print(f"  httapd is {ratio:.2f} of {name}; goal {goal:.2f}{'' if ratio >= goal else ': MISSED'}", flush=True)


def second_opinion(servers, seconds, rounds):
    """The same by wrk, which is not ours: two of the cases, as requests a second."""
    found = {}
    print("\nby wrk, 16 connections" + "".join(f"{name:>15}" for name in servers))
    for target in ("/?LED", "/1k"):
        runs = {name: [] for name in servers if name != LIMIT or target == "/?LED"}
        for number in range(rounds):
            for name in runs if number % 2 == 0 else reversed(runs):
                said = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds:.0f}s", f"http://127.0.0.1:{servers[name][0]}{target}"], check=True,
                                      stdout=subprocess.PIPE, text=True).stdout
                assert "Non-2xx" not in said, said
                runs[name].append(float(re.search(r"Requests/sec: +([\d.]+)", said)[1]))
        found[target] = {name: statistics.median(run) for name, run in runs.items()}
        print(f"  {target:20}" + "".join(f"{found[target].get(name, float('nan')):15.0f}".replace("nan", "  -") for name in servers), flush=True)
    return found


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
    """Of a server and its children: memory that nobody else has or could have. What is only read of a shared library is everybody's, also when
    nobody else has it open just now."""
    pids = [process.pid, *map(int, pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())]
    total, shared = 0, False
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
            mapping = re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)", line)
            size = re.match(r"Private_(Clean|Dirty): +(\d+) kB", line)
            if mapping:
                shared = ".so" in mapping[1]
            elif size and not (shared and size[1] == "Clean"):
                total += int(size[2])
    return total


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


def library_of(program, name):
    """The shared library by which a program serves."""
    said = subprocess.run(["ldd", str(program)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.search(rf"{name}\S* => (\S+)", said)[1]


def archive_bytes(archive):
    said = subprocess.run(["size", "-A", str(archive)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return sum(int(size) for size in re.findall(r"^\.text\S* +(\d+)", said, re.M))


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
        by_wrk = second_opinion(servers, max(1, seconds), rounds)
        memory = {name: private_kb(process) for name, process in processes.items()}
        listeners = fan_out(servers[OURS][0])
        after = private_kb(processes[OURS])
    sizes = {OURS: text_bytes(str(build / "httapd"))} | {name: text_bytes(shutil.which(name)) for name in ("nginx", "lighttpd")}
    sizes |= {name: text_bytes(library_of(build / program, name)) for name, program in (("libmicrohttpd", "micro"), ("libevent", "event"))}
    archive = archive_bytes(build / "libhttap.a")
    print("\n" + " " * 32 + "".join(f"{name:>15}" for name in memory))
    print(f"{'private memory, after that, kB':32}" + "".join(f"{memory[name]:15}" for name in memory))
    print(f"{'from start to first reply, ms':32}" + "".join(f"{starts.get(name, ''):>15}" for name in memory))
    print(f"{'.text (or of the library), bytes':32}" + "".join(f"{sizes.get(name, ''):>15}" for name in memory))
    print(f"\nhttapd's private memory after its listeners are gone, kB: {after}; machine code of libhttap.a, bytes: {archive}")
    print("\na change until the last of so many listeners has it, ms: " +
          ", ".join(f"{count}: {found:.2f}" for count, found in listeners.items()))
    goals = [(f"{case[0]}, to {name}", round(ratio, 2), ">=", goal) for case in CASES for name, (ratio, goal) in ratios(case, results).items() if goal]
    goals += [(f"a change to {LISTENERS[-1]} listeners, ms", listeners[LISTENERS[-1]], "<=", 1),
              ("private memory after all that, kB", max(memory[OURS], after), "<=", 1024), (".text of httapd, bytes", sizes[OURS], "<=", 65536)]
    pathlib.Path(path).write_text(json.dumps({"throughput": results, "wrk": by_wrk, "private_kb": memory, "start_ms": starts, "text_bytes": sizes,
                                              "archive_bytes": archive, "fan_out_ms": listeners, "goals": goals}, indent="\t") + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
