# SPDX-License-Identifier: Apache-2.0
"""Lamps that tell from afar how the device is."""
