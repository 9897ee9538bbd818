# SPDX-License-Identifier: Apache-2.0
"""How a board without a battery gets the time before any relay has told it."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "firmware/system/usr/lib/mokanda/clock"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data partition; beside it a `date` that writes down what it would set."""
    date = tmp_path / "bin" / "date"
    date.parent.mkdir()
    date.write_text(
        f"#!/bin/sh\n[ $1 = -s ] && exec echo $2 >>{tmp_path}/set\nexec {shutil.which('date')} $@\n"
    )
    date.chmod(0o755)
    (tmp_path / "data/mokanda").mkdir(parents=True)
    (tmp_path / "data/mokanda-restore/ready-1").mkdir(parents=True)
    return tmp_path / "data"


def start(data: Path) -> list[str]:
    """What the clock is set to at a start."""
    path = f"{data.parent}/bin:{os.environ['PATH']}"
    subprocess.run([SCRIPT, data], env={"PATH": path}, check=True)
    told = data.parent / "set"
    return told.read_text().split() if told.exists() else []


def write(path: Path, moment: int) -> None:
    path.touch()
    os.utime(path, (moment, moment))


def test_it_goes_on_from_when_the_store_was_written_last(data: Path) -> None:
    later = int(time.time()) + 90 * 86400
    write(data / "mokanda/mail.db", 0)
    write(data / "mokanda/mail.db-wal", later)
    assert start(data) == [f"@{later}"]


def test_it_never_goes_back(data: Path) -> None:
    write(data / "mokanda/mail.db", int(time.time()) - 60)
    assert start(data) == []


def test_a_store_that_takes_its_place_at_this_start_tells_the_time_too(data: Path) -> None:
    later = int(time.time()) + 90 * 86400
    write(data / "mokanda-restore/ready-1/mail.db", later)
    assert start(data) == [f"@{later}"]


def test_a_new_card_has_nothing_to_go_by(data: Path) -> None:
    assert start(data) == []
