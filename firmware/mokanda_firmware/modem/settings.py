# SPDX-License-Identifier: Apache-2.0
"""What the keeper has set for the modem, and which access point has worked for which SIM card."""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Final, Self

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_wire import durable

MAX_APN: Final = 100  # characters, as in 3GPP TS 23.003, 9.1
MAX_LOGIN: Final = 64  # of a user name and of a password
MAX_CODE: Final = 30  # of a code for the balance
_MAX_BYTES = 10_000
# What goes into an AT command and into pppd's options: nothing that could end a word there.
_APN: Final = re.compile(rf"[A-Za-z0-9.-]{{0,{MAX_APN}}}")
_LOGIN: Final = re.compile(rf"[ -~]{{0,{MAX_LOGIN}}}")
_CODE: Final = re.compile(rf"[0-9*#]{{0,{MAX_CODE}}}")


class SettingsError(SentenceError):
    """Settings cannot be used; `field` is the one at which that lies."""

    def __init__(self, field: str, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Settings:
    """An access point of the keeper's own ("": none), and whether roaming is allowed.

    `balance_code` asks for the balance ("": the network's own does), once a day if `balance_daily`.
    `worked` is the access point with which a call of the card `imsi` last came about.
    """

    apn: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    roaming: bool = False
    balance_code: str = ""
    balance_daily: bool = False
    imsi: str = ""
    worked: str = ""

    def changed(self, apn: str, username: str, password: str, *, roaming: bool) -> Self:
        """Return what the keeper wants instead.

        An empty password leaves the one that is kept as it is, as long as there is a user name.
        """
        password = (password or self.password) if username else ""
        return replace(self, apn=apn, username=username, password=password, roaming=roaming)

    def check(self) -> None:
        """See whether modem and pppd can take these settings.

        Raises:
            SettingsError: they cannot.
        """
        if not _APN.fullmatch(self.apn):
            raise SettingsError(
                "apn",
                Sentence(
                    "An access point has letters without accents, digits, dots and dashes,"
                    " {most} at most.",
                    most=MAX_APN,
                ),
            )
        for name, value in (("username", self.username), ("password", self.password)):
            if not _LOGIN.fullmatch(value):
                raise SettingsError(
                    name, Sentence("At most {most} characters, without accents.", most=MAX_LOGIN)
                )
        if not _CODE.fullmatch(self.balance_code):
            raise SettingsError(
                "balance_code",
                Sentence("A code has digits, * and # only, {most} at most.", most=MAX_CODE),
            )
        if self.username and not self.apn:
            raise SettingsError(
                "apn", Sentence("Please tell the access point that the user name is for.")
            )

    @classmethod
    def read(cls) -> Self:
        """Return what was kept; where that cannot be read or used, nothing was set."""
        settings = records.read(cls, paths.modem(), _MAX_BYTES) or cls()
        try:
            settings.check()
        except SettingsError:
            return cls()
        return settings

    def keep(self) -> None:
        """Replace what was kept. Raises OSError."""
        durable.write(paths.modem(), json.dumps(records.dump(self)).encode())
