# SPDX-License-Identifier: Apache-2.0
"""What the pages say, in the reader's language."""
