# SPDX-License-Identifier: Apache-2.0
"""The way to the relay, which courier and updates share."""
