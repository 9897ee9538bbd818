# SPDX-License-Identifier: Apache-2.0
"""The mail database, the files beside it, and the rows that all else is made of."""
