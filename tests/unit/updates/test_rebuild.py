# SPDX-License-Identifier: Apache-2.0
"""Updates that are rebuilt from deltas: what comes out is the update, or an error."""

import io
import os
import random
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mokanda_firmware.updates import rebuild as module
from mokanda_firmware.updates.rebuild import MAX_BLOCK, Kind, Reference, Step, rebuild
from mokanda_firmware.updates.slot import FIT, Part, Slot
from mokanda_firmware.updates.verity import hash_tree
from mokanda_wire.delta import DeltaError
from tests.unit.updates.a_delta import (
    KERNEL,
    Block,
    a_delta,
    a_kernel,
    a_slot,
    block,
    copy,
    piece,
    text,
)

WORDS = [f"{number} {number * number} ".encode() for number in range(5000)]


def lines(seed: int, count: int = 4000) -> bytes:
    """Content that compresses."""
    return b"".join(random.Random(seed).choices(WORDS, k=count))


def changed(content: bytes) -> bytes:
    """The same, as a new version has it."""
    return content[:9000] + b"a new line\n" + content[9100:]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Block]]:
    path = tmp_path_factory.mktemp("slot") / "slot"
    return path, a_slot(path, [lines(1), lines(2), lines(3)])


@pytest.fixture(scope="module")
def path(made: tuple[Path, list[Block]]) -> Path:
    return made[0]


@pytest.fixture(scope="module")
def blocks(made: tuple[Path, list[Block]]) -> list[Block]:
    return made[1]


@pytest.fixture(scope="module")
def steps(path: Path, blocks: list[Block]) -> list[tuple[Step, bytes, bytes]]:
    """What an update is made of, each kind of step but one."""
    first, second, _ = blocks
    return [
        copy(path, Part(0, 96)),
        block(changed(first.content), first),
        text(changed(second.content), second, first),
        copy(path, Part(second.stored.start, second.stored.start + second.stored.size)),
        text(b"new"),
        piece(KERNEL[:300] + b"mended" + KERNEL[300:], a_kernel()),
        copy(path, Part(FIT, FIT + 4096)),
    ]


def rebuilt(delta: bytes, slot: Path, held: bytes = b"") -> bytes:
    """What comes of a delta; `held` is what an earlier try has left."""
    with slot.open("rb") as base, TemporaryFile() as output:
        output.write(held)
        rebuild(io.BytesIO(delta), Slot(base), output, lambda _: None)
        output.seek(0)
        return output.read()


def test_an_update_is_rebuilt(path: Path, steps: list[tuple[Step, bytes, bytes]]) -> None:
    delta, update = a_delta(path, steps)
    assert rebuilt(delta, path) == update


def test_a_change_travels_as_what_has_changed(path: Path, blocks: list[Block]) -> None:
    delta, update = a_delta(path, [block(changed(blocks[0].content), blocks[0])])
    assert rebuilt(delta, path) == update
    assert len(delta) < 300 < 5000 < len(update)


def test_a_table_s_block_stands_behind_its_size(path: Path, blocks: list[Block]) -> None:
    step, payload, made = block(b"inodes" * 99, blocks[0])
    whole = len(made).to_bytes(2, "little") + made
    table = step._replace(kind=Kind.TABLE, size=len(whole))
    delta, update = a_delta(path, [(table, payload, whole)])
    assert rebuilt(delta, path) == update


def test_the_hash_tree_is_made_anew(path: Path) -> None:
    salt, content = bytes(range(32)), bytes(200 * 4096)
    tree = hash_tree(io.BytesIO(content), 0, len(content), salt)
    made = [text(content[:100_000]) for _ in range(8)]
    rest = text(content[: len(content) - 800_000])
    last = (Step(Kind.TREE, len(tree), len(content), 32, ()), salt, tree)
    before = text(b"What comes before is none of its blocks.")
    delta, update = a_delta(path, [before, *made, rest, last])
    assert rebuilt(delta, path) == update
    assert update.endswith(content + tree)


def test_a_change_of_the_kernel_travels_as_what_has_changed(path: Path) -> None:
    content = changed(lines(4)) + KERNEL
    delta, update = a_delta(path, [piece(content), piece(KERNEL + b"mended", a_kernel())])
    assert rebuilt(delta, path) == update
    assert zlib.decompress(update + b"\x03\0", wbits=-15) == content + KERNEL + b"mended"


def test_a_piece_of_another_zlib_is_noticed(path: Path) -> None:
    step, payload, made = piece(KERNEL + b"mended", a_kernel())
    delta, _ = a_delta(path, [(step._replace(size=len(made) + 1), payload, made + b"?")])
    with pytest.raises(DeltaError, match="does not make what it says"):
        rebuilt(delta, path)


def test_what_is_no_piece_of_a_kernel_cannot_be_referred_to(
    path: Path, blocks: list[Block]
) -> None:
    delta, _ = a_delta(path, [piece(b"content", blocks[0])])
    with pytest.raises(DeltaError, match="damaged"):
        rebuilt(delta, path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=6))
def test_whatever_is_changed_comes_out(
    path: Path, blocks: list[Block], contents: list[bytes]
) -> None:
    makers: list[Callable[..., tuple[Step, bytes, bytes]]] = [text, block, piece]
    made = []
    for content in contents:
        make = makers[len(content) % 3]
        sources = [a_kernel()] if make is piece else blocks
        made.append(make(content + sources[0].content[:500], *sources))
    delta, update = a_delta(path, made)
    assert rebuilt(delta, path) == update


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.999])
def test_what_a_power_cut_has_left_is_not_made_again(
    path: Path,
    steps: list[tuple[Step, bytes, bytes]],
    part: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delta, update = a_delta(path, steps)
    made: list[int] = []
    inner = module._made

    def counted(step: Step, *rest: object) -> object:
        made.append(step.size)
        return inner(step, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_made", counted)
    held = update[: int(part * len(update))]
    assert rebuilt(delta, path, held) == update
    assert sum(made) <= len(update) - len(held) + max(step.size for step, _, _ in steps)


def test_a_damaged_beginning_is_noticed(path: Path, steps: list[tuple[Step, bytes, bytes]]) -> None:
    delta, update = a_delta(path, steps)
    with pytest.raises(DeltaError, match="not the update"):
        rebuilt(delta, path, b"?" + update[1:5000])


def test_a_delta_that_is_cut_is_refused_before_anything_is_made(
    path: Path, steps: list[tuple[Step, bytes, bytes]]
) -> None:
    delta, _ = a_delta(path, steps)
    for size in [*range(0, len(delta) - 1, 7), len(delta) - 1]:
        with path.open("rb") as base, TemporaryFile() as output:
            with pytest.raises(DeltaError):
                rebuild(io.BytesIO(delta[:size]), Slot(base), output, lambda _: None)
            assert output.seek(0, os.SEEK_END) == 0


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_damaged_delta_makes_the_update_or_an_error(
    path: Path, steps: list[tuple[Step, bytes, bytes]], at: int, flip: int
) -> None:
    delta, update = a_delta(path, steps)
    damaged = bytearray(delta)
    damaged[at % len(delta)] ^= flip
    with suppress(DeltaError):
        assert rebuilt(bytes(damaged), path) == update


def sound(blocks: list[Block]) -> tuple[Step, bytes, bytes]:
    return text(b"content", blocks[0])


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"size": 8},
        {"unpacked": 0},
        {"unpacked": MAX_BLOCK + 1, "size": MAX_BLOCK + 1},
        {"packed": 0},
        {"kind": Kind.COPY},
        {"kind": Kind.TREE},
        {"references": (Reference(0, 1 << 30, as_is=True),)},
        {"references": (Reference(FIT - 100, 200, as_is=True),)},
        {"references": (Reference(FIT + 4000, 200, as_is=True),)},
        {"references": (Reference(0, 96, as_is=True),) * 17},
    ],
)
def test_a_step_beyond_its_bounds_is_refused(
    path: Path, blocks: list[Block], change: dict[str, object]
) -> None:
    step, payload, content = sound(blocks)
    delta, _ = a_delta(path, [(step._replace(**change), payload, content)])  # type: ignore[arg-type]
    with pytest.raises(DeltaError, match="plan"):
        rebuilt(delta, path)


def test_a_block_that_unpacks_to_more_than_it_says_is_refused(path: Path) -> None:
    step, payload, _ = text(bytes(100_000))
    delta, _ = a_delta(path, [(step._replace(unpacked=10, size=10), payload, bytes(10))])
    with pytest.raises(DeltaError, match="too small"):
        rebuilt(delta, path)


def test_another_version_of_zstd_is_noticed(path: Path, blocks: list[Block]) -> None:
    delta, _ = a_delta(path, [block(b"content", blocks[0])], zstd=10499)
    with pytest.raises(DeltaError, match="zstd"):
        rebuilt(delta, path)


def test_without_packing_any_version_will_do(path: Path, blocks: list[Block]) -> None:
    delta, update = a_delta(path, [text(b"content", blocks[0])], zstd=10499)
    assert rebuilt(delta, path) == update


def test_an_update_of_no_end_is_refused(path: Path, blocks: list[Block]) -> None:
    delta, _ = a_delta(path, [sound(blocks)], size=(1 << 32) - 1)
    with pytest.raises(DeltaError, match="large"):
        rebuilt(delta, path)
