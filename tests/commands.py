"""Ways to run `todo`: as a process of its own, or within the test's."""

from __future__ import annotations

import functools
import io
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import pytest

from tests.waits import HANGING, wait_until


@dataclass
class Result:
    """What a finished process left: its output as text, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def ids(self) -> list[int]:
        return [int(line.split("\t")[0]) for line in self.lines]


class Cli:
    """Runs the real `todo` process, away from the user's own files; cold, or through a resident process."""

    way: ClassVar[dict[str, str]] = {"TODO_RESIDENT": "off"}
    """The variables that decide it, which the fixture `way_of_commands` sets."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.options: dict[str, Any] = {}  # more of them for Popen
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("TODO_", "PG"))}
        # Where round trips are counted, nothing else may connect.
        own = {"TODO_HOME": str(home), "TZ": "Europe/Berlin", "TODO_CONNECT_AHEAD": "no"}
        self.environment = {**inherited, **own, **self.way, **environment}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        if self.way["TODO_RESIDENT"] == "on":
            start_resident(self.way["XDG_RUNTIME_DIR"])
        return subprocess.Popen(
            [sys.executable, "-m", "todo_cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **environment},
            cwd=self.home.parent,
            **self.options,
        )

    def here(self, *arguments: str) -> None:
        """Run a command that prepares a test within this process: twenty times as quick."""
        result = self.run_here(*arguments)
        assert result.code == 0, result

    def run_here(self, *arguments: str, **environment: str) -> Result:
        """Return what a command leaves that runs within this process."""
        from todo_cli.cli.main import main

        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with (
            mock.patch.dict(os.environ, {**self.environment, **environment}, clear=True),
            chdir(self.home.parent),
            redirect_stdout(out),
            redirect_stderr(err),
            ThreadPoolExecutor(1) as apart,
        ):  # the test may have a loop of its own
            code = apart.submit(main, arguments).result()
        for stream in (out, err):
            stream.seek(0)
        return Result(out.read(), err.read(), code)

    def __call__(self, *arguments: str, **environment: str) -> Result:
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=HANGING)
        return Result(out.decode(), err.decode(), process.returncode)


class QuickCli(Cli):
    """Runs commands within the test's process, for those that no resident serves; cold where those are to run cold."""

    def __call__(self, *arguments: str, **environment: str) -> Result:
        if self.way["TODO_RESIDENT"] == "off":
            return super().__call__(*arguments, **environment)
        return self.run_here(*arguments, **environment)


@functools.cache
def start_resident(folder: str) -> None:
    """Start the resident process whose socket lies in the folder, and return when it is ready."""
    wait_until(lambda: _ask_resident(folder, "start") == 0)


def stop_resident(folder: str) -> None:
    _ask_resident(folder, "stop")


def _ask_resident(folder: str, action: str) -> int:
    # As a command, since a resident serves those that were started as it was: xdist gives Python options of its own.
    command = [sys.executable, "-m", "todo_cli", "resident", action]
    environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "TODO_RESIDENT": "on", "TODO_HOME": folder}
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True).returncode


class Here:
    """Runs command lines within the test's own process: quicker, for what needs no process of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Result:
        from todo_cli.cli.main import main

        self._capsys.readouterr()
        code = main(arguments)
        captured = self._capsys.readouterr()
        return Result(captured.out, captured.err, code)


def attend_to_interruptions() -> None:
    """Let Ctrl-C and a hang-up reach the processes that are started from here on.

    Where the tests themselves were started with `nohup … &` they are ignored, which every process inherits.
    """
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, default)


def ignore_interruptions() -> None:
    """Let this process ignore Ctrl-C, as a shell without job control does before what is started with `&`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
