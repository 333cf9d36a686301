"""The options --show-completion and --install-completion, for the scripts in `shells/`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from todo_cli.errors import InvalidInputError, StorageError

_SCRIPTS = {
    "bash": "todo.bash",
    "zsh": "todo.zsh",
    "fish": "todo.fish",
    "powershell": "todo.ps1",
    "pwsh": "todo.ps1",
}
SHELLS = tuple(_SCRIPTS)

_CURRENT = "current"
_OPTIONS = ("--show-completion", "--install-completion")


def name_shell(arguments: Sequence[str]) -> list[str]:
    """Return the arguments; add a value to a leading option of this module that has none.

    In Typer, an option has a value always or never.
    """
    first, *rest = arguments or [""]
    if first in _OPTIONS and (not rest or rest[0].startswith("-")):
        return [first, _CURRENT, *rest]
    return list(arguments)


def show(context: typer.Context, shell: str | None) -> None:
    """Print the script for a shell and exit."""
    if shell is not None and not context.resilient_parsing:
        typer.echo(_read_script(_find_shell(shell)), nl=False)
        raise typer.Exit


def install(context: typer.Context, shell: str | None) -> None:
    """Install the script for a shell for this user and exit."""
    if shell is not None and not context.resilient_parsing:
        shell = _find_shell(shell)
        try:
            path = _INSTALLERS[shell](_read_script(shell))
        except OSError as error:
            raise StorageError(f"cannot write {error.filename}: {error.strerror}") from None
        typer.echo(f"Installed {shell} completion in {path}; open a new shell to use it.", err=True)
        raise typer.Exit


def _complete_shells() -> list[str]:
    return list(SHELLS)


ShowCompletionOption = Annotated[
    str | None,
    typer.Option(
        "--show-completion",
        metavar="[SHELL]",
        help=f"Print the completion script for this shell, or for SHELL: {', '.join(SHELLS[:-1])}.",
        callback=show,
        is_eager=True,
        expose_value=False,
        autocompletion=_complete_shells,
    ),
]
InstallCompletionOption = Annotated[
    str | None,
    typer.Option(
        "--install-completion",
        metavar="[SHELL]",
        help="Install the completion script for this shell, or for SHELL.",
        callback=install,
        is_eager=True,
        expose_value=False,
        autocompletion=_complete_shells,
    ),
]


def _find_shell(name: str) -> str:
    """Return the name of a supported shell; raises InvalidInputError for any other."""
    hint = f"specify {', '.join(SHELLS[:-1])} or {SHELLS[-1]}, as in 'todo --show-completion bash'"
    if name == _CURRENT:
        detected = _detect_shell()
        if detected not in SHELLS:
            raise InvalidInputError("cannot detect the shell", hint)
        return detected
    if name not in SHELLS:
        raise InvalidInputError(f"there is no completion script for {name!r}", hint)
    return name


def _detect_shell() -> str:
    """Return the name of the shell that runs this process, or else of the user's login shell."""
    import shellingham

    try:
        detected, _ = shellingham.detect_shell()
    except (shellingham.ShellDetectionFailure, RuntimeError):
        detected = ""
    return detected if detected in SHELLS else Path(os.environ.get("SHELL", "")).name


def _read_script(shell: str) -> str:
    return (Path(__file__).parent / "shells" / _SCRIPTS[shell]).read_text("utf-8")


def _install_bash(script: str) -> Path:
    path = _write(Path.home() / ".bash_completions" / "todo.sh", script)
    _append_line(Path.home() / ".bashrc", f"source {_quote(str(path))}")
    return path


def _install_zsh(script: str) -> Path:
    path = _write(Path.home() / ".zfunc" / "_todo", script)
    # A sourced script needs neither a folder in fpath nor a new compinit dump.
    settings = Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc"
    _append_line(
        settings, f"(( $+functions[compdef] )) || {{ autoload -Uz compinit; compinit }}; source {_quote(str(path))}"
    )
    return path


def _install_fish(script: str) -> Path:
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    completions = folder / "fish" / "completions"
    _write(completions / "neon-todo.fish", script)  # fish looks for a file by the command's name
    return _write(completions / "todo.fish", script)


def _install_powershell(shell: str) -> Callable[[str], Path]:
    def install_script(script: str) -> Path:
        profile = _find_profile(shell)
        path = _write(profile.with_name("todo_completion.ps1"), script)
        quoted = str(path).replace("'", "''")
        _append_line(profile, f". '{quoted}'")
        return path

    return install_script


_INSTALLERS: dict[str, Callable[[str], Path]] = {
    "bash": _install_bash,
    "zsh": _install_zsh,
    "fish": _install_fish,
    "powershell": _install_powershell("powershell"),
    "pwsh": _install_powershell("pwsh"),
}


def _find_profile(shell: str) -> Path:
    """Return the file that PowerShell runs when it starts."""
    import subprocess

    command = [shell, "-NoProfile", "-NonInteractive", "-Command", "$PROFILE"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    except FileNotFoundError:
        raise InvalidInputError(
            f"{shell} is not installed", "run 'todo --show-completion powershell' to print the script"
        ) from None
    if result.returncode or not result.stdout.strip():
        raise StorageError(
            f"cannot find the profile of {shell}", "run 'todo --show-completion powershell' to print the script"
        )
    return Path(result.stdout.strip())


def _write(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, "utf-8")
    return path


def _append_line(path: Path, line: str) -> None:
    """Append a line to one of the user's files, unless it is already there; the rest of the file is unchanged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = path.read_bytes() if path.exists() else b""
    if line.encode() in content.splitlines():
        return
    with path.open("ab") as file:
        file.write((b"" if not content or content.endswith(b"\n") else b"\n") + line.encode() + b"\n")


def _quote(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"
