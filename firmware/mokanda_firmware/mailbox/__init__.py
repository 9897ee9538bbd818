# SPDX-License-Identifier: Apache-2.0
"""The village's mail: one SQLite database and a folder of attachments on the data partition."""
