"""One campaign: bars, strip, lanes, causes, pace, results, grafts, and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from headrace.campaigns.campaign_access import OpenCampaign
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.fact_summary import summarise_facts
from headrace.campaigns.ledger.change_table import ChangeTable
from headrace.campaigns.ledger.graft_table import GraftTable
from headrace.campaigns.ledger.member import STATES
from headrace.campaigns.page_data import member_strip, state_bars
from headrace.campaigns.status import group_counts, read_status
from headrace.campaigns.why import MemberFailureCluster, explain_member_failures
from headrace.runs.cause_template import is_specific, readable_template
from headrace.web.page import Action, Page, Part
from headrace.web.pages.campaigns import campaign_actions
from headrace.web.rendering import relative_url
from headrace.web.view import View
from headrace.web.views.campaigns.drawings import (
    CELLS,
    curve_rows,
    draw_curve,
    draw_strip,
    read_curve,
)
from headrace.web.views.campaigns.member_filter import MemberFilter
from headrace.web.views.campaigns.reading import (
    CAMPAIGN_KINDS,
    KINDS,
    NotStarted,
    figure,
    find_driver,
    has_many_members,
    opened,
)

_LINES: Final = 50
_MOST_GROUPS: Final = 100
_MOST_CAUSES: Final = 50
_MOST_SHARED: Final = 3


def _load(view: View) -> Mapping[str, Any]:
    name = view.path["campaign"]
    values = {"title": f"Campaign {name}", "name": name, "here": address(name), "problem": ""}
    try:
        with opened(view, name):
            return {**values, "is_started": True}
    except NotStarted:
        return {**values, "is_started": False}
    except CampaignError as error:
        return {**values, "is_started": False, "problem": str(error)}


def address(name: str) -> str:
    """Return the address of a campaign's page from the site's root.

    Args:
        name: the campaign.
    """
    return f"campaigns/{quote(name, safe='')}"


def _load_state(view: View) -> Mapping[str, Any]:
    name = view.path["campaign"]
    with opened(view, name) as campaign:
        last = _newest_log(campaign)
        # What people change has a line in the log: it is seen at once.
        status = view.site.shared.get(
            ("campaign status", view.target, name, last),
            _status_seconds(campaign),
            lambda _: read_status(
                *(campaign.database, campaign.row, campaign.campaign), target=view.target
            ),
        )
    driver = find_driver(view.project, view.target)
    return {
        "status": status,
        "kind": CAMPAIGN_KINDS[status.state],
        "bar_counts": [(state, KINDS[state], count) for state, count in status.counts.items()],
        "kinds": KINDS,
        "driver": driver,
        "stands": status.state == "started" and not driver.is_well,
        "here": address(name),
        "seen": f"log {last}",
        "retry": f"{address(name)}/members?{MemberFilter(state='failed').query(do='retry')}",
    }


def _load_members(view: View) -> Mapping[str, Any]:
    name = view.path["campaign"]
    here = address(name)
    with opened(view, name) as campaign:
        cells = figure(
            view, campaign, "strip", lambda one: member_strip(one.database, one.id, CELLS)
        )
        groups = figure(
            view, campaign, "groups", lambda one: group_counts(one.database, one.id, "group")
        )
    bars = state_bars(groups.value or {})
    return {
        "strip": draw_strip(cells.value, relative_url(view.address, f"{here}/members"))
        if cells.value
        else None,
        "each": max((sum(cell.counts.values()) for cell in cells.value or ()), default=0),
        "at": cells.at,
        "is_ready": cells.value is not None and groups.value is not None,
        "groups": [
            {
                "name": group,
                "total": sum(count for _, count in counts),
                "counts": counts,
                "bar": [(state, KINDS[state], count) for state, count in counts],
                "to": f"{here}/members?{MemberFilter(group=group).query()}" if group else "",
            }
            for group, counts in bars[:_MOST_GROUPS]
        ],
        "more_groups": max(0, len(bars) - _MOST_GROUPS),
        "kinds": KINDS,
        "states": STATES,
        "here": here,
    }


def _load_causes(view: View) -> Mapping[str, Any]:
    name = view.path["campaign"]
    with opened(view, name) as campaign:
        found = figure(
            view,
            campaign,
            "causes",
            lambda one: explain_member_failures(one.database, one.id, one.row.name),
        )
    clusters = found.value or []
    return {
        "is_ready": found.value is not None,
        "at": found.at,
        "rows": [_cause_row(name, cluster) for cluster in clusters[:_MOST_CAUSES]],
        "more": max(0, len(clusters) - _MOST_CAUSES),
    }


def _cause_row(name: str, cluster: MemberFailureCluster) -> Mapping[str, Any]:
    chosen = MemberFilter(state=cluster.status, cause=cluster.pattern)
    is_alone = not cluster.others_matched and is_specific(cluster.pattern)
    members = f"{address(name)}/members"
    return {
        "cluster": cluster,
        "template": readable_template(cluster.template),
        "count": len(cluster.keys),
        "shared": [*cluster.shared][:_MOST_SHARED],
        "example": f"{members}/{quote(cluster.example, safe='')}",
        "list": f"{members}?{chosen.query()}" if is_alone else "",
        "retry": f"{members}?{chosen.query(do='retry')}"
        if is_alone and cluster.status == "failed"
        else "",
    }


def _load_progress(view: View) -> Mapping[str, Any]:
    with opened(view, view.path["campaign"]) as campaign:
        found = figure(view, campaign, "curve", lambda one: read_curve(one.database, one.id))
    curve = found.value
    if curve is None or not curve.times:
        return {"is_ready": curve is not None, "at": found.at, "picture": None}
    rows = curve_rows(curve)
    return {
        "is_ready": True,
        "at": found.at,
        "picture": draw_curve(curve),
        "rows": rows,
        "begins": curve.times[0],
        "last": rows[-1],
        "top": curve.top,
    }


def _load_results(view: View) -> Mapping[str, Any]:
    with opened(view, view.path["campaign"]) as campaign:
        found = figure(view, campaign, "facts", lambda one: summarise_facts(one.database, one.id))
    return {"is_ready": found.value is not None, "at": found.at, "rows": found.value or []}


def _load_grafts(view: View) -> Mapping[str, Any]:
    with opened(view, view.path["campaign"]) as campaign:
        grafts = GraftTable(campaign.database, "")
        counts = grafts.counts(campaign.id)
        rows = [(graft, counts.get(graft.id, {})) for graft in grafts.all(campaign.id)]
    return {"rows": rows}


def _load_log(view: View) -> Mapping[str, Any]:
    name, before = view.path["campaign"], view.query.get("before", "")
    number = int(before) if before.isdecimal() and len(before) < 19 else None
    with opened(view, name) as campaign:
        rows = campaign.database.execute(
            "SELECT log.id, log.at, log.who, log.what, log.detail, members.key AS member FROM log "
            "LEFT JOIN members ON members.id = log.member "
            "WHERE log.campaign = ? AND log.id < ? ORDER BY log.id DESC LIMIT ?",
            (campaign.id, 2**62 if number is None else number, _LINES),
        ).fetchall()
        last = ChangeTable(campaign.database, "").last(campaign.id)
    return {
        "rows": [dict(row) for row in rows],
        "older": f"{address(name)}?before={rows[-1]['id']}#log" if len(rows) == _LINES else None,
        "last": last,
        "here": address(name),
    }


def _status_seconds(campaign: OpenCampaign) -> float:
    """Return for how long open pages may share how a campaign stands; it is counted anew then."""
    return 2.0 if has_many_members(campaign) else 0.0


def _newest_log(campaign: OpenCampaign) -> int:
    (newest,) = campaign.database.execute(
        "SELECT max(id) FROM log WHERE campaign = ?", (campaign.id,)
    ).fetchone()
    return int(newest or 0)


_TOPICS: Final = ("campaigns",)

PAGE = Page(
    name="campaign",
    path="/campaigns/{campaign}",
    title="Campaign",
    template="campaigns/campaign.html",
    load=_load,
    parts=(
        Part("state", "campaigns/state.html", _load_state, _TOPICS, every=10.0),
        Part("members", "campaigns/strip.html", _load_members, _TOPICS, every=10.0),
        Part("causes", "campaigns/causes.html", _load_causes, _TOPICS, every=20.0),
        Part("progress", "campaigns/progress.html", _load_progress, _TOPICS, every=30.0),
        Part("results", "campaigns/results.html", _load_results, _TOPICS, every=30.0),
        Part("grafts", "campaigns/grafts.html", _load_grafts, _TOPICS, every=30.0),
        Part("log", "campaigns/log.html", _load_log, _TOPICS, every=10.0),
    ),
    actions=(
        Action("start", campaign_actions.start),
        Action("drive", campaign_actions.drive),
        Action("pause", campaign_actions.pause),
        Action("resume", campaign_actions.resume),
        Action("drain", campaign_actions.drain),
        Action("undrain", campaign_actions.undrain),
        Action("limit", campaign_actions.limit),
        Action("undo", campaign_actions.undo),
        Action("graft", campaign_actions.graft),
    ),
)
