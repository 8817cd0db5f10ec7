"""Changes of many runs: how many they are and which, before anything is done; and their undoing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from headrace.config import ProjectError
from headrace.hosted import NoAnswerError
from headrace.runs.bulk_change import (
    ChangeOutcome,
    RunChange,
    RunChanger,
    refuse_unsupported,
    with_unfinished,
)
from headrace.runs.change_record import ChangeRecords
from headrace.runs.change_undo import plan_undo, undo_change
from headrace.runs.retry_chains import RetryChains
from headrace.runs.run_pages import read_some
from headrace.runs.selection import RunSelector, SelectedRuns
from headrace.web.errors import NotHere, PageMissing
from headrace.web.page import Action, Done, Page
from headrace.web.view import View
from headrace.web.views.run_rows import run_row
from headrace.web.views.run_selection import (
    VERBS,
    given_conditions,
    selection_of,
    selection_query,
    verbs_at,
)

MOST: Final = 5_000
"""Runs of one change; a second one goes on with the rest."""
_EXAMPLES: Final = 10
# Of an id: as many as tell runs apart, and few enough for a form.
_DIGITS: Final = 12
_NOT_KNOWN: Final = "not known"
_FINISHED_LATER: Final = ("cancel", "hold", "release")

_EFFECTS: Final[Mapping[str, str]] = {
    "cancel": "Each is ended where it is; its batch jobs are cancelled. That cannot be undone.",
    "hold": "Each ends its present state, and enters no further one until it is released.",
    "release": "Each goes on.",
    "resume": "Each goes on with what it waits for.",
    "retry": "Each is taken up by a new run, which begins at the state where the old one ended. A "
    "run that a retry has mended, or that one takes up now, is left as it is.",
}


def _load_change(view: View) -> Mapping[str, Any]:
    verb = view.query.get("verb", "")
    conditions = given_conditions(view.query)
    if not verb:
        return {"verb": "", "verbs": verbs_at(view.target), "query": selection_query(conditions)}
    _check_verb(view, verb)
    project = view.project
    selection = selection_of(project, conditions, verb)
    found = view.ask(
        lambda services: RunSelector(project, view.target, services).match(
            selection, MOST, _EXAMPLES
        )
    )
    ids = "".join(map(_digits, found.ids))
    last = ChangeRecords(project).last()
    # Two tabs that show the same make one change of it.
    seen = hashlib.sha256(f"{verb}\n{ids}\n{last.id if last else ''}".encode()).hexdigest()[:32]
    return {
        "title": f"{verb.capitalize()} runs",
        "verb": verb,
        "effect": _EFFECTS[verb],
        "count": len(found.ids),
        "more": found.has_more,
        "statuses": found.statuses.most_common(),
        "flows": found.flow_titles.most_common(3),
        "rows": [run_row(document) for document in found.documents],
        "ids": ids,
        "seen": seen,
        "last": last.id if last else "",
        "query": selection_query(conditions),
    }


def _check_verb(view: View, verb: str) -> None:
    if verb not in VERBS:
        raise PageMissing(f"runs are changed by one of {', '.join(VERBS)}: choose one at Runs")
    try:
        refuse_unsupported(verb, view.target)
    except ProjectError as error:
        raise NotHere(str(error)) from error


def _digits(run_id: str) -> str:
    return run_id.replace("-", "")[:_DIGITS]


def _may_repeat(view: View) -> bool:
    """Say whether a change that was interrupted may be asked for again.

    A retry takes up each run once. Of the others it may where the same runs would be changed, and
    no change of runs has been made since: what it has done may have been undone by somebody. One
    that was done half is finished then; that of a resume is not, for a run may wait once more.
    """
    verb = view.form.get("verb", "")
    if verb == "retry":
        return True
    records = ChangeRecords(view.project)
    if verb in _FINISHED_LATER and records.unfinished(verb, view.target, _arguments(view)):
        return True
    last = records.last()
    return (last.id if last is not None else "") == view.form.get("last", "")


def _arguments(view: View) -> str:
    """Return a name of a change, by which it is known where its form is sent again."""
    return f"page {view.once}"


def _do_change(view: View) -> Done:
    verb, chosen = view.form.get("verb", ""), view.form.get("chosen", "")
    _check_verb(view, verb)
    conditions = given_conditions(dict(parse_qsl(chosen)))
    ids = view.form.get("ids", "")
    seen = {ids[first : first + _DIGITS] for first in range(0, len(ids), _DIGITS)}
    project, records = view.project, ChangeRecords(view.project)
    selection = selection_of(project, conditions, verb)
    wanted = RunChange(verb, _arguments(view))

    def change(services: Any) -> list[ChangeOutcome]:
        selector = RunSelector(project, view.target, services)
        changer = RunChanger(project, view.target, services, records)
        with records.exclusive():
            found, _ = read_some(selector, selection, MOST + len(seen))
            selected = SelectedRuns(
                [each for each in found if _digits(str(each["run_id"])) in seen]
            )
            unfinished = records.unfinished(verb, view.target, wanted.arguments)
            if unfinished is not None and verb == "retry":
                selected = with_unfinished(selected, unfinished, selector)
            documents = selected.documents
            chains = selector.chains(documents) if verb == "retry" else RetryChains()
            return [*changer.change(wanted, documents, chains, unfinished=unfinished)]

    outcomes = view.ask(change)
    return Done(
        _summary(verb, outcomes, len(seen)),
        to=f"runs?{selection_query(conditions)}",
        subject=f"{len(outcomes):,} runs: {chosen}"[:500],
    )


def _summary(verb: str, outcomes: Sequence[ChangeOutcome], seen: int) -> str:
    """Return what a change came to in one line.

    Raises:
        ProjectError: it changed no run, and could not.
        NoAnswerError: it is not known whether it changed a run.
    """
    if not outcomes:
        raise ProjectError(f"{verb}: none of the {seen:,} runs is to be changed any more")
    counts = Counter(_word(outcome) for outcome in outcomes)
    words = ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))
    text = f"{verb} of {len(outcomes):,} runs: {words}"
    for word in (_NOT_KNOWN, "failed", "skipped"):
        if counts[word]:
            first = next(each for each in outcomes if _word(each) == word)
            text += f"; {word}, such as {first.run_id}: {first.message}"
    if counts["failed"] + counts[_NOT_KNOWN] == len(outcomes):
        raise (NoAnswerError if counts[_NOT_KNOWN] else ProjectError)(text)
    return text


def _word(outcome: ChangeOutcome) -> str:
    return outcome.status if outcome.is_known else _NOT_KNOWN


def _load_undo(view: View) -> Mapping[str, Any]:
    project = view.project
    try:
        undo = view.ask(
            lambda services: plan_undo(project, view.target, services, ChangeRecords(project))
        )
    except ProjectError as error:
        return {"record": None, "reason": str(error)}
    return {
        "record": undo.record,
        "verb": undo.verb,
        "count": len(undo.selected),
        "rows": [run_row(document) for document in undo.selected.documents[:_EXAMPLES]],
        "refused": Counter(_reason(each) for each in undo.refused).most_common(5),
    }


def _reason(outcome: ChangeOutcome) -> str:
    """Return why a run stays as it is, without what differs from run to run."""
    text = outcome.message.replace(outcome.run_id, "RUN")
    return text.replace(outcome.new_run_id, "another run") if outcome.new_run_id else text


def _do_undo(view: View) -> Done:
    project, records = view.project, ChangeRecords(view.project)

    def change(services: Any) -> Iterable[ChangeOutcome]:
        undo = plan_undo(project, view.target, services, records)
        if undo.record.id != view.form.get("record"):
            raise ProjectError("another change of runs was made meanwhile: look at it first")
        with records.exclusive():
            records.refuse_newer(undo.record)
            return [*undo_change(project, view.target, services, records, undo)]

    outcomes = [*view.ask(change)]
    return Done(_summary("undo", outcomes, len(outcomes)), to="runs", subject="the last change")


CHANGE_PAGE = Page(
    name="change_runs",
    path="/runs/change",
    title="Change runs",
    template="runs/change.html",
    load=_load_change,
    actions=(Action("change", _do_change, repeats=_may_repeat),),
)
UNDO_PAGE = Page(
    name="undo_change",
    path="/runs/undo",
    title="Undo the last change of runs",
    template="runs/undo.html",
    load=_load_undo,
    actions=(Action("undo", _do_undo),),
)
