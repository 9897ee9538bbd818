# SPDX-License-Identifier: Apache-2.0
"""What U-Boot starts is signed, and what it is told of the key is what its own tools would tell."""

from pathlib import Path

import pytest

from scripts.assembly import boot, u_boot
from scripts.assembly.kernel import Kernel
from scripts.emulator.card import run_tool
from scripts.recipes import load
from scripts.releases import signing_keys

NODE = "/signature/key-boot"
NUMBERS = ("rsa,modulus", "rsa,r-squared", "rsa,n0-inverse", "rsa,exponent", "rsa,num-bits")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    signing_keys.make(folder)
    # By these names U-Boot's tools find a key, and its certificate.
    (folder / "boot.key").symlink_to("boot.key.pem")
    command = ("openssl", "req", "-x509", "-subj", "/CN=boot", "-key", folder / "boot.key")
    run_tool(*command, "-out", folder / "boot.crt")
    return folder / "boot.key.pem"


@pytest.fixture
def signed(key: Path, tmp_path: Path) -> Path:
    linux, starter, tree, initramfs = (tmp_path / name for name in "lsti")
    for path in (linux, starter, tree, initramfs):
        path.write_text("content")
    kernel = Kernel(linux, 0x40208000, starter)
    source = tmp_path / "slot.its"
    source.write_text(boot.fit_source(load("orangepi-zero").soc, kernel, tree, initramfs))
    return made(source, key)


def made(source: Path, key: Path) -> Path:
    image = source.with_suffix(".itb")
    run_tool("env", "SOURCE_DATE_EPOCH=1700000000", "mkimage", "-G", key, "-f", source, image)
    return image


def compiled(source: str, path: Path) -> Path:
    path.with_suffix(".dts").write_text(f"/dts-v1/;\n{source}")
    run_tool("dtc", "-O", "dtb", "-o", path, path.with_suffix(".dts"))
    return path


def test_u_boot_is_told_of_the_key_as_by_its_own_tools(
    key: Path, signed: Path, tmp_path: Path
) -> None:
    modulus = run_tool("openssl", "rsa", "-in", key, "-noout", "-modulus")
    ours = compiled(u_boot.trusted_key(u_boot.modulus_of(modulus)), tmp_path / "ours")
    theirs = compiled("/ { };", tmp_path / "theirs")
    run_tool("mkimage", "-F", "-k", key.parent, "-K", theirs, "-r", signed)
    for number in NUMBERS:
        told = [run_tool("fdtget", "-t", "x", tree, NODE, number) for tree in (ours, theirs)]
        assert told[0] == told[1]
    for word in ("required", "algo", "key-name-hint"):
        told = [run_tool("fdtget", tree, NODE, word) for tree in (ours, theirs)]
        assert told[0] == told[1]


def test_the_signature_is_of_each_part_and_the_same_each_time(signed: Path, key: Path) -> None:
    node = "/configurations/board/signature-1"
    parts = run_tool("fdtget", signed, node, "hashed-nodes")
    names = ("kernel", "linux", "device-tree", "initramfs")
    assert {f"/images/{name}" for name in names} <= set(parts.split())
    before = signed.read_bytes()
    assert made(signed.with_suffix(".its"), key).read_bytes() == before
