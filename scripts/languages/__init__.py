# SPDX-License-Identifier: Apache-2.0
"""The webmail's languages."""
