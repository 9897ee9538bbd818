# SPDX-License-Identifier: Apache-2.0
"""Modems with serial ports: asked by AT commands, and carrying calls of pppd."""
