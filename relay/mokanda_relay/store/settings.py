# SPDX-License-Identifier: Apache-2.0
"""What an operator can choose: by the environment, and a few by options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_DATA = Path("/var/lib/mokanda-relay")
DEFAULT_SENDGRID_HOST = "https://api.sendgrid.com"

ENVIRONMENT = """\
environment:
  MOKANDA_RELAY_DATA         the data folder, where --data is not given
  MOKANDA_RELAY_URL          public https address of the device API; goes into claim files
  MOKANDA_RELAY_DOMAIN       parent of the villages' mail domains: village.<this>
  MOKANDA_RELAY_DATABASE     SQLAlchemy URL; default: SQLite in the data folder
  MOKANDA_INBOUND_SECRET     end of the inbound webhook's path; default: made at first start
  MOKANDA_OPERATOR_PASSWORD  asked for by the operator page and the metrics; default: made at
                             first start, in the data folder's file operator-password
  SENDGRID_API_KEY           without it, mail to the world waits
  SENDGRID_HOST              default: https://api.sendgrid.com
  SENDGRID_EVENT_KEY         public key of the signed event webhook, as SendGrid shows it;
                             without it, what becomes of mail is not told
"""


class SettingsError(Exception):
    """A setting is missing or makes no sense; the text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The relay's configuration.

    Attributes:
        data: folder with everything that the relay keeps.
        url: public https address of the device API, or "" while unknown.
        domain: parent of the villages' mail domains, or "".
        database: SQLAlchemy URL.
        inbound_secret: last part of the inbound webhook's path, or "" for one of the relay's own.
        operator_password: asked for by the operator page, or "" for one of the relay's own.
        sendgrid_key: API key, or "" when mail to the world has to wait.
        sendgrid_host: base URL of SendGrid's API.
        sendgrid_event_key: public key of the signed event webhook (base64 DER), or "".
    """

    data: Path
    url: str
    domain: str
    database: str
    inbound_secret: str
    operator_password: str
    sendgrid_key: str
    sendgrid_host: str
    sendgrid_event_key: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server listens; port 0 takes a free one."""

    host: str
    port: int


def parse_listen(text: str) -> Listen:
    """Read `HOST:PORT`, or `[IPV6]:PORT`.

    Raises:
        SettingsError: it is not that.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"{text!r} is no address to listen on; write HOST:PORT")
    return Listen(host, int(port))


def read_settings(environment: Mapping[str, str], data: Path | None = None) -> Settings:
    """Read the settings from `environment`; `data`, when given, wins.

    Raises:
        SettingsError: a value makes no sense.
    """
    folder = (data or Path(environment.get("MOKANDA_RELAY_DATA") or DEFAULT_DATA)).absolute()
    url = environment.get("MOKANDA_RELAY_URL", "").rstrip("/")
    if url and (urlsplit(url).scheme != "https" or not urlsplit(url).hostname):
        raise SettingsError(
            f"MOKANDA_RELAY_URL is {url!r}; it has to be an https address that devices can reach,"
            " for example https://relay.example.org:8443"
        )
    host = environment.get("SENDGRID_HOST", "").rstrip("/") or DEFAULT_SENDGRID_HOST
    if urlsplit(host).scheme not in {"http", "https"}:
        raise SettingsError(f"SENDGRID_HOST is {host!r}; it has to start with https:// or http://")
    return Settings(
        data=folder,
        url=url,
        domain=environment.get("MOKANDA_RELAY_DOMAIN", "").strip(".").lower(),
        database=environment.get("MOKANDA_RELAY_DATABASE") or f"sqlite:///{folder}/relay.db",
        inbound_secret=environment.get("MOKANDA_INBOUND_SECRET", ""),
        operator_password=environment.get("MOKANDA_OPERATOR_PASSWORD", ""),
        sendgrid_key=environment.get("SENDGRID_API_KEY", ""),
        sendgrid_host=host,
        sendgrid_event_key=environment.get("SENDGRID_EVENT_KEY", ""),
    )
