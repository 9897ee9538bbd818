# SPDX-License-Identifier: Apache-2.0
"""Recipes: what is read from them, and what is refused."""

from pathlib import Path

import pytest

from scripts.recipes import RecipeError, boards, load

BOARD = 'summary = "A board"\nu_boot = "a_board"\ndevice_tree = "a-board"\n'


def recipes(folder: Path, **topics: str) -> Path:
    (folder / "boards").mkdir()
    (folder / "boards/a-board.toml").write_text(BOARD)
    for name, text in topics.items():
        (folder / f"{name}.toml").write_text(f'summary = "A topic"\n{text}')
    return folder


@pytest.mark.parametrize("board", boards())
def test_the_recipes_of_every_board_can_be_followed(board: str) -> None:
    assert "systemd" in load(board).debian_packages


def test_topics_are_merged(tmp_path: Path) -> None:
    root = recipes(
        tmp_path,
        mail='[debian]\npackages = ["gpg"]\nwithout = ["dirmngr"]',
        modem='[debian]\npackages = ["ppp", "gpg"]\n[services]\nenable = ["modem.service"]',
    )
    system = load("a-board", root)
    assert system.debian_packages == ["gpg", "ppp"]
    assert system.debian_without == ["dirmngr"]
    assert system.services_enable == ["modem.service"]
    assert system.compatible == "mokanda-a-board"


def test_a_package_that_one_recipe_asks_for_stays_though_another_leaves_it_out(
    tmp_path: Path,
) -> None:
    root = recipes(
        tmp_path,
        one='[debian]\npackages = ["tar"]',
        other='[debian]\nwithout = ["tar"]',
    )
    assert load("a-board", root).debian_without == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[debian]\npackage = ["gpg"]', "no key 'package'"),
        ("[debain]\npackages = []", "unknown key 'debain'"),
        ('[debian]\npackages = "gpg"', "must be a list of strings"),
        ("[kernel]\nPPP = true", "PPP must name a module"),
        ('[initramfs]\nmodules = ["squashfs"]', "'squashfs' belongs to no"),
        ("[debian", "topic.toml"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    root = recipes(tmp_path, topic=text)
    with pytest.raises(RecipeError, match=complaint):
        load("a-board", root)


def test_two_recipes_must_agree_on_the_module_of_an_option(tmp_path: Path) -> None:
    root = recipes(tmp_path, one='[kernel]\nPPP = "ppp_generic"', other='[kernel]\nPPP = "ppp"')
    with pytest.raises(RecipeError, match="PPP makes"):
        load("a-board", root)


def test_an_unknown_board_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there are: a-board"):
        load("b-board", recipes(tmp_path))
