"""``headrace trigger``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import click

from headrace.cli import completing
from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field, table

_FIELDS = (
    Field("trigger", lambda trigger: trigger["name"]),
    Field("watches", lambda trigger: trigger["directory"]),
    Field("for each new", lambda trigger: f"{trigger['what']} {trigger['pattern']}"),
    Field("starts", lambda trigger: trigger["flow"]),
    Field("title", lambda trigger: trigger["title"]),
)
_ARRIVAL_FIELDS = (
    Field("trigger", lambda arrival: arrival["trigger"]),
    Field("arrival", lambda arrival: arrival["name"]),
    Field("state", lambda arrival: arrival["state"]),
    Field("attempts", lambda arrival: str(arrival["attempts"])),
    Field("run, or why there is none", lambda arrival: arrival["run_id"] or arrival["reason"]),
)
_STATES = ("seen", "starting", "started", "failed", "refused", "skipped", "removed")


@group()
def trigger() -> None:
    """Triggers: list and check them, see what has arrived."""


@trigger.command(name="list")
@project_options
def list_() -> None:
    """List the triggers.

    What each watches, and which flow it starts. What is wrong with one is told beside the list
    of the others.
    """
    from headrace.cli.triggers import loaded
    from headrace.triggers import directory_problem

    names = ("name", "title", "collection", "path", "directory", "what", "pattern", "flow")
    found, errors = loaded(current().project())
    problems = {one.name: directory_problem(one) for one in found}
    triggers = [
        {**{name: str(getattr(one, name)) for name in names}, "problem": problems[one.name]}
        for one in found
    ]
    display(
        triggers,
        lambda: table(triggers, _FIELDS, "The project has no triggers."),
        ("name", "directory", "what", "pattern", "flow"),
    )
    for one in found:
        if problems[one.name]:
            note(f"{one.file}: {problems[one.name]}")
    for error in errors.values():
        note(str(error))


@trigger.command
@click.argument("triggers", metavar="[TRIGGER]...", nargs=-1, shell_complete=completing.triggers)
@project_options
def check(triggers: tuple[str, ...]) -> None:
    """Check triggers, without watching.

    As `headrace watch` does before it begins: flow, input against the flow's schema, names,
    collections, directories and programs; what is wrong is told in one line each.
    """
    from headrace.cli.triggers import choose, refuse_wrong

    session = current()
    project = session.project()
    chosen = choose(project, triggers)
    refuse_wrong(project, session.place, chosen)
    display(
        [{"name": one.name, "problems": []} for one in chosen],
        lambda: f"Nothing is wrong with {', '.join(one.name for one in chosen)}.",
        ("name",),
    )


@trigger.command
@click.argument("triggers", metavar="[TRIGGER]...", nargs=-1, shell_complete=completing.triggers)
@click.option(
    "--state",
    type=click.Choice(_STATES),
    metavar="STATE",
    help=f"Only arrivals in this state: {', '.join(_STATES)}.",
)
@project_options
def arrivals(triggers: tuple[str, ...], state: str | None) -> None:
    """List what has arrived.

    Its state and its run, or why it has none.
    """
    found = [one for one in _arrivals(triggers) if state in (None, one["state"])]
    display(
        found,
        lambda: table(found, _ARRIVAL_FIELDS, "Nothing has arrived."),
        ("trigger", "name", "state", "attempts", "run_id", "reason"),
    )


@trigger.command
@click.argument("name", metavar="TRIGGER", shell_complete=completing.triggers)
@click.argument("patterns", metavar="[ARRIVAL]...", nargs=-1)
@project_options
def retry(name: str, patterns: tuple[str, ...]) -> int:
    """Try refused arrivals again.

    Start their runs, once the cause is mended. All refused arrivals of TRIGGER, or those whose
    names match the patterns. They are taken up by the watch that is running, or by the next one.
    """
    from headrace.cli.triggers import choose
    from headrace.cli.watching import ledger_file
    from headrace.triggers import retry_refused

    session = current()
    project = session.project()
    choose(project, (name,))
    wanted = [
        one
        for one in _arrivals((name,))
        if one["state"] == "refused"
        and (not patterns or any(fnmatchcase(one["name"], pattern) for pattern in patterns))
    ]
    path = ledger_file(project, session.place)
    count = retry_refused(path, [one["id"] for one in wanted]) if wanted else 0
    display(
        {"trigger": name, "arrivals": [one["name"] for one in wanted], "count": count},
        lambda: (
            f"{count} will be started by the watch that is running, or the next one."
            if count
            else f"No arrival of {name} is refused."
        ),
        ("count",),
    )
    return 0 if count else 1


def _arrivals(names: tuple[str, ...]) -> list[dict[str, Any]]:
    from headrace.cli.watching import ledger_file
    from headrace.triggers import read_ledger

    session = current()
    records = read_ledger(ledger_file(session.project(), session.place))
    return [
        {
            "id": record.id,
            "trigger": record.trigger,
            "name": record.path.rstrip("/").rpartition("/")[2],
            "path": record.path,
            "collection": record.collection,
            "state": record.state,
            "present": record.present,
            "attempts": record.attempts,
            "tag": record.tag,
            "run_id": record.run_id,
            "reason": record.reason,
            "seen_at": record.seen_at.isoformat(),
        }
        for record in records
        if not names or record.trigger in names
    ]
