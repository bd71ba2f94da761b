#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""plot.py JSON SVG: what compare.py found as a picture: each server's requests per second beside httapd's."""
import json
import pathlib
import subprocess
import sys
import tempfile

COLOURS = {"httapd": "#c51a4a", "bare loop": "#9aa0a6", "nginx": "#2e7d32", "libmicrohttpd": "#1565c0", "lighttpd": "#6a1b9a",
           "libevent": "#ef6c00"}
SHOWN = {"write, 4 connections": "write,\\n4 connections", "write, 16 connections": "write,\\n16 connections",
         "write, 32 connections": "write,\\n32 connections", "read, 16 connections": "read,\\n16 connections",
         "file of 1 kB, 16 connections": "file of 1 kB,\\n16 connections",
         "file of 10 MB, 2 connections": "file of 10 MB,\\n2 connections",
         "a connection for each read": "a connection\\nfor each read"}


def main(found, svg):
    results = json.loads(pathlib.Path(found).read_text())["throughput"]
    with tempfile.NamedTemporaryFile("w", suffix=".dat") as data:
        for case, label in SHOWN.items():
            row = results[case]
            ratios = [str(row[name]["requests_per_s"] / row["httapd"]["requests_per_s"]) if name in row else "?" for name in COLOURS]
            print(f'"{label}"', *ratios, file=data)
        data.flush()
        columns = ", ".join(f"'{data.name}' using {i}{':xtic(1)' if i == 2 else ''} title '{name}' linecolor rgb '{colour}'"
                            for i, (name, colour) in enumerate(COLOURS.items(), 2))
        subprocess.run(["gnuplot"], check=True, text=True, input=f"""
set terminal svg size 960,400 background '#ffffff' font 'sans-serif,12'
set output '{svg}'
set style data histogram
set style histogram cluster gap 1
set style fill solid
set datafile missing '?'
set boxwidth 0.9
set yrange [0:*]
set ylabel 'requests per second, httapd = 1'
set grid ytics linecolor rgb '#dddddd'
set key outside top center horizontal
set border 3
set tics nomirror
set bmargin 4
plot {columns}
""")


main(*sys.argv[1:])
