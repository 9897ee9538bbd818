# SPDX-License-Identifier: Apache-2.0
"""Whether a stick is there, as the kernel tells in sysfs; the board has a real one."""

from pathlib import Path

import pytest

from mokanda_firmware.modem.stick import Stick


@pytest.mark.parametrize(("configuration", "is_there"), [("1\n", True), ("\n", False)])
def test_a_stick_is_there_while_it_has_a_configuration(
    tmp_path: Path, configuration: str, is_there: bool
) -> None:
    (tmp_path / "bConfigurationValue").write_text(configuration)
    assert Stick(str(tmp_path), "HUAWEI Mobile").is_there() == is_there


def test_a_stick_without_a_folder_is_gone(tmp_path: Path) -> None:
    assert not Stick(str(tmp_path / "1-1"), "HUAWEI Mobile").is_there()
