# SPDX-License-Identifier: Apache-2.0
from mokanda_base import MokandaPackageBase, filepath


class TestPythonPy3DefnullMultipart(MokandaPackageBase):
    __test__ = True
    config = (
        MokandaPackageBase.config
        + """
        BR2_PACKAGE_PYTHON3=y
        BR2_PACKAGE_PYTHON_DEFNULL_MULTIPART=y
        """
    )
    sample_scripts = [filepath("sample_python_defnull_multipart.py")]
    timeout = 30
