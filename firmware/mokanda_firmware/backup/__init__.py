# SPDX-License-Identifier: Apache-2.0
"""Backups of all that a device has, on a memory stick; and a device made of one again."""

MIN_PASSPHRASE = 10  # characters of a passphrase
