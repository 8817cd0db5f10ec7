"""Requests for the runs of starts that are in the ledger: the same ones, however often made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from headrace.campaigns.campaign import Lane, Step
from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.run_service import RunRequest
from headrace.campaigns.errors import CampaignError, MemberRefused
from headrace.campaigns.ledger import Attempt, LedgerTables, Member, Start
from headrace.campaigns.ledger.start import ATTEMPT_COLUMNS, attempt_from_row
from headrace.campaigns.rendering import (
    MEMBERS,
    attempt_placeholders,
    member_placeholders,
    render,
    render_number,
    render_text,
)
from headrace.campaigns.rendering import Attempt as RenderedAttempt
from headrace.triggers.template import JsonValue, Texts

_KEYS_OF_A_LABEL: Final = 1


@dataclass(frozen=True)
class RefusedStart:
    """A start that cannot be asked for.

    Attributes:
        start: the start.
        causes: why, by the number of each member whose own row is the reason; the others of its
            pack are not.
    """

    start: Start
    causes: dict[int, str]


@dataclass
class StartRequests:
    """Requests for starts.

    Attributes:
        requests: each start with its request.
        refused: those that cannot be asked for.
    """

    requests: list[tuple[Start, RunRequest]] = field(default_factory=list)
    refused: list[RefusedStart] = field(default_factory=list)


def make_requests(
    tables: LedgerTables, driven: DrivenCampaign, starts: Sequence[Start], *, may_be_sent: bool
) -> StartRequests:
    """Make the requests for starts of members.

    Args:
        tables: the ledger, in a transaction.
        driven: the campaign.
        starts: the starts.
        may_be_sent: whether they may have been sent before.
    """
    found = StartRequests()
    attempts = _attempts_of(tables, starts)
    ids = [attempt.member for each in attempts.values() for attempt in each]
    members = {member.id: member for member in tables.members.read(ids)}
    for start in starts:
        pairs = [(each, members[each.member]) for each in attempts.get(start.id, ())]
        try:
            request = _request(driven, start, pairs, may_be_sent=may_be_sent)
        except _Refused as refused:
            found.refused.append(RefusedStart(start, refused.causes))
        except (CampaignError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            # Whatever a row holds, the others are started.
            cause = str(error) or type(error).__name__
            causes = {member.id: cause for _, member in pairs}
            found.refused.append(RefusedStart(start, causes))
        else:
            found.requests.append((start, request))
    return found


def expected_core_hours(driven: DrivenCampaign, step: Step, member: Member, lane: str) -> float:
    """Return the core hours that a member's run is expected to cost; 0 where that is not told.

    Args:
        driven: the campaign.
        step: the member's step.
        member: the member.
        lane: where; the first lane where none is chosen yet.
    """
    if not step.cost:
        return 0.0
    attempt = RenderedAttempt(step.name, _lane(driven, lane), member.leg, member.attempt + 1)
    texts = _texts(driven, member) | attempt_placeholders(driven.campaign, attempt, member.key)
    try:
        return max(0.0, render_number(step.cost, texts, "cost"))
    except CampaignError:
        return 0.0  # the row is refused where its run is asked for, or `check` has told of it


def restore_expected_hours(tables: LedgerTables, driven: DrivenCampaign) -> None:
    """Find out again what the starts under way are expected to cost, after a restart.

    Args:
        tables: the ledger, in a transaction.
        driven: the campaign.
    """
    if driven.campaign.limits.core_hours is None:
        return
    starts = driven.under_way(tables)
    attempts = _attempts_of(tables, starts)
    ids = [attempt.member for each in attempts.values() for attempt in each]
    members = {member.id: member for member in tables.members.read(ids)}
    for start in starts:
        step = driven.step(start.step)
        if step is not None:
            driven.expected_hours[start.id] = sum(
                expected_core_hours(driven, step, members[each.member], start.lane)
                for each in attempts.get(start.id, ())
            )


class _Refused(Exception):
    def __init__(self, causes: dict[int, str]) -> None:
        super().__init__("; ".join(causes.values()))
        self.causes = causes


def _attempts_of(tables: LedgerTables, starts: Sequence[Start]) -> dict[int, list[Attempt]]:
    rows = tables.database.execute(
        f"SELECT {ATTEMPT_COLUMNS} FROM attempts "  # noqa: S608 - our own text
        "WHERE start IN (SELECT value FROM json_each(?)) ORDER BY start, member",
        (json.dumps([start.id for start in starts]),),
    )
    found: dict[int, list[Attempt]] = {}
    for attempt in map(attempt_from_row, rows):
        found.setdefault(attempt.start, []).append(attempt)
    return found


def _request(
    driven: DrivenCampaign,
    start: Start,
    pairs: Sequence[tuple[Attempt, Member]],
    *,
    may_be_sent: bool,
) -> RunRequest:
    step = driven.step(start.step)
    if step is None:
        raise CampaignError(f"step {start.step} is in campaigns/{driven.name}.toml no more")
    lane = _lane(driven, start.lane)
    texts = _pack_texts(driven, step, lane, pairs) if step.takes_list else None
    if texts is None:
        attempt, member = pairs[0]
        texts = _member_texts(driven, lane, attempt, member)
    where = f"step {step.name}: "
    return RunRequest(
        start.tag,
        # Not that of the step, which may be another one by now: services know a request by its
        # flow and its tag.
        start.flow or step.flow,
        render(dict(step.input), texts, f"{where}input"),
        render_text(step.label, texts, f"{where}label"),
        tuple(render_text(tag, texts, f"{where}tags") for tag in step.tags),
        lane.profile if lane else "",
        may_be_sent,
        datetime.fromisoformat(start.created_at),
    )


def _pack_texts(
    driven: DrivenCampaign,
    step: Step,
    lane: Lane | None,
    pairs: Sequence[tuple[Attempt, Member]],
) -> dict[str, Texts]:
    """Return what the templates of a pack's run may say; a bad row does not hide the others.

    Raises:
        _Refused: rows cannot be used as they are.
    """
    items: list[Any] = []
    causes: dict[int, str] = {}
    for attempt, member in pairs:
        texts = _member_texts(driven, lane, attempt, member)
        try:
            items.append(render(dict(step.member), texts, f"step {step.name}: member"))
        except (MemberRefused, ArithmeticError, LookupError, TypeError, ValueError) as error:
            causes[member.id] = str(error) or type(error).__name__
    if causes:
        raise _Refused(causes)
    attempt, member = pairs[0]
    common = RenderedAttempt(step.name, lane, attempt.leg, attempt.attempt, grow=member.grow)
    others = len(pairs) - _KEYS_OF_A_LABEL
    key = f"{member.key} and {others} more" if others else member.key
    return {
        **attempt_placeholders(driven.campaign, common),
        "key": key,
        "group": member.group,
        "category": member.category,
        MEMBERS: JsonValue(items),
    }


def _member_texts(
    driven: DrivenCampaign, lane: Lane | None, attempt: Attempt, member: Member
) -> dict[str, Texts]:
    rendered = RenderedAttempt(
        attempt.step,
        lane,
        attempt.leg,
        attempt.attempt,
        member.accepted_directory,
        member.grow,
    )
    return _texts(driven, member) | attempt_placeholders(driven.campaign, rendered, member.key)


def _texts(driven: DrivenCampaign, member: Member) -> dict[str, Texts]:
    return member_placeholders(driven.name, member.key, member.row, member.group, member.category)


def _lane(driven: DrivenCampaign, name: str) -> Lane | None:
    """Return a lane; None where its file has it no more, or none was chosen."""
    return next((lane for lane in driven.campaign.lanes if lane.name == name), None)
