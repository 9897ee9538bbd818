# SPDX-License-Identifier: Apache-2.0
from mokanda_wire.text import safe_file_name


def test_a_name_of_a_file_is_harmless() -> None:
    assert safe_file_name("..\\..\\/etc/passwd\0") == "passwd_"
    assert safe_file_name("a" * 500 + ".jpeg") == "a" * 100 + ".jpeg"
    assert safe_file_name("...") == ""
