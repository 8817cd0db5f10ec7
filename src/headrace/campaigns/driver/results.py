"""Results of a run for each of its members: from its output, or from how it failed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from headrace._internal.terminal_text import terminal_text
from headrace.campaigns.campaign import Campaign, Step
from headrace.campaigns.driver.next_work import NextWork, NextWorkRefused, parse_next
from headrace.campaigns.driver.run_service import EndedRun
from headrace.campaigns.rendering import value_at
from headrace.runs.failure_category import category_of_text

_MOST_FACTS: Final = 200
_LONGEST_FACT: Final = 1000
_LONGEST_CAUSE: Final = 1000
_SUCCEEDED: Final = "SUCCEEDED"


@dataclass(frozen=True)
class MemberResult:
    """Result of a run for one of its members.

    Attributes:
        done: whether the work of this leg is done.
        cause: why it is not, in one line.
        category: category of the failure, as `headrace.runs.failure_category` names it.
        is_code_error: whether it is an error of the code or the flow.
        facts: numbers and texts that it found.
        core_hours: what it used; None where nobody tells.
        host: where it ran, as it told.
        next: its own next work.
        output: the output of the run; None where it has none.
    """

    done: bool
    cause: str = ""
    category: str = ""
    is_code_error: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    core_hours: float | None = None
    host: str = ""
    next: NextWork = field(default_factory=NextWork)
    output: Any = None


def member_results(
    campaign: Campaign, step: Step, keys: Sequence[str], ended: EndedRun
) -> dict[str, MemberResult]:
    """Return the result of a run for each of its members.

    A pack that has failed fails those of its members that have no record of their own, and those
    alone.

    Args:
        campaign: the campaign.
        step: the members' step.
        keys: the members.
        ended: the run.
    """
    records = _records(campaign, ended.output) if step.takes_list else None
    if records is None:
        common = _common_result(campaign, ended, len(keys))
        return dict.fromkeys(keys, common)
    hours = _core_hours(campaign, ended.output, len(keys))
    return {key: _recorded_result(ended, records.get(key), hours) for key in keys}


def _common_result(campaign: Campaign, ended: EndedRun, members: int) -> MemberResult:
    """Return the result of a run whose members end as it does."""
    hours = _core_hours(campaign, ended.output, members)
    if ended.outcome.status != _SUCCEEDED:
        return _failed(ended, hours)
    results, output = campaign.results, ended.output
    facts = value_at(output, results.facts) if results.facts else None
    wanted = value_at(output, results.next) if results.next else None
    try:
        following = parse_next(wanted)
    except NextWorkRefused as error:
        cause = f"results.next: {error}"
        return MemberResult(False, cause, is_code_error=True, core_hours=hours, output=output)
    return MemberResult(
        True, facts=plain_facts(facts), core_hours=hours, next=following, output=output
    )


def _recorded_result(ended: EndedRun, record: Any, hours: float | None) -> MemberResult:
    """Return the result of a member of a pack by its record."""
    if not isinstance(record, Mapping):
        if ended.outcome.status != _SUCCEEDED:
            return _failed(ended, hours)
        return MemberResult(False, "the pack has no record of this member", core_hours=hours)
    own = record.get("core_hours")
    used = _amount(own) if _amount(own) is not None else hours
    host = str(record.get("host") or "")
    facts = plain_facts(record.get("facts"))
    if record.get("state") != "done":
        cause = _line(record.get("cause")) or "it failed, and its record does not say why"
        category = str(record.get("category") or "") or category_of_text(cause)
        return MemberResult(
            False, cause, category, facts=facts, core_hours=used, host=host, output=ended.output
        )
    try:
        following = parse_next(record.get("next"))
    except NextWorkRefused as error:
        return MemberResult(False, f"next: {error}", is_code_error=True, core_hours=used, host=host)
    return MemberResult(
        True, facts=facts, core_hours=used, host=host, next=following, output=ended.output
    )


def _failed(ended: EndedRun, hours: float | None) -> MemberResult:
    outcome = ended.outcome
    cause = _line(outcome.cause) or f"the run has ended as {outcome.status}"
    return MemberResult(
        False,
        cause,
        outcome.category,
        outcome.is_code_error,
        core_hours=hours,
        output=ended.output,
    )


def _records(campaign: Campaign, output: Any) -> Mapping[str, Any] | None:
    """Return the records of a pack's members; None where they all end as their run does."""
    if campaign.results.members is None:
        return None
    found = value_at(output, campaign.results.members)
    return found if isinstance(found, Mapping) else {}


def _core_hours(campaign: Campaign, output: Any, members: int) -> float | None:
    """Return what one member's share of a run's core hours is; None where nobody tells."""
    if campaign.results.core_hours is None:
        return None
    found = value_at(output, campaign.results.core_hours)
    amount = _amount(found)
    return None if amount is None else amount / max(1, members)


def plain_facts(value: Any) -> dict[str, Any]:
    """Return the numbers and texts of an object; what is neither is kept as JSON text.

    Args:
        value: what a run says; anything but an object has none.
    """
    if not isinstance(value, Mapping):
        return {}
    return {str(name): _plain(item) for name, item in [*value.items()][:_MOST_FACTS]}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:_LONGEST_FACT]


def _amount(value: Any) -> float | None:
    """Return a number that may be an amount; None where it is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _line(text: Any) -> str:
    return terminal_text(" ".join(str(text or "").split()))[:_LONGEST_CAUSE]
