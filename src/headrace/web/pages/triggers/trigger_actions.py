"""Actions on arrivals, as ``headrace trigger run|skip|retry|replay`` have them, and a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace.diagnostics.arrival_check import check_arrival
from headrace.triggers import (
    find_arrival,
    read_paused,
    replay_arrivals,
    request_runs,
    retry_refused,
    skip_arrivals,
)
from headrace.triggers.arrival import entry_name
from headrace.triggers.arrival_search import SHOWN_STATES, ArrivalConditions, all_arrivals
from headrace.triggers.errors import TriggerError
from headrace.triggers.ledger_access import read_arrival
from headrace.triggers.ledger_requests import (
    is_refused,
    is_repeatable,
    is_skippable,
    is_startable,
)
from headrace.triggers.named_run_end import find_run_end
from headrace.triggers.project_run_client import flow_names
from headrace.triggers.record import Record
from headrace.web.page import Done
from headrace.web.view import View
from headrace.web.views.trigger_state import ledger_of, loaded_triggers

if TYPE_CHECKING:
    from headrace.diagnostics.arrival_check import ArrivalCheck
    from headrace.hosted import Services
    from headrace.triggers import NamedArrival

_SHOWN: Final = 10


@dataclass(frozen=True)
class ArrivalChange:
    """A change of arrivals that people may ask for.

    Attributes:
        text: the words of its button.
        means: what it does, in one line.
        may: says whether it is of use for an arrival.
        request: asks for it; called with the ledger's file and numbers of records.
        done: words that follow the number of arrivals.
        nothing: words that follow "no arrival", where there is none.
    """

    text: str
    means: str
    may: Callable[[Record], bool]
    request: Callable[[Path, Iterable[int]], Sequence[Record]]
    done: str
    nothing: str


_STARTED: Final = "will be started by the watch that is running, or the next one"

CHANGES: Final[Mapping[str, ArrivalChange]] = {
    "run": ArrivalChange(
        "Run",
        "Their runs are started now, complete or not, also of those that were skipped or refused.",
        is_startable,
        request_runs,
        _STARTED,
        "is there without a run",
    ),
    "skip": ArrivalChange(
        "Skip",
        "No runs are started on them; Run has them started after all.",
        is_skippable,
        skip_arrivals,
        "will not be started",
        "waits or is refused",
    ),
    "retry": ArrivalChange(
        "Retry",
        "Their runs, which were refused, are tried again: mend the cause first.",
        is_refused,
        retry_refused,
        _STARTED,
        "is refused",
    ),
    "replay": ArrivalChange(
        "Replay",
        "Another run is started on each, though it had its run; that one stays as it is.",
        is_repeatable,
        replay_arrivals,
        f"{_STARTED}, once more",
        "is there and had its run",
    ),
}
"""The changes by their verbs."""


def change_one(verb: str, view: View) -> Done:
    """Change the arrival that a form names, if it is as the person saw it.

    Args:
        verb: the change.
        view: the request.
    """
    number, path = view.form.get("arrival", ""), ledger_of(view.project, view.target)
    if not number.isdecimal() or len(number) > 18 or not path.exists():
        raise TriggerError("no such arrival: load the page again")
    record = read_arrival(path, int(number))
    name = entry_name(record.path)
    if record.trigger != view.path["trigger"]:
        raise TriggerError(f"{name}: is no arrival of trigger {view.path['trigger']}")
    if record.changed_at.isoformat() != view.form.get("changed"):
        raise TriggerError(f"{name}: has changed since, it is {record.shown_state}; look again")
    return _request(verb, view, path, [record])


def change_all(verb: str, view: View) -> Done:
    """Change the arrivals that a form's filter selects and that are as the person saw them.

    Args:
        verb: the change.
        view: the request.
    """
    path, moment = ledger_of(view.project, view.target), view.form.get("moment", "")
    state, text = view.form.get("state", ""), view.form.get("path", "").strip()
    if not moment or not (state or text) or (state and state not in SHOWN_STATES):
        raise TriggerError("no arrival is chosen: set a state, or a text of the path")
    conditions = ArrivalConditions(view.path["trigger"], state, text)
    found = all_arrivals(path, conditions, unchanged_since=moment)
    records = [record for record in found if CHANGES[verb].may(record)]
    if not records:
        raise TriggerError("no arrival matches any more: all have changed since; look again")
    return _request(verb, view, path, records)


def check(view: View, words: str) -> ArrivalCheck:
    """Render the input of the run on a path, and look at all that it needs.

    Args:
        view: the request.
        words: the path; one that is not absolute is in the watched directory. Of a timer the time,
            of ends of runs the run.

    Raises:
        TriggerError: it is no arrival of the trigger.
        HeadraceError: the services do not answer.
    """
    project, target, name = view.project, view.target, view.path["trigger"]
    trigger = loaded_triggers(project)[0].get(name)
    if trigger is None:
        raise TriggerError(f"the file of trigger {name} cannot be read")
    ledger = ledger_of(project, target)

    def look(services: Services) -> ArrivalCheck:
        named: NamedArrival
        if trigger.after is not None:
            names = flow_names(project, target, trigger.after.flow)
            named = find_run_end(trigger, words, ledger, services, names)
        else:
            inside = trigger.watches_directory and not Path(words).is_absolute()
            path = trigger.directory / words if inside else Path(words)
            named = find_arrival(trigger, path, ledger)
        return check_arrival(project, target, services, named)

    return view.ask(look)


def _request(verb: str, view: View, path: Path, records: Sequence[Record]) -> Done:
    change, trigger = CHANGES[verb], view.path["trigger"]
    made = change.request(path, [record.id for record in records])
    if not made:
        raise TriggerError(f"nothing was changed: no such arrival {change.nothing} any more")
    names = [entry_name(record.path) for record in made]
    shown = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if names[_SHOWN:] else ""
    paused = f"; trigger {trigger} is paused" if trigger in read_paused(path) else ""
    count = f"{len(names):,} arrival{'' if len(names) == 1 else 's'}"
    return Done(
        f"{count} {change.done}: {shown}{more}{paused}", subject=f"{verb} {trigger}: {shown}"[:200]
    )
