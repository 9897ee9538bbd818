# SPDX-License-Identifier: Apache-2.0
"""What the modem's daemon is asked by pages and other daemons."""
