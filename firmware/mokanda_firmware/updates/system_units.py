# SPDX-License-Identifier: Apache-2.0
"""How all units are that this system starts, as systemd itself tells: ours, and what they need."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Self

from mokanda_firmware.bus import units

PLACES = (Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"))

_PROPERTIES = "Id,Type,LoadState,ActiveState,SubState,Result,ConditionResult,InvocationID"
_STARTERS = (".path", ".socket", ".timer")  # of a service that ends when there is nothing to do
_SECONDS = 60.0  # that systemd may take to answer
_AS_MEANT = {"success", "exec-condition"}  # the latter: there was nothing to do
# In a sub-state of these it waits to be started once more.
_RESTARTING = {"auto-restart", "auto-restart-queued"}


class Unit(NamedTuple):
    """A unit, such as "mokanda-courier.service".

    Attributes:
        works: whether it does what it is for, or has done it.
        always_runs: whether an end of it would be one too many.
        start: systemd's name for its last start.
    """

    name: str
    works: bool
    always_runs: bool
    start: str

    @classmethod
    def of(cls, told: dict[str, str], *, on_demand: bool) -> Self:
        """Judge by the properties that systemd has told."""
        name, active = told["Id"], told["ActiveState"]
        kind = Path(name).suffix
        ends = on_demand or told.get("Type") == "oneshot"
        has_failed = (
            active == "failed"
            or told.get("Result", "success") not in _AS_MEANT
            or told["SubState"] in _RESTARTING
        )
        if active == "inactive":
            # One whose conditions do not hold is not meant to be started.
            is_up = ends or told.get("ConditionResult") == "no"
        else:
            is_up = active == "active" or on_demand
        always_runs = kind == ".service" and not ends and active != "inactive"
        return cls(name, is_up and not has_failed, always_runs, told.get("InvocationID", ""))


def all_units() -> list[Unit]:
    """Return all that is started at a boot, what is started by that, and the village's Wi-Fi.

    Raises:
        OSError, subprocess.SubprocessError: systemd does not tell.
    """
    enabled = {link.name for place in PLACES for link in place.glob("*.wants/*")}
    enabled -= {f"{units.PROOF}.service"}  # which asks
    started = {f"{Path(name).stem}.service" for name in enabled if name.endswith(_STARTERS)}
    wifi = {f"{name}.service" for name in units.WIFI}
    asked = sorted({*enabled, *started, *wifi})
    done = subprocess.run(
        ["systemctl", "show", f"--property={_PROPERTIES}", *asked],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    return [
        Unit.of(told, on_demand=told["Id"] in started)
        for told in _told(done.stdout.split("\n\n"))
        if told["LoadState"] == "loaded"
    ]


def _told(paragraphs: Iterable[str]) -> Iterable[dict[str, str]]:
    for paragraph in paragraphs:
        lines = [line.partition("=") for line in paragraph.splitlines()]
        if lines:
            yield {name: value for name, _, value in lines}
