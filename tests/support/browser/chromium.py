"""Chromium as Debian packages it, headless, driven by Playwright.

Playwright's own builds are not downloaded: the driver of the Python package starts the program that
the system has. It asks no name server and sends nothing but to loopback addresses.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    # Whatever is not loopback has no address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost,"
    " EXCLUDE 127.0.0.1, EXCLUDE [::1]",
    "--no-proxy-server",
    # The same pixels on every screen.
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)


def find_chromium() -> str:
    """Returns the program; skips the test where there is none.

    HEADRACE_CHROMIUM names one that is not on the PATH.
    """
    named = os.environ.get("HEADRACE_CHROMIUM")
    if named is not None:
        if not os.access(named, os.X_OK) or not Path(named).is_file():
            raise FileNotFoundError(f"HEADRACE_CHROMIUM names no program: {named}")
        return named
    for program in PROGRAMS:
        found = shutil.which(program)
        if found:
            return found
    pytest.skip("no Chromium (Debian: chromium-headless-shell; elsewhere: HEADRACE_CHROMIUM)")


@contextmanager
def started_chromium() -> Iterator[Browser]:
    """Starts Chromium and ends it; skips the test where there is none or it may not start.

    Meanwhile an event loop runs in this thread, which is how Playwright waits: ``asyncio.run``
    does not work beside it.
    """
    program = find_chromium()
    # Chromium refuses to shield its pages from root.
    sandbox = os.geteuid() != 0
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=program,
                chromium_sandbox=sandbox,
                args=list(ARGUMENTS),
                timeout=120_000,
            )
        except Error as error:
            if sandbox and "sandbox" in str(error).lower():
                pytest.skip(f"{program}: this account may start no sandbox")
            raise
        try:
            yield browser
        finally:
            browser.close()
