# SPDX-License-Identifier: Apache-2.0
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


class Tree:
    """A small repository with scripts/version in it, and our line ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "scripts").mkdir()
        for name in (".gitattributes", "scripts/version"):
            shutil.copy(REPOSITORY / name, path / name)
        self.git("init", "--quiet")
        self.git("add", ".")
        self.commit()

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=self.path, check=True)

    def commit(self) -> None:
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change")

    def version(self, folder: str = ".", **environment: str) -> str:
        done = subprocess.run(
            [self.path / folder / "scripts" / "version"],
            env={**os.environ, **environment},
            text=True,
            capture_output=True,
            check=True,
        )
        return done.stdout.removesuffix("\n")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.delenv("MOKANDA_VERSION", raising=False)
    return Tree(tmp_path)


def test_before_the_first_tag_it_is_a_development_version(tree: Tree) -> None:
    assert re.fullmatch(r"0\.1\.0-dev\+[0-9a-f]{12}", tree.version())


def test_a_tagged_commit_is_that_version(tree: Tree) -> None:
    tree.git("tag", "v1.2.9")
    assert tree.version() == "1.2.9"


def test_after_a_tag_comes_the_next_version_in_development(tree: Tree) -> None:
    tree.git("tag", "v1.2.9")
    tree.commit()
    assert tree.version().startswith("1.2.10-dev+")


def test_a_change_without_a_commit_shows(tree: Tree) -> None:
    tree.git("tag", "v1.2.9")
    with (tree.path / "scripts" / "version").open("a") as file:
        file.write("# changed\n")
    assert re.fullmatch(r"1\.2\.10-dev\+[0-9a-f]{12}\.dirty", tree.version())


def test_a_checkout_that_would_have_the_line_ends_of_windows_has_ours(tree: Tree) -> None:
    tree.git("tag", "v1.2.9")
    tree.git("clone", "--quiet", "--config", "core.autocrlf=true", ".", "clone")
    assert tree.version("clone") == "1.2.9"


def test_the_environment_overrules_it(tree: Tree) -> None:
    assert tree.version(MOKANDA_VERSION="7.0.0") == "7.0.0"
