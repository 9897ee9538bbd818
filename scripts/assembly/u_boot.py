# SPDX-License-Identifier: Apache-2.0
"""U-Boot for a board, and the environment from which it starts a slot."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from scripts.assembly import layout
from scripts.assembly.template import fill
from scripts.engines import Built, Package, find_file
from scripts.engines.debian.archive import Archive
from scripts.recipes import ROOT, Soc, System
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, StepError, say

RECIPES = ROOT / "boot"
TREES = REPOSITORY / "build/u-boot"
VERSION = "2025.01"
SOURCE = f"pool/main/u/u-boot/u-boot_{VERSION}.orig.tar.bz2"
SHA256 = "cdef7d507c93f1bbd9f015ea9bc21fa074268481405501945abc6f854d5b686f"
PACKAGE = Package(
    "u-boot",
    VERSION,
    SHA256,
    licences=("GPL-2.0-only",),
    cpe=f"cpe:2.3:a:denx:u-boot:{VERSION}:*:*:*:*:*:*:*",
)
# What U-Boot takes from the environment on the card, with its type: a string or hexadecimal.
# Everything else is what was built in, whatever the card says.
TAKEN_FROM_CARD = {
    "BOOT_ORDER": "s",
    "BOOT_A_LEFT": "x",
    "BOOT_B_LEFT": "x",
    "data_failures": "x",
    "extra_args": "s",
    "watchdog": "s",
}
SIGNATURE = "sha256,rsa3072"  # of what U-Boot starts
DATE = "1736208000"  # in its banner; constant, so that every build makes the same binary


def parse_environment(text: str) -> dict[str, str]:
    """Parse boot/environment: paragraphs NAME=VALUE, the lines of a script joined to one."""
    variables: dict[str, str] = {}
    lines = [line.strip() for line in text.splitlines() if not line.startswith("#")]
    for paragraph in re.split(r"\n{2,}", "\n".join(lines).strip()):
        name, _, value = paragraph.partition("=")
        variables[name] = " ".join(value.split())
    return variables


def environment(soc: Soc) -> dict[str, str]:
    """The variables that the card is flashed with."""
    return parse_environment(fill((RECIPES / "environment").read_text(), soc))


def environment_image(soc: Soc, work: Path, log: Log) -> bytes:
    """One copy of the environment as it lies on the card."""
    text, image = work / "environment.txt", work / "environment.img"
    text.write_text(_lines(environment(soc)))
    log.run("mkenvimage", "-r", "-s", str(layout.ENVIRONMENT_SIZE), "-o", image, text)
    return image.read_bytes()


def configuration(soc: Soc) -> str:
    """Lines of U-Boot's configuration, on top of the board's."""
    common = fill((RECIPES / "u-boot.config").read_text(), soc)
    return common + "".join(f"{line}\n" for line in soc.u_boot_config)


def make(soc: Soc, tree: Path, firmware: Mapping[str, Path]) -> list[str]:
    """The command that builds a target, which goes behind it, in a tree of sources."""
    flags = ",".join(f"{name}:{kind}w" for name, kind in TAKEN_FROM_CARD.items())
    return [
        *("env", f"SOURCE_DATE_EPOCH={DATE}"),
        *("KBUILD_BUILD_USER=mokanda", "KBUILD_BUILD_HOST=mokanda"),
        *("make", "-C", str(tree), f"-j{os.cpu_count()}"),
        *(f"CROSS_COMPILE={soc.cross_compile}", *soc.u_boot_make),
        f"CFLAGS_flags.o=-DCFG_ENV_FLAGS_LIST_STATIC='\"{flags}\"'",  # env/flags.c
        *(f"{name}={path}" for name, path in firmware.items()),
    ]


def trusted_key(modulus: int) -> str:
    """What U-Boot's own device tree says of the key whose signature it asks for.

    Beside the key itself (its exponent is 65537) are two numbers that spare U-Boot a division.
    """
    bits = int(SIGNATURE.partition("rsa")[2])
    squared = pow(2, 2 * bits, modulus)
    inverse = -pow(modulus, -1, 1 << 32) % (1 << 32)
    return f"""/ {{
    signature {{
        key-boot {{
            required = "conf";
            algo = "{SIGNATURE}";
            key-name-hint = "boot";
            rsa,num-bits = <{bits}>;
            rsa,exponent = <0 0x10001>;
            rsa,modulus = [{modulus:0{bits // 4}x}];
            rsa,r-squared = [{squared:0{bits // 4}x}];
            rsa,n0-inverse = <{inverse:#x}>;
        }};
    }};
}};
"""


def modulus_of(told: str) -> int:
    """That of a key, by what `openssl rsa -modulus` tells."""
    return int(told.strip().removeprefix("Modulus="), 16)


def build(system: System, built: Built, key: Path, cache: Path, log: Log) -> dict[Path, int]:
    """U-Boot's files, and at which byte of the card each belongs; raises StepError.

    They are compiled when source or configuration changed, or the key whose signatures they trust.
    """
    board, soc = system.board, system.soc
    config, default = configuration(soc), _lines(environment(soc))
    told = log.run("openssl", "rsa", "-in", key, "-noout", "-modulus")
    trusted = trusted_key(modulus_of(told))
    firmware = {name: find_file(built.firmware, file) for name, file in soc.u_boot_firmware.items()}
    command = make(soc, TREES / board.name, firmware)
    contents = [path.read_bytes() for path in firmware.values()]
    ingredients = (
        config,
        default,
        trusted,
        board.u_boot,
        SHA256,
        command,
        [*soc.u_boot_files],
        contents,
    )
    name = hashlib.sha256(repr(ingredients).encode()).hexdigest()[:16]
    # The tree is kept: a change of the environment compiles one file.
    tree = TREES / board.name
    made = tree / f"mokanda-{name}"
    files = {made / name: offset for name, offset in soc.u_boot_files.items()}
    if made.exists():
        return files
    say("compiling U-Boot (two minutes the first time)")
    source = Archive(cache, soc.architecture, log).source(SOURCE, SHA256)
    tree.mkdir(parents=True, exist_ok=True)
    log.run(
        *("tar", "--extract", "--skip-old-files", "--strip-components=1"),
        *("--directory", tree, "--file", source),
    )
    (tree / "mokanda.env").write_text(default)
    (tree / "arch/arm/dts/mokanda-key.dtsi").write_text(trusted)
    fragment = tree / "mokanda.config"
    fragment.write_text(config + 'CONFIG_DEFAULT_ENV_FILE="mokanda.env"\n')
    log.run(*command, f"{board.u_boot}_defconfig")
    log.run(tree / "scripts/kconfig/merge_config.sh", "-m", "-O", tree, tree / ".config", fragment)
    log.run(*command, "olddefconfig")
    _check_configuration(config, (tree / ".config").read_text())
    log.run(*command)
    # Renamed last: where the folder is, it is whole.
    new = tree / "mokanda-new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    for name in soc.u_boot_files:
        shutil.copy(tree / name, new)
    new.rename(made)
    return files


def _check_configuration(wanted: str, got: str) -> None:
    """A line that did not take effect would only show in the field."""
    lines = set(got.splitlines())
    for line in wanted.splitlines():
        if line.startswith("CONFIG_") and line not in lines:
            raise StepError(f"U-Boot's configuration did not take {line}")
        if line.endswith(" is not set"):
            option = line.split()[1]
            if any(other.startswith(f"{option}=") for other in lines):
                raise StepError(f"U-Boot's configuration did not take: {line}")


def _lines(variables: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in sorted(variables.items()))
