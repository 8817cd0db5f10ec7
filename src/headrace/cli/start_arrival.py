"""Check and start of the run of an arrival that is named by its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.findings import exit_code, findings_text

if TYPE_CHECKING:
    from headrace.cli.parsing.session import Session
    from headrace.diagnostics.arrival_check import ArrivalCheck
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.triggers import NamedArrival


def show_arrival(trigger: str, path: Path) -> int:
    """Display the run that a trigger would start on an arrival, and what it needs.

    Args:
        trigger: the trigger's name.
        path: where the arrival lies.

    Returns:
        The exit code: 1 where the run would fail.
    """
    from headrace.diagnostics.arrival_check import check_arrival

    session = current()
    project = session.project()
    named = _find(project, session, trigger, path)
    services = session.services(project, start=True)
    check = check_arrival(project, session.target, services, named)
    display(check.document(), lambda: _text(check), ("flow", "path", "state", "run_id", "missing"))
    return exit_code(check.findings)


def start_arrival(
    trigger: str, path: Path, *, again: bool, incomplete: bool, preflight: bool
) -> tuple[Project, Services, str]:
    """Start the run of an arrival.

    Args:
        trigger: the trigger's name.
        path: where the arrival lies.
        again: start another run where it had one.
        incomplete: start it though it is not complete.
        preflight: check first that endpoints are online and collections reachable.

    Returns:
        The project, the services of its target, and the run's id.

    Raises:
        TriggerError: it is no arrival, not complete, had its run, or the run is refused.
    """
    from headrace.diagnostics.preflight import preflight as look_first
    from headrace.triggers import TriggerError, render_input, start_by_hand
    from headrace.triggers.project_run_client import ProjectRunClient
    from headrace.triggers.state_files import ledger_file

    session = current()
    project = session.project()
    named = _find(project, session, trigger, path)
    if not incomplete and (missing := named.missing_reason()):
        raise TriggerError(
            f"{path}: is not complete: it lacks {missing}; `--incomplete` starts its run anyway"
        )
    services = session.services(project, start=True)
    if preflight:
        body = render_input(dict(named.trigger.input), named.arrival)
        look_first(project, session.target, services, named.trigger.flow, body)

    def connect() -> Services:
        return session.services(project, start=True)

    client = ProjectRunClient(project, session.target, connect)
    file = ledger_file(project, session.target)
    started = start_by_hand(named, file, client, again=again, service=client)
    return project, services, started.run_id


def _find(project: Project, session: Session, trigger: str, path: Path) -> NamedArrival:
    from headrace.cli.parsing.triggers import choose
    from headrace.triggers import find_arrival
    from headrace.triggers.state_files import ledger_file

    (chosen,) = choose(project, (trigger,))
    ledger = ledger_file(project, session.target)
    if chosen.after is None:
        return find_arrival(chosen, path, ledger)
    from headrace.triggers.named_run_end import find_run_end
    from headrace.triggers.project_run_client import flow_names

    names = flow_names(project, session.target, chosen.after.flow)
    services = session.services(project, start=True)
    return find_run_end(chosen, str(path), ledger, services, names)


def _text(check: ArrivalCheck) -> str:
    document = check.document()
    lines = [
        f"Trigger {document['trigger']} on {document['path']} starts flow {document['flow']}",
        f"label  {check.label}",
        f"tags   {', '.join(check.tags) or 'none'}",
        f"input  {json.dumps(document['input'], indent=2, ensure_ascii=False)}",
        "",
    ]
    return "\n".join(lines) + "\n" + findings_text(check.findings)
