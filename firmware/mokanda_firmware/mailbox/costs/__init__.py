# SPDX-License-Identifier: Apache-2.0
"""What mail costs, and how much of it there may be."""
