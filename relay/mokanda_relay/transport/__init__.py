# SPDX-License-Identifier: Apache-2.0
"""Mail between the relay and the world."""
