"""Steps of demonstrations of campaigns: a project, a campaign, a driver until its end."""

from __future__ import annotations

import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.campaigns.driver.events import CampaignEvent
    from headrace.campaigns.status import CampaignStatus
    from headrace.hosted import Services
    from headrace.project import Project

_WHO = "headrace demo"


class CampaignDemonstration(ABC):
    """A campaign at work in a directory of its own.

    Args:
        directory: the project; made where it is missing.
        say: shows what happens, in one line each.
    """

    campaign: str
    """Name of the campaign, which is that of the example too."""
    pipelines: tuple[str, ...]
    """Pipelines that the project has."""

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self.directory = directory
        self.say = say

    @abstractmethod
    def prepare(self, count: int) -> list[str]:
        """Make the project, the inputs of members and the campaign's table.

        Args:
            count: how many members.

        Returns:
            The keys of the members.

        Raises:
            ProjectError: the directory holds something else, or a program failed.
        """

    def drive(
        self,
        project: Project,
        target: str,
        connect: Callable[[], Services],
        show: Callable[[CampaignStatus], None] = lambda status: None,
    ) -> CampaignStatus:
        """Start the campaign, and drive it until nothing is left to do.

        Args:
            project: the project, deployed.
            target: where its runs are started.
            connect: returns the services.
            show: shows how the campaign stands, whenever that has changed.

        Returns:
            The status at the end.

        Raises:
            CampaignError: the campaign cannot be started, or somebody else drives it.
        """
        from headrace.campaigns import load_campaign
        from headrace.campaigns.campaign_access import change_campaign_ledger
        from headrace.campaigns.campaign_start import start_campaign
        from headrace.campaigns.driver.project_driver import ProjectDriver

        def take(event: CampaignEvent) -> None:
            self.tell(event)
            show(self.status(project, target))

        with change_campaign_ledger(project, target) as ledger:
            started = start_campaign(project, load_campaign(project, self.campaign), ledger, _WHO)
        self.say(f"campaign {self.campaign}: {started.total} members")
        with ProjectDriver(project, target, connect, self.say, on_event=take) as driver:
            driver.run([self.campaign])
        return self.status(project, target)

    def status(self, project: Project, target: str) -> CampaignStatus:
        """Return how the campaign stands."""
        from headrace.campaigns.campaign_access import open_campaign
        from headrace.campaigns.status import read_status

        with open_campaign(project, target, self.campaign) as found:
            return read_status(found.database, found.row, found.campaign)

    def tell(self, event: CampaignEvent) -> None:
        """Show a leg that is done; what went wrong is shown by the driver."""
        from headrace.campaigns.driver.events import LegEnded

        if isinstance(event, LegEnded) and event.done:
            ready = ", target reached" if event.then == "done" else ""
            self.say(f"{event.key}  leg {event.leg} at {event.lane}: done{ready}")

    def make_project(self) -> None:
        """Make the project where it is missing."""
        from headrace.project import init_project

        if not (self.directory / "headrace.toml").exists():
            init_project(self.directory, self.pipelines)
            self.say(f"made a project in {self.directory}")

    def run_script(self, name: str, *arguments: str) -> str:
        """Run a Python program of the project's `job_scripts`, and return what it printed."""
        from headrace.config import ProjectError

        command = [sys.executable, str(self.directory / "job_scripts" / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise ProjectError(f"{name} ended with {done.returncode}: {last}")
        return done.stdout

    def write_table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write the campaign's table, and the campaign's file where it is missing."""
        import csv

        from headrace.campaigns.campaign_creation import create_campaign
        from headrace.project import load_project

        file = self.directory / "campaigns" / f"{self.campaign}.toml"
        if not file.exists():
            create_campaign(load_project(self.directory), self.campaign, example=self.campaign)
        with file.with_suffix(".csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
