"""Path of a run through its flow, from its log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from headrace.flowlang.drawing.graph import END, START

Ends = tuple[str, str]

# Codes of entries with which the visit to a state is over.
_ENDS: Final = ("Completed", "Failed", "FlowCanceled")


@dataclass
class RunPath:
    """Path of a run: states that it entered, and edges that it took.

    Attributes:
        visits: how often each state was entered.
        seconds: time spent in each state.
        edges: how often each edge was taken.
        current_state: the state that the run is in, None when it has ended.
        failed_state: the state that it failed in.
    """

    visits: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    edges: Counter[Ends] = field(default_factory=Counter)
    current_state: str | None = None
    failed_state: str | None = None

    def mark(self, name: str) -> str:
        """Return ``here``, ``failed``, ``done`` or ``never`` for a state."""
        if name == self.failed_state:
            return "failed"
        if name == self.current_state:
            return "here"
        if name in (START, END):
            passed = any(name in ends for ends in self.edges)
            return "done" if passed else "never"
        return "done" if self.visits[name] else "never"

    def note(self, name: str) -> str:
        """Return how often and how long a run was in a state, in a few words."""
        count, seconds = self.visits[name], self.seconds[name]
        if not count:
            return ""
        times = [f"{count}x"] if count > 1 else []
        if seconds or name != self.current_state:
            # The time of a visit that goes on is known at its end.
            times.append(_duration(seconds))
        return ", ".join(times)


def run_path_of(entries: Iterable[Mapping[str, Any]]) -> RunPath:
    """Return the path of a run from its log.

    Args:
        entries: the log as the service gives it, the oldest first.
    """
    path = RunPath()
    before, since = START, None
    for entry in entries:
        code, details = str(entry["code"]), entry.get("details") or {}
        name, moment = details.get("state_name"), _moment(entry)
        if code.endswith("Started") and name is not None:
            path.visits[name] += 1
            path.edges[before, name] += 1
            path.current_state, before, since = name, name, moment
            continue
        if code.endswith("Completed") and name is not None and before != name:
            # What a person gave by hand was never started.
            path.visits[name] += 1
            path.edges[before, name] += 1
            before = name
        elif code == "FlowSucceeded":
            path.edges[before, END] += 1
            path.current_state = None
        elif code in ("FlowFailed", "FlowCanceled"):
            path.failed_state = name or path.current_state
            path.current_state = None
        if code.endswith(_ENDS) and since is not None and moment is not None:
            path.seconds[before] += (moment - since).total_seconds()
            since = None
    return path


def _moment(entry: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(entry.get("time")))
    except ValueError:
        return None


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d} min"
