# SPDX-License-Identifier: Apache-2.0
"""A device whose mail store does not open: its relay hears of it, and nothing is lost by that."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from mokanda_firmware import paths
from mokanda_firmware.bus.requests import ask
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.courier import without_store
from mokanda_firmware.mailbox.store.database import Store, StoreUnfit
from mokanda_firmware.uplink import offer
from mokanda_relay.operator import rollouts
from mokanda_relay.store.tables import Alert, Device
from scripts.tools.deadlines import wait_until
from tests.relay_served import Served
from tests.statuses import published
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


def unfit() -> StoreUnfit:
    with pytest.raises(StoreUnfit) as caught:
        Store.of_device()
    return caught.value


def set_aside(village: Village) -> Path:
    """Take the store away, and leave an empty file in its place."""
    village.store.close()
    aside = paths.data() / "aside.db"
    paths.mail_database().rename(aside)
    paths.mail_database().touch()
    return aside


def alerts(served: Served) -> list[str]:
    with served.relay.database.reading() as session:
        return [each.text for each in session.scalars(sa.select(Alert))]


def test_the_operator_is_told_once_until_the_next_sync(village: Village, served: Served) -> None:
    aside = set_aside(village)
    for _ in range(2):
        assert without_store.tell(unfit())
    assert alerts(served) == ["kitenge cannot use its mail store (lost): the mail store is gone"]
    served.world.write("ada@example.org", ["amina@kitenge.example"], "Mbote", "Are you well?")
    aside.replace(paths.mail_database())
    village.sync()
    village.sync()
    assert village.texts("inbox") == ["Are you well?"]
    with served.relay.database.reading() as session:
        assert session.scalars(sa.select(Device)).one().error == ""
    set_aside(village)
    assert without_store.tell(unfit())
    assert len(alerts(served)) == 2


def test_an_update_is_offered(village: Village, served: Served, tmp_path: Path) -> None:
    with served.relay.database.transaction() as session:
        session.execute(sa.update(Device).values(report='{"board": "orangepi-zero"}'))
    (tmp_path / "new.raucb").write_bytes(b"an update")
    rollouts.publish(served.relay, tmp_path / "new.raucb", "2.0.0", "orangepi-zero")
    set_aside(village)
    assert without_store.tell(unfit())
    offered = offer.read()
    assert offered is not None
    assert offered.version == "2.0.0"


def test_a_read_only_card_keeps_nothing_from_being_told(village: Village, served: Served) -> None:
    village.store.close()
    with mounted(paths.data(), "ro"):
        assert without_store.tell(unfit())
    [alert] = alerts(served)
    assert "(read_only)" in alert


@pytest.mark.usefixtures("served")
def test_the_courier_needs_no_folder_but_those_of_its_group(village: Village) -> None:
    """As the unit's user it makes statuses and sockets in /run/mokanda, and nothing else."""
    set_aside(village)
    statuses = paths.status("courier").parent
    statuses.mkdir(parents=True, exist_ok=True)
    with mounted(paths.run(), "ro"), mounted(statuses, "rw"):
        assert without_store.tell(unfit())


@contextmanager
def mounted(folder: Path, mode: str) -> Iterator[None]:
    """Mount a folder over itself, to be read alone ("ro"), or to be written again ("rw")."""
    bound = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False)
    if bound.returncode:
        pytest.skip("mounting needs root")
    try:
        subprocess.run(["mount", "-o", f"remount,bind,{mode}", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_the_daemon_waits_for_the_store_and_calls_when_it_is_asked_to(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(without_store, "LOOK_AGAIN", 0.1)
    aside = set_aside(village)
    thread = threading.Thread(target=without_store.serve, args=(unfit(),))
    thread.start()
    wait_until(lambda: paths.requests("courier").exists(), "the daemon", seconds=20)
    assert ask("courier", "sync") == {"accepted": True}
    wait_until(lambda: alerts(served), "the relay to be told", seconds=20)
    status = published(CourierStatus)
    assert status.state in {CourierState.FAILED, CourierState.CONNECTING}
    aside.replace(paths.mail_database())
    thread.join(20)
    assert not thread.is_alive()


def test_a_device_without_a_claim_tells_nobody(village: Village) -> None:
    set_aside(village)
    paths.claim_result().unlink()
    assert not without_store.tell(unfit())
