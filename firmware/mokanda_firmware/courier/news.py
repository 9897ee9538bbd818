# SPDX-License-Identifier: Apache-2.0
"""What the relay is told beside mail: who lives here, what they do not want, how the device is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mokanda_firmware import paths, running
from mokanda_firmware.bus.statuses import ModemStatus, UpdatesStatus
from mokanda_firmware.mailbox.costs import budget, usage
from mokanda_firmware.mailbox.people import aliases, sessions, unwanted
from mokanda_firmware.mailbox.store import damage
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.mending import Mending
from mokanda_firmware.mailbox.store.settings import (
    read_setting,
    set_setting,
    setting,
    write_setting,
)
from mokanda_firmware.mailbox.sync import unknown_items
from mokanda_firmware.mailbox.sync.state import sync_state
from mokanda_wire.bundle import Filter, Item, Report, Residents
from mokanda_wire.formats import EXTENSIBLE
from mokanda_wire.limits import MAX_DAYS_TOLD

_ANEW = "anew"  # in the filter of the village: forget all others
REPORT_EVERY = timedelta(hours=20)  # beside other things
REPORT_ALONE_EVERY = timedelta(days=7)  # a bundle for it takes more than the rest of a night
# What of a report changes by itself; the rest is told at once when it is no longer so.
_PASSING = frozenset(("free", "uptime", "modem", "operator", "signal", "days"))

# Settings of the store that only this module uses: what the relay was last told, and when.
_RESIDENTS = "courier_residents"
_NAMES = "courier_names"  # the same, also while it has to be told again
_DELETIONS = "courier_deletions"  # how many names were given up so far
_REPORTED = "courier_reported"
_FACTS = "courier_facts"  # of the last report
# The filters by account, as `unwanted.filters` has them; None: the relay may know of some.
_FILTERS = "courier_filters"
_DAY = "courier_day"  # the last one of which the relay knows what it cost
# What the bundle on its way tells: its SHA-256, how many items, and the settings above after it.
_ON_WAY = "courier_news"


def gather(store: Store, *, beside: bool) -> tuple[Item, ...]:
    """What the relay has not been told yet, or not for long; `beside` others it costs less."""
    names = aliases.all_names(store)
    news: list[Item] = [*_filters(store)]
    if names != setting(store, _RESIDENTS, []):
        news.insert(0, Residents(tuple(names)))
    report = _report(store, names)
    reported = datetime.fromtimestamp(setting(store, _REPORTED, 0), UTC)
    every = REPORT_EVERY if beside or news else REPORT_ALONE_EVERY
    stale = abs(datetime.now(UTC) - reported) > every  # a clock may have been ahead
    if stale or _facts(report) != setting(store, _FACTS, ""):
        news.insert(0, Report(report))
    return tuple(news)


def record(store: Store, items: Sequence[Item], bundle: str) -> None:
    """Remember what a bundle, by its SHA-256, is about to tell the relay."""
    after: dict[str, Any] = {}
    for item in items:
        if isinstance(item, Residents):
            after[_RESIDENTS] = after[_NAMES] = list(item.names)
        elif isinstance(item, Report):
            after[_REPORTED] = int(datetime.now(UTC).timestamp())
            after[_FACTS] = _facts(item.fields)
            after[_DELETIONS] = item.fields.get("deletions", 0)
            for day, *_ in item.fields.get("days", []):
                after[_DAY] = day
        elif isinstance(item, Filter):
            told = after.get(_FILTERS, setting(store, _FILTERS, {}) or {})
            key = item.names[0] if item.names else ""
            after[_FILTERS] = {**told, key: [list(item.names), _lasting(item.fields)]}
    if items:
        set_setting(store, _ON_WAY, {"bundle": bundle, "items": len(items), "after": after})


def count(store: Store, bundle: str) -> int:
    """How many items this bundle has that are neither mails nor content requests."""
    on_way = setting(store, _ON_WAY, {})
    return on_way["items"] if on_way.get("bundle") == bundle else 0


def settle(store: Store, bundle: str) -> None:
    """Remember that the relay was told what this bundle tells, or will never take it."""
    if count(store, bundle):
        with store.transaction() as connection:
            after = read_setting(connection, _ON_WAY, {})["after"]
            for key, value in {**after, _ON_WAY: {}}.items():
                write_setting(connection, key, value)


def forget(store: Store) -> None:
    """Tell the relay all of it again: it may not have learned it."""
    set_setting(store, _RESIDENTS, None)
    set_setting(store, _REPORTED, 0)
    set_setting(store, _DAY, "")
    set_setting(store, _FILTERS, None)


def _filters(store: Store) -> list[Filter]:
    """The filters that have changed; where nothing is known of what the relay knows, all anew."""
    if sync_state(store).relay_format < EXTENSIBLE:
        return []
    told, now = setting(store, _FILTERS, {}), unwanted.filters(store)
    if told is None:
        now[""] = ([], {**now[""][1], _ANEW: True})
    return [
        Filter(tuple(names), fields)
        for key, (names, fields) in now.items()
        if [names, fields] != (told or {}).get(key) and (fields or key in (told or {}))
    ]


def _lasting(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != _ANEW}


def _facts(report: dict[str, Any]) -> str:
    """What of a report is worth a bundle of its own when it changes."""
    lasting = {name: value for name, value in report.items() if name not in _PASSING}
    return json.dumps(lasting, sort_keys=True)


def _deletions(store: Store, names: Sequence[str]) -> int:
    """How many names were given up so far, if `names` are those of now."""
    before = setting(store, _NAMES, setting(store, _RESIDENTS, None)) or []
    return int(setting(store, _DELETIONS, 0)) + len(set(before) - set(names))


def _report(store: Store, names: Sequence[str]) -> dict[str, Any]:
    modem, updates = ModemStatus.read(), UpdatesStatus.read()
    fields = {
        "version": running.version(),
        "board": running.board(),
        "free": shutil.disk_usage(paths.data()).free,
        "uptime": int(float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])),
        "modem": modem and modem.state.value,
        "operator": modem and modem.operator,
        "signal": modem and modem.signal,
        "no_credit": str(modem.no_credit) if modem and modem.no_credit else None,
        "slot": running.slot(),
        "updates": updates and updates.state.value,
        "update_failed": str(updates.detail) if updates and updates.failed else None,
        "rot": updates.rot if updates else None,
        "failed_version": updates.failed if updates and not updates.put_off else None,
        "opus": True,  # voices may come in it
        "webp": True if sessions.phones_take_webp(store) else None,
        "unknown": unknown_items.kinds(store),
        "damaged": damage.noted(),
        "mended": str(mending) if (mending := Mending.read()) else None,
        "budgets": _budgets(store),
        "deletions": _deletions(store, names),
        "days": _days(store),
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def _budgets(store: Store) -> dict[str, Any] | None:
    """What the relay has to know to keep villagers within theirs; None if none has any."""
    everybody, own = budget.load(store).villager, budget.of_villagers(store)
    if everybody is None and not own:
        return None
    zone = setting(store, "timezone", "")
    return {"villager": everybody, "villagers": own, "zone": zone}


def _days(store: Store) -> list[tuple[str, str, int, int, int]]:
    """What days have cost, from the last one that the relay knows of on: it went on after that."""
    since = usage.since(store, setting(store, _DAY, ""), MAX_DAYS_TOLD)
    return [(day, currency, used.up, used.down, used.money) for day, currency, used in since]
