# SPDX-License-Identifier: Apache-2.0
"""A village on this computer: on the emulated board (`run`), or without one (`run_host`)."""
