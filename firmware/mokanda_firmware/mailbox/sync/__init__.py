# SPDX-License-Identifier: Apache-2.0
"""What the courier needs of the store: each call is one transaction, whole or not at all.

Bundles are numbered from 1 in each direction. A bundle that goes up is frozen with its number: the
same bytes are offered until the relay confirms them. One that comes down is applied together with
its number, so that a repetition changes nothing.
"""
