# SPDX-License-Identifier: Apache-2.0
"""Mail to a device: what waits is planned, encoded and frozen into numbered bundles."""
