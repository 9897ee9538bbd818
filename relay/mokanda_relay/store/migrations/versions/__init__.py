# SPDX-License-Identifier: Apache-2.0
"""The versions; a released one is never changed."""
