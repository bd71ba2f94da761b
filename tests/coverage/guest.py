# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""What tests/kernel/init.sh runs in the guests of scripts/coverage: the suite of all chips, and what was counted in it. One line of TAP."""

import shutil
import subprocess

# Counted in the guest's memory: a file of the host can't be mapped for writing by several processes.
done = subprocess.run(["./chip-tests", "/sys/kernel/config/gpio-sim/header"], capture_output=True, text=True,
                      env={"TEMP": "/run", "LLVM_PROFILE_FILE": "/run/chips%c.profraw"})
shutil.copy("/run/chips.profraw", "chips.profraw")
print("ok" if done.returncode == 0 else "not ok", "- the suite of all chips", flush=True)
if done.returncode != 0:
    print(done.stdout, done.stderr, flush=True)
