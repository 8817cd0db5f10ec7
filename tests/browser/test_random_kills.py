"""Kills at random while pages are walked: all is done once, and pages show what is so again.

How long any page was wrong is printed, and recorded as a property: it is of the machine, too.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from tests.support.browser.killed_walk import KilledWalk
from tests.support.browser.killed_world import KilledWorld
from tests.support.browser.pages import Pages
from tests.support.browser.shown_facts import ShownFacts
from tests.support.waiting import wait_until

# Chromium's own words for a server that is gone, and for parts that cannot be had.
EXPECTED = (r"net::ERR_", r"Failed to load resource", r"the server responded with a status of 5")

Record = Callable[[str, object], None]


def walk_under_kills(
    root: Path, pages: Pages, record: Record, *, seed: int, rounds: int, tasks: int, longest: float
) -> None:
    for words in EXPECTED:
        pages.expect(words)
    facts = ShownFacts()
    world = KilledWorld(root / "project", facts)
    try:
        walk = KilledWalk(world, pages, facts, seed)
        for _ in range(rounds):
            for task in walk.rng.sample(walk.tasks[:tasks], tasks):
                walk.step(task, longest)
        walk.send_old_forms()
        world.rest()
        wait_until(walk.is_all_true, "the open pages to show what is so")
        ended = time.time()
    finally:
        world.close()
    lies = sorted(facts.lies(ended), key=lambda lie: -lie.seconds)
    lengths = [lie.seconds for lie in lies]
    report = {
        "kills": dict(Counter(kind for kind, _ in world.kills)),
        "told": dict(walk.told),
        "pages wrong": len(lies),
        "longest_s": round(max(lengths, default=0.0), 2),
        "median_s": round(median(lengths), 2) if lengths else 0.0,
    }
    print(report, *lies[:5], sep="\n")
    for name, value in report.items():
        record(name, value)
    assert walk.wrong == []


def test_under_kills_each_thing_is_done_once(
    tmp_path: Path, pages: Pages, record_property: Record
) -> None:
    walk_under_kills(tmp_path, pages, record_property, seed=1, rounds=1, tasks=5, longest=1.5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_under_many_kills_each_thing_is_done_once(
    tmp_path: Path, pages: Pages, seed: int, record_property: Record
) -> None:
    walk_under_kills(tmp_path, pages, record_property, seed=seed, rounds=2, tasks=8, longest=7.0)


def test_it_is_measured_how_long_a_page_is_wrong() -> None:
    facts = ShownFacts()
    tab = {"page": object()}

    def show(moment: float, is_live: bool, **shown: object) -> None:
        facts.tell(tab, {"place": "/runs", "at": moment, "isLive": is_live, "facts": shown})

    facts.note("tick", 0.0, 1)
    facts.note("alive web", 0.0, True)
    show(1.0, True, tick=1)
    facts.note("tick", 2.0, 2)  # not shown until 5.5
    show(5.5, True, tick=2)
    facts.note("alive web", 10.0, False)  # said at 12
    show(12.0, False, tick=2)
    facts.note("tick", 20.0, 3)  # it is said that what is shown may be old
    found = [(lie.what, lie.seconds) for lie in facts.lies(30.0)]
    assert found == [("tick", 3.5), ("alive web", 2.0)]
    assert facts.count_true() == 0
    show(31.0, True, tick=2)
    assert facts.count_true() == 0
    facts.note("alive web", 32.0, True)
    show(33.0, True, tick=3)
    assert facts.count_true() == 1
