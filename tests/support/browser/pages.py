"""Pages in a browser that fail the test by what goes wrong in them unseen.

An error in the console, a script that raises, what the Content-Security-Policy refuses, and a
request to anything but a loopback address are problems. The test fails by them at its end, unless
it expects them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    WebError,
    WebSocket,
)

TIMEOUT = 60_000
"""Milliseconds that a page may take for anything, on a machine that does much else."""


@dataclass(frozen=True)
class Screen:
    """How somebody looks at a page.

    Attributes:
        name: for the names of tests and pictures.
        width: pixels.
        height: pixels.
        colours: `light` or `dark`, as the system prefers.
        javascript: whether scripts run.
        still: whether the system asks for reduced motion.
    """

    name: str
    width: int = 1280
    height: int = 800
    colours: str = "light"
    javascript: bool = True
    still: bool = True


LIGHT = Screen("light")
DARK = Screen("dark", colours="dark")
NARROW = Screen("narrow", width=360, height=740)
WITHOUT_JAVASCRIPT = Screen("without_javascript", javascript=False)
SCREENS = (LIGHT, DARK, NARROW)


def is_loopback(url: str) -> bool:
    """Return whether a URL asks nothing of another machine."""
    parts = urlsplit(url)
    if parts.scheme in {"about", "blob", "data"}:
        return True
    host = parts.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Pages:
    """Opens pages, each in a context of its own: with no cookie, cache or storage of another."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self._contexts: list[BrowserContext] = []
        self._problems: list[str] = []
        self._expected: list[re.Pattern[str]] = []

    def open(self, screen: Screen = LIGHT) -> Page:
        """Return an empty page, as a person's first in a new browser."""
        return self.new_context(screen).new_page()

    def new_context(self, screen: Screen = LIGHT) -> BrowserContext:
        """Return a context, whose pages share cookies as the tabs of a browser do."""
        context = self.browser.new_context(
            viewport={"width": screen.width, "height": screen.height},
            color_scheme="dark" if screen.colours == "dark" else "light",
            java_script_enabled=screen.javascript,
            reduced_motion="reduce" if screen.still else "no-preference",
            locale="en-GB",
            timezone_id="UTC",
            service_workers="block",
        )
        context.set_default_timeout(TIMEOUT)
        context.on("console", self._on_console)
        context.on("weberror", self._on_script_error)
        context.on("request", self._on_request)
        context.on("page", self._on_page)
        self._contexts.append(context)
        return context

    def expect(self, pattern: str) -> None:
        """Let problems be that the pattern is found in."""
        self._expected.append(re.compile(pattern))

    @property
    def problems(self) -> list[str]:
        """What went wrong until now, beside what was expected."""
        return [
            problem
            for problem in self._problems
            if not any(pattern.search(problem) for pattern in self._expected)
        ]

    def close(self) -> None:
        """Close all pages; what they reported until then is among the problems."""
        while self._contexts:
            self._contexts.pop().close()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        kind = "refused by the policy" if "Content Security Policy" in message.text else "console"
        where = message.location.get("url", "")
        self._problems.append(f"{kind}: {message.text} ({where})")

    def _on_script_error(self, error: WebError) -> None:
        self._problems.append(f"script: {error.error}")

    def _on_request(self, request: Request) -> None:
        self._check_address(request.url)

    def _on_page(self, page: Page) -> None:
        page.on("websocket", self._on_web_socket)

    def _on_web_socket(self, socket: WebSocket) -> None:
        self._check_address(socket.url)

    def _check_address(self, url: str) -> None:
        if not is_loopback(url):
            self._problems.append(f"request elsewhere: {url}")
