# SPDX-License-Identifier: Apache-2.0
"""Releases: what goes out of an image that was built, checked and signed."""
