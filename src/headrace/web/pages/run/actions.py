"""Actions on a run: cancel, hold, release, resume, retry, a result by hand, run again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headrace.config import ProjectError
from headrace.errors import HeadraceError
from headrace.hosted import NoAnswerError
from headrace.runs import PreparedRun, RunOptions, send
from headrace.runs.bulk_change import RunChange, RunChanger, refuse_unsupported, retry_refusal
from headrace.runs.change_record import ChangeRecords
from headrace.runs.launch import REQUEST_TAG_PREFIX
from headrace.runs.poller import FINAL, RunView
from headrace.runs.query import NO_RESULT, resume_run, retry_run
from headrace.runs.retry_chains import RetryChains, read_retry_chains
from headrace.runs.run_document import run_input
from headrace.web.errors import NotHere
from headrace.web.page import Action, Done, repeatable
from headrace.web.pages.run.reading import read_run, read_states

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.web.view import View

_CHANGED: Final = {
    "cancel": "it has ended",
    "hold": "held: it ends its present state and goes no further",
    "release": "released: it goes on",
}


def load_actions(view: View) -> Mapping[str, Any]:
    """Return what may be done with the run, and what was seen of it."""
    reading = read_run(view)
    run = reading.run
    states = [*dict.fromkeys(each.state for each in read_states(view, reading))]
    attempts: list[str] = []
    if run.final:
        chains = view.ask(
            lambda services: read_retry_chains(
                services, view.target, [run.run], with_succeeded=True
            )
        )
        attempts = [f"{each['run_id']} {each['status']}" for each in chains.attempts_after(run.id)]
    record = ChangeRecords(view.project).last()
    is_last_change = (
        record is not None and record.target == view.target and run.id in record.run_ids
    )
    seen = " ".join([reading.seen, *attempts[-1:]])
    return {
        "run_id": run.id,
        "flow_name": _flow_name(view, run.run),
        "address": f"runs/{run.id}",
        "seen": seen,
        # A run that is held and released is as it was before; the changes of runs are not.
        "seen_of_change": f"{seen} {record.id if record is not None else ''}",
        "final": run.final,
        "status": run.status,
        "held": bool(run.run.get("held_at")),
        "can_hold": view.target == "local",
        "states": states[-200:],
        "last_state": run.states[-1].name if run.states else "",
        "verb": record.verb if record is not None and is_last_change else "",
    }


def _flow_name(view: View, document: Mapping[str, Any]) -> str:
    """Return the name of a run's flow in the project; empty where it is none of it."""
    deployed = view.project.lock().at(view.target).flows
    names = [name for name, flow in deployed.items() if flow.id == str(document.get("flow_id"))]
    return names[0] if names else ""


def _changed(view: View, verb: str) -> Done:
    """Make a change that the command line makes of one run, too; its record lets it be undone."""
    try:
        refuse_unsupported(verb, view.target)
    except ProjectError as error:
        raise NotHere(str(error)) from error
    document = read_run(view).run.run
    project, records = view.project, ChangeRecords(view.project)

    def change(services: Services) -> Any:
        changer = RunChanger(project, view.target, services, records)
        with records.exclusive():
            [outcome] = changer.change(
                RunChange(verb, f"page {view.once}"), [document], RetryChains(), by_id=True
            )
        return outcome

    outcome = view.ask(change)
    if outcome.status == "skipped":
        raise ProjectError(outcome.message)
    if outcome.status == "failed":
        # Its answer may be what failed.
        now = _read_now(view, str(document["run_id"]), outcome.message)
        if verb == "release" and now["status"] in FINAL:
            # What was left of it may have taken no time.
            raise NoAnswerError(f"{outcome.message}; it has ended: {now['status']}")
        if not _is_changed(verb, now):
            raise (ProjectError if outcome.is_known else NoAnswerError)(outcome.message)
        return Done(_CHANGED[verb], subject=outcome.run_id)
    return Done(outcome.message, subject=outcome.run_id)


def _read_now(view: View, run_id: str, problem: str) -> Mapping[str, Any]:
    """Return the document of a run of whose change the answer is a problem.

    Raises:
        NoAnswerError: it cannot be had, and so whether the run was changed is not known.
    """
    try:
        return view.ask(lambda services: services.read(f"/runs/{run_id}"))
    except HeadraceError as error:
        raise NoAnswerError(problem) from error


def _is_changed(verb: str, document: Mapping[str, Any]) -> bool:
    """Return whether a run is as a change would have it."""
    if verb == "cancel":
        return RunView(document).cancelled
    return bool(document.get("held_at")) == (verb == "hold")


def _resume(view: View) -> Done:
    run_id = read_run(view).run.id
    view.ask(lambda services: resume_run(services, view.target, run_id))
    return Done("resumed", subject=run_id)


def _retry(view: View) -> Done:
    return _retried(view, NO_RESULT)


def _give_result(view: View) -> Done:
    try:
        result = json.loads(view.form.get("result", ""))
    except ValueError as error:
        raise ProjectError(
            f"the result is no JSON: {error}: write the `details` that the action would give"
        ) from error
    return _retried(view, result)


def _retried(view: View, result: Any) -> Done:
    run = read_run(view).run
    state = view.form.get("state") or None
    latest = view.form.get("latest") == "1"

    def retry(services: Services) -> dict[str, Any]:
        if result is NO_RESULT and state is None and not latest:
            chains = read_retry_chains(services, view.target, [run.run])
            refusal = retry_refusal(chains, run.id)
            # A facility gives the run that goes on.
            if refusal and (view.target != "local" or chains.mended_by(run.id)):
                raise ProjectError(f"it was {refusal}: choose a state to retry it all the same")
        return retry_run(
            services,
            view.target,
            run.id,
            state=state,
            result=result,
            latest=latest,
            request_id=view.once,
            asked_at=view.asked_at,
        )

    new = view.ask(retry)
    taken_up = new.get("retry_of") or {}
    where = "after" if result is not NO_RESULT else "at"
    note = f" ({taken_up['note']})" if taken_up.get("note") else ""
    begins = taken_up.get("state") or "its start"
    text = f"this run takes up {run.id} {where} {begins}{note}"
    return Done(text, to=f"runs/{new['run_id']}", subject=run.id)


def _run_again(view: View) -> Done:
    reading = read_run(view)
    run, document = reading.run, reading.run.run
    body = run_input(reading.entries)
    if not isinstance(body, Mapping):
        raise ProjectError("its log does not show its input: start the flow from its page")
    flow = PreparedRun(
        str(document.get("flow_title")), str(document["flow_id"]), view.target, dict(body)
    )
    options = RunOptions(
        document.get("label") or None,
        [tag for tag in document.get("tags") or () if not tag.startswith(REQUEST_TAG_PREFIX)],
        monitors=document.get("run_monitors") or (),
        managers=document.get("run_managers") or (),
        request_id=view.once,
        asked_at=view.asked_at,
    )
    new = view.ask(lambda services: send(flow, services, options, wait_for_service=True))
    text = f"this run was started with the input of {run.id}"
    return Done(text, to=f"runs/{new['run_id']}", subject=run.id)


ACTIONS: Final = (
    Action("cancel", lambda view: _changed(view, "cancel")),
    Action("hold", lambda view: _changed(view, "hold")),
    Action("release", lambda view: _changed(view, "release")),
    Action("resume", _resume),
    Action("retry", _retry, repeats=repeatable),
    Action("result", _give_result, repeats=repeatable),
    Action("run_again", _run_again, repeats=repeatable),
)
