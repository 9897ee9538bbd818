# SPDX-License-Identifier: Apache-2.0
"""The image of a board, from its recipes to build/image."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import completeness
from scripts.assembly import boot, card, kernel, order, root, u_boot, verity
from scripts.completeness import traces
from scripts.engines import Built
from scripts.recipes import System
from scripts.tools.digest import file_sha256
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, megabytes, say


def build(system: System, engine: str) -> None:
    """Build the image of a system with an engine; raises StepError."""
    output = REPOSITORY / "build/image" / system.board.name
    work = output / "work"
    work.mkdir(parents=True, exist_ok=True)
    log = Log(output / "build.log")
    cache = Path(os.environ["MOKANDA_CACHE"])
    commit = os.environ["MOKANDA_COMMIT"]
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    version = os.environ["MOKANDA_VERSION"]
    inputs = os.environ["MOKANDA_INPUTS"]
    say(f"Mokanda {version} for the {system.board.summary}, engine {engine}")
    if _inputs(output / "record.json") == inputs:
        say("the image is up to date")
        return
    (output / "record.json").unlink(missing_ok=True)

    built: Built = importlib.import_module(f"scripts.engines.{engine}.engine").build(
        system, work, cache, log
    )
    keyring = work / "keyring.pem"
    keyring.write_text(os.environ["MOKANDA_AUTHORITY"] + "\n")
    setup = card.setup(work, log)
    root.finish(system, built.root, version, epoch, keyring, card.beginning(setup), log)
    completeness.check(system, built.root, log)
    if built.folder and (named := list(traces.naming(built.folder, built.root))):
        say(f"note: built in another folder, these would be other files: {', '.join(named)}")

    with _boot_key() as key:
        u_boot_files = u_boot.build(system, built, key, cache, log)
    ramdisk = boot.initramfs(system, built, work, log)
    tree = boot.device_tree(system, built, work, log)
    say("compressing the root file system")
    first = order.of_start(built.root, system.soc.architecture)
    squashed = card.squash(built.root, first, work, log)
    ramdisk = boot.trusting(verity.append_tree(squashed, log), ramdisk, work, log)
    started = kernel.prepare(system.soc, built.kernel, work)
    with _boot_key() as key:
        fit = boot.fit(system.soc, started, tree, ramdisk, key, work, log)
    slot, image = output / "slot.img", output / "mokanda.img"
    card.slot(squashed, fit, slot)
    say("writing the card image")
    card.card(
        root=squashed,
        fit=fit,
        setup=setup,
        u_boot=u_boot_files,
        environment=u_boot.environment_image(system.soc, work, log),
        path=image,
        work=work,
        log=log,
    )
    record = {
        "board": system.board.name,
        "compatible": system.compatible,
        "version": version,
        "commit": commit,
        "source_date_epoch": epoch,
        "engine": engine,
        "inputs": inputs,
        "suites": {suite: date.isoformat() for suite, date in built.suites.items()},
        "security": built.security,
        "locked": built.locked,
        "keyring_sha256": file_sha256(keyring),
        "files": {
            path.name: {"size": path.stat().st_size, "sha256": file_sha256(path)}
            for path in (image, slot, squashed, fit)
        },
        "boot_loader": vars(u_boot.PACKAGE),
        "packages": [vars(package) for package in built.packages],
    }
    (output / "record.json").write_text(json.dumps(record, indent=2) + "\n")
    _hand_over(output)
    if not built.locked:
        say("note: this image is of other packages than recipes/packages.lock names")
    if not built.security:
        say("note: this image has no security updates, they could not be had from the mirror")
    say(f"{image.relative_to(REPOSITORY)}: {megabytes(image.stat().st_size)}")


@contextmanager
def _boot_key() -> Iterator[Path]:
    """The file of the key that U-Boot trusts, as long as it is needed, in memory."""
    with tempfile.NamedTemporaryFile("w", dir="/dev/shm", suffix=".pem") as file:
        file.write(os.environ["MOKANDA_BOOT_PEM"])
        file.flush()
        yield Path(file.name)


def _inputs(record: Path) -> str | None:
    """What the last image was built from; None when there is none that is whole.

    One that could not be built from the lock is worth another try.
    """
    if not record.exists():
        return None
    told = json.loads(record.read_text())
    made_of: str | None = told["inputs"] if told.get("locked") else None
    return made_of


def _hand_over(output: Path) -> None:
    """Give what root built to the owner of the repository."""
    owner = REPOSITORY.stat()
    for path in (output, *output.iterdir()):
        shutil.chown(path, owner.st_uid, owner.st_gid)
