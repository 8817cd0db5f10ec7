"""Addresses of all pages of a project of which every page has something to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from headrace.web.page import Page
from tests.support.browser.visited_project import VisitedProject

QUERIES = {"change_runs": "?verb=retry&tag=mesh"}
"""What is asked of pages that are opened with a query."""


def addresses(page: Page, project: VisitedProject) -> list[str]:
    """Returns addresses of a page: one for each value that its parameter has in the project."""
    values = _values(project)
    found = [page.path]
    for part in page.path.split("{")[1:]:
        name = part.partition("}")[0].partition(":")[0]
        assert name in values, f"page {page.name}: say in {__file__} which {name} there is"
        found = [_with_value(address, name, value) for address in found for value in values[name]]
    return [address + QUERIES.get(page.name, "") for address in found]


def _values(project: VisitedProject) -> Mapping[str, Sequence[str]]:
    return {
        "run": [*project.runs.values()],
        "flow": ["mended", "adjoint_sources"],
        "trigger": ["records"],
        "campaign": ["napa"],
        "member": ["replica_001", "replica_004"],
        "endpoint": ["simulation", *(["analysis"] if project.target == "globus" else [])],
        "inversion": project.inversions,
        "page": ["web"],
        "data_run": project.data_runs,
    }


def _with_value(address: str, name: str, value: str) -> str:
    before, _, rest = address.partition(f"{{{name}")
    return f"{before}{quote(value)}{rest.partition('}')[2]}"
