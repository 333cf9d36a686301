"""The commands for projects, tags and users."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from todo_cli.cli import options
from todo_cli.cli.completion import candidates
from todo_cli.cli.invocation import Invocation
from todo_cli.cli.parsing.registration import command
from todo_cli.cli.storing import after_storing

project_app = typer.Typer(help="List, rename, archive and delete projects.")
tag_app = typer.Typer(help="List, rename and delete tags.")
user_app = typer.Typer(help="List, add and rename the users of the database.")

ProjectName = Annotated[str, typer.Argument(metavar="NAME", hidden=True, autocompletion=candidates.complete_projects)]
TagName = Annotated[str, typer.Argument(metavar="NAME", hidden=True, autocompletion=candidates.complete_tags)]
NewName = Annotated[str, typer.Argument(metavar="NEW", hidden=True)]


@command(project_app, "list", epilog="Example: todo project list")
def project_list(
    invocation: Invocation,
    all_: Annotated[bool, typer.Option("--all", help="Include archived projects.")] = False,
) -> None:
    """List projects with the number of open and done todos in each."""
    from todo_cli.services.projects import list_projects

    projects = invocation.run(list_projects, archived=all_)
    candidates.remember_names(invocation, "projects", [project.name for project in projects if not project.archived_at])
    invocation.renderer.show_records([asdict(project) for project in projects])
    if not projects and invocation.at_terminal:
        invocation.note("No projects. Create one with a todo: todo add Buy milk -p home")


@command(project_app, "rename", epilog="Example: todo project rename home house")
def project_rename(invocation: Invocation, old: ProjectName, new: NewName) -> None:
    """Rename a project and the projects nested in it."""
    from todo_cli.query.names import parse_name
    from todo_cli.services.projects import rename_project

    pairs = invocation.run(rename_project, _existing(old), parse_name(new, "project"))
    with after_storing(invocation):
        candidates.forget(invocation)
        invocation.renderer.show_records([{"old": before, "new": after} for before, after in pairs])


@command(project_app, "archive", epilog="Example: todo project archive home")
def project_archive(invocation: Invocation, name: ProjectName) -> None:
    """Archive a project and the projects nested in it.

    Lists then show its todos only if you filter by the project.
    """
    from todo_cli.services.projects import archive_project

    _show_names(invocation, invocation.run(archive_project, _existing(name)), f"{name} is already archived")


@command(project_app, "unarchive", epilog="Example: todo project unarchive home")
def project_unarchive(invocation: Invocation, name: ProjectName) -> None:
    """Unarchive a project and the projects nested in it."""
    from todo_cli.services.projects import unarchive_project

    _show_names(invocation, invocation.run(unarchive_project, _existing(name)), f"{name} is not archived")


@command(project_app, "delete", epilog="Example: todo project delete home")
def project_delete(invocation: Invocation, name: ProjectName, yes: options.YesOption = False) -> None:
    """Delete a project and the projects nested in it. Their todos are kept, without a project."""
    from todo_cli.services.projects import count_project, delete_project

    if not yes and (held := invocation.run(count_project, _existing(name))):
        invocation.confirm(f"delete project {name} and leave {options.count_todos(held)} without a project", yes=yes)
    _show_names(invocation, invocation.run(delete_project, _existing(name)), "")


@command(tag_app, "list", epilog="Example: todo tag list")
def tag_list(invocation: Invocation) -> None:
    """List tags with the number of open and done todos for each."""
    from todo_cli.services.tags import list_tags

    tags = invocation.run(list_tags)
    candidates.remember_names(invocation, "tags", [tag.name for tag in tags])
    invocation.renderer.show_records([asdict(tag) for tag in tags])
    if not tags and invocation.at_terminal:
        invocation.note("No tags. Create one with a todo: todo add Buy milk -t shop")


@command(tag_app, "rename", epilog="Example: todo tag rename bills money")
def tag_rename(invocation: Invocation, old: TagName, new: NewName) -> None:
    """Rename a tag on all its todos."""
    from todo_cli.query.names import parse_name
    from todo_cli.services.tags import rename_tag

    before, after = invocation.run(rename_tag, _existing(old), parse_name(new, "tag"))
    with after_storing(invocation):
        candidates.forget(invocation)
        invocation.renderer.show_records([{"old": before, "new": after}])


@command(tag_app, "delete", epilog="Example: todo tag delete later")
def tag_delete(invocation: Invocation, name: TagName, yes: options.YesOption = False) -> None:
    """Delete a tag and remove it from all todos."""
    from todo_cli.services.tags import count_tag, delete_tag

    if not yes and (held := invocation.run(count_tag, _existing(name))):
        invocation.confirm(f"delete tag {name} and remove it from {options.count_todos(held)}", yes=yes)
    _show_names(invocation, [invocation.run(delete_tag, _existing(name))], "")


@command(user_app, "list", epilog="Example: todo user list")
def user_list(invocation: Invocation) -> None:
    """List the users of the database."""
    from todo_cli.services.users import list_users

    invocation.renderer.show_records([asdict(user) for user in invocation.run(list_users)])


@command(user_app, "add", epilog="Example: todo user add sam")
def user_add(invocation: Invocation, name: Annotated[str, typer.Argument(metavar="NAME", hidden=True)]) -> None:
    """Add a user. Users of one database do not see each other's todos."""
    from todo_cli.query.names import parse_name
    from todo_cli.services.users import add_user

    added = invocation.run(add_user, parse_name(name, "user"))
    _show_names(invocation, [added.name], "")
    if invocation.settings["user"].source == "default":
        invocation.note("This database now has several users. Select yours: todo config set user NAME")


@command(user_app, "rename", epilog="Example: todo user rename sam samira")
def user_rename(
    invocation: Invocation, old: Annotated[str, typer.Argument(metavar="OLD", hidden=True)], new: NewName
) -> None:
    """Rename a user."""
    from todo_cli.models.text import fold
    from todo_cli.query.names import parse_name
    from todo_cli.services.databases.settings import store_setting
    from todo_cli.services.users import rename_user

    before, after = invocation.run(rename_user, _existing(old), parse_name(new, "user"))
    stored, database = invocation.settings["user"], invocation.settings["database"]
    is_usual = stored.source == "stored" and database.source in ("stored", "default")
    if is_usual and fold(str(stored.value)) == fold(before):
        store_setting("user", after)  # else every later command would ask for the old name
    with after_storing(invocation):
        invocation.renderer.show_records([{"old": before, "new": after}])


def _show_names(invocation: Invocation, names: list[str], unchanged: str) -> None:
    with after_storing(invocation):
        candidates.forget(invocation)
        if not names:
            invocation.note(unchanged)
        invocation.renderer.show_records([{"name": name} for name in names])


def _existing(name: str) -> str:
    """Return the name of an existing entity, composed as it is stored (NFC); it may be any text."""
    from unicodedata import normalize

    from todo_cli.query.texts import check_text

    return normalize("NFC", check_text(name, "name"))
