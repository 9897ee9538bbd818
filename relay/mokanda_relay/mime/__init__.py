# SPDX-License-Identifier: Apache-2.0
"""The world's mail: RFC 5322 and MIME, read as well as can be; it never raises."""
