# SPDX-License-Identifier: Apache-2.0
"""What every store of blobs promises, and the files of uploads beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_relay.store.blob_store import BlobNotFoundError, BlobStore
from mokanda_relay.store.file_blob_store import FileBlobStore
from mokanda_relay.store.uploads import Uploads


@pytest.fixture(params=[FileBlobStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    opened: BlobStore = request.param(tmp_path / "blobs")
    return opened


def test_a_blob_is_read_back_whole(store: BlobStore) -> None:
    store.write("one", b"Mbote")
    assert store.exists("one")
    assert store.size("one") == 5
    assert store.read("one") == b"Mbote"


@pytest.mark.parametrize(("offset", "rest"), [(0, b"Mbote"), (2, b"ote"), (5, b"")])
def test_or_in_pieces_from_any_offset_on(store: BlobStore, offset: int, rest: bytes) -> None:
    store.write("one", b"Mbote")
    with store.open("one", offset) as blob:
        pieces = list(iter(lambda: blob.read(2), b""))
    assert b"".join(pieces) == rest


def test_one_that_is_not_there_is_named(store: BlobStore) -> None:
    assert not store.exists("none")
    for read in (store.read, store.open, store.size):
        with pytest.raises(BlobNotFoundError, match="none"):
            read("none")


def test_what_comes_in_pieces_is_named_by_its_digest(store: BlobStore) -> None:
    digest, size = store.write_by_digest([b"he", b"", b"llo"])
    assert (digest, size) == (hashlib.sha256(b"hello").hexdigest(), 5)
    assert store.read(digest) == b"hello"


def test_what_breaks_off_leaves_nothing(store: BlobStore) -> None:
    with pytest.raises(ZeroDivisionError):
        store.write_by_digest(1 // size * b"x" for size in (1, 0))
    assert list(store.written()) == []


def test_a_blob_that_is_deleted_is_gone_and_may_be_deleted_again(store: BlobStore) -> None:
    store.write("one", b"Mbote")
    for _ in range(2):
        store.delete("one")
        assert not store.exists("one")


def test_what_was_listed_is_deleted_unless_it_was_written_again(store: BlobStore) -> None:
    for name in ("one", "two"):
        store.write(name, b"Mbote")
    listed = sorted(store.written())
    store.write("two", b"Mbote")
    for each in listed:
        store.delete_unchanged(each)
    assert [each.name for each in store.written()] == ["two"]


def test_what_was_listed_and_is_gone_meanwhile_is_no_error(store: BlobStore) -> None:
    store.write("one", b"Mbote")
    [listed] = store.written()
    store.delete("one")
    store.delete_unchanged(listed)


class TestUploads:
    @pytest.fixture
    def uploads(self, tmp_path: Path) -> Uploads:
        return Uploads(tmp_path / "uploads")

    def test_one_grows_from_where_it_was_cut(self, uploads: Uploads) -> None:
        def cut() -> Iterator[bytes]:
            yield b"Mbo"
            raise ConnectionResetError

        assert uploads.size("one") == 0
        assert uploads.write("one", 0, cut()) == 3
        assert uploads.size("one") == 3
        assert uploads.write("one", 3, [b"t", b"e"]) == 2
        assert uploads.read("one") == b"Mbote"

    def test_two_that_write_the_same_bytes_at_once_make_one(self, uploads: Uploads) -> None:
        def both() -> Iterator[bytes]:
            yield b"Mb"
            uploads.write("one", 1, [b"bote"])
            yield b"ote"

        uploads.write("one", 0, both())
        assert uploads.read("one") == b"Mbote"
