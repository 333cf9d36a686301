"""Follow the recipe "Add a field" of `docs/architecture.md` in a copy of the project, and use the new field."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from todo_cli.db.schema.revisions import HEAD

pytestmark = pytest.mark.either_database

ROOT = Path(__file__).parents[1]
NUMBER = f"{int(HEAD) + 1:04}"
MIGRATION = f'''\
"""Add the field of the recipe."""

from alembic import op

from todo_cli.db.schema.downgrading import close_step, open_step, raise_versions, record_loss, text_in_json

revision = "{NUMBER}"
down_revision = "{HEAD}"
branch_labels = None
depends_on = None


'''


def recipe(title: str) -> list[str]:
    """Return the Python blocks of a recipe, with a name for its field that no real field has."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8").replace("energy", "sample")
    section = page.partition(f"### {title}\n")[2].partition("\n### ")[0]
    return [dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)]


def insert_after(path: Path, pattern: str, addition: str) -> None:
    """Insert text into a file, behind the only match of a pattern."""
    text = path.read_text("utf-8")
    [found] = re.finditer(pattern, text, re.MULTILINE | re.DOTALL)
    path.write_text(text[: found.end()] + addition + text[found.end() :], "utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the field."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("todo_cli", "migrations"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "alembic.ini", root)
    column, check, field = recipe("Add a field")
    [migration] = recipe("Add a migration")
    tables = root / "todo_cli" / "models" / "tables.py"
    insert_after(tables, r"^class Todo\(.*?    __table_args__ = \(\n", f"{check.strip()},\n")
    insert_after(tables, r'^    entity: ClassVar\[str\] = "todo"\n', f"    {column}")
    insert_after(root / "todo_cli" / "models" / "fields.py", r"^FIELDS = Fields\(\n", f"{field.strip()},\n")
    (root / "migrations" / "versions" / f"{NUMBER}_add_sample.py").write_text(MIGRATION + migration, "utf-8")
    revisions = root / "todo_cli" / "db" / "schema" / "revisions.py"
    revisions.write_text(revisions.read_text("utf-8").replace(f'HEAD = "{HEAD}"', f'HEAD = "{NUMBER}"'), "utf-8")
    return root


COMMANDS = {
    ("db", "migrate"): None,
    ("add", "Read", "sample:l"): "1\topen\t\t\t\t\tRead\n",
    ("add", "Sleep"): "2\topen\t\t\t\t\tSleep\n",
    ("list", "sample.above:none", "--columns", "id,sample"): "1\tlow\n",
    ("list", "--sort=sample", "--columns", "id,sample"): "1\tlow\n2\t\n",
    ("modify", "1-2", "--sample", "high"): None,
    ("list", "sample:high", "--columns", "id,sample"): "1\thigh\n2\thigh\n",
    ("modify", "2", "sample:"): None,
    ("list", "no:sample", "--columns", "id,sample"): "2\t\n",
    ("undo",): None,
    ("list", "has:sample", "--columns", "id,sample", "--sort=id"): "1\thigh\n2\thigh\n",
    ("db", "migrate", "--to", HEAD, "--yes"): None,
    ("db", "migrate", "--to", NUMBER): None,
    ("list", "--sort", "id", "--columns", "id,sample"): "1\t\n2\t\n",
}
"""Commands to run in this order, and what they print, if it matters."""

PROGRAM = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from alembic.config import main as alembic
from todo_cli.cli.main import main

for arguments in json.loads(sys.argv[1]):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    print(json.dumps([code, *(stream.buffer.getvalue().decode() for stream in (out, err))]))
alembic(["check"])
"""


def test_the_new_field_works(copy: Path, url: str, tmp_path: Path) -> None:
    """All commands run in one process. At its end, Alembic compares the tables with the models."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TODO_", "PG"))}
    own = {"PYTHONPATH": str(copy), "TODO_HOME": str(tmp_path), "TODO_DATABASE_URL": url}
    process = [sys.executable, "-c", PROGRAM, json.dumps([*COMMANDS])]
    done = subprocess.run(process, cwd=copy, env=kept | own, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout, done.stderr)
    *results, found = done.stdout.splitlines()
    for (arguments, expected), result in zip(COMMANDS.items(), map(json.loads, results), strict=True):
        code, out, err = result
        assert code == 0, (arguments, err)
        assert expected in (None, out), arguments
    assert found == "No new upgrade operations detected."
