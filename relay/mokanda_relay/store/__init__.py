# SPDX-License-Identifier: Apache-2.0
"""What a relay keeps: database, files, settings."""
