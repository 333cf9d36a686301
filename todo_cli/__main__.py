"""Runs `python -m todo_cli` like the `todo` command."""

from todo_cli.entry import run

run()
