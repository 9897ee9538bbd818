# SPDX-License-Identifier: Apache-2.0
"""A release's bill of materials, as CycloneDX 1.6 has it in JSON."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from scripts.releases.licences import licences

DEBIAN = "debian-13"
_LICENCE = "Apache-2.0"  # of our own code
_OWN = ("mokanda-firmware", "mokanda-wire")


def bill_of_materials(
    record: Mapping[str, Any], stated: Mapping[str, Sequence[str]] | None = None
) -> str:
    """List what is in the image that `record` (its record.json) tells of.

    Licences of Debian's packages are those `stated` in their copyright files.
    """
    board, version, commit = record["board"], record["version"], record["commit"]
    system = Component(
        type=ComponentType.FIRMWARE,
        bom_ref=f"mokanda@{version}",
        name="mokanda",
        version=version,
        licenses=[DisjunctiveLicense(id=_LICENCE)],
        properties=[
            Property(name="mokanda:board", value=board),
            Property(name="mokanda:commit", value=commit),
            Property(name="mokanda:engine", value=record["engine"]),
        ],
    )
    # U-Boot is compiled from its own source, whichever engine made the rest.
    components = [_component("source", record["boot_loader"])]
    if record["engine"] == "debian":
        # Buildroot has them among its packages.
        components += [_component("source", _own(name, record)) for name in _OWN]
    components += [
        _component(
            record["engine"],
            {**package, "licences": package["licences"] or (stated or {}).get(package["name"], ())},
        )
        for package in record["packages"]
    ]
    # Number and time are the image's own: the same image has the same bill each time.
    bill = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"mokanda:{board}:{version}:{commit}"),
        metadata=BomMetaData(
            timestamp=datetime.fromtimestamp(record["source_date_epoch"], UTC), component=system
        ),
        components=components,
    )
    bill.register_dependency(system, components)
    return JsonV1Dot6(bill).output_as_string(indent=2) + "\n"


def package_url(origin: str, name: str, version: str) -> PackageURL:
    """Name a package as vulnerability scanners do (purl)."""
    if origin == "debian":
        return PackageURL("deb", "debian", name, version, {"distro": DEBIAN})
    return PackageURL("generic", None, name, version)


def _own(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "version": record["version"],
        "sha256": "",
        "licences": (_LICENCE,),
        "cpe": "",
    }


def _component(origin: str, package: Mapping[str, Any]) -> Component:
    url = package_url(origin, package["name"], package["version"])
    sha256 = package["sha256"]
    return Component(
        bom_ref=url.to_string(),
        name=package["name"],
        version=package["version"],
        purl=url,
        cpe=package["cpe"] or None,
        licenses=licences(package["licences"]),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else [],
    )
