# SPDX-License-Identifier: Apache-2.0
"""The relay's listeners: the devices' API, the operator's pages and SendGrid's webhooks."""
