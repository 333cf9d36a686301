"""An editor for tests: a script that edits the text as instructed, one step each time it is opened."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SCRIPT = """
import json, pathlib, stat, subprocess, sys
folder, path = map(pathlib.Path, sys.argv[1:])
steps = json.loads((folder / "steps.json").read_text("utf-8"))
step = steps.pop(0)
(folder / "steps.json").write_text(json.dumps(steps), "utf-8")
text = path.read_bytes().decode("utf-8")
number = len(list(folder.glob("seen-*")))
(folder / f"seen-{number:02}").write_bytes(path.read_bytes())
(folder / "modes").write_text(f"{stat.S_IMODE(path.stat().st_mode):o} {stat.S_IMODE(path.parent.stat().st_mode):o}")
for line in step["meanwhile"]:
    subprocess.run([sys.executable, "-m", "todo_cli", *line], check=True, stdin=subprocess.DEVNULL, capture_output=True)
for old, new in step["replace"]:
    if old not in text:
        raise SystemExit(f"there is no {old!r}")
    text = text.replace(old, new)
if step["text"] is not None:
    text = step["text"]
path.write_bytes(text.encode("utf-8", "surrogateescape"))
raise SystemExit(step["code"])
"""


@dataclass(frozen=True)
class Step:
    """Actions of the opened editor: concurrent commands, replacements, a whole new text, and an exit code."""

    replace: Sequence[tuple[str, str]] = ()
    meanwhile: Sequence[Sequence[str]] = ()
    text: str | None = None
    code: int = 0


class FakeEditor:
    """`command` is the value for EDITOR."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "script.py").write_text(SCRIPT)
        self.command = f"'{sys.executable}' '{folder / 'script.py'}' '{folder}'"

    def will(self, *steps: Step) -> None:
        """Set the steps for the next times it is opened."""
        (self.folder / "steps.json").write_text(json.dumps([asdict(step) for step in steps]), "utf-8")

    @property
    def left(self) -> int:
        """The number of steps that are left."""
        return len(json.loads((self.folder / "steps.json").read_text("utf-8")))

    @property
    def seen(self) -> list[str]:
        """The text that it found each time."""
        return [path.read_bytes().decode() for path in sorted(self.folder.glob("seen-*"))]
