"""Projects, each together with the projects nested in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, func, or_, select

from todo_cli.db.database import Database
from todo_cli.db.read.names_sql import is_named
from todo_cli.db.read.queries import Ordering, Query, Request
from todo_cli.db.scope import owned
from todo_cli.db.write.step import Step
from todo_cli.errors import ConflictError, InvalidInputError
from todo_cli.models.fields import FIELDS
from todo_cli.models.tables import PROJECTS, TODOS, Project
from todo_cli.models.text import fold
from todo_cli.models.values import NAME_LENGTH, ProjectPublic, Status
from todo_cli.services.lookup import check_name, lock_named, refuse

_FIELD = FIELDS["project"]


async def list_projects(db: Database, *, archived: bool = False) -> list[ProjectPublic]:
    """Return the user's projects by name, with counts of open and done todos; `archived` includes archived ones."""

    def make(request: Request) -> Query:
        kept = and_(TODOS.c.project_id == PROJECTS.c.id, TODOS.c.deleted_at.is_(None))
        statement = (
            select(
                PROJECTS.c.name,
                func.count(TODOS.c.id).filter(TODOS.c.status == Status.OPEN.value).label("open"),
                func.count(TODOS.c.id).filter(TODOS.c.status == Status.DONE.value).label("done"),
                PROJECTS.c.archived_at,
            )
            .outerjoin(TODOS, kept)
            .where(owned(PROJECTS, request.scope))
            .group_by(PROJECTS.c.id)
        )
        if not archived:
            statement = statement.where(PROJECTS.c.archived_at.is_(None))
        return Query(statement, [Ordering(PROJECTS.c.key)])

    rows = await db.fetch(make)
    return [ProjectPublic(row.name, row.open, row.done, row.archived_at) for row in rows if row.found]


async def rename_project(db: Database, old: str, new: str) -> list[tuple[str, str]]:
    """Rename a project and those nested in it; return the pairs of old and new names.

    Raises NotFoundError, ConflictError if a new name is taken, and InvalidInputError if one is too long.
    """

    async def work(step: Step) -> list[tuple[str, str]]:
        # Lock the projects to rename and those that may have a new name, in one statement.
        met = await lock_named(step, Project, or_(is_named(_FIELD, old), is_named(_FIELD, new)))
        projects = [project for project in met if f"{project.key}.".startswith(f"{fold(old)}.")]
        if not projects:
            await refuse(step, Project, old)
        if fold(new).startswith(f"{fold(old)}."):
            raise InvalidInputError(f"{new!r} is nested in {old!r}", "a project cannot be moved into itself")
        depth = old.count(".") + 1
        renamed = [(project, ".".join([new, *project.name.split(".")[depth:]])) for project in projects]
        _check_free({project.key: project.name for project in met}, renamed)
        pairs = [(project.name, name) for project, name in renamed]
        if any(fold(name) in {project.key for project in projects} - {moved.key} for moved, name in renamed):
            await _rename_upwards(step, renamed)
        else:
            for project, name in renamed:
                step.change(project, name=name)
        return pairs

    return await db.write("project rename", work)


async def _rename_upwards(step: Step, renamed: list[tuple[Project, str]]) -> None:
    """Rename projects that take over each other's names: the shortest first, each after its new name is free."""
    freed: set[str] = set()
    for project, name in sorted(renamed, key=lambda pair: len(pair[0].key)):
        if fold(name) in freed:  # uniqueness is checked row by row
            await step.send()
            freed.clear()
        freed.add(project.key)
        step.change(project, name=name)


async def archive_project(db: Database, name: str) -> list[str]:
    """Archive a project and those nested in it; return the names of those that were not archived."""
    return await _set_archived(db, "project archive", name, db.now)


async def unarchive_project(db: Database, name: str) -> list[str]:
    """Unarchive a project and those nested in it; return the names of those that were archived."""
    return await _set_archived(db, "project unarchive", name, None)


async def count_project(db: Database, name: str) -> int:
    """Return the number of todos, including the trash, in a project and those nested in it; raises NotFoundError."""

    def make(request: Request) -> Query:
        mine = and_(owned(PROJECTS, request.scope), is_named(_FIELD, name))
        held = select(func.count()).select_from(TODOS).join(PROJECTS).where(mine).scalar_subquery()
        return Query(select(PROJECTS.c.id).where(mine).limit(1), [], beside=[held.label("held")])

    [row] = await db.fetch(make)
    if not row.found:
        await db.read(lambda transaction: check_name(transaction, _FIELD, name))
    return int(row.held)


async def delete_project(db: Database, name: str) -> list[str]:
    """Delete a project and those nested in it; return their names. Their todos are kept, without a project."""

    async def work(step: Step) -> list[str]:
        removed = await step.remove(Project, is_named(_FIELD, name))
        if not removed:
            await refuse(step, Project, name)
        return [project.name for project in removed]

    return await db.write("project delete", work)


async def _set_archived(db: Database, command: str, name: str, moment: datetime | None) -> list[str]:
    async def work(step: Step) -> list[str]:
        projects = await lock_named(step, Project, is_named(_FIELD, name))
        if not projects:
            await refuse(step, Project, name)
        changed = [project for project in projects if bool(project.archived_at) != bool(moment)]
        names = [project.name for project in changed]
        if moment and fold(name) not in {project.key for project in projects}:
            # Only nested projects exist: archive the name itself as well, so that it takes no new ones.
            step.create(Project(name=name, archived_at=moment, created_at=step.now))
            names.insert(0, name)
        for project in changed:
            step.change(project, archived_at=moment)
        return names

    return await db.write(command, work)


def _check_free(known: dict[str, str], renamed: list[tuple[Project, str]]) -> None:
    for _, name in renamed:
        if len(name) > NAME_LENGTH:
            raise InvalidInputError(f"the name {name!r} would be longer than {NAME_LENGTH} characters")
    taken = known.keys() - {project.key for project, _ in renamed}
    for _, name in renamed:
        if fold(name) in taken:
            raise ConflictError(f"project {known[fold(name)]!r} already exists", "rename or delete it first")
