# SPDX-License-Identifier: Apache-2.0
"""The device's log for its keeper and the relay's operator, without what is nobody's business."""
