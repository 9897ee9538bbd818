# SPDX-License-Identifier: Apache-2.0
"""Huawei's sticks that are routers ("HiLink"), asked by the HTTP API behind their own page."""
