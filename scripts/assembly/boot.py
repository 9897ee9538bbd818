# SPDX-License-Identifier: Apache-2.0
"""The FIT image that a slot boots from: kernel, device tree and initramfs."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.assembly import u_boot
from scripts.assembly.kernel import Kernel
from scripts.assembly.template import fill
from scripts.assembly.verity import RootHash
from scripts.engines import Built
from scripts.recipes import ROOT, Soc, System
from scripts.tools.steps import Log, StepError

APPLETS = (
    "blockdev chroot cut dd insmod mkdir mknod mount printf reboot sh sha256sum sleep switch_root "
    "sync usleep"
).split()


def initramfs(system: System, built: Built, work: Path, log: Log) -> Path:
    """BusyBox, the modules that the root file system needs, and boot/init; as zstd.

    Raises StepError when the kernel lacks one of these.
    """
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
    log.run(*verity_command(system.soc, tree / "bin/verity"))

    modules = built.root / "usr/lib/modules" / built.kernel_release
    first = in_order(modules, system.initramfs_modules)
    for module in first:
        shutil.copy(modules / module, tree / "modules")
    early = [path for path in in_order(modules, system.modules_early) if path not in first]
    _write_lines(tree / "modules/first", [Path(path).name for path in first])
    _write_lines(tree / "modules/early", [f"{built.kernel_release}/{path}" for path in early])
    nodes = _static_nodes((modules / "modules.devname").read_text())
    _write_lines(tree / "modules/nodes", nodes)
    archive = pack(tree, work / "initramfs.cpio", log)
    packed = work / "initramfs.cpio.zst"
    log.run("zstd", "-19", "--force", "--quiet", "-o", packed, archive)
    return packed


def verity_command(soc: Soc, program: Path) -> tuple[str | Path, ...]:
    """The command that compiles boot/verity.c."""
    return (
        *(f"{soc.cross_compile}gcc", "-std=gnu23", "-Wall", "-Wextra", "-Werror", "-Os"),
        *("-ffreestanding", "-nostdlib", "-static", "-s", "-Wl,--build-id=none"),
        *("-o", program, ROOT / "boot/verity.c"),
    )


def trusting(root_hash: RootHash, ramdisk: Path, work: Path, log: Log) -> Path:
    """The initramfs of one root file system: what it knows of that, before all else.

    It is an archive of its own and not compressed, as the other is the same for many versions: of
    that, a delta has nothing then.
    """
    tree = work / "root-hash"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    (tree / "root-hash").write_text(root_hash.line())
    whole = work / "initramfs.img"
    whole.write_bytes(pack(tree, work / "root-hash.cpio", log).read_bytes())
    with whole.open("ab") as file:
        file.write(ramdisk.read_bytes())
    return whole


def pack(tree: Path, archive: Path, log: Log) -> Path:
    """A tree as cpio, the same bytes for the same tree; its length is one of whole 512 bytes."""
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
    return archive


def _static_nodes(names: str) -> list[str]:
    """Device nodes of modules.devname, as arguments of mknod."""
    lines = [line.split() for line in names.splitlines() if not line.startswith("#")]
    return [f"{name} {kind[0]} {kind[1:].replace(':', ' ')}" for _, name, kind in lines]


def in_order(modules: Path, names: list[str]) -> list[str]:
    """Files of modules, each after those it needs; those built into the kernel have none.

    Raises StepError for one that the kernel has in neither way.
    """
    built_in = (modules / "modules.builtin").read_text().split()
    needs: dict[str, list[str]] = {_module_name(path): [] for path in built_in}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        needs[_module_name(path)] = [*reversed(others.split()), path]
    for name in names:
        if name not in needs:
            raise StepError(f"the kernel has no {name}, neither built in nor as a module")
    return list(dict.fromkeys(path for name in names for path in needs[name]))


def _module_name(path: str) -> str:
    return Path(path).name.split(".")[0].replace("-", "_")


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


def fit(
    soc: Soc, kernel: Kernel, tree: Path, ramdisk: Path, key: Path, work: Path, log: Log
) -> Path:
    """The FIT image: U-Boot checks its signature and each part's hash before it starts them."""
    source, image = work / "slot.its", work / "slot.itb"
    source.write_text(fit_source(soc, kernel, tree, ramdisk))
    log.run("mkimage", "-G", key, "-f", source, image)
    return image


def fit_source(soc: Soc, kernel: Kernel, tree: Path, ramdisk: Path) -> str:
    """What mkimage makes the FIT image from."""

    def part(name: str, path: Path, kind: str, more: str = "", compression: str = "none") -> str:
        return (
            f'{name} {{ description = "{name}"; data = /incbin/("{path}"); type = "{kind}"; '
            f'arch = "{soc.fit_architecture}"; compression = "{compression}"; {more} '
            'hash-1 { algo = "sha256"; }; };'
        )

    def linux(name: str, path: Path, address: int, compression: str = "none") -> str:
        where = f'os = "linux"; load = <{address:#x}>; entry = <{address:#x}>;'
        return part(name, path, "kernel", where, compression)

    kernels, loadables, signed = linux("kernel", kernel.packed, kernel.address, "gzip"), "", ""
    if kernel.starter:
        kernels = linux("linux", kernel.packed, kernel.address, "gzip")
        kernels += linux("kernel", kernel.starter, soc.kernel_address)
        loadables, signed = 'loadables = "linux";', ', "loadables"'
    return f"""/dts-v1/;
/ {{
    description = "Mokanda";
    #address-cells = <1>;
    images {{
        {kernels}
        {part("device-tree", tree, "flat_dt")}
        {part("initramfs", ramdisk, "ramdisk", 'os = "linux";')}
    }};
    configurations {{
        default = "board";
        board {{
            kernel = "kernel"; fdt = "device-tree"; ramdisk = "initramfs"; {loadables}
            signature-1 {{
                algo = "{u_boot.SIGNATURE}"; key-name-hint = "boot";
                sign-images = "kernel", "fdt", "ramdisk"{signed};
            }};
        }};
    }};
}};
"""
