# SPDX-License-Identifier: Apache-2.0
"""The journal by part and severity, from a journalctl that tells what a test says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mokanda_firmware.logs import journal


def says(folder: Path, monkeypatch: pytest.MonkeyPatch, *entries: Any) -> None:  # noqa: ANN401
    """Put a journalctl first in the path that prints these entries, and notes how it was called."""
    lines = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in entries)
    (folder / "lines").write_text(lines + "\n")
    program = folder / "journalctl"
    program.write_text(f'#!/bin/sh\necho "$@" >{folder}/called\ncat {folder}/lines\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def entry(message: object, unit: str = "mokanda-courier.service", **more: str) -> dict[str, Any]:
    return {
        "__REALTIME_TIMESTAMP": "1795433019123456",
        "PRIORITY": "6",
        "MESSAGE": message,
        "_SYSTEMD_UNIT": unit,
        **more,
    }


def test_lines_know_their_part_and_say_nothing_of_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = entry("usb 2-1: reset", unit="", SYSLOG_IDENTIFIER="kernel")
    says(tmp_path, monkeypatch, entry("mail of awa@boende.example waits"), kernel)
    first, second = journal.lines("", journal.INFORMATION, 10)
    assert (first.at, first.part) == (1795433019, "courier")
    assert first.text == "mail of …@boende.example waits"
    assert (second.part, second.text) == ("system", "kernel: usb 2-1: reset")


def test_a_part_is_asked_for_by_its_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says(tmp_path, monkeypatch, entry("x", unit="rauc.service"))
    assert len(journal.lines("updates", journal.WARNING, 10)) == 1
    called = (tmp_path / "called").read_text()
    assert "--unit=mokanda-updates.service" in called
    assert "--priority=4" in called


def test_no_more_lines_are_read_than_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(tmp_path, monkeypatch, *(entry(f"line {number}") for number in range(5000)))
    assert [line.text for line in journal.lines("", 6, 3)] == ["line 0", "line 1", "line 2"]


def test_strange_entries_are_passed_over_or_made_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = ["no json", "[]", {"MESSAGE": "no time"}, entry(None), entry([98, 105, 110, 255])]
    says(tmp_path, monkeypatch, *strange, entry("a\x1b[31mred\nline"), entry("x " * 2000))
    texts = [line.text for line in journal.lines("", 6, 10)]
    assert texts[-3] == "bin\ufffd"
    assert texts[-2] == "a [31mred line"
    assert len(texts[-1]) == 500


def test_without_a_journal_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(journal.JournalError):
        journal.lines("", 6, 10)
