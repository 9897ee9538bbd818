# SPDX-License-Identifier: Apache-2.0
"""Known vulnerabilities of what is in an image, by the data of Debian's security tracker.

Where that cannot be had, or the image is of another engine, the report says that nothing was
checked, and why: nobody may take that for a clean one.
"""

from __future__ import annotations

import functools
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from typing import Any

from scripts.engines.debian.archive import RELEASE
from scripts.engines.debian.versions import newer

_TRACKER = "https://security-tracker.debian.org/tracker/data/json"
_MAX_BYTES = 500_000_000  # it has some 70 million
_MAX_SECONDS = 300.0
_SILENCE = 20.0  # seconds
_PIECE = 1 << 20

_BUILDROOT = (
    "Debian's security tracker knows nothing of packages from Buildroot. Where GitHub can be "
    "reached, `scripts/buildroot --board {board} pkg-stats`, with the options that the image was "
    "built with, compares them with the National Vulnerability Database, of which it fetches some "
    "gigabytes first (Python's aiohttp, requests and ijson have to be installed), and writes "
    "build/buildroot/{board}/pkg-stats.html; or give the bill of materials (.cdx.json, with CPE "
    "names) to a scanner."
)
_OLDER = "it was built before images noted their source packages: run make image again"
_NOT_HAD = "Debian's security tracker cannot be reached or read from here ({error})"
# By what a reader looks at first.
_STATES = ("fixed", "open")


class TrackerError(Exception):
    """The tracker's data cannot be had; the text says why."""


def fetch() -> Mapping[str, Any]:
    """Return the tracker's data: what is known of each source package.

    MOKANDA_SECURITY_TRACKER names another address of the same data.

    Raises:
        TrackerError: it cannot be had within some minutes.
    """
    address = os.environ.get("MOKANDA_SECURITY_TRACKER") or _TRACKER
    deadline = time.monotonic() + _MAX_SECONDS
    content = bytearray()
    try:
        with urllib.request.urlopen(address, timeout=_SILENCE) as answer:  # noqa: S310
            while piece := answer.read(_PIECE):
                content += piece
                if len(content) > _MAX_BYTES or time.monotonic() > deadline:
                    raise TrackerError("its answer has no end")
        data = json.loads(content)
    except (OSError, HTTPException, ValueError) as error:
        raise TrackerError(str(error) or type(error).__name__) from error
    if not isinstance(data, dict):
        raise TrackerError("its answer is another than expected")
    return data


def report(
    record: Mapping[str, Any], fetch: Callable[[], Mapping[str, Any]] = fetch
) -> dict[str, Any]:
    """Tell which vulnerabilities the image has that `record` (its record.json) tells of."""
    told = {"version": record["version"], "board": record["board"]}
    if record["engine"] != "debian":
        return {**told, "checked": False, "why": _BUILDROOT.format(board=record["board"])}
    packages = record["packages"]
    if not all(package.get("source") for package in packages):
        return {**told, "checked": False, "why": _OLDER}
    sources = sorted({package["source"] for package in packages})
    try:
        tracker = fetch()
        found = [each for source in sources for each in _of(source, tracker)]
    except TrackerError as error:
        return {**told, "checked": False, "why": _NOT_HAD.format(error=error)}
    except (AttributeError, KeyError, TypeError) as error:
        words = f"its answer is another than expected, {error}"
        return {**told, "checked": False, "why": _NOT_HAD.format(error=words)}
    unknown = [
        name for name, _, _ in (each.partition(" ") for each in sources) if name not in tracker
    ]
    found.sort(key=lambda each: (_STATES.index(each["state"]), each["source"], each["id"]))
    return {**told, "checked": True, "without": unknown, "vulnerabilities": found}


def _of(source: str, tracker: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """What is known of a source package, "NAME VERSION", and not mended in this version."""
    name, _, version = source.partition(" ")
    for number, known in tracker.get(name, {}).items():
        told = known["releases"].get(RELEASE)
        if told is None or told["status"] == "undetermined":
            continue
        fixed = told.get("fixed_version", "")
        if told["status"] == "resolved" and not _older(version, fixed):
            continue
        yield {
            "id": number,
            "source": name,
            "version": version,
            "state": "fixed" if told["status"] == "resolved" else "open",
            "fixed_version": fixed if told["status"] == "resolved" else "",
            "urgency": told.get("urgency", ""),
            "debian_says": told.get("nodsa_reason", "") or told.get("nodsa", ""),
            "description": known.get("description", ""),
        }


@functools.cache
def _older(version: str, fixed: str) -> bool:
    """Whether a version is older than the one that mends; "0" says that none was affected."""
    return newer(fixed, version)


def as_text(told: Mapping[str, Any]) -> str:
    """The report in Markdown."""
    head = f"# Known vulnerabilities: Mokanda {told['version']} for {told['board']}\n\n"
    if not told["checked"]:
        return f"{head}**Not checked:** {told['why']}.\n".replace("..", ".")
    fixed, opened = (
        [each for each in told["vulnerabilities"] if each["state"] == state] for state in _STATES
    )
    lines = [
        head,
        f"By Debian's security tracker: {len(fixed)} that an update of Debian's mends, "
        f"{len(opened)} that are open in Debian, too. U-Boot and our own code are not in it.\n",
    ]
    if told["without"]:
        lines.append(f"\nThe tracker has nothing on: {', '.join(told['without'])}.\n")
    for title, part in (
        ("Mended by `make lock`, `make image`", fixed),
        ("Open in Debian", opened),
    ):
        lines.append(f"\n## {title}\n\n")
        lines += ["| | package | version | mended in | urgency |\n|---|---|---|---|---|\n"]
        lines += [
            f"| {each['id']} | {each['source']} | {each['version']} | "
            f"{each['fixed_version'] or '-'} | {each['urgency'] or '-'} |\n"
            for each in part
        ]
    return "".join(lines)
