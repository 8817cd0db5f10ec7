"""Rules that stop a campaign: failures in a row, and a share of the last ends."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from headrace.campaigns.driver.stop_rules import RecentEnds, ends_needed


@dataclass(frozen=True)
class Rule:
    text: str
    failures: int = 0
    share: float = 0.0
    last: int = 0


ROW = Rule("3 failures in a row", failures=3)
SHARE = Rule("20 % of the last 10", share=0.2, last=10)


def test_failures_in_a_row_stop_and_a_success_between_them_does_not() -> None:
    ends = RecentEnds([ROW])
    assert [ends.add(failed) for failed in (True, True, False, True, True)] == [""] * 5
    assert ends.add(True) == "3 members failed in a row (stop_when: 3 failures in a row)"


def test_a_share_is_told_only_of_as_many_ends_as_it_is_of() -> None:
    ends = RecentEnds([SHARE])
    assert not any(ends.add(True) for _ in range(9))
    assert ends.add(True) == "10 of the last 10 that ended failed (stop_when: 20 % of the last 10)"


def test_exactly_the_share_does_not_stop() -> None:
    ends = RecentEnds([SHARE], [False] * 8 + [True])
    assert ends.add(True) == ""
    ends = RecentEnds([SHARE], [False] * 7 + [True, True])
    assert ends.add(True).startswith("3 of the last 10")


def test_a_campaign_that_was_resumed_begins_anew() -> None:
    ends = RecentEnds([ROW], [True, True])
    ends.clear()
    assert ends.add(True) == ""


def test_without_rules_nothing_stops() -> None:
    assert not any(RecentEnds([]).add(True) for _ in range(100))
    assert ends_needed([]) == 0
    assert ends_needed([ROW, SHARE]) == 10


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 60))
def test_a_restart_changes_nothing(ends: list[bool], restart: int) -> None:
    through = RecentEnds([ROW, SHARE])
    told = [through.add(failed) for failed in ends]
    before, after = ends[:restart], ends[restart:]
    again = RecentEnds([ROW, SHARE], before)
    assert [again.add(failed) for failed in after] == told[restart:]
