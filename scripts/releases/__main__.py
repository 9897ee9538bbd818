# SPDX-License-Identifier: Apache-2.0
"""`scripts/release`: make a release of a board's image."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from scripts.releases import signing_keys
from scripts.releases.check import check
from scripts.releases.image import Keys, RefusedError, read_image
from scripts.releases.release import DELTAS, build, earlier_updates, publish
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, StepError, megabytes, say

DESCRIPTION = """Make a release of the image that `make image` built.

Writes to build/release/<version>/, each name beginning with mokanda-<board>-<version>:

    .img.zst, .img.bmap  the card's image and its block map (bmaptool flashes with both)
    .raucb               the signed update
    -from-<version>.delta    what of it a device needs that runs an earlier one
    .os_list.json        the card's image for Raspberry Pi Imager, as a repository of its own
    .cdx.json            the bill of materials (CycloneDX)
    .licences.tar.zst    the licences' texts; of what Buildroot compiled also where sources are
    .cves.json, .cves.md known vulnerabilities, or why they were not checked
    .notes.md            what CHANGELOG.md says of this version
    .json, .json.p7s     the manifest and its signature

and SHA256SUMS over all of them. A run that was cut goes on where it was. MOKANDA_RELEASE_KEY and
MOKANDA_RELEASE_CERT name the operator's own keys (see scripts/keys --help); otherwise development
keys sign, which is possible for development versions only."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/release",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--board", default="orangepi-zero", help="default: %(default)s")
    parser.add_argument("--version", help="refuse when the image's version is another")
    parser.add_argument(
        "--without-security",
        action="store_true",
        help="release an image that has no security updates, or old ones, all the same",
    )
    parser.add_argument(
        "--without-lock",
        action="store_true",
        help="release an image of other packages than recipes/packages.lock names all the same",
    )
    parser.add_argument(
        "--legal-info",
        type=Path,
        metavar="DIRECTORY",
        help="what `scripts/buildroot legal-info` collected, where it is not in build/buildroot",
    )
    parser.add_argument(
        "--from",
        dest="earlier",
        type=Path,
        action="append",
        metavar="FILE",
        help="an earlier update (.raucb) to make a delta from; by default the last "
        f"{DELTAS} of this board in build/release",
    )
    parser.add_argument(
        "--key",
        metavar="FILE|pkcs11:URI",
        help="the signing key, in place of MOKANDA_RELEASE_KEY; in a token it is used by RAUC and "
        "OpenSSL through RAUC_PKCS11_MODULE and RAUC_PKCS11_PIN",
    )
    parser.add_argument(
        "--url",
        default="",
        metavar="FOLDER",
        help="where this release's files are going to be found, for Raspberry Pi Imager",
    )
    parser.add_argument(
        "--publish", type=Path, metavar="RELAY_DATA", help="give the update to this relay"
    )
    return parser.parse_args()


def main() -> int:
    """Make a release; returns the exit code."""
    arguments = _arguments()
    try:
        image = read_image(REPOSITORY / "build/image" / arguments.board)
        version = image.record["version"]
        if arguments.version not in (None, version):
            raise RefusedError(
                f"the image in {image.folder} is version {version}; make the other one with: "
                f"make image VERSION={arguments.version}"
            )
        keys = Keys(*signing_keys.find(arguments.key))
        collected = None
        if image.record["engine"] == "buildroot":
            collected = arguments.legal_info or (
                REPOSITORY / "build/buildroot" / arguments.board / "legal-info"
            )
        development_keys = keys.certificate.parent == signing_keys.DEVELOPMENT
        check(
            image,
            keys,
            datetime.now(UTC),
            development_keys=development_keys,
            without_security=arguments.without_security,
            without_lock=arguments.without_lock,
            collected=collected,
        )
        output = REPOSITORY / "build/release" / version
        earlier = arguments.earlier or earlier_updates(image, output.parent)
        files = build(
            image,
            keys,
            output,
            collected,
            earlier,
            all_fit=bool(arguments.earlier),
            address=arguments.url,
        )
        if arguments.publish:
            publish(image, output, arguments.publish, Log(output.parent / "publish.log"))
    except (RefusedError, StepError, signing_keys.KeysError, OSError) as error:
        print(f"scripts/release: {error}", file=sys.stderr)
        return 1
    say(f"version {version} for {arguments.board} is in {output.relative_to(REPOSITORY)}:")
    for path in files:
        print(f"{megabytes(path.stat().st_size):>10}  {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
