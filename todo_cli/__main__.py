"""Runs `python -m todo_cli` like the `todo` command."""

import sys

from todo_cli.cli.runtime import main

sys.exit(main())
