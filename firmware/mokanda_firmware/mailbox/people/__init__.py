# SPDX-License-Identifier: Apache-2.0
"""Who lives in the village, and whom they write to."""
