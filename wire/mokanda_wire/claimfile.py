# SPDX-License-Identifier: Apache-2.0
"""The claim file: what a new device is told about its relay, on its SETUP partition."""

import json
import re
import tomllib
from typing import NamedTuple
from urllib.parse import urlsplit

NAME = "mokanda-claim.toml"
MAX_SIZE = 64 * 1024  # bytes; a larger file is no claim file

_CODE = re.compile(r"[A-Z0-9]{4}(-[A-Z0-9]{4}){2}")
_DEVICE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
_CERTIFICATE = re.compile(
    r"\s*-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*"
)
_HEADER = f"""\
# The claim of a Mokanda device. Copy this file, under the name {NAME},
# to the partition called SETUP of the device's card, and start the device.
# The code works once, for the first device that uses it: keep the file to yourself.
"""


class ClaimFileError(ValueError):
    """The claim file cannot be used; the message says what is wrong with it."""


class ClaimFile(NamedTuple):
    """Where the relay is, and what proves the device and the relay to each other.

    `relay` is an https URL without a path; `code` has the form XXXX-XXXX-XXXX; `device` and
    `domain` are the names that the device will have; `relay_fingerprint` is that of the
    relay's OpenPGP key; `certificate` is the relay's own TLS certificate in PEM, or "" when
    its certificate is one that the system's certificate authorities vouch for.
    """

    relay: str
    code: str
    device: str
    domain: str
    relay_fingerprint: str
    certificate: str = ""


def read(text: str) -> ClaimFile:
    """Read and check a claim file.

    Raises:
        ClaimFileError: it is damaged, or not whole.
    """
    if len(text) > MAX_SIZE:
        raise ClaimFileError("it is too long")
    try:
        table = tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:  # a number too long is no TOMLDecodeError
        raise ClaimFileError(str(error)) from error
    values: dict[str, str] = {}
    for name in ClaimFile._fields:
        value = table.get(name, "" if name == "certificate" else None)
        if not isinstance(value, str):
            raise ClaimFileError(f"there is no “{name}” in it")
        values[name] = value.strip()
    claim = ClaimFile(**values)
    checks = {
        "relay": is_address(claim.relay),
        "code": _CODE.fullmatch(claim.code),
        "device": _DEVICE.fullmatch(claim.device),
        "domain": len(claim.domain) <= 253 and _DOMAIN.fullmatch(claim.domain),
        "relay_fingerprint": _FINGERPRINT.fullmatch(claim.relay_fingerprint),
        "certificate": not claim.certificate or _CERTIFICATE.fullmatch(claim.certificate),
    }
    for name, sound_value in checks.items():
        if not sound_value:
            raise ClaimFileError(f"“{name}” is wrong")
    return claim


def is_address(relay: str) -> bool:
    """Whether this is an https URL without a path, at which a relay may be."""
    try:
        url = urlsplit(relay)
        sound = url.scheme == "https" and bool(url.hostname) and (url.port or 443) > 0
    except ValueError:
        return False
    return sound and url.path in ("", "/") and not (url.query or url.fragment or url.username)


def write(claim: ClaimFile) -> str:
    """Write a claim file, with a comment for people on top."""
    lines = [_HEADER]
    for name, value in claim._asdict().items():
        if "\n" in value:
            lines.append(f'{name} = """\n{value.strip()}\n"""')
        else:
            lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"
