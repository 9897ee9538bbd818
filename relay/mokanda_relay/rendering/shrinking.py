# SPDX-License-Identifier: Apache-2.0
"""Strangers' photos and voices made smaller, each in a process of its own that may die."""

from __future__ import annotations

import logging
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from tempfile import NamedTemporaryFile

_TIMEOUT = 120.0  # seconds for one file, on a machine with much to do
_PICTURES = "mokanda_relay.rendering.shrink"
# A voice is understood at 12 kbit/s (RFC 6716, 2.1.1, has 8 to 12 for narrow and medium band).
_VOICE = (
    *("-vn", "-sn", "-map_metadata", "-1", "-ac", "1", "-ar", "16000"),
    *("-c:a", "libopus", "-b:a", "12k", "-application", "voip", "-f", "ogg"),
)
_WORTH = 0.7  # of a voice's size; more than that is not worth the worse sound
_MEMORY = 1 << 30  # bytes of address space of ffmpeg
_SECONDS = 60  # of its processor time

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Format:
    """What a file becomes: at most so many bytes of "jpeg", "webp" or "opus", and pixels a side."""

    side: int
    max_bytes: int
    kind: str


def shrink(content: bytes, form: Format) -> bytes:
    """Make a file smaller; nothing where that cannot be done."""
    try:
        return _voice(content, form) if form.kind == "opus" else _picture(content, form)
    except subprocess.TimeoutExpired:
        log.warning("a file took too long to be made smaller")
    except subprocess.CalledProcessError as error:
        log.info("not made smaller: %s", error.stderr.decode(errors="replace") or error)
    return b""


def _picture(content: bytes, form: Format) -> bytes:
    command = [sys.executable, "-m", _PICTURES, str(form.side), str(form.max_bytes), form.kind]
    return _run(command, content)


def _voice(content: bytes, form: Format) -> bytes:
    """By ffmpeg, where the operator has installed it."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        return b""
    with NamedTemporaryFile(prefix="mokanda-voice-") as source:  # players seek in most kinds
        source.write(content)
        source.flush()
        command = [ffmpeg, "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]
        command += ["-threads", "1", "-i", source.name, *_VOICE, "-fs", str(form.max_bytes + 1)]
        opus = _run([*command, "pipe:1"], limited=True)
    fits = len(opus) <= min(form.max_bytes, _WORTH * len(content))
    return opus if fits else b""


def _run(command: list[str], data: bytes = b"", *, limited: bool = False) -> bytes:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        if limited:
            resource.prlimit(program.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            resource.prlimit(program.pid, resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        try:
            out, error = program.communicate(data, _TIMEOUT)
        except subprocess.TimeoutExpired:
            program.kill()
            raise
    if program.returncode:
        raise subprocess.CalledProcessError(program.returncode, command[0], out, error)
    return out
