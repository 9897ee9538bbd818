# SPDX-License-Identifier: Apache-2.0
"""The pages, by subject; importing a module puts its pages into `visit.PAGES`."""
