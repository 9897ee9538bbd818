# SPDX-License-Identifier: Apache-2.0
"""The tests of our packages for Buildroot, in its own way, and their samples on this computer."""

import subprocess
import sys
from pathlib import Path

import pytest

EXTERNAL = Path(__file__).resolve().parents[2] / "buildroot-external"
TESTS = EXTERNAL / "support/testing/tests/package"
PACKAGES = sorted(path.name for path in (EXTERNAL / "package").iterdir())


@pytest.mark.parametrize("kind", ["test", "sample"])
def test_every_package_has_one_and_none_lacks_a_package(kind: str) -> None:
    found = sorted(path.stem.removeprefix(f"{kind}_") for path in TESTS.glob(f"{kind}_*.py"))
    assert found == [package.replace("-", "_") for package in PACKAGES]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_test_builds_its_package_and_runs_its_sample(package: str) -> None:
    name = package.replace("-", "_")
    text = (TESTS / f"test_{name}.py").read_text()
    assert f"BR2_PACKAGE_{name.upper()}=y\n" in text
    assert f'filepath("sample_{name}.py")' in text


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("package", PACKAGES)
def test_a_sample_passes_and_says_nothing(package: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, TESTS / f"sample_{package.replace('-', '_')}.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
