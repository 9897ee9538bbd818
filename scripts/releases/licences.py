# SPDX-License-Identifier: Apache-2.0
"""Licences as a bill of materials has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.spdx import is_supported_id
from license_expression import ExpressionError, get_spdx_licensing

_SPDX = get_spdx_licensing()


def licences(stated: Sequence[str]) -> Iterable[DisjunctiveLicense | LicenseExpression]:
    """Licences that all hold: one SPDX expression, or a list where SPDX does not know some.

    CycloneDX takes no expression beside other licences.
    """
    together = _expression(" AND ".join(f"({licence})" for licence in stated))
    if together and not is_supported_id(together):
        return [LicenseExpression(together)]
    return [_licence(licence) for licence in stated]


def _licence(stated: str) -> DisjunctiveLicense:
    name = _expression(stated) or stated
    return DisjunctiveLicense(id=name) if is_supported_id(name) else DisjunctiveLicense(name=name)


def _expression(text: str) -> str | None:
    """An SPDX expression as SPDX writes it today ("GPL-2.0+" is old); None if it is none."""
    try:
        return str(_SPDX.parse(text, validate=True, strict=True)) if text else None
    except ExpressionError:
        return None
