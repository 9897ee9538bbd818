# SPDX-License-Identifier: Apache-2.0
"""A release's bill of materials, as CycloneDX 1.6 has it in JSON."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

DEBIAN = "debian-13"


def bill_of_materials(record: Mapping[str, Any]) -> dict[str, Any]:
    """List what is in the image that `record` (its record.json) tells of."""
    board, version = record["board"], record["version"]
    system = f"mokanda@{version}"
    identifier = uuid.uuid5(uuid.NAMESPACE_URL, f"mokanda:{board}:{version}:{record['commit']}")
    packages = sorted(record["packages"], key=lambda package: str(package["name"]))
    components = [_component(record["engine"], package) for package in packages]
    made = datetime.fromtimestamp(record["source_date_epoch"], UTC)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": identifier.urn,
        "version": 1,
        "metadata": {
            "timestamp": made.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "component": {
                "type": "firmware",
                "bom-ref": system,
                "name": "mokanda",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "properties": [
                    {"name": "mokanda:board", "value": board},
                    {"name": "mokanda:commit", "value": record["commit"]},
                    {"name": "mokanda:engine", "value": record["engine"]},
                ],
            },
        },
        "components": components,
        "dependencies": [{"ref": system, "dependsOn": [each["bom-ref"] for each in components]}],
    }


def package_url(engine: str, name: str, version: str) -> str:
    """Name a package as vulnerability scanners do (purl)."""
    named = f"{quote(name, safe='.-_~')}@{quote(version, safe='.-_~:')}"
    if engine == "debian":
        return f"pkg:deb/debian/{named}?distro={DEBIAN}"
    return f"pkg:generic/{named}"


def _component(engine: str, package: Mapping[str, str]) -> dict[str, Any]:
    url = package_url(engine, package["name"], package["version"])
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": url,
        "name": package["name"],
        "version": package["version"],
        "purl": url,
    }
    if package.get("sha256"):
        component["hashes"] = [{"alg": "SHA-256", "content": package["sha256"]}]
    return component
