# SPDX-License-Identifier: Apache-2.0
"""Whether an image may go out."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from scripts.releases import debian_licences, legal_info, signing_keys
from scripts.releases.image import Image, Keys, RefusedError
from scripts.tools.digest import file_sha256

# Debian writes the index of its security updates anew at least once a week; a long-term series of
# Buildroot has a release every month or two.
MAX_SECURITY_AGE = timedelta(days=30)
MAX_BUILDROOT_AGE = timedelta(days=90)


def check(
    image: Image,
    keys: Keys,
    now: datetime,
    *,
    development_keys: bool,
    without_security: bool = False,
    without_lock: bool = False,
    collected: Path | None = None,
) -> None:
    """Raise RefusedError when the image must not go out now, signed with these keys.

    `collected` is what Buildroot's legal-info left, for an image from source.
    """
    record = image.record
    if record["commit"].endswith("-dirty") and not image.development:
        raise RefusedError(
            f"version {record['version']} was built from files that no commit holds; commit "
            "them and run make image again"
        )
    if development_keys and not image.development:
        raise RefusedError(
            f"version {record['version']} needs the operator's keys: set MOKANDA_RELEASE_KEY and "
            "MOKANDA_RELEASE_CERT, and run make image again"
        )
    if not record["locked"] and not without_lock:
        raise RefusedError(
            "the mirror had no longer what recipes/packages.lock names when this image was built, "
            "so that nobody can build it again; run make lock, commit what it writes and run make "
            "image again, or run scripts/release --without-lock"
        )
    if not without_security:
        check_security(record, now)
    if record["engine"] == "buildroot":
        legal_info.check(record, collected)
    else:
        debian_licences.check(image)
        legal_info.check_boot_loader(record)
    trusted = signing_keys.trusted(keys.certificate).encode()
    if record["keyring_sha256"] != hashlib.sha256(trusted).hexdigest():
        raise RefusedError(
            "this image trusts updates of another authority than the one that would sign, or does "
            "not know what that has revoked; run make image again with the same keys"
        )
    for name in ("mokanda.img", "slot.img"):
        if file_sha256(image.folder / name) != record["files"][name]["sha256"]:
            raise RefusedError(f"{name} is not as it was built; run make image again")


def check_security(record: dict[str, Any], now: datetime) -> None:
    """Raise RefusedError when security updates may be missing from an image."""
    advice = (
        "run make lock later, commit what it writes and run make image again, or run "
        "scripts/release --without-security"
    )
    if not record["security"]:
        raise RefusedError(
            f"the packages of this image were chosen without security updates; {advice}"
        )
    for suite, written in record["suites"].items():
        date = datetime.fromisoformat(written)
        if suite.endswith("-security") and now - date > MAX_SECURITY_AGE:
            raise RefusedError(
                f"the packages of this image have the security updates of {date:%Y-%m-%d}, more "
                f"than {MAX_SECURITY_AGE.days} days ago; {advice}"
            )
        if suite.startswith("buildroot-") and now - date > MAX_BUILDROOT_AGE:
            raise RefusedError(
                f"{suite} is of {date:%Y-%m-%d}, more than {MAX_BUILDROOT_AGE.days} days ago; move "
                "to the newest release of its series (docs/buildroot.md), or run scripts/release "
                "--without-security"
            )
