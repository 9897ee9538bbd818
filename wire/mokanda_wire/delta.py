# SPDX-License-Identifier: Apache-2.0
"""How a delta begins: which system it needs, and which update it rebuilds.

The maker of a release writes it, the relay reads it to know whom to offer the delta to, the device
before it applies one. What follows is between maker and device (mokanda_firmware.updates.rebuild).
"""

import re
import struct
from typing import BinaryIO, NamedTuple, Self

MAGIC = b"MKDELTA1"
SUFFIX = ".delta"

# Magic, base, level and version of zstd, size and SHA-256 of the update, length of the version.
_FIXED = struct.Struct("<8s32sBIQ32sB")
_VERSION = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.+~_-]{0,99}")
_SIZES = range(1, 1 << 32)
_LEVELS = range(1, 23)


class DeltaError(ValueError):
    """A delta is damaged, hostile, or not for what lies here."""


class Header(NamedTuple):
    """The first bytes of a delta.

    Attributes:
        base: SHA-256 of the system that it is made from (mokanda_firmware.updates.slot).
        base_version: what that system calls itself.
        level, zstd: by which zstd has compressed the blocks of the new system, and which version
            of the library, as its ZSTD_versionNumber() says; another makes other bytes.
        size, sha256: of the update that it rebuilds, in bytes.
    """

    base: bytes
    base_version: str
    level: int
    zstd: int
    size: int
    sha256: bytes

    def dump(self) -> bytes:
        """Write it as the beginning of a delta."""
        version = self.base_version.encode()
        fields = (self.base, self.level, self.zstd, self.size, self.sha256, len(version))
        return _FIXED.pack(MAGIC, *fields) + version

    @classmethod
    def read(cls, file: BinaryIO) -> Self:
        """Read it from where `file` is, and leave that at its end.

        Raises:
            DeltaError: this is no delta, or one of another form.
        """
        fixed = file.read(_FIXED.size)
        if len(fixed) < _FIXED.size or not fixed.startswith(MAGIC):
            raise DeltaError("This is no delta.")
        _magic, base, level, zstd, size, sha256, length = _FIXED.unpack(fixed)
        version = file.read(length)
        is_whole = len(version) == length and _VERSION.fullmatch(version)
        if not is_whole or size not in _SIZES or level not in _LEVELS:
            raise DeltaError("The delta's header is damaged.")
        return cls(base, version.decode(), level, zstd, size, sha256)
