# SPDX-License-Identifier: Apache-2.0
"""Days in the life of a device, as data, and what plays them."""
