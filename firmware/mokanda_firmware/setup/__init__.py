# SPDX-License-Identifier: Apache-2.0
"""What a device does before its mail: takes its claim from the card, makes its key, its hotspot."""
