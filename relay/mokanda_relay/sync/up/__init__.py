# SPDX-License-Identifier: Apache-2.0
"""Mail from a device: announced, received as its link allows, and applied as a whole."""
