# SPDX-License-Identifier: Apache-2.0
"""The result file on the SETUP partition: what a person with a laptop reads after a start."""

import contextlib
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.setup.claim import State

NAME = "mokanda-result.txt"
_log = logging.getLogger(__name__)

_HEADINGS = {
    "no_claim": "This device does not belong to a relay yet.",
    "claim_error": "The claim did not work.",
    "claim_pending": "The claim file has been read.",
    "claimed": "This device belongs to its relay.",
}
_ADVICE = {
    "no_claim": "Copy the file mokanda-claim.toml, which your relay's operator gives you, to this"
    " place, and start the device again.",
    "claim_pending": "Put the card back, start the device and give it a modem or a network cable.",
}


def write(state: State) -> None:
    """Write the file if it says something else; that it cannot be written is only logged."""
    file = paths.setup() / NAME
    text = _text(state)
    try:
        if file.exists() and file.read_bytes() == text:
            return
        with writable(file.parent):
            temporary = file.with_suffix(".new")
            temporary.write_bytes(text)
            temporary.replace(file)
            os.sync()
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("SETUP partition: %s", error)


def _text(state: State) -> bytes:
    paragraphs = ["Mokanda", _HEADINGS[state.state], state.detail]
    if state.domain:
        paragraphs.append(f"Device: {state.village}\nMail addresses: ...@{state.domain}")
    if state.state in _ADVICE:
        paragraphs.append(_ADVICE[state.state])
    text = "\n\n".join(paragraphs) + "\n"
    return text.replace("\n", "\r\n").encode()  # for any laptop's simplest editor


@contextlib.contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Make a partition that is mounted read-only writable for a moment."""
    read_only = bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    if read_only:
        _remount(folder, "rw")
    try:
        yield
    finally:
        if read_only:
            _remount(folder, "ro")


def _remount(folder: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(folder)], check=True)
