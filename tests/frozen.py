# SPDX-License-Identifier: Apache-2.0
"""The device and the relay as villages have them: the code of the first format, from git.

It is never changed with ours: each end runs in processes of its own, whose modules are those of
that commit, with the libraries of today but where it asks for others.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mokanda_wire import claimfile
from mokanda_wire.claimfile import ClaimFile
from scripts.tools.deadlines import wait_until
from tests.ports import answers, reserved_port

COMMIT = "b5e43787e69f2dbae950180fbce50473f73369f6"  # the last one that knew format 1 alone
_ROOMS = ("wire/mokanda_wire", "firmware/mokanda_firmware", "relay/mokanda_relay")
_LIBRARIES = ("multipart>=1.3,<1.4",)  # that relay's, where the device has an older one
_REPOSITORY = Path(__file__).parent.parent
_SECONDS = 180  # for one step

_DEVICE = """
    import json, sys, time
    from pathlib import Path

    from mokanda_firmware.mailbox import sync
    from mokanda_wire import bundle, claimfile
    from tests.village import Village

    assert bundle.FORMAT == 1
    time.clock_settime = lambda *_: None
    claim, command, *arguments = sys.argv[1:]
    village = Village(claimfile.read(Path(claim).read_text()))
    with village.store.reading() as connection:
        accounts = connection.execute("SELECT name, id FROM account")
        village.accounts = {name: number for name, number in accounts}
    answer = None
    if command == "begin":
        village.import_claim()
        village.add_villager("amina")
    elif command == "write":
        village.write(*arguments, files={"note.txt": b"Mbote na yo " * 20})
    elif command == "sync":
        answer = village.sync().error
    elif command == "texts":
        answer = village.texts(*arguments)
    elif command == "tip":
        tip = sync.history(village.store).tip
        answer = [tip.end, tip.digest.hex()]
    print(json.dumps(answer))
"""

_NEW_CLAIM = """
    import os, sys
    from pathlib import Path

    from mokanda_relay import devices
    from mokanda_relay.relay import open_relay
    from mokanda_relay.settings import read_settings
    from mokanda_wire import bundle, claimfile

    assert bundle.FORMAT == 1
    data, name = sys.argv[1:]
    relay = open_relay(read_settings(os.environ, Path(data)))
    print(claimfile.write(devices.add(relay, name, f"{name}.example")))
"""


def sources() -> Path:
    """The folder with the code of that commit; the test is skipped where git has no history."""
    folder = _REPOSITORY / "build" / "frozen" / COMMIT
    if not folder.is_dir():
        git = ["git", "-C", str(_REPOSITORY)]
        found = subprocess.run([*git, "cat-file", "-e", COMMIT], capture_output=True, check=False)
        if found.returncode:
            pytest.skip(f"the history of this clone does not reach back to {COMMIT[:7]}")
        unfinished = folder.with_name(f"{COMMIT}-{os.getpid()}")
        unfinished.mkdir(parents=True)
        archive = [*git, "archive", COMMIT, *_ROOMS, "tests/village.py"]
        packed = subprocess.run(archive, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(unfinished)], input=packed, check=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
        target = ["--target", str(unfinished / "libraries")]
        subprocess.run([*pip, *target, *_LIBRARIES], check=True)
        try:
            unfinished.rename(folder)
        except OSError:  # another test has just done the same
            shutil.rmtree(unfinished)
    return folder


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    root = sources()
    path = (*(str((root / room).parent) for room in _ROOMS), str(root), str(root / "libraries"))
    return {**os.environ, **more, "PYTHONPATH": os.pathsep.join(path)}


def _python(program: str, *arguments: str, environment: Mapping[str, str]) -> str:
    return subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(program), *arguments],
        env=_environment(environment),
        stdout=subprocess.PIPE,
        text=True,
        timeout=_SECONDS,
        check=True,
    ).stdout


class FrozenDevice:
    """A device in `folder`, with one villager, amina, and a claim that it has not used yet."""

    def __init__(self, claim: ClaimFile, folder: Path) -> None:
        self._claim = folder / "claim.toml"
        self._places = {}
        for variable in ("DATA", "RUN", "SETUP"):
            place = folder / variable.lower()
            place.mkdir(parents=True)
            self._places[f"MOKANDA_{variable}"] = str(place)
        self._claim.write_text(claimfile.write(claim), encoding="utf-8")
        self._do("begin")

    def write(self, text: str) -> None:
        """Write a mail to the world, with a file."""
        self._do("write", text)

    def sync(self) -> str:
        """Sync once; return what went wrong, "" for nothing."""
        return str(self._do("sync"))

    def texts(self, folder: str) -> list[str]:
        """The texts of all mail in a folder."""
        return list(self._do("texts", folder))

    def tip(self) -> tuple[int, str]:
        """Where its history ends: bytes, and the digest in hexadecimal."""
        end, digest = self._do("tip")
        return end, digest

    def _do(self, command: str, *arguments: str) -> Any:  # noqa: ANN401 - of the command
        answer = _python(_DEVICE, str(self._claim), command, *arguments, environment=self._places)
        return json.loads(answer)


@contextmanager
def frozen_relay(data: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A relay on a data folder, served while the block lasts.

    Yields:
        Its address for devices, and the operator's.
    """
    with reserved_port() as device, reserved_port() as operator:
        listen = ("--listen", f"127.0.0.1:{device}", "--operator", f"127.0.0.1:{operator}")
        serve = ("-m", "mokanda_relay", "serve", "--data", str(data), *listen)
        process = subprocess.Popen([sys.executable, "-P", *serve], env=_environment(environment))
        try:
            wait_until(lambda: answers(device) and answers(operator), "the relay", 30, every=0.1)
            yield f"https://127.0.0.1:{device}", f"http://127.0.0.1:{operator}"
        finally:
            process.terminate()
            process.wait()


def new_claim(data: Path, environment: Mapping[str, str], name: str) -> ClaimFile:
    """Add a device to the frozen relay of a data folder."""
    return claimfile.read(_python(_NEW_CLAIM, str(data), name, environment=environment))
