"""A second database, to copy from one to the other."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import NOW, Server
from tests.servers import parse_patient_target
from todo_cli.db.connection.target import Target
from todo_cli.db.database import Database

Opened = Callable[..., Database]


@pytest.fixture(params=["sqlite", "postgresql"])
def other_target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """A second database, of either kind, with the current tables and one user, `alex`."""
    if request.param == "sqlite":
        path = tmp_path / "other.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return parse_patient_target(f"sqlite:///{path}")
    server: Server = request.getfixturevalue("server")
    return parse_patient_target(server.fresh("other"))


@pytest.fixture
async def open_other(other_target: Target) -> AsyncIterator[Opened]:
    opened: list[Database] = []

    def open_(user: str | None = None, now: datetime = NOW) -> Database:
        opened.append(Database(other_target, now=now, user_name=user))
        return opened[-1]

    yield open_
    for database in opened:
        await database.__aexit__()


@pytest.fixture
def other(open_other: Opened) -> Database:
    return open_other("alex")
