# SPDX-License-Identifier: Apache-2.0
"""A short run of `make bench-faults`, in a process of its own: it mounts disks to fill."""

import json
import subprocess
import sys

import pytest

from tests import postgresql


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_through_cuts_kills_and_full_disks_no_mail_is_lost_or_doubled(database: str) -> None:
    if database == "postgresql" and postgresql.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    arguments = ["--cuts", "100", "--seed", "3", "--database", database]
    command = [sys.executable, "-m", "tests.bench.faults", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["cuts"] >= 100
    assert (result["lost"], result["doubled"]) == (0, 0)
