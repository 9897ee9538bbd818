# SPDX-License-Identifier: Apache-2.0
"""What becomes of the world's mail before it goes to a device."""
