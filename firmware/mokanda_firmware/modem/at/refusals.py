# SPDX-License-Identifier: Apache-2.0
"""How a modem refuses a command, and what else may become of one."""

import re

from mokanda_firmware.modem.backend import ModemError

_REFUSAL = re.compile(r"ERROR|COMMAND NOT SUPPORT|TOO MANY PARAMETERS", re.IGNORECASE)  # Huawei's
_CODED_REFUSAL = re.compile(r"\+CM[ES] ERROR: *(.*)", re.IGNORECASE)
# What modems say in words where others give the number (3GPP TS 27.007, 9.2).
_CODES = {
    "sim not inserted": 10,
    "sim pin required": 11,
    "sim puk required": 12,
    "sim failure": 13,
    "sim busy": 14,
    "sim wrong": 15,
    "incorrect password": 16,
    "ph-sim pin required": 5,
}


class AtError(ModemError):
    """The modem refused a command; `code` is the number of a +CME ERROR, or None."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


class AtTimeoutError(AtError):
    """The modem did not finish its answer in time."""


class AtAbandonedError(AtError):
    """The modem took the command and passed it on, but nothing came of it."""


def check(line: str) -> None:
    """Raise AtError if a line is a refusal."""
    if refusal := _CODED_REFUSAL.fullmatch(line):
        raise AtError(line, error_code(refusal[1]))
    if _REFUSAL.fullmatch(line):
        raise AtError(line)


def error_code(reason: str) -> int | None:
    """Return the number of "+CME ERROR: <reason>", which may be in words; None: it has none."""
    reason = reason.strip()
    if reason.isascii() and reason.isdigit() and len(reason) <= 5:
        return int(reason)
    return _CODES.get(reason.lower())
