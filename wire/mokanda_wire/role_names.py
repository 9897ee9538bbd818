# SPDX-License-Identifier: Apache-2.0
"""Names that speak for a whole domain: no villager has one, and their mail goes to the keeper."""

ROLE_NAMES = frozenset(
    (
        # RFC 2142: the business, the network, the services of a domain
        *("info", "marketing", "sales", "support", "abuse", "noc", "security", "postmaster"),
        *("hostmaster", "usenet", "news", "webmaster", "www", "uucp", "ftp"),
        # who answers to them may be given a certificate for the domain, or has been
        *("admin", "administrator", "root", "ssladmin", "ssladministrator", "sslwebmaster"),
        *("ssl-admin", "sysadmin", "is", "it", "mis"),
        # what programs write as
        *("mailer-daemon", "daemon", "noreply", "no-reply", "dmarc"),
        # the keeper, in each language of the pages, and the device
        *("keeper", "gardien", "gardienne", "nkengi", "mobateli", "mulami", "responsavel"),
        *("mtunzaji", "mokanda"),
    )
)
