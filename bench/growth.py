#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""growth.py HTTAPD WWW JSON SVG: what a write costs, in user instructions (callgrind), when there are more connections, more lines, or
more listeners; as numbers and as a picture. A goal: of connections and lines, the dearest costs at most a tenth more than the cheapest;
and each listener costs the same.
"""
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

from cost import instructions, post

CONNECTIONS = (2, 8, 32, 128, 512, 1024)
LINES = (1, 4, 16, 54)  # all that the simulated chip has
LISTENERS = (0, 1, 2, 4, 8, 16, 31)
FLAT = 1.1


def write(i):
    return post("/?LED", str((i + 1) % 2))


def lines(count):
    return " ".join(["LED=0"] + [f"L{i}={i}" for i in range(1, count)])


def grow(httapd, www):
    found = {"connections": {count: instructions(httapd, www, write, connections=count, idle=count - 1) for count in CONNECTIONS}}
    found["lines"] = {count: instructions(httapd, www, write, lines=lines(count)) for count in LINES}
    found["listeners"] = {count: instructions(httapd, www, write, listeners=count) for count in LISTENERS}
    return found


def plot(found, svg):
    with tempfile.TemporaryDirectory() as directory:
        panels = []
        for name, row in found.items():
            data = pathlib.Path(directory, name)
            data.write_text("".join(f"{count} {cost}\n" for count, cost in row.items()))
            scale = "unset logscale x\nset xtics autofreq" if name == "listeners" else "set logscale x 2\nset xtics 4"
            panels.append(f"{scale}\nset xlabel '{name}'\nplot '{data}' with linespoints linewidth 2 pointtype 7 linecolor rgb '#c51a4a' notitle\n"
                          "unset ylabel\n")
        subprocess.run(["gnuplot"], check=True, text=True, input=f"""
set terminal svg size 960,320 background '#ffffff' font 'sans-serif,12'
set output '{svg}'
set multiplot layout 1,3
set yrange [0:*]
set grid linecolor rgb '#dddddd'
set border 3
set tics nomirror
set ylabel 'user instructions for a write'
{"".join(panels)}""")


def main(httapd, www, path, svg):
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    found = grow(httapd, www)
    missed = []
    for name, row in found.items():
        print(f"{name:12}" + "".join(f"{count:>9}" for count in row))
        print(" " * 12 + "".join(f"{cost:9.0f}" for cost in row.values()), flush=True)
        if name != "listeners" and max(row.values()) > FLAT * min(row.values()):
            missed.append(f"a write costs the same with few and with many {name}")
    each = [(cost - found["listeners"][0]) / count for count, cost in found["listeners"].items() if count > 1]
    print(f"a listener costs {min(each):.0f} to {max(each):.0f}")
    if max(each) > FLAT * min(each):
        missed.append("each listener costs the same")
    pathlib.Path(path).write_text(json.dumps(found, indent="\t") + "\n")
    plot(found, svg)
    for goal in missed:
        print(f"goal missed: {goal}")
    return 1 if missed else 0


sys.exit(main(*sys.argv[1:]))
