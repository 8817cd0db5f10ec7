"""Parts of a driver that a project, or a test, gives it, and its pace at each target."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from headrace.campaigns.driver.driven_campaign import DrivenCampaign, HealthMaker, lane_health
from headrace.campaigns.driver.events import CampaignEvent
from headrace.campaigns.driver.grafts import MembersFile
from headrace.campaigns.driver.limits import Rate


@dataclass(frozen=True)
class DriverPace:
    """Pace of the driver, in seconds.

    Attributes:
        look: between two looks whether others have written to the ledger.
        follow: between two questions for ends of runs while some end, and while none does.
        lanes: between two questions for the endpoints of lanes.
        questions: between two looks for runs that wait for a person.
        rate: limit of the service for starts of all campaigns together; None for none.
        clock_error: how far the service's clock may be behind.
    """

    look: float = 0.5
    follow: tuple[float, float] = (0.1, 2.0)
    lanes: float = 20.0
    questions: float = 30.0
    rate: Rate | None = None
    clock_error: timedelta = timedelta(seconds=5)


@dataclass(frozen=True)
class ServiceRate:
    """A limit of a service for starts.

    Attributes:
        count: runs that may be started within the time.
        seconds: the time.
    """

    count: int
    seconds: float


PACES: Final[Mapping[str, DriverPace]] = {
    "local": DriverPace(),
    "globus": DriverPace(
        follow=(5.0, 15.0),
        lanes=60.0,
        questions=120.0,
        rate=ServiceRate(15, 10.0),
        clock_error=timedelta(minutes=10),
    ),
}
"""The pace at each target."""


@dataclass
class DriverParts:
    """Parts of a driver that a project, or a test, gives it.

    Attributes:
        file_of: returns the file of a campaign.
        members_file: returns where the table of a group's members is written.
        pace: how often what is asked.
        make_health: makes the health of a lane.
        now: the time, in UTC.
        clock: monotonic time in s.
        on_beat: called at least once for each pass, with what is done and what is the matter.
        reload: reads campaign files again into the ledger, where that was asked for.
        take_arrivals: adds the new arrivals of a campaign's trigger to its members.
    """

    file_of: Callable[[str], Path]
    members_file: MembersFile
    pace: DriverPace = field(default_factory=DriverPace)
    make_health: HealthMaker = lane_health
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic
    on_beat: Callable[[str, str], None] = lambda activity, problem: None
    reload: Callable[[], None] = lambda: None
    take_arrivals: Callable[[DrivenCampaign], list[CampaignEvent]] = lambda driven: []
