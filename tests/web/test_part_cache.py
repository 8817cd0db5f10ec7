"""A part that many browsers show is rendered once, and is never older than what was done."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from headrace.web.changes.broadcast import Broadcast
from headrace.web.part_cache import PartCache, PartSession, filled_in
from headrace.web.security.session import Session


class Followed(Broadcast):
    """One that somebody follows."""

    @property
    def has_streams(self) -> bool:
        return True


class Renders:
    """Counts how often a part is rendered."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> tuple[str, bool]:
        self.count += 1
        return f"text {self.count}", True


@pytest.fixture
def moment() -> list[float]:
    return [100.0]


@pytest.fixture
def broadcast() -> Broadcast:
    return Followed()


@pytest.fixture
def cache(broadcast: Broadcast, moment: list[float]) -> PartCache:
    return PartCache(broadcast, lambda: moment[0])


def test_fifty_browsers_render_once_a_change(cache: PartCache, broadcast: Broadcast) -> None:
    started = threading.Barrier(50)
    renders = Renders()

    def ask() -> str:
        started.wait(60)
        return cache.get("runs", ["runs"], renders)

    with ThreadPoolExecutor(50) as pool:
        for count in (1, 2, 3):
            found = [future.result() for future in [pool.submit(ask) for _ in range(50)]]
            assert set(found) == {f"text {count}"}
            assert renders.count == count
            broadcast.publish(["runs"])


def test_what_was_rendered_during_a_change_is_rendered_again(
    cache: PartCache, broadcast: Broadcast
) -> None:
    def render() -> tuple[str, bool]:
        broadcast.publish(["runs"])
        return "as before", True

    assert cache.get("runs", ["runs"], render) == "as before"
    assert cache.get("runs", ["runs"], Renders()) == "text 1"
    broadcast.publish(["triggers"])
    assert cache.get("runs", ["runs"], Renders()) == "text 1"


def test_an_action_forgets_what_is_being_rendered_too(cache: PartCache) -> None:
    def render() -> tuple[str, bool]:
        cache.forget()
        return "before the action", True

    assert cache.get("runs", [], render) == "before the action"
    assert cache.get("runs", [], lambda: ("after it", True)) == "after it"


def test_nothing_is_kept_for_longer_than_a_second_or_for_others(
    cache: PartCache, moment: list[float]
) -> None:
    renders = Renders()
    assert cache.get(("a", "look"), [], renders) == "text 1"
    assert cache.get(("a", "steer"), [], renders) == "text 2"
    moment[0] += 1.5
    assert cache.get(("a", "look"), [], renders) == "text 3"
    assert cache.get("own", [], lambda: ("of one session", False)) == "of one session"
    assert cache.get("own", [], lambda: ("of another", False)) == "of another"


def test_without_anybody_who_follows_nothing_is_kept(moment: list[float]) -> None:
    renders = Renders()
    cache = PartCache(Broadcast(), lambda: moment[0])
    cache.get("a", [], renders)
    cache.get("a", [], renders)
    assert renders.count == 2


def test_tokens_are_those_of_who_asks() -> None:
    first, second = Session(1, "steer", "ana", "s1"), Session(2, "steer", "bo", "s2")
    shown = PartSession(first)
    text = f"<{shown.form_token}><{shown.new_once()}><{shown.new_once()}>"
    assert shown.is_shared
    assert filled_in(text, first).startswith(f"<{first.form_token}>")
    assert second.form_token in filled_in(text, second)
    assert first.form_token not in filled_in(text, second)
    names = filled_in(text, first).strip("<>").split("><")
    assert len(set(names)) == 3
    assert PartSession(first).role == "steer"
    assert shown.label == "ana"
    assert not shown.is_shared
