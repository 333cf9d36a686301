"""Passwords appear neither in the process list nor in anything that the program writes."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import Cli
from todo_cli.redaction import conceal, conceal_arguments, find_secrets, mask

MARKER = "S3cretWord"
REPOSITORY = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Buy milk", "Buy milk"),
        ("see https://example.com/a?b=c", "see https://example.com/a?b=c"),
        ("mail anna@example.com: now", "mail anna@example.com: now"),
        ("no such command 'postgresql://alex:AbC@h/d'", "no such command 'postgresql://…"),
        ("POSTGRES://alex:AbC@h/d", "…"),
        ("https://alex:AbC@h/d", "https://…"),
        ("ftp://alex:AbC@h/d", "…"),
        ("it is alex:AbC@h/d", "it is …"),
        ("host=h password=AbC", "host=h password=…"),
        ("https://h/d?pass%77ord=AbC", "https://…"),
        ("a https://h postgresql://h/d?password=AbC", "a https://…"),
        (
            "examples: postgresql://alex:…@ep-cool or sqlite:////home",
            "examples: postgresql://alex:…@ep-cool or sqlite:////home",
        ),
    ],
)
def test_redacted_text(text: str, shown: str) -> None:
    assert conceal(text) == shown
    assert len(mask(text)) == len(text)
    assert "AbC" not in mask(text)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("add Buy milk", "add Buy milk"),
        ("add see https://example.com/?q=1", "add see https://example.com/?q=1"),
        ("--database sqlite:////home/alex/todo.db list", "--database sqlite:////home/alex/todo.db list"),
        ("db copy --from embedded --json", "db copy --from embedded --json"),
        ("db migrate --to 0003", "db migrate --to 0003"),
        ("db connect -", "db connect -"),
        ("db connect --from-env DATABASE_URL", "db connect --from-env ************"),
        ("db connect postgresql://a:b@h/d --json", "db connect postgresql://******* --json"),
        ("--json db connect a:b@h", "--json db connect *****"),
        ("db connect -- -a", "db connect -- **"),
        ("db connect postgresql://a:b c@h", "db connect postgresql://*** ***"),
        ("--database host=h,password=x list", "--database ***************** list"),
        ("--database=postgresql://h/d?user=x list", "--database=postgresql://********** list"),
        ("--database postgresql://h/d?pass%77ord=x list", "--database postgresql://**************** list"),
        ("db copy --to=mysql://u:p@h --from x@y", "db copy --to=mysql://***** --from ***"),
        ("db copy --to postgresql://u:my pass@h/d", "db copy --to postgresql://**** ********"),
        ("config set database u:p@h", "config set database *****"),
        ("config set -- database x", "config set -- database *"),
        ("add postgresql://h/d?sslpassword=ö", "add postgresql://*****************"),
        ("https://a:b@h/x", "https://*******"),
    ],
)
def test_redacted_command_lines(line: str, shown: str) -> None:
    arguments = line.split()
    starts = find_secrets(arguments)
    hidden = [a if s is None else a[:s] + "*" * (len(a) - s) for a, s in zip(arguments, starts, strict=True)]
    assert " ".join(hidden) == shown


def test_messages_repeat_no_secret_argument() -> None:
    arguments = ["db", "connect", "postgresql://alex:my", "S3cret\\Word@h"]
    masked = conceal_arguments(f"unexpected: {arguments[3]} {arguments[3]!r}", arguments)
    assert masked == "unexpected: ************* '*************'"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lets a process overwrite its arguments")
@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["db", "connect", f"postgresql://h/d?user=alex&password={MARKER}"], "postgresql://*"),
        (["db", "connect", f"postgresql://h/d?sslpassword={MARKER}", "--json"], "--json"),
        (["db", "connect", f"alex:{MARKER}@h/d"], "connect\0*"),
        (["--database", f"postgresql://h/d?pass%77ord={MARKER}", "list", "", "ö"], "\0list\0\0ö\0"),
        ([f"--database=host=h password={MARKER}", "add", "x"], "--database=*"),
        (["add", "é", f"postgres://é:{MARKER}@h/d"], "add\0é\0postgres://*"),
    ],
)
def test_the_process_list_shows_no_password(arguments: list[str], kept: str) -> None:
    program = "from todo_cli.redaction import hide_passwords; hide_passwords(); print('hidden', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"hidden\n"
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.communicate(b"\n")
    assert process.returncode == 0
    assert MARKER not in shown.decode()
    assert kept in shown.decode()
    assert len(shown.split(b"\0")[3:-1]) == len(arguments)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lets a process overwrite its arguments")
@pytest.mark.parametrize(
    "form", ["postgresql://127.0.0.1:{}/d?user=alex&password={}", "postgresql://a:{1}@127.0.0.1:{0}/d"]
)
def test_a_command_that_waits_for_a_server_shows_no_password(fresh_cli: Cli, form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = form.format(listening.getsockname()[1], MARKER)
        with fresh_cli.start("db", "connect", url) as process:
            connection, _ = listening.accept()  # it has started by now
            shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            process.terminate()
            connection.close()
    assert MARKER.encode() not in shown
    assert b"connect\0postgresql://*" in shown


def test_a_start_without_secrets_imports_nothing() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); before = set(sys.modules);"
        "from todo_cli.redaction import hide_passwords; hide_passwords(); print(*sorted(set(sys.modules) - before))"
    )
    arguments = ["add", "see https://example.com/?v=1 due:friday", "--database", "sqlite:////tmp/todo.db"]
    result = subprocess.run([sys.executable, "-I", "-S", "-c", program, *arguments], capture_output=True, text=True)
    assert result.stdout.split()[-2:] == ["todo_cli", "todo_cli.redaction"]
    assert not {"re", "ctypes", "typing", "enum", "pathlib"} & set(result.stdout.split())


# The places for a URL: on each command line, in the environment, or in the settings.
COMMANDS = [
    ["--database", "URL", "list"],
    ["--database=URL", "list", "--json", "--debug"],
    ["--database", "URL", "db", "status", "--json"],
    ["db", "connect", "URL"],
    ["db", "connect", "WORDS"],
    ["db", "connect", "--from-env", "URL"],
    ["db", "copy", "--to", "URL", "--debug"],
    ["db", "copy", "--from", "URL", "--json"],
    ["config", "set", "database", "URL"],
]
ANYWHERE = [["URL"], ["db", "URL"], ["config", "set", "database_env", "URL"], ["--user", "URL", "list"], ["--URL"]]
READING = [
    ["list"],
    ["db", "status", "--json"],
    ["doctor"],
    ["doctor", "--json"],
    ["config", "list"],
    ["--debug", "list"],
]
FILES = [
    "database = 'URL'",
    'database = ["URL"]',
    "database = URL",
    "database = 'URL",
    "database = {'URL' = 1, 'URL' = 2}",
    "database = {url = 'URL'}",
    "'URL' = 1",
    "[urgency.tag]\n'URL' = 'x'",
    "['URL']",
    "database_env = 'URL'",
    "connect_timeout = 'URL'",
    "views = 'URL'",
    "[views]\na = 'URL'",
    "[contexts.a]\nfilter = ['URL']",
]

SPECIAL = st.sampled_from([*"@:/?#[]%&=+ ;,'\"\\é\t", "//", "?user=", "&host=", "?sslmode=", "%40", "12"])
SECRETS = st.lists(SPECIAL, max_size=4).flatmap(
    lambda signs: st.integers(0, len(signs)).map(lambda n: "".join((*signs[:n], MARKER, *signs[n:])))
)
PASSWORDS = SECRETS | SECRETS.map(lambda secret: quote(secret, safe=""))
HOST = "127.0.0.1:1"
SCHEMED = [
    f"{scheme}://{rest}"
    for scheme in (
        "postgresql",
        "postgres",
        "postgresql+asyncpg",
        "POSTGRESQL",
        "postgresq",
        "mysql",
        "sqlite:///postgresql",
    )
    for rest in (
        f"alex:PASSWORD@{HOST}/db",
        f":PASSWORD@{HOST}/db?sslmode=disable",
        f"alex%3APASSWORD@{HOST}/db",
        *(
            f"{HOST}/db?user=alex&{key}=PASSWORD&application_name=x"
            for key in ("password", "pass%77ord", "%70assword", "sslpassword", "passwrd", "Password")
        ),
    )
] + [
    f"{MARKER}://alex:PASSWORD@{HOST}/db",
    f"'postgresql://alex:PASSWORD@{HOST}/db",
    f"postgresql:///alex:PASSWORD@{HOST}/db",
]
BARE = [f"alex:PASSWORD@{HOST}/db", f"postgresql:/alex:PASSWORD@{HOST}/db", f"host={HOST} user=alex password=PASSWORD"]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[str], dict[str, str], str | None]:
    """Return a command line, an environment and the text of a configuration file."""
    way = draw(st.sampled_from(["option", "anywhere", "environment", "file"]))
    forms = SCHEMED + (BARE if way in ("option", "environment") else [])
    url = draw(st.sampled_from(forms)).replace("PASSWORD", draw(PASSWORDS))
    if way == "file":
        return draw(st.sampled_from(READING)), {}, draw(st.sampled_from(FILES)).replace("URL", url)
    if way == "environment":
        return draw(st.sampled_from(READING)), {"TODO_DATABASE_URL": url}, None
    template = draw(st.sampled_from(COMMANDS if way == "option" else ANYWHERE))
    arguments = [word.replace("URL", url) for word in template if word != "WORDS"]
    return arguments + (url.split(" ") if "WORDS" in template else []), {}, None


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="todo-redaction-"))
    yield folder
    shutil.rmtree(folder)


def write_everything(home: Path, arguments: list[str], environment: dict[str, str], file: str | None) -> str:
    """Run the command with that configuration file and return what it writes to both streams."""
    from todo_cli.cli.main import main

    (home / "config.toml").unlink(missing_ok=True)
    if file is not None:
        (home / "config.toml").write_text(file, "utf-8")
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, "utf-8", write_through=True)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("TODO_", "PG"))}
    settings = {"TODO_HOME": str(home), "TODO_CONNECT_TIMEOUT": "0.1", "TZ": "Europe/Berlin", **environment}
    with (
        mock.patch.dict(os.environ, {**inherited, **settings}, clear=True),
        redirect_stdout(stream),
        redirect_stderr(stream),
    ):
        main(arguments)
        main(["config", "list"])  # what was stored, if anything was
    return written.getvalue().decode()


def check_nothing_is_shown(home: Path, case: tuple[list[str], dict[str, str], str | None]) -> None:
    written = write_everything(home, *case)
    assert MARKER.lower() not in written.lower()
    assert "internal error:" not in written


ALWAYS = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], print_blob=True
)


@settings(ALWAYS, max_examples=100)
@given(cases())
@example((["db", "connect", f"postgresql://alex:12?{MARKER}=x@h/db"], {}, None))
@example((["list"], {}, f'database = ["postgresql://alex:{MARKER}@h/db"]'))
@example((["db", "connect", "postgresql://alex:my", f"{MARKER}", "pw@h/db"], {}, None))
@example((["list", "--debug"], {"TODO_DATABASE_URL": f"postgresql://alex:1@h?sslmode={MARKER}@h/db"}, None))
@example(([f"--mysql://alex:{MARKER}?user=@127.0.0.1:1/db"], {}, None))
def test_no_output_contains_a_password(home: Path, case: tuple[list[str], dict[str, str], str | None]) -> None:
    check_nothing_is_shown(home, case)


@pytest.mark.exhaustive
@settings(ALWAYS, max_examples=2000)
@given(cases())
@pytest.mark.long
def test_no_output_contains_a_password_in_many_more_cases(
    home: Path, case: tuple[list[str], dict[str, str], str | None]
) -> None:
    check_nothing_is_shown(home, case)
