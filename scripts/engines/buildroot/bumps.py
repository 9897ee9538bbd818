# SPDX-License-Identifier: Apache-2.0
"""Which packages of an image from source have newer versions elsewhere; runs in the toolbox."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.assembly import u_boot
from scripts.engines.buildroot import debian_sources
from scripts.engines.buildroot.engine import c_library, has_ready_made_toolchain, shipped
from scripts.engines.buildroot.series import NoSeriesError, Release, newest_release
from scripts.engines.debian.archive import RELEASE, Archive
from scripts.engines.debian.versions import newer, newest, upstream
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, StepError

DESCRIPTION = """Print which packages of an image from source are newer elsewhere.

Elsewhere is the newest release of Buildroot's own series, where BUILDROOT names a git tree
of it (git fetch --tags first), and Debian: its sources of four suites, whose indexes are kept
in the cache. Each line is a package with its version in the image, in Buildroot's release, in
Debian in the same branch (6.12 of 6.12.107), in Debian at all, and in Debian's security updates.

    !  a later one of the same branch, in Buildroot's series, or in Debian's security updates
    +  a later one of another branch

Versions do not tell which of them mends a vulnerability, and which vulnerability is known.
--cves takes what `scripts/buildroot pkg-stats` wrote (pkg-stats.json), and prints the version that
was looked at, and a ? behind what may not apply to it."""

SECURITY = f"{RELEASE}-security"
SUITES = (RELEASE, SECURITY, "forky", "sid")
# Debian's names of the sources, where they are neither Buildroot's nor in debian-sources.toml.
NAMES = {
    "libnpth": "npth",
    "python-cbor2": "cbor2",
    "python-defnull-multipart": "multipart",
    "python-jaraco-functools": "python-jaraco.functools",
    "python-more-itertools": "more-itertools",
    "python-pyudev": "pyudev",
    "python-serial": "pyserial",
    "python-smbus2": "smbus2",
    "usb_modeswitch": "usb-modeswitch",
    "usb_modeswitch_data": "usb-modeswitch-data",
    "util-linux-libs": "util-linux",
}
_COMMIT = re.compile(r"(-g[0-9a-f]{7})[0-9a-f]+$")  # of `git describe`, at full length

Suites = Mapping[str, Mapping[str, list[str]]]  # the versions of each source, by suite


@dataclass(frozen=True)
class Row:
    """A package of the image, and what there is of it elsewhere; None where nothing is known."""

    name: str
    image: str
    series: str | None
    branch: str | None  # Debian's newest of the same branch
    newest: str | None  # Debian's newest
    security: str | None  # that of Debian's security updates

    @property
    def mark(self) -> str:
        """How much there is to be looked at."""
        if any(each and newer(each, self.image) for each in (self.series, self.branch)):
            return "!"
        if self.security and newer(_comparable(self.security, self.image), self.image):
            return "!"
        return "+" if self.newest and newer(self.newest, self.image) else " "


def row(name: str, image: str, release: Release | None, suites: Suites) -> Row:
    """What there is of a package whose version in the image is `image`."""
    source = source_name(name, image)
    found = {suite: suites[suite].get(source, []) for suite in suites}
    comparable = [_comparable(each, image) for versions in found.values() for each in versions]
    branch = upstream(image).rpartition(".")[0]
    return Row(
        name,
        image,
        release.version(name, branch) if release else None,
        newest(each for each in comparable if not branch or each.startswith(f"{branch}.")),
        newest(comparable),
        newest(found.get(SECURITY, [])),
    )


def source_name(package: str, version: str) -> str:
    """Debian's name of the source that a package is made from."""
    if package == "python3":
        return f"python{'.'.join(version.split('.')[:2])}"
    return NAMES.get(package) or debian_sources.source_names().get(package, package)


def _comparable(version: str, image: str) -> str:
    """A version of Debian's as far as that of the image goes: revisions only with revisions."""
    return version.rpartition(":")[2] if "-" in image else upstream(version)


def images_versions(information: Mapping[str, Any], target: Path) -> dict[str, str]:
    """The versions of what others wrote: of `make show-info`, U-Boot and the C library.

    `target` is where Buildroot keeps what goes into the root file system.
    """
    found = {name: details["version"] for name, details in shipped(information)}
    found["u-boot"] = u_boot.VERSION
    if has_ready_made_toolchain(information):
        found["glibc"] = c_library(target).version
    return {name: found[name] for name in sorted(found) if not name.startswith("mokanda-")}


def read_information(path: Path) -> dict[str, Any]:
    """Read what `make show-info` printed, if make's own lines are around it or not."""
    text = path.read_text(encoding="utf-8")
    information: dict[str, Any] = json.loads(text[text.find("{") : text.rfind("}") + 1])
    return information


def read_cves(path: Path) -> tuple[str, dict[str, str]]:
    """Read what pkg-stats wrote: when, and what it says of each package that it looked at."""
    statistics = json.loads(path.read_text(encoding="utf-8"))
    found = {}
    for name, details in statistics["packages"].items():
        if details["status"].get("cve", ["na"])[0] == "na":  # as without --nvd-path
            continue
        cves = [*details["cves"], *(f"{each}?" for each in details["unsure_cves"])]
        found[name] = f"{details['current_version']}: {', '.join(cves) or 'none'}"
    return statistics["date"], found


def table(rows: Iterable[Row], release: Release | None, cves: Mapping[str, str] | None) -> str:
    """The rows as text, those first that are to be looked at; with CVEs if they were looked up."""
    series = release.tag if release else "series"
    lines = [["", "package", "image", series, "same branch", "newest", SECURITY]]
    if cves is not None:
        lines[0].append("CVEs")
    for each in sorted(rows, key=lambda each: ("!+ ".index(each.mark), each.name)):
        versions = (each.image, each.series, each.branch, each.newest, each.security)
        cells = [_COMMIT.sub(r"\1", version or "-") for version in versions]
        lines.append([each.mark, each.name, *cells])
        if cves is not None:
            lines[-1].append(cves.get(each.name, "not checked"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/buildroot --bumps",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--board", default="orangepi-zero", help="default: %(default)s")
    parser.add_argument("--cves", type=Path, metavar="FILE", help="known vulnerabilities")
    parser.add_argument(
        "information",
        nargs="?",
        type=Path,
        metavar="SHOW_INFO",
        help="what `scripts/buildroot show-info` printed; without it that of the last build",
    )
    options = parser.parse_args(arguments)
    output = REPOSITORY / "build/buildroot" / options.board
    cache = Path(os.environ["MOKANDA_CACHE"]) / "source-index"
    archive = Archive(cache, "armhf", Log(cache / "bumps.log"))
    built = options.information or output / "images/show-info.json"
    if not built.exists():
        print(
            f"error: {built} is missing: run scripts/buildroot --board {options.board}",
            file=sys.stderr,
        )
        return 1
    try:
        information = read_information(built)
        versions = images_versions(information, output / "target")
        suites = {suite: archive.source_versions(suite) for suite in SUITES}
        date, cves = read_cves(options.cves) if options.cves else ("", None)
    except (OSError, ValueError, KeyError, StepError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    release = None
    if tree := os.environ.get("BUILDROOT"):
        try:
            release = newest_release(Path(tree))
        except (OSError, NoSeriesError) as error:
            print(f"The series: not known ({error}).")
    else:
        print("The series: not looked at, BUILDROOT names no tree.")
    rows = [row(name, version, release, suites) for name, version in versions.items()]
    print(table(rows, release, cves), end="")
    for suite in SUITES:
        print(f"{suite}: {f'{archive.date(suite):%Y-%m-%d}' if suites[suite] else 'not reached'}")
    print(f"CVEs: as of {date}" if options.cves else "CVEs: not checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
