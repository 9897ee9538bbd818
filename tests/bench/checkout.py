# SPDX-License-Identifier: Apache-2.0
"""Another checkout of this commit, and the images that it builds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.releases import signing_keys
from scripts.releases.image import Image, read_image
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import StepError


@dataclass(frozen=True)
class Checkout:
    """A checkout in `folder`; toolbox, venv and keys are this one's.

    Changes that no commit holds are not in it.
    """

    folder: Path
    umask: int = 0o022
    environment: Mapping[str, str] = field(default_factory=dict)

    def make(self, *, backwards: bool = False) -> None:
        """Check the commit out anew, the last file first if `backwards`; raises StepError."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.run("git", "clone", "--quiet", "--no-checkout", REPOSITORY, self.folder)
        inside = ("git", "-C", self.folder)
        self.run(*inside, "reset", "--quiet", commit())
        listed = subprocess.run(
            [*inside, "ls-files", "-z"], check=True, capture_output=True, text=True
        )
        names = sorted(listed.stdout.rstrip("\0").split("\0"), reverse=backwards)
        self.run(*inside, "checkout-index", "--stdin", "-zfu", text="\0".join(names))
        (self.folder / "build").mkdir()
        for name in ("toolbox", "venv"):
            (self.folder / "build" / name).symlink_to((REPOSITORY / "build" / name).resolve())

    def renew(self) -> None:
        """Check the commit out, and keep what was built before; raises StepError."""
        if not (self.folder / "build/venv").exists():
            self.make()
        inside = ("git", "-C", self.folder)
        self.run(
            *inside, "fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*", "HEAD"
        )
        self.run(*inside, "reset", "--quiet", "--hard", commit())

    def edit_module(self) -> str:
        """Change a module of ours, as who mends a flaw does; returns its name."""
        name = "courier/session.py"
        module = self.folder / "firmware/mokanda_firmware" / name
        text = module.read_text()
        module.write_text(text.replace("\n\n\n", "\n\n_MENDED = True\n\n\n", 1))
        return name

    def image(
        self, board: str, engine: str, built: Path | None = None, **environment: str
    ) -> Image:
        """Build its image; raises StepError."""
        options = ("--built", built.resolve()) if built else ()
        image = self.folder / "scripts/image"
        self.run(image, "--board", board, "--engine", engine, *options, **environment)
        return read_image(self.folder / "build/image" / board)

    def run(self, *command: str | Path, text: str = "", **environment: str) -> None:
        """Run a command; what it says goes to standard error. Raises StepError."""
        key, certificate = signing_keys.find()
        keys = {
            "MOKANDA_RELEASE_KEY": str(key),
            "MOKANDA_RELEASE_CERT": str(certificate),
            "MOKANDA_BOOT_KEY": str(signing_keys.find_boot()),
        }
        done = subprocess.run(
            command,
            env={**os.environ, **keys, **self.environment, **environment},
            umask=self.umask,
            input=text,
            text=True,
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode:
            raise StepError(f"{Path(command[0]).name} failed ({done.returncode})")


# Where further releases of the image are built.
LATER: Final = Checkout(REPOSITORY / "build/later")


def commit() -> str:
    """The commit that is checked out here."""
    head: list[str | Path] = ["git", "-C", REPOSITORY, "rev-parse", "HEAD"]
    told = subprocess.run(head, check=True, capture_output=True, text=True)
    return told.stdout.strip()
