# SPDX-License-Identifier: Apache-2.0
"""The from-source engine: buildroot-external/ against the recipes, and in Buildroot itself.

The second half needs a Buildroot tree: BUILDROOT=DIRECTORY pytest tests/unit/test_buildroot.py
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.engines import Package
from scripts.engines.buildroot import engine, external_tree
from scripts.engines.buildroot.licences import licences
from scripts.recipes import boards, load
from scripts.recipes.recipe import ROOT, read_topic
from scripts.tools.steps import Log, StepError

REPOSITORY = Path(__file__).resolve().parents[2]
EXTERNAL = REPOSITORY / "buildroot-external"
FIREWALL = REPOSITORY / "firmware/system/usr/lib/mokanda/firewall.nft"
PACKAGES = sorted((EXTERNAL / "package").iterdir())
TESTS = EXTERNAL / "support/testing/tests/package"
OURS = ("wire", "firmware")

# Packages of Debian that go by another name in Buildroot, or have no option there.
COUNTERPARTS = {
    "base-files": "",  # the skeleton
    "busybox-static": "",  # Buildroot's init and shell, always
    "dnsmasq-base": "DNSMASQ",
    "firmware-ath9k-htc": "LINUX_FIRMWARE_ATHEROS_9271",
    "gpg": "GNUPG2",
    "gpg-agent": "GNUPG2",
    "iproute2": "",  # BusyBox has ip
    "libjpeg-turbo-progs": "JPEG_TURBO_TOOLS",
    "libpng16-16t64": "LIBPNG",
    "libzstd1": "ZSTD",
    "libubootenv-tool": "LIBUBOOTENV",
    "mount": "UTIL_LINUX_BINARIES",
    "ppp": "PPPD",
    "python3-cffi-backend": "",  # python-pyppmd's own package selects it
    "python3-multipart": "PYTHON_DEFNULL_MULTIPART",
    "rauc-service": "RAUC_DBUS",
    "systemd": "",  # BR2_INIT_SYSTEMD
    "systemd-resolved": "SYSTEMD_RESOLVED",
    "systemd-sysv": "",
    "udev": "",  # systemd's
    "util-linux": "UTIL_LINUX_BINARIES",
}
# What a rule of the firewall is made of, and the kernel's option for it; the rest is in NF_TABLES.
OF_RULES = {
    r"\bct |notrack": "NFT_CT",
    r"\bfib ": "NFT_FIB_INET",
    r"\breject ": "NFT_REJECT_INET",
    r"\blimit ": "NFT_LIMIT",
    r"\bct count ": "NFT_CONNLIMIT",
    r"\blog\b": "NFT_LOG",
    r"\bcounter ": "NFT_COUNTER",
    r"\b(?:[sd]nat to|redirect|masquerade)\b": "NFT_NAT",
    r"\bsocket ": "NFT_SOCKET",
    r"\btproxy ": "NFT_TPROXY",
}

# Modules of the standard library that Buildroot builds only when asked to.
OPTIONAL_MODULES = {
    "bz2": "BZIP2",
    "curses": "CURSES",
    "lzma": "XZ",
    "readline": "READLINE",
    "sqlite3": "SQLITE",
    "ssl": "SSL",
    "unicodedata": "UNICODEDATA",
    "xml": "PYEXPAT",
    "zlib": "ZLIB",
    "gzip": "ZLIB",
}


@pytest.mark.parametrize("path", external_tree.files(), ids=lambda path: path.name)
def test_written_file_agrees_with_the_recipes(path: Path) -> None:
    """Mend a failure by `scripts/buildroot --write`."""
    assert path.read_text() == external_tree.files()[path]


def test_every_board_has_a_defconfig_and_no_defconfig_lacks_a_board() -> None:
    defconfigs = sorted((EXTERNAL / "configs").iterdir())
    assert defconfigs == sorted(external_tree.defconfig_path(board) for board in boards())


def test_menu_lists_every_package() -> None:
    listed = re.findall(r"/package/([^/]+)/Config\.in", (EXTERNAL / "Config.in").read_text())
    assert listed == [package.name for package in PACKAGES]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_package_is_named_alike_everywhere(package: Path) -> None:
    symbol = package.name.upper().replace("-", "_")
    makefile = (package / f"{package.name}.mk").read_text()
    assert f"config BR2_PACKAGE_{symbol}\n" in (package / "Config.in").read_text()
    assert re.search(rf"^{symbol}_VERSION :?= ", makefile, re.MULTILINE)
    assert set(
        re.findall(r"^([A-Z0-9_]+?)_(?:SITE|LICENSE|SETUP_TYPE) =", makefile, re.MULTILINE)
    ) == {symbol}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_package_has_a_hash_of_its_licence_and_of_what_it_downloads(package: Path) -> None:
    makefile = (package / f"{package.name}.mk").read_text()
    hashes = (package / f"{package.name}.hash").read_text()
    named = dict(re.findall(r"^sha256  ([0-9a-f]{64})  (\S+)$", hashes, re.MULTILINE)).values()
    assert "LICENSE" in named
    if "_SITE_METHOD = local" not in makefile:
        version = re.findall(r"_VERSION = (\S+)", makefile)[0]
        source = re.findall(r"_SOURCE = (\S+)", makefile)[0]
        assert re.sub(r"\$\(\w+_VERSION\)", version, source) in named


@pytest.mark.parametrize("room", OURS)
def test_our_package_selects_what_its_pyproject_depends_on(room: str) -> None:
    project = tomllib.loads((REPOSITORY / room / "pyproject.toml").read_text())["project"]
    menu = (EXTERNAL / f"package/mokanda-{room}/Config.in").read_text()
    selected = set(re.findall(r"^\tselect BR2_PACKAGE_(\w+) # runtime$", menu, re.MULTILINE))
    assert {_symbol(Requirement(line).name) for line in project["dependencies"]} <= selected


def _symbol(name: str) -> str:
    """Buildroot's symbol of a Python package: python- in front, unless it is ours."""
    name = {"multipart": "defnull-multipart", "pyserial": "serial"}.get(name, name)
    if not name.startswith(("mokanda-", "python-")):
        name = f"python-{name}"
    return name.upper().replace("-", "_")


@pytest.mark.parametrize("room", OURS)
def test_python_is_built_with_the_optional_modules_that_our_code_imports(room: str) -> None:
    imported = set()
    for path in (REPOSITORY / room / f"mokanda_{room}").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.partition(".")[0])
    needed = {option for module, option in OPTIONAL_MODULES.items() if module in imported}
    config = load("orangepi-zero").buildroot_config
    assert {option for option in needed if f"BR2_PACKAGE_PYTHON3_{option}=y" not in config} == set()
    menu = (EXTERNAL / f"package/mokanda-{room}/Config.in").read_text()
    assert needed <= set(re.findall(r"select BR2_PACKAGE_PYTHON3_(\w+) # runtime", menu))


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.toml")), ids=lambda path: path.stem)
def test_what_one_engine_takes_for_a_topic_the_other_takes_too(path: Path) -> None:
    recipe = read_topic(path)
    names = {package: package.upper().replace("-", "_") for package in recipe.debian_packages}
    names = {package: re.sub("^PYTHON3_", "PYTHON_", name) for package, name in names.items()}
    symbols = {COUNTERPARTS.get(package, name) for package, name in names.items()} - {""}
    wanted = {f"BR2_PACKAGE_{symbol}=y" for symbol in symbols}
    assert wanted - set(recipe.buildroot_config) == set()


def test_the_kernel_has_what_the_firewall_is_made_of() -> None:
    """Debian's has all of it as modules, and some of them are loaded before they are asked for."""
    rules = re.sub("#.*", "", FIREWALL.read_text())
    wanted = {option for pattern, option in OF_RULES.items() if re.search(pattern, rules)}
    recipe = read_topic(ROOT / "firewall.toml")
    options = dict(recipe.kernel)
    assert {option for option in options if option in OF_RULES.values()} == wanted
    assert set(recipe.modules_early) <= set(options.values())


def test_a_library_that_our_code_loads_is_of_a_package_that_both_engines_take() -> None:
    loaded = set()
    for room in OURS:
        for path in (REPOSITORY / room / f"mokanda_{room}").rglob("*.py"):
            loaded |= set(re.findall(r'CDLL\("(.*?)"', path.read_text()))
    assert loaded == {"libpng16.so.16", "libzstd.so.1"}
    for topic, debian, buildroot in (
        ("webmail", "libpng16-16t64", "BR2_PACKAGE_LIBPNG=y"),
        ("updates", "libzstd1", "BR2_PACKAGE_ZSTD=y"),
    ):
        recipe = read_topic(ROOT / f"{topic}.toml")
        assert debian in recipe.debian_packages
        assert buildroot in recipe.buildroot_config


def test_the_kernel_has_built_in_what_every_boot_needs() -> None:
    """So that the initramfs has no drivers to load; what may be plugged in is a module."""
    system = load("orangepi-zero")
    fragments = [external_tree.topics_path(), external_tree.board_path("orangepi-zero")]
    fragments += sorted((EXTERNAL / "board/mokanda/linux").glob("*.config"))
    lines = "".join(path.read_text() for path in fragments).splitlines()
    booting = {*system.initramfs_modules, *system.modules_early}
    for option, module in system.kernel.items():
        if module in booting:
            assert f"CONFIG_{option}=y" in lines
    assert "CONFIG_USB_SERIAL_OPTION=m" in lines


def test_kernel_archive_has_a_hash() -> None:
    version = re.search(
        r'_CUSTOM_VERSION_VALUE="(.*)"', (EXTERNAL / "board/mokanda/engine.config").read_text()
    )
    assert version
    for package in ("linux", "linux-headers"):
        hashes = (EXTERNAL / f"patches/{package}/{package}.hash").read_text()
        assert f"  linux-{version[1]}.tar.xz\n" in hashes


@pytest.mark.parametrize(
    ("got", "wanted", "complaint"),
    [
        ("CONFIG_A=y\n", "CONFIG_A=y\n", ""),
        ("CONFIG_A=y\n", "CONFIG_A=m\n", ""),
        ("CONFIG_A=m\n", "CONFIG_A=y\n", "CONFIG_A=y"),
        ("# CONFIG_A is not set\n", "CONFIG_A=y\n", "CONFIG_A=y"),
        ("", "# CONFIG_A is not set\n", ""),
        ("CONFIG_A=y\n", "# CONFIG_A is not set\n", "# CONFIG_A is not set"),
    ],
)
def test_check_config_names_the_line_that_did_not_take(
    tmp_path: Path, got: str, wanted: str, complaint: str
) -> None:
    config, fragment = tmp_path / ".config", tmp_path / "fragment"
    config.write_text(got)
    fragment.write_text(f"# a comment\n{wanted}")
    done = _check_config(config, fragment)
    assert done.returncode == bool(complaint)
    assert done.stderr == (f"{config} did not take: {complaint}\n" if complaint else "")


def _check_config(config: Path, fragment: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [EXTERNAL / "board/mokanda/check-config.sh", config, fragment],
        capture_output=True,
        text=True,
        check=False,
    )


def _scripts_buildroot(
    tree: Path | str, *arguments: str, home: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REPOSITORY / "scripts/buildroot", *arguments],
        env={**os.environ, "BUILDROOT": str(tree), "XDG_CACHE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_tree_the_command_says_where_to_get_one(tmp_path: Path) -> None:
    done = _scripts_buildroot("", home=tmp_path)
    assert done.returncode == 1
    assert "BUILDROOT is not set" in done.stderr
    assert "git clone" in done.stderr


def test_a_folder_that_is_no_buildroot_tree_is_refused(tmp_path: Path) -> None:
    done = _scripts_buildroot(tmp_path, home=tmp_path)
    assert done.returncode == 1
    assert f"BUILDROOT={tmp_path} is not a Buildroot tree" in done.stderr


def test_another_release_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/Config.in").touch()
    (tmp_path / "Makefile").write_text("export BR2_VERSION := 2019.02\n")
    done = _scripts_buildroot(tmp_path, home=tmp_path)
    assert done.returncode == 1
    assert "is Buildroot 2019.02; Mokanda needs 20" in done.stderr


# In place of scripts/toolbox: takes every configuration, and fails to build.
TOOLBOX = """\
#!/bin/sh
output=$(dirname "$0")/../build/buildroot/orangepi-zero
case $* in
  *" defconfig") cp "$output/mokanda_defconfig" "$output/.config" ;;
  *-dirclean) ;;
  *) echo "no space left on device"; exit 2 ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of ours with scripts/buildroot alone, and a Buildroot tree in `tree` beside it."""
    clone = tmp_path / "clone"
    (clone / "scripts").mkdir(parents=True)
    script = Path(shutil.copy(REPOSITORY / "scripts/buildroot", clone / "scripts"))
    (clone / "scripts/toolbox").write_text(TOOLBOX)
    (clone / "scripts/toolbox").chmod(0o755)
    (clone / "buildroot-external").symlink_to(EXTERNAL)
    release = re.search(r"^release=(.*)$", script.read_text(), re.MULTILINE)
    assert release
    tree = tmp_path / "tree"
    (tree / "package").mkdir(parents=True)
    (tree / "package/Config.in").touch()
    (tree / "Makefile").write_text(
        f"export BR2_VERSION := {release[1]}\nBR2_VERSION_EPOCH = 1781643700\n"
    )
    return clone


def _build(clone: Path, tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [clone / "scripts/buildroot"],
        env={**os.environ, "BUILDROOT": str(tree), "XDG_CACHE_HOME": str(clone / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_tree_with_a_space_in_its_path_is_refused(clone: Path) -> None:
    tree = (clone.parent / "tree").rename(clone.parent / "my tree")
    done = _build(clone, tree)
    assert done.returncode == 1
    assert "Buildroot cannot work in a folder with a space in its name" in done.stderr


def test_two_builds_at_once_in_a_clone_are_refused(clone: Path) -> None:
    lock = clone / "build/buildroot/lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = _build(clone, clone.parent / "tree")
    assert done.returncode == 1
    assert "another scripts/buildroot is at work" in done.stderr


def test_what_a_build_that_failed_has_left_is_not_taken_for_a_whole_one(clone: Path) -> None:
    earlier = clone / "build/buildroot/orangepi-zero/images/show-info.json"
    earlier.parent.mkdir(parents=True)
    earlier.touch()
    done = _build(clone, clone.parent / "tree")
    assert done.returncode == 1
    assert "no space left on device" in done.stderr
    assert not earlier.exists()


@pytest.mark.parametrize(
    ("engine_name", "folder", "complaint"),
    [("buildroot", "nowhere", "is no folder"), ("debian", ".", "the engine is debian")],
)
def test_an_image_is_made_of_a_folder_of_buildroots_alone(
    tmp_path: Path, engine_name: str, folder: str, complaint: str
) -> None:
    done = subprocess.run(
        [REPOSITORY / "scripts/image", "--engine", engine_name, "--built", tmp_path / folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert complaint in done.stderr


def test_engine_hands_over_what_buildroot_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = tmp_path / "images"
    monkeypatch.setenv("MOKANDA_BUILT", str(images))
    modules = tmp_path / "target/usr/lib/modules/6.12.103"
    downloads = tmp_path / "cache/buildroot/busybox"
    zones = tmp_path / "target/usr/share/zoneinfo"
    for directory in (images, modules, downloads, zones / "posix/Africa", zones / "right/Africa"):
        directory.mkdir(parents=True)
    (zones / "posix/Africa/Kinshasa").touch()
    (zones / "Africa").symlink_to("posix/Africa")
    library = tmp_path / "target/usr/lib/libc.so.6"
    library.write_bytes(b"\0GNU C Library (Debian GLIBC 2.41-11) stable release version 2.41.\n")
    subprocess.run(
        ["tar", "-C", tmp_path / "target", "-cf", images / "rootfs.tar", "."], check=True
    )
    (downloads / "busybox-1.37.0.tar.bz2").write_bytes(b"archive")
    target = {"type": "target", "virtual": False, "install_target": True, "downloads": []}
    bare = {**target, "version": "", "licenses": "unknown"}
    ours = {**target, "version": "0.1.0", "licenses": "Apache-2.0"}
    busybox = {**target, "downloads": [{"source": "busybox-1.37.0.tar.bz2"}]}
    information = {
        "host-make": {**target, "type": "host", "dl_dir": "make", "version": "4.4.1"},
        "mokanda-wire": {**ours, "dl_dir": "mokanda-wire"},
        "skeleton-init-common": {**bare, "dl_dir": "skeleton-init-common"},
        "toolchain-external": {"type": "target", "virtual": True, "install_target": True},
        "toolchain-external-custom": {**bare, "dl_dir": "toolchain-external-custom"},
        "busybox": {
            **busybox,
            "dl_dir": "busybox",
            "version": "1.37.0",
            "licenses": "GPL-2.0, bzip2-1.0.4",
            "cpe-id": "cpe:2.3:a:busybox:busybox:1.37.0:-:*:*:*:*:*:*",
        },
    }
    (images / "show-info.json").write_text(json.dumps(information))
    (images / "release").write_text("2026.02.3 1781643700\n")
    (images / "sun8i-h2-plus-orangepi-zero.dtb").touch()
    (images / "zImage").touch()

    work, log = tmp_path / "work", Log(tmp_path / "log")
    built = engine.build(load("orangepi-zero"), work, tmp_path / "cache", log)

    assert built.kernel_release == "6.12.103"
    assert (built.root / "usr/lib/modules/6.12.103").is_dir()
    zones = built.root / "usr/share/zoneinfo"
    assert (zones / "Africa/Kinshasa").is_file()
    assert [path.name for path in zones.iterdir()] == ["Africa"]
    assert built.device_tree == images / "sun8i-h2-plus-orangepi-zero.dtb"
    assert built.suites == {"buildroot-2026.02.3": datetime(2026, 6, 16, 21, 1, 40, tzinfo=UTC)}
    assert built.packages == [
        Package(
            "glibc",
            "2.41-11",
            licences=("GPL-2.0-or-later", "LGPL-2.1-or-later", "BSD-3-Clause", "MIT"),
            cpe="cpe:2.3:a:gnu:glibc:2.41:*:*:*:*:*:*:*",
        ),
        Package(
            "busybox",
            "1.37.0",
            hashlib.sha256(b"archive").hexdigest(),
            ("GPL-2.0", "bzip2-1.0.4"),
            "cpe:2.3:a:busybox:busybox:1.37.0:-:*:*:*:*:*:*",
        ),
        Package("mokanda-wire", "0.1.0", licences=("Apache-2.0",)),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("GPL-3.0+", ("GPL-3.0+",)),
        (
            "LGPL-2.1+ (library) , GPL-2.0+ or MIT (tools, tests)",
            ("LGPL-2.1+", "GPL-2.0+ or MIT"),
        ),
        ("MIT (one), MIT (another)", ("MIT",)),
        ("unknown", ()),
    ],
)
def test_licences_of_a_makefile(text: str, found: tuple[str, ...]) -> None:
    assert licences(text) == found


def test_engine_without_a_finished_build_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOKANDA_BUILT", str(tmp_path))
    with pytest.raises(StepError, match="run scripts/buildroot"):
        engine.build(load("orangepi-zero"), tmp_path, tmp_path, Log(tmp_path / "log"))


def _images(folder: Path, *kernels: str) -> Path:
    """What Buildroot makes, with the modules of some kernels alone in the root file system."""
    images = folder / "images"
    images.mkdir()
    for name in ("show-info.json", "release", "zImage", "sun8i-h2-plus-orangepi-zero.dtb"):
        (images / name).touch()
    for kernel in kernels:
        (folder / "usr/lib/modules" / kernel).mkdir(parents=True)
    (folder / "usr").mkdir(exist_ok=True)
    subprocess.run(["tar", "-C", folder, "-cf", images / "rootfs.tar", "usr"], check=True)
    return images


@pytest.mark.parametrize("name", ["zImage", "release", "rootfs.tar"])
def test_engine_names_what_a_folder_of_buildroots_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    images = _images(tmp_path, "6.12.103")
    (images / name).unlink()
    monkeypatch.setenv("MOKANDA_BUILT", str(images))
    with pytest.raises(StepError, match=rf"run scripts/buildroot \({name} missing\)"):
        engine.build(load("orangepi-zero"), tmp_path / "work", tmp_path, Log(tmp_path / "log"))


def test_engine_refuses_modules_of_two_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after another version of Linux in engine.config, without a clean build."""
    monkeypatch.setenv("MOKANDA_BUILT", str(_images(tmp_path, "6.12.103", "6.12.107")))
    with pytest.raises(StepError, match=r"modules of 6\.12\.103 and 6\.12\.107"):
        engine.build(load("orangepi-zero"), tmp_path / "work", tmp_path, Log(tmp_path / "log"))


@pytest.fixture(scope="module")
def buildroot() -> Path:
    tree = os.environ.get("BUILDROOT")
    if not tree:
        pytest.skip("BUILDROOT names no Buildroot tree")
    return Path(tree).resolve()


@pytest.mark.parametrize("board", boards())
def test_every_line_of_the_defconfig_takes_effect_in_buildroot(
    buildroot: Path, tmp_path: Path, board: str
) -> None:
    defconfig = external_tree.defconfig_path(board)
    _make(buildroot, tmp_path, defconfig.name)
    done = _check_config(tmp_path / ".config", defconfig)
    assert done.stderr == ""
    assert done.returncode == 0


def test_buildroot_knows_our_packages_by_version_and_licence(
    buildroot: Path, tmp_path: Path
) -> None:
    _make(buildroot, tmp_path, "orangepi_zero_defconfig")
    known = json.loads(_make(buildroot, tmp_path, "--silent", "show-info"))
    for room in OURS:
        project = tomllib.loads((REPOSITORY / room / "pyproject.toml").read_text())["project"]
        details = known[f"mokanda-{room}"]
        assert details["version"] == project["version"]
        assert details["licenses"] == project["license"]["text"]
    for name in ("python-pyppmd", "python-defnull-multipart"):
        assert known[name]["downloads"][0]["uris"][0].startswith("https+https://")


@pytest.mark.parametrize("room", OURS)
def test_buildroot_has_each_dependency_in_a_version_that_will_do(
    buildroot: Path, tmp_path: Path, room: str
) -> None:
    project = tomllib.loads((REPOSITORY / room / "pyproject.toml").read_text())["project"]
    _make(buildroot, tmp_path, "orangepi_zero_defconfig")
    known = json.loads(_make(buildroot, tmp_path, "--silent", "show-info"))
    for requirement in map(Requirement, project["dependencies"]):
        package = _symbol(requirement.name).lower().replace("_", "-")
        assert known[package]["version"] in requirement.specifier


def test_busybox_has_every_command_of_initramfs_and_shell(buildroot: Path) -> None:
    from scripts.assembly.boot import APPLETS as INITRAMFS
    from scripts.assembly.root import APPLETS as SHELL

    options = {"[": "TEST1", "sh": "SH_IS_ASH"}
    enabled = (buildroot / "package/busybox/busybox.config").read_text()
    enabled += (EXTERNAL / "board/mokanda/busybox.config").read_text()
    commands = {*INITRAMFS, *(SHELL.split() if isinstance(SHELL, str) else SHELL)}
    lacking = {
        command
        for command in commands
        if f"CONFIG_{options.get(command, command.upper())}=y\n" not in enabled
    }
    assert lacking == set()


def test_check_package_has_nothing_to_say(buildroot: Path) -> None:
    for module in ("flake8", "magic"):
        if not find_spec(module):
            pytest.skip(f"Buildroot's check-package needs the Python module {module}")
    files = [path.relative_to(EXTERNAL) for path in sorted(EXTERNAL.rglob("*")) if path.is_file()]
    done = subprocess.run(
        [sys.executable, buildroot / "utils/check-package", "--br2-external", *files],
        cwd=EXTERNAL,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)
    assert "\n0 warnings generated" in done.stderr


# What Buildroot's run-tests does before it builds.
_CONFIGURE = """import importlib, sys
from infra.basetest import BRConfigTest
BRConfigTest.outputdir, BRConfigTest.downloaddir, name = sys.argv[1:]
for test in vars(importlib.import_module(name)).values():
    if getattr(test, "__test__", False):
        BRConfigTest.setUp(test("test_run"))
"""


@pytest.mark.parametrize("test", sorted(TESTS.glob("test_*.py")), ids=lambda path: path.stem)
def test_every_line_of_a_packages_test_takes_effect_in_buildroot(
    buildroot: Path, tmp_path: Path, test: Path
) -> None:
    if not find_spec("pexpect"):
        pytest.skip("Buildroot's run-tests needs the Python module pexpect")
    done = subprocess.run(
        [sys.executable, "-B", "-c", _CONFIGURE, tmp_path, tmp_path / "downloads", test.stem],
        env={**os.environ, "PYTHONPATH": f"{buildroot / 'support/testing'}:{TESTS}"},
        capture_output=True,
        text=True,
        check=False,
    )
    logs = [path.read_text() for path in tmp_path.glob("*.log")]
    assert done.returncode == 0, (done.stderr, logs)
    assert len(list(tmp_path.glob("*/.config"))) == 1


def _make(buildroot: Path, output: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["make", f"O={output}", f"BR2_EXTERNAL={EXTERNAL}", *arguments],
        cwd=buildroot,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
