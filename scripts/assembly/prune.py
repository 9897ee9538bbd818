# SPDX-License-Identifier: Apache-2.0
"""What is left out of every root file system, whichever engine made it."""

from __future__ import annotations

import shutil
from pathlib import Path

# Never read on the device. Copyright files stay in the bill of materials of a release.
PRUNED = (
    "boot",
    "etc/apt",
    "etc/bash_completion.d",
    "etc/cron*",
    "etc/dpkg",
    "etc/init.d",
    "etc/initramfs-tools",
    "etc/kernel",
    "etc/logrotate.d",
    "etc/rc*.d",
    "usr/bin/tjbench",
    "usr/include",
    "usr/lib/*/gconv",
    "usr/lib/*/perl-base",
    "usr/lib/*/sasl2",
    "usr/lib/*/security/pam_userdb.so",
    "usr/lib/arm-trusted-firmware",
    "usr/lib/debug",
    "usr/lib/kernel",
    "usr/lib/linux-image-*",
    "usr/lib/python3*/ensurepip",
    "usr/lib/python3*/idlelib",
    "usr/lib/python3*/lib-dynload/_dbm.*",
    "usr/lib/python3*/lib2to3",
    "usr/lib/python3*/pydoc_data",
    "usr/lib/python3*/test",
    "usr/lib/python3*/tkinter",
    "usr/lib/python3*/turtledemo",
    "usr/lib/python3*/unittest",
    "usr/lib/systemd/catalog",
    "usr/lib/udev/hwdb.d",
    "usr/sbin/arpd",
    "usr/share/apport",
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/debconf",
    "usr/share/debianutils",
    "usr/share/doc",
    "usr/share/doc-base",
    "usr/share/fish",
    "usr/share/gcc",
    "usr/share/gdb",
    "usr/share/info",
    "usr/share/initramfs-tools",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/menu",
    "usr/share/perl*",
    "usr/share/pixmaps",
    "usr/share/python3",
    "usr/share/zsh",
    "var/*",
)


def prune(root: Path) -> None:
    """Remove what is never read on the device."""
    for pattern in PRUNED:
        for path in root.glob(pattern):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    else:
        shutil.rmtree(path)
