"""The module of each command. A test compares this with the modules in `commands/` and `edit/`."""

COMMANDS = {
    "commands.todos": ("add", "modify"),
    "edit.command": ("edit",),
    "commands.states": ("start", "stop", "done", "reopen", "cancel", "skip", "delete", "restore", "upcoming"),
    "commands.comments": ("comment",),
    "commands.lists": ("list", "ls", "show"),
    "commands.open": ("open",),
    "commands.ready": ("next", "blocked"),
    "commands.agenda": ("today", "agenda", "inbox", "waiting", "completed"),
    "commands.tree": ("tree",),
    "commands.history": ("undo", "redo", "history"),
    "commands.db.doctor": ("doctor",),
}
"""The commands that each module declares in its `app`, in the order of the help; `ls` is a hidden alias of `list`."""

GROUPS = {
    "trash": ("commands.lists:trash_app",),
    "view": ("commands.views:app",),
    "context": ("commands.contexts:app",),
    "project": ("commands.names:project_app",),
    "tag": ("commands.names:tag_app",),
    "user": ("commands.names:user_app",),
    "db": ("commands.db.databases:app", "commands.db.copying:app", "commands.db.backups:app"),
    "config": ("commands.settings:app",),
    "resident": ("commands.resident:app",),
}
"""The Typer apps of each group of commands."""


def command_names() -> frozenset[str]:
    """Return the names of all commands and groups."""
    return frozenset(name for names in COMMANDS.values() for name in names) | GROUPS.keys()
