# SPDX-License-Identifier: Apache-2.0
"""A short run of `make bench-faults`, in a process of its own: it mounts disks to fill."""

import json
import subprocess
import sys


def test_through_cuts_kills_and_full_disks_no_mail_is_lost_or_doubled() -> None:
    command = [sys.executable, "-m", "tests.bench.faults", "--cuts", "100", "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["cuts"] >= 100
    assert (result["lost"], result["doubled"]) == (0, 0)
