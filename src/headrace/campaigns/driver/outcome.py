"""Decisions after an attempt: the next leg, step or attempt of its member, or its end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from headrace.campaigns.campaign import Campaign, Step
from headrace.campaigns.driver.results import MemberResult
from headrace.campaigns.driver.retries import AttemptFailure, decide_retry
from headrace.campaigns.errors import CampaignError, MemberRefused
from headrace.campaigns.ledger.member import Member
from headrace.campaigns.ledger.start import AttemptEnd
from headrace.campaigns.rendering import condition_holds, value_at

MOST_VISITS: Final = 1000
"""Visits of a member to one step, after which it goes round without end."""

_EARLIER_STEP: Final = re.compile(r"\bsteps\.([A-Za-z][A-Za-z0-9_]*)")


@dataclass(frozen=True)
class History:
    """Earlier work of a member, as far as it is asked for.

    Attributes:
        last_leg: returns the number of its last leg of a step; 0 where it has not been at it.
        output: returns the output of its last accepted run of a step; None where there is none.
    """

    last_leg: Callable[[str], int]
    output: Callable[[str], Any]


@dataclass(frozen=True)
class Decision:
    """Decision after the end of an attempt.

    Attributes:
        end: what is written down of the attempt and its member.
        steps: the steps that are to follow one after the other, besides that which is next.
        is_failure: whether the member has failed for good; None where nothing is known yet, since
            the attempt is repeated.
        note: what is written into the log besides; empty for nothing.
    """

    end: AttemptEnd
    steps: tuple[str, ...] = ()
    is_failure: bool | None = False
    note: str = ""


def decide_end(
    campaign: Campaign,
    member: Member,
    result: MemberResult,
    now: datetime,
    history: History,
    wanted_steps: tuple[str, ...] = (),
    expected_core_hours: float = 0.0,
) -> Decision:
    """Decide what becomes of a member after an attempt.

    Args:
        campaign: its campaign.
        member: the member, as it was during the attempt.
        result: how the attempt ended.
        now: the time, in UTC.
        history: what it has done before.
        wanted_steps: steps that it has asked for earlier and that are still to come.
        expected_core_hours: core hours of a run of which nobody tells what it used.
    """
    hours = expected_core_hours if result.core_hours is None else result.core_hours
    if not result.done:
        return _after_failure(campaign, member, result, now, hours)
    try:
        then, step, leg, rest = _following(campaign, member, result, history, wanted_steps)
    except CampaignError as error:
        # Its work is done, but nobody knows what is next.
        end = AttemptEnd(
            member.id, False, "failed", cause=str(error), counted=True, core_hours=hours
        )
        return Decision(end, is_failure=True)
    end = AttemptEnd(
        member.id,
        True,
        "done" if then is None else "ready",
        step=step,
        leg=leg,
        facts=result.facts,
        core_hours=hours,
        host=result.host,
    )
    return Decision(end, rest)


def first_step(campaign: Campaign, member: Member) -> str | None:
    """Return the first step, from its own on, that a member which has not begun goes through.

    Args:
        campaign: its campaign.
        member: the member.

    Returns:
        None where the conditions of all steps leave it out.

    Raises:
        CampaignError: a condition cannot be evaluated, or its step is there no more.
    """
    number = campaign.step_named(member.step)
    for step in campaign.steps[number:]:
        if condition_holds(step.when, member.row, member.leg):
            return step.name
    return None


def _after_failure(
    campaign: Campaign, member: Member, result: MemberResult, now: datetime, hours: float
) -> Decision:
    failure = AttemptFailure(result.category, result.is_code_error)
    decision = decide_retry(
        campaign.retries,
        failure,
        counted=member.attempts,
        free=member.free_attempts,
        grown=member.grow,
    )
    not_before = now + timedelta(seconds=decision.wait)
    end = AttemptEnd(
        member.id,
        False,
        "ready" if decision.again else "failed",
        cause=result.cause,
        cause_category=failure.known_category,
        counted=decision.counted,
        facts=result.facts,
        core_hours=hours,
        host=result.host,
        not_before=not_before.isoformat() if decision.again else "",
        avoided_lane=member.lane if decision.moves else "",
        grow=decision.grow,
    )
    return Decision(end, is_failure=None if decision.again else True, note=decision.reason)


def _following(
    campaign: Campaign,
    member: Member,
    result: MemberResult,
    history: History,
    wanted_steps: tuple[str, ...],
) -> tuple[Step | None, str | None, int | None, tuple[str, ...]]:
    """Return the next step, its name and leg for the ledger, and the steps behind it.

    Raises:
        CampaignError: there is no such step, a condition cannot be evaluated, or the target is not
            reached.
    """
    if result.next.done:
        return None, None, None, ()
    steps = result.next.steps or wanted_steps
    current = campaign.steps[campaign.step_named(member.step)]
    if result.next.steps:
        return _named_step(campaign, result.next.steps, history)
    if current.legs is not None and not _is_reached(current, member, result):
        if member.leg >= current.legs.at_most:
            raise CampaignError(
                f"its target is not reached after {member.leg} legs (legs.at_most of step "
                f"{current.name})"
            )
        return current, None, member.leg + 1, wanted_steps
    if steps:
        return _named_step(campaign, steps, history)
    number = campaign.step_named(member.step)
    for step in campaign.steps[number + 1 :]:
        if _is_wanted(step, member, result, history):
            leg = history.last_leg(step.name) + 1
            return step, step.name, leg, ()
    return None, None, None, ()


def _named_step(
    campaign: Campaign, names: tuple[str, ...], history: History
) -> tuple[Step, str, int, tuple[str, ...]]:
    for name in names:
        campaign.step_named(name)  # one that is unknown is told before the others have run
    step = campaign.steps[campaign.step_named(names[0])]
    leg = history.last_leg(step.name) + 1
    if leg > MOST_VISITS:
        raise CampaignError(
            f"it has been at step {step.name} {MOST_VISITS} times; does it go round without end?"
        )
    return step, step.name, leg, names[1:]


def _is_reached(step: Step, member: Member, result: MemberResult) -> bool:
    legs = step.legs
    if legs is None:
        return True
    if legs.done is None:
        return member.leg >= legs.at_most
    return value_at(result.output, legs.done) is True


def _is_wanted(step: Step, member: Member, result: MemberResult, history: History) -> bool:
    """Return whether a step's condition holds, with the outputs of those steps that it names."""
    if not step.when:
        return True
    outputs: dict[str, Any] = {}
    for name in _EARLIER_STEP.findall(step.when):
        found = result.output if name == member.step else history.output(name)
        outputs[name] = found if isinstance(found, Mapping) else {}
    try:
        return condition_holds(step.when, member.row, 1, outputs)
    except MemberRefused as error:
        raise CampaignError(f"step {step.name}: {error}") from error
