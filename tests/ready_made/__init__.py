# SPDX-License-Identifier: Apache-2.0
"""What takes long to make: made once in each process that tests, and copied for each test.

A copy is the test's own: nothing that a test could change is shared. How these things come to be
has tests of its own, which make them anew.
"""
