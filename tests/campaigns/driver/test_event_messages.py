"""Messages of events: one line each, and what people are notified of."""

from __future__ import annotations

import pytest

from headrace.campaigns.driver.event_messages import event_line, event_notification
from headrace.campaigns.driver.events import (
    CampaignEnded,
    CampaignEvent,
    CampaignFault,
    CampaignPaused,
    GraftEnded,
    LaneChanged,
    LegEnded,
    MembersAdded,
    RunsStarted,
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (RunsStarted("napa", 5, 500), ""),
        (LegEnded("napa", "a", "run", 1, "big", "r", True, "done"), ""),
        (
            LegEnded("napa", "a", "run", 1, "big", "r", False, "failed", "no\nconvergence"),
            "napa: a failed: no convergence",
        ),
        (
            LegEnded("napa", "a", "run", 1, "big", "r", False, "ready", "node lost"),
            "napa: a is tried again: node lost",
        ),
        (MembersAdded("napa", "a", 3), "napa: a has added 3 members"),
        (GraftEnded("napa", "look", "a", True), ""),
        (GraftEnded("napa", "look", "", False, "no"), "napa: look after napa failed: no"),
        (CampaignFault("", "no facility"), "campaigns: no facility"),
        (CampaignFault("napa", ""), "campaign napa: well again"),
        (
            LaneChanged("napa", "big", True, "offline", 4),
            "campaign napa: lane big is lost: offline; 4 members go elsewhere",
        ),
        (LaneChanged("napa", "big", False), "campaign napa: lane big is back"),
    ],
)
def test_each_event_is_one_line_or_none(event: CampaignEvent, line: str) -> None:
    assert event_line(event, "local") == line


def test_people_are_notified_of_ends_pauses_and_lanes_alone() -> None:
    ended = event_notification(CampaignEnded("napa", 398, 2), "local")
    assert ended is not None
    assert (ended[1], ended[3]) == ("campaign napa has ended: 398 done, 2 failed", "warning")
    event = CampaignPaused("napa", "10 members failed in a row")
    for target, command in (("local", "resume napa"), ("globus", "resume napa --at globus")):
        paused = event_notification(event, target)
        assert paused is not None
        assert f"`headrace campaign {command}`" in paused[2]
    assert event_notification(RunsStarted("napa", 1, 1), "local") is None
    failed = LegEnded("n", "a", "s", 1, "", "", False, "failed", "x")
    assert event_notification(failed, "local") is None
