# SPDX-License-Identifier: Apache-2.0
"""What keepers and the device itself do to the mailbox as a whole."""
