"""A campaign as Python programs use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.campaigns.errors import CampaignError
from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from headrace.campaigns.status import CampaignStatus
    from headrace.project import Project


class MembersFailed(HeadraceError):
    """Members of a campaign are not done; the message counts them."""


class Campaign:
    """A campaign of a project: members are added, run, seen, and their results read.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        name: of the campaign; its file is ``campaigns/NAME.toml``.

    Attributes:
        name: its name.

    Raises:
        CampaignError: there is none of this name.
    """

    def __init__(self, project: Project, target: str, name: str) -> None:
        from headrace.campaigns.campaign_loading import campaign_file

        campaign_file(project.root, name)
        self.name = name
        self._project = project
        self._target = target

    def __repr__(self) -> str:
        return f"Campaign({self.name!r})"

    def add(
        self,
        members: Mapping[str, Any] | Iterable[Mapping[str, Any]] | str | Path,
        *,
        priority: float | None = None,
        group: str | None = None,
        lane: str = "",
        collection: str | None = None,
    ) -> list[str]:
        """Add members.

        Args:
            members: the columns of one, or of several; or a directory: each directory there or
                below that the campaign calls a member. An array of numpy becomes a file
                ``/campaigns/NAME/inputs/KEY/COLUMN.npy`` of a collection, and its column that path.
            priority: of all of them; their own by default.
            group: of all of them; their own by default.
            lane: where they shall run; any by default.
            collection: for arrays; that of ``[keep.results]``, else the project's first.

        Returns:
            The keys of the members, those that were there already too.

        Raises:
            CampaignError: a member cannot be added; then none is, of columns.
        """
        from headrace.campaigns.member_addition import AdditionOptions

        options = AdditionOptions(priority, group, lane)
        if isinstance(members, str | Path):
            return self._add_directory(Path(members), options)
        rows = [members] if isinstance(members, Mapping) else [*members]
        from headrace.campaigns import load_campaign
        from headrace.campaigns.campaign_access import change_campaign_ledger
        from headrace.campaigns.member_addition import add_members
        from headrace.campaigns.start_check import StartCheck
        from headrace.python_api.memory_members import members_of_rows

        campaign = load_campaign(self._project, self.name)
        made = members_of_rows(self._project, campaign, rows, collection)
        check = StartCheck(self._project, campaign, self._target)
        with (
            change_campaign_ledger(self._project, self._target) as ledger,
            ledger.transaction() as tables,
        ):
            add_members(tables, campaign, made, options, check)
        return [member.key for member in made]

    def start(self, *, driver: bool = True) -> CampaignStatus:
        """Start it, with a driver in the background unless one runs.

        Args:
            driver: whether a driver is started.

        Raises:
            CampaignError: it has no members, its table cannot be read, or members could
                not be started.
        """
        from headrace.campaigns import load_campaign
        from headrace.campaigns.campaign_access import change_campaign_ledger
        from headrace.campaigns.campaign_start import start_campaign
        from headrace.campaigns.driver_process import start_driver
        from headrace.project import connect

        campaign = load_campaign(self._project, self.name)
        with change_campaign_ledger(self._project, self._target) as ledger:
            start_campaign(self._project, campaign, ledger, "python", target=self._target)
        if driver:
            connect(self._project, self._target, start=True)
            start_driver(self._project, self._target, self._project.config.profile)
        return self.status()

    def pause(self, reason: str = "") -> None:
        """Start nothing more of it; what is under way goes on."""
        from headrace.campaigns.ledger import requests

        self._change(lambda tables, row: requests.pause(tables, row, who="python", reason=reason))

    def resume(self) -> None:
        """Have it go on after a pause."""
        from headrace.campaigns.ledger import requests

        self._change(lambda tables, row: requests.resume(tables, row, who="python"))

    def retry(self, *keys: str) -> list[str]:
        """Have members tried again that failed; return their keys.

        Args:
            keys: the members, ``*`` is any text; all that failed by default.
        """
        from headrace.campaigns.ledger import MemberSelection, requests

        selection = MemberSelection(keys=keys, states=() if keys else ("failed",))
        changed: list[str] = []

        def request(tables: Any, row: int) -> None:
            ids = selection.ids(tables.database, row)
            changed.extend(requests.retry(tables, row, ids, who="python").changed)

        self._change(request)
        return changed

    def graft(
        self,
        flow: str,
        *,
        after: str,
        body: Mapping[str, Any] | None = None,
        label: str = "",
        when: str = "",
    ) -> int:
        """Have a flow follow each leg, member or group, or the campaign; also what is done already.

        Args:
            flow: the flow.
            after: ``leg``, ``member``, ``group`` or ``campaign``.
            body: template of its input, with placeholders as in the campaign's file.
            label: template of the label of its runs.
            when: expression without which it is not started.

        Returns:
            How many are due now.

        Raises:
            CampaignError: the flow is unknown, or a template has a fault.
        """
        from headrace.campaigns.campaign_access import change_campaign_ledger, open_campaign
        from headrace.campaigns.graft_addition import add_graft

        with open_campaign(self._project, self._target, self.name) as found:
            row = found.row
        with change_campaign_ledger(self._project, self._target) as ledger:
            added = add_graft(
                *(self._project, ledger, row, after, flow),
                template=dict(body or {}),
                label=label,
                when=when,
                who="python",
            )
        return added.due

    def status(self) -> CampaignStatus:
        """Return how it stands: counts, lanes, pace, the expected end, what waits for a person.

        Raises:
            CampaignError: it was never started and has no members.
        """
        from headrace.campaigns.campaign_following import campaign_status

        return campaign_status(self._project, self._target, self.name)

    def table(self) -> Any:
        """Return its table with state, cause, costs and facts of each member.

        Returns:
            A DataFrame, indexed by key, where pandas is installed; else a list of dictionaries.
        """
        from headrace.campaigns.campaign_access import open_campaign
        from headrace.campaigns.result_table import result_rows

        with open_campaign(self._project, self._target, self.name) as found:
            rows = [*result_rows(found.database, found.id)]
        try:
            import pandas
        except ImportError:
            return rows
        frame = pandas.DataFrame(rows)
        return frame.set_index("key") if rows else frame

    def results(self, key: str | None = None) -> Any:
        """Return the directory on this machine with a member's results.

        Args:
            key: the member; all that have results here by default, as a dictionary.

        Raises:
            CampaignError: there is no such member, or its results are not on this machine.
        """
        from functools import partial

        from headrace.campaigns.campaign_access import open_campaign
        from headrace.campaigns.ledger import MemberSelection
        from headrace.campaigns.results import linked_members
        from headrace.campaigns.results_place import local_results

        with open_campaign(self._project, self._target, self.name) as found:
            ids = MemberSelection(keys=() if key is None else (key,)).ids(found.database, found.id)
            locate = partial(local_results, self._project, found.campaign)
            places = {each.key: locate(each) for each in linked_members(found.database, ids)}
        there = {each: place for each, place in places.items() if place and place.is_dir()}
        if key is None:
            return there
        if key not in there:
            raise CampaignError(
                f"member {key} of campaign {self.name} has no results on this machine; see "
                f"`headrace campaign show {self.name} {key}`"
            )
        return there[key]

    def wait(self, timeout: float | None = None, *, check: bool = True) -> CampaignStatus:
        """Wait until it goes on no more by itself: it has ended, or waits for a person.

        Args:
            timeout: seconds after which to wait no more; for ever by default.
            check: whether members that are not done raise.

        Raises:
            TimeoutError: it has not ended in this time; it goes on.
            MembersFailed: members are not done.
        """
        from headrace.campaigns.campaign_following import exit_code, follow_campaign, has_ended

        status = follow_campaign(
            self._project, self._target, self.name, lambda status: None, timeout
        )
        if not has_ended(status):
            raise TimeoutError(f"campaign {self.name} has not ended within {timeout:g} s")
        if check and exit_code(status):
            words = "; ".join(status.people) or "members are not done"
            raise MembersFailed(f"campaign {self.name}: {words}")
        return status

    def _change(self, request: Any) -> None:
        from headrace.campaigns.campaign_access import change_campaign_ledger, open_campaign

        with open_campaign(self._project, self._target, self.name) as found:
            row = found.id
        with (
            change_campaign_ledger(self._project, self._target) as ledger,
            ledger.transaction() as tables,
        ):
            request(tables, row)

    def _add_directory(self, directory: Path, options: Any) -> list[str]:
        from headrace.campaigns import load_campaign
        from headrace.campaigns.campaign_access import change_campaign_ledger
        from headrace.campaigns.directory_addition import DirectoryAddition

        campaign = load_campaign(self._project, self.name)
        with change_campaign_ledger(self._project, self._target) as ledger:
            addition = DirectoryAddition(self._project, self._target, campaign, ledger, options)
            found = addition.add([directory])
        refused = [each for each in found if each.outcome == "refused"]
        if refused:
            raise CampaignError(f"{refused[0].path}: {refused[0].reason}")
        return [each.member for each in found]
