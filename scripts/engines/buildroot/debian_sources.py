# SPDX-License-Identifier: Apache-2.0
"""A Buildroot tree whose sources come from a Debian mirror and the Python index alone.

`scripts/buildroot --sources debian` uses it where projects' own sites cannot be reached. The tree
is a copy of the one that BUILDROOT names, changed as buildroot-external/debian-sources.toml says:
Buildroot fetches, checks and resumes by itself, from other addresses.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from scripts.engines.buildroot import external_tree
from scripts.engines.buildroot.tree import git, variable
from scripts.engines.debian import lock
from scripts.tools.steps import StepError, say

TABLE = external_tree.TREE / "debian-sources.toml"
INDEX = "https://files.pythonhosted.org/packages"
OVERRIDES = "mokanda-sources.mk"  # within the tree
_STAMP = ".mokanda-sources"
_NOT_COPIED = (".git", "__pycache__", "dl", "output")  # history, and what builds leave in a tree
_LOCAL = "local+"  # how Buildroot writes that a package lies in a folder of this machine

_BINARY = """\
# A stand-in: Debian's binary packages.
{name}_VERSION = {version}
{name}_SITE = {site}
{name}_SOURCE = {source}
{name}_EXTRA_DOWNLOADS = {more}
{name}_INSTALL_STAGING = YES

define {name}_EXTRACT_CMDS
	$(foreach deb,{files},dpkg-deb --extract $({name}_DL_DIR)/$(deb) $(@D)/root
	)
	rm -rf $(addprefix $(@D)/root/usr/share/,doc lintian man locale)
	if [ -d $(@D)/root/usr/lib/arm-linux-gnueabihf ]; then \\
		mv $(@D)/root/usr/lib/arm-linux-gnueabihf/* $(@D)/root/usr/lib/; \\
		rmdir $(@D)/root/usr/lib/arm-linux-gnueabihf; \\
	fi
	for file in $(@D)/root/usr/lib/firmware/*-upstream; do \\
		if [ -e $$file ]; then mv $$file $${{file%-upstream}}; fi; \\
	done
	rm -f $(@D)/root/usr/lib/firmware/*-debian
	find $(@D)/root -name '*.pc' -o -name '*-config' | \\
		xargs -r sed -i 's,/arm-linux-gnueabihf,,'
endef

define {name}_INSTALL_STAGING_CMDS
	rsync -a --keep-dirlinks $(@D)/root/ $(STAGING_DIR)/
endef

define {name}_INSTALL_TARGET_CMDS
	rsync -a --keep-dirlinks $(@D)/root/ $(TARGET_DIR)/
endef

$(eval $(generic-package))
"""

_TOOL = """\
# A stand-in: the machine's own programs.
HOST_{name}_ADD_CCACHE_DEPENDENCY = NO
{kept}
define HOST_{name}_INSTALL_CMDS
	mkdir -p $(HOST_DIR)/bin $(HOST_DIR)/sbin
{links}
endef

$(eval $(host-generic-package))
"""


def make(buildroot: Path, tree: Path, mirror: str) -> None:
    """Copy a Buildroot tree and change it as the table says, unless that was done already.

    It is done anew when the tree, the table or the lock have changed since.

    `mirror` is the address of the Debian mirror, with a slash at its end. Raises StepError where
    the tree does not fit the table.
    """
    table = tomllib.loads(TABLE.read_text())
    stamp = _digest(TABLE, lock.LOCK, Path(__file__), mirror, *_files(buildroot))
    if (tree / _STAMP).exists() and (tree / _STAMP).read_text() == stamp:
        return
    say("copying the Buildroot tree, to change where its sources come from")
    (tree / _STAMP).unlink(missing_ok=True)  # before the rest: a cut may leave half of it
    shutil.rmtree(tree, ignore_errors=True)
    try:
        shutil.copytree(buildroot, tree, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    except shutil.Error as error:
        source, _, reason = error.args[0][0]
        raise StepError(f"{source} could not be copied: {reason}") from error
    _take_earlier(buildroot, tree, **table["earlier"])
    overrides = [f"# Written from {TABLE.name}: where sources come from.\n"]
    for kind, site in (("source", mirror), ("index", f"{INDEX}/")):
        for package, source in table[kind].items():
            overrides += _redirect(tree, package, source, site)
    for package, patches in table["without"].items():
        for patch in patches:
            (tree / "package" / package / patch).unlink()
    for package, archives in table["binary"].items():
        _stand_in(tree, package, archives, mirror)
    for package, programs in table["tool"].items():
        _link(tree, package, programs)
    (tree / OVERRIDES).write_text("".join(overrides))
    (tree / _STAMP).write_text(stamp)


@functools.cache
def source_names() -> dict[str, str]:
    """Debian's name of each package whose source archive the table has, by Buildroot's."""
    table = tomllib.loads(TABLE.read_text())
    return {name: PurePosixPath(each["path"]).parts[3] for name, each in table["source"].items()}


def missing(information: Mapping[str, Any]) -> list[str]:
    """Packages of `make show-info` that neither the table nor the Python index has, sorted.

    Those are what a build with these sources would stop at.
    """
    table = tomllib.loads(TABLE.read_text())
    known = {*table["source"], *table["index"], *table["binary"], *table["tool"]}
    found = []
    for name, details in sorted(information.items()):
        addresses = [uri for part in details.get("downloads", ()) for uri in part["uris"]]
        reached = any(INDEX in uri or uri.startswith(_LOCAL) for uri in addresses)
        if addresses and not reached and details["dl_dir"] not in known:
            found.append(name)
    return found


def _digest(*parts: Path | str) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.read_bytes() if isinstance(part, Path) else part.encode())
    return whole.hexdigest()


def _files(tree: Path) -> Iterable[str]:
    """What tells whether a tree has changed: its files' names, sizes and times."""
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(set(folders).difference(_NOT_COPIED))
        for name in sorted(files):
            path = Path(folder, name)
            status = path.lstat()
            yield f"{path.relative_to(tree)} {status.st_size} {status.st_mtime_ns}\n"


def _take_earlier(buildroot: Path, tree: Path, release: str, packages: Iterable[str]) -> None:
    for package in packages:
        shutil.rmtree(tree / "package" / package)
    folders = [f"package/{package}" for package in packages]
    archive = git(buildroot, "archive", release, *folders)
    if archive.returncode:
        raise StepError(
            f"{buildroot} has not Buildroot's release {release} besides, of which"
            f" {' and '.join(packages)} are taken. Get it with:\n"
            f"  git -C {buildroot} fetch --depth 1 origin tag {release}"
        )
    subprocess.run(["tar", "-x", "-C", tree], input=archive.stdout, check=True)


def _folder(tree: Path, package: str) -> Path:
    """Where a package's files are: linux is no other's equal."""
    return tree / "linux" if package == "linux" else tree / "package" / package


def _redirect(tree: Path, package: str, source: Mapping[str, Any], site: str) -> Iterable[str]:
    """The lines that give a package another archive, whose hash is noted in the tree."""
    path = PurePosixPath(source["path"])
    name = variable(package)
    with (_folder(tree, package) / f"{package}.hash").open("a") as hashes:
        hashes.write(f"\nsha256  {source['sha256']}  {path.name}\n")
    if "version" in source:
        yield f"override {name}_VERSION = {source['version']}\n"
    yield f"override {name}_SOURCE = {path.name}\n"
    yield f"override {name}_SITE = {site}{path.parent}\n"
    yield f"override {name}_SITE_METHOD = wget\n"
    if source.get("autoreconf"):
        yield f"override {name}_AUTORECONF = YES\noverride HOST_{name}_AUTORECONF = YES\n"
    if "touch" in source:
        yield f"define MOKANDA_{name}_TOUCH\n\ttouch $(@D)/{source['touch']}\nendef\n"
        yield f"{name}_POST_PATCH_HOOKS += MOKANDA_{name}_TOUCH\n"
        yield f"HOST_{name}_POST_PATCH_HOOKS += MOKANDA_{name}_TOUCH\n"
    if "strip" in source:
        yield f"override {name}_STRIP_COMPONENTS = {source['strip']}\n"
        yield f"override HOST_{name}_STRIP_COMPONENTS = {source['strip']}\n"


def _stand_in(
    tree: Path, package: str, archives: Iterable[str | Mapping[str, str]], mirror: str
) -> None:
    """Replace how a package is built by the unpacking of Debian's binary packages."""
    locked = lock.read()
    assert locked is not None, lock.LOCK
    debs = {deb.name: deb for deb in locked.debs.values()}
    paths: dict[str, str] = {}
    for archive in archives:
        if isinstance(archive, str):
            paths[debs[archive].path] = debs[archive].sha256
        else:
            paths[archive["path"]] = archive["sha256"]
    folder = _folder(tree, package)
    for old in folder.glob("*.patch"):
        old.unlink()
    files = [PurePosixPath(path).name for path in paths]
    makefile = folder / f"{package}.mk"
    first, *others = paths
    makefile.write_text(
        _BINARY.format(
            name=variable(package),
            version=files[0].split("_")[1],
            site=mirror + str(PurePosixPath(first).parent),
            source=files[0],
            more=" ".join(mirror + path for path in others),
            files=" ".join(files),
        )
    )
    hashes = "".join(
        f"sha256  {sha256}  {PurePosixPath(path).name}\n" for path, sha256 in paths.items()
    )
    (folder / f"{package}.hash").write_text(hashes)


def _link(tree: Path, package: str, programs: Iterable[str]) -> None:
    """Replace a host package by links to the machine's own programs."""
    folder = _folder(tree, package)
    makefile = folder / f"{package}.mk"
    name = variable(package)
    foreign = rf"^(?:{name}_PROVIDES|(?!{name}_|HOST_)[A-Z][A-Z0-9_]*) :?= .*$"
    kept = "\n".join(re.findall(foreign, makefile.read_text(), re.MULTILINE))
    links = []
    for program in programs:
        where = "sbin" if program == "zic" else "bin"
        links.append(f"\tln -sf $$(PATH=/usr/bin:/usr/sbin which {program}) $(HOST_DIR)/{where}/")
    if package == "gettext-tiny":  # what asks for a key, and macros for autoreconf
        links.append("\tsed '/read dummy/d' /usr/bin/gettextize >$(HOST_DIR)/bin/gettextize")
        links.append("\tchmod +x $(HOST_DIR)/bin/gettextize")
        links.append("\tmkdir -p $(HOST_DIR)/share/aclocal")
        links.append("\tcp /usr/share/aclocal/*.m4 $(HOST_DIR)/share/aclocal/")
    for old in folder.glob("*.patch"):
        old.unlink()
    makefile.write_text(_TOOL.format(name=name, kept=kept, links="\n".join(links)))


def main() -> None:
    """Make the tree, or say what its sources lack."""
    parser = argparse.ArgumentParser(prog="debian_sources", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    tree = commands.add_parser("tree", help="make it")
    tree.add_argument("buildroot", type=Path)
    tree.add_argument("tree", type=Path)
    tree.add_argument("mirror", help="address of the Debian mirror, with a slash at its end")
    check = commands.add_parser("check", help="whether all is there that a board takes")
    check.add_argument("information", type=Path, help="what `make show-info` says")
    options = parser.parse_args()
    if options.command == "tree":
        make(options.buildroot, options.tree, options.mirror)
    elif names := missing(json.loads(options.information.read_text())):
        raise StepError(
            f"{TABLE.name} does not say where to have: {' '.join(names)}\n"
            "Add them to it, or build without --sources debian."
        )


if __name__ == "__main__":
    try:
        main()
    except StepError as error:
        sys.exit(f"error: {error}")
