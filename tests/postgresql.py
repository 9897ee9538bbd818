# SPDX-License-Identifier: Apache-2.0
"""A throw-away PostgreSQL for a relay."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found and (in_path := shutil.which("initdb")):
        found = [Path(in_path).resolve()]
    return found[-1].parent if found else None


@contextmanager
def cluster(programs: Path) -> Iterator[str]:
    """Run a server; yields a URL without a database's name."""
    # Not in pytest's own folder: the server's user could not get there.
    folder = Path(tempfile.mkdtemp(prefix="mokanda-postgresql-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [str(programs / program), "-D", str(folder / "data"), *arguments],
            user=user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    try:
        run("initdb", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://postgres@/{{name}}?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(cluster: str, template: str = "template1") -> str:
    """Make a database in a cluster, empty or as another one is, and return its URL."""
    name = f"relay_{os.urandom(6).hex()}"
    engine = sa.create_engine(cluster.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return cluster.format(name=name)
