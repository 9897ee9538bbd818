# SPDX-License-Identifier: Apache-2.0
"""What is on its way when something happens to the stick, the daemon or the credit."""

import json
import random

from scripts.tools.deadlines import wait_until
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone
from tests.stand_ins.messages import delivered

SIZE = 33_000  # bytes of a letter on the wire


def plug_in(village: EmulatedVillage) -> None:
    """A stick that is the only way out."""
    village.front.refused = {village.ethernet}
    village.modem.plug_into_socket(village.board.modem_socket)
    village.shell.wait_for_status("modem", lambda now: now["state"] == "ready")


def test_a_daemon_that_is_killed_leaves_no_call_behind(village: EmulatedVillage) -> None:
    shell = village.shell
    plug_in(village)
    assert "ppp0" in shell.request("modem", "connect").output
    shell.check("kill -KILL $(systemctl show --value --property MainPID mokanda-modem)")
    wait_until(lambda: not village.modem.connected, "the end of the call", 60)
    shell.check("until ! test -e /sys/class/net/ppp0; do sleep 0.2; done")
    shell.wait_for_status("modem", lambda now: now["state"] == "ready")
    assert "ppp0" in shell.request("modem", "connect").output
    assert village.modem.calls == 2


def test_a_call_that_the_network_ends_is_not_one_of_a_stick_that_was_pulled_out(
    village: EmulatedVillage,
) -> None:
    shell = village.shell
    plug_in(village)
    assert "ppp0" in shell.request("modem", "connect").output
    village.modem.hang_up()
    shell.wait_for_status("modem", lambda now: now["state"] == "ready")
    [call] = json.loads(shell.check("cat /data/mokanda/calls.json"))["calls"]
    assert call["trouble"]["text"] == "The modem lost the connection."


def test_credit_that_runs_out_in_the_middle_of_mail_costs_no_byte_twice(
    village: EmulatedVillage, keeper: Phone
) -> None:
    shell, modem = village.shell, village.modem
    plug_in(village)
    keeper.write("ada@example.org", "Long", random.Random(1).randbytes(SIZE).hex())
    modem.credit = 20_000
    modem.messages = {1: delivered("Votre credit est epuise", "Vodacom")}
    before = village.network.up.bytes
    assert village.sync(keeper)["state"] == "failed"
    shell.wait_for_status("modem", lambda now: now["no_credit"] is not None)
    # The card is topped up.
    modem.credit = None
    assert village.sync(keeper)["state"] == "idle"
    shell.wait_for_status("modem", lambda now: now["no_credit"] is None)
    assert [mail["subject"] for mail in village.sent_by_sendgrid()] == ["Long"]
    assert village.network.up.bytes - before < 1.3 * SIZE


def test_a_stick_that_is_a_network_card_is_the_way_out(village: EmulatedVillage) -> None:
    shell, board = village.shell, village.board
    shell.check("ip link set end0 down")
    with board.network_card():
        shell.wait_for_status("modem", lambda now: now["state"] == "ready")
        interface = shell.status("modem")["interface"]
        callers = len(village.front.callers)
        assert "accepted" in shell.request("updates", "check").output
        wait_until(lambda: len(village.front.callers) > callers, "a call at the relay", 120)
        assert int(shell.check(f"cat /sys/class/net/{interface}/statistics/tx_bytes")) > 0
    shell.wait_for_status("modem", lambda now: now["state"] == "absent")
