# SPDX-License-Identifier: Apache-2.0
"""The device's log for the keeper, and as a file for the operator."""

import logging
from datetime import UTC, datetime

from bottle import HTTPResponse

from mokanda_firmware.logs import journal
from mokanda_firmware.logs.journal import JournalError, Line
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit, get, to_save
from mokanda_firmware.zones import zone_of

PARTS = {
    "": N_("everything"),
    "courier": N_("mail run"),
    "modem": N_("modem"),
    "webmail": N_("pages and Wi-Fi"),
    "lights": N_("lights"),
    "updates": N_("updates"),
    "backup": N_("backup"),
    "setup": N_("connection to the relay"),
    "system": N_("system"),
}
_SHOWN, _SAVED = 150, 2000  # lines
_NO_LOG = N_("The log cannot be read now.")
_log = logging.getLogger(__name__)


@get("/logs", access="keeper")
def show_logs(visit: Visit) -> HTTPResponse:
    """Show the last lines, the latest first."""
    part, grave = _asked(visit)
    problem, lines = "", []
    try:
        lines = _lines(part, _SHOWN, grave=grave)
    except Refused as error:
        problem = error.sentence(visit.language)
    return visit.page(
        "device/logs",
        problem=problem,
        lines=lines,
        parts=PARTS,
        part=part,
        grave=grave,
        is_grave=lambda line: line.priority <= journal.WARNING,
    )


@get("/logs.txt", access="keeper")
def save_logs(visit: Visit) -> HTTPResponse:
    """Give the log out as a file, the latest last, as programs expect it."""
    part, grave = _asked(visit)
    zone = zone_of(visit.zone)
    text = "".join(
        f"{datetime.fromtimestamp(line.at, UTC).astimezone(zone):%Y-%m-%d %H:%M:%S%z}"
        f" {line.part} <{line.priority}> {line.text}\n"
        for line in reversed(_lines(part, _SAVED, grave=grave))
    )
    name = f"mokanda-log-{datetime.now(zone):%Y-%m-%d}.txt"
    return to_save(text.encode(), "text/plain; charset=utf-8", name)


def _asked(visit: Visit) -> tuple[str, bool]:
    part = str(visit.request.query.get("part", ""))
    return part if part in PARTS else "", visit.request.query.get("grave") == "1"


def _lines(part: str, count: int, *, grave: bool) -> list[Line]:
    try:
        return journal.lines(part, journal.WARNING if grave else journal.INFORMATION, count)
    except JournalError as error:
        _log.warning("the journal cannot be read: %s", error)
        raise Refused(503, _NO_LOG) from error
