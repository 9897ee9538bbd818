# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from tests.package.test_python import TestPythonPackageBase

HERE = Path(__file__).resolve().parent


def filepath(name):
    """Where a file beside this one is; infra.filepath knows Buildroot's."""
    return str(HERE / name)


class MokandaPackageBase(TestPythonPackageBase):
    """A TestPythonPackageBase for the packages of this tree."""

    __test__ = False
    br2_external = [str(HERE.parents[3])]
