# SPDX-License-Identifier: Apache-2.0
"""Verification by the real RAUC, and what its words become."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mokanda_firmware.updates import rauc
from scripts.releases import signing_keys

TOOLBOX = Path(__file__).resolve().parents[3] / "scripts" / "toolbox"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A signed update of version 1.1.0, with nothing that would start."""
    signing_keys.make(tmp_path / "keys")
    content = tmp_path / "content"
    content.mkdir()
    (content / "slot.img").write_bytes(os.urandom(4096))
    (content / "manifest.raucm").write_text(
        "[update]\ncompatible=mokanda-orangepi-zero\nversion=1.1.0\n"
        "[bundle]\nformat=verity\n[image.system]\nfilename=slot.img\n"
    )
    path = tmp_path / "update.raucb"
    key, certificate = (tmp_path / "keys" / f"release.{part}.pem" for part in ("key", "cert"))
    subprocess.run(
        [TOOLBOX, "rauc", "bundle", f"--key={key}", f"--cert={certificate}", content, path],
        check=True,
    )
    return path


def trust(authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `rauc` be that of a device whose image holds the authority of this folder of keys."""
    keyring, configuration = tmp_path / "keyring.pem", tmp_path / "system.conf"
    keyring.write_text(signing_keys.trusted(authority / "release.cert.pem"))
    configuration.write_text(
        "[system]\ncompatible=mokanda-orangepi-zero\nbootloader=noop\n"
        f"bundle-formats=verity\n[keyring]\npath={keyring}\nuse-bundle-signing-time=true\n"
        "check-crl=true\n"
    )
    program(tmp_path, f'exec "{TOOLBOX}" rauc --conf={configuration} "$@"', monkeypatch)


def program(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program named rauc first on the PATH."""
    (tmp_path / "bin").mkdir()
    path = tmp_path / "bin" / "rauc"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


def test_an_update_of_our_keys_is_taken(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(tmp_path / "keys", tmp_path, monkeypatch)
    rauc.verify(bundle, "1.1.0")


def test_an_update_of_other_keys_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing_keys.make(tmp_path / "other")
    trust(tmp_path / "other", tmp_path, monkeypatch)
    with pytest.raises(rauc.RefusedError, match="not signed by those whom this device trusts"):
        rauc.verify(bundle, "1.1.0")


def test_an_update_of_a_revoked_key_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing_keys.replace(tmp_path / "keys")
    trust(tmp_path / "keys", tmp_path, monkeypatch)
    with pytest.raises(rauc.RefusedError, match="not signed by those whom this device trusts"):
        rauc.verify(bundle, "1.1.0")


def test_a_damaged_update_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(tmp_path / "keys", tmp_path, monkeypatch)
    bundle.write_bytes(bundle.read_bytes()[:-100])
    with pytest.raises(rauc.RefusedError):
        rauc.verify(bundle, "1.1.0")


def test_a_signed_update_under_a_false_version_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(tmp_path / "keys", tmp_path, monkeypatch)
    with pytest.raises(rauc.RefusedError, match=r"says that it is version 1\.1\.0"):
        rauc.verify(bundle, "9.9.9")


def test_progress_is_read_from_what_rauc_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "installing\n  0% Installing\n 40% Verifying signature done.\n100% Installing done."
    program(tmp_path, f"echo '{lines}'", monkeypatch)
    seen: list[int] = []
    rauc.install(tmp_path / "update.raucb", seen.append)
    assert seen == [0, 40, 100]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "LastError: Compatible mismatch: Expected 'a' but bundle manifest has 'b'",
            "The update is for another kind of board: it was refused.",
        ),
        (
            "LastError: signature verification failed: Verify error",
            "The update is not signed by those whom this device trusts: it was refused.",
        ),
        (
            "LastError: Installation error: no space",
            "The update could not be installed (Installation error: no space).",
        ),
    ],
)
def test_a_failure_becomes_a_sentence(
    said: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, f'echo "{said}"; echo "Installing failed" >&2; exit 1', monkeypatch)
    with pytest.raises(rauc.RefusedError) as refused:
        rauc.install(tmp_path / "update.raucb", lambda _percent: None)
    assert str(refused.value) == sentence


LATE = "Error calling StartServiceByName for de.pengutronix.rauc: Timeout was reached"


@pytest.mark.parametrize("act", [rauc.mark_good, lambda: rauc.install(Path("u.raucb"), print)])
def test_a_service_that_takes_long_to_start_is_asked_again(
    act: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    late = f'[ -e {asked} ] && exit 0; touch {asked}; echo "{LATE}" >&2; exit 1'
    program(tmp_path, late, monkeypatch)
    act()


def test_one_that_does_not_start_at_all_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, f'echo "{LATE}" >&2; exit 1', monkeypatch)
    with pytest.raises(rauc.RefusedError, match="Timeout was reached"):
        rauc.mark_good()
