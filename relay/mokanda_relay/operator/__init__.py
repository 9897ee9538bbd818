# SPDX-License-Identifier: Apache-2.0
"""What an operator does with a relay and sees of it."""
