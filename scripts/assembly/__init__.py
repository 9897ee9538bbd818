# SPDX-License-Identifier: Apache-2.0
"""Assembly: from a root file system and a kernel to slot and card, for every engine."""
