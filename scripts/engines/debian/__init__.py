# SPDX-License-Identifier: Apache-2.0
"""The Debian engine: binary packages of the lock by extraction, nothing of the target is run."""
