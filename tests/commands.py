"""Ways to run `todo`: as a separate process, or in the process of the test."""

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
    """The result of a process: its output as text, and its exit code."""

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
    """Run the real `todo` process, isolated from the user's files, either cold or through a resident process.

    Unless all run cold, `db` commands, which no resident serves, run in the process of the test, twenty times faster.
    """

    way: ClassVar[dict[str, str]] = {"TODO_RESIDENT": "off"}
    """The variables that choose between these; the fixture `way_of_commands` sets them."""
    warm: ClassVar[dict[str, str]] = way
    """The variables for a resident process, unless all commands are to run cold."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.options: dict[str, Any] = {}  # further arguments for Popen
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("TODO_", "PG"))}
        # Nothing else may connect while round trips are counted.
        self._way = self.way
        own = {"TODO_HOME": str(home), "TZ": "Europe/Berlin", "TODO_CONNECT_AHEAD": "no"}
        self.environment = {**inherited, **own, **self.way, **environment}

    def use_resident(self) -> None:
        """Run commands through a resident process, unless all commands are to run cold."""
        self._way = self.warm
        self.environment |= self._way

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        if self._way["TODO_RESIDENT"] == "on":
            start_resident(self._way["XDG_RUNTIME_DIR"])
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
        """Run a command that prepares a test in this process, which is twenty times faster."""
        result = self.run_here(*arguments)
        assert result.code == 0, result

    def run_here(self, *arguments: str, **environment: str) -> Result:
        """Run a command in this process and return its result."""
        from todo_cli.cli.main import main

        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with (
            mock.patch.dict(os.environ, {**self.environment, **environment}, clear=True),
            chdir(self.home.parent),
            redirect_stdout(out),
            redirect_stderr(err),
            ThreadPoolExecutor(1) as apart,
        ):  # the test may have its own loop
            code = apart.submit(main, arguments).result()
        for stream in (out, err):
            stream.seek(0)
        return Result(out.read(), err.read(), code)

    def __call__(self, *arguments: str, **environment: str) -> Result:
        runs_here = self._way["TODO_RESIDENT"] == "on" and not self.options and "db" in arguments
        if runs_here:
            return self.run_here(*arguments, **environment)
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=HANGING)
        return Result(out.decode(), err.decode(), process.returncode)


@functools.cache
def start_resident(folder: str) -> None:
    """Start the resident process with its socket in the folder, and return once it is ready."""
    wait_until(lambda: _ask_resident(folder, "start") == 0)


def stop_resident(folder: str) -> None:
    _ask_resident(folder, "stop")


def _ask_resident(folder: str, action: str) -> int:
    # As a command, because a resident serves only commands with its own Python options, and xdist adds some.
    command = [sys.executable, "-m", "todo_cli", "resident", action]
    environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "TODO_RESIDENT": "on", "TODO_HOME": folder}
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True).returncode


class Here:
    """Run command lines in the process of the test, which is faster."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Result:
        from todo_cli.cli.main import main

        self._capsys.readouterr()
        code = main(arguments)
        captured = self._capsys.readouterr()
        return Result(captured.out, captured.err, code)


def attend_to_interruptions() -> None:
    """Let SIGINT and SIGHUP reach the processes that are started from here on.

    If the tests were started with `nohup … &`, these signals are ignored, and child processes inherit that.
    """
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, default)


def ignore_interruptions() -> None:
    """Let this process ignore SIGINT, as a shell without job control does for background commands."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
