# SPDX-License-Identifier: Apache-2.0
"""U-Boot, its environment, the initramfs and the FIT image that a slot boots from."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from scripts.assembly import layout
from scripts.engines import Built
from scripts.engines.debian_archive import Archive
from scripts.recipes import ROOT, System
from scripts.steps import Log, StepError, say

RECIPES = ROOT / "boot"
U_BOOT_SOURCE = "pool/main/u/u-boot/u-boot_2025.01.orig.tar.bz2"
U_BOOT_SHA256 = "cdef7d507c93f1bbd9f015ea9bc21fa074268481405501945abc6f854d5b686f"
U_BOOT_DATE = "1736208000"  # in its banner; constant, so that every build makes the same binary

KERNEL_ADDRESS = 0x42000000  # above what a kernel unpacks to at 0x40008000
APPLETS = (
    "blockdev chroot cut dd insmod mkdir mknod mount printf reboot sh sha256sum sleep switch_root "
    "sync usleep"
).split()


def environment_variables(text: str) -> dict[str, str]:
    """Parse boot/environment: paragraphs NAME=VALUE, the lines of a script joined to one."""
    variables: dict[str, str] = {}
    lines = [line.strip() for line in text.splitlines() if not line.startswith("#")]
    for paragraph in re.split(r"\n{2,}", "\n".join(lines).strip()):
        name, _, value = paragraph.partition("=")
        variables[name] = " ".join(value.split())
    return variables


def environment() -> dict[str, str]:
    """The environment that the card is flashed with."""
    return environment_variables((RECIPES / "environment").read_text())


def write_environment(variables: dict[str, str], work: Path, log: Log) -> bytes:
    """One copy of the environment as it lies on the card."""
    text = work / "environment.txt"
    text.write_text("".join(f"{name}={value}\n" for name, value in sorted(variables.items())))
    image = work / "environment.img"
    log.run("mkenvimage", "-r", "-s", str(layout.ENVIRONMENT_SIZE), "-o", image, text)
    return image.read_bytes()


def u_boot(system: System, cache: Path, log: Log) -> Path:
    """SPL and U-Boot for the board, compiled when its source or configuration changed."""
    config = (RECIPES / "u-boot.config").read_text()
    variables = environment()
    default = "".join(f"{name}={value}\n" for name, value in sorted(variables.items()))
    key = hashlib.sha256(
        repr([config, default, system.board.u_boot, U_BOOT_SHA256, U_BOOT_DATE]).encode()
    ).hexdigest()[:16]
    # The tree is kept: a change of the environment compiles one file.
    tree = RECIPES.parent.parent / "build/u-boot" / system.board.name
    tree.mkdir(parents=True, exist_ok=True)
    made = tree / f"mokanda-{key}.bin"
    if made.exists():
        return made
    say("compiling U-Boot (two minutes the first time)")
    source = Archive(cache, "armhf", log).source(U_BOOT_SOURCE, U_BOOT_SHA256)
    log.run(
        *("tar", "--extract", "--skip-old-files", "--strip-components=1"),
        *("--directory", tree, "--file", source),
    )
    (tree / "mokanda.env").write_text(default)
    fragment = tree / "mokanda.config"
    fragment.write_text(config + 'CONFIG_DEFAULT_ENV_FILE="mokanda.env"\n')
    make = [
        "env",
        f"SOURCE_DATE_EPOCH={U_BOOT_DATE}",
        "KBUILD_BUILD_USER=mokanda",
        "KBUILD_BUILD_HOST=mokanda",
        "make",
        "-C",
        str(tree),
        f"-j{os.cpu_count()}",
        "CROSS_COMPILE=arm-linux-gnueabihf-",
        "SCP=/dev/null",
    ]
    log.run(*make, f"{system.board.u_boot}_defconfig")
    log.run(tree / "scripts/kconfig/merge_config.sh", "-m", "-O", tree, tree / ".config", fragment)
    log.run(*make, "olddefconfig")
    _check_config(config, (tree / ".config").read_text())
    log.run(*make)
    shutil.copy(tree / "u-boot-sunxi-with-spl.bin", made)
    return made


def _check_config(wanted: str, got: str) -> None:
    """A fragment that did not take effect would only show in the field."""
    lines = set(got.splitlines())
    for line in wanted.splitlines():
        if line.startswith("CONFIG_") and line not in lines:
            raise StepError(f"U-Boot's configuration did not take {line}")
        if line.endswith(" is not set"):
            option = line.split()[1]
            if any(other.startswith(f"{option}=") for other in lines):
                raise StepError(f"U-Boot's configuration did not take: {line}")


def initramfs(system: System, built: Built, work: Path, log: Log) -> Path:
    """BusyBox, the modules that the root file system needs, and boot/init; as zstd."""
    tree = work / "initramfs"
    shutil.rmtree(tree, ignore_errors=True)
    for directory in ("bin", "dev", "modules", "proc", "root", "run", "sys"):
        (tree / directory).mkdir(parents=True)
    shutil.copy(RECIPES / "init", tree / "init")
    shutil.copy(built.busybox, tree / "bin/busybox")
    for path in (tree / "init", tree / "bin/busybox"):
        path.chmod(0o755)
    for applet in APPLETS:
        (tree / "bin" / applet).symlink_to("busybox")

    modules = built.root / "usr/lib/modules" / built.kernel_release
    first = _in_order(modules, system.initramfs_modules)
    for module in first:
        shutil.copy(modules / module, tree / "modules")
    early = [path for path in _in_order(modules, system.modules_early) if path not in first]
    _write_lines(tree / "modules/first", [Path(path).name for path in first])
    _write_lines(tree / "modules/early", [f"{built.kernel_release}/{path}" for path in early])
    nodes = _static_nodes((modules / "modules.devname").read_text())
    _write_lines(tree / "modules/nodes", nodes)
    archive = work / "initramfs.cpio"
    log.run("find", tree, "-exec", "touch", "--no-dereference", "--date=@0", "{}", "+")
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    log.run(
        "cpio",
        "--create",
        "--format=newc",
        "--reproducible",
        "--owner=0:0",
        "--quiet",
        f"--directory={tree}",
        f"--file={archive}",
        text="".join(f"{name}\n" for name in names),
    )
    packed = work / "initramfs.cpio.zst"
    log.run("zstd", "-19", "--force", "--quiet", "-o", packed, archive)
    return packed


def _static_nodes(names: str) -> list[str]:
    """Device nodes of modules.devname, as arguments of mknod."""
    lines = [line.split() for line in names.splitlines() if not line.startswith("#")]
    return [f"{name} {kind[0]} {kind[1:].replace(':', ' ')}" for _, name, kind in lines]


def _in_order(modules: Path, names: list[str]) -> list[str]:
    """Files of modules, each after those it needs; those built into the kernel have none."""
    needs: dict[str, list[str]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        needs[Path(path).name.split(".")[0].replace("-", "_")] = [*reversed(others.split()), path]
    return list(dict.fromkeys(path for name in names for path in needs.get(name, [])))


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def device_tree(system: System, built: Built, work: Path, log: Log) -> Path:
    """The board's device tree with what recipes switch on, and cards numbered as U-Boot does."""
    changed = work / "device-tree.dtb"
    shutil.copy(built.device_tree, changed)
    for node in system.board.device_tree_enable:
        log.run("fdtput", "--type", "s", changed, node, "status", "okay")
    log.run("fdtput", "--type", "s", changed, "/aliases", "mmc0", "/soc/mmc@1c0f000")
    return changed


def fit(kernel: Path, tree: Path, ramdisk: Path, work: Path, log: Log) -> Path:
    """The FIT image: U-Boot checks each part's hash before it starts them."""

    def part(name: str, path: Path, kind: str, more: str = "") -> str:
        return (
            f'{name} {{ description = "{name}"; data = /incbin/("{path}"); type = "{kind}"; '
            f'arch = "arm"; compression = "none"; {more} hash-1 {{ algo = "sha256"; }}; }};'
        )

    address = f"load = <{KERNEL_ADDRESS:#x}>; entry = <{KERNEL_ADDRESS:#x}>;"
    source = work / "slot.its"
    source.write_text(
        f"""/dts-v1/;
/ {{
    description = "Mokanda";
    #address-cells = <1>;
    images {{
        {part("kernel", kernel, "kernel", 'os = "linux"; ' + address)}
        {part("device-tree", tree, "flat_dt")}
        {part("initramfs", ramdisk, "ramdisk", 'os = "linux";')}
    }};
    configurations {{
        default = "board";
        board {{ kernel = "kernel"; fdt = "device-tree"; ramdisk = "initramfs"; }};
    }};
}};
"""
    )
    image = work / "slot.itb"
    log.run("mkimage", "-f", source, image)
    return image
