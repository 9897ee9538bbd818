# SPDX-License-Identifier: Apache-2.0
"""Fuzzing of every parser that reads what came over the wire, or from the world."""
