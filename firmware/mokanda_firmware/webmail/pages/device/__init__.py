# SPDX-License-Identifier: Apache-2.0
"""Pages of the device, for its keeper."""
