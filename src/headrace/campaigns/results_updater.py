"""Directories of results that are kept up to date while campaigns are driven."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from headrace._internal.closing import ClosedOnExit
from headrace.campaigns.campaign_access import campaign_of_row, read_campaign_ledger
from headrace.campaigns.ledger.campaign_table import CampaignTable
from headrace.campaigns.report import write_campaign_report
from headrace.campaigns.results import update_results
from headrace.campaigns.results_place import local_results, results_directory
from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from headrace.campaigns.driver.events import CampaignEvent
    from headrace.project import Project

# Between two updates of links and log, and of the table, which takes seconds for many members.
_LINK_SECONDS: Final = 5.0
_TABLE_SECONDS: Final = 60.0


class ResultsUpdater(ClosedOnExit):
    """Updates directories of results in a thread of its own, so that the driver waits for none.

    Args:
        project: the project.
        target: where its campaigns run.
        report: called with one line where a directory cannot be written, once for each cause.
    """

    def __init__(self, project: Project, target: str, report: Callable[[str], None]) -> None:
        self._project = project
        self._target = target
        self._report = report
        self._names: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._table_at: dict[str, float] = {}
        self._problems: dict[str, str] = {}
        self._thread = threading.Thread(target=self._work, name="results", daemon=True)
        self._thread.start()

    def note(self, event: CampaignEvent) -> None:
        """Have the directory of an event's campaign updated soon."""
        with self._lock:
            self._names.add(event.campaign)

    def close(self) -> None:
        """Update what is left, tables and reports too, and end."""
        self._stopping.set()
        self._thread.join()
        self._update(self._take() | set(self._table_at), final=True)

    def _work(self) -> None:
        while not self._stopping.wait(_LINK_SECONDS):
            self._update(self._take(), final=False)

    def _take(self) -> set[str]:
        with self._lock:
            names, self._names = self._names, set()
        return names - {""}

    def _update(self, names: set[str], *, final: bool) -> None:
        for name in sorted(names):
            try:
                update_campaign_results(
                    self._project, self._target, name, table=self._is_due(name, final), report=final
                )
            except (HeadraceError, OSError) as error:
                problem = f"results of campaign {name}: {' '.join(str(error).split())}"
                if self._problems.get(name) != problem:
                    self._problems[name] = problem
                    self._report(problem)

    def _is_due(self, name: str, final: bool) -> bool:
        now = time.monotonic()
        if final or now - self._table_at.get(name, float("-inf")) >= _TABLE_SECONDS:
            self._table_at[name] = now
            return True
        return False


def update_campaign_results(
    project: Project, target: str, name: str, *, table: bool = True, report: bool = True
) -> None:
    """Bring the directory of a campaign's results up to date, where it has one here.

    Args:
        project: the project.
        target: where the campaign runs.
        name: of the campaign.
        table: whether its table is written anew.
        report: whether its report is.

    Raises:
        CampaignError: the ledger cannot be read.
        OSError: the directory cannot be written.
    """
    with read_campaign_ledger(project, target) as database:
        row = CampaignTable(database, "").find(name)
        if row is None:
            return
        campaign = campaign_of_row(project, row)
        directory = results_directory(project, campaign)
        if directory is None:
            return
        locate = partial(local_results, project, campaign)
        update_results(database, row.id, directory, locate, with_table=table)
        if report:
            write_campaign_report(database, row, campaign, directory / "report.html")
