# SPDX-License-Identifier: Apache-2.0
"""Deltas: an update as what has changed since an earlier release."""
