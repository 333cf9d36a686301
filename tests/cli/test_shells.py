"""Completion in real shells: titles and names are offered unchanged, and nothing in them is run or interpreted."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.shells import Shell, make_program, require
from todo_cli.rendering.format.escaping import neutralize

TITLES = [
    r"Read about \$(touch pwned) in zsh",
    r"a \`touch pwned\` backtick",
    "b $(touch pwned) x",
    "c `touch pwned` x",
    "d ; touch pwned ; x",
    "e && touch pwned || touch pwned",
    "f | touch pwned & x",
    "g '; touch pwned; '",
    'h "; touch pwned; "',
    "i [/] and [bold]markup[/bold] [link=x]",
    "j %F{red}red%f %B %{x%} %n %% 100%",
    "k \x1b]0;owned\x07 \x1b[31m \x9b31m",
    "l first line\ntouch pwned\r",
    "m column\ttouch pwned",
    "n * ? ~ ~root {a,b} !! !touch #comment",
    "-n",
    "--yes",
    "o a:b:c \\:d \\\\ \\",
    "p (touch pwned) <(touch pwned) >pwned =ls",
    "q ünïcödé 漢字 🎉",
    "r שלום \u202eabc\u202c عربي",
    "s ${(e):-$(touch pwned)} $((1)) $HOME",
    "t )' ; touch pwned ; ('",
    "u ))'; touch pwned #",
    "v :::; touch pwned",
    "w \u2018touch pwned\u2019",
]
SHOWN = [neutralize(title)[:60] for title in TITLES]

SOURCED = {
    "zsh": ("autoload -Uz compinit; compinit -u", 'eval "$(todo --show-completion zsh)"'),
    "bash": ('bind "set show-all-if-ambiguous on"', 'eval "$(todo --show-completion bash)"'),
    "fish": ("todo --show-completion fish | source",),
}
RC = {"zsh": ".zshrc", "bash": ".bashrc", "fish": ".config/fish/config.fish"}

Open = Callable[..., Shell]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "user"
    home.mkdir()
    return home


@pytest.fixture
def open_shell(fresh_cli: Cli, home: Path) -> Open:
    """Open a shell with these lines in its configuration, on a list with hostile titles."""

    def open_(name: str, *settings: str) -> Shell:
        require(name)
        for title in TITLES:
            fresh_cli.here("add", "--", title)
        _write(home / RC[name], settings)
        return Shell(name, home, fresh_cli.environment)

    return open_


def _write(path: Path, lines: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def _assert_untouched(home: Path) -> None:
    assert not list(home.rglob("pwned"))


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_hostile_titles_are_shown_unchanged(shell: str, open_shell: Open, home: Path) -> None:
    with open_shell(shell, *SOURCED[shell]) as opened:
        shown = opened.complete("todo done ", *SHOWN)
        assert "Traceback" not in shown
    _assert_untouched(home)


def test_bash_offers_the_numbers(open_shell: Open, home: Path) -> None:
    with open_shell("bash", *SOURCED["bash"]) as opened:
        shown = opened.complete("todo done ", str(len(TITLES)))
    assert set(shown.split()) >= {str(number + 1) for number in range(len(TITLES))}
    _assert_untouched(home)


def test_zsh_prefers_our_file_on_fpath(open_shell: Open, home: Path, fresh_cli: Cli) -> None:
    """The file comes after zsh's own completion of devtodo, which claims `todo`."""
    script = fresh_cli("--show-completion", "zsh").out
    (home / "functions").mkdir()
    (home / "functions" / "_todo").write_text(script)
    with open_shell("zsh", "fpath+=~/functions", "autoload -Uz compinit; compinit -u") as opened:
        assert "_devtodo" in opened.run("print $_comps[todo]")
        for _ in range(2):  # the first time loads the function
            assert "no such option" not in opened.complete("todo done ", *SHOWN)
        opened.complete("todo list --view", "todo list --view ")
    _assert_untouched(home)


NAMES = [
    "$(touch${IFS}pwned)",
    "`touch${IFS}pwned`",
    "a;touch${IFS}pwned",
    "a b&c|d!!",
    "x'y\"z\\w",
    "*",
    "~",
    "[/]%F{red}",
    "a:b=c",
]


@pytest.mark.parametrize("shell", ["zsh", "bash", "fish"])
def test_a_hostile_name_is_inserted_as_one_word(shell: str, home: Path, fresh_cli: Cli) -> None:
    """`todo` does not allow such names, but anyone with the password of a server can write to its tables."""
    require(shell)
    fresh_cli.here("add", "x", "-p", "home")
    (cache,) = fresh_cli.home.glob("completion-*.json")
    _write(home / RC[shell], SOURCED[shell])
    with Shell(shell, home, fresh_cli.environment) as opened:
        for name in NAMES:
            if (shell, name) == ("fish", "~"):  # which it always leaves unquoted
                continue
            cache.write_text(json.dumps({"todos": {}, "projects": [name], "tags": []}))
            opened.run("todo list -p \t")
            assert (home / "arguments").read_text().splitlines() == ["list", "-p", name]
    _assert_untouched(home)


@pytest.mark.parametrize("word", ["'", '"', "'a b"])
def test_within_quotes_bash_offers_candidates_that_stay_one_word(word: str, home: Path, fresh_cli: Cli) -> None:
    """Bash inserts candidates there without quoting them."""
    require("bash")
    fresh_cli.here("add", "x", "-p", "home")
    (cache,) = fresh_cli.home.glob("completion-*.json")
    cache.write_text(json.dumps({"todos": {}, "projects": [*NAMES, "a b"], "tags": []}))
    program = """
        eval "$(todo --show-completion bash)"
        COMP_WORDS=(todo list -p "$1") COMP_CWORD=3 COMP_LINE="todo list -p $1" COMP_POINT=100
        _todo
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    result = subprocess.run(
        ["bash", "-c", program, "bash", word],
        env={**fresh_cli.environment, **make_program(home)},
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines() == (["a b"] if "a" in word else ["*", "~", "[/]%F{red}", "a:b=c", "a b"])
    _assert_untouched(home)


# The output of `todo --show-completion` when it used Typer's scripts, which people still have installed.
OLD_SCRIPTS = {
    "zsh": (
        "autoload -Uz compinit; compinit -u",
        """
_todo_completion() {
  eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _TODO_COMPLETE=complete_zsh todo)
}
compdef _todo_completion todo""",
    ),
    "bash": (
        'bind "set show-all-if-ambiguous on"',
        """
_todo_completion() {
    local IFS=$'\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \\
                   COMP_CWORD=$COMP_CWORD \\
                   _TODO_COMPLETE=complete_bash $1 ) )
    return 0
}
complete -o default -F _todo_completion todo""".replace("\\\\", "\\"),
    ),
    "fish": (
        (
            'complete --command todo --no-files --arguments "(env _TODO_COMPLETE=complete_fish '
            '_TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS=(commandline -cp) todo)" --condition '
            '"env _TODO_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=is-args '
            '_TYPER_COMPLETE_ARGS=(commandline -cp) todo"'
        ),
    ),
}


@pytest.mark.parametrize("shell", ["zsh", "bash", "fish"])
def test_old_scripts_get_only_words(shell: str, open_shell: Open, home: Path) -> None:
    with open_shell(shell, *OLD_SCRIPTS[shell]) as opened:
        shown = opened.complete("todo done ", "11", str(len(TITLES)))
        assert "touch" not in shown
        assert ("todo --install-completion" in shown) == (shell == "zsh")
        opened.complete("todo tag ", "rename", "delete")
    _assert_untouched(home)


@pytest.mark.parametrize("shell", ["zsh", "bash", "fish"])
def test_completion_at_every_position(shell: str, open_shell: Open, home: Path) -> None:
    with open_shell(shell, *SOURCED[shell]) as opened:
        for line, arguments in (
            ("todo li\t", ["list"]),
            ("todo list --sta\tcan\t", ["list", "--status", "cancelled"]),
            ("todo add 'it is' \"so\" --priority=me\t", ["add", "it is", "so", "--priority=medium"]),
            ("todo show 1,26\t", ["show", "1,26"]),
        ):
            opened.run(line)
            assert (home / "arguments").read_text().splitlines() == arguments


@pytest.mark.parametrize("shell", ["zsh", "bash", "fish"])
def test_each_name_is_completed_by_the_program_of_that_name(shell: str, open_shell: Open, home: Path) -> None:
    """Never by the word on the command line, which may be any program."""
    with open_shell(shell, *SOURCED[shell]) as opened:
        stranger = home / "bin" / "stranger"
        stranger.write_text('#!/bin/sh\ntouch "$HOME/pwned"\n')
        stranger.chmod(0o755)
        (home / "elsewhere").mkdir()
        shutil.copy(stranger, home / "elsewhere" / "neon-todo")
        for name, other in (("neon-todo", "todo"), ("todo", "neon-todo")):
            theirs = home / "bin" / other
            kept = theirs.read_bytes()
            shutil.copy(stranger, theirs)
            opened.run(f"{name} list --sta\tcan\t")
            assert (home / "arguments").read_text().splitlines() == ["list", "--status", "cancelled"]
            theirs.write_bytes(kept)
        opened.complete("elsewhere/neon-todo done ", *(["11", "12"] if shell == "bash" else SHOWN))
    _assert_untouched(home)


def _home_files(home: Path) -> dict[str, str]:
    return {str(path.relative_to(home)): path.read_text() for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize("shell", ["zsh", "bash", "fish"])
def test_install(shell: str, open_shell: Open, home: Path, fresh_cli: Cli) -> None:
    """Installing takes effect in a new shell, can be repeated, and keeps the contents of the user's files."""
    mine = "# mine, without a line break at its end: \xe9"
    rc = home / RC[shell]
    install = {"HOME": str(home), "ZDOTDIR": "", "XDG_CONFIG_HOME": ""}
    with open_shell(shell):
        pass
    rc.write_bytes(mine.encode("latin-1"))
    for _ in range(2):
        assert fresh_cli("--install-completion", shell, **install).code == 0
        written = rc.read_bytes()
        assert written.startswith(mine.encode("latin-1"))
        assert len(written.splitlines()) == (1 if shell == "fish" else 2)
    if shell == "bash":
        rc.write_bytes(written + b'bind "set show-all-if-ambiguous on"\n')
    for name in ("todo", "neon-todo"):
        with Shell(shell, home, fresh_cli.environment) as opened:
            opened.complete(f"{name} done ", *(["11", "12"] if shell == "bash" else SHOWN))
    _assert_untouched(home)
