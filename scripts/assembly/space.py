# SPDX-License-Identifier: Apache-2.0
"""What takes the space of the last image's root file system: a table, and a picture of it.

    scripts/toolbox python3 -m scripts.assembly.space [--board BOARD] [--picture FILE.svg]

A file is counted by what its blocks come to when each is compressed for itself, as in the squashfs.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path

from scripts.tools.repository import REPOSITORY

# The first pattern that fits a file's path says where it belongs.
GROUPS = (
    ("our code", ("*/mokanda_*", "usr/lib/mokanda/*")),
    ("Python packages", ("*/site-packages/*", "*/dist-packages/*")),
    ("Python", ("usr/lib/python3*", "usr/bin/python3*", "usr/lib/*libpython3*")),
    ("kernel modules", ("usr/lib/modules/*",)),
    ("firmware", ("usr/lib/firmware/*",)),
    ("systemd, udev", ("*systemd*", "*udev*", "usr/bin/*ctl", "usr/lib/tmpfiles.d/*")),
    ("OpenSSL, certificates", ("*libssl*", "*libcrypto*", "*ossl*", "etc/ssl/*", "*engines-3*")),
    ("GnuPG", ("*gpg*", "*gcrypt*", "*libksba*", "*libassuan*", "*npth*", "*gnupg*")),
    ("RAUC, GLib", ("*rauc*", "*libglib*", "*libgio*", "*libgobject*", "*gmodule*", "*json-glib*")),
    ("SQLite", ("*sqlite*",)),
    ("C library", ("usr/lib/*libc.so*", "usr/lib/*libm.so*", "usr/lib/*ld-linux*", "*gconv*")),
    ("BusyBox", ("*busybox*",)),
    ("time zones", ("*zoneinfo*",)),
    ("network", "*hostapd* *dnsmasq* */ip */tc */iw *libnl* *nft* *wireless* */bridge".split()),
    ("modems", ("*ppp*", "*modeswitch*", "*mobile-broadband*", "*libjim*")),
    ("pictures", ("*jpeg*", "*png*", "*djpeg*", "*imagequant*")),
    ("file systems", "*e2fs* *ext2fs* *e2p* *mke2fs* *blkid* *mount* *fdisk* *resize2fs*".split()),
)
BLOCK = 131072  # bytes, as mksquashfs has it


def measure(root: Path) -> Counter[str]:
    """Bytes of each group, compressed."""
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    sizes: Counter[str] = Counter()
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for path, size in zip(files, workers.map(compressed, files), strict=True):
            sizes[group(str(path.relative_to(root)))] += size
    return sizes


def group(path: str) -> str:
    """The group that a file of the root file system belongs to."""
    for name, patterns in GROUPS:
        if any(fnmatch.fnmatch(path, pattern) for pattern in patterns):
            return name
    return "the rest"


def compressed(path: Path) -> int:
    """What a file comes to in blocks of their own, in bytes."""
    command = ["zstd", "-15", f"--block-size={BLOCK}", "--stdout", "--quiet", str(path)]
    return len(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def table(sizes: Counter[str]) -> Iterator[str]:
    """Lines of Markdown, the largest group first."""
    yield "| what | MB compressed |"
    yield "|---|---|"
    for name, size in sizes.most_common():
        yield f"| {name} | {size / 1e6:.2f} |"
    yield f"| all | {sizes.total() / 1e6:.1f} |"


def picture(sizes: Counter[str]) -> str:
    """The same as bars, in SVG."""
    row, left, width = 22, 170, 420
    largest = max(sizes.values())
    bars = []
    for number, (name, size) in enumerate(sizes.most_common()):
        y, length = number * row, width * size / largest
        bars.append(
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{left}" y="{y + 3}" width="{length:.0f}" height="16" fill="#2f6f4f"/>'
            f'<text x="{left + length + 6:.0f}" y="{y + 15}">{size / 1e6:.2f} MB</text>'
        )
    height = row * len(bars)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {height}" '
        'font-family="sans-serif" font-size="13">\n' + "\n".join(bars) + "\n</svg>\n"
    )


def main() -> None:
    """Print the table, and write the picture where one is asked for."""
    parser = argparse.ArgumentParser(prog="scripts.assembly.space", description=__doc__)
    parser.add_argument("--board", default="orangepi-zero")
    parser.add_argument("--picture", type=Path, metavar="FILE")
    options = parser.parse_args()
    sizes = measure(REPOSITORY / "build/image" / options.board / "work/root")
    print("\n".join(table(sizes)))
    if options.picture:
        options.picture.write_text(picture(sizes))


if __name__ == "__main__":
    main()
