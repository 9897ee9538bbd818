# SPDX-License-Identifier: Apache-2.0
"""How many bundles a relay has in memory at once: each may become a hundred megabytes."""

from __future__ import annotations

from threading import BoundedSemaphore

BUNDLES = BoundedSemaphore(2)  # that are opened and applied, or planned and sealed
