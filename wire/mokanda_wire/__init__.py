# SPDX-License-Identifier: Apache-2.0
"""What a Mokanda device and its relay agree on."""
