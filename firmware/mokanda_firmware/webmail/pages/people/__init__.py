# SPDX-License-Identifier: Apache-2.0
"""Pages of people: contacts, noticeboard, villagers."""
