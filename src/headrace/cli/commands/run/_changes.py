"""Changes of the runs that a selection chooses: count, confirmation, outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from headrace.cli.parsing.selections import selection_key, selection_of
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note
from headrace.cli.termio.prompts import confirm
from headrace.cli.termio.tables import Field, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs.bulk_change import ChangeOutcome, RunChange
    from headrace.runs.change_record import ChangeRecord
    from headrace.runs.selection import SelectedRuns, Selection

F = TypeVar("F", bound="Callable[..., Any]")

# More runs than these are shown and asked for.
_UNASKED: Final = 10
_FIELDS: Final = (
    Field("run", key="run_id"),
    Field("outcome", key="status"),
    Field("", key="new_run_id"),
    Field("", key="message"),
    Field("what", lambda outcome: outcome["message"]),
)
_COLUMNS: Final = ("run_id", "status", "new_run_id", "message")


def yes_option(function: F) -> F:
    """Add ``--yes``."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")(function)


def chosen_selection(project: Project, chosen: dict[str, Any]) -> Selection:
    """Return the selection of a command that changes runs, which is never all by default.

    Raises:
        UsageError: no run and no condition is given.
    """
    selection = selection_of(project, chosen)
    if selection.is_empty:
        raise click.UsageError(
            "no run is given: name some (`headrace run list`), or say which, such as --status "
            "FAILED or --since 2h"
        )
    return selection


def change_selected(
    project: Project,
    services: Services,
    selection: Selection,
    chosen: dict[str, Any],
    wanted: RunChange,
    *,
    yes: bool,
    always_ask: bool = False,
) -> int:
    """Change the runs that a selection chooses; return the exit code, 1 if one could not be.

    Args:
        project: the project.
        services: the services of the target.
        selection: the runs.
        chosen: the words that chose them, by which an interrupted change is found again.
        wanted: the change.
        yes: whether nobody is asked.
        always_ask: whether few runs are asked for as well.
    """
    from dataclasses import replace

    from headrace.config import ProjectError
    from headrace.runs.bulk_change import ChangeOutcome, RunChanger, with_unfinished
    from headrace.runs.change_record import ChangeRecords
    from headrace.runs.retry_chains import RetryChains
    from headrace.runs.selection import RunSelector

    target = current().target
    wanted = replace(wanted, arguments=selection_key(chosen, options=vars(wanted)))
    records = ChangeRecords(project)
    selector = RunSelector(project, target, services)
    is_retry = wanted.verb == "retry"
    selected = selector.select(selection.retryable() if is_retry else selection)
    # Any other change has a run's present status and tags to go by: it is simply made anew.
    unfinished = records.unfinished(wanted.verb, target, wanted.arguments) if is_retry else None
    if unfinished is not None:
        note(_resumption_note(unfinished))
        selected = with_unfinished(selected, unfinished, selector)
    if len(selected) == 0:
        display({"runs": [], "counts": {}}, "No run matches.", _COLUMNS)
        return 0
    ask_for(wanted.verb.capitalize(), selected, yes=yes, always=always_ask)
    # A question may stand open for long: no other change waits for its answer.
    with records.exclusive():
        if is_retry and records.unfinished(wanted.verb, target, wanted.arguments) != unfinished:
            raise ProjectError(
                "another change of runs was made meanwhile: nothing was changed; give the command "
                "again"
            )
        changer = RunChanger(project, target, services, records)
        outcomes = [
            ChangeOutcome(each, "failed", "no run has this id") for each in selected.missing
        ]
        outcomes += changer.change(
            wanted,
            selected.documents,
            # Read now, they show what others have retried while the question stood open.
            selector.chains(selected.documents) if is_retry else RetryChains(),
            by_id=bool(chosen["run_ids"]),
            unfinished=unfinished,
        )
    show_outcomes(wanted.verb, outcomes)
    return 1 if any(outcome.status == "failed" for outcome in outcomes) else 0


def change_chosen(verb: str, chosen: dict[str, Any], *, yes: bool) -> int:
    """Make a change without options of the runs that a command's words choose.

    Args:
        verb: the change.
        chosen: the words.
        yes: whether nobody is asked.
    """
    from headrace.runs.bulk_change import RunChange, refuse_unsupported

    session = current()
    project = session.project()
    selection = chosen_selection(project, chosen)
    refuse_unsupported(verb, session.target)
    services = session.services(project)
    return change_selected(project, services, selection, chosen, RunChange(verb), yes=yes)


def ask_for(what: str, selected: SelectedRuns, *, yes: bool, always: bool = False) -> None:
    """Ask before a change of more than ten runs.

    Args:
        what: the change.
        selected: the runs.
        yes: whether nobody is asked.
        always: whether few runs are asked for as well.
    """
    if not yes and (always or len(selected) > _UNASKED):
        confirm(f"{what} {_counts(selected)}?", terminal_only=len(selected) > _UNASKED)


def show_outcomes(verb: str, outcomes: Sequence[ChangeOutcome]) -> None:
    """Show what a change has made of each run, and how many are of each outcome.

    Args:
        verb: the change.
        outcomes: one of each run.
    """
    counts = Counter(outcome.status for outcome in outcomes)
    documents = [outcome.document() for outcome in outcomes]
    words = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    if current().format == "unix" and current().jmespath is None:
        display(documents, "", _COLUMNS)
        return
    display(
        {"verb": verb, "runs": documents, "counts": counts},
        lambda: f"{table(documents, _FIELDS, '')}\n{verb} {len(documents):,}: {words}",
    )


def _counts(selected: SelectedRuns) -> str:
    """Return what is about to be changed: how many runs, of which statuses and flows."""
    documents = selected.documents
    parts = []
    for key, most in (("status", 5), ("flow_title", 3)):
        counted = Counter(str(each.get(key)) for each in documents).most_common()
        words = [f"{count:,} {name}" for name, count in counted[:most]]
        parts.append(", ".join([*words, *(["others"] if len(counted) > most else [])]))
    count = len(selected)
    return f"{count:,} run{'s' if count != 1 else ''} ({'; '.join(parts)})"


def _resumption_note(record: ChangeRecord) -> str:
    return (
        f"this goes on with the same change of {len(record.run_ids):,} runs, begun at "
        f"{record.started_at[:19]} UTC and interrupted: nothing of it is done twice"
    )
