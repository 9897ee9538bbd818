# SPDX-License-Identifier: Apache-2.0
"""The server that speaks to the world's mail for Mokanda devices."""
