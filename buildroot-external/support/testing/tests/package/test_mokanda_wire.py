# SPDX-License-Identifier: Apache-2.0
from mokanda_base import MokandaPackageBase, filepath


class TestMokandaWire(MokandaPackageBase):
    __test__ = True
    config = (
        MokandaPackageBase.config
        + """
        BR2_PACKAGE_PYTHON3=y
        BR2_PACKAGE_MOKANDA_WIRE=y
        """
    )
    sample_scripts = [filepath("sample_mokanda_wire.py")]
    timeout = 120  # two keys are made
