"""The driver of a project's campaigns: with its services, its heartbeat and its notifications."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace._internal.closing import ClosedOnExit
from headrace._internal.collection_path import CollectionPath
from headrace._internal.heartbeat_files import CAMPAIGNS, HeartbeatWriter
from headrace._internal.systemd_notify import notify_alive, notify_ready, notify_stopping
from headrace.campaigns.campaign_access import ledger_path
from headrace.campaigns.campaign_loading import campaign_file, load_campaign
from headrace.campaigns.driver.campaign_notifier import CampaignNotifier
from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.driver import CampaignDriver
from headrace.campaigns.driver.driver_parts import PACES, DriverParts
from headrace.campaigns.driver.event_messages import event_line, event_notification
from headrace.campaigns.driver.events import CampaignEvent, EventListener, MembersAdded
from headrace.campaigns.driver.project_run_service import ProjectRunService
from headrace.campaigns.errors import CampaignError, CampaignLedgerBusy
from headrace.campaigns.ledger import CampaignLedger
from headrace.campaigns.members.arrivals import ArrivalFeed
from headrace.campaigns.results_place import results_directory
from headrace.errors import HeadraceError
from headrace.ledger_file.claims import Claims
from headrace.project.project import Project, load_project

if TYPE_CHECKING:
    from headrace.hosted import Services

_CLAIM: Final = "driver"
_LATE_SECONDS: Final = 600.0
_DEAD_SECONDS: Final = 1800.0
_GRAFTS: Final = "grafts"


class ProjectDriver(ClosedOnExit):
    """Drives the campaigns of a project at a target; one process does at a time.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        connect: returns the services; called again after they were away.
        report: called with one line for what people may want to see.
        load: reads the project again; for SIGHUP.
        on_event: called with what was done, after it is in the ledger.

    Raises:
        CampaignLedgerBusy: another process drives them.
        CampaignLedgerUnusable: the ledger is missing, damaged or another one.
        CampaignError: it cannot be opened.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        connect: Callable[[], Services],
        report: Callable[[str], None],
        load: Callable[[], Project] | None = None,
        on_event: EventListener = lambda event: None,
    ) -> None:
        from headrace.facility import state_directory

        self._project = project
        self._target = target
        self._report = report
        self._load = load
        self._on_event = on_event
        self._state = state_directory(project.root)
        path = ledger_path(project, target)
        self._claims = Claims(driver_claims(path), CampaignError)
        if not self._claims.try_one(_CLAIM):
            holder = self._claims.find_holder(_CLAIM)
            who = f"process {holder.pid} on {holder.host}" if holder else "another process"
            raise CampaignLedgerBusy(
                f"the campaigns of {project.name} at {target} are driven already, by {who}"
            )
        try:
            self._ledger = CampaignLedger(path)
        except BaseException:
            self._claims.close()
            raise
        self._notifier = CampaignNotifier(project, report)
        self._service = ProjectRunService(project, target, connect, self._project_of)
        self._heartbeat = HeartbeatWriter(
            self._state, CAMPAIGNS, target, late_after=_LATE_SECONDS, dead_after=_DEAD_SECONDS
        )
        self._alive_at = -math.inf
        parts = DriverParts(
            file_of=lambda name: self._project.root / "campaigns" / f"{name}.toml",
            members_file=self._members_file,
            pace=PACES[target],
            on_beat=self._beat,
            reload=self._reload,
            take_arrivals=self._take_arrivals,
        )
        self._feeds: dict[str, tuple[str, ArrivalFeed]] = {}
        self.driver = CampaignDriver(self._ledger, self._service, parts, self._take_event)
        """The loop."""

    def run(self, names: Collection[str] = ()) -> None:
        """Drive until stopped, or until campaigns have ended.

        Args:
            names: end when none of these is under way any more; without any, go on for ever.

        Raises:
            CampaignLedgerUnusable: the ledger was deleted, replaced or damaged.
        """
        notify_ready()
        try:
            self.driver.run(lambda: bool(names) and not self._is_under_way(names))
        finally:
            notify_stopping()
            failed = sys.exception()
            if isinstance(failed, Exception):
                self._heartbeat.beat("", str(failed))  # and no more: it did not end as it should
            else:
                self._heartbeat.stop()

    def stop(self) -> None:
        """Have the loop end after what it is at; called from a signal handler, too."""
        self.driver.stop()

    def request_reload(self) -> None:
        """Have headrace.toml and campaign files read again; called from a signal handler, too."""
        self.driver.request_reload()

    def close(self) -> None:
        """Let others drive, and send the notifications that wait."""
        for _, feed in self._feeds.values():
            feed.close()
        self._ledger.close()
        self._claims.close()
        self._notifier.close()

    def _is_under_way(self, names: Collection[str]) -> bool:
        with self._ledger.transaction() as tables:
            return any(
                row.state == "started" for row in tables.campaigns.all() if row.name in names
            )

    def _beat(self, activity: str, problem: str) -> None:
        now = time.monotonic()
        if now - self._alive_at >= 1.0:
            self._alive_at = now
            notify_alive()
        self._heartbeat.beat(activity, problem)

    def _project_of(self, profile: str) -> Project:
        return load_project(self._project.root, profile, self._target)

    def _take_arrivals(self, driven: DrivenCampaign) -> list[CampaignEvent]:
        """Add the new arrivals of a campaign's trigger to its members."""
        sha, feed = self._feeds.get(driven.name, ("", None))
        if feed is None or sha != driven.row.definition_sha:
            if feed is not None:
                feed.close()
            feed = ArrivalFeed(self._project, self._target, driven.campaign)
            self._feeds[driven.name] = driven.row.definition_sha, feed
        if not feed.has_changed:
            return []
        known, trigger = set(feed.problems), f"trigger {driven.campaign.members.trigger}"
        try:
            with self._ledger.transaction() as tables:
                members = feed.new_members(tables, driven.id)
                if members:
                    tables.members.add(driven.id, members, step=driven.campaign.steps[0].name)
                    tables.log.add(driven.id, "added", f"{len(members):,} members", who=trigger)
        except BaseException:
            feed.forget()
            raise
        for tag in set(feed.problems) - known:
            self._report(f"campaign {driven.name}: {feed.problems[tag]}")
        return [MembersAdded(driven.name, trigger, len(members))] if members else []

    def _members_file(self, driven: DrivenCampaign, subject: str) -> tuple[Path, str]:
        """Return where the table of a group's members is written, and what names it in inputs."""
        name = f"{_safe(subject) or 'all'}.csv"
        directory = results_directory(self._project, driven.campaign)
        place = driven.campaign.keep.results
        if directory is None or place is None:
            path = self._state / "campaigns" / driven.name / _GRAFTS / name
            return path, str(path)
        base = CollectionPath.parse(place.collection, place.path or f"/campaigns/{driven.name}/")
        return directory / _GRAFTS / name, base.join(f"{_GRAFTS}/{name}").path

    def _reload(self) -> None:
        """Read the project and the files of its campaigns again; a wrong one stays as it was."""
        if self._load is not None:
            self._project = self._load()
            self._service.replace_project(self._project)
            self._notifier.close()
            self._notifier = CampaignNotifier(self._project, self._report)
        with self._ledger.transaction() as tables:
            rows = [row for row in tables.campaigns.all() if row.state in ("started", "paused")]
        changed = []
        for row in rows:
            try:
                campaign_file(self._project.root, row.name)
                campaign = load_campaign(self._project, row.name)
            except HeadraceError as error:
                self._report(f"campaign {row.name}: stays as it was: {error}")
                continue
            if campaign.definition_sha != row.definition_sha:
                with self._ledger.transaction() as tables:
                    tables.campaigns.add(
                        row.name,
                        campaign.definition,
                        campaign.definition_sha,
                        priority=campaign.priority,
                    )
                changed.append(row.name)
        self._report(f"campaigns: read again: {', '.join(changed) or 'none has changed'}")

    def _take_event(self, event: CampaignEvent) -> None:
        line = event_line(event, self._target)
        if line:
            self._report(line)
        found = event_notification(event, self._target)
        if found is not None:
            self._notifier.notify(*found)
        self._on_event(event)


def driver_claims(ledger: Path) -> Path:
    """Return the directory of the claim that the driver of a ledger holds.

    Args:
        ledger: the ledger's file.
    """
    return ledger.with_name(f"{ledger.name}-driver")


def is_driven(project: Project, target: str) -> bool:
    """Return whether a process drives the campaigns of a project at this moment.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
    """
    from headrace.ledger_file.claims import held_claims

    return _CLAIM in held_claims(driver_claims(ledger_path(project, target)))


def _safe(subject: str) -> str:
    """Return the name of a file for a group, different for different groups."""
    import hashlib
    import re

    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", subject)[:80]
    if plain == subject and not plain.startswith("."):
        return plain
    return f"{plain}-{hashlib.sha256(subject.encode()).hexdigest()[:8]}"
