# SPDX-License-Identifier: Apache-2.0
"""Pages of one's own account."""
