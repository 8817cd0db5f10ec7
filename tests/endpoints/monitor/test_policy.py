from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.endpoints.canary import CanaryResult
from headrace.endpoints.monitor.policy import (
    MAX_RESTARTS,
    EndpointStatus,
    RestartRecord,
    assess,
    choose_action,
)

ALIVE = CanaryResult(True, "ran on n1", 0.5)
DEAD = CanaryResult(False, "did not come back within 60 s (waiting-for-nodes)", 60.0)


@pytest.mark.parametrize(
    ("sighting", "health", "words"),
    [
        (EndpointStatus("running", True, "online"), "healthy", ""),
        (EndpointStatus("running", True, "online", canary=ALIVE), "healthy", "ran on n1"),
        (EndpointStatus("running", True, "online", canary=DEAD), "sick", "did not come back"),
        (EndpointStatus("running", True, "offline"), "unreachable", "calls it offline"),
        (EndpointStatus("running", True, "not registered"), "unreachable", "not registered"),
        (EndpointStatus("running", True, "unknown"), "unknown", "does not answer"),
        (EndpointStatus("stopped", False, "offline"), "down", "has ended"),
        (EndpointStatus("disconnected", False, "offline"), "down", "was killed"),
        (EndpointStatus("disconnected", True, "online"), "hung", "no sign of life"),
        (EndpointStatus("stopped", False, "offline", held=True), "held", "by hand"),
        (EndpointStatus("running", True, "online", held=True), "healthy", ""),
    ],
)
def test_what_is_seen_is_judged(sighting: EndpointStatus, health: str, words: str) -> None:
    found, story = assess(sighting)
    assert found == health
    assert words in story


def test_what_may_be_a_hiccup_is_seen_twice_before_a_restart() -> None:
    action, record = choose_action(RestartRecord(), "unreachable", 0.0, 0.5)
    assert action == "wait"
    assert choose_action(record, "unreachable", 60.0, 0.5)[0] == "restart"


def test_a_dead_one_is_restarted_at_once() -> None:
    assert choose_action(RestartRecord(), "down", 0.0, 0.5)[0] == "restart"


def test_pauses_double_up_to_an_hour_and_then_it_is_given_up() -> None:
    record, now, restarts = RestartRecord(), 0.0, []
    while True:
        action, record = choose_action(record, "down", now, 0.5)
        if action == "give up":
            break
        if action == "restart":
            restarts.append(now)
        now += 1.0
    pauses = [round(b - a) for a, b in itertools.pairwise(restarts)]
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600]
    assert len(restarts) == MAX_RESTARTS
    assert choose_action(record, "down", now + 1e6, 0.5)[0] == "none"


def test_health_forgets_what_was() -> None:
    _, record = choose_action(RestartRecord(tries=5, gave_up="x"), "healthy", 0.0, 0.5)
    assert record == RestartRecord()


def test_a_service_that_does_not_answer_changes_nothing() -> None:
    before = RestartRecord(bad=1, tries=2, not_before=50.0)
    assert choose_action(before, "unknown", 0.0, 0.5) == ("none", before)


@given(
    st.lists(
        st.sampled_from(["healthy", "held", "down", "hung", "unreachable", "sick", "unknown"])
    ),
    st.floats(0, 0.999),
)
def test_never_more_restarts_than_tries_between_two_healthy_looks(
    healths: list[str], chance: float
) -> None:
    record, restarts = RestartRecord(), 0
    for number, health in enumerate(healths):
        action, record = choose_action(record, health, number * 10_000.0, chance, max_restarts=3)  # type: ignore[arg-type]
        restarts = 0 if health in ("healthy", "held") else restarts + (action == "restart")
        assert restarts <= 3
        assert not (health in ("healthy", "held", "unknown") and action != "none")
