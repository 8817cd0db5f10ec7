"""All campaigns of the project, and the driver that drives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.campaigns.campaign_access import read_campaign_ledger
from headrace.campaigns.ledger.campaign_table import CampaignTable
from headrace.campaigns.status import member_counts
from headrace.web.page import Action, Page, Part
from headrace.web.pages.campaigns import campaign_actions
from headrace.web.view import View
from headrace.web.views.campaigns.reading import (
    CAMPAIGN_KINDS,
    KINDS,
    find_driver,
    ledger_exists,
    names_without_ledger,
)


def _load_campaigns(view: View) -> Mapping[str, Any]:
    project = view.project
    rows: list[dict[str, Any]] = []
    if ledger_exists(project, view.target):
        with read_campaign_ledger(project, view.target) as database:
            for row in CampaignTable(database, "").all():
                counts = member_counts(database, row.id)
                total = sum(counts.values()) - counts["dropped"]
                rows.append(
                    {
                        "row": row,
                        "kind": CAMPAIGN_KINDS[row.state],
                        "title": str(row.definition.get("title") or ""),
                        "bar": [(name, KINDS[name], count) for name, count in counts.items()],
                        "counts": counts,
                        "total": total,
                        "done": counts["done"] + counts["shared"],
                    }
                )
    driver = find_driver(project, view.target)
    return {
        "rows": rows,
        "drafts": names_without_ledger(project, {each["row"].name for each in rows}),
        "driver": driver,
        "kinds": KINDS,
        "needs_driver": any(each["row"].state == "started" for each in rows) and not driver.is_well,
    }


PAGE = Page(
    name="campaigns",
    path="/campaigns",
    title="Campaigns",
    template="campaigns/overview.html",
    parts=(Part("campaigns", "campaigns/list.html", _load_campaigns, ("campaigns",), every=10.0),),
    actions=(Action("drive", campaign_actions.drive),),
    menu="Campaigns",
    rank=500,
)
