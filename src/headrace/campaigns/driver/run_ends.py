"""Ends of runs: what becomes of their members, written down in one transaction for many runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from headrace.campaigns.campaign import Step
from headrace.campaigns.driver.added_members import AddedMembersRefused, add_members
from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.events import CampaignEvent, CampaignPaused, GraftEnded, LegEnded
from headrace.campaigns.driver.outcome import Decision, History, decide_end
from headrace.campaigns.driver.results import MemberResult, member_results
from headrace.campaigns.driver.run_requests import expected_core_hours
from headrace.campaigns.driver.run_service import EndedRun
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger import Attempt, AttemptEnd, LedgerTables, Member, Start

WHO: Final = "driver"
"""The part of headrace that the log names."""

_WANTED_STEPS: Final = "_next_steps"
_SUCCEEDED: Final = "SUCCEEDED"

OutputOf = Callable[[str], Any]
"""Returns the output of a run by its id; None where it is not known."""


@dataclass
class EndsWritten:
    """Record of what a transaction has written, for what follows once it is committed.

    Attributes:
        events: what is to be told.
    """

    events: list[CampaignEvent] = field(default_factory=list)


def write_end(
    tables: LedgerTables,
    driven: DrivenCampaign,
    start: Start,
    ended: EndedRun,
    now: datetime,
    output_of: OutputOf,
    written: EndsWritten,
) -> None:
    """Write down the end of a run, with all that follows from it.

    Args:
        tables: the ledger, in a transaction.
        driven: the campaign.
        start: the start whose run it is; one whose end is known already changes nothing.
        ended: the run.
        now: the time, in UTC.
        output_of: returns outputs of earlier runs.
        written: what is told after the commit; added to.
    """
    outcome = ended.outcome
    if start.kind == "graft":
        _write_graft_end(tables, driven, start, ended, written)
        return
    attempts = tables.starts.attempts(start.id)
    members = {each.id: each for each in tables.members.read([one.member for one in attempts])}
    pairs = [(attempt, members[attempt.member]) for attempt in attempts]
    step = driven.step(start.step)
    results = _results(driven, step, [member.key for _, member in pairs], ended)
    decisions: list[tuple[Attempt, Member, MemberResult, Decision]] = []
    late: list[AttemptEnd] = []
    hours = 0.0
    for attempt, member in pairs:
        result = results[member.key]
        expected = expected_core_hours(driven, step, member, start.lane) if step else 0.0
        hours += expected if result.core_hours is None else result.core_hours
        if attempt.state != "open":
            used = expected if result.core_hours is None else result.core_hours
            late.append(AttemptEnd(member.id, False, "ready", core_hours=used, host=result.host))
            continue
        history = _history(tables, member, output_of)
        decision = decide_end(
            driven.campaign, member, result, now, history, _wanted_steps(member), expected
        )
        decisions.append((attempt, member, result, decision))
    decisions = [_with_added(tables, driven, each, written) for each in decisions]
    tables.starts.end(
        start.id,
        outcome.status,
        [*late, *(decision.end for *_, decision in decisions)],
        cause=outcome.cause,
        core_hours=hours,
    )
    driven.expected_hours.pop(start.id, None)
    category = outcome.category if outcome.status != _SUCCEEDED else ""
    if start.lane in driven.health:
        driven.health[start.lane].record_run(now.timestamp(), category)
    for attempt, member, _, decision in decisions:
        _write_consequences(tables, driven, start, attempt, member, decision, written)


def _results(
    driven: DrivenCampaign, step: Step | None, keys: Sequence[str], ended: EndedRun
) -> Mapping[str, MemberResult]:
    if step is not None:
        return member_results(driven.campaign, step, keys, ended)
    cause = f"its step is in campaigns/{driven.name}.toml no more"
    return dict.fromkeys(keys, MemberResult(False, cause, is_code_error=True))


def _write_graft_end(
    tables: LedgerTables,
    driven: DrivenCampaign,
    start: Start,
    ended: EndedRun,
    written: EndsWritten,
) -> None:
    """Write down the end of a graft; however it ended, its member is as it was."""
    outcome = ended.outcome
    graft = tables.grafts.find_start(start.id)
    tables.starts.end(start.id, outcome.status, cause=outcome.cause)
    subject = graft.subject if graft else ""
    succeeded = outcome.status == _SUCCEEDED
    if not succeeded:
        detail = f"{start.flow} after {subject or driven.name}: {outcome.cause}"
        tables.log.add(driven.id, "graft failed", detail, who=WHO)
    written.events.append(GraftEnded(driven.name, start.flow, subject, succeeded, outcome.cause))


def _with_added(
    tables: LedgerTables,
    driven: DrivenCampaign,
    each: tuple[Attempt, Member, MemberResult, Decision],
    written: EndsWritten,
) -> tuple[Attempt, Member, MemberResult, Decision]:
    """Add the members that a member asks for; it fails where it may not."""
    attempt, member, result, decision = each
    rows = result.next.members
    if not rows or not decision.end.done:
        return each
    try:
        written.events += add_members(tables, driven, member, rows)
    except (AddedMembersRefused, CampaignError) as error:
        end = AttemptEnd(
            member.id,
            False,
            "failed",
            cause=str(error),
            counted=True,
            core_hours=decision.end.core_hours,
            host=result.host,
        )
        return attempt, member, result, Decision(end, is_failure=True)
    return each


def _write_consequences(
    tables: LedgerTables,
    driven: DrivenCampaign,
    start: Start,
    attempt: Attempt,
    member: Member,
    decision: Decision,
    written: EndsWritten,
) -> None:
    end = decision.end
    if decision.steps != _wanted_steps(member):
        _write_wanted_steps(tables, member, decision.steps)
    if end.cause:
        again = "tried again" if end.then == "ready" else "failed"
        detail = f"{end.cause}{f' ({decision.note})' if decision.note else ''}"
        tables.log.add(driven.id, again, detail, who=WHO, member=member.id)
    written.events.append(
        LegEnded(
            driven.name,
            member.key,
            attempt.step,
            attempt.leg,
            start.lane,
            start.run_id,
            end.done,
            end.then,
            end.cause,
        )
    )
    if decision.is_failure is not None:
        written.events += count_end(tables, driven, is_failure=decision.is_failure)


def count_end(
    tables: LedgerTables, driven: DrivenCampaign, *, is_failure: bool
) -> list[CampaignPaused]:
    """Count the end of a member or a leg, and pause the campaign where a rule says so.

    Args:
        tables: the ledger, in a transaction.
        driven: the campaign.
        is_failure: whether the member has failed for good.

    Returns:
        what is told of it; nothing where no rule holds.
    """
    reason = driven.recent_ends.add(is_failure)
    if not reason or tables.campaigns.get(driven.name).state != "started":
        return []
    tables.campaigns.set_state(driven.id, "paused", reason)
    tables.log.add(driven.id, "paused", reason, who=WHO)
    return [CampaignPaused(driven.name, reason)]


def _history(tables: LedgerTables, member: Member, output_of: OutputOf) -> History:
    def last_leg(step: str) -> int:
        (leg,) = tables.database.execute(
            "SELECT coalesce(max(leg), 0) FROM attempts WHERE member = ? AND step = ?",
            (member.id, step),
        ).fetchone()
        return int(leg)

    def output(step: str) -> Any:
        return output_of(run_of_step(tables, member.id, step))

    return History(last_leg, output)


def run_of_step(tables: LedgerTables, member: int, step: str) -> str:
    """Return the run of a member's last accepted attempt at a step; empty where there is none.

    Args:
        tables: the ledger, in a transaction.
        member: number of the member.
        step: name of the step.
    """
    row = tables.database.execute(
        "SELECT s.run_id FROM attempts AS a JOIN starts AS s ON s.id = a.start "
        "WHERE a.member = ? AND a.step = ? AND a.accepted ORDER BY a.leg DESC LIMIT 1",
        (member, step),
    ).fetchone()
    return str(row[0]) if row else ""


def earlier_runs(tables: LedgerTables, driven: DrivenCampaign, starts: Iterable[Start]) -> set[str]:
    """Return the runs whose outputs the conditions of steps may ask for, of members that ended.

    Args:
        tables: the ledger, in a transaction.
        driven: the campaign.
        starts: the starts whose runs have ended.
    """
    if not driven.earlier_steps:
        return set()
    found = {
        run_of_step(tables, attempt.member, step)
        for start in starts
        for attempt in tables.starts.attempts(start.id)
        for step in driven.earlier_steps - {start.step}
    }
    return found - {""}


def _wanted_steps(member: Member) -> tuple[str, ...]:
    """Return the steps that a member has asked for and that are still to come."""
    found = member.row.get(_WANTED_STEPS)
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _write_wanted_steps(tables: LedgerTables, member: Member, steps: Sequence[str]) -> None:
    row = {name: value for name, value in member.row.items() if name != _WANTED_STEPS}
    if steps:
        row[_WANTED_STEPS] = list(steps)
    tables.database.execute(
        "UPDATE members SET row = ? WHERE id = ?", (json.dumps(row, ensure_ascii=False), member.id)
    )
