"""Projects: a name, and all that is nested in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, func, select
from sqlmodel import col

from todo_cli.db.database import Database
from todo_cli.db.step import Step, Transaction
from todo_cli.errors import BusyError, ConflictError, InvalidInputError
from todo_cli.models.tables import Project, Todo
from todo_cli.models.text import fold
from todo_cli.models.values import NAME_LENGTH, ProjectPublic, Status
from todo_cli.services.lookup import WITH_PROJECT, find_projects


async def list_projects(db: Database, *, archived: bool = False) -> list[ProjectPublic]:
    """Return the user's projects by name, with their open and done todos counted; `archived` adds those put away."""

    async def work(transaction: Transaction) -> list[ProjectPublic]:
        kept = and_(col(Todo.project_id) == col(Project.id), col(Todo.deleted_at).is_(None))
        statement = (
            select(
                col(Project.name),
                func.count(col(Todo.id)).filter(col(Todo.status) == Status.OPEN.value).label("open"),
                func.count(col(Todo.id)).filter(col(Todo.status) == Status.DONE.value).label("done"),
                col(Project.archived_at),
            )
            .outerjoin(Todo, kept)
            .where(col(Project.user_id) == transaction.user_id)
            .group_by(col(Project.id))
            .order_by(col(Project.key))
        )
        if not archived:
            statement = statement.where(col(Project.archived_at).is_(None))
        rows = (await transaction.session.execute(statement)).all()
        return [ProjectPublic(row.name, row.open, row.done, row.archived_at) for row in rows]

    return await db.read(work)


async def rename_project(db: Database, old: str, new: str) -> list[tuple[str, str]]:
    """Rename the project and what is nested in it; return the pairs of old and new names.

    Raises NotFoundError, ConflictError where a new name is taken, InvalidInputError where one is too long.
    """

    async def work(step: Step) -> list[tuple[str, str]]:
        projects = await find_projects(step, old, locked=True)
        if fold(new).startswith(f"{fold(old)}."):
            raise InvalidInputError(f"{new!r} lies inside {old!r}", "a project cannot move into itself")
        depth = old.count(".") + 1
        renamed = [(project, ".".join([new, *project.name.split(".")[depth:]])) for project in projects]
        await _check_free(step, {project.key for project in projects}, [name for _, name in renamed])
        pairs = [(project.name, name) for project, name in renamed]
        for project, name in renamed:  # the shortest first: moved upwards, it frees the name for the next
            step.change(project, name=name)
            await step.flush()
        return pairs

    return await db.write("project rename", work)


async def archive_project(db: Database, name: str) -> list[str]:
    """Put away the project and what is nested in it; return the names of those that were not before."""
    return await _set_archived(db, "project archive", name, db.now)


async def unarchive_project(db: Database, name: str) -> list[str]:
    """Bring back the project and what is nested in it; return the names of those that were put away."""
    return await _set_archived(db, "project unarchive", name, None)


async def count_project(db: Database, name: str) -> int:
    """Return how many todos, in the trash or not, the project and what is nested in it hold; raises NotFoundError."""

    async def work(transaction: Transaction) -> int:
        ids = [project.id for project in await find_projects(transaction, name)]
        count = select(func.count()).select_from(Todo).where(col(Todo.project_id).in_(ids))
        return await transaction.session.scalar(count) or 0

    return await db.read(work)


async def delete_project(db: Database, name: str) -> list[str]:
    """Delete the project and what is nested in it; return their names. Their todos stay, without a project."""

    async def work(step: Step) -> list[str]:
        # Todos are locked before their projects, as everywhere; then nobody can add to these any more.
        known = [project.id for project in await find_projects(step, name)]
        held = select(Todo).where(col(Todo.project_id).in_(known)).options(WITH_PROJECT).order_by(col(Todo.id))
        todos = (await step.session.execute(held.with_for_update(of=Todo))).scalars().all()
        projects = await find_projects(step, name, locked=True)
        ids = [project.id for project in projects]
        count = select(func.count()).select_from(Todo).where(col(Todo.project_id).in_(ids))
        if ids != known or await step.session.scalar(count) != len(todos):
            raise BusyError
        for todo in todos:
            step.change(todo, project=None)
        await step.flush()
        for project in projects:
            await step.remove(project)
        return [project.name for project in projects]

    return await db.write("project delete", work)


async def _set_archived(db: Database, command: str, name: str, moment: datetime | None) -> list[str]:
    async def work(step: Step) -> list[str]:
        projects = await find_projects(step, name, locked=True)
        if moment and fold(name) not in {project.key for project in projects}:
            # Only nested ones are there: the name itself is put away as well, so that it takes no new ones.
            projects.insert(0, await step.ensure(Project, name))
        changed = [project for project in projects if bool(project.archived_at) != bool(moment)]
        for project in changed:
            step.change(project, archived_at=moment)
        return [project.name for project in changed]

    return await db.write(command, work)


async def _check_free(step: Step, moving: set[str], names: list[str]) -> None:
    for name in names:
        if len(name) > NAME_LENGTH:
            raise InvalidInputError(f"the name {name!r} would be longer than {NAME_LENGTH} characters")
    taken = select(col(Project.name)).where(
        col(Project.user_id) == step.user_id,
        col(Project.key).in_([fold(name) for name in names]),
        col(Project.key).not_in(moving),
    )
    if clash := (await step.session.execute(taken)).scalars().first():
        raise ConflictError(f"there is a project {clash!r} already", "rename or delete that one first")
