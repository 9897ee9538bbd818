# SPDX-License-Identifier: Apache-2.0
"""SendGrid: mail out by its v3 API, in by Inbound Parse, and what became of it by its events."""
