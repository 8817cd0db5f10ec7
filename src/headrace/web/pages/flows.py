"""Flows of the project: whether they are deployed, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.deploy.inventory import flow_inventory
from headrace.web.page import Page, Part
from headrace.web.view import View

_KINDS: Final = {"deployed": "good", "changed": "wait", "not deployed": "idle", "faulty": "bad"}


def _load_table(view: View) -> Mapping[str, Any]:
    return {"rows": flow_inventory(view.project, view.target), "kinds": _KINDS}


PAGE: Final = Page(
    name="flows",
    path="/flows",
    title="Flows",
    template="flows/list.html",
    parts=(Part("table", "flows/table.html", _load_table, topics=("project",), every=15.0),),
    menu="Flows",
    rank=400,
)
