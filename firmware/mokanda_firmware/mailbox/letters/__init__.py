# SPDX-License-Identifier: Apache-2.0
"""Letters in folders, on their way out, and at the relay."""
