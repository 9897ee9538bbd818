# SPDX-License-Identifier: Apache-2.0
"""What a device does before its mail: takes its claim from the card, opens its Wi-Fi."""
