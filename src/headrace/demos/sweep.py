"""Demonstration of campaigns: a parameter sweep over two lanes."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.demos.demonstration import stop_services

if TYPE_CHECKING:
    from headrace.campaigns.status import CampaignStatus
    from headrace.hosted import Services
    from headrace.project import Project

CAMPAIGN: Final = "oscillators"
"""Name of the campaign."""

_FLOW: Final = "sweep"
_DAMPINGS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_STIFFNESSES: Final = 6
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


class SweepDemonstration:
    """A campaign of thirty commands at work over two lanes, in a directory of its own.

    Args:
        directory: the project; made where it is missing.
        say: shows what happens, in one line each.
    """

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self.directory = directory
        self.say = say

    def prepare(self) -> int:
        """Make the project, the campaign and rows of its table.

        Returns:
            How many rows are new.

        Raises:
            ProjectError: the directory holds something else.
            CampaignError: the campaign cannot be made.
        """
        from headrace._internal.atomic import write_atomic
        from headrace.campaigns.campaign_creation import create_campaign
        from headrace.project import init_project, load_project

        if not (self.directory / "headrace.toml").exists():
            init_project(self.directory, [_FLOW])
            self.say(f"made a project in {self.directory}")
        folder = self.directory / "campaigns"
        file, table = folder / f"{CAMPAIGN}.toml", folder / f"{CAMPAIGN}.csv"
        rows: list[dict[str, str]] = []
        if file.exists():
            rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
        else:
            create_campaign(load_project(self.directory), CAMPAIGN, example=_FLOW)
            write_atomic(file, _over_two_lanes(file.read_text(encoding="utf-8")))
        first = 1 + len(rows) // len(_DAMPINGS)
        added = [_row(c, k) for c, k in itertools.product(_DAMPINGS, _numbers(first))]
        write_atomic(table, _table_text([*rows, *added]))
        self.say(f"{table.name}: {len(added)} pairs of damping and stiffness, two lanes")
        return len(added)

    def run(
        self,
        project: Project,
        target: str,
        connect: Callable[[], Services],
        show: Callable[[CampaignStatus], None],
        say: Callable[[str], None],
    ) -> CampaignStatus:
        """Start the campaign, and drive it until it has ended.

        Args:
            project: the project, deployed.
            target: where its runs are started.
            connect: returns the services.
            show: shows how the campaign stands, whenever that has changed.
            say: shows a line.

        Returns:
            The campaign as it has ended.

        Raises:
            CampaignError: it cannot be started, or somebody else drives it.
        """
        from headrace.campaigns import load_campaign
        from headrace.campaigns.campaign_access import change_campaign_ledger, open_campaign
        from headrace.campaigns.campaign_start import start_campaign
        from headrace.campaigns.driver.project_driver import ProjectDriver
        from headrace.campaigns.status import read_status

        def status() -> CampaignStatus:
            with open_campaign(project, target, CAMPAIGN) as opened:
                return read_status(opened.database, opened.row, opened.campaign)

        campaign = load_campaign(project, CAMPAIGN)
        with change_campaign_ledger(project, target) as ledger:
            start_campaign(project, campaign, ledger, "demonstration")
        with ProjectDriver(
            project, target, connect, say, on_event=lambda event: show(status())
        ) as driver:
            driver.run([CAMPAIGN])
        return status()

    def rows(self, project: Project, target: str) -> list[Mapping[str, Any]]:
        """Return the campaign's table with what became of each member."""
        from headrace.campaigns.campaign_access import open_campaign
        from headrace.campaigns.result_table import result_rows

        with open_campaign(project, target, CAMPAIGN) as opened:
            return list(result_rows(opened.database, opened.id))

    def stop(self) -> None:
        """Stop the facility; runs and results stay."""
        stop_services(self.directory)


def _numbers(first: int) -> range:
    return range(first, first + _STIFFNESSES)


def _row(damping: float, stiffness: int) -> dict[str, str]:
    name = f"c{damping:g}-k{stiffness}"
    return {"name": name, "damping": f"{damping:g}", "stiffness": str(stiffness)}


def _over_two_lanes(text: str) -> str:
    """Return the example's file with packs of a few members, and with two lanes."""
    head = text.partition("[lanes.")[0].rstrip()
    return re.sub(r"^pack = \d+ ", f"pack = {_PACK} ", head, flags=re.MULTILINE) + "\n" + _LANES


def _table_text(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["name", "damping", "stiffness"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
