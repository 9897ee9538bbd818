# SPDX-License-Identifier: Apache-2.0
"""Voices made smaller for a village, where the relay has ffmpeg."""

from __future__ import annotations

import io
import shutil
import wave

import pytest

from mokanda_relay.rendering.mail_reader import read
from mokanda_relay.rendering.reading import VOICE, Place, load, write
from mokanda_relay.rendering.renditions import Policy
from mokanda_relay.rendering.shrinking import Format, shrink
from mokanda_relay.store.tables import Device

OPUS = Format(0, 100_000, "opus")
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="an operator may do without")


def voice(seconds: int = 10) -> bytes:
    """A recording of so many seconds, not compressed: a tone that rises."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        waves = (n * (200 + n // 800) // 16_000 for n in range(16_000 * seconds))
        samples = (9_000 if each % 2 else -9_000 for each in waves)
        file.writeframes(b"".join(each.to_bytes(2, "little", signed=True) for each in samples))
    return out.getvalue()


@needs_ffmpeg
def test_a_voice_is_a_few_kilobytes() -> None:
    small = shrink(voice(), OPUS)
    assert small.startswith(b"OggS")
    assert len(small) < 25_000


@needs_ffmpeg
@pytest.mark.parametrize("content", [b"#!AMR\n", b"", b"OggS" + bytes(1000), voice()[:60]])
def test_what_is_no_voice_stays_as_it_is(content: bytes) -> None:
    assert shrink(content, OPUS) == b""


@needs_ffmpeg
def test_a_voice_that_would_be_too_large_stays_as_it_is() -> None:
    assert shrink(voice(), Format(0, 5_000, "opus")) == b""


def test_without_ffmpeg_a_voice_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert shrink(voice(1), OPUS) == b""


def device(report: str) -> Device:
    return Device(report=report, photo_side=1024, photo_bytes=25_000, file_bytes=100_000)


@pytest.mark.parametrize(
    ("report", "size", "form"),
    [('{"opus": true}', 500_000, OPUS), ('{"opus": true}', 30_000, None), ("{}", 500_000, None)],
)
def test_long_voices_are_made_smaller_for_devices_that_know_what_they_are(
    report: str, size: int, form: Format | None
) -> None:
    assert Policy.of(device(report)).form_of(Place(0, size, VOICE)) == form


@pytest.mark.parametrize(
    ("media_type", "content"),
    [("audio/mp4", b"\0\0\0\x18ftypM4A "), ("application/octet-stream", b"#!AMR\n\x3c")],
)
def test_a_voice_is_known_by_its_type_or_its_beginning(media_type: str, content: bytes) -> None:
    head = f"Content-Type: {media_type}\nContent-Disposition: attachment\n\n"
    taken = read(head.encode() + content)
    found = load(io.BytesIO(b"".join(write(taken.message, taken.contents))))
    assert [place.kind for place in found.places.values()] == [VOICE]
