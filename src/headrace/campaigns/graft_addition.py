"""Grafts that are added to a campaign later: checked as those of its file are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from headrace.campaigns.campaign_loading import campaign_of_definition, project_problems
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.campaign_ledger import CampaignLedger
from headrace.campaigns.ledger.campaign_row import CampaignRow
from headrace.campaigns.ledger.graft_table import GraftAfter

if TYPE_CHECKING:
    from headrace.project import Project


@dataclass(frozen=True)
class AddedGraft:
    """A graft that was added.

    Attributes:
        new: whether the campaign did not have it yet.
        due: what it follows and is done already.
    """

    new: bool
    due: int


def add_graft(
    project: Project,
    ledger: CampaignLedger,
    row: CampaignRow,
    after: str,
    flow: str,
    *,
    template: Any,
    label: str = "",
    tags: Sequence[str] = (),
    when: str = "",
    who: str,
) -> AddedGraft:
    """Add a graft to a campaign.

    Args:
        project: the project.
        ledger: the ledger.
        row: the campaign.
        after: ``leg``, ``member``, ``group`` or ``campaign``.
        flow: the flow that follows.
        template: template of its input.
        label: template of the label; what the campaign's file would have by default.
        tags: templates of tags.
        when: expression without which it is not started.
        who: adds it.

    Raises:
        CampaignError: the flow is unknown, a template has a fault, or the input is no object or
            lacks what the flow's schema requires.
    """
    if not isinstance(template, dict):
        raise CampaignError(f"the input of graft {flow} is a {type(template).__name__}, no object")
    table = {"flow": flow, "input": template, "label": label, "tags": [*tags], "when": when}
    given = {name: value for name, value in table.items() if value}
    file = project.root / "campaigns" / f"{row.name}.toml"
    definition = {**row.definition, "after": {after: given}}
    try:
        campaign = campaign_of_definition(definition, file)
    except CampaignError as error:
        raise CampaignError(f"graft {flow}: {str(error).removeprefix(f'{file}: ')}") from error
    # What else is wrong with the campaign was so before.
    before = project_problems(
        project, campaign_of_definition({**row.definition, "after": {}}, file)
    )
    wrong = [line for line in project_problems(project, campaign) if line not in before]
    if wrong:
        raise CampaignError(f"graft {flow}: {wrong[0].removeprefix(f'{file}: ')}")
    [graft] = campaign.grafts
    _check_required(project, graft.flow, graft.input)
    written = {
        "flow": graft.flow,
        "input": dict(graft.input),
        "label": graft.label,
        "tags": list(graft.tags),
        "when": graft.when,
    }
    with ledger.transaction() as tables:
        count = len(tables.grafts.all(row.id))
        added = tables.grafts.add(row.id, cast("GraftAfter", after), written)
        new = len(tables.grafts.all(row.id)) > count
        if new:
            tables.log.add(row.id, "graft", f"{flow} after {after}", who=who)
        (due,) = tables.database.execute(
            "SELECT count(*) FROM graft_starts WHERE graft = ? AND state = 'due'", (added.id,)
        ).fetchone()
    return AddedGraft(new, int(due))


def _check_required(project: Project, flow: str, template: Mapping[str, Any]) -> None:
    required = project.flow(flow).input_schema.get("required", [])
    missing = [name for name in required if name not in template]
    if missing:
        raise CampaignError(
            f"graft {flow}: its input has no {', '.join(map(repr, missing))}, which "
            f"flows/{flow}/input_schema.json requires: give a template of it with --input FILE"
        )
