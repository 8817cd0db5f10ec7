"""Pauses of triggers: in the ledger for a watch, and at the service for its own timers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from headrace.config.project_config import at_option
from headrace.triggers.errors import TriggerError
from headrace.triggers.ledger_requests import pause_triggers, resume_triggers
from headrace.triggers.state_files import ledger_file

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project

    Ask = Callable[[Callable[[Services], None]], None]

_NOT_FOUND = 404


def pause(project: Project, target: str, names: Sequence[str], ask: Ask) -> None:
    """Have triggers start no runs until they are resumed.

    Args:
        project: the project.
        target: where their runs are started.
        names: names of the triggers.
        ask: calls with the services of the target; called for each that is a timer there.

    Raises:
        TriggerError: the ledger cannot be written, or the service has a timer no more.
        GlobusAPIError: the service refuses.
        HostedError: it is not reached, or somebody must log in.
    """
    for name, timer_id in _timers(project, target, names):
        ask(partial(_change_timer, name, target, timer_id, "pause"))
    # The ledger has all of them, so that lists and pages say so without the service.
    pause_triggers(ledger_file(project, target), names)


def resume(project: Project, target: str, names: Sequence[str], ask: Ask) -> None:
    """Have triggers start runs again; a watch starts those first of what arrived meanwhile.

    Args:
        project: the project.
        target: where their runs are started.
        names: names of the triggers.
        ask: calls with the services of the target; called for each that is a timer there.

    Raises:
        TriggerError: the ledger cannot be written, or the service has a timer no more.
        GlobusAPIError: the service refuses.
        HostedError: it is not reached, or somebody must log in.
    """
    for name, timer_id in _timers(project, target, names):
        ask(partial(_change_timer, name, target, timer_id, "resume"))
    resume_triggers(ledger_file(project, target), names)


def has_hosted_timers(project: Project, target: str, names: Sequence[str]) -> bool:
    """Return whether the hosted Timers service starts the runs of any of some triggers.

    Args:
        project: the project.
        target: where their runs are started.
        names: names of the triggers.
    """
    return bool(_timers(project, target, names))


def _timers(project: Project, target: str, names: Sequence[str]) -> list[tuple[str, str]]:
    deployed = project.lock().at(target).timers
    return [(name, deployed[name].id) for name in names if name in deployed]


def _change_timer(
    name: str, target: str, timer_id: str, verb: Literal["pause", "resume"], services: Services
) -> None:
    from globus_sdk import GlobusAPIError

    timers = services.timers
    try:
        (timers.pause_job if verb == "pause" else timers.resume_job)(timer_id)
    except GlobusAPIError as error:
        if error.http_status != _NOT_FOUND:
            raise
        raise TriggerError(
            f"trigger {name}: the hosted Timers service has its timer no more; "
            f"`headrace deploy{at_option(target)}` makes it anew"
        ) from error
