"""The pages of a project that has something to show on each, served on a loopback port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import BrowserContext

from headrace.web.app import make_app
from headrace.web.page import Page
from headrace.web.pages import PAGES
from headrace.web.security.session import Role
from headrace.web.security.store import WebStore
from headrace.web.site import Site
from tests.support.browser.loopback_server import served
from tests.support.browser.visited_project import VisitedProject

COOKIE = "headrace_visited"


@dataclass(frozen=True)
class VisitedSite:
    """The site.

    Attributes:
        project: what it shows.
        url: without a slash at its end.
        store: of its sessions.
    """

    project: VisitedProject
    url: str
    store: WebStore

    def log_in(self, context: BrowserContext, role: Role = "steer") -> None:
        """Give a context the cookie of a new session."""
        session = self.store.open_session(self.store.make_code(role, "tester"), "127.0.0.1")
        assert session is not None
        context.add_cookies([{"name": COOKIE, "value": session.secret, "url": f"{self.url}/"}])

    def addresses(self, page: Page) -> list[str]:
        """Return URLs of a page: one for each value of its parameter."""
        addresses = [page.path]
        for name in parameters(page):
            addresses = [
                _with_value(address, name, value)
                for address in addresses
                for value in self._values[name]
            ]
        return [self.url + address for address in addresses]

    @property
    def _values(self) -> Mapping[str, Sequence[str]]:
        """Values of the parameters in addresses of pages, by name."""
        return {
            "run": [*self.project.runs.values()],
            "flow": ["mended", "adjoint_sources"],
            "trigger": ["records"],
            "campaign": ["napa"],
            "member": ["replica_001", "replica_004"],
            "endpoint": ["simulation"],
        }


def parameters(page: Page) -> list[str]:
    """Return the names of the parameters in the address of a page."""
    return [part.partition("}")[0].partition(":")[0] for part in page.path.split("{")[1:]]


def _with_value(address: str, name: str, value: str) -> str:
    before, _, rest = address.partition(f"{{{name}")
    return f"{before}{quote(value)}{rest.partition('}')[2]}"


@contextmanager
def visited_site(root: Path, pages: Sequence[Page] = PAGES) -> Iterator[VisitedSite]:
    """Makes the project and serves its pages."""
    project = VisitedProject(root)
    try:
        store = WebStore(root / ".headrace" / "web.db")
        try:
            app = make_app(Site(root, "local", store, cookie=COOKIE), pages)
            with served(app) as url:
                yield VisitedSite(project, url, store)
        finally:
            store.close()
    finally:
        project.close()
