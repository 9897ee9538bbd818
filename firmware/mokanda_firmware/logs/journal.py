# SPDX-License-Identifier: Apache-2.0
"""The last lines of the journal, redacted, by part of the device and severity."""

import json
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from mokanda_firmware.logs.redact import redact

# What the parts of the device are called by, and their units; the rest is the system's.
PARTS: dict[str, tuple[str, ...]] = {
    "courier": ("mokanda-courier",),
    "modem": ("mokanda-modem",),
    "webmail": ("mokanda-webmail", "mokanda-hotspot", "mokanda-hotspot-names"),
    "lights": ("mokanda-lights",),
    "updates": ("mokanda-updates", "mokanda-healthy", "mokanda-slots", "rauc"),
    "backup": ("mokanda-backup", "mokanda-restore"),
    "setup": ("mokanda-setup", "mokanda-mend"),
    "system": (),
}
_PART_OF = {unit: part for part, units in PARTS.items() for unit in units}
_FIELDS = "MESSAGE,PRIORITY,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER"
_READ = 4000  # lines of the journal that are looked through at most
_MAX_LINE = 500  # characters of a line, redacted
_SECONDS = 30.0
WARNING, INFORMATION = 4, 6  # as syslog counts: the less, the worse


class JournalError(Exception):
    """The journal cannot be read."""


class Line(NamedTuple):
    """A line of the log; `at` is seconds since 1970, `part` one of PARTS."""

    at: int
    part: str
    priority: int
    text: str


def lines(part: str, priority: int, count: int) -> list[Line]:
    """Return the last lines of a part ("" for all), this grave or more so, the latest first.

    Raises:
        JournalError: there is no journal, or it cannot be read.
    """
    command = ["journalctl", "--quiet", "--no-pager", "--reverse", "--output=json"]
    command += [f"--output-fields={_FIELDS}", f"--lines={_READ}", f"--priority={priority}"]
    command += [f"--unit={unit}.service" for unit in PARTS.get(part, ())]
    try:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as journalctl:
            assert journalctl.stdout is not None
            found = []
            for line in _parsed(journalctl.stdout):
                if part in {"", line.part}:
                    found.append(line)
                if len(found) == count:
                    journalctl.kill()
                    break
            else:
                if journalctl.wait(_SECONDS):
                    raise JournalError(f"journalctl ended with {journalctl.returncode}")
    except (OSError, subprocess.SubprocessError) as error:
        raise JournalError(str(error)) from error
    return found


def _parsed(output: Iterator[bytes]) -> Iterator[Line]:
    for raw in output:
        try:
            entry = json.loads(raw)
            unit = str(entry.get("_SYSTEMD_UNIT", "")).removesuffix(".service")
            message = entry["MESSAGE"]
            if isinstance(message, list):  # it is not text
                message = bytes(message).decode("utf-8", "replace")
            at = int(entry["__REALTIME_TIMESTAMP"]) // 1_000_000
            priority = int(entry.get("PRIORITY", INFORMATION))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        name = str(entry.get("SYSLOG_IDENTIFIER", ""))
        part = _PART_OF.get(unit, "system")
        text = f"{name}: {message}" if part == "system" and name else str(message)
        text = "".join(each if each.isprintable() else " " for each in text)
        yield Line(at, part, priority, redact(text)[:_MAX_LINE])
