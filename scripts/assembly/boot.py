# SPDX-License-Identifier: Apache-2.0
"""The FIT image that a slot boots from: kernel, device tree and initramfs."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.assembly.template import fill
from scripts.engines import Built
from scripts.recipes import ROOT, Soc, System
from scripts.tools.steps import Log

APPLETS = (
    "blockdev chroot cut dd insmod mkdir mknod mount printf reboot sh sha256sum sleep switch_root "
    "sync usleep"
).split()


def initramfs(system: System, built: Built, work: Path, log: Log) -> Path:
    """BusyBox, the modules that the root file system needs, and boot/init; as zstd."""
    tree = work / "initramfs"
    shutil.rmtree(tree, ignore_errors=True)
    for directory in ("bin", "dev", "modules", "proc", "root", "run", "sys"):
        (tree / directory).mkdir(parents=True)
    (tree / "init").write_text(fill((ROOT / "boot/init").read_text(), system.soc))
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
    """The board's device tree with what recipes switch on, and the card numbered as by U-Boot."""
    changed = work / "device-tree.dtb"
    shutil.copy(built.device_tree, changed)
    for node in system.board.device_tree_enable:
        log.run("fdtput", "--type", "s", changed, node, "status", "okay")
    soc = system.soc
    log.run("fdtput", "--type", "s", changed, "/aliases", f"mmc{soc.card}", soc.card_node)
    return changed


def fit(soc: Soc, kernel: Path, tree: Path, ramdisk: Path, work: Path, log: Log) -> Path:
    """The FIT image: U-Boot checks each part's hash before it starts them."""
    if soc.kernel_compression == "gzip":
        log.run("gzip", "-9", "--no-name", "--force", "--keep", kernel)
        kernel = kernel.with_name(f"{kernel.name}.gz")
    source, image = work / "slot.its", work / "slot.itb"
    source.write_text(fit_source(soc, kernel, tree, ramdisk))
    log.run("mkimage", "-f", source, image)
    return image


def fit_source(soc: Soc, kernel: Path, tree: Path, ramdisk: Path) -> str:
    """What mkimage makes the FIT image from."""

    def part(name: str, path: Path, kind: str, more: str = "", compression: str = "none") -> str:
        return (
            f'{name} {{ description = "{name}"; data = /incbin/("{path}"); type = "{kind}"; '
            f'arch = "{soc.fit_architecture}"; compression = "{compression}"; {more} '
            'hash-1 { algo = "sha256"; }; };'
        )

    address = f"load = <{soc.kernel_address:#x}>; entry = <{soc.kernel_address:#x}>;"
    return f"""/dts-v1/;
/ {{
    description = "Mokanda";
    #address-cells = <1>;
    images {{
        {part("kernel", kernel, "kernel", 'os = "linux"; ' + address, soc.kernel_compression)}
        {part("device-tree", tree, "flat_dt")}
        {part("initramfs", ramdisk, "ramdisk", 'os = "linux";')}
    }};
    configurations {{
        default = "board";
        board {{ kernel = "kernel"; fdt = "device-tree"; ramdisk = "initramfs"; }};
    }};
}};
"""
