"""Status of a campaign, as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from headrace.cli.commands.campaign._campaigns import hours
from headrace.cli.termio.member_states import MEMBER_STATE_COLOURS
from headrace.cli.termio.tables import Field, table
from headrace.cli.termio.terminal import one_line, style

if TYPE_CHECKING:
    from headrace.campaigns.status import CampaignStatus, LaneStatus

_WIDTH: Final = 40
_LANE_FIELDS: Final = (
    Field("lane", lambda lane: lane.name),
    Field("under way", lambda lane: f"{lane.open:,}"),
    Field("of", lambda lane: "" if lane.limit is None else f"{lane.limit:,}", optional=True),
    Field("done 1 h", lambda lane: f"{lane.done:,}"),
    Field("failed 1 h", lambda lane: f"{lane.failed:,}"),
    Field("core hours 1 h", lambda lane: hours(lane.core_hours)),
    Field("machines 1 h", lambda lane: _machines(lane), optional=True),
    Field(
        "state",
        lambda lane: "lost" if lane.lost_since else "drained" if lane.drained else "",
        optional=True,
    ),
)


def status_text(status: CampaignStatus) -> str:
    """Return how a campaign stands."""
    parts = [_heading(status), *_bars(status), "", *_figures(status)]
    if status.lanes:
        parts += ["", table(status.lanes, _LANE_FIELDS, "")]
    if status.people:
        parts += ["", style("waits for you", bold=True)]
        parts += [f"  {one_line(line)}" for line in status.people]
    return "\n".join(parts)


def groups_text(groups: Mapping[str, Mapping[str, int]], by: str) -> str:
    """Return counts by group, lane or step, and state."""
    from headrace.campaigns.ledger.member import STATES

    states = [state for state in STATES if any(counts.get(state) for counts in groups.values())]
    fields = [
        Field(by, lambda row: row[0] or "none"),
        Field("members", lambda row: f"{sum(row[1].values()):,}"),
        *(Field(state, _counted(state)) for state in states),
    ]
    return table([*groups.items()], fields, "It has no members.")


def _counted(state: str) -> Any:
    return lambda row: f"{row[1][state]:,}" if row[1].get(state) else ""


def bar(share: float, width: int = _WIDTH) -> str:
    """Return a bar for a share between 0 and 1."""
    filled = min(width, max(0, round(share * width)))
    return "#" * filled + "." * (width - filled)


def _heading(status: CampaignStatus) -> str:
    words = status.state
    if status.priority:
        words += f", priority {status.priority:g}"
    title = f": {one_line(status.title)}" if status.title not in ("", status.name) else ""
    return f"{style(status.name + title, bold=True)}  ({words})"


def _bars(status: CampaignStatus) -> Iterator[str]:
    if not status.total:
        yield "It has no members."
        return
    shown = {state: count for state, count in status.counts.items() if count}
    width = max(map(len, shown))
    digits = max(len(f"{count:,}") for count in shown.values())
    for state, count in shown.items():
        share = count / status.total if state != "dropped" else 0.0
        name = (
            style(state, fg=MEMBER_STATE_COLOURS[state]) if state in MEMBER_STATE_COLOURS else state
        )
        pad = " " * (width - len(state))
        percent = f"{100 * share:5.1f} %" if state != "dropped" else ""
        yield f"  {name}{pad}  {count:>{digits},}  {bar(share)}  {percent}".rstrip()


def _figures(status: CampaignStatus) -> Iterator[str]:
    forecast = status.forecast
    if forecast.per_hour is not None:
        counted = f"by the last {forecast.counted}"
        yield f"pace        {forecast.per_hour:,.1f} members an hour, {counted}"
    if forecast.at and forecast.earliest and forecast.latest:
        bounds = f"{_time(forecast.earliest)} to {_time(forecast.latest)} in four cases of five"
        yield f"ends        {_time(forecast.at)}; {bounds}"
    elif status.ended_at:
        yield f"ended       {_time(datetime.fromisoformat(status.ended_at))}"
    else:
        yield f"ends        unknown: {forecast.reason}"
    limit = "" if status.core_hours_limit is None else f" of {hours(status.core_hours_limit)}"
    yield f"core hours  {hours(status.core_hours)}{limit}"


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _machines(lane: LaneStatus, most: int = 4) -> str:
    ordered = sorted(lane.hosts.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{one_line(host)} {count:,}" for host, count in ordered[:most]]
    more = [f"{len(ordered) - most} others"] if len(ordered) > most else []
    return ", ".join([*words, *more])
