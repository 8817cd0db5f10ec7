"""Live progress of a campaign: one screen for thousands of members, few lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from headrace.cli.termio.member_states import MEMBER_STATE_COLOURS
from headrace.cli.termio.terminal import one_line, write

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from headrace.campaigns.status import CampaignStatus, LaneStatus

# Where nobody looks on, a line tells of changes no more often than this.
_LINE_SECONDS: Final = 60.0
# In the bar of all members, from left to right.
_BAR: Final = (
    *("done", "shared", "failed", "asking", "held"),
    *("running", "starting", "ready", "waiting"),
)


class CampaignBoard(Protocol):
    """Display of a campaign's progress; a context manager."""

    def __enter__(self) -> CampaignBoard:
        """Begin to show."""

    def __exit__(self, *error: object) -> None:
        """End, leaving what was said where it is."""

    def show(self, status: CampaignStatus) -> None:
        """Show how the campaign stands now."""

    def say(self, message: str) -> None:
        """Show something beside the figures."""


def make_campaign_board(*, quiet: bool = False) -> CampaignBoard:
    """Return the board that standard error can have.

    Args:
        quiet: whether nothing but messages is wanted.
    """
    if quiet:
        return QuietBoard()
    return LiveBoard() if sys.stderr.isatty() else LineBoard()


class QuietBoard:
    """Shows messages alone."""

    def __enter__(self) -> QuietBoard:
        return self

    def __exit__(self, *error: object) -> None:
        """Has nothing to end."""

    def show(self, status: CampaignStatus) -> None:
        """Show nothing."""

    def say(self, message: str) -> None:
        """Write a line."""
        write(one_line(message), err=True)


class LineBoard:
    """A line with the counts when they have changed, for logs: at once, then once a minute."""

    def __init__(self) -> None:
        self._shown = ""
        self._at = float("-inf")

    def __enter__(self) -> LineBoard:
        return self

    def __exit__(self, *error: object) -> None:
        """Has nothing to end."""

    def show(self, status: CampaignStatus) -> None:
        """Write the counts, where they are others than before and a minute has gone by."""
        text = counts_text(status)
        now = time.monotonic()
        if text != self._shown and now - self._at >= _LINE_SECONDS:
            self._shown, self._at = text, now
            self.say(f"{status.name}: {text}")

    def say(self, message: str) -> None:
        """Write a line with the time."""
        write(f"{datetime.now().astimezone():%H:%M:%S} {one_line(message)}", err=True)


class LiveBoard:
    """A bar of all members, their counts, the lanes and the expected end, drawn again and again."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveBoard:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the figures; what was said stays."""
        self._live.stop()

    def show(self, status: CampaignStatus) -> None:
        """Draw the figures."""
        self._live.update(self._figures(status))

    def say(self, message: str) -> None:
        """Write a line above the figures."""
        from rich.text import Text

        self._console.print(Text(one_line(message), style="dim"), soft_wrap=True)

    def _figures(self, status: CampaignStatus) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        width = max(20, min(100, self._console.width - 2))
        head = Text.assemble(
            (one_line(status.name), "bold"),
            f"  {status.finished:,} of {status.total:,} done",
            (f"  {one_line(status.state)}" if status.state != "started" else "", "yellow"),
        )
        lines = [head, _bar(status, width), _counts(status)]
        end = end_text(status)
        if end:
            lines.append(Text(end, style="dim"))
        room = max(0, self._console.height - len(lines) - len(status.people[:3]) - 2)
        lines += [_lane(lane) for lane in status.lanes[:room]]
        lines += [Text(one_line(line), style="yellow") for line in status.people[:3]]
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return Group(*lines)


def counts_text(status: CampaignStatus) -> str:
    """Return the counts of members in one line."""
    return ", ".join(f"{count:,} {state}" for state, count in status.counts.items() if count)


def end_text(status: CampaignStatus) -> str:
    """Return pace and expected end in one line; "" where nothing is known."""
    forecast = status.forecast
    words = [] if forecast.per_hour is None else [f"{forecast.per_hour:,.1f} an hour"]
    if forecast.at and forecast.earliest and forecast.latest:
        at, early, late = (
            each.astimezone().strftime("%Y-%m-%d %H:%M")
            for each in (forecast.at, forecast.earliest, forecast.latest)
        )
        words.append(f"ends {at} ({early} to {late})")
    return ", ".join(words)


def _bar(status: CampaignStatus, width: int) -> Text:
    from rich.text import Text

    text = Text()
    for state, length in _lengths({each: status.counts[each] for each in _BAR}, width).items():
        text.append(
            ("█" if state in MEMBER_STATE_COLOURS else "░") * length,
            style=MEMBER_STATE_COLOURS.get(state, "dim"),
        )
    return text


def _lengths(counts: Mapping[str, int], width: int) -> dict[str, int]:
    """Return the length of each part of a bar: what is there at all is seen, however little."""
    total = sum(counts.values())
    lengths = {name: max(1, width * count // total) for name, count in counts.items() if count}
    while lengths and sum(lengths.values()) != width:
        longest = max(lengths, key=lambda name: lengths[name])
        if sum(lengths.values()) > width and lengths[longest] == 1:
            break  # narrower than there are states
        lengths[longest] += 1 if sum(lengths.values()) < width else -1
    return lengths


def _counts(status: CampaignStatus) -> Text:
    from rich.text import Text

    text = Text()
    for state, count in status.counts.items():
        if count:
            text.append(f"{count:,} {state}  ", style=MEMBER_STATE_COLOURS.get(state, ""))
    return text


def _lane(lane: LaneStatus) -> Text:
    from rich.text import Text

    limit = "" if lane.limit is None else f" of {lane.limit:,}"
    words = f"{one_line(lane.name)}: {lane.open:,}{limit} under way, {lane.done:,} done"
    words += f", {lane.failed:,} failed in the last hour"
    mark = "  lost" if lane.lost_since else "  drained" if lane.drained else ""
    return Text.assemble((words, "dim"), (mark, "yellow"))
