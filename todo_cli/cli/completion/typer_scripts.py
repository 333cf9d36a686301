"""Answers the completion scripts that Typer made, which may still be installed.

Its script for zsh evaluates the answer. So the answer holds words only that no shell can take for anything else, and no
descriptions. `todo --install-completion` puts the scripts in `shells/` in their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

VARIABLE = "_TODO_COMPLETE"
_HARMLESS = re.compile(r"[\w.,-]+")
_OUTDATED = "this completion script is outdated; replace it with: todo --install-completion"


def answer(environment: Mapping[str, str], find: Callable[[str], Iterable[tuple[str, str]]]) -> str | None:
    """Return what to print for such a script; None where none asks. `find` gives the candidates for a line."""
    instruction = environment.get(VARIABLE)
    if not instruction:
        return None
    if environment.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":  # it looks at the exit code alone
        return ""
    words = [word for word, _ in find(_line(instruction, environment)) if _HARMLESS.fullmatch(word)]
    match instruction:
        case "complete_zsh":
            return f"compadd -x '{_OUTDATED}'; " + (f"_arguments '*: :({' '.join(words)})'\n" if words else "_files\n")
        case "complete_bash" | "complete_fish":
            return "".join(f"{word}\n" for word in words)
        case "complete_powershell" | "complete_pwsh":
            return "".join(f"{word}::: \n" for word in words)
        case _:
            return ""


def _line(instruction: str, environment: Mapping[str, str]) -> str:
    """Return the command line up to the cursor."""
    if instruction != "complete_bash":
        return environment.get("_TYPER_COMPLETE_ARGS", "")
    words = environment.get("COMP_WORDS", "").split("\n")
    place = environment.get("COMP_CWORD", "0")
    return " ".join(words[: int(place) + 1] if place.isdecimal() else words)
