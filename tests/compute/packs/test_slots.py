"""Processors and GPUs that members of a pack share."""

from __future__ import annotations

import threading

from headrace.compute.packs.slots import Slots
from tests.support.waiting import wait_until


def test_a_member_that_needs_more_than_there_is_runs_alone() -> None:
    slots = Slots(2, ("4", "7"))
    with slots.held(5, 1) as devices:
        assert devices == ("4",)
        assert slots._free == 0
    with slots.held(1), slots.held(1, 2) as devices:
        assert sorted(devices) == ["4", "7"]


def test_members_run_in_their_order_however_long_each_is_made_ready() -> None:
    slots = Slots(2)
    order: list[int] = []

    def take(number: int, cores: int) -> None:
        with slots.held(cores, 0, number):
            order.append(number)

    def start(number: int, cores: int) -> threading.Thread:
        thread = threading.Thread(target=take, args=(number, cores))
        thread.start()
        wait_until(lambda: number in slots._waiting or number in order, "its request")
        return thread

    with slots.held(1):
        later = [start(number, 1) for number in (3, 2)]
        slots.pass_by(1)
        assert not order
        # The first needs more than is free now: the later ones go before it.
        first = start(0, 2)
        for thread in later:
            thread.join()
        assert order == [2, 3]
    first.join()
    assert order == [2, 3, 0]
