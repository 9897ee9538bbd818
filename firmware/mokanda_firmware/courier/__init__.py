# SPDX-License-Identifier: Apache-2.0
"""The courier: trades one sealed bundle each way with the relay, at night or when asked."""
