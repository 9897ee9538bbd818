# SPDX-License-Identifier: Apache-2.0
"""What every command is made with: the tree, the toolbox, programs and their logs."""
