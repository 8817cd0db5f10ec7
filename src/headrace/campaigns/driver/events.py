"""Events of campaigns, which the driver hands to whoever listens, after they are in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RunsStarted:
    """Runs of members or grafts have been started.

    Attributes:
        campaign: name of the campaign.
        runs: how many.
        members: how many members they have.
    """

    campaign: str
    runs: int
    members: int


@dataclass(frozen=True)
class LegEnded:
    """An attempt of a member has ended and counts, as done or as failed.

    Attributes:
        campaign: name of the campaign.
        key: the member.
        step: the step.
        leg: the leg of this step.
        lane: where it was.
        run_id: its run; empty where there was none.
        done: whether its outputs are those of the leg.
        then: state of the member afterwards.
        cause: why it failed.
    """

    campaign: str
    key: str
    step: str
    leg: int
    lane: str
    run_id: str
    done: bool
    then: str
    cause: str = ""


@dataclass(frozen=True)
class MembersAdded:
    """A member has added others by what it returned.

    Attributes:
        campaign: name of the campaign.
        key: the member.
        members: how many are new.
    """

    campaign: str
    key: str
    members: int


@dataclass(frozen=True)
class GraftEnded:
    """The run of a graft has ended.

    Attributes:
        campaign: name of the campaign.
        flow: the flow.
        subject: what it followed: a key, a leg, a group; empty for the campaign.
        succeeded: whether it has succeeded.
        cause: why not.
    """

    campaign: str
    flow: str
    subject: str
    succeeded: bool
    cause: str = ""


@dataclass(frozen=True)
class LaneChanged:
    """A lane is lost, or is back.

    Attributes:
        campaign: name of the campaign.
        lane: the lane.
        is_lost: whether it is lost.
        reason: why.
        members: members that were there and go elsewhere.
    """

    campaign: str
    lane: str
    is_lost: bool
    reason: str = ""
    members: int = 0


@dataclass(frozen=True)
class CampaignPaused:
    """A campaign starts nothing more, by a rule of its own.

    Attributes:
        campaign: name of the campaign.
        reason: the rule, and what made it hold.
    """

    campaign: str
    reason: str


@dataclass(frozen=True)
class CampaignEnded:
    """Nothing is left to do in a campaign.

    Attributes:
        campaign: name of the campaign.
        done: members that are done, or share the work of one that is.
        failed: members that have failed.
        others: members that are neither, such as dropped ones.
    """

    campaign: str
    done: int
    failed: int
    others: int = 0


@dataclass(frozen=True)
class CampaignFault:
    """Something is the matter with a campaign that the driver cannot get round by itself.

    Attributes:
        campaign: name of the campaign; empty where it is the service, or the driver itself.
        problem: the fault, in one line; empty where it is gone.
    """

    campaign: str
    problem: str


CampaignEvent = (
    RunsStarted
    | LegEnded
    | MembersAdded
    | GraftEnded
    | LaneChanged
    | CampaignPaused
    | CampaignEnded
    | CampaignFault
)
"""Everything that the driver tells."""

EventListener = Callable[[CampaignEvent], None]
"""Takes an event; what it raises is told, and stops nothing."""
