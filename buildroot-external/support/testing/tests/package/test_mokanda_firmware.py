# SPDX-License-Identifier: Apache-2.0
from mokanda_base import MokandaPackageBase, filepath


class TestMokandaFirmware(MokandaPackageBase):
    __test__ = True
    # libjpeg, which is the default without NEON, installs no programs.
    config = (
        MokandaPackageBase.config
        + """
        BR2_INIT_SYSTEMD=y
        BR2_PACKAGE_JPEG=y
        BR2_PACKAGE_JPEG_TURBO=y
        BR2_PACKAGE_PYTHON3=y
        BR2_PACKAGE_MOKANDA_FIRMWARE=y
        """
    )
    sample_scripts = [filepath("sample_mokanda_firmware.py")]
    timeout = 120
    # What it starts besides Python.
    programs = (
        "cjpeg",
        "djpeg",
        "gpg",
        "jpegtran",
        "journalctl",
        "mount",
        "pngquant",
        "pppd",
        "rauc",
        "systemctl",
        "umount",
    )

    def run_sample_scripts(self):
        super().run_sample_scripts()
        for program in self.programs:
            self.assertRunOk(f"command -v {program}")
        load = 'import ctypes; ctypes.CDLL("libpng16.so.16")'
        self.assertRunOk(f"{self.interpreter} -c '{load}'")
