# SPDX-License-Identifier: Apache-2.0
"""recipes/packages.lock: what is written is read again, and what does not fit is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.engines.debian.lock import (
    Deb,
    Lock,
    LockError,
    Selection,
    changes,
    digest,
    falls_behind,
    merge,
    parse,
    read,
    write,
)
from scripts.engines.debian.renew_lock import renew
from scripts.recipes import boards, load

SPRING = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
SUMMER = datetime(2026, 7, 11, 9, 30, tzinfo=UTC)


def deb(
    name: str, version: str = "1.0", sha256: str = "a" * 64, architecture: str = "armhf"
) -> Deb:
    path = f"pool/main/{name[0]}/{name}/{name}_{version.split(':')[-1]}_{architecture}.deb"
    return Deb(name, version, architecture, "debian", path, 1000, sha256)


def lock(*debs: Deb, asked: str = "", date: datetime = SPRING, security: bool = True) -> Lock:
    suites = {"trixie": date, **({"trixie-security": date} if security else {})}
    return Lock(suites, {"a-board": Selection(digest(asked.split()), frozenset(debs))})


LETTERS = "abcxyz0189+.-"
names = st.text(LETTERS, min_size=2, max_size=20)
versions = st.text(LETTERS + "~:", min_size=1, max_size=20)
digests = st.sampled_from("0123456789abcdef").map(lambda digit: digit * 64)
debs = st.builds(
    Deb,
    name=names,
    version=versions,
    architecture=st.sampled_from(["all", "arm64", "armhf"]),
    archive=st.sampled_from(["debian", "debian-security"]),
    path=st.text(LETTERS + "~/_", min_size=1, max_size=40),
    size=st.integers(0, 2**40),
    sha256=digests,
)
dates = st.integers(0, 2**33).map(lambda second: datetime.fromtimestamp(second, UTC))


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    """Boards that share some packages; a package has one version in all of an architecture."""
    known = draw(st.lists(debs, unique_by=lambda deb: deb.qualified_name, max_size=8))
    taken = st.frozensets(st.sampled_from(known)) if known else st.just(frozenset[Deb]())
    selections = st.builds(Selection, asked=digests, debs=taken)
    suites = draw(
        st.dictionaries(
            st.sampled_from(["trixie", "trixie-updates", "trixie-security"]),
            dates,
        )
    )
    return Lock(suites, draw(st.dictionaries(names, selections, min_size=1, max_size=3)))


@given(locks())
def test_a_lock_is_read_as_it_was_written(lock: Lock) -> None:
    assert parse(write(lock)) == lock


@given(locks())
def test_the_same_lock_is_always_the_same_text(lock: Lock) -> None:
    other = Lock(
        {suite: lock.suites[suite] for suite in sorted(lock.suites, reverse=True)},
        {board: lock.boards[board] for board in sorted(lock.boards, reverse=True)},
    )
    assert write(other) == write(lock)


def test_each_package_is_a_line() -> None:
    before = write(lock(deb("gpg", "2.4.7"), deb("rauc"))).splitlines()
    after = write(lock(deb("gpg", "2.4.8"), deb("rauc"))).splitlines()
    assert [line.split(" = ")[0] for line in after if line not in before] == ['"gpg:armhf"']


def test_a_package_of_one_board_only_says_so() -> None:
    both = Lock(
        {"trixie": SPRING},
        {
            "a-board": Selection(digest(["gpg"]), frozenset({deb("gpg")})),
            "b-board": Selection(digest(["gpg", "iw"]), frozenset({deb("gpg"), deb("iw")})),
        },
    )
    lines = {line.split(" = ")[0]: line for line in write(both).splitlines()}
    assert 'boards = ["b-board"]' in lines['"iw:armhf"']
    assert "boards" not in lines['"gpg:armhf"']


def test_boards_of_two_architectures_share_a_lock() -> None:
    certificates = deb("ca-certificates", architecture="all")
    small = Selection(digest(["gpg"]), frozenset({deb("gpg"), certificates}))
    large = Selection(digest(["gpg"]), frozenset({deb("gpg", architecture="arm64"), certificates}))
    merged = merge(
        [
            Lock({"trixie": SUMMER, "trixie-security": SUMMER}, {"small": small}),
            Lock({"trixie": SPRING}, {"large": large}),
        ]
    )
    assert merged == Lock({"trixie": SPRING}, {"small": small, "large": large})
    assert list(merged.debs) == ["ca-certificates:all", "gpg:arm64", "gpg:armhf"]
    assert parse(write(merged)) == merged


def test_a_mirror_that_changes_while_it_is_read_gives_no_lock() -> None:
    boards = [
        Lock({"trixie": SPRING}, {name: Selection("", frozenset({deb("tz", version)}))})
        for name, version in (("small", "2026a"), ("large", "2026b"))
    ]
    with pytest.raises(LockError, match="run make lock again"):
        merge(boards)


def test_a_lock_without_security_updates_says_so() -> None:
    assert lock().security
    assert "Without security updates" not in write(lock())
    assert not lock(security=False).security
    assert "Without security updates" in write(lock(security=False))


@pytest.mark.parametrize(
    "damage",
    [
        ("[packages]", "<<<<<<< ours\n[packages]"),
        ("[packages]", "[package]"),
        ("sha256 =", "sha512 ="),
        ("2026-03-14T09:30:00Z", '"spring"'),
    ],
)
def test_a_damaged_lock_says_what_to_do(damage: tuple[str, str]) -> None:
    with pytest.raises(LockError, match="run make lock"):
        parse(write(lock(deb("gpg"))).replace(*damage))


def test_a_board_gets_its_packages_whatever_the_order_of_its_recipes() -> None:
    held = lock(deb("rauc"), deb("gpg"), asked="gpg rauc")
    assert held.select("a-board", ["rauc", "gpg", "rauc"]) == [deb("gpg"), deb("rauc")]


@pytest.mark.parametrize(
    ("board", "asked", "complaint"),
    [
        ("a-board", ["gpg", "iw"], r"\(iw added\): run make lock"),
        ("a-board", [], "run make lock"),
        ("b-board", ["gpg"], "run make lock"),
    ],
)
def test_recipes_that_have_changed_are_refused(
    board: str, asked: list[str], complaint: str
) -> None:
    with pytest.raises(LockError, match=complaint):
        lock(deb("gpg"), asked="gpg").select(board, asked)


@pytest.mark.parametrize("board", boards())
def test_the_lock_of_this_tree_fits_its_recipes(board: str) -> None:
    held = read()
    assert held is not None
    system = load(board)
    selected = held.select(board, system.debian_packages)
    assert set(system.debian_packages) <= {deb.name for deb in selected}
    assert {deb.architecture for deb in selected} == {system.soc.architecture, "all"}


def test_changes_are_told_by_name() -> None:
    old = lock(deb("dash"), deb("gpg", "2.4.7"), deb("rauc"), deb("zlib1g"))
    new = lock(deb("gpg", "2.4.8"), deb("iw", "6.9"), deb("rauc", sha256="b" * 64), deb("zlib1g"))
    assert list(changes(old, new)) == [
        "dash:armhf  gone, was 1.0",
        "gpg:armhf  2.4.7 -> 2.4.8",
        "iw:armhf  new, 6.9",
        "rauc:armhf  1.0, but another file",
    ]
    assert list(changes(None, lock(deb("iw")))) == ["iw:armhf  new, 1.0"]


def test_a_newer_lock_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "packages.lock"
    renew(path, lock(deb("gpg")), dry_run=False)
    new = lock(deb("gpg", "1.1"), date=SUMMER)
    renew(path, new, dry_run=False)
    assert read(path) == new


def test_a_dry_run_shows_what_would_change_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "packages.lock"
    renew(path, lock(deb("gpg")), dry_run=True)
    assert capsys.readouterr().out == "gpg:armhf  new, 1.0\n"
    assert not path.exists()


@pytest.mark.parametrize(
    ("worse", "reason"),
    [
        (lock(date=SUMMER, security=False), "trixie-security cannot be read now"),
        (lock(date=SPRING), "trixie can only be read as of 2026-03-14"),
    ],
)
def test_a_mirror_that_lags_takes_no_update_back(tmp_path: Path, worse: Lock, reason: str) -> None:
    path = tmp_path / "packages.lock"
    renew(path, lock(date=SUMMER), dry_run=False)
    with pytest.raises(LockError, match="try later"):
        renew(path, worse, dry_run=False)
    assert read(path) == lock(date=SUMMER)
    assert reason in (falls_behind(lock(date=SUMMER), worse) or "")


def test_a_lock_that_a_merge_has_broken_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "packages.lock"
    path.write_text("<<<<<<< ours\n")
    renew(path, lock(deb("gpg")), dry_run=False)
    assert read(path) == lock(deb("gpg"))
