"""One mark for an endpoint on all pages, and whether it needs a look."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.web.views.endpoint_states import endpoint_mark, needs_a_look


def row(kind: str, state: str, service: str, **more: Any) -> dict[str, Any]:
    found = {"kind": kind, "state": state, "service": service}
    return {**found, "held": False, "warning": "", "drain": None, **more}


@pytest.mark.parametrize(
    ("kind", "state", "service", "mark", "looks"),
    [
        ("installed", "running", "online", "good", False),
        ("installed", "running", "unknown", "good", False),
        ("installed", "running", "offline", "bad", True),
        ("installed", "stopped", "offline", "bad", True),
        ("installed", "stopped", "unknown", "bad", True),
        ("installed", "disconnected", "online", "bad", True),
        ("hosted", "ready", "online", "good", False),
        ("hosted", "starts with its first task", "online", "idle", False),
        ("hosted", "waiting for workers", "online", "wait", True),
        ("hosted", "no facility is running", "unknown", "bad", True),
        ("hosted", "unknown", "unknown", "bad", True),
        ("elsewhere", "not created here", "online", "good", False),
        ("elsewhere", "not created here", "offline", "bad", True),
        ("elsewhere", "not created here", "not registered", "bad", True),
        # It was never created there, or nobody could be asked.
        ("elsewhere", "not created here", "unknown", "wait", True),
        ("unknown", "unknown", "unknown", "bad", True),
    ],
)
def test_marks(kind: str, state: str, service: str, mark: str, looks: bool) -> None:
    each = row(kind, state, service)
    word, shape = endpoint_mark(each)
    assert (shape, needs_a_look(each)) == (mark, looks)
    assert word == (f"{state}; the service calls it {service}" if kind == "elsewhere" else state)


def test_one_that_a_person_stopped_is_no_failure_and_yet_listed() -> None:
    stopped = row("installed", "stopped", "offline", held=True)
    assert endpoint_mark(stopped) == ("stopped, by hand", "idle")
    assert needs_a_look(stopped)


def test_one_that_is_drained_or_warns_needs_a_look() -> None:
    drained = row("hosted", "drained", "online", drain={"tasks_left": 0})
    assert endpoint_mark(drained) == ("drained", "wait")
    assert needs_a_look(drained)
    assert endpoint_mark(row("hosted", "ready", "online", warning="old")) == ("ready", "bad")
