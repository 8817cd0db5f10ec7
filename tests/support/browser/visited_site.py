"""The pages of a project, served on a loopback port, and addresses of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import BrowserContext

from headrace.web.app import make_app
from headrace.web.page import Page
from headrace.web.security.session import Role
from headrace.web.security.store import WebStore
from headrace.web.site import Site
from tests.support.browser.loopback_server import served
from tests.support.browser.visited_project import VisitedProject

COOKIE = "headrace_visited"
QUERIES = {"change_runs": "?verb=retry&tag=mesh"}
"""What is asked of pages that are opened with a query."""


@dataclass(frozen=True)
class VisitedSite:
    """The pages of a project, served.

    Attributes:
        url: without a slash at its end.
        store: of its sessions.
    """

    url: str
    store: WebStore

    def log_in(self, context: BrowserContext, role: Role = "steer") -> None:
        """Give a context the cookie of a new session."""
        session = self.store.open_session(self.store.make_code(role, "tester"), "127.0.0.1")
        assert session is not None
        context.add_cookies([{"name": COOKIE, "value": session.secret, "url": f"{self.url}/"}])


@contextmanager
def served_site(root: Path, pages: Sequence[Page] | None = None) -> Iterator[VisitedSite]:
    """Serves the pages of a project at the target `local`."""
    state = root / ".headrace"
    state.mkdir(mode=0o700, exist_ok=True)
    store = WebStore(state / "web.db")
    try:
        with served(make_app(Site(root, "local", store, cookie=COOKIE), pages)) as url:
            yield VisitedSite(url, store)
    finally:
        store.close()


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
        "endpoint": ["simulation"],
        "inversion": project.inversions,
        "page": ["web"],
        "data_run": project.data_runs,
    }


def _with_value(address: str, name: str, value: str) -> str:
    before, _, rest = address.partition(f"{{{name}")
    return f"{before}{quote(value)}{rest.partition('}')[2]}"
