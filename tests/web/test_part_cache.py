"""A part that many browsers show is rendered once, and is never older than what was done."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from headrace.web.changes.broadcast import Broadcast
from headrace.web.part_cache import PartCache, PartSession, RenderedPart, filled_in
from headrace.web.security.session import Session
from headrace.web.shared_values import SharedValues


class Followed(Broadcast):
    """One that somebody follows."""

    @property
    def has_streams(self) -> bool:
        return True


class Renders:
    """Counts how often a part is rendered."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> RenderedPart:
        self.count += 1
        return RenderedPart(f"text {self.count}")


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
        return cache.get("runs", ["runs"], renders).text

    with ThreadPoolExecutor(50) as pool:
        for count in (1, 2, 3):
            found = [future.result() for future in [pool.submit(ask) for _ in range(50)]]
            assert set(found) == {f"text {count}"}
            assert renders.count == count
            broadcast.publish(["runs"])


def test_what_was_rendered_during_a_change_is_rendered_again(
    cache: PartCache, broadcast: Broadcast
) -> None:
    def render() -> RenderedPart:
        broadcast.publish(["runs"])
        return RenderedPart("as before")

    assert cache.get("runs", ["runs"], render).text == "as before"
    assert cache.get("runs", ["runs"], Renders()).text == "text 1"
    broadcast.publish(["triggers"])
    assert cache.get("runs", ["runs"], Renders()).text == "text 1"


def test_an_action_forgets_what_is_being_rendered_too(cache: PartCache) -> None:
    def render() -> RenderedPart:
        cache.forget()
        return RenderedPart("before the action")

    assert cache.get("runs", [], render).text == "before the action"
    assert cache.get("runs", [], lambda: RenderedPart("after it")).text == "after it"


def test_nothing_is_kept_for_longer_than_a_second_or_for_others(
    cache: PartCache, moment: list[float]
) -> None:
    renders = Renders()
    assert cache.get(("a", "look"), [], renders).text == "text 1"
    assert cache.get(("a", "steer"), [], renders).text == "text 2"
    moment[0] += 1.5
    assert cache.get(("a", "look"), [], renders).text == "text 3"
    assert cache.get("own", [], lambda: RenderedPart("one", is_shared=False)).text == "one"
    assert cache.get("own", [], lambda: RenderedPart("other", is_shared=False)).text == "other"


def test_without_anybody_who_follows_nothing_is_kept(moment: list[float]) -> None:
    renders = Renders()
    cache = PartCache(Broadcast(), lambda: moment[0])
    cache.get("a", [], renders)
    cache.get("a", [], renders)
    assert renders.count == 2


def test_a_part_of_a_value_from_before_its_change_is_asked_for_again(
    cache: PartCache, broadcast: Broadcast, moment: list[float]
) -> None:
    shared = SharedValues(lambda: moment[0], lambda: broadcast.number)
    runs = ["one"]

    def render() -> RenderedPart:
        return RenderedPart(" ".join(shared.get("runs", 2.0, lambda before: [*runs])))

    assert cache.get("runs", ["runs"], render).again is None
    moment[0] += 0.5
    runs.append("two")
    broadcast.publish(["triggers"])
    assert cache.get("triggers", ["runs"], render).again is None, "no change of what it shows"
    broadcast.publish(["runs"])
    old = cache.get("runs", ["runs"], render)
    assert (old.text, old.again) == ("one", 1.5)
    moment[0] += 0.75
    kept = cache.get("runs", ["runs"], render)
    assert (kept.text, kept.again) == ("one", 0.75), "the one that is kept knows it, too"
    moment[0] += 0.75
    new = cache.get("runs", ["runs"], render)
    assert (new.text, new.again) == ("one two", None)


def test_what_was_made_of_an_old_value_is_as_old(
    cache: PartCache, broadcast: Broadcast, moment: list[float]
) -> None:
    shared = SharedValues(lambda: moment[0], lambda: broadcast.number)
    runs = ["one"]

    def render() -> RenderedPart:
        read = shared.get("runs", 2.0, lambda before: [*runs])
        return RenderedPart(str(shared.get("count", 4.0, lambda before: len(read))))

    shared.get("runs", 2.0, lambda before: [*runs])
    runs.append("two")
    broadcast.publish(["runs"])
    assert cache.get("count", ["runs"], render).again == 2.0
    moment[0] += 2.0
    old = cache.get("count", ["runs"], render)
    assert (old.text, old.again) == ("1", 2.0)
    moment[0] += 2.0
    new = cache.get("count", ["runs"], render)
    assert (new.text, new.again) == ("2", None)


def test_a_part_that_failed_is_asked_for_again(cache: PartCache, moment: list[float]) -> None:
    def fail() -> RenderedPart:
        return RenderedPart("cannot be shown", again=3.0)

    assert cache.get("runs", ["runs"], fail).again == 3.0
    moment[0] += 0.5
    assert cache.get("runs", ["runs"], fail).again == 2.5


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
