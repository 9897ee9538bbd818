# SPDX-License-Identifier: Apache-2.0
"""A USB stick comes and goes, with and without a usable SIM card."""

from tests.emulator.emulated_village import EmulatedVillage
from tests.stand_ins.messages import delivered


def plug_in(village: EmulatedVillage) -> None:
    village.modem.plug_into_socket(village.board.modem_socket)


def wait_for_state(village: EmulatedVillage, state: str) -> None:
    village.shell.wait_for_status("modem", lambda now: now["state"] == state)


def give_pin(village: EmulatedVillage) -> None:
    number = village.shell.status("modem")["next_order"]
    pin = village.modem.pin
    assert village.shell.request("modem", "pin", number=number, pin=pin, keep=True).code == 0


def test_a_stick_is_seen_when_it_comes_and_when_it_goes(village: EmulatedVillage) -> None:
    plug_in(village)
    wait_for_state(village, "ready")
    status = village.shell.status("modem")
    assert (status["model"], status["imei"]) == ("huawei E303", village.modem.imei)
    village.modem.unplug()
    wait_for_state(village, "absent")
    plug_in(village)
    wait_for_state(village, "ready")


def test_the_network_is_told_when_it_is_found(village: EmulatedVillage) -> None:
    village.modem.signal = 99
    plug_in(village)
    wait_for_state(village, "no_signal")
    village.modem.signal = 25
    village.modem.say("+CREG: 1")
    wait_for_state(village, "ready")
    assert village.shell.status("modem")["signal"] == 81


def test_a_sim_card_that_loses_its_contact_is_found_again(village: EmulatedVillage) -> None:
    plug_in(village)
    wait_for_state(village, "ready")
    village.modem.sim = "absent"
    village.modem.say("+CPIN: NOT READY")
    wait_for_state(village, "starting")
    village.modem.sim = "ready"
    wait_for_state(village, "ready")


def test_the_pin_is_taken_from_the_keeper_and_kept_for_this_card(village: EmulatedVillage) -> None:
    village.modem.sim = "pin"
    plug_in(village)
    wait_for_state(village, "pin")
    assert village.shell.status("modem")["tries"] == 3
    # The lamps show it: red blinks, as seen from outside.
    village.shell.wait_for_status("lights", lambda now: now["state"] == "no_sim")
    assert (village.board.lamp(0), village.board.lamp(1)) == ("off", "pwm0")
    give_pin(village)
    wait_for_state(village, "ready")
    village.modem.unplug()
    wait_for_state(village, "absent")
    village.modem.sim = "pin"
    plug_in(village)
    wait_for_state(village, "ready")
    assert sum(command.startswith("AT+CPIN=") for command in village.modem.commands) == 2


def test_a_kept_pin_is_given_to_a_card_that_took_it_whenever_it_asks(
    village: EmulatedVillage,
) -> None:
    shell, modem = village.shell, village.modem

    def given() -> int:
        return sum(command.startswith("AT+CPIN=") for command in modem.commands)

    modem.sim = "pin"
    plug_in(village)
    wait_for_state(village, "pin")
    give_pin(village)
    wait_for_state(village, "ready")
    for times in (2, 3):  # the card has lost its contact, and asks again
        modem.sim = "pin"
        shell.check("systemctl restart mokanda-modem")
        wait_for_state(village, "ready")
        assert given() == times
    # Where it has lost a try, the keeper types it.
    modem.sim, modem.tries = "pin", 2
    shell.check("systemctl restart mokanda-modem")
    wait_for_state(village, "pin")
    assert given() == 3


def test_a_message_is_kept_on_the_data_partition_and_deleted_on_the_card(
    village: EmulatedVillage,
) -> None:
    village.modem.messages = {1: delivered("Votre credit est epuise", "Vodacom")}
    plug_in(village)
    village.shell.wait_for_status("modem", lambda now: now["no_credit"] is not None)
    assert "credit est epuise" in village.shell.check("cat /data/mokanda/messages.json")
    assert village.modem.messages == {}
