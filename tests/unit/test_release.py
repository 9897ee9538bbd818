# SPDX-License-Identifier: Apache-2.0
"""scripts/release on a small image: real RAUC, zstd, bmaptool and OpenSSL of the toolbox."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.license import DisjunctiveLicense

from scripts import recipes
from scripts.assembly import root, u_boot
from scripts.engines import Package
from scripts.releases import imager, signing_keys
from scripts.releases import release as release_module
from scripts.releases.bill_of_materials import bill_of_materials, package_url
from scripts.releases.check import check
from scripts.releases.image import Image, Keys, RefusedError, read_image
from scripts.releases.licences import licences
from scripts.releases.notes import notes
from scripts.releases.release import build, bundle, earlier_updates, sign
from scripts.releases.vulnerabilities import TrackerError
from scripts.tools.digest import file_sha256
from scripts.tools.repository import TOOLBOX
from scripts.tools.steps import Log, StepError

NOW = datetime(2026, 7, 1, tzinfo=UTC)
CPE = "cpe:2.3:a:busybox:busybox:1.37.0:-:*:*:*:*:*:*"
PACKAGES = [
    Package("libstdc++6", "14.2.0-19", "a" * 64, source="gcc-14 14.2.0-19"),
    Package("rauc", "1.13-3+deb13u1", "b" * 64, source="rauc 1.13-3+deb13u1"),
    Package("python3-gnupg", "1:0.5.4-1~x", "c" * 64, source="python-gnupg 1:0.5.4-1~x"),
]
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: LGPL-2.1+

Files: debian/*
License: Expat and GPL-2+
"""
FROM_SOURCE = [
    Package("busybox", "1.37.0", "d" * 64, ("GPL-2.0", "bzip2-1.0.4"), CPE),
    Package("dbus", "1.14.10", "e" * 64, ("AFL-2.1 or GPL-2.0+", "GPL-2.0+")),
    Package("libpng", "1.6.58", "f" * 64, ("Libpng-2.0",)),
    Package("mokanda-wire", "0.1.0", licences=("Apache-2.0",)),
    Package("wireless-regdb", "2026.05.30", "0" * 64),
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    signing_keys.make(folder)
    return Keys(folder / "release.key.pem", folder / "release.cert.pem")


def sparse(path: Path, size: int) -> None:
    """Random bytes at start and end, nothing between them."""
    with path.open("wb") as file:
        file.write(os.urandom(65536))
        file.truncate(size - 65536)
        file.seek(0, os.SEEK_END)
        file.write(os.urandom(65536))


@pytest.fixture(scope="module", autouse=True)
def _u_boot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The sources of U-Boot, as far as their licences."""
    trees = tmp_path_factory.mktemp("u-boot")
    texts = trees / "orangepi-zero/Licenses"
    texts.mkdir(parents=True)
    (texts / "README").write_text("the GPL")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(u_boot, "TREES", trees)
        yield


def write_licences(folder: Path) -> None:
    """What is left of Debian's packages where an image was built."""
    documents = folder / "work/extracted/usr/share/doc"
    for name in ("rauc", "gcc-14-base", "python3-gnupg"):
        (documents / name).mkdir(parents=True)
        (documents / name / "copyright").write_text(COPYRIGHT if name == "rauc" else "all rights")
    (documents / "libstdc++6").symlink_to("gcc-14-base")
    texts = folder / "work/extracted/usr/share/common-licenses"
    texts.mkdir()
    (texts / "GPL-2").write_text("the GPL")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Image:
    """An image as scripts/image leaves it, with nothing that would boot."""
    folder = tmp_path_factory.mktemp("image")
    write_licences(folder)
    sparse(folder / "slot.img", 1 << 20)
    card = folder / "mokanda.img"
    sparse(card, 16 << 20)
    toolbox("bmaptool", "create", "--output", card.with_suffix(".bmap"), card)
    authority = signing_keys.trusted(keys.certificate)
    record = {
        "board": "orangepi-zero",
        "compatible": "mokanda-orangepi-zero",
        "version": "0.1.0-dev+0123456789ab",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "source_date_epoch": 1_700_000_000,
        "engine": "debian",
        "suites": {
            "trixie": "2026-05-16T09:00:00+00:00",
            "trixie-security": "2026-06-30T20:00:00+00:00",
        },
        "security": True,
        "locked": True,
        "keyring_sha256": hashlib.sha256(authority.encode()).hexdigest(),
        "files": {
            path.name: {"size": path.stat().st_size, "sha256": file_sha256(path)}
            for path in (folder / "slot.img", folder / "mokanda.img")
        },
        "boot_loader": vars(u_boot.PACKAGE),
        "packages": [vars(package) for package in PACKAGES],
    }
    (folder / "record.json").write_text(json.dumps(record))
    return read_image(folder)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, image: Image, keys: Keys) -> Path:
    folder = tmp_path_factory.mktemp("release") / str(image.record["version"])
    build(image, keys, folder, fetch=no_tracker)
    return folder


def no_tracker() -> Mapping[str, Any]:
    """The tracker, where it cannot be reached."""
    raise TrackerError("no route to host")


@pytest.fixture
def authority(tmp_path: Path, keys: Keys) -> Path:
    path = tmp_path / "authority.pem"
    path.write_text(signing_keys.trusted(keys.certificate))
    return path


def toolbox(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOLBOX, *command], capture_output=True, text=True, check=False)


def part(release: Path, image: Image, end: str) -> Path:
    return release / f"{image.name}{end}"


def changed(image: Image, **fields: object) -> Image:
    return Image(image.folder, {**image.record, **fields})


def test_devices_accept_the_update(release: Path, image: Image, authority: Path) -> None:
    bundle = part(release, image, ".raucb")
    told = toolbox("rauc", "info", f"--keyring={authority}", "--output-format=json", bundle)
    information = json.loads(told.stdout)
    assert information["compatible"] == "mokanda-orangepi-zero"
    assert information["version"] == image.record["version"]
    assert information["format"] == "verity"
    [slot] = information["images"]
    assert slot["system"]["checksum"] == image.record["files"]["slot.img"]["sha256"]


def test_devices_refuse_an_update_of_other_keys(
    release: Path, image: Image, tmp_path: Path
) -> None:
    signing_keys.make(tmp_path)
    (tmp_path / "other.pem").write_text(signing_keys.trusted(tmp_path / "release.cert.pem"))
    bundle = part(release, image, ".raucb")
    told = toolbox("rauc", "info", f"--keyring={tmp_path / 'other.pem'}", bundle)
    assert told.returncode != 0
    assert "signature verification failed" in told.stderr


@pytest.fixture
def stolen(image: Image, tmp_path: Path) -> tuple[Keys, Path]:
    """Keys of which the signing one was stolen and replaced, and an update signed by the thief."""
    folder = tmp_path / "keys"
    signing_keys.make(folder)
    keys = Keys(folder / "release.key.pem", folder / "release.cert.pem")
    (tmp_path / "stolen").mkdir()
    stolen = bundle(image, keys, tmp_path / "stolen", Log(tmp_path / "log"))
    signing_keys.replace(folder)
    return keys, stolen


def test_what_a_stolen_key_signs_is_refused_by_the_next_release(
    image: Image, tmp_path: Path, stolen: tuple[Keys, Path]
) -> None:
    keys, thiefs = stolen
    good = bundle(image, keys, tmp_path, Log(tmp_path / "log"))
    version = str(image.record["version"])
    configuration = root.rauc_configuration(recipes.load("orangepi-zero"), version)
    (tmp_path / "system.conf").write_text(configuration)
    (tmp_path / "keyring.pem").write_text(signing_keys.trusted(keys.certificate))
    device = ("rauc", f"--conf={tmp_path / 'system.conf'}", "info", "--output-format=json")
    assert json.loads(toolbox(*device, good).stdout)["version"] == version
    told = toolbox(*device, thiefs)
    assert told.returncode != 0
    assert "certificate revoked" in told.stderr


def test_a_key_in_a_token_is_rauc_s_and_openssls_to_use(
    image: Image, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []

    def run(_log: Log, *command: str | Path) -> str:
        commands.append(tuple(map(str, command)))
        return ""

    monkeypatch.setattr(Log, "run", run)
    in_token = Keys("pkcs11:token=mokanda;object=release", keys.certificate)
    bundle(image, in_token, tmp_path, Log(tmp_path / "log"))
    sign(tmp_path / "manifest.json", in_token, Log(tmp_path / "log"))
    packing, signing = commands
    assert "--key=pkcs11:token=mokanda;object=release" in packing
    assert "-inkey pkcs11:token=mokanda;object=release -keyform engine" in " ".join(signing)


def test_the_card_unpacks_to_the_image(release: Path, image: Image) -> None:
    packed = part(release, image, ".img.zst")
    assert packed.stat().st_size < 200_000
    unpacked = subprocess.run(
        [TOOLBOX, "zstd", "--decompress", "--stdout", packed],
        capture_output=True,
        check=True,
    ).stdout
    assert unpacked == (image.folder / "mokanda.img").read_bytes()


def test_the_block_map_is_that_of_the_image(release: Path, image: Image) -> None:
    block_map = part(release, image, ".img.bmap").read_bytes()
    assert block_map == (image.folder / "mokanda.bmap").read_bytes()


def test_checksums_cover_every_file(release: Path) -> None:
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=release)
    assert done.returncode == 0
    named = {line.split()[1] for line in (release / "SHA256SUMS").read_text().splitlines()}
    assert named == {path.name for path in release.iterdir()} - {"SHA256SUMS"}


def test_the_manifest_tells_what_was_released(release: Path, image: Image) -> None:
    manifest = json.loads(part(release, image, ".json").read_text())
    assert manifest["version"] == image.record["version"]
    assert manifest["commit"] == image.record["commit"]
    assert manifest["security"] is True
    for file in manifest["files"]:
        content = (release / file["name"]).read_bytes()
        assert (file["size"], file["sha256"]) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )


def verify(manifest: Path, signature: Path, authority: Path) -> bool:
    done = toolbox(
        *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature),
        *("-content", manifest, "-CAfile", authority, "-crl_check", "-out", "/dev/null"),
    )
    return done.returncode == 0


def test_the_manifest_is_signed(release: Path, image: Image, authority: Path) -> None:
    manifest, signature = part(release, image, ".json"), part(release, image, ".json.p7s")
    assert verify(manifest, signature, authority)
    forged = authority.with_name("forged.json")
    forged.write_bytes(manifest.read_bytes().replace(b"orangepi-zero", b"orangepi-pc"))
    assert not verify(forged, signature, authority)


def test_the_bill_of_materials_is_valid_cyclonedx(release: Path, image: Image) -> None:
    # Seconds to import, which each process that runs tests would spend.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = part(release, image, ".cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    names = [component["name"] for component in bill["components"]]
    own = ["mokanda-firmware", "mokanda-wire"]
    assert sorted(names) == ["libstdc++6", *own, "python3-gnupg", "rauc", "u-boot"]
    components = dict(zip(names, bill["components"], strict=True))
    assert "licenses" not in components["libstdc++6"]
    assert components["rauc"]["licenses"] == [
        {"license": {"id": "LGPL-2.1-or-later"}},
        {"license": {"name": "Expat and GPL-2+"}},
    ]
    assert components["mokanda-wire"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert components["libstdc++6"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert bill["metadata"]["component"]["version"] == image.record["version"]
    [contents] = [each["dependsOn"] for each in bill["dependencies"] if "dependsOn" in each]
    assert sorted(contents) == sorted(each["bom-ref"] for each in bill["components"])


def test_the_bill_of_materials_has_licences(image: Image) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    record = {
        **image.record,
        "engine": "buildroot",
        "packages": [vars(package) for package in FROM_SOURCE],
    }
    text = bill_of_materials(record)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    components = {each["name"]: each for each in json.loads(text)["components"]}
    assert {name: each.get("licenses") for name, each in components.items()} == {
        "busybox": [{"license": {"id": "GPL-2.0-only"}}, {"license": {"name": "bzip2-1.0.4"}}],
        "dbus": [{"expression": "(AFL-2.1 OR GPL-2.0-or-later) AND GPL-2.0-or-later"}],
        "libpng": [{"license": {"id": "libpng-2.0"}}],
        "mokanda-wire": [{"license": {"id": "Apache-2.0"}}],
        "u-boot": [{"license": {"id": "GPL-2.0-only"}}],
        "wireless-regdb": None,
    }
    assert components["busybox"]["cpe"] == CPE
    assert components["u-boot"]["purl"] == "pkg:generic/u-boot@2025.01"


@pytest.mark.parametrize(
    "words", ["MIT-like with advertising clause", "GPL-2.0+ with 'a' clause", "A/B", "(MIT"]
)
def test_what_spdx_does_not_know_keeps_its_words(words: str) -> None:
    [licence] = licences([words])
    assert isinstance(licence, DisjunctiveLicense)
    assert licence.name == words


def test_the_bill_of_materials_is_the_same_each_time(image: Image) -> None:
    assert bill_of_materials(image.record) == bill_of_materials(image.record)


@pytest.mark.parametrize(
    ("engine", "name", "version", "url"),
    [
        ("debian", "rauc", "1.13-3+b1", "pkg:deb/debian/rauc@1.13-3%2Bb1?distro=debian-13"),
        ("debian", "git", "1:2.47~rc", "pkg:deb/debian/git@1:2.47~rc?distro=debian-13"),
        ("buildroot", "busybox", "1.37.0", "pkg:generic/busybox@1.37.0"),
    ],
)
def test_packages_have_the_names_that_scanners_know(
    engine: str, name: str, version: str, url: str
) -> None:
    assert package_url(engine, name, version).to_string() == url


def test_a_sound_image_may_go_out(image: Image, keys: Keys) -> None:
    check(image, keys, NOW, development_keys=False)
    check(image, keys, NOW, development_keys=True)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"security": False}, "without security updates"),
        ({"suites": {"trixie-security": "2026-05-31T00:00:00+00:00"}}, "updates of 2026-05-31"),
        ({"suites": {"buildroot-2026.02": "2026-03-01T00:00:00+00:00"}}, "newest release"),
        ({"locked": False}, "make lock"),
        ({"engine": "buildroot"}, "scripts/buildroot --board orangepi-zero legal-info"),
        ({"keyring_sha256": "0" * 64}, "another authority"),
        ({"version": "1.0.0", "commit": "0123-dirty"}, "no commit holds"),
        ({"version": "1.0.0"}, "operator's keys"),
        ({"files": {"mokanda.img": {"sha256": "0" * 64}}}, "not as it was built"),
    ],
)
def test_refused(image: Image, keys: Keys, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        check(changed(image, **fields), keys, NOW, development_keys=True)


def test_changes_without_a_commit_may_go_out_in_development(image: Image, keys: Keys) -> None:
    check(changed(image, commit="0123-dirty"), keys, NOW, development_keys=True)


@pytest.mark.parametrize(
    "fields",
    [{"security": False}, {"suites": {"trixie-security": "2026-05-31T00:00:00+00:00"}}],
)
def test_a_release_without_new_security_updates_must_be_wanted(
    image: Image, keys: Keys, fields: dict[str, Any]
) -> None:
    check(changed(image, **fields), keys, NOW, development_keys=True, without_security=True)


def test_a_release_that_nobody_can_build_again_must_be_wanted(image: Image, keys: Keys) -> None:
    check(changed(image, locked=False), keys, NOW, development_keys=True, without_lock=True)


def test_deltas_are_made_from_the_last_updates_of_the_board(image: Image, tmp_path: Path) -> None:
    names = [f"mokanda-orangepi-zero-1.0.{number}" for number in range(5)]
    for age, name in enumerate([image.name, "mokanda-orangepi-pc-1.0.9", *reversed(names)]):
        path = tmp_path / name / f"{name}.raucb"
        path.parent.mkdir()
        path.touch()
        os.utime(path, (NOW.timestamp() - age, NOW.timestamp() - age))
    assert [path.stem for path in earlier_updates(image, tmp_path)] == names[::-1]


def test_an_update_that_is_damaged_is_left_out_and_named(
    image: Image, keys: Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = [tmp_path / f"mokanda-orangepi-zero-1.0.{number}.raucb" for number in range(3)]
    good = bundle(image, keys, tmp_path, Log(tmp_path / "log"))
    for path, content in zip(
        damaged, (b"", b"no update" * 20, good.read_bytes()[:9000]), strict=True
    ):
        path.write_bytes(content)
    missing = tmp_path / "gone.raucb"
    build(image, keys, tmp_path / "release", earlier=[*damaged, missing], fetch=no_tracker)
    told = capsys.readouterr().err
    for path in (*damaged, missing):
        assert f"no delta from {path}, which is left out" in told
    assert "It is damaged, or no update (This is no squashfs of zstd.)." in told
    assert list((tmp_path / "release").glob("*.delta")) == []
    with pytest.raises(StepError, match=r"1\.0\.1\.raucb: It is damaged"):
        build(
            image, keys, tmp_path / "release", earlier=[damaged[1]], all_fit=True, fetch=no_tracker
        )


def test_a_run_that_was_cut_goes_on_with_what_is_missing(
    image: Image, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "1.0.0"

    def power_cut(image: Image, output: Path, _log: Log) -> None:
        part(output, image, ".img.zst").write_bytes(b"the half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(release_module, "compress", power_cut)
        with pytest.raises(KeyboardInterrupt):
            build(image, keys, folder, fetch=no_tracker)
    update = part(folder, image, ".raucb")
    first = (update.stat().st_ino, update.read_bytes())
    build(image, keys, folder, fetch=no_tracker)
    assert (update.stat().st_ino, update.read_bytes()) == first
    subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, check=True)
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    build(image, keys, folder, fetch=no_tracker)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made
    update.write_bytes(b"damaged")
    build(image, keys, folder, fetch=no_tracker)
    assert update.read_bytes()[:4] == b"hsqs"


def test_what_was_made_of_another_image_is_made_anew(
    image: Image, keys: Keys, tmp_path: Path
) -> None:
    build(image, keys, tmp_path / "1", fetch=no_tracker)
    first = part(tmp_path / "1", image, ".raucb").read_bytes()
    other = changed(image, commit="f" * 40)
    build(other, keys, tmp_path / "1", fetch=no_tracker)
    assert part(tmp_path / "1", image, ".raucb").read_bytes() != first


def test_the_texts_of_the_licences_are_beside_it(
    release: Path, image: Image, tmp_path: Path
) -> None:
    archive = part(release, image, ".licences.tar.zst")
    subprocess.run(
        [TOOLBOX, "tar", "--extract", "--zstd", f"--file={archive}", "-C", tmp_path], check=True
    )
    [folder] = tmp_path.iterdir()
    assert (folder / "debian/rauc").read_text() == COPYRIGHT
    assert (folder / "debian/libstdc++6").read_text() == "all rights"
    for name in ("common-licenses/GPL-2", "u-boot/README", "mokanda/LICENSE", "README"):
        assert (folder / name).stat().st_size


def test_an_image_whose_licences_are_gone_is_refused(
    image: Image, keys: Keys, tmp_path: Path
) -> None:
    elsewhere = Image(tmp_path, image.record)
    with pytest.raises(RefusedError, match=r"licences of libstdc\+\+6 are gone"):
        check(elsewhere, keys, NOW, development_keys=True)


def test_what_was_not_checked_for_vulnerabilities_says_so(release: Path, image: Image) -> None:
    told = json.loads(part(release, image, ".cves.json").read_text())
    assert told["checked"] is False
    assert "no route to host" in told["why"]
    assert "**Not checked:**" in part(release, image, ".cves.md").read_text()


def test_raspberry_pi_imager_finds_the_image(image: Image, release: Path) -> None:
    packed = part(release, image, ".img.zst")
    [entry] = imager.os_list(image, packed, "https://example.org/1.0/")["os_list"]
    card = image.folder / "mokanda.img"
    assert entry["url"] == f"https://example.org/1.0/{packed.name}"
    assert (entry["extract_size"], entry["image_download_size"]) == (
        card.stat().st_size,
        packed.stat().st_size,
    )
    assert (entry["extract_sha256"], entry["image_download_sha256"]) == (
        file_sha256(card),
        file_sha256(packed),
    )
    assert json.loads(part(release, image, ".os_list.json").read_text())["os_list"] == [
        {**entry, "url": packed.name}
    ]


def test_the_notes_are_those_of_the_version() -> None:
    changelog = "# Changelog\n\n## Unreleased\n\n- new\n\n## 1.2.0 (2026-01-01)\n\n- old\n"
    assert notes(changelog, "1.2.0") == "# Mokanda 1.2.0\n\n- old\n"
    assert notes(changelog, "1.2.1-dev+0123") == "# Mokanda 1.2.1-dev+0123\n\n- new\n"
    assert notes(changelog, "1.1.0") is None


def test_without_an_image_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="make image"):
        read_image(tmp_path)
