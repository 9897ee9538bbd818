# SPDX-License-Identifier: Apache-2.0
"""USB modems: seen by udev, spoken to in AT commands, dialled with pppd."""
