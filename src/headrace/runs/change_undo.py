"""Undoing of the last change of many runs, as far as that is possible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace.config.errors import ProjectError
from headrace.runs.bulk_change import ChangeOutcome, RunChange, RunChanger
from headrace.runs.change_record import ChangeRecord, ChangeRecords
from headrace.runs.poller import FINAL
from headrace.runs.retry_chains import RetryChains
from headrace.runs.selection import RunSelector, SelectedRuns, Selection

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project.project import Project

_OPPOSITES: Final = {"hold": "release", "release": "hold"}
_IMPOSSIBLE: Final = {
    "cancel": "it was cancelled and has ended: `headrace run retry {}` takes it up",
    "delete": "it was deleted, with its log",
    "resume": "it was resumed, and may have gone on: `headrace run hold {}` keeps it from more",
}


@dataclass(frozen=True)
class ChangeUndo:
    """Changes of runs that undo the last change of many.

    Attributes:
        record: the change.
        verb: what is done to the runs: ``release``, ``hold``, ``tag`` or ``cancel``; empty where
            nothing undoes the change.
        selected: the runs that this is done to.
        refused: the runs for which nothing undoes it, each with the reason.
    """

    record: ChangeRecord
    verb: str
    selected: SelectedRuns
    refused: Sequence[ChangeOutcome]


def plan_undo(
    project: Project, target: str, services: Services, records: ChangeRecords
) -> ChangeUndo:
    """Return what undoes the last change of many runs.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        records: where the last change is kept.

    Raises:
        ProjectError: there is none, or it was made at the other target.
    """
    record = records.last()
    if record is None:
        raise ProjectError(
            "there is no change to undo: `headrace run` keeps the last one that was made with "
            "conditions, of several runs, or of tags and holds"
        )
    if record.target != target:
        raise ProjectError(
            f"the last change, run {record.verb}, was made at {record.target}: give --at "
            f"{record.target}"
        )
    selector = RunSelector(project, target, services)
    if record.verb in _IMPOSSIBLE:
        refused = [_impossible(record, run_id) for run_id in record.run_ids]
        return ChangeUndo(record, "", SelectedRuns([]), refused)
    changer = RunChanger(project, target, services, records)
    if record.verb == "retry":
        ids, refused = _retries(record, selector, changer)
        return ChangeUndo(record, "cancel", selector.select(Selection(ids=ids)), refused)
    ids = tuple(record.changed_ids)
    if record.verb == "tag":
        ids = tuple(dict.fromkeys([*record.added_tags, *record.removed_tags]))
    unchanged = [each for each in record.run_ids if each not in set(ids)]
    refused = [ChangeOutcome(each, "skipped", "it was left as it is") for each in unchanged]
    selected = selector.select(Selection(ids=ids)) if ids else SelectedRuns([])
    return ChangeUndo(record, _OPPOSITES.get(record.verb, record.verb), selected, refused)


def undo_change(
    project: Project, target: str, services: Services, records: ChangeRecords, undo: ChangeUndo
) -> Iterator[ChangeOutcome]:
    """Undo a change of many runs, and yield the outcome of each; this is a change in its turn.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        records: where the last change is kept.
        undo: what is done.
    """
    yield from undo.refused
    for run_id in undo.selected.missing:
        yield ChangeOutcome(run_id, "failed", "no run has this id any more")
    documents = undo.selected.documents
    if not documents:
        return
    changer = RunChanger(project, target, services, records)
    if undo.verb != "tag":
        yield from changer.change(RunChange(undo.verb, f"undo {undo.record.id}"), documents, _NONE)
        return
    record = ChangeRecord(
        "tag",
        target,
        f"undo {undo.record.id}",
        [str(each["run_id"]) for each in documents],
        added_tags=undo.record.removed_tags,
        removed_tags=undo.record.added_tags,
    )
    records.write(record)
    for wanted, part in _tag_changes(record, documents):
        yield from changer.send(wanted, part)
    records.finish(record)


_NONE: Final = RetryChains()


def _tag_changes(
    record: ChangeRecord, documents: Sequence[dict[str, Any]]
) -> Iterator[tuple[RunChange, list[dict[str, Any]]]]:
    """Yield the changes of tags that a record says, each with the runs that it is the same for."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
    for each in documents:
        run_id = str(each["run_id"])
        given = record.added_tags.get(run_id, ()), record.removed_tags.get(run_id, ())
        groups[tuple(given[0]), tuple(given[1])].append(each)
    for (added, removed), part in groups.items():
        yield RunChange("tag", add_tags=added, remove_tags=removed), part


def _impossible(record: ChangeRecord, run_id: str) -> ChangeOutcome:
    return ChangeOutcome(run_id, "skipped", _IMPOSSIBLE[record.verb].format(run_id))


def _retries(
    record: ChangeRecord, selector: RunSelector, changer: RunChanger
) -> tuple[tuple[str, ...], list[ChangeOutcome]]:
    """Return the runs that a retry started and that go on, and why the others stay."""
    old = selector.select(Selection(ids=tuple(record.run_ids)))
    chains = selector.chains(old.documents)
    refused = [ChangeOutcome(each, "skipped", "its record is gone") for each in old.missing]
    going_on = []
    known = {str(each["run_id"]): each for part in chains.retries.values() for each in part}
    for each in old.documents:
        run_id = str(each["run_id"])
        # An interrupted retry did not write what it started.
        new = record.new_runs.get(run_id) or changer.earlier_retry(chains, run_id, record)
        if new is None:
            refused.append(ChangeOutcome(run_id, "skipped", "it was not retried"))
        elif new in known and known[new]["status"] not in FINAL:
            going_on.append(new)
        else:
            reason = f"it was retried as {new}, which has ended"
            refused.append(ChangeOutcome(run_id, "skipped", reason, new))
    return tuple(going_on), refused
