# SPDX-License-Identifier: Apache-2.0
"""What an operator types: the commands of `mokanda-relay`, one subject a file."""
