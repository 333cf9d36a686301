"""`todo doctor`: what it checks, and its advice."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli, Server
from tests.neon import ADDRESS, Neon
from tests.terminal import at_terminal


def diagnose(cli: Cli, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    result = cli("doctor", "--json", **environment)
    return result.code, {finding["check"]: finding for finding in json.loads(result.out)}


def test_no_problems_on_a_new_machine_and_with_a_list(fresh_cli: Cli) -> None:
    code, findings = diagnose(fresh_cli)
    assert code == 0
    assert all(finding["ok"] and finding["advice"] is None for finding in findings.values())
    assert not (fresh_cli.home / "todo.db").exists()
    fresh_cli("add", "a")
    code, findings = diagnose(fresh_cli)
    assert code == 0
    assert findings["tables"]["found"].endswith("with 1 todo")


def test_a_server_without_problems(neon: Neon, tmp_path: Path) -> None:
    neon.server.fresh("well")
    with neon.door() as door:
        cli = Cli(tmp_path / "home", TODO_DATABASE_URL=neon.url(door, "well", host=ADDRESS))
        code, findings = diagnose(cli)
        assert code == 0, findings
        assert "PostgreSQL" in findings["database"]["found"]
        assert findings["tls"]["found"].startswith("TLSv1.3")
        assert findings["user"]["found"] == "alex"
        assert {"latency", "clock", "permissions", "time zone", "terminal"} < findings.keys()


def test_each_problem_comes_with_advice(fresh_cli: Cli, server: Server, neon: Neon, tmp_path: Path) -> None:
    def advice(check: str, **environment: str) -> str:
        code, findings = diagnose(fresh_cli, **environment)
        assert code == 1
        assert not findings[check]["ok"]
        return str(findings[check]["advice"])

    server.create("bare")
    assert advice("tables", TODO_DATABASE_URL=server.url("bare")) == "run 'todo db init'"
    fresh_cli("db", "init", "--user", "alex", TODO_DATABASE_URL=server.url("bare"))
    server.execute("UPDATE todo.alembic_version SET version_num = '0000'", "bare")
    assert advice("tables", TODO_DATABASE_URL=server.url("bare")) == "run 'todo db migrate'"
    server.execute("UPDATE todo.alembic_version SET version_num = '9999'", "bare")
    assert "newer version" in advice("tables", TODO_DATABASE_URL=server.url("bare"))
    server.fresh("shared")
    fresh_cli("user", "add", "sam", TODO_DATABASE_URL=server.url("shared"))
    assert "config set user" in advice("user", TODO_DATABASE_URL=server.url("shared"))
    with neon.door(asleep=True) as door:
        url = neon.url(door, "shared", host=ADDRESS)
        assert "network" in advice("database", TODO_DATABASE_URL=url, TODO_CONNECT_TIMEOUT="0.2")


@pytest.mark.exhaustive
def test_a_distant_server_comes_with_advice(fresh_cli: Cli, server: Server, neon: Neon) -> None:
    server.fresh("shared")
    with neon.door(delay=0.3) as far:
        _, findings = diagnose(fresh_cli, TODO_DATABASE_URL=neon.url(far, "shared", host=ADDRESS))
    assert "closer" in str(findings["latency"]["advice"])


@pytest.mark.skipif(os.name != "posix", reason="files have no modes there")
def test_files_that_others_can_read(fresh_cli: Cli) -> None:
    fresh_cli("add", "a")
    fresh_cli("config", "set", "per_page", "7")
    (fresh_cli.home / "config.toml").chmod(0o644)
    code, findings = diagnose(fresh_cli)
    assert code == 1
    assert f"chmod 600 {fresh_cli.home / 'config.toml'}" in findings["permissions"]["advice"]


def test_invalid_settings(fresh_cli: Cli) -> None:
    fresh_cli.home.mkdir()
    (fresh_cli.home / "config.toml").write_text("per_page = 'many'\n")
    (fresh_cli.home / "config.toml").chmod(0o600)
    code, findings = diagnose(fresh_cli)
    assert code == 1
    assert "per_page" in findings["settings"]["found"]


def test_it_is_readable_on_a_terminal(fresh_cli: Cli) -> None:
    seen = at_terminal([sys.executable, "-m", "todo_cli", "doctor"], fresh_cli.environment, width=50)
    assert seen.code == 1
    assert "50 columns are too few" in " ".join(seen.out.split())
    assert at_terminal([sys.executable, "-m", "todo_cli", "doctor"], fresh_cli.environment).code == 0
