# SPDX-License-Identifier: Apache-2.0
"""Power cuts at moments of chance in a board's life, and what has to hold after them.

A life begins with a village as it is kept (`ReadyVillage`), whose power is cut in the midst of
something; then, some times, while it boots. In the end it is left to boot: the webmail has to come,
with every letter that a page has called sent.

What runs keeps this computer's time. What boots has a time of its own, in which the watchdog is on
from U-Boot's first moment and bites nobody because this computer is busy.

A cut ends QEMU at once. What the board has handed to its card is on it, all else is gone: a card of
which half a block is written is destroyed on purpose elsewhere (tests/emulator/destruction.py).
"""

from __future__ import annotations

import http.client
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from scripts.assembly import layout
from scripts.emulator.snapshot import copy_card
from scripts.tools.deadlines import DeadlineError, wait_until
from scripts.tools.repository import REPOSITORY
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone
from tests.emulator.shell import READY

# Where a board is kept that did not come up, or has lost a letter.
EVIDENCE: Final = REPOSITORY / "build" / "power-cuts"

_KERNEL: Final = "Starting kernel"
# What the console has shown last, and where a boot is then.
_STAGES: Final = {
    READY: "under systemd",
    _KERNEL: "in the kernel or the initramfs",
    "U-Boot 20": "in U-Boot",
    "U-Boot SPL": "in what loads U-Boot",
    "": "in the boot ROM",
}
_FIRST_PAGE_SECONDS: Final = 300  # with a check of the card, and a slot that is given up on the way
# On the card, where and how long: the checksum of each copy of U-Boot's environment, and what
# counts its writes.
_BOOT_STATE: Final = [(offset, 5) for offset in layout.ENVIRONMENT]
_BLOCK: Final = 4096
_MOST_LETTERS: Final = 15  # a folder's page shows twenty


@dataclass
class Tally:
    """What was counted: power cuts, boards that did not come up, letters that were lost."""

    cuts: int = 0
    stranded: int = 0
    lost: int = 0


@dataclass
class Life:
    """A village of which the power is cut; `fate` says when, and `say` is told of it."""

    village: EmulatedVillage
    keeper: Phone
    fate: random.Random
    boot_seconds: float  # from power-on to the webmail, on this computer
    tally: Tally
    say: Callable[[str], None]
    letters: list[str] = field(default_factory=list)  # subjects of those that were called sent

    def __post_init__(self) -> None:
        """Have U-Boot leave the watchdog on, as on any card, at the next start and later."""
        self.village.shell.check("fw_setenv watchdog on")

    def cut_among_letters(self) -> None:
        """Cut the power while letters are written to somebody in the village."""
        self._write("awa")
        with self._cutting("among letters", after=self.fate.uniform(0, 10)) as is_cut:
            while not is_cut():
                self._write("awa")

    def cut_in_mail_run(self) -> None:
        """Cut the power in a mail run that brings a letter out and another in."""
        self._write("ada@example.org")
        self.village.world_writes(
            to="awa@village.example", subject="From the world", text="How are you?"
        )
        self.keeper.fill_in("/device", "/device/sync")
        with self._cutting("in a mail run", after=self.fate.uniform(0, 10)) as is_cut:
            while not is_cut():
                time.sleep(0.01)

    def cut_in_update(self, size: int) -> None:
        """Cut the power when so much of the `size` bytes of an update lies in slot B, by chance."""
        started = time.monotonic()
        written = self.fate.randrange(size) // _BLOCK * _BLOCK
        place = (layout.SLOTS["B"] + written, _BLOCK)
        self._wait_for_change([place], 600, lambda: self._write("awa"))
        self._cut(f"with {written / size:.0%} of an update in slot B", started)

    def cut_as_slots_change_places(self, size: int) -> None:
        """Cut the power when all of an update lies in slot B, and B is to be started first."""
        started = time.monotonic()
        last = layout.SLOTS["B"] + (size - 1) // _BLOCK * _BLOCK
        self._wait_for_change([(last, _BLOCK)], 600, lambda: self._write("awa"))
        self._wait_for_change(_BOOT_STATE, 120)
        self._cut("as the slots change places", started)

    def cut_in_boot(self) -> None:
        """Power on, and cut the power again on the way to the webmail, early rather than late."""
        started = time.monotonic()
        if self.fate.random() < 1 / 4:
            self._wait_for_change(_BOOT_STATE, 60, self.village.board.power_on)
            time.sleep(self.fate.uniform(0, 0.01))
            self._cut("as U-Boot takes a try", started)
        else:
            self.village.board.power_on()
            time.sleep(self.boot_seconds * self.fate.random() ** 2)
            shown = self.village.board.console.tail(1000)
            self._cut(next(name for mark, name in _STAGES.items() if mark in shown), started)

    def cut_as_it_proves_itself(self) -> None:
        """Let it boot, and cut the power as it gets its tries back."""
        started = time.monotonic()
        try:
            self._wait_for_change(_BOOT_STATE, 60, self.village.board.power_on)
            self.village.board.console.wait_for(_KERNEL, 60)
            self._wait_for_change(_BOOT_STATE, 900)
        except DeadlineError as error:
            self.tally.stranded += 1
            self._keep(f"stranded: {error}")
        self._cut("as its tries are given back", started)

    def come_up(self) -> None:
        """Power on and leave it on; count, and keep, what is not as it has to be."""
        started = time.monotonic()
        self.village.board.power_on()
        try:
            self.village.board.wait_for_webmail(_FIRST_PAGE_SECONDS)
            seconds = time.monotonic() - started
            missing = [subject for subject in self.letters if not self._has(subject)]
        except DeadlineError as error:
            self.tally.stranded += 1
            self._keep(f"stranded: {error}")
            return
        there = len(self.letters) - len(missing)
        self.say(f"        up after {seconds:.0f} s, with {there} of {len(self.letters)} letters")
        if missing:
            self.tally.lost += len(missing)
            self._keep(f"lost: {', '.join(missing)}")

    def _write(self, to: str) -> None:
        """Write a letter, which counts once a page says that it is sent."""
        if len(self.letters) == _MOST_LETTERS:
            time.sleep(0.1)
            return
        # Without an address, of which a page makes a link.
        subject = f"Letter {len(self.letters)} to {to.partition('@')[0]}"
        with suppress(OSError, http.client.HTTPException):
            page = self.keeper.write(to, subject, f"{subject}, in full.")
            assert page.status_int == http.HTTPStatus.OK, page.text
            assert page.request.path in ("/sent", "/outbox"), page.text
            self.letters.append(subject)

    def _has(self, subject: str) -> bool:
        """Whether a letter can be opened, and is whole."""

        def shown() -> tuple[bool] | None:
            with suppress(OSError, http.client.HTTPException):
                return (self._shows(subject),)
            return None  # an update that is given up restarts the board

        answer = wait_until(shown, "an answer of the webmail", _FIRST_PAGE_SECONDS)
        return answer == (True,)

    def _shows(self, subject: str) -> bool:
        for folder in ("inbox",) if subject.endswith("awa") else ("outbox", "sent"):
            page = self.keeper.open(f"/{folder}")
            assert page.status_int == http.HTTPStatus.OK, page.text
            if subject in page.text:
                return f"{subject}, in full." in page.click(subject).text
        return False

    @contextmanager
    def _cutting(self, moment: str, after: float) -> Iterator[Callable[[], bool]]:
        """Cut the power after some seconds of what is done in the block, which asks whether."""
        started = time.monotonic()
        timer = threading.Timer(after, self.village.board.cut_power)
        timer.start()
        yield lambda: not timer.is_alive()
        timer.join()
        self._cut(moment, started)

    def _wait_for_change(
        self,
        places: list[tuple[int, int]],
        seconds: float,
        begin: Callable[[], None] = lambda: None,
    ) -> None:
        """Wait until what lies at one of these places of the card begins to be something else."""
        with self.village.board.card.open("rb", buffering=0) as card:

            def now() -> list[bytes]:
                return [os.pread(card.fileno(), size, offset) for offset, size in places]

            before = now()
            begin()
            wait_until(lambda: now() != before, "a change on the card", seconds, every=0.0005)

    def _cut(self, moment: str, started: float) -> None:
        self.village.board.cut_power()
        self.village.board.keeps_time = False
        self.tally.cuts += 1
        self.say(f"{self.tally.cuts:6d}  {moment} ({time.monotonic() - started:.1f} s)")

    def _keep(self, what: str) -> None:
        """Keep a board's card and console for whoever looks for the reason."""
        self.say(f"        {what}")
        self.village.board.cut_power()
        folder = EVIDENCE / str(self.tally.cuts)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        copy_card(self.village.board.card, folder / "card.img")
        shutil.copy(self.village.board.log, folder)
        (folder / "what").write_text(f"{what}\n")
        self.say(f"        its card and its console are kept in {folder}")
