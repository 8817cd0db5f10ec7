"""Demonstration of campaigns: a parameter sweep over two lanes."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headrace.config.project_file import CONFIG_FILE
from headrace.demos.campaign_demonstration import CampaignDemonstration

if TYPE_CHECKING:
    from headrace.campaigns.driver.events import CampaignEvent
    from headrace.project import Project

_COLUMNS: Final = ("name", "damping", "stiffness")
_DAMPINGS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_PACK: Final = 4
_LANES: Final = """
# Both are endpoints of this machine here; each could be a cluster.
[lanes.simulation]
endpoint = "simulation"
collection = "hpc"

[lanes.analysis]
endpoint = "analysis"
collection = "hpc"
weight = 2                       # its share of the starts
"""


class SweepDemonstration(CampaignDemonstration):
    """Commands from a table at work over two lanes, in a directory of their own."""

    campaign = "sweep"
    pipelines = ("sweep",)

    def prepare(self, count: int) -> list[str]:
        """Make the project, the campaign and further rows of its table.

        Args:
            count: how many rows are added.

        Returns:
            The keys of all members.

        Raises:
            ProjectError: the directory holds something else.
            CampaignError: the campaign cannot be made.
        """
        is_new = not (self.directory / CONFIG_FILE).exists()
        self.make_project()
        file = self.directory / "campaigns" / f"{self.campaign}.toml"
        rows: list[tuple[str, ...]] = []
        if not is_new:
            with file.with_suffix(".csv").open(newline="", encoding="utf-8") as stream:
                rows = [tuple(row[name] for name in _COLUMNS) for row in csv.DictReader(stream)]
        rows += [_row(number) for number in range(len(rows), len(rows) + count)]
        self.write_table(_COLUMNS, rows)
        if is_new:
            file.write_text(_over_two_lanes(file.read_text(encoding="utf-8")), encoding="utf-8")
        self.say(f"{count} pairs of damping and stiffness in {file.with_suffix('.csv')}")
        return [row[0] for row in rows]

    def rows(self, project: Project, target: str) -> list[Mapping[str, Any]]:
        """Return the campaign's table with what became of each member."""
        from headrace.campaigns.campaign_access import open_campaign
        from headrace.campaigns.result_table import result_rows

        with open_campaign(project, target, self.campaign) as opened:
            return list(result_rows(opened.database, opened.id))

    def tell(self, event: CampaignEvent) -> None:
        """Show nothing of single members: they take a moment each."""


def _row(number: int) -> tuple[str, ...]:
    damping, stiffness = _DAMPINGS[number % len(_DAMPINGS)], 1 + number // len(_DAMPINGS)
    return f"c{damping:g}-k{stiffness}", f"{damping:g}", str(stiffness)


def _over_two_lanes(text: str) -> str:
    """Return the example's file with packs of a few members, and with two lanes."""
    head = text.partition("[lanes.")[0].rstrip()
    return re.sub(r"^pack = \d+ ", f"pack = {_PACK} ", head, flags=re.MULTILINE) + "\n" + _LANES
