# SPDX-License-Identifier: Apache-2.0
"""The webmail: pages for every phone in Wi-Fi range, without JavaScript."""
