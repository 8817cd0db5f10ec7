"""The pages of a project, served on a loopback port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext

from headrace.web.app import make_app
from headrace.web.page import Page
from headrace.web.security.session import Role
from headrace.web.security.store import WebStore
from headrace.web.site import Site
from tests.support.browser.loopback_server import served

COOKIE = "headrace_visited"


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
