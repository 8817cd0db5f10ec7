"""Pages of a project with 100,000 runs and a campaign of 100,000 members: times, weight, cost.

It has an inversion of 50 iterations x 200 events and a data run of a million traces, too. Lists are
asked for with their filters as well, and what is shown before many runs or members are changed.

The facility and `headrace web` are processes of their own. Each page is asked for again and again
with all its parts, as a browser does that has nothing of it; the raw limit beside it is the answer
to `GET /static/icon.svg` by the same server. ``first_ms`` is the very first answer, which is not
among the others. Then many open pages are held, each of which follows the event stream and asks for
its parts again as the pages' script does: what the server takes of a core while nothing happens,
and what runs take, in pairs, with the pages and without them. Chromium, where it is there, says
when a page is first seen.

    python benchmarks/web.py [--directory DIR] [--runs 100000] [--members 100000]
        [--iterations 50] [--events 200] [--traces 1000000] [--times 100] [--open 50] [--rounds 3]
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

import psutil
from engine import option_parser
from web_project.addresses import (
    TRACES,
    channels_in,
    filtered_addresses,
    first_links,
    plain_addresses,
)
from web_project.big_project import BigProject

from headrace.facility import facility_status, stop_facility
from headrace.web.changes.broadcast import MOST_STREAMS

IDLE_SECONDS: Final = 20.0
CHROMIUM: Final = ("chromium-headless-shell", "chromium", "google-chrome")
SETTINGS: Final = ("runs", "members", "iterations", "events", "traces", "times")
# A batch that is timed with the pages open and without them.
TIMED: Final = 10_000
SETTLING_SECONDS: Final = 5.0
OPEN_PAGES: Final = Path(__file__).parent / "web_project" / "open_pages.py"


class Browser:
    """A client with a session, on one connection."""

    def __init__(self, url: str, cookie: str = "") -> None:
        parts = urlsplit(url)
        self.url = url
        self.cookie = cookie
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port)

    def get(self, address: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers."""
        self._connection.request("GET", f"/{address}", headers={"Cookie": self.cookie, **headers})
        answer = self._connection.getresponse()
        return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}

    def log_in(self, code: str) -> None:
        """Exchange a code for a session."""
        self._connection.request(
            "POST",
            "/login",
            body=f"code={quote(code)}",
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": self.url,
                "Sec-Fetch-Site": "same-origin",
            },
        )
        answer = self._connection.getresponse()
        answer.read()
        self.cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
        if not self.cookie:
            raise SystemExit(f"no session: {answer.status}")


@contextmanager
def served(root: Path) -> Iterator[tuple[psutil.Process, str, str]]:
    """Serve the pages; gives the process, its address and a code."""
    command = [sys.executable, "-m", "headrace.cli", "web", "-C", str(root), "-F", "json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            if not line:
                raise SystemExit("headrace web ended")
            text += line
        link = json.loads(text)["link"]
        yield psutil.Process(process.pid), link.partition("/login")[0], link.partition("#")[2]
    finally:
        process.terminate()
        process.wait()


def timed_page(browser: Browser, address: str, times: int, of: int = 1) -> dict[str, Any]:
    """Return how long a page takes, in ms, and its bytes; ``{n}`` in it goes from 0 to of - 1."""
    taken, size, status = [], 0, 0
    for number in range(times + 1):
        begun = time.perf_counter()
        status, body, _ = browser.get(address.replace("{n}", str(number % of)))
        taken.append(1e3 * (time.perf_counter() - begun))
        size = max(size, len(body))
    first, *taken = taken
    taken.sort()
    return {
        "status": status,
        "first_ms": round(first, 1),
        "each_ms": [round(each, 3) for each in taken],
        "kilobytes": round(size / 1e3, 1),
        "median_ms": round(statistics.median(taken), 1),
        "p99_ms": round(taken[math.ceil(0.99 * len(taken)) - 1], 1),
    }


class OpenPages:
    """Pages that are open, in a process of their own.

    Args:
        browsers: sessions, each for as many pages as it may have streams.
        addresses: the pages.
    """

    def __init__(self, browsers: list[Browser], addresses: list[str]) -> None:
        pages = [
            [address, browsers[number // MOST_STREAMS].cookie]
            for number, address in enumerate(addresses)
        ]
        self._process = subprocess.Popen(
            [sys.executable, str(OPEN_PAGES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = json.dumps({"url": browsers[0].url, "pages": pages})
        self._process.stdin.write(f"{asked}\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "open\n":
            raise SystemExit("the pages cannot be opened")

    def close(self) -> dict[str, int]:
        """Close the pages; return how often they were told of changes, and asked for parts."""
        answer, _ = self._process.communicate()
        found: dict[str, int] = json.loads(answer)
        return found


def sessions(root: Path, first: Browser, count: int) -> list[Browser]:
    """Return so many sessions, the first among them."""
    found = [first]
    command = [sys.executable, "-m", "headrace.cli", "web", "-C", str(root), "-F", "json"]
    while len(found) < count:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(Browser(first.url))
        found[-1].log_in(json.loads(done.stdout)["link"].partition("#")[2])
    return found


def idle(*processes: psutil.Process) -> list[float]:
    """Return what processes take of a core while nothing is asked of them, in %."""
    before = [sum(process.cpu_times()[:2]) for process in processes]
    time.sleep(IDLE_SECONDS)
    after = [sum(process.cpu_times()[:2]) for process in processes]
    pairs = zip(before, after, strict=True)
    return [round(100 * (last - first) / IDLE_SECONDS, 2) for first, last in pairs]


def first_seen(url: str, cookie: str, addresses: list[str]) -> dict[str, Any]:
    """Return when Chromium first shows text of each page, in ms."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {"not_measured": "no Playwright here"}
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        return {"not_measured": "no Chromium here"}
    name, _, value = cookie.partition("=")
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        for address in addresses:
            context = browser.new_context()
            context.add_cookies([{"name": name, "value": value, "url": f"{url}/"}])
            page = context.new_page()
            page.goto(f"{url}/{address}")
            # Asked from outside: the page's policy lets no text be run as a script.
            entries = "performance.getEntriesByName('first-contentful-paint')"
            while not page.evaluate(f"{entries}.length"):
                page.wait_for_timeout(10)
            found[address] = round(page.evaluate(f"{entries}[0].startTime"))
            context.close()
        browser.close()
    return found


def page_addresses(browser: Browser, run: str) -> list[str]:
    """Return the addresses of all pages that are measured."""
    pages = plain_addresses(run)
    found = [*pages, *filtered_addresses(channels_in(browser.get(TRACES)[1].decode()))]
    for address in pages:
        for link in first_links(browser.get(address)[1].decode()):
            found.append(urljoin(f"/{address}", link).removeprefix("/"))
    return list(dict.fromkeys(found))


def wait_for_indexes(browser: Browser) -> float:
    """Wait until all traces are indexed; return the seconds."""
    begun = time.perf_counter()
    while b"have been read for this page" in browser.get(TRACES)[1]:
        time.sleep(0.2)
    return time.perf_counter() - begun


def table_rows(
    options: argparse.Namespace,
    pages: dict[str, dict[str, Any]],
    raw: dict[str, Any],
    rounds: list[dict[str, float]],
) -> list[dict[str, Any]]:
    """Return the rows of the table: pages beside a file, runs with pages open beside without."""
    settings = f"{options.runs:,} runs, {options.members:,} members; all parts"
    server = {"name": "a file of 200 B", "settings": "same server", "values": raw["each_ms"]}
    rows = [
        {
            "id": f"web_{name}",
            "what": f"page {title}",
            "unit": "ms",
            "better": "less",
            "ours": pages[address]["each_ms"],
            "settings": settings,
            "peers": [server],
        }
        for name, title, address in (
            ("now", "Now", ""),
            ("runs", "Runs", "runs"),
            ("campaign", "Campaign", "campaigns/many"),
        )
    ]
    without = {
        "name": "no page open",
        "settings": "in turn",
        "values": [pair["without"] for pair in rounds],
    }
    rows.append(
        {
            "id": "web_open",
            "what": f"a run, {options.open} pages open",
            "unit": "ms",
            "better": "less",
            "ours": [pair["with_pages"] for pair in rounds],
            "settings": f"batches of {TIMED:,}",
            "peers": [without],
        }
    )
    return rows


def timed_runs(
    world: BigProject, browsers: list[Browser], shown: list[str], *, pages_first: bool
) -> dict[str, Any]:
    """Return what a run takes, in ms, with pages open and without, one after the other."""
    found: dict[str, Any] = {}
    for name in ("with_pages", "without") if pages_first else ("without", "with_pages"):
        opened = OpenPages(browsers, shown if name == "with_pages" else [])
        time.sleep(SETTLING_SECONDS)
        begun = time.perf_counter()
        world.start(TIMED)
        found[name] = 1e3 * (time.perf_counter() - begun) / TIMED
        counted = opened.close()
        if name == "with_pages":
            found |= counted
            if not counted["parts"]:
                raise SystemExit("no open page was shown anew")
    return found


def measure(options: argparse.Namespace, directory: Path) -> dict[str, Any]:
    """Measure everything."""
    world = BigProject(directory / "many", options)
    facility = psutil.Process(int(facility_status(world.root)["pid"]))
    run = world.run_ids[len(world.run_ids) // 2]
    with served(world.root) as (server, url, code):
        browser = Browser(url)
        browser.log_in(code)
        indexed = wait_for_indexes(browser)
        pages = {
            address: timed_page(browser, address, options.times, options.iterations)
            for address in page_addresses(browser, run)
        }
        raw = timed_page(browser, "static/icon.svg", options.times)
        there = [address for address, page in pages.items() if page["status"] == 200]
        seen = first_seen(url, browser.cookie, [each.replace("{n}", "7") for each in there])
        alone = idle(server, facility)
        opened_pages = [each for each in plain_addresses(run) if each in there]
        shown = [opened_pages[n % len(opened_pages)] for n in range(options.open)]
        browsers = sessions(world.root, browser, math.ceil(options.open / MOST_STREAMS))
        opened = OpenPages(browsers, shown)
        time.sleep(SETTLING_SECONDS)
        held = idle(server, facility)
        opened.close()
        rounds = [
            timed_runs(world, browsers, shown, pages_first=number % 2 == 1)
            for number in range(options.rounds)
        ]
    ratios = [pair["with_pages"] / pair["without"] for pair in rounds]
    return {
        "settings": {name: getattr(options, name) for name in SETTINGS},
        "machine": platform.platform(),
        "load": os.getloadavg()[0],
        "indexed_seconds": round(indexed, 1),
        "pages": pages,
        "raw": raw,
        "first_seen_ms": seen,
        "idle_percent_of_a_core": {
            "server_alone": alone[0],
            "server_with_pages": held[0],
            "facility_alone": alone[1],
            "facility_with_pages": held[1],
        },
        "open_pages": options.open,
        "run_ms": rounds,
        "rows": table_rows(options, pages, raw, rounds),
        "run_ratio_median": round(statistics.median(ratios), 3),
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = option_parser(__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--traces", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--open", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        try:
            print(json.dumps(measure(options, Path(name)), indent=1))
        finally:
            stop_facility(Path(name) / "many")


if __name__ == "__main__":
    main()
