# SPDX-License-Identifier: Apache-2.0
from mokanda_base import MokandaPackageBase, filepath


class TestPythonPy3Pyppmd(MokandaPackageBase):
    __test__ = True
    config = (
        MokandaPackageBase.config
        + """
        BR2_PACKAGE_PYTHON3=y
        BR2_PACKAGE_PYTHON_PYPPMD=y
        """
    )
    sample_scripts = [filepath("sample_python_pyppmd.py")]
    timeout = 30
