"""The report of a campaign: one HTML file that holds everything it shows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from headrace._internal.html_report import (
    Chapter,
    Picture,
    Report,
    ReportError,
    Table,
    says_something,
    write_report,
)
from headrace.campaigns.campaign import Campaign
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.fact_summary import FactSummary, summarise_facts
from headrace.campaigns.ledger.campaign_row import CampaignRow
from headrace.campaigns.ledger.member import STATES
from headrace.campaigns.page_data import member_strip
from headrace.campaigns.status import CampaignStatus, group_counts, read_status
from headrace.campaigns.strip_drawing import legend_svg, strip_svg
from headrace.campaigns.why import MemberFailureCluster, explain_member_failures

_CELLS: Final = 2_000
_MOST_GROUPS: Final = 200
_MOST_FAILED: Final = 100
_MOST_CHANGES: Final = 200


def write_campaign_report(
    database: sqlite3.Connection, row: CampaignRow, campaign: Campaign, path: Path
) -> Path:
    """Write the report of a campaign as it stands.

    Args:
        database: the ledger.
        row: the campaign there.
        campaign: what its file says.
        path: the file; its directory is made if need be.

    Raises:
        CampaignError: the file cannot be written.
    """
    now = datetime.now(UTC)
    status = read_status(database, row, campaign, now)
    chapters = [
        Chapter("State", tuple(_state_words(status)), (_counts_table(status),)),
        _strip_chapter(database, row, status),
        Chapter("Groups", tables=_groups_tables(database, row.id)),
        Chapter("Lanes", tables=(_lanes_table(status),)),
        _failures_chapter(database, row),
        Chapter("Results", tables=(_facts_table(summarise_facts(database, row.id)),)),
        Chapter("Steering", tables=(_changes_table(database, row.id),)),
    ]
    report = Report(status.title, _summary(status, now), tuple(filter(says_something, chapters)))
    try:
        return write_report(path, report)
    except ReportError as error:
        raise CampaignError(str(error)) from error


def _summary(status: CampaignStatus, now: datetime) -> str:
    share = f" ({100 * status.finished / status.total:.0f} %)" if status.total else ""
    words = [
        f"{status.finished:,} of {status.total:,} members are done{share}",
        f"{status.counts['failed']:,} failed",
        f"{status.core_hours:,.1f} core hours were used",
    ]
    return f"{', '.join(words)}; as of {now:%Y-%m-%d %H:%M} UTC."


def _state_words(status: CampaignStatus) -> list[str]:
    words = [f"The campaign is {status.state}."]
    forecast = status.forecast
    if forecast.per_hour is not None:
        words.append(f"Pace: {forecast.per_hour:,.1f} members an hour.")
    if forecast.at and forecast.earliest and forecast.latest:
        words.append(
            f"Expected end: {forecast.at:%Y-%m-%d %H:%M} UTC; four times of five between "
            f"{forecast.earliest:%Y-%m-%d %H:%M} and {forecast.latest:%Y-%m-%d %H:%M}."
        )
    return [*words, *(f"Waits for a person: {line}." for line in status.people)]


def _counts_table(status: CampaignStatus) -> Table:
    rows = tuple((state, count) for state, count in status.counts.items() if count)
    return Table("Members by state", ("state", "members"), rows)


def _strip_chapter(
    database: sqlite3.Connection, row: CampaignRow, status: CampaignStatus
) -> Chapter:
    cells = member_strip(database, row.id, _CELLS)
    if not cells:
        return Chapter("Members")
    states = [state for state in STATES if status.counts[state]]
    each = max(sum(cell.counts.values()) for cell in cells)
    what = "a cell for each member" if each == 1 else f"a cell for up to {each:,} members"
    words = ", ".join(f"{status.counts[state]:,} {state}" for state in states)
    return Chapter(
        "Members",
        pictures=(
            Picture(
                f"All members in the order of the table, {what}",
                f"cells coloured by state: {words}",
                strip_svg(cells).encode(),
            ),
            Picture("Colours", f"colours of {', '.join(states)}", legend_svg(states).encode()),
        ),
    )


def _groups_tables(database: sqlite3.Connection, campaign: int) -> tuple[Table, ...]:
    tables = []
    for by in ("group", "step"):
        found = group_counts(database, campaign, by)
        if len(found) > 1:
            shown = dict([*found.items()][:_MOST_GROUPS])
            tables.append(_groups_table(by, shown, len(found) - len(shown)))
    return tuple(tables)


def _groups_table(by: str, groups: Mapping[str, Mapping[str, int]], hidden: int) -> Table:
    states = [state for state in STATES if any(counts.get(state) for counts in groups.values())]
    rows: list[tuple[str | int, ...]] = []
    for name, counts in groups.items():
        numbers = [counts.get(state, 0) for state in states]
        rows.append((name or "none", sum(counts.values()), *numbers))
    more = f"; {hidden:,} more are not shown" if hidden > 0 else ""
    return Table(f"Members by {by} and state{more}", (by, "members", *states), tuple(rows))


def _lanes_table(status: CampaignStatus) -> Table:
    rows = tuple(
        (
            lane.name,
            lane.open,
            "any number" if lane.limit is None else str(lane.limit),
            lane.done,
            lane.failed,
            round(lane.core_hours, 2),
            "lost" if lane.lost_since else "drained" if lane.drained else "",
        )
        for lane in status.lanes
    )
    columns = ("lane", "under way", "limit", "done", "failed", "core hours", "state")
    return Table("Lanes; attempts and core hours of the last hour", columns, rows)


def _failures_chapter(database: sqlite3.Connection, row: CampaignRow) -> Chapter:
    clusters = explain_member_failures(database, row.id, row.name)
    rows = tuple((len(each.keys), each.template, each.verdict, _shared(each)) for each in clusters)
    causes = Table("Causes", ("members", "cause", "verdict", "in common"), rows)
    failed = database.execute(
        "SELECT key, step, leg, attempts + free_attempts, lane, cause FROM members INDEXED BY "
        "by_state WHERE campaign = ? AND state = 'failed' ORDER BY id LIMIT ?",
        (row.id, _MOST_FAILED),
    ).fetchall()
    members = Table(
        f"Members that failed, {_MOST_FAILED} at most",
        ("member", "step", "leg", "failures", "lane", "cause"),
        tuple(tuple(each) for each in failed),
    )
    return Chapter("Failures", tables=(causes, members) if clusters else ())


def _shared(cluster: MemberFailureCluster) -> str:
    return "; ".join(
        f"{each.here} of {each.here_of} on {each.kind} {each.value} (p {each.p:.2g})"
        for each in cluster.shared
    )


def _facts_table(facts: Sequence[FactSummary]) -> Table:
    columns = ("name", "members", "smallest", "a quarter below", "median")
    rows = tuple(
        (
            each.name,
            each.count,
            each.smallest,
            each.first_quarter,
            each.middle,
            each.third_quarter,
            each.largest,
        )
        for each in facts
    )
    return Table("Numbers that members returned", (*columns, "a quarter above", "largest"), rows)


def _changes_table(database: sqlite3.Connection, campaign: int) -> Table:
    rows: list[tuple[Any, ...]] = [
        (str(at)[:19].replace("T", " "), verb, count, who, "undone" if undone else "")
        for at, verb, count, who, undone in database.execute(
            "SELECT at, verb, count, who, undone FROM changes WHERE campaign = ? "
            "ORDER BY id DESC LIMIT ?",
            (campaign, _MOST_CHANGES),
        )
    ]
    columns = ("time (UTC)", "what", "members", "who", "")
    return Table("What people changed, the latest first", columns, tuple(rows))
