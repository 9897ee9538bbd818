# SPDX-License-Identifier: Apache-2.0
"""Updates: fetched from the relay when asked, installed by RAUC, kept when they prove themselves.

No daemon of its own stays in memory: systemd starts `daemon` when the courier has noted an offer
of the relay or when a request comes, and `health` once after each boot.
"""
