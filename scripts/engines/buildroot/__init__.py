# SPDX-License-Identifier: Apache-2.0
"""The Buildroot engine: kernel and root file system from source."""
