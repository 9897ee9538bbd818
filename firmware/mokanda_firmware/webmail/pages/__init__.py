# SPDX-License-Identifier: Apache-2.0
"""The pages, grouped as the menu groups them; importing a module puts its pages into `PAGES`."""

from mokanda_firmware.webmail.pages import menu  # noqa: F401
from mokanda_firmware.webmail.pages.account import (  # noqa: F401
    access,
    credit,
    habits,
    portal,
    recovery,
    settings,
    unwanted,
)
from mokanda_firmware.webmail.pages.device import (  # noqa: F401
    backup,
    first_steps,
    logs,
    modem_balance,
    modem_card,
    modem_orders,
    modem_settings,
    modem_shop,
    overview,
    schedule,
    spending,
    village_settings,
    village_unwanted,
    wipe,
)
from mokanda_firmware.webmail.pages.letters import (  # noqa: F401
    files,
    folders,
    letter,
    search,
    strangers,
    write,
)
from mokanda_firmware.webmail.pages.people import (  # noqa: F401
    contacts,
    noticeboard,
    sold_credit,
    villagers,
)
