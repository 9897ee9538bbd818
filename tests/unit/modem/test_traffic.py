# SPDX-License-Identifier: Apache-2.0
"""The kernel's counts of an interface."""

from pathlib import Path

from mokanda_firmware.modem import traffic
from mokanda_firmware.modem.traffic import Traffic


def test_an_interface_is_read(tmp_path: Path) -> None:
    statistics = tmp_path / "ppp0" / "statistics"
    statistics.mkdir(parents=True)
    (statistics / "tx_bytes").write_text("1200\n")
    (statistics / "rx_bytes").write_text("34000\n")
    assert traffic.of("ppp0", tmp_path) == Traffic(up=1200, down=34000)


def test_one_that_is_gone_has_none(tmp_path: Path) -> None:
    assert traffic.of("ppp0", tmp_path) == Traffic()


def test_what_has_gone_since() -> None:
    assert Traffic(10, 50).since(Traffic(4, 20)) == Traffic(6, 30)
    assert Traffic(10, 50).since(Traffic(400, 20)) == Traffic(0, 30)  # it has begun anew
