"""Grafts: flows that are started once for each leg, member, group or campaign that has ended.

The ledger writes down what is due together with the end that makes it so. What goes wrong with a
graft is told, and leaves its member as it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import write_atomic
from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.events import EventListener, GraftEnded, RunsStarted
from headrace.campaigns.driver.ledger_worker import LedgerWorker, unanswered_starts
from headrace.campaigns.driver.run_ends import WHO, OutputOf
from headrace.campaigns.driver.run_service import RunRequest, RunService
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger import (
    CampaignLedger,
    Graft,
    GraftStart,
    LedgerTables,
    Member,
    NewStart,
    Start,
)
from headrace.campaigns.ledger.start import (
    ATTEMPT_COLUMNS,
    Attempt,
    attempt_from_row,
)
from headrace.campaigns.rendering import (
    MEMBERS_FILE,
    attempt_placeholders,
    condition_holds,
    member_placeholders,
    render,
    render_text,
)
from headrace.campaigns.rendering import Attempt as RenderedAttempt
from headrace.campaigns.tables.grafts import GRAFT_LABELS
from headrace.triggers.template import Texts

PORTION: Final = 500
"""Grafts of one transaction, and of one request to the service."""

MembersFile = Callable[[DrivenCampaign, str], tuple[Path, str]]
"""Returns where the table of a group's members is written, and what its placeholder stands for."""


class GraftStarter(LedgerWorker):
    """Starts the runs of grafts.

    Args:
        ledger: as of its base, like the next three.
        service: starts the runs.
        on_event: called with what was done, after it is in the ledger.
        now: the time, in UTC.
        members_file: returns where the table of a group's members is written.
    """

    def __init__(
        self,
        ledger: CampaignLedger,
        service: RunService,
        on_event: EventListener,
        now: Callable[[], datetime],
        members_file: MembersFile,
    ) -> None:
        super().__init__(ledger, service, on_event, now)
        self._members_file = members_file

    def start_due(self, driven: DrivenCampaign, runs: int | None = None) -> int:
        """Start the grafts of a campaign that are due, some hundreds at most.

        Args:
            driven: the campaign.
            runs: runs that the service takes now at most; None: any number.

        Returns:
            how many were started or skipped.

        Raises:
            CampaignLedgerUnusable: nothing may be done any more.
            CampaignError: the ledger cannot be written now.
            Exception: the service did not answer; what was sent is asked for again.
        """
        limit = PORTION if runs is None else min(PORTION, runs)
        outputs = self._outputs(driven, limit)
        events: list[GraftEnded] = []
        with self._ledger.transaction() as tables:
            starts: list[NewStart] = []
            skipped = 0
            for graft in tables.grafts.all(driven.id):
                for due in tables.grafts.due(graft.id, limit - len(starts)):
                    if self._is_wanted(tables, driven, graft, due, outputs.get, events):
                        starts.append(NewStart(graft.flow, graft_start=due.id))
                    else:
                        skipped += 1
            started = tables.starts.begin(driven.id, starts)
            requests = self._requests(tables, driven, started, events, may_be_sent=False)
        self._notify(events)
        self._send(driven, requests)
        return len(started) + skipped

    def resend(self, driven: DrivenCampaign) -> datetime | None:
        """Ask again for the runs of grafts of which nobody has an answer.

        Args:
            driven: the campaign.

        Returns:
            when the oldest of them was written down; None where there is none.

        Raises:
            CampaignError: the ledger cannot be written now.
            Exception: the service did not answer.
        """
        oldest: datetime | None = None
        while True:
            events: list[GraftEnded] = []
            with self._ledger.transaction() as tables:
                intents = unanswered_starts(tables, driven.id, "graft", PORTION)
                requests = self._requests(tables, driven, intents, events, may_be_sent=True)
            self._notify(events)
            if not intents:
                driven.may_have_graft_intents = False
                return oldest
            oldest = oldest or datetime.fromisoformat(intents[0].created_at)
            if not self._send(driven, requests):
                return oldest  # the others are asked for later

    def _send(self, driven: DrivenCampaign, requests: Sequence[tuple[Start, RunRequest]]) -> bool:
        """Ask for runs and write down the answers; return whether there was one for each."""
        if not requests:
            return True
        driven.may_have_graft_intents = True
        self._ledger.ensure_counted([start for start, _ in requests])
        answers = self._service.start([request for _, request in requests])
        events: list[GraftEnded] = []
        started = 0
        with self._ledger.transaction() as tables:
            for (start, _), answer in zip(requests, answers, strict=True):
                if answer.run_id:
                    tables.starts.mark_open(start.id, answer.run_id)
                    started += 1
                elif answer.problem:
                    self._refuse(tables, driven, start, answer.problem, events)
        self._notify(events)
        if started:
            self._on_event(RunsStarted(driven.name, started, 0))
        return all(answer.run_id or answer.problem for answer in answers)

    # -- one graft

    def _is_wanted(
        self,
        tables: LedgerTables,
        driven: DrivenCampaign,
        graft: Graft,
        due: GraftStart,
        output_of: OutputOf,
        events: list[GraftEnded],
    ) -> bool:
        """Return whether the condition of a graft holds; one that does not is skipped for good."""
        when = str(graft.definition.get("when") or "")
        if not when:
            return True
        member = _member_of(tables, due)
        attempt = _attempt_of(tables, due)
        row = {**member.row, "group": member.group} if member else {"group": due.subject}
        output = output_of(_run_of(tables, attempt)) if attempt else None
        leg = attempt.leg if attempt else 1
        try:
            holds = condition_holds(
                when, row, leg, None, output if isinstance(output, Mapping) else None
            )
        except CampaignError as error:
            tables.grafts.skip(due.id, str(error))
            detail = f"{graft.flow} after {due.subject or driven.name}: {error}"
            tables.log.add(driven.id, "graft failed", detail, who=WHO)
            events.append(GraftEnded(driven.name, graft.flow, due.subject, False, str(error)))
            return False
        if not holds:
            tables.grafts.skip(due.id, f"when: {when}")
        return holds

    def _outputs(self, driven: DrivenCampaign, limit: int) -> dict[str, Any]:
        """Return the outputs that conditions of due grafts ask for."""
        wanted: set[str] = set()
        with self._ledger.transaction() as tables:
            for graft in tables.grafts.all(driven.id):
                if "output" not in str(graft.definition.get("when") or ""):
                    continue
                for due in tables.grafts.due(graft.id, limit):
                    if (attempt := _attempt_of(tables, due)) is not None:
                        wanted.add(_run_of(tables, attempt))
        wanted.discard("")
        found = self._service.read(sorted(wanted)) if wanted else []
        return {each.run_id: each.output for each in found}

    def _requests(
        self,
        tables: LedgerTables,
        driven: DrivenCampaign,
        starts: Sequence[Start],
        events: list[GraftEnded],
        *,
        may_be_sent: bool,
    ) -> list[tuple[Start, RunRequest]]:
        grafts = {graft.id: graft for graft in tables.grafts.all(driven.id)}
        found = []
        for start in starts:
            due = tables.grafts.find_start(start.id)
            graft = grafts.get(due.graft) if due else None
            if due is None or graft is None:
                self._refuse(tables, driven, start, "its graft is there no more", events)
                continue
            try:
                request = self._request(tables, driven, graft, due, start, may_be_sent=may_be_sent)
            except (CampaignError, OSError) as error:
                self._refuse(tables, driven, start, str(error), events)
                continue
            found.append((start, request))
        return found

    def _request(
        self,
        tables: LedgerTables,
        driven: DrivenCampaign,
        graft: Graft,
        due: GraftStart,
        start: Start,
        *,
        may_be_sent: bool,
    ) -> RunRequest:
        definition = graft.definition
        texts = self._texts(tables, driven, graft, due)
        where = f"after.{graft.after}: "
        label = str(definition.get("label") or GRAFT_LABELS[graft.after])
        tags = definition.get("tags") or ()
        attempt = _attempt_of(tables, due)
        lane = next(
            (each for each in driven.campaign.lanes if attempt and each.name == attempt.lane), None
        )
        return RunRequest(
            start.tag,
            graft.flow,
            render(dict(definition.get("input") or {}), texts, f"{where}input"),
            render_text(label, texts, f"{where}label"),
            tuple(render_text(str(tag), texts, f"{where}tags") for tag in tags),
            lane.profile if lane else "",
            may_be_sent,
            datetime.fromisoformat(start.created_at),
            # Members do not wait for what comes after them.
            waits_for_flow=False,
        )

    def _texts(
        self, tables: LedgerTables, driven: DrivenCampaign, graft: Graft, due: GraftStart
    ) -> dict[str, Texts]:
        member, attempt = _member_of(tables, due), _attempt_of(tables, due)
        if member is not None:
            lane = next(
                (each for each in driven.campaign.lanes if attempt and each.name == attempt.lane),
                None,
            )
            rendered = RenderedAttempt(
                attempt.step if attempt else member.step,
                lane,
                attempt.leg if attempt else member.leg,
                attempt.attempt if attempt else 1,
                attempt.directory if attempt else member.accepted_directory,
                member.grow,
            )
            return member_placeholders(
                driven.name, member.key, member.row, member.group, member.category
            ) | attempt_placeholders(driven.campaign, rendered, member.key)
        path, text = self._members_file(driven, due.subject)
        group = due.subject if graft.after == "group" else None
        _write_members(tables, driven, group, path)
        return {"campaign": driven.name, "group": due.subject, MEMBERS_FILE: text}

    def _refuse(
        self,
        tables: LedgerTables,
        driven: DrivenCampaign,
        start: Start,
        cause: str,
        events: list[GraftEnded],
    ) -> None:
        due = tables.grafts.find_start(start.id)
        tables.starts.refuse(start.id, cause)
        subject = due.subject if due else ""
        detail = f"{start.flow} after {subject or driven.name}: {cause}"
        tables.log.add(driven.id, "graft failed", detail, who=WHO)
        events.append(GraftEnded(driven.name, start.flow, subject, False, cause))


def _member_of(tables: LedgerTables, due: GraftStart) -> Member | None:
    found = tables.members.read([due.member]) if due.member is not None else []
    return found[0] if found else None


def _attempt_of(tables: LedgerTables, due: GraftStart) -> Attempt | None:
    if due.attempt is None:
        return None
    row = tables.database.execute(
        f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE id = ?",  # noqa: S608 - our own text
        (due.attempt,),
    ).fetchone()
    return attempt_from_row(row) if row else None


def _run_of(tables: LedgerTables, attempt: Attempt) -> str:
    return tables.starts.get(attempt.start).run_id


def _write_members(
    tables: LedgerTables, driven: DrivenCampaign, group: str | None, path: Path
) -> None:
    """Write a table of members: their keys, states, directories, facts and columns."""
    rows = tables.database.execute(
        "SELECT key, grp, state, accepted_directory, core_hours, facts, row FROM members "
        "WHERE campaign = ? AND (? IS NULL OR grp = ?) ORDER BY id",
        (driven.id, group, group),
    ).fetchall()
    fixed = ("key", "group", "state", "directory", "core_hours")
    found = [(row[:5], json.loads(row[5]), json.loads(row[6])) for row in rows]
    facts = [*dict.fromkeys(name for _, own, _ in found for name in own)]
    columns = [*dict.fromkeys(name for *_, own in found for name in own)]
    others = [name for name in columns if name not in fixed and not name.startswith("_")]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*fixed, *(f"facts.{name}" for name in facts), *others])
    for first, own_facts, own in found:
        writer.writerow(
            [*first, *(own_facts.get(name) for name in facts), *(own.get(name) for name in others)]
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.getvalue().encode())
