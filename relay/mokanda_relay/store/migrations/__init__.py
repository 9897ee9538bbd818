# SPDX-License-Identifier: Apache-2.0
"""The schema's history: one file a version, applied in order when the database is opened."""
