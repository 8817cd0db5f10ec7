"""Poll a run: the states that it has been in, the present one, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headrace.flowlang.failure_text import failure_in
from headrace.flowlang.resume_entry import is_resume_state

if TYPE_CHECKING:
    from headrace.hosted import Services

FINAL = frozenset({"SUCCEEDED", "FAILED", "ENDED"})
_PAGE = 100


@dataclass(frozen=True)
class StateView:
    """One visit of a run to a state.

    Attributes:
        name: the state's name.
        type: the state's type, such as ``Action``.
        started_at: when it was entered.
        finished_at: when it was left; None in the present one.
        failed: whether its action failed.
    """

    name: str
    type: str
    started_at: datetime
    finished_at: datetime | None = None
    failed: bool = False


@dataclass(frozen=True)
class RunView:
    """A run as it stands.

    Attributes:
        run: the run document.
        states: the states it has been in, in order; the last may be the present one.
    """

    run: Mapping[str, Any]
    states: tuple[StateView, ...] = ()

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.run["run_id"])

    @property
    def label(self) -> str:
        """Name that its starter gave it; the flow's title or its id where there is none."""
        return self.run.get("label") or self.run.get("flow_title") or self.id

    @property
    def status(self) -> str:
        """ACTIVE, INACTIVE, SUCCEEDED, FAILED or ENDED."""
        return str(self.run["status"])

    @property
    def final(self) -> bool:
        """True once it has ended."""
        return self.status in FINAL

    @property
    def cancelled(self) -> bool:
        """True if somebody ended it; the service counts that among failures."""
        code = (self.run.get("details") or {}).get("code")
        return self.status == "ENDED" or (self.status == "FAILED" and code == "FlowCanceled")

    @property
    def current(self) -> StateView | None:
        """The state that it is in."""
        if self.final or not self.states or self.states[-1].finished_at is not None:
            return None
        return self.states[-1]

    @property
    def actions(self) -> list[dict[str, Any]]:
        """Status documents of the actions under way, as far as the target gives them."""
        details = self.run.get("details") or {}
        statuses = details.get("action_statuses")
        return statuses if isinstance(statuses, list) else []

    @property
    def output(self) -> dict[str, Any]:
        """The payload at the end of a run that succeeded."""
        output = (self.run.get("details") or {}).get("output")
        return output if isinstance(output, dict) else {}

    def elapsed(self, now: datetime | None = None) -> float:
        """Return seconds from its start to its end, or until now."""
        end = parse_time(self.run.get("completion_time")) or now or datetime.now(UTC)
        start = parse_time(self.run.get("start_time"))
        return max(0.0, (end - start).total_seconds()) if start else 0.0

    def failure(self) -> dict[str, Any] | None:
        """Return ``state_name``, ``exception`` and ``cause`` of a run that failed."""
        details = self.run.get("details") or {}
        if self.status != "FAILED":
            return None
        return failure_in(details)


def parse_time(text: Any) -> datetime | None:
    """Return a time of the service as datetime, or None."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass
class RunPoller:
    """Poller of one run; each :meth:`poll` costs one or two requests.

    Args:
        run_id: the run.
    """

    run_id: str
    entries: list[dict[str, Any]] = field(default_factory=list)
    _fingerprint: tuple[Any, ...] = ()

    def poll(self, services: Services) -> RunView:
        """Return the run as it stands now; the log is only asked for when it has grown.

        Raises:
            GlobusAPIError: the service refuses.
            HostedError: the service does not answer.
        """
        run = services.read(f"/runs/{self.run_id}")
        details = run.get("details") or {}
        fingerprint = (run["status"], details.get("code"), details.get("time"))
        if fingerprint != self._fingerprint or details.get("time") is None:
            self.entries += self._new_entries(services)
            self._fingerprint = fingerprint
        return RunView(run, states_of(self.entries))

    def _new_entries(self, services: Services) -> list[dict[str, Any]]:
        last = self.entries[-1] if self.entries else None
        fresh: list[dict[str, Any]] = []
        query = {"limit": _PAGE, "reverse_order": True}
        for entry in services.read_items(f"/runs/{self.run_id}/log", "entries", query):
            if entry == last:
                break
            fresh.append(entry)
        return fresh[::-1]


def states_of(entries: list[dict[str, Any]]) -> tuple[StateView, ...]:
    """Return the visits to states that a log has.

    Args:
        entries: the log, oldest first.
    """
    states: list[StateView] = []
    for entry in entries:
        details = entry.get("details") or {}
        name, code = details.get("state_name"), str(entry.get("code"))
        moment = parse_time(entry.get("time")) or datetime.now(UTC)
        if code.startswith("Flow"):
            if (
                states
                and states[-1].finished_at is None
                and code not in {"FlowStarted", "FlowResumed"}
            ):
                states[-1] = replace(states[-1], finished_at=moment, failed=code == "FlowFailed")
            elif states and code == "FlowFailed" and name == states[-1].name:
                # Its action was done; what it gave could not be used.
                states[-1] = replace(states[-1], failed=True)
        elif name and is_resume_state(str(name)):
            continue  # of the entry for retries, and none of the flow's own
        elif name and code.endswith("Started"):
            if states and states[-1].finished_at is None:
                states[-1] = replace(states[-1], finished_at=moment)
            states.append(StateView(name, str(details.get("state_type", "")), moment))
        elif states and states[-1].name == name:
            if code.endswith("Completed"):
                states[-1] = replace(states[-1], finished_at=moment)
            elif code in {"ActionFailed", "ActionTimeout"}:
                states[-1] = replace(states[-1], failed=True)
    return tuple(states)
