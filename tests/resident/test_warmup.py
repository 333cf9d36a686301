"""The warm-up of the resident, measured by the statements that SQLAlchemy still has to compile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import contextlib, io, json, sys
from todo_cli.resident.warmup import warm_up
warm_up(sys.argv[1])
from todo_cli.cli.main import main
from todo_cli.db.connection.compiled import COMPILED
compiled = {}
for line in json.loads(sys.argv[2]):
    before = len(COMPILED)
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        assert main(line) == 0
    compiled[" ".join(line)] = len(COMPILED) - before
print(json.dumps(compiled))
"""
USUAL = [["add", "b"], ["list"], ["list", "--per-page", "5"], ["next", "5"], ["show", "1"], ["done", "1"]]


def test_common_commands_compile_no_statement(tmp_path: Path) -> None:
    environment = {**os.environ, "TODO_HOME": str(tmp_path / "home"), "TODO_RESIDENT": "off"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "scratch"), json.dumps([["add", "a"], *USUAL])],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    compiled = json.loads(run.stdout.splitlines()[-1])
    assert compiled.pop("add a") >= 0  # this one created the file
    assert compiled == {" ".join(line): 0 for line in USUAL}
