# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""lines.py LEAST FILE...: what scripts/coverage shows. Each FILE is what llvm-cov has exported in lcov's format, of ever more tests.
Prints for each source how many per cent of its lines they have run, every line that the last one has not, and the sums of the rooms.
Exit status 1 when one is below LEAST.
"""

import glob
import os
import sys

ROOMS = ("httap", "gpio")


def read(path):
    """{source: {line: times}} of an export."""
    found, source = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            word, _, rest = line.rstrip("\n").partition(":")
            if word == "SF":
                source = found.setdefault(os.path.relpath(rest), {})
            elif word == "DA":
                number, times = rest.split(",")[:2]
                source[int(number)] = int(times)
    return found


def per_cent(lines):
    lines = list(lines)
    return 100 * sum(times > 0 for times in lines) / len(lines)


def main():
    least, exports = float(sys.argv[1]), [read(path) for path in sys.argv[2:]]
    names = [os.path.basename(path).partition(".")[0] for path in sys.argv[2:]]
    last = exports[-1]
    print(f"{'':24}{'lines':>6}" + "".join(f"{name:>8}" for name in names))
    for source in sorted(last, key=lambda name: (ROOMS.index(name.partition("/")[0]), name)):
        print(f"{source:24}{len(last[source]):6}" + "".join(f"{per_cent(export[source].values()):8.1f}" for export in exports))
    for source in sorted(last):
        with open(source, encoding="utf-8") as file:
            text = file.read().splitlines()
        for number, times in sorted(last[source].items()):
            if times == 0:
                print(f"{source}:{number}: {text[number - 1].strip()}")
    for source in sorted(path for room in ROOMS for path in glob.glob(f"{room}/*.c")):
        if source not in last:
            print(f"{source}: is not in this build, and not counted")
    good = True
    for room in ROOMS:
        sums = [[times for source in export for times in export[source].values() if source.startswith(f"{room}/")] for export in exports]
        print(f"{room + '/':24}{len(sums[-1]):6}" + "".join(f"{per_cent(lines):8.2f}" for lines in sums))
        good = good and per_cent(sums[-1]) >= least
    return 0 if good else 1


sys.exit(main())
