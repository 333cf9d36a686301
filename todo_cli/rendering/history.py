"""History as sentences: what each step did to which todo, and what reverting it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from todo_cli.models.fields import FIELDS, Field, Kind
from todo_cli.models.history import FieldValue, HistoryChange, HistoryStep, RevertedSteps
from todo_cli.models.values import When
from todo_cli.query.kinds import label_of
from todo_cli.query.quantities import format_duration
from todo_cli.rendering.format.dates import describe_age, format_date, format_instant, format_moment, format_when
from todo_cli.rendering.format.differences import ADDED, REMOVED, Pieces, compare_texts, cut
from todo_cli.rendering.format.escaping import neutralize

MAX_NAMED = 8
"""The maximum number of todos to list if a step changed several in the same way."""

MAX_TITLE_LENGTH = 50

VERBS = {"undo": "undid", "redo": "redid"}

_IMPLIED = {
    "add": ("title", "status"),
    "done": ("status",),
    "reopen": ("status",),
    "cancel": ("status",),
    "skip": ("status",),
    "delete": ("deleted_at",),
    "restore": ("deleted_at",),
    "start": ("started_at",),
    "stop": ("started_at",),
}
"""Fields whose change is implied by the name of a command."""

_HIDDEN = ("exists", "occurrence", "completed_at")
_TRASHED, _RESTORED = ("moved to the trash", ""), ("restored from the trash", "")
_SENTENCES = ((_TRASHED,), (_RESTORED,))
_ARROW = " → "
_HOLDERS = ("project", "tag")
_STATUSES = {"open": "open again", "done": "done again", "cancelled": "cancelled again"}


@dataclass
class _Subject:
    """An entity and its changes."""

    entity: str
    id: int | None
    name: str | None
    changes: list[HistoryChange] = field(default_factory=list)

    @property
    def is_made(self) -> bool:
        return any(change.field == "exists" and change.new for change in self.changes)

    @property
    def is_removed(self) -> bool:
        return any(change.field == "exists" and not change.new for change in self.changes)


def describe_moment(at: datetime, now: datetime) -> str:
    """Return the time in the reader's zone: `today 14:02`."""
    local = at.astimezone(now.tzinfo)
    days = (now.date() - local.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]} {local:%H:%M}"
    return format_instant(at, now)


def format_step(step: HistoryStep, now: datetime) -> Pieces:
    """Describe what the step did: `modify 12: due Fri 27 Nov → Mon 30 Nov, +bills`."""
    pieces: list[tuple[str, str]] = [(step.command, "heading")]
    subjects = _group(step.changes)
    gone = [subject for subject in subjects if subject.entity == "todo" and subject.is_removed]
    pieces += [(f" {len(gone):,} {'todo' if len(gone) == 1 else 'todos'}", "")] if gone else []
    todos = [subject for subject in subjects if subject.entity == "todo" and not subject.is_removed]
    made = [todo for todo in todos if todo.is_made]
    changed = [todo for todo in todos if not todo.is_made]
    if step.command == "add":
        made, changed = [], todos
    lines = [(todo, _format_changes(todo, now, _IMPLIED.get(step.command, ()))) for todo in changed]
    comments = [subject for subject in subjects if subject.entity == "comment"]
    if step.command.startswith(("project", "tag", "user")) or not (lines or made or comments):
        pieces += _format_names(step.command, subjects, todos)
    else:
        pieces += [(";", "")] if gone and lines else []
        pieces += _format_groups(lines)
        for comment in comments:
            pieces += _format_comment(comment)
        if step.command in VERBS:
            for holder in subjects:
                pieces += [("; ", ""), *_format_holder(holder)] if _format_holder(holder) else []
    for number, todo in enumerate(made):
        pieces += [
            (" · ", "faint"),
            ("next: " if not number else "", "faint"),
            *_name(todo, with_title=False),
        ]
        due = next((change.new for change in todo.changes if change.field == "due"), None)
        pieces += [(f" due {_show(due, FIELDS['due'], now)}", "")] if due else []
    return pieces


def format_reverted(reverted: RevertedSteps, now: datetime, verb: str) -> Pieces:
    """Describe what reverting did: `undid done 12 Pay rent (2 minutes ago): open again; 15 Pay moved to the trash`."""
    commands = ", ".join(dict.fromkeys(step.command for step in reverted.steps))
    oldest = min(step.at for step in reverted.steps)
    pieces: list[tuple[str, str]] = [(f"{verb} ", ""), (commands, "heading")]
    age = f" ({describe_age(oldest, now)})"
    subjects = _group(reverted.changes)
    todos = sorted((subject for subject in subjects if subject.entity == "todo"), key=lambda todo: todo.id or 0)
    holders = [subject for subject in subjects if _format_holder(subject)]
    # Do not repeat for each todo that it lost or regained a project or tag that is reported itself.
    moved = {holder.name for holder in holders if holder.is_made or holder.is_removed}
    groups: dict[Pieces, list[_Subject]] = {}
    for todo in todos:
        todo.changes = [
            each for each in todo.changes if each.field not in _HOLDERS or (each.old or each.new) not in moved
        ]
        if todo.changes:
            groups.setdefault(tuple(_format_state(todo, now)), []).append(todo)
    for number, (state, members) in enumerate(groups.items()):
        head = [(" ", ""), *_name_several(members)]
        is_sentence = state[:1] in _SENTENCES
        pieces += [(";", ""), *head] if number else [*head, (age, "faint")]
        pieces += [] if number and is_sentence else [(":", "")]
        pieces += [(" ", ""), *state]
    if not groups:
        pieces.append((age, "faint"))
    for number, holder in enumerate(holders):
        pieces += [("; " if groups or number else ": ", ""), *_format_holder(holder)]
    comments = [subject for subject in subjects if subject.entity == "comment"]
    for number, comment in enumerate(comments):
        word = "comment restored" if comment.is_made else "comment removed"
        pieces += [("; " if groups or holders or number else ": ", ""), (word, "")]
    return pieces


def plain(pieces: Pieces) -> str:
    """Return the text of the pieces without styles; text that only its style marks as removed is put in brackets."""
    following = [*(text for text, _ in pieces[1:]), ""]
    return "".join(
        f"[-{text}-]" if style == REMOVED and after != _ARROW and not text.startswith("-") else text
        for (text, style), after in zip(pieces, following, strict=True)
    )


def _group(changes: Iterable[HistoryChange]) -> list[_Subject]:
    found: dict[UUID, _Subject] = {}
    for change in changes:
        subject = found.setdefault(change.uuid, _Subject(change.entity, change.id, change.name))
        subject.changes.append(change)
    return list(found.values())


def _format_groups(lines: Sequence[tuple[_Subject, Pieces]]) -> Iterator[tuple[str, str]]:
    """Yield todos with their changes, grouping todos with the same changes."""
    groups: dict[Pieces, list[_Subject]] = {}
    for todo, pieces in lines:
        groups.setdefault(tuple(pieces), []).append(todo)
    for number, (pieces, todos) in enumerate(groups.items()):
        yield ("; " if number else " ", "")
        yield from _name_several(todos)
        if pieces:
            yield (": ", "")
            yield from pieces


def _name_several(todos: Sequence[_Subject]) -> Iterator[tuple[str, str]]:
    if len(todos) == 1:
        yield from _name(todos[0])
        return
    numbers = sorted(todo.id or 0 for todo in todos)
    more = "" if len(numbers) <= MAX_NAMED else " …"
    yield (f"{len(numbers):,} todos: ", "")
    yield (", ".join(map(str, numbers[:MAX_NAMED])) + more, "id")


def _name(todo: _Subject, *, with_title: bool = True) -> Iterator[tuple[str, str]]:
    yield (str(todo.id) if todo.id else "a todo", "id")
    if with_title and todo.name:
        title = todo.name if len(todo.name) <= MAX_TITLE_LENGTH else f"{todo.name[: MAX_TITLE_LENGTH - 1]}…"
        yield (f" {neutralize(title)}", "")


def _format_changes(todo: _Subject, now: datetime, implied: Sequence[str]) -> Pieces:
    parts = [_format_change(change, now) for change in todo.changes if change.field not in (*_HIDDEN, *implied)]
    return _join_with_commas([part for part in parts if part])


def _join_with_commas(parts: Sequence[Pieces]) -> Pieces:
    pieces: list[tuple[str, str]] = []
    for number, part in enumerate(parts):
        pieces += [(", ", "")] if number else []
        pieces += part
    return pieces


def _format_change(change: HistoryChange, now: datetime) -> Pieces:
    """Describe the change of one field of a todo."""
    old, new = change.old, change.new
    match change.field:
        case "tag":
            return [(f"+{new}", ADDED)] if new else [(f"-{old}", REMOVED)]
        case "depends":
            return [(f"after {_show_todo(new)}", ADDED)] if new else [(f"after {_show_todo(old)}", REMOVED)]
        case "deleted_at":
            return [_TRASHED if new else _RESTORED]
        case "started_at":
            return [("started" if new else "stopped", "")]
        case "series":
            return [("repeats" if new else "no longer repeats", "recurrence")]
        case "title" | "description" if old and new:
            return [(f"{change.field} ", "faint"), *compare_texts(str(old), str(new))]
        case _:
            return _format_values(change, now)


def _show_todo(value: FieldValue) -> str:
    """Return the number of a todo; a removed todo has none."""
    return "a removed todo" if isinstance(value, UUID) else str(value)


def _format_values(change: HistoryChange, now: datetime) -> Pieces:
    field = FIELDS.of_attribute(change.field)
    old, new = (_show(value, field, now) for value in (change.old, change.new))
    pieces = [(f"{field.name if field else change.field} ", "faint")]
    if old:
        pieces.append((old, REMOVED))
    if old and new:
        pieces.append((_ARROW, "faint"))
    if new:
        pieces.append((new, ADDED))
    return pieces if old or new else []


def _show(value: FieldValue, field: Field | None, now: datetime) -> str:
    """Format a value of a field; `field` is None for one that this version does not know."""
    match value:
        case None:
            return ""
        case When():
            return format_when(value, now)
        case _ if field and field.kind is Kind.CHOICE:
            return neutralize(label_of(field, value) or "")
        case UUID():
            return _show_todo(value)
        case datetime():
            return format_moment(field, value, now) if field else format_instant(value, now)
        case date():
            return format_date(value, now)
        case int() if field and field.kind is Kind.DURATION:
            return format_duration(value)
        case _:
            return neutralize(cut(str(value)))


def _format_names(command: str, subjects: Sequence[_Subject], todos: Sequence[_Subject]) -> Iterator[tuple[str, str]]:
    """Describe what a command did to names; other commands may have only such changes left."""
    parts: list[Pieces] = []
    for subject in subjects:
        if subject.entity not in ("project", "tag", "user", "series"):
            continue
        renamed = next((each for each in subject.changes if each.field == "name" and each.old and each.new), None)
        if renamed:
            parts.append([(str(renamed.old), REMOVED), (_ARROW, "faint"), (str(renamed.new), ADDED)])
        elif subject.entity == "series":
            parts.append(
                [("series ended", "")] if any(each.new for each in subject.changes) else [("series resumed", "")]
            )
        else:
            name = next((each.new or each.old for each in subject.changes if each.field == "name"), subject.name)
            prefix = "" if command.startswith(subject.entity) else f"{subject.entity} "
            parts.append([(f"{prefix}{neutralize(str(name))}", subject.entity if subject.entity in _HOLDERS else "")])
    if parts:
        yield (" ", "")
        yield from _join_with_commas(parts)
    if todos:
        yield (f" (on {len(todos):,} {'todo' if len(todos) == 1 else 'todos'})", "faint")


def _format_comment(comment: _Subject) -> Iterator[tuple[str, str]]:
    about = next((change.new or change.old for change in comment.changes if change.field == "todo"), None)
    text = next((change for change in comment.changes if change.field == "text"), None)
    yield (f" {about}" if about else "", "id")
    if text and text.old and text.new:
        yield (": ", "")
        yield from compare_texts(str(text.old), str(text.new))
    elif text:
        yield (": ", "")
        yield (neutralize(cut(str(text.new or text.old))), ADDED if text.new else REMOVED)


def _format_state(todo: _Subject, now: datetime) -> Pieces:
    """Describe what reverting a step did to a todo."""
    parts: list[Pieces] = []
    for change in todo.changes:
        if change.field == "status":
            parts.append([(_STATUSES[str(change.new)], "")])
        elif change.field not in _HIDDEN:
            parts.append(_format_change(change, now))
    trashed = [part for part in parts if part == [_TRASHED]]
    return _join_with_commas(trashed or [part for part in parts if part])


def _format_holder(holder: _Subject) -> Pieces:
    """Describe what happened to a project or tag; return nothing for other entities."""
    if holder.entity not in _HOLDERS:
        return []
    renamed = next((each for each in holder.changes if each.field == "name" and each.old and each.new), None)
    name = (neutralize(holder.name or ""), holder.entity)
    if renamed:
        old = (neutralize(str(renamed.old)), holder.entity)
        return [(f"{holder.entity} ", ""), old, (" renamed to ", ""), name]
    if holder.is_made or holder.is_removed:
        return [(f"{holder.entity} ", ""), name, (" restored" if holder.is_made else " removed", "")]
    if archived := next((each for each in holder.changes if each.field == "archived_at"), None):
        return [(f"{holder.entity} ", ""), name, (" archived again" if archived.new else " unarchived", "")]
    return []
