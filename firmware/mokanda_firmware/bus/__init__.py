# SPDX-License-Identifier: Apache-2.0
"""What the daemons of a device say to each other, to systemd and to people."""
