# SPDX-License-Identifier: Apache-2.0
"""What a device and its relay have for each other, from hello to receipt."""
