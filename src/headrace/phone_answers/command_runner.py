"""Runner of commands: they do what the command line does, and nothing where they fit no more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.config.project_config import at_option
from headrace.errors import HeadraceError
from headrace.notifications.phone.errors import PhoneError
from headrace.phone_answers.command_record import RecordedCommand, State
from headrace.project import Project
from headrace.runs import FINAL

if TYPE_CHECKING:
    from headrace.hosted import Services

# The clock of this machine may be ahead of the hosted service's by so much.
_CLOCK_ERROR: Final = 600.0
# They send no request: what they ask for is there, or is not.
_HARMLESS_TWICE: Final = ("pause", "stop_after_iteration")
_TRIGGER: Final = "trigger/"
_INVERSION: Final = "inversion/"
_SHORT: Final = 8


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Outcome of a command.

    Attributes:
        state: ``started``: nothing yet, the service is away.
        text: what was done, or why not, in one line.
    """

    state: State
    text: str


class CommandRunner:
    """Carries out commands.

    Args:
        load: returns the project as it is at a target.
        connect: returns the services of a target.
    """

    def __init__(
        self, load: Callable[[str], Project], connect: Callable[[Project, str], Services]
    ) -> None:
        self._load = load
        self._connect = connect

    def run(self, recorded: RecordedCommand, before_sending: Callable[[], None]) -> Outcome:
        """Carry out a command; one that may have been carried out already is not done twice.

        Args:
            recorded: the command.
            before_sending: called before the request that does it; stores that it is sent.
        """
        from headrace.hosted import HostedError, explain, sdk

        command = recorded.signed.command
        work = {
            "retry": self._retry,
            "cancel": self._cancel,
            "resume": self._resume,
            "answer": self._answer,
            "pause": self._pause,
            "stop_after_iteration": self._pause,
        }.get(command.name)
        if work is None:
            return Outcome("refused", f"there is no command {command.name}")
        was_sent = recorded.sent

        def sending() -> None:
            nonlocal was_sent
            before_sending()
            was_sent = True

        try:
            return work(recorded, sending)
        except sdk().GlobusAPIError as error:
            if error.http_status == 404:
                return Outcome("refused", f"{_short(command.subject)} is not there any more")
            away = error.http_status == 429 or error.http_status >= 500
            return Outcome("started" if away else "failed", _line(explain(error)))
        except sdk().GlobusError as error:
            return Outcome("started", _line(explain(error)))
        except HostedError as error:
            return Outcome("failed" if error.exit_code != 1 else "started", _line(error))
        except PhoneError:
            raise  # of the record: nothing is done that cannot be written down
        except HeadraceError as error:
            return Outcome("failed", _line(error))
        except Exception as error:
            # Such as an extra that is not installed. Raised, it would end the listener at each
            # start, for the command is taken up again.
            logger.exception("%s", command.name)
            words = f"{type(error).__name__}: {_line(error)}"
            if was_sent and command.name not in _HARMLESS_TWICE:
                return Outcome("unsure", f"whether it was done is not known: {words}")
            return Outcome("failed", words)

    def _services(self, recorded: RecordedCommand) -> tuple[Services, str]:
        target = recorded.signed.command.target
        return self._connect(self._load(target), target), target

    def _retry(self, recorded: RecordedCommand, before_sending: Callable[[], None]) -> Outcome:
        from headrace.runs.bulk_change import retry_refusal
        from headrace.runs.query import retry_run
        from headrace.runs.retry_chains import read_retry_chains

        services, target = self._services(recorded)
        run_id = recorded.signed.command.subject
        run = services.read(f"/runs/{run_id}")
        name = _name(run)
        if run["status"] not in FINAL:
            return Outcome("refused", f"{name} has not ended: it is {run['status']}")
        if run["status"] == "SUCCEEDED":
            return Outcome("refused", f"{name} has succeeded: there is nothing to retry")
        chains = read_retry_chains(services, target, [run])
        if recorded.sent:
            own = _own_retry(chains.retries.get(run_id, ()), recorded, target)
            if own is not None:
                return Outcome("done", f"{name} is retried as {_short(own)}")
            if target != "local":
                # The service knows no names of requests: what was sent may still become a run.
                return Outcome(
                    "unsure",
                    f"whether {name} was retried is not known: see `headrace run show {run_id}`",
                )
        if refusal := retry_refusal(chains, run_id):
            return Outcome("refused", f"{name} was {refusal}")
        before_sending()
        # A facility starts one run for a name, however often it is sent.
        new = retry_run(services, target, run_id, request_id=recorded.signed.nonce)
        return Outcome("done", f"{name} is retried as {_short(str(new['run_id']))}")

    def _cancel(self, recorded: RecordedCommand, before_sending: Callable[[], None]) -> Outcome:
        services, _ = self._services(recorded)
        run_id = recorded.signed.command.subject
        run = services.read(f"/runs/{run_id}")
        if run["status"] in FINAL:
            how = "is cancelled" if recorded.sent else f"has ended already: {run['status']}"
            return Outcome("done" if recorded.sent else "refused", f"{_name(run)} {how}")
        before_sending()
        services.flows.cancel_run(run_id)
        return Outcome("done", f"{_name(run)} is being cancelled")

    def _resume(self, recorded: RecordedCommand, before_sending: Callable[[], None]) -> Outcome:
        from headrace.runs.query import resume_run

        services, target = self._services(recorded)
        run_id = recorded.signed.command.subject
        run = services.read(f"/runs/{run_id}")
        if run["status"] != "INACTIVE":
            how = (
                "goes on"
                if recorded.sent
                else f"does not wait to be resumed: it is {run['status']}"
            )
            return Outcome("done" if recorded.sent else "refused", f"{_name(run)} {how}")
        if recorded.sent:
            # It may have gone on, and wait for something else now.
            return Outcome(
                "unsure", f"whether {_name(run)} was resumed is not known: it waits, maybe again"
            )
        before_sending()
        resume_run(services, target, run_id)
        return Outcome("done", f"{_name(run)} is resumed")

    def _answer(self, recorded: RecordedCommand, before_sending: Callable[[], None]) -> Outcome:
        from headrace.runs.web_inputs import answer_web_input

        services, _ = self._services(recorded)
        command = recorded.signed.command
        document = _question(services, command.subject, command.argument)
        if document is None:
            return Outcome("refused", f"{_short(command.subject)} does not ask this any more")
        title = " ".join(str(document["context"]["title"]).split())
        if document["status"] != "open":
            how = "is answered" if recorded.sent else "was answered already, or waits no more"
            return Outcome("done" if recorded.sent else "refused", f"{title}: {how}")
        before_sending()
        chosen = answer_web_input(services, document, command.argument)
        return Outcome("done", f"{title}: answered with {chosen['label']}")

    def _pause(self, recorded: RecordedCommand, before_sending: Callable[[], None]) -> Outcome:
        before_sending()  # asked for twice, it is paused once
        command = recorded.signed.command
        project = self._load(command.target)
        if command.subject.startswith(_TRIGGER) and command.name == "pause":
            name = command.subject.removeprefix(_TRIGGER)
            return _pause_trigger(
                *(project, command.target, name),
                lambda ask: ask(self._connect(project, command.target)),
            )
        if command.subject.startswith(_INVERSION):
            after = "iteration" if command.name == "stop_after_iteration" else "stage"
            return _pause_inversion(project, command.subject.removeprefix(_INVERSION), after)
        after = "iteration" if command.name == "stop_after_iteration" else "stage"
        services = self._connect(project, command.target)
        directory = _inversion_of_run(project, services, command.target, command.subject)
        if directory is None:
            return Outcome("refused", f"run {_short(command.subject)} is of no inversion here")
        return _pause_inversion(project, str(directory), after)


def _question(services: Services, subject: str, option_id: str) -> dict[str, Any] | None:
    """Return the web input that has an option; None where there is none any more.

    Args:
        services: the services of the target where its run is.
        subject: its id, or that of its run.
        option_id: the option, which no other web input has.
    """
    from headrace.hosted import sdk
    from headrace.runs.web_inputs import list_web_inputs

    try:
        found = [services.read(f"/web_inputs/{subject}")]
    except sdk().GlobusAPIError as error:
        if error.http_status != 404:
            raise
        summaries = list_web_inputs(services, include_closed=True, run_id=subject)
        found = [services.read(f"/web_inputs/{each['id']}") for each in summaries]
    for document in found:
        if option_id in (each["option_id"] for each in document["options"]):
            return document
    return None


def _pause_trigger(
    project: Project, target: str, name: str, ask: Callable[[Callable[[Services], None]], None]
) -> Outcome:
    from headrace.triggers import TriggerError
    from headrace.triggers.pausing import pause

    if not (project.triggers_dir / f"{name}.toml").is_file():
        return Outcome("refused", f"trigger {name} is not there any more")
    try:
        pause(project, target, [name], ask)
    except TriggerError as error:
        return Outcome("refused", str(error))
    resume = f"headrace trigger resume {name}{at_option(target)}"
    return Outcome("done", f"trigger {name} is paused until `{resume}`")


def _pause_inversion(project: Project, directory: str, after: str) -> Outcome:
    from headrace.seismic.inversion import commands
    from headrace.seismic.inversion.paths import Paths
    from headrace.seismic.inversion.published import (
        is_started,
        published_iterations,
        read_summary,
    )

    home = (project.root / Path(directory)).resolve()
    paths = Paths(home)
    if not paths.settings.is_file():
        return Outcome("refused", f"there is no inversion in {directory} any more")
    if not is_started(paths):
        return Outcome("refused", f"{home.name} has not started")
    last = published_iterations(paths)[-1]
    ended = read_summary(paths, last).get("outcome")
    if ended in ("finished", "stopped", "paused"):
        return Outcome("refused", f"{home.name} does not go on: iteration {last} is {ended}")
    commands.pause(home, after, "from the phone")
    return Outcome(
        "done", f"{home.name} stops after this {after}; `headrace inversion resume` lets it go on"
    )


def _inversion_of_run(
    project: Project, services: Services, target: str, run_id: str
) -> Path | None:
    """Return the directory of the inversion that a run advances; None where it is not here."""
    from headrace._internal.collection_path import CollectionPath, CollectionPathError

    entries = services.read(f"/runs/{run_id}/log", {"limit": 1})["entries"]
    given = ((entries[0].get("details") or {}).get("input") if entries else None) or {}
    place = given.get("inversion")
    if not isinstance(place, Mapping):
        return None
    for name, collection in project.collections.items():
        try:
            if project.collection_id(name, target) == place.get("id"):
                path = CollectionPath.parse(name, str(place.get("path")))
                return path.local(collection.root)
        except (HeadraceError, CollectionPathError):
            continue
    return None


def _own_retry(retries: Any, recorded: RecordedCommand, target: str) -> str | None:
    """Return the run by which an interrupted command took up its run; None where none did."""
    for each in retries:
        if target == "local":
            if each.get("retry_request_id") == recorded.signed.nonce:
                return str(each["run_id"])
        elif datetime.fromisoformat(str(each["start_time"])) >= datetime.fromtimestamp(
            recorded.started_at - _CLOCK_ERROR, UTC
        ):
            return str(each["run_id"])
    return None


def _name(run: Mapping[str, Any]) -> str:
    label = " ".join(str(run.get("label") or "").split())
    short = _short(str(run["run_id"]))
    return f"{label} ({short})" if label else f"run {short}"


def _short(subject: str) -> str:
    return subject if "/" in subject else subject[:_SHORT]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
