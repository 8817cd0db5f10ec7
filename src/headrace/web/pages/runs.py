"""Runs: those that conditions choose, page by page, and what may be done with all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.runs.change_record import ChangeRecords
from headrace.runs.run_pages import read_page
from headrace.runs.selection import STATUSES, RunSelector
from headrace.web.page import Page, Part
from headrace.web.pages.run_figures import read_figures
from headrace.web.view import View
from headrace.web.views.run_rows import run_row
from headrace.web.views.run_selection import (
    given_conditions,
    position_of,
    selection_of,
    selection_query,
    verbs_at,
)


def _load_page(view: View) -> Mapping[str, Any]:
    conditions = given_conditions(view.query)
    project = view.project
    return {
        "conditions": conditions,
        "statuses": [*STATUSES],
        "flows": sorted(project.lock().at(view.target).flows),
        "endpoints": sorted(project.endpoints),
        "selections": sorted(project.config.selections),
        "query": selection_query(conditions),
        "verbs": verbs_at(view.target),
    }


def _load_figures(view: View) -> Mapping[str, Any]:
    figures = read_figures(view)
    kinds = {"ACTIVE": "busy", "INACTIVE": "wait", "SUCCEEDED": "good", "FAILED": "bad"}
    return {
        "counts": [
            (status, kinds.get(status, "idle"), number)
            for status, number in figures.counts.items()
            if number is not None
        ],
        "unknown": [status for status, number in figures.counts.items() if number is None],
        "truncated": figures.truncated,
        "held": figures.held,
    }


def _load_table(view: View) -> Mapping[str, Any]:
    project, conditions = view.project, given_conditions(view.query)
    selection = selection_of(project, conditions)
    position = position_of(view.query)
    page = view.ask(
        lambda services: read_page(
            services, RunSelector(project, view.target, services), selection, position
        )
    )
    following = page.following
    older = following and "runs?" + selection_query(
        conditions, after=following.marker, skip=str(following.skip or "")
    )
    is_first = not (position.marker or position.skip)
    return {
        "rows": [run_row(document) for document in page.documents],
        "looked_at": page.looked_at,
        "older": older,
        "newest": None if is_first else f"runs?{selection_query(conditions)}",
        "is_filtered": bool(conditions),
    }


def _load_last_change(view: View) -> Mapping[str, Any]:
    record = ChangeRecords(view.project).last()
    is_here = record is not None and record.target == view.target
    return {"record": record if is_here else None}


PAGE = Page(
    name="runs",
    path="/runs",
    title="Runs",
    template="runs/page.html",
    load=_load_page,
    parts=(
        Part("figures", "runs/figures.html", _load_figures, topics=("runs",), every=15.0),
        Part("table", "runs/table.html", _load_table, topics=("runs",), every=10.0),
        Part("last_change", "runs/last_change.html", _load_last_change, topics=("runs",)),
    ),
    menu="Runs",
    rank=20,
)
